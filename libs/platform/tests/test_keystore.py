import asyncio
import contextlib
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from trunkline_core.errors import Erased, Misconfigured, Poison
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.keystore_mongo import MongoKeyStore
from trunkline_platform.store_mongo import MongoStore
from trunkline_testkit.contracts.keystore import KeyStoreContract
from trunkline_testkit.twins.store import MemoryStore

WRAP = KeyWrap(b"s" * 32)


class TestSqliteKeyStore(KeyStoreContract):
    @pytest.fixture
    async def keys(self, tmp_path):
        store = SqliteKeyStore(tmp_path / "folder" / "keys.sqlite", WRAP)
        yield store
        await store.close()


class TestMongoKeyStore(KeyStoreContract):
    @pytest.fixture
    async def keys(self, mongo_url, mongo_database):
        store = MongoStore(mongo_url, mongo_database)
        yield await MongoKeyStore.open(store, WRAP)
        await store.close()


class TestMongoKeyStoreOnTheTwin(KeyStoreContract):
    @pytest.fixture
    async def keys(self):
        return await MongoKeyStore.open(MemoryStore(), WRAP)


async def test_another_secret_is_refused_by_the_cluster_store_too():
    store = MemoryStore()
    await MongoKeyStore.open(store, WRAP)
    await MongoKeyStore.open(store, WRAP)
    with pytest.raises(Misconfigured, match="TRUNKLINE_SECRET is not the secret"):
        await MongoKeyStore.open(store, KeyWrap(b"t" * 32))


async def test_no_key_stays_when_it_is_made_while_its_owner_is_destroyed(keys_pair):
    for number in range(50):
        first, second = keys_pair
        made, _ = await asyncio.gather(
            first.create(f"cu_{number}", "tn_1"), second.destroy(f"cu_{number}", "tn_1"), return_exceptions=True
        )
        assert isinstance(made, Erased) or await first.get(made.key_id) is None
        assert await first.destroy(f"cu_{number}", "tn_1") == 0


class Paused:
    """A store whose next insert or bulk write of a collection waits, done, until it may return."""

    def __init__(self, store, collection, operation):
        self.reached, self.may_return = asyncio.Event(), asyncio.Event()
        write = getattr(store.collection(collection), operation)

        async def write_and_wait(*given):
            await write(*given)
            self.reached.set()
            await self.may_return.wait()

        setattr(store.collection(collection), operation, write_and_wait)


@pytest.mark.parametrize(("collection", "operation"), [("data_keys", "insert"), ("destroyed_owners", "bulk")])
async def test_whichever_of_a_new_key_and_a_destruction_comes_second_sees_the_other(collection, operation):
    store = MemoryStore()
    keys, paused = await MongoKeyStore.open(store, WRAP), Paused(store, collection, operation)
    made = asyncio.ensure_future(keys.create("cu_1", "tn_1")) if operation == "insert" else None
    gone = asyncio.ensure_future(keys.destroy("cu_1", "tn_1")) if operation == "bulk" else None
    await paused.reached.wait()
    if made:
        assert await keys.destroy("cu_1", "tn_1") == 1
    else:
        made = asyncio.ensure_future(keys.create("cu_1", "tn_1"))
        await asyncio.wait([made])
    paused.may_return.set()
    with pytest.raises(Erased):
        await made
    assert gone is None or await gone == 0
    assert await store.collection("data_keys").count({}) == 0


@pytest.fixture(params=["sqlite", "mongo"])
async def keys_pair(request, tmp_path):
    if request.param == "sqlite":
        pair = [SqliteKeyStore(tmp_path / "keys.sqlite", WRAP) for _ in range(2)]
        yield pair
        for keys in pair:
            await keys.close()
    else:
        url, database = request.getfixturevalue("mongo_url"), request.getfixturevalue("mongo_database")
        stores = [MongoStore(url, database) for _ in range(2)]
        yield [await MongoKeyStore.open(store, WRAP) for store in stores]
        for store in stores:
            await store.close()


async def test_keys_are_there_after_a_restart_and_for_other_processes(tmp_path):
    mine, other = [SqliteKeyStore(tmp_path / "keys.sqlite", WRAP) for _ in range(2)]
    key = await mine.create("cu_1", "tn_1")
    assert await other.get(key.key_id) == key
    await mine.close()
    again = SqliteKeyStore(tmp_path / "keys.sqlite", WRAP)
    assert await again.get(key.key_id) == key
    await again.close()
    await other.close()


async def test_a_destroyed_owner_is_refused_after_a_restart_and_by_other_processes(tmp_path):
    mine, other = [SqliteKeyStore(tmp_path / "keys.sqlite", WRAP) for _ in range(2)]
    await mine.create("cu_1", "tn_1")
    await mine.destroy("cu_1", "tn_1")
    await mine.close()
    again = SqliteKeyStore(tmp_path / "keys.sqlite", WRAP)
    for store in (other, again):
        with pytest.raises(Erased):
            await store.create("cu_1", "tn_1")
        await store.close()


