"""Where analytics meets protobuf, Faust and the store."""
