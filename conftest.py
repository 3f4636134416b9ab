"""Which tests stay together when several processes run them: those of a file, and all that share the whole centre."""

import pytest
from hypothesis import settings

settings.register_profile("trunkline", deadline=None)  # a busy machine is no failure
settings.load_profile("trunkline")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test the group that `--dist loadgroup` keeps in one process: no costly fixture is made twice."""
    for item in items:
        group = "centre" if "centre" in getattr(item, "fixturenames", ()) else item.nodeid.partition("::")[0]
        item.add_marker(pytest.mark.xdist_group(group))
