"""Versioned self-service flows for text and voice alike."""
