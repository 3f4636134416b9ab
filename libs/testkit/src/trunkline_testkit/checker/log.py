"""The ledgers as they stand in Kafka, every record judged by the checker's own epoch logic.

A marker is valid only if its epoch is greater than the current one; another record takes effect only if it carries the
current epoch (ledger rule 2). A record that an operator let go is as if it had never been (ledger rule 21). Written a
second time here, from the page and not from the code.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from google.protobuf.message import DecodeError, Message
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.common.v1.common_types_pb2 import EventMetadata
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline.customer.v1.customer_events_pb2 import CustomerEvent
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent
from trunkline.ivr.v1.ivr_events_pb2 import IvrEvent
from trunkline.ledger.v1.ledger_types_pb2 import CommandRecord, Marker, RecordSkipped
from trunkline.ticket.v1.ticket_events_pb2 import TicketEvent

AREAS: Final[Mapping[str, type[Message]]] = {
    "acd": AcdEvent,
    "contact": ContactEvent,
    "customer": CustomerEvent,
    "directory": DirectoryEvent,
    "ivr": IvrEvent,
    "ticket": TicketEvent,
}
LEDGERS: Final[Mapping[str, str]] = {f"{area}.events.v1": area for area in AREAS}
_MARKER: Final = "trunkline.ledger.v1.Marker"
_RECORD_SKIPPED: Final = "trunkline.ledger.v1.RecordSkipped"
_RUNTIME_TYPES: Final = "trunkline.ledger.v1."
_MARKED: Final = -1
_MAX_BEHIND: Final = 4_096


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of a ledger topic. `epoch` and `type` are None where the header is missing or no number.

    `append_ms`: when the broker appended it, Unix milliseconds.
    """

    topic: str
    partition: int
    offset: int
    value: bytes
    epoch: int | None
    type: str | None
    append_ms: int = 0


@dataclass(frozen=True, slots=True)
class EffectiveEvent:
    """An event that counts, decoded. `command` is set on the first event of a command."""

    record: LogRecord
    area: str
    name: str
    metadata: EventMetadata
    event: Any
    command: CommandRecord | None


@dataclass(frozen=True, slots=True)
class EpochBegin:
    """A valid marker. `silent_since_ms`: append time of the last record that counted before it, its own without one."""

    record: LogRecord
    marker: Marker
    silent_since_ms: int


def decode_message(record: LogRecord, area: str) -> EffectiveEvent | None:
    """Decode the record as the area's message."""
    envelope: Any = AREAS[area].FromString(record.value)
    command = CommandRecord.FromString(envelope.metadata.command) if envelope.metadata.command else None
    chosen = envelope.WhichOneof("event")
    if chosen is None:
        return None
    event = getattr(envelope, chosen)
    return EffectiveEvent(record, area, event.DESCRIPTOR.name, envelope.metadata, event, command)


Decode = Callable[[LogRecord, str], EffectiveEvent | None]
"""Returns an effective record as an event; whatever it raises, or None, makes the record undecodable."""


