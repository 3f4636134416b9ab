"""Rows that are remembered for a while only: answers to repeated steps, traces of what is over.

Owns: how long and how many rows live; rows fade while others are put, so no timer and no event is needed.
Must not: read a clock.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from trunkline_core.tables import Journal, Table

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_DROPS_PER_PUT = 8  # more than one, so that the table shrinks; few, so that no put takes long


@dataclass(frozen=True, slots=True)
class _Faded(Generic[V]):
    row: V
    number: int
    ends: datetime


class FadingTable(Generic[K, V]):
    """Rows by key, each for `life` after it was put; beyond `max_rows` the oldest goes early."""

    def __init__(self, journal: Journal, life: timedelta, max_rows: int) -> None:
        self._rows: Table[K, _Faded[V]] = Table(journal)
        self._order: Table[int, K] = Table(journal)
        self._numbers: Table[str, int] = Table(journal)
        self._life = life
        self._max_rows = max_rows

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: K, now: datetime) -> V | None:
        """Return the row, or None where there is none any more."""
        faded = self._rows.get(key)
        return faded.row if faded is not None and faded.ends > now else None

    def values(self) -> Iterator[V]:
        """Iterate over the rows, also over some whose life is over; do not change the table meanwhile."""
        return (faded.row for faded in self._rows.values())

    def put(self, key: K, row: V, now: datetime) -> None:
        """Remember the row from `now` on, and let a few that are over go."""
        number = self._number("next")
        self._rows.put(key, _Faded(row, number, now + self._life))
        self._order.put(number, key)
        self._numbers.put("next", number + 1)
        for _ in range(_DROPS_PER_PUT):
            if not self._drop_oldest(now):
                return

    def forget(self, key: K) -> None:
        """Drop the row; nothing happens where there is none."""
        if key in self._rows:
            self._rows.delete(key)

    def dropped_early(self) -> int:
        """Return how many rows went before their time because there were too many."""
        return self._number("dropped early")

    def _drop_oldest(self, now: datetime) -> bool:
        number = self._number("first")
        key = self._order.get(number)
        if key is None:
            return False
        faded = self._rows.get(key)
        if faded is not None and faded.number == number:
            if faded.ends > now:
                if len(self._rows) <= self._max_rows:
                    return False
                self._numbers.put("dropped early", self.dropped_early() + 1)
            self._rows.delete(key)
        self._order.delete(number)
        self._numbers.put("first", number + 1)
        return True

    def _number(self, name: str) -> int:
        return self._numbers.get(name) or 0
