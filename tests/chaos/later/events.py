"""The event type that a later release writes, and how it stands on the log beside those that are known today.

Owns: its number in the areas' envelopes, its bytes. Must not: know when it is written.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from trunkline_ledger.core.metadata import Metadata
from trunkline_platform.wire import EventWire, metadata_from_message, metadata_to_message
from trunkline_testkit.checker.log import AREAS, EffectiveEvent, LogRecord, decode_message

FIELD_NUMBER = 1_000
"""Of the new type in the envelope of its area; no proto of this tree uses it."""


@dataclass(frozen=True, slots=True)
class Tallied:
    """Something happened to the subject for the `count`-th time."""

    contact_id: ClassVar[str] = ""  # channels' feeds ask every event; this one is about no contact

    subject_id: str
    count: int


NAME = Tallied.__name__


def envelope_of(package: str) -> type[Message]:
    """Return the envelope of the package's area as the later release has it, without what is known today."""
    file = FileDescriptorProto(name=f"{package}/later.proto", package=package, syntax="proto3")
    tallied, envelope = file.message_type.add(name=NAME), file.message_type.add(name="LaterEvent")
    kind = FieldDescriptorProto
    tallied.field.add(name="subject_id", number=1, type=kind.TYPE_STRING, label=kind.LABEL_OPTIONAL)
    tallied.field.add(name="count", number=2, type=kind.TYPE_INT32, label=kind.LABEL_OPTIONAL)
    is_tallied = envelope.field.add(name="tallied", number=FIELD_NUMBER, label=kind.LABEL_OPTIONAL)
    is_tallied.type, is_tallied.type_name = kind.TYPE_MESSAGE, f".{package}.{NAME}"
    pool = DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return GetMessageClass(pool.FindMessageTypeByName(f"{package}.LaterEvent"))


class LaterWire(EventWire[Any, Any]):
    """An area's codec that knows the new type too. Envelopes that follow each other are one: protobuf merges them."""

    def __init__(self, *, events: Any, event_message: type[Message], commands: Any, command_message: type[Message]):
        super().__init__(events=events, event_message=event_message, commands=commands, command_message=command_message)
        self._package = event_message.DESCRIPTOR.file.package
        self._later: Any = envelope_of(self._package)

    def encode_event(self, event: Any, metadata: Metadata) -> bytes:
        """Return the whole envelope as bytes."""
        if not isinstance(event, Tallied):
            return super().encode_event(event, metadata)
        known = self.event_message(metadata=metadata_to_message(metadata))
        new = self._later(tallied={"subject_id": event.subject_id, "count": event.count})
        return known.SerializeToString(deterministic=True) + new.SerializeToString(deterministic=True)

    def decode_event(self, value: bytes) -> tuple[Any, Metadata]:
        """Raises: Poison."""
        tallied = _tallied(self._later, value)
        if tallied is None:
            return super().decode_event(value)
        metadata = self._parsed(self.event_message, value).metadata
        return Tallied(tallied.subject_id, tallied.count), metadata_from_message(metadata)

    def event_type(self, event: Any) -> str:
        """Return the full type name, for the fixed header."""
        return f"{self._package}.{NAME}" if isinstance(event, Tallied) else super().event_type(event)

    def event_to_message(self, event: Any, metadata: Metadata) -> Any:
        """Return the area's event message, in which the new type is a field that today's callers do not know."""
        if not isinstance(event, Tallied):
            return super().event_to_message(event, metadata)
        return self.event_message.FromString(self.encode_event(event, metadata))


def _tallied(later: Any, value: bytes) -> Any:
    try:
        envelope = later.FromString(value)
    except DecodeError:
        return None
    return envelope.tallied if envelope.HasField("tallied") else None


_PACKAGES = {AREAS[area].DESCRIPTOR.file.package for area in ("acd", "contact")}
_LATER = {f"{package}.{NAME}": envelope_of(package) for package in _PACKAGES}


def decode(record: LogRecord, area: str) -> EffectiveEvent | None:
    """Decode a record for the checker, also one of the new type; it never begins a command."""
    if record.type not in _LATER:
        return decode_message(record, area)
    envelope: Any = AREAS[area].FromString(record.value)
    tallied = _tallied(_LATER[record.type], record.value)
    return None if tallied is None else EffectiveEvent(record, area, NAME, envelope.metadata, tallied, None)
