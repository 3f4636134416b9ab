"""Waiting for a condition on state that other tasks of the same loop change."""

import asyncio
from collections.abc import Callable


class Progress:
    """Wakes those who wait for a predicate, each time something moved on."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], None] = {}  # in order of their coming: a simulated run repeats itself

    def notify(self) -> None:
        """Something moved on: let everybody look again."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    async def until(self, predicate: Callable[[], bool], timeout_s: float) -> None:
        """Return when the predicate holds. Raises: TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not predicate():
                await self._next()

    async def _next(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = None
        try:
            await waiter
        finally:
            del self._waiting[waiter]
