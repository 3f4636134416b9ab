"""The wire contract, generated from protos/; edit the protos and run `make protos`."""
