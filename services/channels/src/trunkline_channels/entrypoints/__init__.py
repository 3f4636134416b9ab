"""Where the outside comes in: gRPC for services and gateways, HTTP and WebSocket for chat pages."""
