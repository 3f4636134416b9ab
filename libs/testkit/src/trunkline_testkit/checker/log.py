"""The ledgers as they stand in Kafka, every record judged by the checker's own epoch logic.

A marker is valid only if its epoch is greater than the current one; another record takes effect only if it carries the
current epoch (ledger rule 2). A record that an operator let go is as if it had never been (ledger rule 21). Written a
second time here, from the page and not from the code.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
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
    """One record of a ledger topic. `epoch` and `type` are None where the header is missing or no number."""

    topic: str
    partition: int
    offset: int
    value: bytes
    epoch: int | None
    type: str | None


@dataclass(frozen=True, slots=True)
class EffectiveEvent:
    """An event that counts, decoded. `command` is set on the first event of a command."""

    record: LogRecord
    area: str
    name: str
    metadata: EventMetadata
    event: Any
    command: CommandRecord | None


@dataclass(slots=True)
class LedgerLog:
    """Everything that was ever written to some ledger topics, judged.

    `let_go`: places of records that an operator let go; they are in neither `events` nor `undecodable`.
    """

    events: list[EffectiveEvent] = field(default_factory=list)
    effective_places: set[tuple[str, int, int]] = field(default_factory=set)
    records: int = 0
    markers: int = 0
    void_records: int = 0
    undecodable: list[LogRecord] = field(default_factory=list)
    let_go: set[tuple[str, int, int]] = field(default_factory=set)
    _counting: dict[tuple[str, int], list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[LogRecord], areas: Mapping[str, str] = LEDGERS) -> "LedgerLog":
        """Judge records, which come in order of offset per partition. `areas`: topic → area, e.g. `acd`."""
        log = cls()
        epochs: dict[tuple[str, int], int] = {}
        for record in records:
            place = (record.topic, record.partition)
            epochs[place] = log._add(record, areas[record.topic], epochs.get(place, 0))
        log._forget_let_go()
        return log

    def _add(self, record: LogRecord, area: str, epoch: int) -> int:
        """Judge one record under the current epoch; return the epoch after it."""
        self.records += 1
        if record.type == _MARKER and record.epoch is not None:
            marked = _marked_epoch(record)
            if marked is not None and marked > epoch:
                self.markers += 1
                self._count(record, _MARKED)
                return marked
        elif record.type is not None and epoch > 0 and record.epoch == epoch:
            self.effective_places.add((record.topic, record.partition, record.offset))
            if record.type == _RECORD_SKIPPED:
                self._skip(record)
            else:
                self._count(record, record.offset)
                self._decode(record, area)
            return epoch
        self.void_records += 1
        return epoch

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
        if 0 <= behind < len(counting) and behind <= _MAX_BEHIND and counting[-1 - behind] == skip.offset:
            self.let_go.add(place)

    def _forget_let_go(self) -> None:
        self.events = [event for event in self.events if place_of(event.record) not in self.let_go]
        self.undecodable = [record for record in self.undecodable if place_of(record) not in self.let_go]

    def _decode(self, record: LogRecord, area: str) -> None:
        if record.type is not None and record.type.startswith(_RUNTIME_TYPES):
            return
        try:
            envelope: Any = AREAS[area].FromString(record.value)
            command = CommandRecord.FromString(envelope.metadata.command) if envelope.metadata.command else None
        except DecodeError:
            self.undecodable.append(record)
            return
        chosen = envelope.WhichOneof("event")
        if chosen is None:
            self.undecodable.append(record)
            return
        event = getattr(envelope, chosen)
        name = event.DESCRIPTOR.name
        self.events.append(EffectiveEvent(record, area, name, envelope.metadata, event, command))


def place_of(record: LogRecord) -> tuple[str, int, int]:
    """Return topic, partition and offset."""
    return (record.topic, record.partition, record.offset)


def _marked_epoch(record: LogRecord) -> int | None:
    try:
        epoch = Marker.FromString(record.value).epoch
    except DecodeError:
        return None
    return epoch if epoch == record.epoch else None


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
    )
