"""Reading records: the group-less consumer that folds or follows a ledger topic (ledger rules 1 and 4).

Owns: Kafka records → `Record`, positions that are always explicit (`auto_offset_reset=none`).
Must not: judge a record.
"""

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from trunkline_ledger.core.records import Record, read_headers
from trunkline_ledger.kafka.bounds import check_lives, close_within, start_within

START_S = 15.0
CLOSE_S = 5.0


class Tail:
    """Reads all partitions of one topic from given offsets on."""

    def __init__(self, topic: str, bootstrap_servers: str, client_id: str, fetch_max_wait_ms: int = 500) -> None:
        self._topic = topic
        self._options: dict[str, Any] = {
            "bootstrap_servers": bootstrap_servers,
            "client_id": client_id,
            "group_id": None,
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "fetch_max_wait_ms": fetch_max_wait_ms,
            "max_partition_fetch_bytes": 4 * 1024 * 1024,
            "metadata_max_age_ms": 10_000,
            "request_timeout_ms": 10_000,
        }
        self._consumer: Any = None

    async def start(
        self, offsets: Mapping[int, int] | None = None, *, only: Collection[int] | None = None
    ) -> list[int]:
        """Connect and begin at `offsets` (0 where none is given), in `only` these partitions or all; return those read.

        Raises: KafkaError when no broker is up or the topic does not exist.
        """
        self._consumer = AIOKafkaConsumer(**self._options)
        await start_within(self._consumer.start, self._consumer.stop, START_S)
        try:
            partitions = [number for number in await self._partitions() if only is None or number in only]
        except BaseException:
            await self.stop()
            raise
        self._consumer.assign([TopicPartition(self._topic, number) for number in partitions])
        for number in partitions:
            self.seek(number, (offsets or {}).get(number, 0))
        return partitions

    async def _partitions(self) -> list[int]:
        for _ in range(50):
            await self._consumer._client.force_metadata_update()
            found = self._consumer._client.cluster.partitions_for_topic(self._topic)
            if found:
                return sorted(found)
            self._consumer._client.add_topic(self._topic)
            await asyncio.sleep(0.1)
        raise TimeoutError(f"topic {self._topic} does not exist")

    def seek(self, partition: int, offset: int) -> None:
        """Go on from `offset`."""
        self._consumer.seek(TopicPartition(self._topic, partition), offset)

    async def next_records(self, timeout_s: float) -> list[Record]:
        """Return what arrived, in order per partition; an empty list after `timeout_s`. Raises: KafkaError."""
        check_lives(self._consumer._client)
        found = await self._consumer.getmany(timeout_ms=int(timeout_s * 1000), max_records=500)
        return [read_record(message) for messages in found.values() for message in messages]

    async def end_offsets(self, partitions: list[int]) -> dict[int, int]:
        """Return the next offset of each partition. Queues behind a running long poll."""
        ends = await self._consumer.end_offsets([TopicPartition(self._topic, number) for number in partitions])
        return {place.partition: offset for place, offset in ends.items()}

    async def stop(self) -> None:
        """Disconnect; never fails."""
        if self._consumer is not None:
            await close_within(self._consumer.stop(), CLOSE_S)


def read_record(message: Any) -> Record:
    """Translate one of aiokafka's records."""
    epoch, kind = read_headers(message.headers)
    return Record(
        partition=message.partition,
        offset=message.offset,
        key=message.key or b"",
        value=message.value or b"",
        append_time=datetime.fromtimestamp(message.timestamp / 1000, UTC),
        epoch=epoch,
        type=kind,
    )
