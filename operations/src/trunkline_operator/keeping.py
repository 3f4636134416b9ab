"""`trunkline backup` and `trunkline restore`: ledgers and keys of one moment, and an installation made of them.

Owns: what belongs into a backup, and in which order. Read models, live tables and snapshots are left out: they are made
of the ledgers again. The key store is copied after the ledgers' ends are known: a key is durable before the first event
that needs it.
"""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from trunkline_core.errors import Misconfigured
from trunkline_ledger.audit.cuts import PartitionInputs, Place, consistent_cut
from trunkline_ledger.audit.stored import CutSource, FingerprintedSource, RecordSource
from trunkline_ledger.kafka.history import ClusterHistory
from trunkline_ledger.kafka.target import ClusterTarget
from trunkline_ledger.kafka.topics import describe_cluster
from trunkline_platform.keystore import KeyWrap, check_fingerprint, fingerprint_in

from trunkline_operator.copying import require_nothing_beside, sized_topics, verify_written, write_all
from trunkline_operator.folders import (
    KEYS,
    SECRET,
    BackupFolder,
    Contents,
    PartitionFile,
    finish,
    hash_of,
    new_folder,
)
from trunkline_operator.installation import Installation
from trunkline_operator.ledgers import LEDGERS
from trunkline_operator.report import print_json
from trunkline_operator.verifying import verify

NAMES = sorted(LEDGERS)


async def back_up(installation: Installation, kafka: str, folder: Path, *, with_secret: bool) -> None:
    """Write ledgers and keys into a new folder; the centre may run. Raises: Misconfigured, Transient."""
    _require_secret(installation, with_secret)
    new_folder(folder)
    cluster_id = await describe_cluster(kafka)
    contents = Contents(datetime.now(UTC).isoformat(), cluster_id)
    async with ClusterHistory(kafka, NAMES) as history:
        await _write_ledgers(CutSource(history, await one_moment(history)), folder, contents)
        _write_keys(installation, folder, with_secret)
    contents.files.update({name: hash_of(folder / name) for name in (KEYS, SECRET) if (folder / name).exists()})
    finish(folder, contents)
    print_json(records=sum(map(sum, contents.records.values())), keys=installation.keystore is not None)


async def one_moment(source: RecordSource) -> dict[Place, int]:
    """Return where to cut the ledgers, which may be written meanwhile, so that they agree with each other."""
    ends: dict[Place, int] = {}
    inputs: dict[Place, PartitionInputs] = {}
    for name in NAMES:
        for partition, end in (await source.ends(name)).items():
            ends[name, partition], found = end, PartitionInputs(LEDGERS[name])
            async for records in source.records(name, partition):
                for record in records:
                    found.read(record.read(partition))
            inputs[name, partition] = found
    return consistent_cut(ends, inputs)


async def _write_ledgers(source: RecordSource, folder: Path, contents: Contents) -> None:
    for name in NAMES:
        contents.records[name], contents.fingerprints[name] = [], []
        for partition in await source.ends(name):
            with PartitionFile(folder, name, partition) as file:
                async for records in source.records(name, partition):
                    file.write(records)
            contents.records[name].append(file.fingerprint.records)
            contents.fingerprints[name].append(str(file.fingerprint))
            print(f"{name}/{partition}: {file.fingerprint.records} records", flush=True)


def _require_secret(installation: Installation, with_secret: bool) -> None:
    if not with_secret:
        return
    if not installation.secret.exists():
        raise Misconfigured(f"There is no secret in {installation.secret}: keep a copy of TRUNKLINE_SECRET yourself.")
    if installation.keystore is not None and installation.keystore.exists():
        _require_secret_of(installation.keystore, installation.secret)


def _require_secret_of(keystore: Path, secret: Path) -> None:
    """Where TRUNKLINE_SECRET is set, what lies in the file opens nothing."""
    try:
        check_fingerprint(fingerprint_in(keystore), KeyWrap(secret.read_bytes()))
    except Misconfigured:
        raise Misconfigured(f"{secret} does not open the keys: keep a copy of TRUNKLINE_SECRET yourself.") from None
    except sqlite3.Error as error:
        raise Misconfigured(f"The key store {keystore} cannot be read ({error}).") from error


def _write_keys(installation: Installation, folder: Path, with_secret: bool) -> None:
    if installation.keystore is None:
        print(
            "The keys lie in MongoDB: back up the collections data_keys, destroyed_owners and data_key_installation "
            f"of its database {installation.mongo_database} with MongoDB's own tools, after this."
        )
    else:
        copy_keys(installation.keystore, folder / KEYS)
    if with_secret:
        shutil.copyfile(installation.secret, _private(folder / SECRET))
    else:
        print("The secret is not in the backup: without it the keys open nothing, so keep it elsewhere.")


def copy_keys(source: Path, target: Path) -> None:
    """Copy a key store that others may be writing. Raises: Misconfigured where there is none."""
    if not source.exists():
        raise Misconfigured(f"There is no key store {source}: set TRUNKLINE_KEYSTORE.")
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as original,
            closing(sqlite3.connect(_private(target))) as copy,
        ):
            original.backup(copy)
    except sqlite3.Error as error:
        raise Misconfigured(f"The key store {source} cannot be copied ({error}).") from error


def _private(path: Path) -> Path:
    path.touch(mode=0o600, exist_ok=False)
    return path


async def restore(installation: Installation, kafka: str, folder: Path, replication_factor: int) -> int:
    """Make an installation of a backup: an empty cluster, no keys yet. Return the problems that the ledgers have.

    Raises: Misconfigured when something is there already, or the backup is not whole; Transient.
    """
    backup = BackupFolder(folder)
    backup.check_files()
    _require_no_keys(installation, backup)
    print("reading the backup …", flush=True)
    if await verify(backup, NAMES):
        raise Misconfigured(f"The ledgers in {folder} are not sound: nothing was written.")
    await require_nothing_beside(kafka)
    original = FingerprintedSource(backup)
    async with ClusterTarget(kafka, replication_factor) as target:
        topics = await sized_topics(backup, NAMES)
        await target.prepare(topics)
        await write_all(original, target, NAMES)
        _restore_keys(installation, backup)  # before a service can start
        await target.seal(topics)
    return await verify_written(kafka, original, NAMES)


def _require_no_keys(installation: Installation, backup: BackupFolder) -> None:
    wanted = [installation.secret] if (backup.path / SECRET).exists() else []
    if (backup.path / KEYS).exists():
        if installation.keystore is None:
            raise Misconfigured("The backup has a file of keys, so unset TRUNKLINE_KEYSTORE.")
        wanted += [installation.keystore, *_logs_of(installation.keystore)]
    for path in wanted:
        if path.exists():
            raise Misconfigured(f"{path} is there already: restore into an installation that has none.")


def _logs_of(keystore: Path) -> list[Path]:
    """SQLite would play the log that a killed centre left beside its file into the restored one, whose keys were gone.

    See "How To Corrupt An SQLite Database File", 1.4.
    """
    return [keystore.with_name(keystore.name + ending) for ending in ("-wal", "-shm", "-journal")]


def _restore_keys(installation: Installation, backup: BackupFolder) -> None:
    for name, target in ((KEYS, installation.keystore), (SECRET, installation.secret)):
        if target is not None and (backup.path / name).exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(backup.path / name, _private(target))
