"""What the tests of the routing rules are given."""

from collections.abc import Callable

import pytest
from trunkline_acd.domain.events import Event

# Before they are imported: a broken invariant then says which values it saw.
for module in ("books", "invariants", "index_invariants", "routing_world"):
    pytest.register_assert_rewrite(f"{__package__}.{module}")

from .routing_world import Routing, kinds, offers  # noqa: E402


@pytest.fixture
def routing() -> Routing:
    """An empty partition."""
    return Routing()


@pytest.fixture(scope="session")
def new_routing() -> Callable[[], Routing]:
    """Makes empty partitions, for properties."""
    return Routing


@pytest.fixture
def offered() -> Callable[[list[Event]], list[tuple[str, str]]]:
    return offers


@pytest.fixture
def kinds_of() -> Callable[[list[Event]], list[str]]:
    return kinds
