"""Ids by name, for indexes of rows: which contacts does this peer hold?

Owns: the undo of index entries. Must not: know what is on a shelf.
"""

from collections.abc import Iterable, Iterator

from trunkline_core.tables import Journal


class Shelves:
    """Sets of ids per key; an empty shelf is no shelf. Every change can be taken back until the journal commits."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._shelves: dict[str, set[str]] = {}

    def __len__(self) -> int:
        return len(self._shelves)

    def items(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Iterate over names and shelves, for a snapshot."""
        return ((name, frozenset(shelf)) for name, shelf in self._shelves.items())

    def load(self, shelves: Iterable[tuple[str, frozenset[str]]]) -> None:
        """Replace everything by shelves of a snapshot; this cannot be taken back."""
        self._shelves = {name: set(entries) for name, entries in shelves}

    def names(self) -> frozenset[str]:
        """Return the names of the shelves."""
        return frozenset(self._shelves)

    def entries(self, key: str) -> list[str]:
        """Return the ids of one shelf in order."""
        return sorted(self._shelves.get(key, ()))

    def add(self, key: str, row_id: str) -> None:
        """Put an id on a shelf where it is not yet."""
        self._insert(key, row_id)
        self._journal.record(lambda: self._take(key, row_id))

    def remove(self, key: str, row_id: str) -> None:
        """Take an id away. Raises: KeyError where it is not there."""
        self._take(key, row_id)
        self._journal.record(lambda: self._insert(key, row_id))

    def _insert(self, key: str, row_id: str) -> None:
        self._shelves.setdefault(key, set()).add(row_id)

    def _take(self, key: str, row_id: str) -> None:
        shelf = self._shelves[key]
        shelf.remove(row_id)
        if not shelf:
            del self._shelves[key]
