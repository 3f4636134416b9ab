"""A backup is whole or none, whatever happens to its files, and is never written over anything."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from hypothesis import given
from hypothesis import strategies as st
from ticket_writers import ticket_ledger, write_tickets
from trunkline.topics import TOPICS
from trunkline_core.errors import Misconfigured
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.audit.stored import StoredRecord
from trunkline_ledger.kafka.history import ClusterHistory
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_operator.commands import carry_out
from trunkline_operator.folders import KEYS, MANIFEST, BackupFolder, Contents, finish, hash_of, ledger_file
from trunkline_operator.installation import Installation
from trunkline_operator.keeping import NAMES, back_up, restore
from trunkline_operator.segments import read_batches, write_batch
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore

TOPIC = "ticket.events.v1"
SECRET = b"s" * 32


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker with all ledgers, of which only the tickets' was written."""
    started = KafkaNode.start(tmp_path_factory.mktemp("kafka"))
    yield started
    started.kill()


def installation_at(folder: Path, node: KafkaNode) -> Installation:
    return Installation(node.bootstrap, "mongodb://127.0.0.1:1/", "trunkline", folder, folder / "keys.sqlite")


@pytest.fixture
async def installation(node: KafkaNode, tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation with a key whose file is open and has a write-ahead log."""
    made = installation_at(tmp_path / "data", node)
    keys = SqliteKeyStore(tmp_path / "data" / "keys.sqlite", KeyWrap(SECRET))
    await keys.create("cu_1", "tn_1")
    made.secret.write_bytes(SECRET)
    await ensure_topics(node.bootstrap, [TOPICS[name] for name in NAMES])
    async with ClusterHistory(node.bootstrap, [TOPIC]) as history:
        is_written = any((await history.ends(TOPIC)).values())
    if not is_written:
        async with ticket_ledger(node.bootstrap) as ledger:
            await write_tickets(ledger, 12)
    yield made
    await keys.close()


@pytest.fixture
async def backup(installation: Installation, node: KafkaNode, tmp_path: Path) -> Path:
    folder = tmp_path / "backup"
    await back_up(installation, node.bootstrap, folder, with_secret=True)
    return folder


async def read_all(folder: Path) -> list[StoredRecord]:
    source = BackupFolder(folder)
    return [
        record
        for partition in await source.ends(TOPIC)
        async for records in source.records(TOPIC, partition)
        for record in records
    ]


async def test_a_backup_holds_the_records_the_keys_and_only_when_asked_the_secret(
    installation: Installation, node: KafkaNode, backup: Path, tmp_path: Path
) -> None:
    async with ClusterHistory(node.bootstrap, [TOPIC]) as history:
        live = [
            record
            for partition in await history.ends(TOPIC)
            async for records in history.records(TOPIC, partition)
            for record in records
        ]
    assert await read_all(backup) == live and len(live) > 36
    keys = SqliteKeyStore(backup / "keys.sqlite", KeyWrap(SECRET))
    assert await keys.current("cu_1", "tn_1") is not None
    await keys.close()
    assert (backup / "secret").read_bytes() == SECRET
    assert {oct((backup / name).stat().st_mode & 0o777) for name in ("keys.sqlite", "secret")} == {"0o600"}
    await back_up(installation, node.bootstrap, tmp_path / "other", with_secret=False)
    assert not (tmp_path / "other" / "secret").exists()


async def test_nobody_else_may_read_a_backup_whose_folder_was_made_before(
    installation: Installation, node: KafkaNode, tmp_path: Path
) -> None:
    folder = tmp_path / "made-before"
    folder.mkdir(mode=0o755)
    await back_up(installation, node.bootstrap, folder, with_secret=True)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST]
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}


@pytest.mark.parametrize("name", ["keys.sqlite", "secret"])
@pytest.mark.parametrize("damage", ["flip", "unlink"])
async def test_nothing_is_restored_without_the_keys_that_were_backed_up(
    name: str, damage: str, backup: Path, tmp_path: Path, node: KafkaNode
) -> None:
    """The restored centre would have begun with keys of its own, and nobody could have opened a text again."""
    if damage == "flip":
        flip(backup / name)
    else:
        (backup / name).unlink()
    fresh = installation_at(tmp_path / "fresh", node)
    with pytest.raises(Misconfigured, match=rf"{name} of the backup is"):
        await restore(fresh, node.bootstrap, backup, 1)
    assert not fresh.data.exists()


async def test_a_backup_without_its_keys_is_not_sound(installation: Installation, backup: Path) -> None:
    look = ["ledger", "verify", TOPIC, "--backup", str(backup)]
    assert await asyncio.to_thread(carry_out, look, installation) == 0
    (backup / "keys.sqlite").unlink()
    with pytest.raises(Misconfigured, match=r"keys\.sqlite of the backup is missing"):
        await asyncio.to_thread(carry_out, look, installation)


async def test_a_backup_is_written_over_nothing(installation: Installation, node: KafkaNode, backup: Path) -> None:
    with pytest.raises(Misconfigured, match=r"is not empty: name a new folder"):
        await back_up(installation, node.bootstrap, backup, with_secret=False)


async def test_a_backup_that_was_not_finished_is_none(backup: Path) -> None:
    (backup / MANIFEST).unlink()
    with pytest.raises(Misconfigured, match=r"is no finished backup"):
        BackupFolder(backup)


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def lose_a_batch(path: Path) -> None:
    batches = list(read_batches(path))
    with path.open("wb") as file:
        for records in batches[:-1] or [batches[0][:-1]]:
            write_batch(file, records)


@pytest.mark.parametrize("damage", [flip, cut, lose_a_batch, Path.unlink])
async def test_a_damaged_file_is_named_and_nothing_is_restored_from_it(
    damage: object, backup: Path, tmp_path: Path, node: KafkaNode
) -> None:
    partition = next(number for number in range(4) if ledger_file(backup, TOPIC, number).stat().st_size)
    damage(ledger_file(backup, TOPIC, partition))  # type: ignore[operator]
    with pytest.raises(Misconfigured, match=rf"{partition}\.log of the backup is"):
        await read_all(backup)
    fresh = installation_at(tmp_path / "fresh", node)
    with pytest.raises(Misconfigured, match=rf"{partition}\.log of the backup is"):
        await restore(fresh, node.bootstrap, backup, 1)
    assert not fresh.data.exists()


async def test_what_is_there_is_not_restored_over(installation: Installation, node: KafkaNode, backup: Path) -> None:
    before = installation.secret.read_bytes()
    with pytest.raises(Misconfigured, match=r"is there already: restore into an installation that has none"):
        await restore(installation, node.bootstrap, backup, 1)
    fresh = installation_at(installation.data / "fresh", node)
    with pytest.raises(Misconfigured, match=r"is not empty: nothing was written"):
        await restore(fresh, node.bootstrap, backup, 1)
    assert installation.secret.read_bytes() == before
    assert not fresh.data.exists()


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
async def test_keys_are_not_restored_beside_the_log_of_a_killed_centres_key_store(ending: str, tmp_path: Path) -> None:
    """Somebody removed the file that was in the way; SQLite would have put the old life's pages over the keys."""
    folder = tmp_path / "backup"
    folder.mkdir()
    keys = SqliteKeyStore(folder / KEYS, KeyWrap(SECRET))
    await keys.close()
    finish(folder, Contents("2026-01-05", "a cluster", files={KEYS: hash_of(folder / KEYS)}))
    (tmp_path / f"{KEYS}{ending}").write_bytes(b"of another life")
    installation = Installation("127.0.0.1:1", "", "trunkline", tmp_path, tmp_path / KEYS)
    with pytest.raises(Misconfigured, match=rf"sqlite{ending} is there already: restore into an installation"):
        await restore(installation, "127.0.0.1:1", folder, 1)
    assert not (tmp_path / KEYS).exists()


async def test_nothing_is_restored_beside_what_another_ledger_led_to(backup: Path, tmp_path: Path) -> None:
    """Live tables name offsets of the ledgers that they were made of, and would have begun behind the restored ones."""
    other = KafkaNode.start(tmp_path / "other-kafka")
    try:
        await ensure_topics(other.bootstrap, [TOPICS["live.queues.v1"]])
        async with AIOKafkaProducer(bootstrap_servers=other.bootstrap) as producer:
            await producer.send_and_wait("live.queues.v1", b"old", b"qu_1")
        fresh = installation_at(tmp_path / "fresh", other)
        with pytest.raises(Misconfigured, match=r"live\.queues\.v1 at .* is not empty: nothing was written"):
            await restore(fresh, other.bootstrap, backup, 1)
        assert not fresh.data.exists()
    finally:
        other.kill()


async def test_a_key_store_that_is_none_is_one_sentence(
    installation: Installation, node: KafkaNode, tmp_path: Path
) -> None:
    assert installation.keystore is not None
    without = installation_at(tmp_path / "nobody", node)
    with pytest.raises(Misconfigured, match=r"^There is no key store "):
        await back_up(without, node.bootstrap, tmp_path / "one", with_secret=False)
    with pytest.raises(Misconfigured, match=r"^There is no secret in "):
        await back_up(without, node.bootstrap, tmp_path / "two", with_secret=True)
    without.data.mkdir()
    assert without.keystore is not None
    without.keystore.write_bytes(b"no database at all" * 50)
    with pytest.raises(Misconfigured, match=r"cannot be copied"):
        await back_up(without, node.bootstrap, tmp_path / "three", with_secret=False)
    assert not (tmp_path / "three" / MANIFEST).exists()


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    installation = Installation("127.0.0.1:1", "", "trunkline", tmp_path, None)
    with pytest.raises(Misconfigured, match=r"file/folder: Not a directory\.$"):
        carry_out(["backup", str(file / "folder")], installation)


async def test_a_secret_that_does_not_open_the_keys_is_not_backed_up_as_theirs(tmp_path: Path) -> None:
    """Where TRUNKLINE_SECRET is set, the file holds another one: the restored keys would have opened nothing."""
    keys = SqliteKeyStore(tmp_path / KEYS, KeyWrap(SECRET))
    await keys.create("cu_1", "tn_1")
    installation = Installation("127.0.0.1:1", "", "trunkline", tmp_path, tmp_path / KEYS)
    installation.secret.write_bytes(b"another" * 8)
    with pytest.raises(Misconfigured, match=r"secret does not open the keys: keep a copy of TRUNKLINE_SECRET"):
        await back_up(installation, "127.0.0.1:1", tmp_path / "backup", with_secret=True)
    assert not (tmp_path / "backup").exists()
    await keys.close()


MAYBE = st.none() | st.binary(max_size=40)
HEADERS = st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=8)), max_size=3)
RECORDS = st.lists(st.tuples(st.integers(0, 2**45), MAYBE, MAYBE, HEADERS), min_size=1, max_size=20)


@given(st.integers(0, 2**40), st.lists(RECORDS, min_size=1, max_size=4))
def test_records_come_back_from_a_file_as_they_were(tmp_path_factory, first, groups):
    path = tmp_path_factory.mktemp("segments") / "0.log"
    written, offset = [], first
    with path.open("wb") as file:
        for group in groups:
            records = [
                StoredRecord(offset + place, at, key, value, tuple(headers))
                for place, (at, key, value, headers) in enumerate(group)
            ]
            write_batch(file, records)
            written, offset = [*written, *records], offset + len(records)
    assert [record for records in read_batches(path) for record in records] == written
