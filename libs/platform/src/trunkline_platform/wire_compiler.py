"""Turns a dataclass and its message into two closures; the rules stand in `wire`.

Owns: checking that both sides fit. Must not: be used outside `wire`.
"""

import dataclasses
import functools
import operator
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final, Union

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from trunkline_platform.wire_times import Unreadable, duration, moment, span, timestamp

Convert = Callable[[Any], Any]
Descriptor = Any  # protobuf's own types say that everything in a descriptor may be missing


class WireMismatch(TypeError):
    """A dataclass and its message do not fit together; raised while a mapper is built."""


@dataclasses.dataclass(frozen=True, slots=True)
class Conversion:
    """Both directions of one type; None where the value is the same on both sides."""

    encode: Convert | None
    decode: Convert | None


SAME: Final = Conversion(None, None)


class UnionWire:
    """A closed union of dataclasses ⇄ a message with one oneof that has a field for each of them."""

    def __init__(self, union: Any, message: type[Message], compiler: "Compiler | None" = None) -> None:
        """`union` is `A | B | C`, one class, or a sequence of classes. Raises: WireMismatch."""
        self._message = message
        self._oneof = _only_oneof(message.DESCRIPTOR)
        compiler = compiler or Compiler()
        self._encoders: dict[type, tuple[str, Convert]] = {}
        self._decoders: dict[str, Convert] = {}
        self.type_names: dict[type, str] = {}
        for domain, field in _fields_by_class(members(union), message.DESCRIPTOR, self._oneof).items():
            conversion = compiler.message(domain, field.message_type)
            assert conversion.encode is not None and conversion.decode is not None
            self._encoders[domain] = (field.name, conversion.encode)
            self._decoders[field.name] = conversion.decode
            self.type_names[domain] = field.message_type.full_name

    def to_message(self, value: Any, **others: Any) -> Any:
        """Return the message around `value`; `others` are its fields outside the oneof."""
        name, encode = self._encoders[type(value)]
        return self._message(**{name: encode(value)}, **others)

    def read(self, message: Message) -> Any:
        """Raises: Unreadable."""
        name = message.WhichOneof(self._oneof)
        if name is None:
            raise Unreadable(self._oneof, "must be set to a known kind")
        try:
            return self._decoders[name](getattr(message, name))
        except Unreadable as trouble:
            raise trouble.inside(name) from None


def members(union: Any) -> tuple[type, ...]:
    """Return the classes of a union, of a sequence of classes, or the class itself."""
    if isinstance(union, Sequence):
        return tuple(union)
    if typing.get_origin(union) in (Union, types.UnionType):
        return typing.get_args(union)
    return (union,)


_SCALARS: Final[dict[type, frozenset[int]]] = {
    str: frozenset({FieldDescriptor.CPPTYPE_STRING}),
    bytes: frozenset({FieldDescriptor.CPPTYPE_STRING}),
    bool: frozenset({FieldDescriptor.CPPTYPE_BOOL}),
    int: frozenset(
        {
            FieldDescriptor.CPPTYPE_INT32,
            FieldDescriptor.CPPTYPE_INT64,
            FieldDescriptor.CPPTYPE_UINT32,
            FieldDescriptor.CPPTYPE_UINT64,
        }
    ),
    float: frozenset({FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}),
}
_WELL_KNOWN: Final[dict[type, tuple[str, Conversion]]] = {
    datetime: ("google.protobuf.Timestamp", Conversion(timestamp, moment)),
    timedelta: ("google.protobuf.Duration", Conversion(duration, span)),
}


