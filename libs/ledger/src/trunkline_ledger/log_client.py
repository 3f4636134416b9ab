"""What the shell of a ledger asks of a log, and how it tells the time: a port.

`kafka/client.py` fills it with Kafka, the testkit's simulator with a log in memory, so that the very same tasks run on
both. Whatever fills it raises aiokafka's errors, for the shell tells by them what heals and what does not.
Must not: say what a record means.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from trunkline.ledger.v1.ledger_types_pb2 import SnapshotManifest
from trunkline.topics import Topic

from trunkline_ledger.core.records import Draft, Record


class AppendRefused(Exception):
    """The broker will never take these records."""


class AppendUnknown(Exception):
    """The records may or may not be on the log."""


@dataclass(frozen=True, slots=True)
class Description:
    """What is fixed about an existing topic."""

    cluster_id: str
    topic_id: str
    partitions: int


@dataclass(frozen=True, slots=True)
class SnapshotSlot:
    """What stands in one slot of a partition's snapshots: whole or not, is for its reader to say."""

    manifest: SnapshotManifest
    chunks: dict[int, bytes] = field(default_factory=dict)


class LogTail(Protocol):
    """Reads partitions of one topic; see `kafka.tail.Tail`."""

    async def start(
        self, offsets: Mapping[int, int] | None = None, *, only: Collection[int] | None = None
    ) -> list[int]:
        """Connect, begin at `offsets` (0 where none is given), in `only` these partitions or all; return those read.

        Raises: KafkaError, TimeoutError.
        """
        ...

    def seek(self, partition: int, offset: int) -> None:
        """Go on from `offset`."""
        ...

    async def next_records(self, timeout_s: float) -> list[Record]:
        """Return what arrived, in order per partition; nothing after `timeout_s`.

        Raises: KafkaError; OffsetOutOfRangeError for a position that the log does not have (rule 9).
        """
        ...

    async def end_offsets(self, partitions: list[int]) -> dict[int, int]:
        """Return the next offset of each partition. Raises: KafkaError."""
        ...

    async def stop(self) -> None:
        """Disconnect; never fails."""
        ...


class LogSnapshots(Protocol):
    """Reads the snapshots of one ledger; see `kafka.snapshots.SnapshotReader`."""

    async def start(self) -> None:
        """Connect. Raises: KafkaError, TimeoutError."""
        ...

    async def stop(self) -> None:
        """Disconnect; never fails."""
        ...

    async def slots(self, partition: int) -> Sequence[SnapshotSlot]:
        """Return what the slots of a partition of the ledger hold, newest first. Raises: KafkaError, TimeoutError."""
        ...

    async def record_at(self, partition: int, offset: int) -> Record | None:
        """Return one record of the ledger, None beyond its end. Raises: KafkaError, TimeoutError."""
        ...


class LogProducer(Protocol):
    """Appends to one partition until its first unknown outcome; see `kafka.producer.PartitionProducer`."""

    async def start(self) -> None:
        """Connect. Raises: KafkaError, TimeoutError."""
        ...

    async def append(self, drafts: Sequence[Draft]) -> int:
        """Append all as one batch; return the offset of the first. Raises: AppendRefused, AppendUnknown."""
        ...

    async def close(self) -> None:
        """Stop without delivering what is still on its way here; never fails."""
        ...


class LogMembership(Protocol):
    """One replica's place in the group that proposes owners; see `kafka.membership.Membership`."""

    proposed: frozenset[int]

    async def start(self) -> None:
        """Join. Raises: KafkaError when no broker is up or the session time-out is refused; TimeoutError."""
        ...

    async def poll(self) -> None:
        """Show that we live. Raises: KafkaError."""
        ...

    async def end_offset(self, partition: int) -> int:
        """Return the partition's next offset. Raises: KafkaError, TimeoutError."""
        ...

    async def topic_id(self) -> str:
        """Return the id of the topic as it is now. Raises: KafkaError, TimeoutError; Transient while there is none."""
        ...

    async def stop(self, *, leave: bool) -> None:
        """Disconnect; with `leave` the group hands our partitions on at once. Never fails."""
        ...


class LogClient(Protocol):
    """One process's way to the log."""

    @property
    def bootstrap_servers(self) -> str:
        """Where another process finds the log too, for snapshots; empty for a log that only this process has."""
        ...

    def monotonic_s(self) -> float:
        """Return the process's monotonic time in seconds."""
        ...

    def wall_s(self) -> float:
        """Return the machine's clock in Unix seconds; only jumps of it mean anything."""
        ...

    async def prepare(self, topics: Sequence[Topic], replication_factor: int) -> Description:
        """Create or verify the topics; return the first. Raises: Transient when no broker answers; Misconfigured."""
        ...

    def new_tail(self, topic: str, client_id: str, fetch_max_wait_ms: int = 500) -> LogTail:
        """Return one that is not started; a fetch that has nothing to return may wait `fetch_max_wait_ms`."""
        ...

    def new_snapshot_reader(self, ledger_topic: str, client_id: str) -> LogSnapshots:
        """Return one that is not started."""
        ...

    def new_producer(self, topic: str, partition: int, timeout_s: float) -> LogProducer:
        """Return one that is not started; an append without an answer for `timeout_s` is unknown (rule 10)."""
        ...

    def new_membership(self, topic: str, instance_id: str, session_timeout_s: float) -> LogMembership:
        """Return one that has not joined; after `session_timeout_s` of silence the group proposes somebody else."""
        ...
