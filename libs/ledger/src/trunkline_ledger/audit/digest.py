"""One hash of everything a fold holds: the same wherever the same log was folded, on every version of Python.

Owns: the canonical walk. Left out are undo lists, orders that may still hold what was taken back, and the clock: an
owner's also ran on by commands that left no record.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from trunkline_core.tables import Journal
from trunkline_core.timers import Timers

from trunkline_ledger.core.fold import Fold


def state_digest(fold: Fold[Any, Any, Any]) -> str:
    """Return 64 hexadecimal digits."""
    held = (
        fold.next_offset,
        fold.epochs.epoch,
        fold.state,
        fold.versions,
        fold.marks,
        fold.window._entries,
    )
    return hashlib.sha256(canonical(held)).hexdigest()


def canonical(value: object) -> bytes:
    """Return bytes that equal values give, whatever the order of their mappings and sets. Raises: TypeError."""
    for kinds, write in _WRITERS:
        if isinstance(value, kinds):
            return write(value)
    return _framed(type(value).__name__, _attributes(value))


def _attributes(value: object) -> Iterable[bytes]:
    if is_dataclass(value):
        named: Mapping[str, object] = {field.name: getattr(value, field.name) for field in fields(value)}
    elif hasattr(value, "__dict__"):
        named = {name: part for name, part in vars(value).items() if not isinstance(part, Journal)}
    else:
        raise TypeError(f"{type(value).__name__} has no canonical form")
    return (canonical(pair) for pair in sorted(named.items(), key=lambda pair: pair[0]))


def _framed(kind: str, parts: Iterable[bytes]) -> bytes:
    return b"%s(%s)" % (kind.encode(), b"".join(b"%d:%s" % (len(part), part) for part in parts))


def _mapping(value: Any) -> bytes:
    return _framed("map", sorted(_framed("", (canonical(key), canonical(row))) for key, row in value.items()))


def _timers(value: Any) -> bytes:
    return _framed("timers", (canonical(value._pending), canonical(value.grace_until)))


_WRITERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], bytes]], ...] = (
    (type(None), lambda value: b"none"),
    (Enum, lambda value: f"{type(value).__name__}.{value.name}".encode()),
    ((bool, int), lambda value: b"%d" % value),
    (float, lambda value: value.hex().encode()),
    (str, lambda value: b"s" + value.encode()),
    (bytes, lambda value: b"b" + value),
    (datetime, lambda value: value.isoformat().encode()),
    (timedelta, lambda value: b"t%d" % (value // timedelta(microseconds=1))),
    (Mapping, _mapping),
    ((set, frozenset), lambda value: _framed("set", sorted(map(canonical, value)))),
    ((list, tuple), lambda value: _framed("list", map(canonical, value))),
    (Timers, _timers),
)
