"""The folder of a backup: a file for each partition, the keys, and at last `backup.json`, which says what is whole.

Owns: the layout of the folder. Must not: know Kafka's brokers or the key store's tables.

    backup.json  keys.sqlite  secret (only when asked for)  ledgers/<topic>/<partition>.log
"""

import hashlib
import json
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Final

from trunkline_core.errors import Misconfigured
from trunkline_ledger.audit.stored import Fingerprint, StoredRecord

from trunkline_operator.segments import read_batches, write_batch

MANIFEST: Final = "backup.json"
KEYS: Final = "keys.sqlite"
SECRET: Final = "secret"
FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Contents:
    """What `backup.json` says: how many records each partition has, and their fingerprints, by topic and partition; the
    hashes of `keys.sqlite` and `secret`, where they are in it, by name."""

    made: str
    cluster_id: str
    records: dict[str, list[int]] = field(default_factory=dict)
    fingerprints: dict[str, list[str]] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


class BackupFolder:
    """A backup that was finished (a `RecordSource`)."""

    def __init__(self, path: Path) -> None:
        """Raises: Misconfigured where there is none, or one of another format."""
        self.path = path
        self.contents = _contents(path)

    def check_files(self) -> None:
        """Without its keys a ledger says nothing of people. Raises: Misconfigured when one is missing or another."""
        for name, wanted in self.contents.files.items():
            path = self.path / name
            if not path.exists():
                raise Misconfigured(f"The file {path} of the backup is missing.")
            if hash_of(path) != wanted:
                raise Misconfigured(f"The file {path} of the backup is not what was backed up: take another backup.")

    async def ends(self, topic: str) -> dict[int, int]:
        """Return the next offset of each partition. Raises: Misconfigured for a ledger that is not in it."""
        if topic not in self.contents.records:
            raise Misconfigured(f"The backup {self.path} has no ledger {topic}.")
        return dict(enumerate(self.contents.records[topic]))

    async def records(self, topic: str, partition: int) -> AsyncIterator[Sequence[StoredRecord]]:
        """Yield all records. Raises: Misconfigured when they are not those that were backed up."""
        path, fingerprint = ledger_file(self.path, topic, partition), Fingerprint()
        if not path.exists():
            raise Misconfigured(f"The file {path} of the backup is missing.")
        for records in read_batches(path):
            fingerprint.add(records)
            yield records
        if str(fingerprint) != self.contents.fingerprints[topic][partition]:
            raise Misconfigured(f"The file {path} of the backup is not what was backed up: take another backup.")


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ledger_file(folder: Path, topic: str, partition: int) -> Path:
    """Return the file of one partition."""
    return folder / "ledgers" / topic / f"{partition}.log"


class PartitionFile:
    """The file of one partition while it is written; use it with `with`: on disk when that ends."""

    def __init__(self, folder: Path, topic: str, partition: int) -> None:
        path = ledger_file(folder, topic, partition)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.fingerprint = Fingerprint()
        self._file: IO[bytes] = open(path, "xb", opener=_private)  # noqa: SIM115  # closed by `with`

    def __enter__(self) -> "PartitionFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def write(self, records: Sequence[StoredRecord]) -> None:
        """Append."""
        self.fingerprint.add(records)
        write_batch(self._file, records)


def _private(path: str, flags: int) -> int:
    """The folder may have been there before, open to everybody."""
    return os.open(path, flags, 0o600)


def new_folder(path: Path) -> None:
    """Make the folder, for this user only. Raises: Misconfigured when it exists and is not empty."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise Misconfigured(f"{path} is not empty: name a new folder for the backup.")
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def finish(path: Path, contents: Contents) -> None:
    """Write what the folder holds, once all of that is on disk; before that it is no backup."""
    for written in (path, *path.rglob("*")):
        _put_on_disk(written)
    unfinished = path / f"{MANIFEST}.part"
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump(asdict(contents), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path / MANIFEST)
    _put_on_disk(path)


def _put_on_disk(path: Path) -> None:
    """A file, or the names in a folder: a new name outlives a power loss only when its folder is on disk too."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _contents(path: Path) -> Contents:
    try:
        found = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        contents = Contents(**found)
    except FileNotFoundError:
        raise Misconfigured(f"{path} is no finished backup: it has no {MANIFEST}.") from None
    except (ValueError, TypeError) as error:
        raise Misconfigured(f"{path / MANIFEST} cannot be read: take another backup.") from error
    if contents.format != FORMAT:
        raise Misconfigured(f"{path} has the format {contents.format}; this version reads {FORMAT}.")
    return contents
