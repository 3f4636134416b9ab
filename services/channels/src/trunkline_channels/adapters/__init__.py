"""Translations between the domain and protobuf, other services and stored text."""
