"""The live rows that analytics publishes: newest value of each queue and agent, from the compacted public topics.

Owns: keeping the newest row per id, who is told of changes. Must not: compute figures.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from google.protobuf.message import DecodeError
from trunkline.live.v1.live_types_pb2 import LiveAgent, LiveQueue
from trunkline_ledger.kafka.bounds import close_within, start_within

from trunkline_console.metrics import LIVE_ROWS

QUEUES = "live.queues.v1"
AGENTS = "live.agents.v1"
START_S = 30.0
STOP_S = 5.0
log = logging.getLogger(__name__)


@dataclass
class Rows:
    """One tenant's rows by id, and which changed since when."""

    queues: dict[str, LiveQueue] = field(default_factory=dict)
    agents: dict[str, LiveAgent] = field(default_factory=dict)


class LiveTables:
    """All tenants' rows in memory."""

    def __init__(self, bootstrap_servers: str, client_id: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._client_id = client_id
        self._tenants: dict[str, Rows] = {}
        self._listeners: set[Callable[[str, str, str], None]] = set()
        self.last_read_monotonic = time.monotonic()

    def of(self, tenant: str) -> Rows:
        """Return the tenant's rows; empty before its first event."""
        return self._tenants.setdefault(tenant, Rows())

    def listen(self, call: Callable[[str, str, str], None]) -> Callable[[], None]:
        """Call `call(tenant, topic, id)` at each change; return how to stop."""
        self._listeners.add(call)
        return lambda: self._listeners.discard(call)

    async def run(self) -> None:
        """Read both topics from the beginning, and again after any trouble."""
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError, TimeoutError) as error:
                log.warning("live topics lost", extra={"reason": type(error).__name__})
                await asyncio.sleep(1.0)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap_servers,
            client_id=self._client_id,
            group_id=None,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        )
        await start_within(consumer.start, consumer.stop, START_S)
        try:
            await self._assign(consumer)
            while True:
                found = await consumer.getmany(timeout_ms=1_000)
                for place, messages in found.items():
                    for message in messages:
                        self._take_or_skip(place.topic, message)
        finally:
            await close_within(consumer.stop(), STOP_S)

    async def _assign(self, consumer: Any) -> None:
        places: list[TopicPartition] = []
        for topic in (QUEUES, AGENTS):
            for _ in range(100):
                partitions = consumer.partitions_for_topic(topic)
                if partitions:
                    break
                consumer._client.add_topic(topic)
                await asyncio.sleep(0.1)
            else:
                raise TimeoutError(topic)
            places += [TopicPartition(topic, number) for number in partitions]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)

    def _take_or_skip(self, topic: str, message: Any) -> None:
        """What cannot be read is no row; a compacted topic would show it at each start."""
        try:
            self._take(topic, message.value)
        except DecodeError:
            log.error("live row skipped", extra={"topic": topic, "offset": message.offset})

    def _take(self, topic: str, value: bytes | None) -> None:
        if value is None:
            return
        LIVE_ROWS.labels(topic).inc()
        if topic == QUEUES:
            queue = LiveQueue.FromString(value)
            rows: dict[str, Any] = self.of(queue.tenant_id).queues
            self._keep(rows, queue.row.queue_id, queue, topic)
        else:
            agent = LiveAgent.FromString(value)
            rows = self.of(agent.tenant_id).agents
            self._keep(rows, agent.row.agent_id, agent, topic)

    def _keep(self, rows: dict[str, Any], row_id: str, row: Any, topic: str) -> None:
        """Rows are absolute and at least once: the highest (epoch, offset) of the source wins."""
        known = rows.get(row_id)
        if known is not None and (known.source.epoch, known.source.offset) > (row.source.epoch, row.source.offset):
            return
        rows[row_id] = row
        for listener in list(self._listeners):
            listener(row.tenant_id, topic, row_id)
