"""Appending: one idempotent producer per owned partition, one batch in flight (ledger rules 5, 9 and 10).

Owns: the translation of Kafka's answers into acknowledged, refused or unknown. Must not: retry with a new producer.
"""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
)

from trunkline_ledger.core.records import Draft
from trunkline_ledger.kafka.bounds import close_within, start_within
from trunkline_ledger.log_client import AppendRefused, AppendUnknown

MAX_BATCH_BYTES = 262_144  # the default of 16 KiB would cut a batch in two
CLOSE_S = 4.0
REFUSALS = (MessageSizeTooLargeError, RecordTooLargeError)
"""Nothing of such a batch is on the log. Other errors may follow a first try that landed and was never answered."""


class PartitionProducer:
    """Appends to one partition until its first unknown outcome; then it is closed and a new one is needed."""

    def __init__(self, topic: str, partition: int, bootstrap_servers: str, timeout_s: float) -> None:
        self._topic = topic
        self._partition = partition
        self._timeout_s = timeout_s
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            acks="all",
            enable_idempotence=True,
            max_batch_size=MAX_BATCH_BYTES,
            linger_ms=0,
            request_timeout_ms=int(timeout_s * 1000),
            metadata_max_age_ms=10_000,
        )

    async def start(self) -> None:
        """Connect. Raises: KafkaError when no broker is up."""
        await start_within(self._producer.start, self._producer.stop, self._timeout_s)

    async def append(self, drafts: Sequence[Draft]) -> int:
        """Append all drafts as one record batch; return the offset of the first.

        Raises: AppendRefused, AppendUnknown.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._send(drafts)
        except REFUSALS as error:
            raise AppendRefused(type(error).__name__) from error
        except (TimeoutError, KafkaError, ConnectionError) as error:
            raise AppendUnknown(type(error).__name__) from error

    async def _send(self, drafts: Sequence[Draft]) -> int:
        batch = self._producer.create_batch()
        for draft in drafts:
            if batch.append(key=draft.key, value=draft.value, timestamp=None, headers=draft.headers) is None:
                raise AppendRefused("the records do not fit one batch")
        batch.close()
        sent = await self._producer.send_batch(batch, self._topic, partition=self._partition)
        offset: int = (await sent).offset
        if offset < 0:  # DuplicateSequenceNumber is reported as success without an offset
            raise AppendUnknown("no offset")
        return offset

    async def close(self) -> None:
        """Stop without delivering what is still queued: the sender first, then the client.

        `stop()` alone would flush, and a batch that we reported as unknown could land after the next marker of ours.
        """
        self._producer._closed = True  # keeps its finaliser quiet
        await close_within(self._close(), CLOSE_S)

    async def _close(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_S / 2):
                await self._producer._sender.close()
        finally:
            await self._producer.client.close()
