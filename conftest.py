"""What holds for the tests of all packages."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

# A busy machine is no failure, and a commit passes or fails the same each time; `make explore` tries other histories.
settings.register_profile("trunkline", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("trunkline")

KEPT = frozenset({"TRUNKLINE_TOOLCHAIN"})
"""Where what was downloaded lies is no setting of a centre."""

# What a person exported for a centre of their own must reach no test: it would win over what the test says.
for name in [name for name in os.environ if name.startswith("TRUNKLINE_") and name not in KEPT]:
    del os.environ[name]


class OneCentre(LoadFileScheduling):
    """Each file runs whole in one process, and all that need the running centre in the same one: then there is one."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "the centre" if _needs_the_centre(file) else file


@cache
def _needs_the_centre(file: str) -> bool:
    return file.startswith("tests/e2e/") or "centre: Layout" in (Path(__file__).parent / file).read_text("utf-8")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneCentre:
    return OneCentre(config, log)
