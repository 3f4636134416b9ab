import asyncio
import sqlite3
import subprocess
import sys

import pytest
from trunkline_core.errors import Misconfigured, Poison
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


async def test_no_key_stays_behind_when_it_is_made_while_its_owner_is_moved(keys_pair):
    for number in range(50):
        contact, customer = f"ct_{number}", f"cu_{number}"
        first, second = keys_pair
        key, _ = await asyncio.gather(first.create(contact, "tn_1"), second.move(contact, customer))
        assert await first.current(customer, "tn_1") == key


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
    assert await store.destroy("cu_1") == 150
    await store.close()


async def test_no_byte_of_a_destroyed_key_is_left_in_the_files(tmp_path):
    store = SqliteKeyStore(tmp_path / "keys.sqlite", WRAP)
    await store.create("cu_1", "tn_1")
    with sqlite3.connect(tmp_path / "keys.sqlite") as reader:
        (wrapped,) = reader.execute("SELECT wrapped FROM data_keys").fetchone()
    reader.close()
    await store.destroy("cu_1")
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
