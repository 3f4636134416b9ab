"""acd and channels a release later: each writes an event type that the release in this tree does not know.

Nothing is prepared for it: no release in between reads the new type, so replicas that still run the old one must stand
aside (ledger rule 21), and whoever else reads the ledgers goes on without it. Must not: be known to the product.
"""
