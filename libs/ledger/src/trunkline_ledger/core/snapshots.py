"""A fold as bytes: what a snapshot holds, and when it may be used (ledger rule 16).

The body is a row of frames, each a length and [path of a table, classes that are new, rows]; it is cut into chunks
anywhere. The manifest names what must be true of them. Must not: know where chunks are kept.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC
from itertools import islice
from typing import Any, Generic, TypeVar

import msgspec
from trunkline.ledger.v1.ledger_types_pb2 import SnapshotManifest
from trunkline_core.errors import TrunklineError
from trunkline_core.tables import Rows

from trunkline_ledger.core.contents import Contents, Path
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.records import Record
from trunkline_ledger.core.rows import Classes, Packing, Unpacking, Unreadable, class_name, decode, encode, field_names
from trunkline_ledger.service import LedgerService, LedgerState

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")

CHUNK_BYTES = 512 * 1024
ROWS_A_FRAME = 500
LENGTH_BYTES = 4
OWN_CLASSES = ("trunkline_core", "trunkline_ledger.core", "trunkline_ledger.submission")
DAMAGES = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, msgspec.MsgspecError, TrunklineError)


def manifest_of(fold: Fold[Any, Any, Any], body: bytes, last: Record) -> SnapshotManifest:
    """Return what is true of a fold and its body; number, topic id and schema version are the writer's to set.

    `last`: the last record that was folded. The fold must stand between two commands.
    """
    assert fold.is_between_commands, "a half-read command is no state"
    manifest = SnapshotManifest(
        partition=last.partition,
        next_offset=fold.next_offset,
        epoch=fold.epochs.epoch,
        marker=fold.epochs.marker,
        chunk_count=len(chunks_of(body)),
        size_bytes=len(body),
        sha256=hashlib.sha256(body).digest(),
        last_record_sha256=record_hash(last),
    )
    manifest.log_time.FromDatetime(fold.clock.last_event_time)
    return manifest


def body_of(contents: Contents) -> bytes:
    """Return all tables as bytes, rows in the order in which the rules see them."""
    return b"".join(len(frame).to_bytes(LENGTH_BYTES, "big") + frame for frame in _frames(contents))


def chunks_of(body: bytes) -> list[bytes]:
    """Return the body in parts of at most 512 KiB."""
    return [body[begin : begin + CHUNK_BYTES] for begin in range(0, len(body), CHUNK_BYTES)]


def record_hash(record: Record) -> bytes:
    """Return a hash of one record, by which a log is known again: one that lost its tail has another one there."""
    head = f"{record.offset}/{record.epoch}/{record.type}/{len(record.key)}/".encode()
    return hashlib.sha256(head + record.key + record.value).digest()


def check_manifest(manifest: SnapshotManifest, service: LedgerService[Any, Any, Any], topic_id: str) -> None:
    """Raises: Unreadable when the snapshot is of another log, or of a version that this one does not read."""
    if manifest.topic_id != topic_id:
        raise Unreadable("it is of another topic id")
    if manifest.schema_version > service.schema_version:
        raise Unreadable(f"its schema version {manifest.schema_version} is newer than {service.schema_version}")
    if manifest.schema_version < service.snapshots_since:
        raise Unreadable(f"its schema version {manifest.schema_version} is older than {service.snapshots_since}")


def whole_body(manifest: SnapshotManifest, chunks: Mapping[int, bytes]) -> bytes:
    """Return the body. Raises: Unreadable when a chunk is missing, or the hash is not the manifest's."""
    if missing := [number for number in range(manifest.chunk_count) if number not in chunks]:
        raise Unreadable(f"chunk {missing[0]} of {manifest.chunk_count} is missing")
    body = b"".join(chunks[number] for number in range(manifest.chunk_count))
    if len(body) != manifest.size_bytes or hashlib.sha256(body).digest() != manifest.sha256:
        raise Unreadable("its chunks do not have the hash of its manifest")
    return body


