"""Where acd meets protobuf and other services' events."""
