"""Derived figures: live tables, the public journal, queue segments, metric definitions."""
