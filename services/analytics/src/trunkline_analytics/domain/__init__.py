"""Metric definitions as pure functions: the demo, the wall and the reports compute with these and nothing else."""
