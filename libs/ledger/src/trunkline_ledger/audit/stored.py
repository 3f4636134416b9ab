"""Records exactly as a topic holds them, so that a copy is a copy byte for byte. Must not: judge a record."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from trunkline_ledger.core.records import Record, read_headers

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record; `timestamp_ms` is the broker's append time in milliseconds since 1970."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    def read(self, partition: int) -> Record:
        """Return it as the ledger's core sees it."""
        epoch, kind = read_headers(self.headers)
        append_time = EPOCH + timedelta(milliseconds=self.timestamp_ms)
        return Record(partition, self.offset, self.key or b"", self.value or b"", append_time, epoch, kind)


class RecordSource(Protocol):
    """Where whole ledgers are read from: a cluster, or the folder of a backup."""

    async def ends(self, topic: str) -> dict[int, int]:
        """Return the next offset of each partition, the same each time. Raises: Misconfigured, Transient."""
        ...

    def records(self, topic: str, partition: int) -> AsyncIterator[Sequence[StoredRecord]]:
        """Yield all records from offset 0 to that end, some at a time. Raises: Misconfigured, Transient."""
        ...
