"""Rows of one partition's state: frozen values behind put and delete.

Owns: the rows and the undo list of the batch in flight, so that a batch which did not become effective is taken back
without copying the state.
Must not: know any business rule, clock or I/O.
"""

from collections.abc import Callable, Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

Undo = Callable[[], None]


class Journal:
    """Undo steps since the last commit, newest last."""

    def __init__(self) -> None:
        self._steps: list[Undo] = []

    def mark(self) -> int:
        """Return a position to which `rollback` can return."""
        return len(self._steps)

    def record(self, step: Undo) -> None:
        """Remember how to take the change just made back."""
        self._steps.append(step)

    def rollback(self, mark: int = 0) -> None:
        """Take back, newest first, every change made since `mark`."""
        while len(self._steps) > mark:
            self._steps.pop()()

    def commit(self) -> None:
        """Make every change so far final."""
        self._steps.clear()


class Table(Generic[K, V]):
    """Rows by key; every change can be taken back until the journal commits."""

    def __init__(self, journal: Journal) -> None:
        self._rows: dict[K, V] = {}
        self._journal = journal

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def get(self, key: K) -> V | None:
        """Return the row, or None where there is none."""
        return self._rows.get(key)

    def values(self) -> Iterator[V]:
        """Iterate over the rows; do not change the table meanwhile."""
        return iter(self._rows.values())

    def put(self, key: K, row: V) -> None:
        """Insert or replace one row."""
        self._record_restore(key)
        self._rows[key] = row

    def delete(self, key: K) -> None:
        """Remove one row. Raises: KeyError where there is none."""
        if key not in self._rows:
            raise KeyError(key)
        self._record_restore(key)
        del self._rows[key]

    def _record_restore(self, key: K) -> None:
        if key in self._rows:
            before = self._rows[key]
            self._journal.record(lambda: self._rows.__setitem__(key, before))
        else:
            self._journal.record(lambda: self._rows.__delitem__(key))
