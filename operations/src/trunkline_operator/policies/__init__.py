"""Policies that come with the tools."""
