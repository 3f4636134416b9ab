"""The compacted topic beside a ledger that keeps its snapshots (ledger rule 16).

Keys are `partition/slot/chunk number` and `partition/slot/manifest`, two slots a partition; a slot's manifest is
written last. All records of a partition lie in the partition of the same number, modulo the topic's size.
Must not: judge a snapshot.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from google.protobuf.message import DecodeError
from trunkline.ledger.v1.ledger_types_pb2 import SnapshotManifest

from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.bounds import close_within, start_within
from trunkline_ledger.kafka.tail import read_record
from trunkline_ledger.log_client import SnapshotSlot

START_S = 15.0
CLOSE_S = 5.0
POLL_S = 10.0
WRITE_S = 30.0
SLOTS = 2
MANIFEST = "manifest"
MAX_REQUEST_BYTES = 1024 * 1024


def snapshot_topic(ledger_topic: str) -> str:
    """Return the name of the topic with the snapshots of a ledger: `acd.snapshots.v1` of `acd.events.v1`."""
    area, events, version = ledger_topic.partition(".events.")
    return f"{area}.snapshots.{version}" if events else f"{ledger_topic}.snapshots.v1"


class SnapshotReader:
    """Reads snapshots, and single records of the ledger they were made of."""

    def __init__(self, ledger_topic: str, bootstrap_servers: str, client_id: str) -> None:
        self._ledger_topic = ledger_topic
        self._topic = snapshot_topic(ledger_topic)
        self._options: dict[str, Any] = {
            "bootstrap_servers": bootstrap_servers,
            "client_id": client_id,
            "group_id": None,
            "enable_auto_commit": False,
            "auto_offset_reset": "none",
            "max_partition_fetch_bytes": 4 * 1024 * 1024,
            "fetch_max_wait_ms": 100,
            "request_timeout_ms": 10_000,
        }
        self._consumer: Any = None

    async def start(self) -> None:
        """Connect. Raises: KafkaError, TimeoutError."""
        self._consumer = AIOKafkaConsumer(**self._options)
        await start_within(self._consumer.start, self._consumer.stop, START_S)

    async def stop(self) -> None:
        """Disconnect; never fails."""
        await close_within(self._consumer.stop(), CLOSE_S)

    async def slots(self, partition: int) -> list[SnapshotSlot]:
        """Return what the slots of a partition of the ledger hold, newest first. Raises: KafkaError, TimeoutError."""
        values = await self._newest_values(partition)
        found = [_slot(values, partition, slot) for slot in range(SLOTS)]
        return sorted((slot for slot in found if slot), key=lambda slot: slot.manifest.number, reverse=True)

    async def record_at(self, partition: int, offset: int) -> Record | None:
        """Return one record of the ledger, None beyond its end. Raises: KafkaError, TimeoutError."""
        place = TopicPartition(self._ledger_topic, partition)
        if offset >= await self._begin(place, offset):
            return None
        message = (await self._next(place))[0]
        return read_record(message) if message.offset == offset else None

    async def _newest_values(self, partition: int) -> dict[str, bytes | None]:
        place = TopicPartition(self._topic, partition % await self._size())
        end, values, prefix = await self._begin(place, None), dict[str, bytes | None](), f"{partition}/"
        with suppress(TimeoutError):  # what is compacted away at the end never comes; a torn slot has the wrong hash
            while await self._consumer.position(place) < end:
                for message in await self._next(place):
                    key = (message.key or b"").decode(errors="replace")
                    if key.startswith(prefix):
                        values[key] = message.value
        return values

    async def _size(self) -> int:
        """Return how many partitions the snapshots' topic has."""
        client = self._consumer._client
        client.add_topic(self._topic)
        async with asyncio.timeout(START_S):
            while not (found := client.cluster.partitions_for_topic(self._topic)):
                await client.force_metadata_update()
                await asyncio.sleep(0.05)
        return len(found)

    async def _begin(self, place: TopicPartition, offset: int | None) -> int:
        """Go to an offset, None for the first there is; return the end."""
        self._consumer.assign([place])
        async with asyncio.timeout(START_S):
            end: int = (await self._consumer.end_offsets([place]))[place]
            first: int = (await self._consumer.beginning_offsets([place]))[place]
        self._consumer.seek(place, first if offset is None else offset)
        return end

    async def _next(self, place: TopicPartition) -> Sequence[Any]:
        async with asyncio.timeout(POLL_S):
            while not (found := await self._consumer.getmany(place, timeout_ms=1_000)):
                continue
        return list(found[place])


def _slot(values: dict[str, bytes | None], partition: int, slot: int) -> SnapshotSlot | None:
    """Return one slot, None where it has no manifest of its own that could be read."""
    prefix = f"{partition}/{slot}/"
    try:
        manifest = SnapshotManifest.FromString(values.get(prefix + MANIFEST) or b"")
    except DecodeError:
        return None
    names = [prefix + str(number) for number in range(manifest.chunk_count)]
    chunks = {number: value for number, name in enumerate(names) if (value := values.get(name)) is not None}
    return SnapshotSlot(manifest, chunks) if manifest.number and manifest.partition == partition else None


class SnapshotWriter:
    """Writes one snapshot: its chunks, then its manifest."""

    def __init__(self, ledger_topic: str, bootstrap_servers: str, client_id: str) -> None:
        self._topic = snapshot_topic(ledger_topic)
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_REQUEST_BYTES,
        )

    async def write(self, manifest: SnapshotManifest, chunks: Sequence[bytes], *, chunks_before: int) -> None:
        """Replace the slot of the manifest's number, which had `chunks_before`. Raises: KafkaError, TimeoutError.

        Whatever ends it in between leaves a slot whose hash is wrong, and the other slot as it was.
        """
        prefix = f"{manifest.partition}/{manifest.number % SLOTS}/"
        await start_within(self._producer.start, self._producer.stop, START_S)
        try:
            values: list[bytes | None] = [*chunks, *[None] * max(0, chunks_before - len(chunks))]
            place = manifest.partition % len(await self._producer.partitions_for(self._topic))
            for number, value in enumerate(values):
                await self._send(place, f"{prefix}{number}", value)
            await self._send(place, prefix + MANIFEST, manifest.SerializeToString())
        finally:
            await close_within(self._producer.stop(), CLOSE_S)

    async def _send(self, place: int, key: str, value: bytes | None) -> None:
        async with asyncio.timeout(WRITE_S):
            await self._producer.send_and_wait(self._topic, value, key=key.encode(), partition=place)