async def test_a_destroyed_owner_is_refused_by_a_cluster_store_opened_again():
    store = MemoryStore()
    await (await MongoKeyStore.open(store, WRAP)).destroy("cu_1", "tn_1")
    with pytest.raises(Erased):
        await (await MongoKeyStore.open(store, WRAP)).create("cu_1", "tn_1")


async def test_destroying_by_prefix_is_answered_by_the_index(tmp_path):
    await SqliteKeyStore(tmp_path / "keys.sqlite", WRAP).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "keys.sqlite")) as reader:
        query = "SELECT DISTINCT owner FROM data_keys WHERE tenant = '' AND owner >= '' AND owner < '' AND made_ns < 0"
        (plan,) = reader.execute(f"EXPLAIN QUERY PLAN {query}").fetchall()
    assert "COVERING INDEX data_keys_of_owner (tenant=? AND owner>? AND owner<?)" in plan[-1]


async def test_a_key_survives_the_kill_of_its_process(tmp_path):
    program = f"""
import asyncio, os, pathlib, sys
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
store = SqliteKeyStore(pathlib.Path({str(tmp_path / "keys.sqlite")!r}), KeyWrap(b"s" * 32))
key = asyncio.run(store.create("cu_1", "tn_1"))
sys.stdout.write(key.key_id); sys.stdout.flush(); os.kill(os.getpid(), 9)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == -9, ended.stderr
    store = SqliteKeyStore(tmp_path / "keys.sqlite", WRAP)
    assert (await store.get(ended.stdout)).key_id == ended.stdout
    await store.close()


async def test_several_processes_open_a_new_file_at_once_and_write_together(tmp_path):
    program = f"""
import asyncio, pathlib
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
async def main():
    store = SqliteKeyStore(pathlib.Path({str(tmp_path / "keys.sqlite")!r}), KeyWrap(b"s" * 32))
    for i in range(25):
        await store.create("cu_1", "tn_1")
    await store.close()
asyncio.run(main())
"""
    writers = [await asyncio.create_subprocess_exec(sys.executable, "-c", program) for _ in range(6)]
    assert [await writer.wait() for writer in writers] == [0] * 6
    store = SqliteKeyStore(tmp_path / "keys.sqlite", WRAP)
    assert await store.destroy("cu_1", "tn_1") == 150
    await store.close()


DESTROY = {
    "destroy": lambda store: store.destroy("cu_1", "tn_1"),
    "destroy_all": lambda store: store.destroy_all("cu_", "tn_1", datetime.now(UTC)),
}


@pytest.mark.parametrize("how", DESTROY)
async def test_no_byte_of_a_destroyed_key_is_left_in_the_files(tmp_path, how):
    store = SqliteKeyStore(tmp_path / "keys.sqlite", WRAP)
    await store.create("cu_1", "tn_1")
    with sqlite3.connect(tmp_path / "keys.sqlite") as reader:
        (wrapped,) = reader.execute("SELECT wrapped FROM data_keys").fetchone()
    reader.close()
    await DESTROY[how](store)
    assert not any(wrapped in file.read_bytes() for file in tmp_path.iterdir())
    await store.close()


async def test_the_files_are_readable_by_their_user_only(tmp_path):
    store = SqliteKeyStore(tmp_path / "keys.sqlite", WRAP)
    await store.create("cu_1", "tn_1")
    assert {oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == {"0o600"}
    await store.close()


async def test_keys_are_wrapped_on_disk(tmp_path):
    store = SqliteKeyStore(tmp_path / "keys.sqlite", WRAP)
    key = await store.create("cu_1", "tn_1")
    assert not any(key.secret in file.read_bytes() for file in tmp_path.iterdir())
    assert key.secret.hex() not in repr(key) and repr(key.secret) not in repr(key)
    await store.close()


async def test_another_secret_is_refused_at_the_start_in_one_sentence(tmp_path):
    await SqliteKeyStore(tmp_path / "keys.sqlite", WRAP).close()
    with pytest.raises(Misconfigured, match="TRUNKLINE_SECRET is not the secret"):
        SqliteKeyStore(tmp_path / "keys.sqlite", KeyWrap(b"t" * 32))


def test_a_file_that_is_no_key_store_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "keys.sqlite").write_bytes(b"not a database, " * 100)
    with pytest.raises(Misconfigured, match="cannot be used"):
        SqliteKeyStore(tmp_path / "keys.sqlite", WRAP)


def test_a_path_that_cannot_be_made_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="cannot be opened"):
        SqliteKeyStore(tmp_path / "file" / "keys.sqlite", WRAP)


def test_a_wrapped_key_is_poison_under_another_tenant_or_id():
    key, wrapped = WRAP.new_key("tn_1")
    assert WRAP.unwrap(key.key_id, "tn_1", wrapped) == key
    for key_id, tenant, stored in [(key.key_id, "tn_2", wrapped), ("dk_0", "tn_1", wrapped), (key.key_id, "tn_1", b"")]:
        with pytest.raises(Poison):
            WRAP.unwrap(key_id, tenant, stored)
