"""The thin shell around the core: producers, consumers, group membership, topics."""
