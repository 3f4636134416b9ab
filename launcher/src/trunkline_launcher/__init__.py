"""Starts the whole centre on one machine under one supervisor."""
