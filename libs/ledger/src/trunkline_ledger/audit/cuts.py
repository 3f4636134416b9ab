"""One moment of several ledgers that are being written: where to cut each, so that none answers what was cut off.

A process manager's mark names a record of another ledger (ledger rule 13). Restored without that record, the other
ledger would grow another one in its place, and the mark would have it as answered. Must not: read anything itself.
"""

from array import array
from bisect import bisect_left
from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError
from trunkline.ledger.v1 import ledger_types_pb2 as wire
from trunkline_core.errors import Poison

from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.records import INPUT_SKIPPED_TYPE, OWN_TYPES, Record
from trunkline_ledger.service import LedgerService

Place = tuple[str, int]
"""A topic's partition."""


class PartitionInputs:
    """Which records of other ledgers one partition has answered, and where; 16 bytes for each."""

    def __init__(self, service: LedgerService[Any, Any, Any]) -> None:
        self._service = service
        self._epochs = EpochFilter()
        self._answers: dict[tuple[str, str, int], tuple[array[int], array[int]]] = {}

    def read(self, record: Record) -> None:
        """Take in the next record."""
        if self._epochs.admit(record) is not Verdict.EFFECTIVE:
            return
        source = self._source_of(record)
        if source is not None:
            self.note(record.offset, source)

    def note(self, offset: int, source: wire.ManagerSource) -> None:
        """The record at `offset` answers this one; inputs of one manager come in order (rule 13)."""
        key = (source.manager, source.topic, source.partition)
        own, theirs = self._answers.setdefault(key, (array("q"), array("q")))
        own.append(offset)
        theirs.append(source.offset)

    def first_beyond(self, cut: Mapping[Place, int]) -> int | None:
        """Return the first offset that answers a record which is cut off, None where there is none."""
        found: list[int] = []
        for (_, topic, partition), (own, theirs) in self._answers.items():
            kept = bisect_left(theirs, cut.get((topic, partition), 2**62))
            found += own[kept : kept + 1]
        return min(found, default=None)

    def _source_of(self, record: Record) -> wire.ManagerSource | None:
        try:
            if record.type == INPUT_SKIPPED_TYPE:
                return wire.ManagerInputSkipped.FromString(record.value).source
            if record.type in OWN_TYPES:
                return None
            _, envelope = self._service.codec.decode_event(record.value)
            command = wire.CommandRecord.FromString(envelope.command)
        except (DecodeError, Poison):
            return None  # no cut helps a record that nobody can read
        return command.source if command.HasField("source") else None


def consistent_cut(ends: Mapping[Place, int], inputs: Mapping[Place, PartitionInputs]) -> dict[Place, int]:
    """Return the latest cut, at most at `ends`, in which every answered record is there too."""
    cut = dict(ends)
    is_cut_back = True
    while is_cut_back:
        is_cut_back = False
        for place, found in inputs.items():
            first = found.first_beyond(cut)
            if first is not None and first < cut[place]:
                cut[place], is_cut_back = first, True
    return cut
