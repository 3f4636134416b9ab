"""What holds for the tests of all packages."""

import os

from hypothesis import settings

settings.register_profile("trunkline", deadline=None)  # a busy machine is no failure
settings.load_profile("trunkline")

KEPT = frozenset({"TRUNKLINE_TOOLCHAIN"})
"""Where what was downloaded lies is no setting of a centre."""

# What a person exported for a centre of their own must reach no test: it would win over what the test says.
for name in [name for name in os.environ if name.startswith("TRUNKLINE_") and name not in KEPT]:
    del os.environ[name]
