"""Which tests stay together when several processes run them: those of a file, and all that share the whole centre."""

import pytest
from hypothesis import settings

settings.register_profile("trunkline", deadline=None)  # a busy machine is no failure
settings.load_profile("trunkline")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give the test the group that `--dist loadgroup` keeps in one process: no costly fixture is made twice.

    Here and not after the collection: by then xdist has read the groups.
    """
    group = "centre" if "centre" in getattr(item, "fixturenames", ()) else item.nodeid.partition("::")[0]
    item.add_marker(pytest.mark.xdist_group(group))
