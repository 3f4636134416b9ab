"""Records exactly as a topic holds them, so that a copy is a copy byte for byte. Must not: judge a record."""

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from trunkline_ledger.core.clock import BEGINNING
from trunkline_ledger.core.records import Record, read_headers


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record; `timestamp_ms` is the broker's append time in milliseconds since 1970."""

    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]

    @property
    def size_bytes(self) -> int:
        """Length in a record batch, about."""
        headers = sum(len(name) + len(value or b"") + 4 for name, value in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers + 24

    def read(self, partition: int) -> Record:
        """Return it as the ledger's core sees it."""
        epoch, kind = read_headers(self.headers)
        append_time = BEGINNING + timedelta(milliseconds=self.timestamp_ms)
        return Record(partition, self.offset, self.key or b"", self.value or b"", append_time, epoch, kind)


class Fingerprint:
    """A hash of everything that a partition's records are: equal for a copy, byte for byte, and nothing else."""

    def __init__(self) -> None:
        self.records = 0
        self._digest = hashlib.sha256()

    def add(self, records: Sequence[StoredRecord]) -> None:
        """Take in the next records."""
        self.records += len(records)
        for record in records:
            parts = (
                record.key,
                record.value,
                *(part for name, value in record.headers for part in (name.encode(), value)),
            )
            self._digest.update(b"%d %d " % (record.offset, record.timestamp_ms))
            for part in parts:
                self._digest.update(b"-" if part is None else b"%d:%s" % (len(part), part))

    def __str__(self) -> str:
        return self._digest.hexdigest()


class RecordSource(Protocol):
    """Where whole ledgers are read from: a cluster, or the folder of a backup."""

    async def ends(self, topic: str) -> dict[int, int]:
        """Return the next offset of each partition, the same each time. Raises: Misconfigured, Transient."""
        ...

    def records(self, topic: str, partition: int) -> AsyncIterator[Sequence[StoredRecord]]:
        """Yield all records from offset 0 to that end, some at a time. Raises: Misconfigured, Transient."""
        ...


class FingerprintedSource:
    """A source that takes the fingerprint of each partition while it is read."""

    def __init__(self, source: RecordSource) -> None:
        self.made: dict[tuple[str, int], Fingerprint] = {}
        self._source = source

    async def ends(self, topic: str) -> dict[int, int]:
        return await self._source.ends(topic)

    async def records(self, topic: str, partition: int) -> AsyncIterator[Sequence[StoredRecord]]:
        fingerprint = self.made[topic, partition] = Fingerprint()
        async for records in self._source.records(topic, partition):
            fingerprint.add(records)
            yield records

    def fingerprints(self) -> dict[str, str]:
        """Return the fingerprints of the partitions read so far, by topic/partition."""
        return {f"{topic}/{partition}": str(found) for (topic, partition), found in self.made.items()}


class CutSource:
    """A source that ends earlier, at the offsets of a cut."""

    def __init__(self, source: RecordSource, cut: Mapping[tuple[str, int], int]) -> None:
        self._source = source
        self._cut = cut

    async def ends(self, topic: str) -> dict[int, int]:
        return {number: self._cut[topic, number] for number in await self._source.ends(topic)}

    async def records(self, topic: str, partition: int) -> AsyncIterator[Sequence[StoredRecord]]:
        end = self._cut[topic, partition]
        async for records in self._source.records(topic, partition):
            kept = [record for record in records if record.offset < end]
            if kept:
                yield kept
            if len(kept) < len(records):
                return
