"""How others reach ivr: commands over gRPC, made by the platform; here is who may send them."""
