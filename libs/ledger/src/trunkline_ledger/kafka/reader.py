"""How everybody else reads a ledger: effective records only, from an explicit (offset, epoch) (ledger rule 4).

Filter by epoch first, then deduplicate. A reader that restarts between a marker and a zombie's record must know the
epoch at its position, or it would believe the zombie.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.records import MARKER_TYPE, Record
from trunkline_ledger.kafka.client import KafkaClient
from trunkline_ledger.log_client import LogClient, LogTail

VOID_RECORDS: Final[Counter[tuple[str, str]]] = Counter()
"""What readers of this process ignored, by (client id, topic); it outlives a reader that is built anew."""


@dataclass(frozen=True, slots=True)
class Position:
    """The next offset to read, and the epoch in force before it."""

    offset: int = 0
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class EffectiveRecord:
    """A record that takes effect, markers and skips included; `position_after` is the position that follows it."""

    record: Record
    position_after: Position

    @property
    def verdict(self) -> Verdict:
        """Whether it begins an epoch or takes effect in one."""
        return Verdict.MARKER if self.record.type == MARKER_TYPE else Verdict.EFFECTIVE


class Reader:
    """Follows one ledger topic."""

    def __init__(
        self,
        topic: str,
        *,
        bootstrap_servers: str,
        start: Mapping[int, Position] | None = None,
        client_id: str = "trunkline-reader",
        client: LogClient | None = None,
    ) -> None:
        self.topic = topic
        self._counted_as = (client_id, topic)
        VOID_RECORDS[self._counted_as] += 0
        self._client = client or KafkaClient(bootstrap_servers)
        self._client_id = client_id
        self._positions: dict[int, Position] = dict(start or {})
        self._filters: dict[int, EpochFilter] = {}
        self._tail = self._new_tail()

    def _new_tail(self) -> LogTail:
        return self._client.new_tail(self.topic, self._client_id)

    async def start(self) -> None:
        """Connect and read from the saved positions. Raises: KafkaError, TimeoutError when it cannot."""
        offsets = {number: position.offset for number, position in self._positions.items()}
        for number in await self._tail.start(offsets):
            position = self._positions.setdefault(number, Position())
            self._filters[number] = EpochFilter(position.epoch)

    async def renew(self) -> None:
        """Build the client anew; `start` then goes on where we were."""
        await self._tail.stop()
        self._tail = self._new_tail()

    async def stop(self) -> None:
        """Disconnect."""
        await self._tail.stop()

    async def next_batch(self, timeout_s: float = 1.0) -> list[EffectiveRecord]:
        """Return effective records in order per partition; void ones only move the position and are counted."""
        return [found for record in await self._tail.next_records(timeout_s) if (found := self._judge(record))]

    def _judge(self, record: Record) -> EffectiveRecord | None:
        position = self._positions[record.partition]
        if record.offset < position.offset:
            return None
        epochs = self._filters[record.partition]
        verdict = epochs.admit(record)
        after = self._positions[record.partition] = Position(record.offset + 1, epochs.epoch)
        if verdict is Verdict.VOID:
            VOID_RECORDS[self._counted_as] += 1
            return None
        return EffectiveRecord(record, after)

    def positions(self) -> dict[int, Position]:
        """Return where each partition is."""
        return dict(self._positions)

    def seek(self, partition: int, position: Position) -> None:
        """Go on from another position, for example back to a process manager's mark."""
        self._positions[partition] = position
        self._filters[partition] = EpochFilter(position.epoch)
        self._tail.seek(partition, position.offset)

    async def end_offsets(self) -> dict[int, int]:
        """Return the next offset of each partition of the topic."""
        return await self._tail.end_offsets(sorted(self._positions))
