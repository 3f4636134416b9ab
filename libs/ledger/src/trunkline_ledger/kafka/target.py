"""Where ledgers are written once more, byte for byte: topics of another cluster, which begin empty.

Owns: that a copy keeps offsets and append times. Both mean something: process managers' marks name offsets, and log
time and the grace of leases begin at a marker's append time (ledger rules 13 and 15). So a topic takes the times it is
given (`CreateTime`) until it is sealed; a half-written one stays as it is, and no service starts on it (rule 22).
Must not: write to a topic that holds anything.
"""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError
from trunkline.topics import Topic
from trunkline_core.errors import Misconfigured, Transient

from trunkline_ledger.audit.stored import StoredRecord
from trunkline_ledger.kafka.bounds import close_within, start_within
from trunkline_ledger.kafka.history import ClusterHistory
from trunkline_ledger.kafka.topics import ask, create_topics, topic_config

BATCH_BYTES: Final = 256 * 1024
MAX_REQUEST_BYTES: Final = 1_040_000  # a topic takes 1 MiB
APPEND_S: Final = 30.0
CLOSE_S: Final = 5.0
TAKES_TIMES: Final = {"message.timestamp.type": "CreateTime"}


class ClusterTarget:
    """The topics of one cluster that are written; open it with `async with`."""

    def __init__(self, bootstrap_servers: str, replication_factor: int = 1) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._replication_factor = replication_factor
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            client_id="trunkline-operator",
            acks="all",
            enable_idempotence=True,
            max_batch_size=MAX_REQUEST_BYTES,
            max_request_size=MAX_REQUEST_BYTES,
            linger_ms=0,
        )

    async def __aenter__(self) -> "ClusterTarget":
        """Connect. Raises: Transient."""
        try:
            await start_within(self._producer.start, self._producer.stop, APPEND_S)
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._away() from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await close_within(self._producer.stop(), CLOSE_S)

    async def prepare(self, topics: Sequence[Topic]) -> None:
        """Create the topics, with as many partitions as each says, ready to be written.

        Raises: Misconfigured when one exists with another number of partitions, or is not empty; Transient.
        """
        await ask(self._bootstrap_servers, lambda admin: create_topics(admin, topics, self._replication_factor))
        async with ClusterHistory(self._bootstrap_servers, [topic.name for topic in topics]) as found:
            for topic in topics:
                self._check_empty(topic, await found.ends(topic.name))
        await self._configure(topics, TAKES_TIMES)

    def _check_empty(self, topic: Topic, ends: dict[int, int]) -> None:
        if any(ends.values()):
            raise Misconfigured(
                f"The topic {topic.name} at {self._bootstrap_servers} is not empty: nothing was written."
            )
        if len(ends) != topic.partitions:
            wanted = f"it must have {topic.partitions} partitions, and has {len(ends)}"
            raise Misconfigured(f"The topic {topic.name} at {self._bootstrap_servers} is another: {wanted}.")

    async def append(self, topic: str, partition: int, records: Sequence[StoredRecord]) -> None:
        """Append records where they stood. Raises: Misconfigured when they land elsewhere; Transient."""
        try:
            for group in _groups(records):
                async with asyncio.timeout(APPEND_S):
                    offset = await self._send(topic, partition, group)
                if offset != group[0].offset:
                    place = f"{topic}/{partition} at {self._bootstrap_servers}"
                    raise Misconfigured(f"Somebody else writes to {place}: delete the topic and begin again.")
        except (KafkaError, OSError, TimeoutError) as error:
            raise self._away() from error

    async def _send(self, topic: str, partition: int, group: Sequence[StoredRecord]) -> int:
        batch = self._producer.create_batch()
        for record in group:
            headers = list(record.headers)
            if not batch.append(key=record.key, value=record.value, timestamp=record.timestamp_ms, headers=headers):
                raise Misconfigured(f"The record {topic}/{partition}/{record.offset} is too large for a batch.")
        batch.close()
        sent: Any = await (await self._producer.send_batch(batch, topic, partition=partition))
        return int(sent.offset)

    async def seal(self, topics: Sequence[Topic]) -> None:
        """From now on the topics are ledgers like any other. Raises: Misconfigured, Transient."""
        await self._configure(topics, {})

    async def _configure(self, topics: Sequence[Topic], more: dict[str, str]) -> None:
        resources = [
            ConfigResource(ConfigResourceType.TOPIC, topic.name, topic_config(topic, self._replication_factor) | more)
            for topic in topics
        ]

        async def alter(admin: AIOKafkaAdminClient) -> None:
            for answer in await admin.alter_configs(resources):
                for code, message, _, name in answer.resources:
                    if code:
                        raise Misconfigured(f"Kafka refuses the settings of the topic {name}: {message or code}.")

        await ask(self._bootstrap_servers, alter)

    def _away(self) -> Transient:
        return Transient(f"no Kafka broker answers at {self._bootstrap_servers}")


def _groups(records: Sequence[StoredRecord]) -> Iterator[Sequence[StoredRecord]]:
    """Cut into groups that one batch holds."""
    begin, size = 0, 0
    for place, record in enumerate(records):
        own = record.size_bytes
        if size and size + own > BATCH_BYTES:
            yield records[begin:place]
            begin, size = place, 0
        size += own
    if records:
        yield records[begin:]
