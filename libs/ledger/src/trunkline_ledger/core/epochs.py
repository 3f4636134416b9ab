"""Which records take effect: the log fences, not the consumer group (ledger rules 2 and 4).

Owns: the one pure filter that the owner's fold, every reader and every Faust agent run.
Must not: know Kafka, decode events, or look at anything but epoch, type and the marker itself.
"""

from dataclasses import dataclass
from enum import Enum

from google.protobuf.message import DecodeError
from trunkline.ledger.v1.ledger_types_pb2 import Marker

from trunkline_ledger.core.records import MARKER_TYPE, Record


class Verdict(Enum):
    """What a record is to every reader."""

    MARKER = "a new epoch begins"
    EFFECTIVE = "it takes effect"
    VOID = "it is ignored and counted"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who may write since the newest marker. `address` is host:port of its gRPC server."""

    instance_id: str
    boot_id: str
    address: str
    epoch: int


class EpochFilter:
    """The filter of one partition; feed it every record in order of offset.

    A marker is valid only if its epoch is greater than the current one; a later or equal one is void. Another record
    takes effect only if it carries the current epoch. A record without a valid epoch header is void.
    """

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch
        self.marker: Marker | None = None

    def begin(self, epoch: int, marker: Marker | None) -> None:
        """Go on where a snapshot was made."""
        self.epoch, self.marker = epoch, marker

    def copy(self) -> "EpochFilter":
        """Return a filter that goes on from here by itself."""
        copy = EpochFilter(self.epoch)
        copy.marker = self.marker
        return copy

    @property
    def owner(self) -> Owner | None:
        """Who may write, None before the first valid marker that was read."""
        found = self.marker
        return found and Owner(found.instance_id, found.boot_id, found.address, found.epoch)

    def admit(self, record: Record) -> Verdict:
        """Judge the next record."""
        if record.epoch is None or record.type is None:
            return Verdict.VOID
        if record.type == MARKER_TYPE:
            return self._admit_marker(record)
        return Verdict.EFFECTIVE if record.epoch == self.epoch and self.epoch > 0 else Verdict.VOID

    def _admit_marker(self, record: Record) -> Verdict:
        marker = read_marker(record.value)
        if marker is None or marker.epoch != record.epoch or marker.epoch <= self.epoch:
            return Verdict.VOID
        self.epoch, self.marker = marker.epoch, marker
        return Verdict.MARKER


def read_marker(value: bytes) -> Marker | None:
    """Return the marker, or None when the bytes are none."""
    try:
        return Marker.FromString(value)
    except DecodeError:
        return None
