"""How a row becomes bytes and comes back, without code of its own for any service (ledger rule 16, ADR 0012).

A value is packed into what MessagePack knows: plain values as they are, everything else as a list that begins with a
tag. A dataclass is its class and its fields by name; nothing is looked up or run but classes on the list that the
service's own domain makes. Owns: the tags, and what a reader of an older or newer shape does. Must not: pickle.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from operator import attrgetter
from typing import Any

import msgspec

from trunkline_ledger.core.clock import BEGINNING

PLAIN = frozenset({type(None), bool, int, float, str, bytes})
TUPLE, OBJECT, ENUM, SET, MAPPING, TIME, DURATION = range(7)
MICROSECOND = timedelta(microseconds=1)

encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder().decode


class Unreadable(Exception):
    """This version of the service cannot read the snapshot, or it is damaged; says why, without values."""


class Packing:
    """Values to packed values.

    Args:
        class_key: what stands for a class: its name, or a number that was announced before.
    """

    def __init__(self, class_key: Callable[[type], str | int]) -> None:
        self._class_key = class_key
        self._ways: dict[type, Callable[[Any], Any]] = {
            tuple: lambda value: [TUPLE, *map(self.pack, value)],
            frozenset: lambda value: [SET, *sorted(map(self.pack, value), key=encode)],
            dict: self._pack_mapping,
            datetime: lambda value: [TIME, (value - BEGINNING) // MICROSECOND],
            timedelta: lambda value: [DURATION, value // MICROSECOND],
        }

    def pack(self, value: Any) -> Any:
        """Return the packed value. Raises: TypeError for what no row may hold."""
        kind = type(value)
        if kind in PLAIN:
            return value
        return (self._ways.get(kind) or self._learn(kind))(value)

    def _pack_mapping(self, value: Mapping[Any, Any]) -> Any:
        return [MAPPING, *sorted(([self.pack(key), self.pack(one)] for key, one in value.items()), key=encode)]

    def _learn(self, kind: type) -> Callable[[Any], Any]:
        key = self._class_key(kind)
        way = self._enum_way(key) if issubclass(kind, Enum) else self._object_way(key, field_names(kind))
        self._ways[kind] = way
        return way

    def _enum_way(self, key: str | int) -> Callable[[Any], Any]:
        return lambda value: [ENUM, key, value.name]

    def _object_way(self, key: str | int, names: tuple[str, ...]) -> Callable[[Any], Any]:
        pack, plain = self.pack, PLAIN
        if not names:
            return lambda _: [OBJECT, key]
        values_of = attrgetter(*names) if len(names) > 1 else lambda value: (getattr(value, names[0]),)
        return lambda value: [OBJECT, key, *[one if type(one) in plain else pack(one) for one in values_of(value)]]


class Unpacking:
    """Packed values to values.

    Args:
        classes: which may be named.
        is_older: whether the snapshot was written under an older schema version; then a missing field has its default.
    """

    def __init__(self, classes: "Classes", *, is_older: bool = False) -> None:
        self._classes = classes
        self._is_older = is_older
        self._makers: list[Callable[[list[Any]], Any]] = []
        self._ways: tuple[Callable[[list[Any]], Any], ...] = (
            lambda packed: tuple(map(self.unpack, packed[1:])),
            lambda packed: self._makers[packed[1]](packed),
            lambda packed: self._makers[packed[1]](packed),
            lambda packed: frozenset(map(self.unpack, packed[1:])),
            lambda packed: {self.unpack(key): self.unpack(value) for key, value in packed[1:]},
            lambda packed: BEGINNING + packed[1] * MICROSECOND,
            lambda packed: packed[1] * MICROSECOND,
        )

    def learn(self, name: str, names: list[str]) -> None:
        """Take the next class into use: its name, and its fields in the order of their values. Raises: Unreadable."""
        kind = self._classes.find(name)
        if issubclass(kind, Enum):
            self._makers.append(lambda packed: kind[packed[2]])
            return
        self._check_fields(kind, names)
        unpack, keys = self.unpack, tuple(names)
        self._makers.append(
            lambda packed: kind(**dict(zip(keys, map(unpack, packed[2:]), strict=True)))  # by name: order may change
        )

    def unpack(self, packed: Any) -> Any:
        """Return the value. Raises: LookupError, TypeError, ValueError for what is no packed value."""
        return self._ways[packed[0]](packed) if type(packed) is list else packed

    def _check_fields(self, kind: type, names: list[str]) -> None:
        known = field_names(kind)
        if unknown := set(names).difference(known):
            raise Unreadable(f"{kind.__name__} has no field {min(unknown)}")
        missing = set(known).difference(names)
        if missing := missing - _optional(kind) if self._is_older else missing:
            raise Unreadable(f"{kind.__name__} was written without {min(missing)}")


class Classes:
    """Classes that rows of one service may be made of: frozen dataclasses, named tuples and enums of these modules."""

    def __init__(self, roots: Iterable[str]) -> None:
        self._roots = tuple(roots)

    def find(self, name: str) -> type:
        """Return the class; nothing is imported. Raises: Unreadable."""
        module, _, class_name = name.partition(":")
        if any(module == root or module.startswith(f"{root}.") for root in self._roots):
            found = getattr(sys.modules.get(module), class_name, None)
            if isinstance(found, type) and found.__module__ == module and _is_row_class(found):
                return found
        raise Unreadable(f"{name} is no class of this version's rows")


def class_name(kind: type) -> str:
    """Return the name under which a class stands in a snapshot. Raises: TypeError for what no row may be made of."""
    if not _is_row_class(kind):
        raise TypeError(f"{kind.__module__}:{kind.__qualname__} cannot stand in a snapshot")
    return f"{kind.__module__}:{kind.__qualname__}"


def field_names(kind: type) -> tuple[str, ...]:
    """Return the fields of a dataclass or named tuple that make it, none for an enum."""
    if issubclass(kind, Enum):
        return ()
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind) if field.init)
    names: tuple[str, ...] = getattr(kind, "_fields", ())
    return names


def _optional(kind: type) -> set[str]:
    if is_dataclass(kind):
        return {
            field.name for field in fields(kind) if field.default is not MISSING or field.default_factory is not MISSING
        }
    return set(getattr(kind, "_field_defaults", ()))


def _is_row_class(kind: type) -> bool:
    if is_dataclass(kind):
        is_frozen: bool = kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
        return is_frozen
    return issubclass(kind, Enum) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
