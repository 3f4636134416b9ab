"""Waiting for a condition on state that other tasks of the same loop change."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    predicate: Callable[[], bool]
    view: Callable[[], Any]
    found: "asyncio.Future[Any]"

    def look(self) -> None:
        """Look now: whoever looks a step later may find that it moved on again."""
        try:
            if not self.found.done() and self.predicate():
                self.found.set_result(self.view())
        except Exception as error:  # it is the waiter's, and must not stop who moves on
            self.found.set_exception(error)


class Progress:
    """Looks for those who wait for a predicate, each time something moved on."""

    def __init__(self) -> None:
        self._waiting: dict[_Waiter, None] = {}  # in order of their coming: a simulated run repeats itself

    def notify(self) -> None:
        """Something moved on: look for everybody."""
        for waiter in self._waiting:
            waiter.look()

    async def until(self, predicate: Callable[[], bool], timeout_s: float) -> None:
        """Return when the predicate held. Raises: TimeoutError."""
        await self.when(predicate, lambda: None, timeout_s)

    async def when(self, predicate: Callable[[], bool], view: Callable[[], R], timeout_s: float) -> R:
        """Return `view()` of a moment at which the predicate held, however short that was. Raises: TimeoutError."""
        waiter = _Waiter(predicate, view, asyncio.get_running_loop().create_future())
        waiter.look()
        self._waiting[waiter] = None
        try:
            async with asyncio.timeout(timeout_s):
                found: R = await waiter.found
            return found
        finally:
            del self._waiting[waiter]
