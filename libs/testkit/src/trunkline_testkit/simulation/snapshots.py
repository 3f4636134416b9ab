"""Snapshots of the simulated log: made beside the replicas, as the helper process does, and read at each start.

Owns: two slots a partition, one of which may be damaged. Must not: let a replica read what it could not read on Kafka.
"""

import asyncio
from collections.abc import Sequence
from random import Random
from typing import Any

from trunkline_core.errors import Poison
from trunkline_ledger.core import snapshots
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.snapshots import SLOTS
from trunkline_ledger.log_client import SnapshotSlot
from trunkline_ledger.service import LedgerService

from trunkline_testkit.simulation.hosts import Host
from trunkline_testkit.simulation.log import SimulatedCluster, SimulatedPartition

EVERY_S = (20.0, 70.0)
DAMAGED_PERCENT = 10


class SnapshotMaker:
    """Folds one partition on its own and writes what it comes to, now and then."""

    def __init__(self, service: LedgerService[Any, Any, Any], partition: SimulatedPartition, random: Random) -> None:
        self._service = service
        self._partition = partition
        self._random = random
        self._fold: Fold[Any, Any, Any] = Fold(service, partition.number)
        self._number = 0

    async def run(self) -> None:
        """Make snapshots until cancelled; one that meets a poison record makes no more."""
        while True:
            await asyncio.sleep(self._random.uniform(*EVERY_S))
            begun_at, records = self._fold.next_offset, self._partition.records
            try:
                for record in records[begun_at:]:
                    self._fold.take_in(record, [])
            except Poison:
                return
            if self._fold.next_offset > begun_at and self._fold.is_between_commands:
                self._write(records[-1])

    def _write(self, last: Record) -> None:
        body = snapshots.body_of(self._fold.contents)
        manifest = snapshots.manifest_of(self._fold, body, last)
        self._number += 1
        manifest.number = self._number
        manifest.topic_id = self._partition.topic_id
        manifest.schema_version = self._service.schema_version
        chunks = dict(enumerate(snapshots.chunks_of(body)))
        if self._random.randrange(100) < DAMAGED_PERCENT:
            chunks[0] = chunks[0][:-1] + bytes([chunks[0][-1] ^ 1])
        self._partition.snapshots = [SnapshotSlot(manifest, chunks), *self._partition.snapshots][:SLOTS]


class SimulatedSnapshots:
    """Reads the snapshots of one topic."""

    def __init__(self, cluster: SimulatedCluster, host: Host, topic: str) -> None:
        self._cluster = cluster
        self._host = host
        self._topic = topic

    async def start(self) -> None:
        await self._cluster.round_trip(self._host)

    async def stop(self) -> None:
        """Nothing to let go of."""

    async def slots(self, partition: int) -> Sequence[SnapshotSlot]:
        await self._cluster.round_trip(self._host)
        return list(self._cluster.topics[self._topic][partition].snapshots)

    async def record_at(self, partition: int, offset: int) -> Record | None:
        await self._cluster.round_trip(self._host)
        records = self._cluster.topics[self._topic][partition].records
        return records[offset] if offset < len(records) else None
