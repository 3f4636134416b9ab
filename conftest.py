"""What holds for the tests of all packages."""

from hypothesis import settings

settings.register_profile("trunkline", deadline=None)  # a busy machine is no failure
settings.load_profile("trunkline")
