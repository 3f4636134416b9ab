"""Bounded queues of waiting commands: the more urgent lane first, turns within a lane (ledger rule 20).

Owns: who goes next and who is refused. Those who take turns are named by the caller: a tenant, or a process manager's
source. Must not: reorder the commands of one of them.
"""

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from trunkline_core.errors import Overloaded

from trunkline_ledger.submission import Lane

T = TypeVar("T")

BOUNDS = {Lane.INTERNAL: 100_000, Lane.ENDING: 10_000, Lane.NEW: 5_000}
RESERVE = 10_000  # of the internal lane, kept for what arrives from outside this process while many timers are due
GREED = 4
"""How many times what is free of a lane one tenant may hold of it (Choudhury and Hahne, "Dynamic queue length
thresholds", 1998): alone four fifths, two of them four ninths each, and always something is left for the next."""
RETRY_S = 1.0


class _Turns(Generic[T]):
    """One lane: a queue for each who waits; a turn is one item."""

    def __init__(self) -> None:
        self._waiting: dict[Hashable, deque[T]] = {}
        self._order: deque[Hashable] = deque()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def held_by(self, turn: Hashable) -> int:
        return len(self._waiting.get(turn, ()))

    def put(self, turn: Hashable, item: T) -> None:
        if turn not in self._waiting:
            self._waiting[turn] = deque()
            self._order.append(turn)
        self._waiting[turn].append(item)
        self._size += 1

    def take(self) -> T:
        turn = self._order.popleft()
        queue = self._waiting[turn]
        item = queue.popleft()
        if queue:
            self._order.append(turn)
        else:
            del self._waiting[turn]
        self._size -= 1
        return item


class Lanes(Generic[T]):
    """The three lanes of one partition."""

    def __init__(self) -> None:
        self._lanes: dict[Lane, _Turns[T]] = {lane: _Turns() for lane in Lane}

    def __len__(self) -> int:
        return sum(len(turns) for turns in self._lanes.values())

    def is_full(self, lane: Lane) -> bool:
        """Whether only the reserve of the lane is left."""
        return len(self._lanes[lane]) + RESERVE >= BOUNDS[lane]

    def put(self, lane: Lane, turn: Hashable, item: T) -> None:
        """Append to what `turn` has waiting.

        Raises: Overloaded when the lane is full; but for the internal lane also when `turn` holds its part of it.
        """
        turns = self._lanes[lane]
        free = BOUNDS[lane] - len(turns)
        if free <= 0:
            raise Overloaded("the command queue", RETRY_S)
        if lane is not Lane.INTERNAL and turns.held_by(turn) >= GREED * free:
            raise Overloaded("the tenant's part of the command queue", RETRY_S)
        turns.put(turn, item)

    def take(self) -> T | None:
        """Remove and return the next item, None when all lanes are empty."""
        for turns in self._lanes.values():
            if len(turns):
                return turns.take()
        return None

    def drain(self) -> list[T]:
        """Remove and return everything."""
        return [turns.take() for turns in self._lanes.values() for _ in range(len(turns))]
