"""Bounded queues of waiting commands, the more urgent lane first (ledger rule 20). Must not: reorder within a lane."""

from collections import deque
from typing import Generic, TypeVar

from trunkline_core.errors import Overloaded

from trunkline_ledger.submission import Lane

T = TypeVar("T")

BOUNDS = {Lane.INTERNAL: 100_000, Lane.ENDING: 10_000, Lane.NEW: 5_000}
RESERVE = 10_000  # of the internal lane, kept for what arrives from outside this process while many timers are due


class Lanes(Generic[T]):
    """Three queues of one partition."""

    def __init__(self) -> None:
        self._queues: dict[Lane, deque[T]] = {lane: deque() for lane in Lane}

    def __len__(self) -> int:
        return sum(len(queue) for queue in self._queues.values())

    def is_full(self, lane: Lane) -> bool:
        """Whether only the reserve of the lane is left."""
        return len(self._queues[lane]) + RESERVE >= BOUNDS[lane]

    def put(self, lane: Lane, item: T) -> None:
        """Append. Raises: Overloaded when the lane is full."""
        queue = self._queues[lane]
        if len(queue) >= BOUNDS[lane]:
            raise Overloaded("the command queue", retry_after_s=1.0)
        queue.append(item)

    def take(self) -> T | None:
        """Remove and return the next item, None when all lanes are empty."""
        for queue in self._queues.values():
            if queue:
                return queue.popleft()
        return None

    def drain(self) -> list[T]:
        """Remove and return everything."""
        items = [item for queue in self._queues.values() for item in queue]
        for queue in self._queues.values():
            queue.clear()
        return items
