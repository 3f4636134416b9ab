"""What the product published about the run: the contact journal and the live queues, read as any other system would.

Owns: facts per contact, checked for exactly one end and one connection at a time. Must not: ask the services.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from trunkline.journal.v1.journal_events_pb2 import ContactJournalEvent
from trunkline.live.v1.live_types_pb2 import LiveQueue
from trunkline_analytics.adapters.segments import OUTCOMES
from trunkline_analytics.domain.segments import Fact, Outcome, SegmentClosed, SegmentOpened
from trunkline_core.errors import Transient
from trunkline_ledger.kafka.bounds import start_within

JOURNAL, QUEUES = "contact.journal.v1", "live.queues.v1"
START_S = 15.0


@dataclass
class Facts:
    """Facts of one run, by contact id.

    Attributes:
        asked: contacts that asked for a person.
        ends: how often each was closed.
        closed: why it was closed first, a `CloseReason`.
        waits_s: of those connected to an agent.
    """

    asked: set[str] = field(default_factory=set)
    ends: Counter[str] = field(default_factory=Counter)
    closed: dict[str, int] = field(default_factory=dict)
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
            case "contact":
                self._take_contact(event.contact)
            case "acd":
                self._take_routing(event.acd, at)

    def _take_contact(self, event: Any) -> None:
        match event.WhichOneof("event"):
            case "input_given":  # the menu of a run has one choice, a person; who leaves at once is never enqueued
                self.asked.add(event.input_given.contact_id)
            case "contact_closed":
                closed = event.contact_closed
                self.ends[closed.contact_id] += 1
                self.closed.setdefault(closed.contact_id, closed.reason)

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
            case "consultation_completed":
                self._live[event.consultation_completed.contact_id] = event.consultation_completed.agent_id
            case "contact_taken_over":
                self._live[event.contact_taken_over.contact_id] = event.contact_taken_over.agent_id
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
        self._bootstrap_servers = bootstrap_servers
        self._tenant = tenant
        self._consumer: Any = None

    async def start(self) -> None:
        """Stand at the ends of the topics. Raises: Transient when Kafka does not answer or has no such topics."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap_servers,
            group_id=None,
            auto_offset_reset="latest",
            enable_auto_commit=False,
        )
        try:
            await start_within(consumer.start, consumer.stop, START_S)
            self._consumer = consumer
            async with asyncio.timeout(START_S):
                places = await self._places((JOURNAL, QUEUES))
                consumer.assign(places)
                await consumer.seek_to_end(*places)
        except (KafkaError, OSError, TimeoutError) as error:
            raise Transient(f"Kafka at {self._bootstrap_servers} does not hand out {JOURNAL} and {QUEUES}.") from error

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

    async def stop(self) -> None:
        """Disconnect."""
        if self._consumer is not None:
            await self._consumer.stop()
