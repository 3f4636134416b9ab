import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pymongo
import pytest
from pymongo.errors import DuplicateKeyError, PyMongoError
from trunkline_core.errors import Misconfigured
from trunkline_embedded.store import MongoStore


@pytest.fixture
def store(tmp_path):
    store = MongoStore.start(tmp_path / "store")
    yield store
    store.kill()


def test_acknowledged_inserts_survive_kill(store):
    with pymongo.MongoClient(store.url) as client:
        for number in range(50):
            client.desk.tickets.insert_one({"_id": str(number)})
        store.kill()
        store.restart()
        assert client.desk.tickets.count_documents({}) == 50


def upsert_until_it_is_away(url, writer):
    with pymongo.MongoClient(url, serverSelectionTimeoutMS=300) as client:
        rows = client.desk[f"rows{writer % 3}"]
        for batch in count():
            numbers = range(batch * 20, batch * 20 + 20)
            upserts = [pymongo.UpdateOne({"_id": f"{writer}-{n}"}, {"$set": {"n": n}}, upsert=True) for n in numbers]
            try:
                rows.bulk_write(upserts, ordered=False)
            except PyMongoError:
                return


def test_a_row_that_was_half_written_at_a_kill_is_whole_or_gone(store):
    for _ in range(2):  # without the lock in EmbeddedMongo.java every third run or so finds half a row
        with ThreadPoolExecutor(6) as writers:
            for writer in range(6):
                writers.submit(upsert_until_it_is_away, store.url, writer)
            time.sleep(1.2)
            store.kill()
        store.restart()
        with pymongo.MongoClient(store.url) as client:
            for rows in (client.desk.rows0, client.desk.rows1, client.desk.rows2):
                assert [row["_id"] for row in rows.find({}) if not rows.find_one({"_id": row["_id"]})] == []
                rows.drop()


def test_a_unique_index_is_kept_and_still_holds_after_a_restart(store):
    with pymongo.MongoClient(store.url) as client:
        client.desk.tickets.create_index([("tenant", 1), ("number", 1)], unique=True)
        client.desk.tickets.insert_one({"_id": "a", "tenant": "t", "number": 1})
    store.restart()
    with pymongo.MongoClient(store.url) as client, pytest.raises(DuplicateKeyError):
        client.desk.tickets.insert_one({"_id": "b", "tenant": "t", "number": 1})


def test_a_store_whose_file_is_broken_shows_the_end_of_its_log(tmp_path):
    (tmp_path / "store.mv").write_bytes(b"not a store" * 2000)
    with pytest.raises(Misconfigured, match=r"(?s)^The store stopped while starting, its log .*MVStoreException"):
        MongoStore.start(tmp_path)


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="The store cannot write to its data folder"):
        MongoStore.start(tmp_path / "file" / "store")
