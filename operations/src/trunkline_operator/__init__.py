"""The operator's tools: look at ledgers, move them, keep copies of them. No service runs them or needs them."""
