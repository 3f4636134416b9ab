"""Where console meets protobuf, Kafka, hashing and other services."""
