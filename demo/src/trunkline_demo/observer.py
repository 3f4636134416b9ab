"""What the product published about the run: the contact journal and the live queues, read as any other system would.

Owns: facts per contact, checked for exactly one end and one connection at a time. Must not: ask the services.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from trunkline.journal.v1.journal_events_pb2 import ContactJournalEvent
from trunkline.live.v1.live_types_pb2 import LiveQueue
from trunkline.topics import TOPICS
from trunkline_analytics.adapters.segments import OUTCOMES
from trunkline_analytics.domain.segments import Fact, Outcome, SegmentClosed, SegmentOpened

JOURNAL, QUEUES = "contact.journal.v1", "live.queues.v1"
LEDGERS = tuple(name for name in TOPICS if name.endswith(".events.v1"))


@dataclass
class Facts:
    """Facts of one run."""

    ends: Counter[str] = field(default_factory=Counter)
    waits_s: dict[str, float] = field(default_factory=dict)
    segments: list[Fact] = field(default_factory=list)
    connected_twice: set[str] = field(default_factory=set)
    waiting: dict[str, int] = field(default_factory=dict)
    live_lag_ms: list[float] = field(default_factory=list)
    _callbacks: set[tuple[str, int]] = field(default_factory=set)
    _live: dict[str, str] = field(default_factory=dict)
    _applied: dict[tuple[int, str, int], int] = field(default_factory=dict)

    def take_journal(self, event: ContactJournalEvent, partition: int) -> None:
        """Take one record; in a partition of the journal, what is not above its source's highest is a repetition."""
        place = (partition, event.source.topic, event.source.partition)
        if event.source.offset <= self._applied.get(place, -1):
            return
        self._applied[place] = event.source.offset
        at = event.metadata.event_time.ToDatetime(tzinfo=UTC)
        match event.WhichOneof("event"):
            case "contact" if event.contact.WhichOneof("event") == "contact_closed":
                self.ends[event.contact.contact_closed.contact_id] += 1
            case "acd":
                self._take_routing(event.acd, at)

    def _take_routing(self, event: Any, at: datetime) -> None:
        match event.WhichOneof("event"):
            case "contact_enqueued":
                entered = event.contact_enqueued
                if entered.callback:  # a segment of its own kind, which conservation of the live queue leaves out
                    self._callbacks.add((entered.contact_id, entered.segment_no))
                    return
                self.segments.append(SegmentOpened(entered.contact_id, entered.segment_no, entered.queue_id, at))
            case "contact_connected":
                answered = event.contact_connected
                if self._live.get(answered.contact_id):
                    self.connected_twice.add(answered.contact_id)
                self._live[answered.contact_id] = answered.agent_id
                self.waits_s[answered.contact_id] = answered.wait_duration.ToMicroseconds() / 1e6
                self._close(answered, at, Outcome.ANSWERED)
            case "segment_ended":
                ended = event.segment_ended
                self._close(ended, at, OUTCOMES[ended.outcome])
            case "contact_released":
                self._live.pop(event.contact_released.contact_id, None)

    def _close(self, segment: Any, at: datetime, outcome: Outcome) -> None:
        if (segment.contact_id, segment.segment_no) in self._callbacks:
            return
        self.segments.append(SegmentClosed(segment.contact_id, segment.segment_no, segment.queue_id, at, outcome))

    def take_queue(self, row: LiveQueue, seen_s: float) -> None:
        """Take one live row; `seen_s` is Unix time."""
        self.waiting[row.row.queue_id] = row.row.waiting + row.row.ringing
        durable_s = row.event_time.ToNanoseconds() / 1e9
        self.live_lag_ms.append(max(0.0, seen_s - durable_s) * 1000)


class Observer:
    """Follows the public topics during a run."""

    def __init__(self, bootstrap_servers: str, tenant: str) -> None:
        self.facts = Facts()
        self._tenant = tenant
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap_servers, group_id=None, auto_offset_reset="latest", enable_auto_commit=False
        )
        self._ledger_ends: Mapping[TopicPartition, int] = {}

    async def start(self) -> None:
        """Stand at the ends of the topics."""
        await self._consumer.start()
        places = await self._places((JOURNAL, QUEUES))
        self._consumer.assign(places)
        await self._consumer.seek_to_end(*places)
        self._ledger_ends = await self._consumer.end_offsets(await self._places(LEDGERS))

    async def _places(self, topics: tuple[str, ...]) -> list[TopicPartition]:
        places: list[TopicPartition] = []
        for topic in topics:
            self._consumer._client.add_topic(topic)
            while not (partitions := self._consumer.partitions_for_topic(topic)):
                await asyncio.sleep(0.05)
            places += [TopicPartition(topic, number) for number in sorted(partitions)]
        return places

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            for place, messages in (await self._consumer.getmany(timeout_ms=500)).items():
                for message in messages:
                    self._take(place, message.value)

    def _take(self, place: TopicPartition, value: bytes | None) -> None:
        if value is None:
            return
        if place.topic == JOURNAL:
            event = ContactJournalEvent.FromString(value)
            if event.metadata.tenant_id == self._tenant:
                self.facts.take_journal(event, place.partition)
        else:
            row = LiveQueue.FromString(value)
            if row.tenant_id == self._tenant:
                self.facts.take_queue(row, time.time())

    async def count_events(self) -> int:
        """Return how many records the ledgers grew by."""
        ends = await self._consumer.end_offsets(list(self._ledger_ends))
        return sum(ends[place] - before for place, before in self._ledger_ends.items())

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()
