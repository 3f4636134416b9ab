"""In-memory twins of adapters; each passes the same contract suite as the real one."""
