"""Rows of one partition's state: frozen values behind put and delete.

Owns: the rows and the undo list of the batch in flight, so that a batch which did not become effective is taken back
without copying the state.
Must not: know any business rule, clock or I/O.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
P = TypeVar("P")

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


@runtime_checkable
class Rows(Protocol):
    """What a snapshot of the state consists of: rows by key."""

    def __len__(self) -> int: ...

    def items(self) -> Iterator[tuple[Any, Any]]:
        """Iterate over keys and rows in the order that the rules see."""
        ...

    def load(self, rows: Iterable[tuple[Any, Any]]) -> None:
        """Replace everything by rows of a snapshot, in their order; this cannot be taken back."""
        ...


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

    def items(self) -> Iterator[tuple[K, V]]:
        """Iterate over keys and rows; do not change the table meanwhile."""
        return iter(self._rows.items())

    def load(self, rows: Iterable[tuple[K, V]]) -> None:
        """Replace everything by rows of a snapshot; this cannot be taken back."""
        self._rows = dict(rows)

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


class Family(Generic[P]):
    """Groups of tables by name, for example one for each tenant; one without rows is no state."""

    def __init__(self, make: Callable[[str], P]) -> None:
        self._make = make
        self._members: dict[str, P] = {}

    def of(self, name: str) -> P:
        """Return the group, made where it is missing."""
        if name not in self._members:
            self._members[name] = self._make(name)
        return self._members[name]

    def items(self) -> Iterator[tuple[str, P]]:
        """Iterate over names and groups."""
        return iter(self._members.items())
