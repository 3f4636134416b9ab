"""Where self-service meets the outside: protobuf on Kafka and gRPC."""
