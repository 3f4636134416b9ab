"""Where the rows of a state lie: every table by its path, found by walking the state's attributes (ledger rule 16).

Owns: that nothing which could change is overlooked; what is no table, index or constant is refused.
Must not: know a service, or how rows are written.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from trunkline_core.tables import Family, Journal, Rows

Path = tuple[str, ...]

CONSTANTS = (type(None), bool, int, float, str, bytes, datetime, timedelta, Enum)
INDEXES = (list, dict, set)


class NoTable(Exception):
    """A state holds something that a snapshot would forget: a defect of the service."""


class Contents:
    """Tables, and constants beside them, of an object and all objects it consists of.

    An object with a method `reindex` may keep indexes in plain lists, dicts and sets: they follow from its tables.
    """

    def __init__(self, root: object) -> None:
        self._root = root

    def tables(self) -> Iterator[tuple[Path, Rows]]:
        """Return every table once, also empty ones; members of a family only where one of their tables has rows."""
        return ((path, leaf) for path, leaf in self.leaves() if isinstance(leaf, Rows))

    def leaves(self) -> Iterator[tuple[Path, Any]]:
        """Return tables and constants, those of an object before those of the objects it consists of."""
        return _leaves((), self._root, set())

    def table(self, path: Path) -> Rows:
        """Return the table at the path; members of families are made. Raises: KeyError."""
        found = self._root
        for name in path:
            found = found.of(name) if isinstance(found, Family) else vars(found)[name]
        if not isinstance(found, Rows):
            raise KeyError(path)
        return found

    def reindex(self) -> None:
        """Let every object build its indexes from its tables."""
        _reindex(self._root)


def _leaves(path: Path, found: object, seen: set[int]) -> Iterator[tuple[Path, Any]]:
    parts = []
    for name, value in sorted(vars(found).items()):
        if isinstance(value, Rows):
            if _is_new(value, seen):
                yield (*path, name), value
        elif isinstance(value, CONSTANTS):
            yield (*path, name), value
        elif _is_part(value):
            parts.append((name, value))
        elif not _is_passive(found, value):
            raise NoTable(f"{type(found).__name__}.{name} is no table: a snapshot would forget it")
    for name, value in parts:
        inner = _member_leaves if isinstance(value, Family) else _leaves
        yield from inner((*path, name), value, seen)


def _member_leaves(path: Path, family: "Family[Any]", seen: set[int]) -> Iterator[tuple[Path, Any]]:
    for name, member in sorted(family.items()):
        leaves = list(_leaves((*path, name), member, seen))
        if any(isinstance(leaf, Rows) and len(leaf) for _, leaf in leaves):
            yield from leaves


def _reindex(found: object) -> None:
    for value in vars(found).values():
        if isinstance(value, Family):
            for _, member in value.items():
                _reindex(member)
        elif not isinstance(value, (Rows, *CONSTANTS)) and _is_part(value):
            _reindex(value)
    if hasattr(found, "reindex"):
        found.reindex()


def _is_new(table: Rows, seen: set[int]) -> bool:
    """Tell whether the table was not met before: several objects may share one."""
    is_new = id(table) not in seen
    seen.add(id(table))
    return is_new


def _is_part(value: object) -> bool:
    return hasattr(value, "__dict__") and not isinstance(value, Journal) and not callable(value)


def _is_passive(owner: object, value: object) -> bool:
    return isinstance(value, Journal) or callable(value) or (isinstance(value, INDEXES) and hasattr(owner, "reindex"))