class Compiler:
    """Builds conversions; each pair of class and message once."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, str], Conversion] = {}

    def message(self, domain: Any, descriptor: Descriptor) -> Conversion:
        """A dataclass, or a union of dataclasses, and its message."""
        key = (domain, descriptor.full_name)
        if key not in self._known:
            is_row = isinstance(domain, type) and dataclasses.is_dataclass(domain)
            self._known[key] = self._row(domain, descriptor) if is_row else self._union(domain, descriptor)
        return self._known[key]

    def _union(self, domain: Any, descriptor: Descriptor) -> Conversion:
        if not all(isinstance(member, type) and dataclasses.is_dataclass(member) for member in members(domain)):
            raise WireMismatch(f"{domain} cannot stand for {descriptor.full_name}")
        wire = UnionWire(domain, GetMessageClass(descriptor), self)
        return Conversion(wire.to_message, wire.read)

    def _row(self, domain: type, descriptor: Descriptor) -> Conversion:
        if domain.__name__ != descriptor.name:
            raise WireMismatch(f"{_name(domain)} must have the name of {descriptor.full_name}")
        fields = {field.name for field in dataclasses.fields(domain) if field.init}
        if fields != set(descriptor.fields_by_name):
            raise WireMismatch(_difference(domain, fields, descriptor))
        hints = typing.get_type_hints(domain)
        plan = [(name, self._field(domain, hints[name], descriptor.fields_by_name[name])) for name in sorted(fields)]
        return Conversion(_row_encoder(GetMessageClass(descriptor), plan), _row_decoder(domain, plan))

    def _field(self, domain: type, hint: Any, field: Descriptor) -> "_Field":
        optional, hint = _without_none(hint)
        try:
            if typing.get_origin(hint) is tuple:
                return self._repeated(hint, field)
            if typing.get_origin(hint) in (dict, Mapping):
                return self._map(hint, field)
            return self._single(hint, field, optional)
        except _Unfit as trouble:
            raise WireMismatch(f"{_name(domain)}.{field.name}: {trouble} (message {field.full_name})") from None

    def _single(self, hint: Any, field: Descriptor, optional: bool) -> "_Field":
        if field.is_repeated:
            raise _Unfit(f"{hint} is single but the field is repeated")
        conversion = self._value(hint, field)
        if field.message_type is not None:
            reads_as_zero = hint is timedelta and not optional
            return _Field(conversion, _Presence.ANY if reads_as_zero else _presence(optional))
        if optional != field.has_presence:
            raise _Unfit("`optional` and `| None` must go together")
        return _Field(conversion, _Presence.OPTIONAL if optional else _Presence.ANY)

    def _repeated(self, hint: Any, field: Descriptor) -> "_Field":
        item, *rest = typing.get_args(hint)
        if rest != [...] or not field.is_repeated or _is_map(field):
            raise _Unfit(f"{hint} is not a repeated field; only tuple[X, ...] is")
        conversion = self._value(item, field)
        return _Field(Conversion(_each(conversion.encode, list), _each(conversion.decode, tuple)), _Presence.ANY)

    def _map(self, hint: Any, field: Descriptor) -> "_Field":
        key, value = typing.get_args(hint)
        if not _is_map(field):
            raise _Unfit(f"{hint} is not a map field")
        entry = field.message_type.fields_by_name
        if (
            _plain(key) is not str
            or self._value(key, entry["key"]) != SAME
            or self._value(value, entry["value"]) != SAME
        ):
            raise _Unfit("only maps of strings to scalars can be converted")
        return _Field(Conversion(None, dict), _Presence.ANY)

    def _value(self, hint: Any, field: Descriptor) -> Conversion:
        hint = _plain(hint)
        if hint in _WELL_KNOWN:
            name, conversion = _WELL_KNOWN[hint]
            if field.message_type is None or field.message_type.full_name != name:
                raise _Unfit(f"needs a {name}")
            return conversion
        if field.message_type is not None:
            return self.message(hint, field.message_type)
        if field.enum_type is not None:
            return _enum(hint, field)
        return _scalar(hint, field)


class _Unfit(Exception):
    """Why a field cannot be converted."""


class _Presence(Enum):
    ANY = "unset reads as the default"
    REQUIRED = "unset is refused"
    OPTIONAL = "unset reads as None"


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    conversion: Conversion
    presence: _Presence


def _row_encoder(message: type[Message], plan: Sequence[tuple[str, _Field]]) -> Convert:
    plain = [name for name, field in plan if field.conversion.encode is None]
    converted = [(name, field.conversion.encode) for name, field in plan if field.conversion.encode is not None]

    def encode(row: Any) -> Message:
        values = {name: getattr(row, name) for name in plain}  # None leaves a field unset
        for name, convert in converted:
            value = getattr(row, name)
            if value is not None:
                values[name] = convert(value)
        return message(**values)

    return encode


def _row_decoder(domain: type, plan: Sequence[tuple[str, _Field]]) -> Convert:
    plain = [name for name, field in plan if field.presence is _Presence.ANY and field.conversion.decode is None]
    others = [(name, _field_decoder(name, field)) for name, field in plan if name not in plain]

    def decode(message: Any) -> Any:
        values = {name: getattr(message, name) for name in plain}
        for name, read in others:
            try:
                values[name] = read(message)
            except Unreadable as trouble:
                raise trouble.inside(name) from None
        return domain(**values)

    return decode


def _field_decoder(name: str, field: _Field) -> Convert:
    convert = field.conversion.decode or _itself
    if field.presence is _Presence.ANY:
        return lambda message: convert(getattr(message, name))
    if field.presence is _Presence.OPTIONAL:
        return lambda message: convert(getattr(message, name)) if message.HasField(name) else None

    def required(message: Any) -> Any:
        if not message.HasField(name):
            raise Unreadable("", "must be set")
        return convert(getattr(message, name))

    return required


def _each(convert: Convert | None, collect: Callable[[Any], Any]) -> Convert:
    if convert is None:
        return collect

    def each(values: Any) -> Any:
        return collect([convert(value) for value in values])

    return each


def _scalar(hint: Any, field: Descriptor) -> Conversion:
    kinds = _SCALARS.get(hint)
    is_text = field.type == FieldDescriptor.TYPE_STRING
    if kinds is None or field.cpp_type not in kinds or (hint in (str, bytes) and (hint is str) != is_text):
        raise _Unfit(f"{hint} does not fit the field's type")
    return SAME


def _enum(hint: Any, field: Descriptor) -> Conversion:
    if not (isinstance(hint, type) and issubclass(hint, Enum)):
        raise _Unfit(f"{hint} is no Enum")
    prefix = _screaming(field.enum_type.name) + "_"
    numbers = {value.name.removeprefix(prefix): value.number for value in field.enum_type.values}
    missing = set(numbers) - {"UNSPECIFIED"} ^ set(hint.__members__) - {"UNSPECIFIED"}
    if missing:
        raise _Unfit(f"{_name(hint)} and {field.enum_type.full_name} differ in {', '.join(sorted(missing))}")
    members_by_number = {numbers[name]: member for name, member in hint.__members__.items()}
    numbers_by_member = {member: number for number, member in members_by_number.items()}

    def decode(number: int) -> Any:
        try:
            return members_by_number[number]
        except KeyError:
            raise Unreadable("", f"has no meaning for {number}") from None

    return Conversion(numbers_by_member.__getitem__, decode)


def _only_oneof(descriptor: Descriptor) -> str:
    names = [oneof.name for oneof in descriptor.oneofs if not oneof.name.startswith("_")]
    if len(names) != 1:
        raise WireMismatch(f"{descriptor.full_name} must have exactly one oneof")
    found: str = names[0]
    return found


def _fields_by_class(classes: Sequence[type], descriptor: Descriptor, oneof: str) -> dict[type, Descriptor]:
    fields = {field.name: field for field in descriptor.oneofs_by_name[oneof].fields}
    by_class = {domain: _snake(domain.__name__) for domain in classes}
    if set(by_class.values()) != set(fields):
        differing = ", ".join(sorted(set(by_class.values()) ^ set(fields)))
        raise WireMismatch(f"the union for {descriptor.full_name} and its oneof differ in {differing}")
    return {domain: fields[name] for domain, name in by_class.items()}


def _difference(domain: type, fields: set[str], descriptor: Descriptor) -> str:
    only_domain = ", ".join(sorted(fields - set(descriptor.fields_by_name))) or "nothing"
    only_message = ", ".join(sorted(set(descriptor.fields_by_name) - fields)) or "nothing"
    return f"only {_name(domain)} has {only_domain}, only message {descriptor.full_name} has {only_message}"


def _presence(optional: bool) -> _Presence:
    return _Presence.OPTIONAL if optional else _Presence.REQUIRED


def _without_none(hint: Any) -> tuple[bool, Any]:
    if typing.get_origin(hint) not in (Union, types.UnionType) or type(None) not in typing.get_args(hint):
        return False, hint
    rest = tuple(member for member in typing.get_args(hint) if member is not type(None))
    return True, functools.reduce(operator.or_, rest)


def _plain(hint: Any) -> Any:
    while hasattr(hint, "__supertype__"):
        hint = hint.__supertype__
    return hint


def _is_map(field: Descriptor) -> bool:
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _itself(value: Any) -> Any:
    return value


def _name(domain: type) -> str:
    return f"{domain.__module__}.{domain.__qualname__}"


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _screaming(name: str) -> str:
    return _snake(name).upper()