class Restoration(Generic[S, C, E]):
    """A fold on its way back from a snapshot; go through `steps`, then take `fold`."""

    def __init__(
        self, service: LedgerService[S, C, E], number: int, manifest: SnapshotManifest, chunks: Mapping[int, bytes]
    ) -> None:
        """Raises: Unreadable."""
        self.fold: Fold[S, C, E] = Fold(service, number)
        self._contents = self.fold.contents
        self._manifest = manifest
        self._is_older = manifest.schema_version < service.schema_version
        self._unpacking = Unpacking(classes_of(service), is_older=self._is_older)
        self._body = whole_body(manifest, chunks)
        self._filled: dict[Path, tuple[Rows, list[tuple[Any, Any]]]] = {}

    def steps(self) -> Iterator[None]:
        """Fill the tables, some hundred rows a step, so that a caller may do other work in between.

        Raises: Unreadable.
        """
        try:
            for frame in _framed(self._body):
                self._take(*frame)
                yield
            self._finish()
        except DAMAGES as error:
            raise Unreadable(f"its rows do not fit: {type(error).__name__}") from error

    def _take(self, names: list[str], classes: list[tuple[str, list[str]]], rows: list[tuple[Any, Any]]) -> None:
        for name, fields in classes:
            self._unpacking.learn(name, fields)
        path, unpack = tuple(names), self._unpacking.unpack
        if path not in self._filled:
            self._filled[path] = (self._table(path), [])
        self._filled[path][1].extend((unpack(key), unpack(row)) for key, row in rows)

    def _table(self, path: Path) -> Rows:
        try:
            return self._contents.table(path)
        except (LookupError, TypeError):
            raise Unreadable(f"there is no table {'.'.join(path)}") from None

    def _finish(self) -> None:
        for table, rows in self._filled.values():
            table.load(rows)
        missing = {path for path, _ in self._contents.tables()}.difference(self._filled)
        if missing and not self._is_older:
            raise Unreadable(f"it was written without the table {'.'.join(min(missing))}")
        self._contents.reindex()
        manifest, fold = self._manifest, self.fold
        fold.next_offset = manifest.next_offset
        fold.epochs.begin(manifest.epoch, manifest.marker if manifest.HasField("marker") else None)
        fold.clock.saw(manifest.log_time.ToDatetime(UTC))


def restored(
    service: LedgerService[S, C, E], number: int, manifest: SnapshotManifest, chunks: Mapping[int, bytes]
) -> Fold[S, C, E]:
    """Return the fold at once. Raises: Unreadable."""
    restoration = Restoration(service, number, manifest, chunks)
    for _ in restoration.steps():
        pass
    return restoration.fold


def classes_of(service: LedgerService[Any, Any, Any]) -> Classes:
    """Return the classes that rows may be made of: the ledger's own, and those of the service's domain."""
    modules = (type(service.decider).__module__, type(service.new_state()).__module__)
    return Classes((*OWN_CLASSES, *(module.rpartition(".")[0] or module for module in modules)))


def _frames(contents: Contents) -> Iterator[bytes]:
    numbers: dict[type, int] = {}
    fresh: list[tuple[str, tuple[str, ...]]] = []

    def number_of(kind: type) -> int:
        fresh.append((class_name(kind), field_names(kind)))
        return numbers.setdefault(kind, len(numbers))

    pack = Packing(number_of).pack
    for path, table in contents.tables():
        rows, portion = table.items(), None
        while portion is None or len(portion) == ROWS_A_FRAME:
            portion = [(pack(key), pack(row)) for key, row in islice(rows, ROWS_A_FRAME)]
            yield encode([path, fresh, portion])
            fresh.clear()


def _framed(body: bytes) -> Iterator[Any]:
    begin = 0
    while begin < len(body):
        end = begin + LENGTH_BYTES + int.from_bytes(body[begin : begin + LENGTH_BYTES], "big")
        yield decode(body[begin + LENGTH_BYTES : end])
        begin = end
