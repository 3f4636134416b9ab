"""How acd is reached."""
