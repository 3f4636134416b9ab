"""Contract suites: what every implementation of a port does. A test module subclasses one and brings the fixture."""
