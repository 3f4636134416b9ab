"""A pen for ledgers of services that do not run: a test writes as their owner would, and as one that was replaced.

Owns: epochs, markers and headers as they stand in a ledger. Must not: check whether an event makes sense.
"""

import itertools
from typing import Any

from aiokafka import AIOKafkaProducer
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_ledger.core.records import MARKER_TYPE

Headers = list[tuple[str, bytes]]


class LedgerPen:
    """Writes to the ledgers on one cluster, on behalf of one tenant unless an event names another."""

    def __init__(self, bootstrap_servers: str, tenant: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._tenant = tenant
        self._epochs: dict[tuple[str, int], int] = {}
        self._numbers = itertools.count(1)

    async def begin_epoch(self, topic: str, partition: int, epoch: int) -> None:
        """A new owner takes the partition over."""
        self._epochs[topic, partition] = epoch
        marker = Marker(epoch=epoch, boot_id=f"b{epoch}", instance_id="test").SerializeToString()
        await self.append(topic, partition, marker, [("tl-epoch", b"%d" % epoch), ("tl-type", MARKER_TYPE.encode())])

    async def write(self, topic: str, partition: int, event: Any, *, epoch: int | None = None) -> int:
        """Write an event as the owner would, or as one of another epoch; return its offset."""
        if (topic, partition) not in self._epochs:
            await self.begin_epoch(topic, partition, 1)
        metadata = event.metadata
        metadata.event_id, metadata.tenant_id = f"ev_{next(self._numbers)}", metadata.tenant_id or self._tenant
        metadata.writer_epoch = epoch or self._epochs[topic, partition]
        metadata.command = b"private"
        kind = getattr(event, event.WhichOneof("event")).DESCRIPTOR.full_name
        headers = [("tl-epoch", b"%d" % metadata.writer_epoch), ("tl-type", kind.encode())]
        return await self.append(topic, partition, event.SerializeToString(), headers)

    async def append(self, topic: str, partition: int, value: bytes, headers: Headers) -> int:
        """Write any record; return its offset."""
        async with AIOKafkaProducer(bootstrap_servers=self._bootstrap_servers, acks="all") as producer:
            sent = await producer.send_and_wait(topic, value, b"key", partition, headers=headers)
        return int(sent.offset)
