"""What analytics does besides computing."""
