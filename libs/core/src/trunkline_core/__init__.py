"""Pure building blocks: no clock, network, randomness or framework is imported below this package."""
