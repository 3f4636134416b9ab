"""Domain dataclasses ⇄ protobuf messages, by name: one mapper for every service.

Owns: the rules of conversion, checked when a mapper is built, so that a field which stands on one side only is found
at start and not in production. Must not: know a service, or decide what a value means.

Rules, by the dataclass's annotation:
    str, int, bool, bytes, float, NewType of these    the same scalar
    Enum                                              enum; member NAME ⇄ value PREFIX_NAME
    datetime (aware), timedelta                       Timestamp, Duration; whole microseconds
    dataclass                                         message of the same name
    union of dataclasses                              message with one oneof, a field for each class
    tuple[X, ...]                                     repeated
    dict[str, X], Mapping[str, X]                     map
    X | None                                          unset ⇄ None; `optional` or a message
An unset message where the annotation has no None is refused; an unset Duration reads as zero, like any proto3 scalar.
"""

from typing import Any, Generic, TypeVar

from google.protobuf.message import DecodeError, Message
from trunkline.common.v1.common_types_pb2 import EventMetadata
from trunkline_core.errors import Invalid, Poison
from trunkline_ledger.core.metadata import Metadata

from trunkline_platform.wire_compiler import Compiler, UnionWire, WireMismatch
from trunkline_platform.wire_times import Unreadable, duration, moment, span, timestamp

T = TypeVar("T")
C = TypeVar("C")
E = TypeVar("E")

__all__ = [
    "EventWire",
    "Mapper",
    "Unreadable",
    "WireMismatch",
    "duration",
    "metadata_from_message",
    "metadata_to_message",
    "moment",
    "span",
    "timestamp",
]


class Mapper(Generic[T]):
    """One dataclass ⇄ one message class. Build it once; building is slow, converting is not."""

    def __init__(self, domain: type[T], message: type[Message]) -> None:
        """Raises: WireMismatch, naming both sides."""
        self._conversion = Compiler().message(domain, message.DESCRIPTOR)

    def to_message(self, value: T) -> Any:
        """Return the message."""
        assert self._conversion.encode is not None
        return self._conversion.encode(value)

    def from_message(self, message: Message) -> T:
        """Return the dataclass. Raises: Invalid, naming the field."""
        assert self._conversion.decode is not None
        try:
            found: T = self._conversion.decode(message)
        except Unreadable as trouble:
            raise Invalid(trouble.path, trouble.reason) from None
        return found


class EventWire(Generic[C, E]):
    """The codec of one area: `<Area>Event {metadata, oneof}` and `<Area>Command {oneof}` (a ledger `Codec`)."""

    def __init__(self, *, events: Any, event_message: type[Message], commands: Any, command_message: type[Message]):
        """`events` and `commands` are unions of dataclasses. Raises: WireMismatch."""
        compiler = Compiler()
        self._events = UnionWire(events, event_message, compiler)
        self._commands = UnionWire(commands, command_message, compiler)
        self.event_message = event_message
        self.command_message = command_message

    def encode_command(self, command: C) -> bytes:
        """Return canonical bytes: the same command always gives the same (maps are sorted)."""
        encoded: bytes = self.command_to_message(command).SerializeToString(deterministic=True)
        return encoded

    def decode_command(self, payload: bytes) -> C:
        """Raises: Poison."""
        command: C = self._decoded(self._commands, self._parsed(self.command_message, payload))
        return command

    def encode_event(self, event: E, metadata: Metadata) -> bytes:
        """Return the whole envelope as bytes."""
        encoded: bytes = self.event_to_message(event, metadata).SerializeToString(deterministic=True)
        return encoded

    def decode_event(self, value: bytes) -> tuple[E, Metadata]:
        """Raises: Poison for bytes that are no event, or one that this version does not know."""
        message: Any = self._parsed(self.event_message, value)
        event: E = self._decoded(self._events, message)
        if not message.HasField("metadata"):
            raise Poison(f"{self.event_message.DESCRIPTOR.full_name} without metadata")
        try:
            return event, metadata_from_message(message.metadata)
        except Unreadable as trouble:
            raise Poison(str(trouble.inside("metadata"))) from None

    def event_type(self, event: E) -> str:
        """Return the full name of the event's message, e.g. `trunkline.acd.v1.ContactOffered`."""
        return self._events.type_names[type(event)]

    def command_to_message(self, command: C) -> Any:
        """Return the area's command message."""
        return self._commands.to_message(command)

    def command_from_message(self, message: Message) -> C:
        """Raises: Invalid, naming the field: the command came from a caller."""
        try:
            found: C = self._commands.read(message)
        except Unreadable as trouble:
            raise Invalid(f"command.{trouble.path}", trouble.reason) from None
        return found

    def event_to_message(self, event: E, metadata: Metadata) -> Any:
        """Return the area's event message."""
        return self._events.to_message(event, metadata=metadata_to_message(metadata))

    def _parsed(self, kind: type[Message], value: bytes) -> Message:
        try:
            return kind.FromString(value)
        except DecodeError as error:
            raise Poison(f"not a {kind.DESCRIPTOR.full_name}") from error

    def _decoded(self, union: UnionWire, message: Message) -> Any:
        try:
            return union.read(message)
        except Unreadable as trouble:
            raise Poison(f"{message.DESCRIPTOR.full_name}: {trouble}") from None


def metadata_to_message(metadata: Metadata) -> EventMetadata:
    """Return the envelope as a message."""
    return EventMetadata(
        event_id=metadata.event_id,
        stream_id=metadata.stream_id,
        stream_version=metadata.stream_version,
        event_time=timestamp(metadata.event_time),
        tenant_id=metadata.tenant_id,
        actor=metadata.actor,
        correlation_id=metadata.correlation_id,
        causation_id=metadata.causation_id,
        writer_epoch=metadata.writer_epoch,
        ignorable=metadata.ignorable,
        command=metadata.command,
    )


def metadata_from_message(message: EventMetadata) -> Metadata:
    """Raises: Unreadable."""
    return Metadata(
        event_id=message.event_id,
        stream_id=message.stream_id,
        stream_version=message.stream_version,
        event_time=moment(message.event_time),
        tenant_id=message.tenant_id,
        actor=message.actor,
        correlation_id=message.correlation_id,
        causation_id=message.causation_id,
        writer_epoch=message.writer_epoch,
        ignorable=message.ignorable,
        command=message.command,
    )
