"""Chaos on real brokers: a busy centre whose processes, brokers, network and clocks fail, and a judge at the end.

`python -m chaos` with tests and tests/support on the path; `make chaos` runs it. Must not: be imported by the product.
"""
