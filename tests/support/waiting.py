"""Waiting for a predicate, with a bound that only a broken system reaches."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE_S = 60.0
BETWEEN_S = 0.05
BETWEEN_ASKING_S = 0.3


def wait_until(holds: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
    """Return when `holds()` is true. Raises: AssertionError naming `what`."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(BETWEEN_S)


async def until_nothing_is_wrong(wrong: Callable[[], Awaitable[object]], what: str, within_s: float) -> None:
    """Return when `wrong()` finds nothing any more. Raises: AssertionError naming `what` and what is still wrong."""
    deadline = time.monotonic() + within_s
    while found := await wrong():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}: {found}"
        await asyncio.sleep(BETWEEN_ASKING_S)
