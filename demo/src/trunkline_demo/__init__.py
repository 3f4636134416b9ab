"""A recorded day of a real call centre as a plan that Trunkline can be driven with."""
