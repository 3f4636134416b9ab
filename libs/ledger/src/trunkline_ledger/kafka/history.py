"""Whole ledgers read from a cluster, from offset 0 to the end that stood when it was first asked (a `RecordSource`).

Must not: join a group, commit, or create anything.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from trunkline_core.errors import Misconfigured, Transient

from trunkline_ledger.audit.stored import StoredRecord
from trunkline_ledger.kafka.bounds import close_within, start_within
from trunkline_ledger.kafka.topics import partition_counts

CONNECT_S: Final = 15.0
SILENCE_S: Final = 30.0
"""A leader that hands out nothing for so long is away."""
CLOSE_S: Final = 5.0
AT_ONCE: Final = 2_000


class ClusterHistory:
    """The ledgers of one cluster; open it with `async with`."""

    def __init__(self, bootstrap_servers: str, topics: Sequence[str]) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._topics = topics
        self._ends: dict[TopicPartition, int] = {}

    async def __aenter__(self) -> "ClusterHistory":
        """Note where all topics end, in one question. Raises: Misconfigured for an unknown topic; Transient."""
        counts = await partition_counts(self._bootstrap_servers, self._topics)
        places = [TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)]
        consumer = await self._consumer()
        try:
            async with asyncio.timeout(CONNECT_S):
                self._ends = await consumer.end_offsets(places)
                self._check_beginnings(await consumer.beginning_offsets(places))
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._away() from error
        finally:
            await close_within(consumer.stop(), CLOSE_S)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing stays open between two partitions."""

    async def ends(self, topic: str) -> dict[int, int]:
        """Return the next offset of each partition when this was opened."""
        return {place.partition: end for place, end in sorted(self._ends.items()) if place.topic == topic}

    async def records(self, topic: str, partition: int) -> AsyncIterator[Sequence[StoredRecord]]:
        """Yield the partition's records up to that end. Raises: Transient."""
        place = TopicPartition(topic, partition)
        end = self._ends[place]
        if not end:
            return
        consumer = await self._consumer()
        try:
            consumer.assign([place])
            consumer.seek(place, 0)
            async for found in _read(consumer, place, end):
                yield found
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._away() from error
        finally:
            await close_within(consumer.stop(), CLOSE_S)

    async def _consumer(self) -> Any:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap_servers,
            client_id="trunkline-operator",
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        try:
            await start_within(consumer.start, consumer.stop, CONNECT_S)
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._away() from error
        return consumer

    def _check_beginnings(self, beginnings: dict[TopicPartition, int]) -> None:
        for place, offset in beginnings.items():
            if offset:
                begins = f"{place.topic}/{place.partition} begins at offset {offset}"
                raise Misconfigured(f"{begins}: records were deleted, which no ledger allows.")

    def _away(self) -> Transient:
        return Transient(f"no Kafka broker answers at {self._bootstrap_servers}")


async def _read(consumer: Any, place: TopicPartition, end: int) -> AsyncIterator[list[StoredRecord]]:
    while await consumer.position(place) < end:
        async with asyncio.timeout(SILENCE_S):
            messages: list[Any] = []
            while not messages:
                messages = (await consumer.getmany(place, timeout_ms=1_000, max_records=AT_ONCE)).get(place, [])
        yield [_stored(message) for message in messages if message.offset < end]


def _stored(message: Any) -> StoredRecord:
    return StoredRecord(message.offset, message.timestamp, message.key, message.value, tuple(message.headers))
