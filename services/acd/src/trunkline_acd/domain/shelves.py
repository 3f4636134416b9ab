"""Ordered sets by name, for indexes of rows: who is first on this shelf?

Owns: order and undo. An entry is a tuple that sorts by itself and ends with the row's id, so that it is unique.
Must not: know what is on a shelf.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from trunkline_core.tables import Journal

K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=tuple[Any, ...])


class Shelves(Generic[K, T]):
    """Sorted entries per key; an empty shelf is no shelf. Finding is O(log n), a change moves pointers only.

    Keys are found by what `kind_of` tells of each, where it is given.
    """

    def __init__(self, journal: Journal, kind_of: Callable[[K], Hashable] | None = None) -> None:
        self._journal, self._kind_of = journal, kind_of
        self._shelves: dict[K, list[T]] = {}
        self._kinds: dict[Any, dict[K, None]] = {}
        self.key_changes = 0  # how often a shelf came or went, for what is worked out from the keys

    def __len__(self) -> int:
        return len(self._shelves)

    def __iter__(self) -> Iterator[K]:
        return iter(self._shelves)

    def items(self) -> Iterator[tuple[K, tuple[T, ...]]]:
        """Iterate over keys and shelves, for a snapshot."""
        return ((key, tuple(shelf)) for key, shelf in self._shelves.items())

    def load(self, shelves: Iterable[tuple[K, tuple[T, ...]]]) -> None:
        """Replace everything by shelves of a snapshot; this cannot be taken back."""
        self._shelves, self._kinds = {}, {}
        for key, entries in shelves:
            self._open(key, list(entries))

    def kinds(self) -> Iterator[tuple[Any, Collection[K]]]:
        """Iterate over all kinds and the keys of each."""
        return iter(self._kinds.items())

    def entries(self, key: K) -> Iterator[T]:
        """Iterate over one shelf, first entry first; do not change it meanwhile."""
        return iter(self._shelves.get(key, ()))

    def first(self, key: K) -> T | None:
        """Return the first entry, or None where the shelf is empty."""
        shelf = self._shelves.get(key)
        return shelf[0] if shelf else None

    def size(self, key: K) -> int:
        """Return how many entries the shelf has."""
        return len(self._shelves.get(key, ()))

    def at(self, key: K, number: int) -> T:
        """Return one entry by its number from 0. Raises: IndexError, KeyError where there is none."""
        return self._shelves[key][number]

    def size_before(self, key: K, entry: tuple[Any, ...]) -> int:
        """Return how many entries sort before that one, which need not be there."""
        return bisect_left(self._shelves.get(key, ()), entry)

    def add(self, key: K, entry: T) -> None:
        """Put an entry, which must not be there yet, on its place."""
        self._insert(key, entry)
        self._journal.record(lambda: self._take(key, entry))

    def remove(self, key: K, entry: T) -> None:
        """Take an entry away. Raises: KeyError where it is not there."""
        self._take(key, entry)
        self._journal.record(lambda: self._insert(key, entry))

    def _insert(self, key: K, entry: T) -> None:
        shelf = self._shelves.get(key)
        if shelf is None:
            self._open(key, [entry])
        else:
            insort(shelf, entry)

    def _take(self, key: K, entry: T) -> None:
        shelf = self._shelves.get(key, [])
        place = bisect_left(shelf, entry)
        if place == len(shelf) or shelf[place] != entry:
            raise KeyError(entry)
        del shelf[place]
        if not shelf:
            self._close(key)

    def _open(self, key: K, entries: list[T]) -> None:
        self._shelves[key] = entries
        self.key_changes += 1
        if self._kind_of:
            self._kinds.setdefault(self._kind_of(key), {})[key] = None

    def _close(self, key: K) -> None:
        del self._shelves[key]
        self.key_changes += 1
        if self._kind_of:
            kind = self._kind_of(key)
            del self._kinds[kind][key]
            if not self._kinds[kind]:
                del self._kinds[kind]
