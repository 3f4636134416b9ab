"""What tests share: one Kafka and one store a session, twins with contracts, virtual time, the ledger checker."""