@dataclass(slots=True)
class LedgerLog:
    """Everything that was ever written to some ledger topics, judged.

    `let_go`: places of records that an operator let go; nothing else here holds them.
    """

    events: list[EffectiveEvent] = field(default_factory=list)
    effective_places: set[tuple[str, int, int]] = field(default_factory=set)
    records: int = 0
    epochs: list[EpochBegin] = field(default_factory=list)
    void_records: int = 0
    undecodable: list[LogRecord] = field(default_factory=list)
    let_go: set[tuple[str, int, int]] = field(default_factory=set)
    decode: Decode = decode_message
    _counting: dict[tuple[str, int], list[int]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, records: Iterable[LogRecord], areas: Mapping[str, str] = LEDGERS, decode: Decode = decode_message
    ) -> "LedgerLog":
        """Judge records, which come in order of offset per partition.

        `areas`: topic → area, e.g. `acd`. `decode`: of effective records; by default the area's message.
        """
        log = cls(decode=decode)
        newest: dict[tuple[str, int], tuple[int, int]] = {}
        for record in records:
            place = (record.topic, record.partition)
            epoch, counted_ms = newest.get(place, (0, record.append_ms))
            newest[place] = log._add(record, areas[record.topic], epoch, counted_ms)
        log._forget_let_go()
        return log

    @property
    def markers(self) -> int:
        """How many epochs began."""
        return len(self.epochs)

    def _add(self, record: LogRecord, area: str, epoch: int, counted_ms: int) -> tuple[int, int]:
        """Judge one record under the current epoch; return the epoch after it, and when something last counted."""
        self.records += 1
        if record.type == _MARKER and record.epoch is not None:
            marker = _marker(record)
            if marker is not None and marker.epoch > epoch:
                self.epochs.append(EpochBegin(record, marker, counted_ms))
                self._count(record, _MARKED)
                return marker.epoch, record.append_ms
        elif record.type is not None and epoch > 0 and record.epoch == epoch:
            self.effective_places.add(place_of(record))
            if record.type == _RECORD_SKIPPED:
                self._skip(record)
            else:
                self._count(record, record.offset)
                self._decode(record, area)
            return epoch, record.append_ms
        self.void_records += 1
        return epoch, counted_ms

    def _count(self, record: LogRecord, offset: int) -> None:
        self._counting.setdefault((record.topic, record.partition), []).append(offset)

    def _skip(self, record: LogRecord) -> None:
        """Valid when it names the record that has exactly as many behind it, markers counted, as it says."""
        counting = self._counting.get((record.topic, record.partition), [])
        try:
            skip = RecordSkipped.FromString(record.value)
        except DecodeError:
            return
        place = (record.topic, record.partition, skip.offset)
        behind = skip.following_count
        if 0 <= behind < len(counting) and behind <= _MAX_BEHIND and counting[-1 - behind] == skip.offset >= 0:
            self.let_go.add(place)

    def _forget_let_go(self) -> None:
        self.events = [event for event in self.events if place_of(event.record) not in self.let_go]
        self.undecodable = [record for record in self.undecodable if place_of(record) not in self.let_go]
        self.effective_places -= self.let_go

    def _decode(self, record: LogRecord, area: str) -> None:
        if record.type is not None and record.type.startswith(_RUNTIME_TYPES):
            return
        try:
            event = self.decode(record, area)
        except Exception:  # whatever a codec raises, the record is no event
            event = None
        if event is None:
            self.undecodable.append(record)
        else:
            self.events.append(event)


def place_of(record: LogRecord) -> tuple[str, int, int]:
    """Return topic, partition and offset."""
    return (record.topic, record.partition, record.offset)


def _marker(record: LogRecord) -> Marker | None:
    try:
        marker = Marker.FromString(record.value)
    except DecodeError:
        return None
    return marker if marker.epoch == record.epoch else None


async def read_records(bootstrap_servers: str, topics: Sequence[str]) -> list[LogRecord]:
    """Read every record of the topics, from offset 0 to the end that stands when this is called.

    Raises: KafkaError; ValueError when a topic does not exist or does not begin at offset 0.
    """
    async with AIOKafkaConsumer(
        bootstrap_servers=bootstrap_servers, enable_auto_commit=False, auto_offset_reset="none"
    ) as consumer:
        places = await _places(bootstrap_servers, topics)
        consumer.assign(places)
        for place, offset in (await consumer.beginning_offsets(places)).items():
            if offset != 0:
                raise ValueError(f"{place.topic}/{place.partition} begins at offset {offset}")
            consumer.seek(place, 0)
        ends = await consumer.end_offsets(places)
        return [record for place in places for record in await _read(consumer, place, ends[place])]


async def _places(bootstrap_servers: str, topics: Sequence[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    for topic in described:
        if topic["error_code"]:
            raise ValueError(f"topic {topic['topic']} does not exist")
    return [
        TopicPartition(topic["topic"], number)
        for topic in described
        for number in sorted(partition["partition"] for partition in topic["partitions"])
    ]


async def _read(consumer: AIOKafkaConsumer, place: TopicPartition, end: int) -> list[LogRecord]:
    found: list[LogRecord] = []
    async with asyncio.timeout(300):
        while await consumer.position(place) < end:
            for messages in (await consumer.getmany(place, timeout_ms=500)).values():
                found += [_record(message) for message in messages if message.offset < end]
    return found


def _record(message: Any) -> LogRecord:
    headers = dict(message.headers)
    epoch, kind = headers.get("tl-epoch"), headers.get("tl-type")
    return LogRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        value=message.value or b"",
        epoch=int(epoch) if isinstance(epoch, bytes) and epoch.isdigit() else None,
        type=kind.decode("ascii", "replace") if isinstance(kind, bytes) else None,
        append_ms=message.timestamp,
    )
