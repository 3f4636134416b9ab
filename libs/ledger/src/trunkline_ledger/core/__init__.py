"""The ledger as a state machine: records, acknowledgements and commands in; records, replies and pushes out. No I/O."""
