"""Where customers meet the outside: protobuf on Kafka and gRPC, the read model in the store."""
