"""The ledger's whole runtime under a seed: replicas, log, faults, clients and time in one loop, the same each time."""
