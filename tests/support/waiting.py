"""Waiting for a predicate, with a bound that only a broken system reaches."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

PATIENCE_S = 120.0
BETWEEN_S = 0.05
BETWEEN_LOOKS_S = 0.02  # at what this process has in memory
BETWEEN_QUESTIONS_S = 0.1
BETWEEN_JUDGEMENTS_S = 0.3

T = TypeVar("T")


def wait_until(holds: Callable[[], object], what: str, within_s: float = PATIENCE_S) -> None:
    """Return when `holds()` is true. Raises: AssertionError naming `what`."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(BETWEEN_S)


async def until(holds: Callable[[], T], what: str = "what is waited for", within_s: float = PATIENCE_S) -> T:
    """Return what `holds()` returns as soon as it is true. Raises: AssertionError naming `what`."""
    deadline = time.monotonic() + within_s
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(BETWEEN_LOOKS_S)
    return found


async def until_told(
    ask: Callable[[], Awaitable[T]], what: str = "what is asked for", within_s: float = PATIENCE_S
) -> T:
    """Return what `ask()` tells as soon as it is true. Raises: AssertionError naming `what`."""
    deadline = time.monotonic() + within_s
    while not (told := await ask()):
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        await asyncio.sleep(BETWEEN_QUESTIONS_S)
    return told


async def until_nothing_is_wrong(wrong: Callable[[], Awaitable[object]], what: str, within_s: float) -> None:
    """Return when `wrong()` finds nothing any more. Raises: AssertionError naming `what` and what is still wrong."""
    deadline = time.monotonic() + within_s
    while found := await wrong():
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}: {found}"
        await asyncio.sleep(BETWEEN_JUDGEMENTS_S)
