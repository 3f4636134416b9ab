"""Tickets as pure rules: what a ticket may become."""
