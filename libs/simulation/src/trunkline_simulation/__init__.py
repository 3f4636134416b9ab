"""A decider in virtual time, what happens around it, and how sure its figures are. Pure: seeded, no clock, no I/O."""
