"""The rules of routing: which agent is offered which contact, and why. Pure: no I/O, clock or protobuf below here."""
