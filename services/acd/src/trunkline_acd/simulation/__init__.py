"""Callers and agents around acd's own rules, in virtual time (ADR 0020). Uses `domain` and nothing else of acd; nothing
of acd uses it: what is decided here is decided by the very code that decides in production."""
