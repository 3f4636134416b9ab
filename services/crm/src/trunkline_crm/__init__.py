"""Customers: who is calling, what happened before, and the right to be forgotten."""
