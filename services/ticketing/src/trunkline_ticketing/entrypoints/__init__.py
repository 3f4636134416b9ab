"""How others reach ticketing: REST beside the commands of gRPC."""
