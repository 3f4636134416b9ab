"""Customers as pure rules: which customer an address belongs to, and that an erased one is gone."""
