"""The rules of a contact's life, from opening to being forgotten. Pure: no I/O, clock or protobuf below here."""
