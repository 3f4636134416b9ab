"""Tickets: created with one click, followed to their end."""
