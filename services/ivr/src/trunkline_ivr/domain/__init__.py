"""Self-service as pure rules: which node a contact stands at and what it is told."""
