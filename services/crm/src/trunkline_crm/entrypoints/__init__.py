"""How others reach crm: REST beside the commands of gRPC."""
