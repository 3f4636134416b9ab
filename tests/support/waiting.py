"""Waiting for a predicate, with a bound that only a broken system reaches."""

import time
from collections.abc import Callable

PATIENCE_S = 60.0
BETWEEN_S = 0.05


def wait_until(holds: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
    """Return when `holds()` is true. Raises: AssertionError naming `what`."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(BETWEEN_S)
