"""Records of one partition in a file: Kafka's own record batches, one after another, as on a broker's disk.

So every batch has its checksum, and `kafka-dump-log` reads the file. Must not: know topics or what a record says.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from trunkline_core.errors import Misconfigured
from trunkline_ledger.audit.stored import StoredRecord

MAGIC: Final = 2
GZIP: Final = 1
NO_PRODUCER: Final = -1
HEAD: Final = struct.Struct(">qi")  # base offset and length of the rest: the first 12 bytes of a batch
LARGEST: Final = 64 * 1024 * 1024


def write_batch(file: IO[bytes], records: Sequence[StoredRecord]) -> None:
    """Append records, which follow each other, as one batch."""
    builder = DefaultRecordBatchBuilder(MAGIC, GZIP, 0, NO_PRODUCER, NO_PRODUCER, NO_PRODUCER, LARGEST)
    first = records[0].offset
    for record in records:
        place, headers = record.offset - first, list(record.headers)
        if not builder.append(place, record.timestamp_ms, record.key, record.value, headers):
            raise Misconfigured(f"The record at offset {record.offset} is too large.")
    batch = bytes(builder.build())
    file.write(HEAD.pack(first, HEAD.unpack_from(batch)[1]) + batch[HEAD.size :])  # not in the checksum


def read_batches(path: Path) -> Iterator[list[StoredRecord]]:
    """Yield the records, a batch at a time. Raises: Misconfigured when the file is cut or a checksum is wrong."""
    with path.open("rb") as file:
        while head := file.read(HEAD.size):
            yield _records(head + _rest(file, head, path), path)


def _rest(file: IO[bytes], head: bytes, path: Path) -> bytes:
    length = HEAD.unpack(head)[1] if len(head) == HEAD.size else -1
    rest = file.read(length) if 0 < length <= LARGEST else b""
    if len(rest) != length:
        raise _damaged(path)
    return rest


def _records(data: bytes, path: Path) -> list[StoredRecord]:
    try:
        batch: Any = MemoryRecords(data).next_batch()
        if not batch.validate_crc():
            raise _damaged(path)
        return [
            StoredRecord(record.offset, record.timestamp, record.key, record.value, tuple(record.headers))
            for record in batch
        ]
    except Misconfigured:
        raise
    except Exception as error:  # whatever the parser stumbles over
        raise _damaged(path) from error


def _damaged(path: Path) -> Misconfigured:
    return Misconfigured(f"The file {path} of the backup is damaged: take another backup.")
