import asyncio

import pytest
from trunkline_core.errors import Misconfigured, Transient
from trunkline_embedded.ports import free_port
from trunkline_embedded.store import MongoStore as EmbeddedStore
from trunkline_platform.store import Upsert
from trunkline_platform.store_mongo import MongoStore
from trunkline_testkit.contracts.store import StoreContract


class TestMongoStore(StoreContract):
    @pytest.fixture
    async def store(self, mongo_url, mongo_database):
        store = MongoStore(mongo_url, mongo_database)
        yield store
        await store.close()


async def test_a_store_that_is_away_is_transient_and_heals_by_itself(tmp_path):
    server = EmbeddedStore.start(tmp_path)
    store = MongoStore(server.url, "desk")
    tickets = store.collection("tickets")
    await tickets.insert({"_id": "a"})
    server.kill()
    for call in (
        tickets.get("a"),
        tickets.insert({"_id": "b"}),
        tickets.bulk([Upsert("b", {"$set": {}})]),
        store.ping(),
    ):
        with pytest.raises(Transient):
            await call
    server.restart()
    assert await tickets.get("a") == {"_id": "a"}
    await store.close()
    server.kill()


async def test_a_write_to_a_port_where_nobody_listens_is_transient():
    store = MongoStore(f"mongodb://127.0.0.1:{free_port()}/", "desk")
    with pytest.raises(Transient):
        await store.ping()
    await store.close()


def test_an_address_that_makes_no_sense_is_one_sentence():
    with pytest.raises(Misconfigured, match="TRUNKLINE_MONGO_URL is not an address of MongoDB"):
        MongoStore("postgres://localhost", "desk")


async def test_concurrent_guarded_writers_of_a_new_document_leave_the_newest_version(mongo_url, mongo_database):
    store = MongoStore(mongo_url, mongo_database)
    rows = store.collection("rows")
    for document in range(20):
        writes = [Upsert(str(document), {"$set": {"n": version}}, version) for version in (1, 2, 3, 4)]
        await asyncio.gather(*(rows.bulk([write]) for write in writes))
    assert {row["n"] for row in await rows.find({}, limit=100)} == {4}
    await store.close()
