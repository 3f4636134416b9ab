"""Ledgers in memory, as an operator's tool reads them from a cluster or a backup.

Owns: records, markers and epochs as they stand there. Must not: check whether an event makes sense.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import MARKER_TYPE, Record
from trunkline_operator.ledgers import LEDGERS


@dataclass(frozen=True)
class _Stored:
    record: Record

    def read(self, partition: int) -> Record:
        return self.record


class StoredLedgers:
    """By topic, records by partition; implements RecordSource as far as tools that look at records need it."""

    def __init__(self, topics: Mapping[str, Mapping[int, Iterable[Record]]] | None = None) -> None:
        """Take over what a simulation left, or begin with none."""
        self._topics = {
            topic: {number: list(records) for number, records in partitions.items()}
            for topic, partitions in (topics or {}).items()
        }

    def begin_epoch(self, topic: str, epoch: int, time: datetime) -> None:
        """A new owner takes partition 0 over, which the first one makes."""
        marker = Marker(epoch=epoch, boot_id="b", instance_id="i", address="127.0.0.1:1", min_reader=1)
        self._append(topic, b"*", marker.SerializeToString(), time, epoch, MARKER_TYPE)

    def write(self, topic: str, event: Any, time: datetime, tenant: str, *, epoch: int = 1) -> None:
        """Write an event to partition 0, as its owner would, or as one of an epoch that is over."""
        number, codec = len(self._topics[topic][0]), LEDGERS[topic].codec
        metadata = Metadata(f"e{number}", "s", number, time, tenant, "system", "", "", epoch, False, b"")
        self._append(topic, b"k", codec.encode_event(event, metadata), time, epoch, codec.event_type(event))

    def _append(self, topic: str, key: bytes, value: bytes, time: datetime, epoch: int, kind: str) -> None:
        records = self._topics.setdefault(topic, {0: []})[0]
        records.append(Record(0, len(records), key, value, time, epoch, kind))

    async def ends(self, topic: str) -> dict[int, int]:
        """Return how many records each partition has."""
        return {number: len(records) for number, records in self._topics.get(topic, {0: []}).items()}

    async def records(self, topic: str, partition: int) -> AsyncIterator[list[_Stored]]:
        """Yield them at once."""
        yield [_Stored(record) for record in self._topics.get(topic, {0: []})[partition]]
