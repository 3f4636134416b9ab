"""What every document store does: the narrow contract, case by case.

class TestMyStore(StoreContract):
    @pytest.fixture
    async def store(self): yield …
"""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from trunkline_core.errors import Conflict
from trunkline_ledger.kafka.reader import Position
from trunkline_platform.store import Collection, Delete, Positions, Store, Update, Upsert, Write

NOON = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)

TICKETS: list[dict[str, Any]] = [
    {"_id": "a", "state": "open", "priority": 1, "tags": ["vip", "late"], "who": {"name": "Ann"}, "due": NOON},
    {"_id": "b", "state": "open", "priority": 3, "tags": [], "who": {"name": "Bob"}, "due": None},
    {"_id": "c", "state": "solved", "priority": 2, "tags": ["late"], "who": {"name": "Cid"}},
    {"_id": "d", "state": "closed", "priority": 2, "lines": [{"sku": "x", "n": 2}, {"sku": "y", "n": 5}]},
]

QUERIES: list[tuple[dict[str, Any], str]] = [
    ({}, "abcd"),
    ({"state": "open"}, "ab"),
    ({"state": "open", "priority": 3}, "b"),
    ({"state": {"$in": ["open", "closed"]}}, "abd"),
    ({"state": {"$in": []}}, ""),
    ({"state": {"$ne": "open"}}, "cd"),
    ({"priority": {"$gt": 2}}, "b"),
    ({"priority": {"$gte": 2}}, "bcd"),
    ({"priority": {"$lt": 2}}, "a"),
    ({"priority": {"$lte": 2}}, "acd"),
    ({"priority": {"$gte": 2, "$lt": 3}}, "cd"),
    ({"priority": {"$gt": "2"}}, ""),
    ({"priority": True}, ""),
    ({"due": None}, "bcd"),
    ({"due": NOON}, "a"),
    ({"due": {"$lt": NOON + timedelta(days=1)}}, "a"),
    ({"due": {"$exists": True}}, "ab"),
    ({"due": {"$exists": False}}, "cd"),
    ({"due": {"$ne": None}}, "a"),
    ({"tags": "late"}, "ac"),
    ({"tags": {"$in": ["vip"]}}, "a"),
    ({"tags": {"$ne": "late"}}, "bd"),
    ({"tags": ["late"]}, "c"),
    ({"tags": []}, "b"),
    ({"who.name": "Bob"}, "b"),
    ({"who.name": {"$regex": "^(Ann|Cid)$"}}, "ac"),
    ({"who.name": {"$regex": "^b"}}, ""),
    ({"who.name": {"$not": {"$regex": "^B"}}}, "acd"),
    ({"who": {"name": "Ann"}}, "a"),
    ({"priority": {"$not": {"$gt": 1}}}, "a"),
    ({"$or": [{"priority": 1}, {"state": "closed"}]}, "ad"),
    ({"$or": [{"priority": 1}, {"priority": 2}], "state": "solved"}, "c"),
    ({"$and": [{"priority": 2}, {"state": {"$ne": "solved"}}]}, "d"),
    ({"lines.sku": "y"}, "d"),
    ({"lines.n": {"$gt": 4}}, "d"),
    ({"lines": {"$elemMatch": {"sku": "x", "n": {"$gt": 1}}}}, "d"),
    ({"lines": {"$elemMatch": {"sku": "x", "n": 5}}}, ""),
    ({"tags": {"$elemMatch": {"$in": ["vip"]}}}, "a"),
    ({"_id": {"$gt": "b"}}, "cd"),
]

UPDATES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"$set": {"n": 2, "who.name": "Zoe"}}, {"n": 2, "tags": ["x", "y"], "who": {"name": "Zoe"}}),
    ({"$set": {"new.deep": None}}, {"n": 1, "tags": ["x", "y"], "who": {"name": "Ann"}, "new": {"deep": None}}),
    ({"$inc": {"n": 5, "m": -1}}, {"n": 6, "m": -1, "tags": ["x", "y"], "who": {"name": "Ann"}}),
    ({"$max": {"n": 0, "top": 3}}, {"n": 1, "top": 3, "tags": ["x", "y"], "who": {"name": "Ann"}}),
    ({"$max": {"n": 9}}, {"n": 9, "tags": ["x", "y"], "who": {"name": "Ann"}}),
    ({"$min": {"n": 0}}, {"n": 0, "tags": ["x", "y"], "who": {"name": "Ann"}}),
    ({"$unset": {"n": "", "who.name": "", "none": ""}}, {"tags": ["x", "y"], "who": {}}),
    ({"$setOnInsert": {"n": 7}}, {"n": 1, "tags": ["x", "y"], "who": {"name": "Ann"}}),
    ({"$push": {"tags": "z"}}, {"n": 1, "tags": ["x", "y", "z"], "who": {"name": "Ann"}}),
    ({"$push": {"new": {"a": 1}}}, {"n": 1, "tags": ["x", "y"], "who": {"name": "Ann"}, "new": [{"a": 1}]}),
    (
        {"$push": {"tags": {"$each": ["z", "w"], "$slice": -3}}},
        {"n": 1, "tags": ["y", "z", "w"], "who": {"name": "Ann"}},
    ),
    ({"$pull": {"tags": "x"}}, {"n": 1, "tags": ["y"], "who": {"name": "Ann"}}),
    ({"$pull": {"tags": {"$in": ["x", "y"]}}}, {"n": 1, "tags": [], "who": {"name": "Ann"}}),
    ({"$addToSet": {"tags": "x"}}, {"n": 1, "tags": ["x", "y"], "who": {"name": "Ann"}}),
    ({"$addToSet": {"tags": {"$each": ["y", "z"]}}}, {"n": 1, "tags": ["x", "y", "z"], "who": {"name": "Ann"}}),
]

PIPELINES: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = [
    (
        [
            {"$match": {"state": {"$ne": "closed"}}},
            {"$group": {"_id": "$state", "n": {"$sum": 1}, "total": {"$sum": "$priority"}}},
            {"$sort": {"_id": 1}},
        ],
        [{"_id": "open", "n": 2, "total": 4}, {"_id": "solved", "n": 1, "total": 2}],
    ),
    (
        [
            {
                "$group": {
                    "_id": None,
                    "avg": {"$avg": "$priority"},
                    "lo": {"$min": "$priority"},
                    "hi": {"$max": "$priority"},
                }
            }
        ],
        [{"_id": None, "avg": 2.0, "lo": 1, "hi": 3}],
    ),
    (
        [
            {"$sort": {"priority": -1, "_id": 1}},
            {"$group": {"_id": None, "first": {"$first": "$_id"}, "all": {"$push": "$_id"}}},
        ],
        [{"_id": None, "first": "b", "all": ["b", "c", "d", "a"]}],
    ),
    (
        [
            {"$group": {"_id": {"state": "$state", "priority": "$priority"}, "n": {"$sum": 1}}},
            {"$match": {"_id.state": "open"}},
            {"$sort": {"_id.priority": 1}},
        ],
        [{"_id": {"state": "open", "priority": 1}, "n": 1}, {"_id": {"state": "open", "priority": 3}, "n": 1}],
    ),
    (
        [{"$sort": {"_id": 1}}, {"$skip": 1}, {"$limit": 2}, {"$project": {"state": 1, "name": "$who.name"}}],
        [{"_id": "b", "state": "open", "name": "Bob"}, {"_id": "c", "state": "solved", "name": "Cid"}],
    ),
    ([{"$match": {"_id": "a"}}, {"$project": {"_id": 0, "priority": 1}}], [{"priority": 1}]),
    (
        [{"$unwind": "$tags"}, {"$group": {"_id": "$tags", "n": {"$sum": 1}}}, {"$sort": {"n": -1, "_id": 1}}],
        [{"_id": "late", "n": 2}, {"_id": "vip", "n": 1}],
    ),
    ([{"$match": {"state": "open"}}, {"$count": "n"}], [{"n": 2}]),
    ([{"$match": {"state": "none"}}, {"$count": "n"}], []),
]


async def ids(collection: Collection, query: dict[str, Any], sort: Sequence[tuple[str, int]] = (("_id", 1),)) -> str:
    """Return the ids found, joined."""
    return "".join(document["_id"] for document in await collection.find(query, sort=sort, limit=100))


class StoreContract:
    """Subclasses provide the fixture `store`."""

    @pytest.fixture
    def collection(self, store: Store) -> Collection:
        return store.collection(f"c_{uuid.uuid4().hex}")

    @pytest.fixture
    async def tickets(self, collection: Collection) -> Collection:
        for ticket in TICKETS:
            await collection.insert(ticket)
        return collection

    async def test_a_document_comes_back_as_it_was_written(self, collection: Collection) -> None:
        document = {
            "_id": "a",
            "text": "中文 🙂",
            "big": 2**62,
            "float": 0.1,
            "flag": True,
            "none": None,
            "bytes": b"\x00\xff",
            "list": [1, [2], {"x": []}],
            "when": NOON,
        }
        await collection.insert(document)
        assert await collection.get("a") == document

    async def test_a_dropped_collection_is_empty_and_forgets_what_was_unique(self, collection: Collection) -> None:
        await collection.drop()
        await collection.ensure_index([("address", 1)], unique=True)
        await collection.insert({"_id": "a", "address": "x"})
        await collection.drop()
        assert await collection.count({}) == 0
        await collection.bulk([Upsert(name, {"$set": {"address": "x"}}) for name in "bc"])
        assert await collection.count({}) == 2

    async def test_a_time_comes_back_in_utc(self, collection: Collection) -> None:
        await collection.insert({"_id": "a", "when": NOON.astimezone(timezone(timedelta(hours=8)))})
        found = await collection.get("a")
        assert found is not None and found["when"] == NOON and found["when"].utcoffset() == timedelta()

    async def test_an_unknown_id_is_none(self, collection: Collection) -> None:
        assert await collection.get("none") is None

    async def test_a_second_document_of_one_id_is_a_conflict(self, collection: Collection) -> None:
        await collection.insert({"_id": "a", "n": 1})
        with pytest.raises(Conflict):
            await collection.insert({"_id": "a", "n": 2})
        assert await collection.get("a") == {"_id": "a", "n": 1}

    async def test_a_unique_index_over_two_fields_refuses_the_same_pair_only(self, collection: Collection) -> None:
        await collection.ensure_index([("tenant", 1), ("number", 1)], unique=True)
        await collection.ensure_index([("tenant", 1), ("number", 1)], unique=True)
        await collection.insert({"_id": "a", "tenant": "t", "number": 1})
        await collection.insert({"_id": "b", "tenant": "u", "number": 1})
        with pytest.raises(Conflict):
            await collection.insert({"_id": "c", "tenant": "t", "number": 1})
        with pytest.raises(Conflict):
            await collection.update({"_id": "b"}, {"$set": {"tenant": "t"}})
        assert await collection.get("b") == {"_id": "b", "tenant": "u", "number": 1}

    @pytest.mark.parametrize(("query", "expected"), QUERIES, ids=[str(query) for query, _ in QUERIES])
    async def test_a_query_finds(self, tickets: Collection, query: dict[str, Any], expected: str) -> None:
        assert await ids(tickets, query) == expected
        assert await tickets.count(query) == len(expected)

    async def test_found_documents_are_sorted_cut_and_reduced_to_fields(self, tickets: Collection) -> None:
        assert await ids(tickets, {}, sort=[("priority", -1), ("_id", 1)]) == "bcda"
        assert await ids(tickets, {}, sort=[("state", 1), ("_id", -1)]) == "dbac"
        page = await tickets.find({}, sort=[("_id", 1)], skip=1, limit=2, fields=["state", "who.name"])
        assert page == [
            {"_id": "b", "state": "open", "who": {"name": "Bob"}},
            {"_id": "c", "state": "solved", "who": {"name": "Cid"}},
        ]

    async def test_documents_without_the_sort_field_come_first(self, tickets: Collection) -> None:
        assert await ids(tickets, {}, sort=[("who.name", 1)]) == "dabc"

    async def test_distinct_values_are_each_returned_once(self, tickets: Collection) -> None:
        assert sorted(await tickets.distinct("state", {})) == ["closed", "open", "solved"]
        assert sorted(await tickets.distinct("tags", {"priority": {"$lt": 3}})) == ["late", "vip"]

    @pytest.mark.parametrize(("update", "expected"), UPDATES, ids=[str(update) for update, _ in UPDATES])
    async def test_an_update_makes(
        self, collection: Collection, update: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        await collection.insert({"_id": "a", "n": 1, "tags": ["x", "y"], "who": {"name": "Ann"}})
        assert await collection.update({"_id": "a"}, update)
        assert await collection.get("a") == {"_id": "a", **expected}

    async def test_an_update_of_objects_in_an_array_pulls_what_matches(self, tickets: Collection) -> None:
        await tickets.update({"_id": "d"}, {"$pull": {"lines": {"sku": "x"}}})
        found = await tickets.get("d")
        assert found is not None and found["lines"] == [{"sku": "y", "n": 5}]

    async def test_an_update_that_finds_nothing_changes_nothing(self, collection: Collection) -> None:
        assert not await collection.update({"_id": "a"}, {"$set": {"n": 1}})
        assert await collection.get("a") is None

    async def test_an_upsert_makes_the_document_from_query_and_update(self, collection: Collection) -> None:
        update: Update = {"$set": {"n": 1}, "$setOnInsert": {"made": True}}
        assert await collection.update({"_id": "a", "tenant": "t"}, update, upsert=True)
        assert await collection.get("a") == {"_id": "a", "tenant": "t", "n": 1, "made": True}

    async def test_only_the_writer_who_saw_the_newest_version_succeeds(self, collection: Collection) -> None:
        await collection.insert({"_id": "a", "version": 1, "n": 0})
        assert await collection.compare_and_set("a", 1, {"$set": {"n": 1}}) == {"_id": "a", "version": 2, "n": 1}
        assert await collection.compare_and_set("a", 1, {"$set": {"n": 9}}) is None
        assert await collection.compare_and_set("none", 1, {"$set": {"n": 9}}) is None
        assert await collection.get("a") == {"_id": "a", "version": 2, "n": 1}

    async def test_a_bulk_writes_and_deletes_and_may_be_repeated(self, collection: Collection) -> None:
        await collection.insert({"_id": "old"})
        writes: list[Write] = [
            Upsert("a", {"$set": {"n": 1}}),
            Upsert("b", {"$set": {"n": 2}, "$addToSet": {"tags": "x"}}),
            Delete("old"),
        ]
        for _ in range(2):
            await collection.bulk(writes)
        assert await collection.find({}, sort=[("_id", 1)], limit=10) == [
            {"_id": "a", "n": 1},
            {"_id": "b", "n": 2, "tags": ["x"]},
        ]

    async def test_an_empty_bulk_does_nothing(self, collection: Collection) -> None:
        await collection.bulk([])

    async def test_a_guarded_write_never_goes_back_to_an_older_version(self, collection: Collection) -> None:
        def at(version: int) -> Upsert:
            return Upsert("a", {"$set": {"n": version}, "$inc": {"writes": 1}}, version)

        for version in (2, 1, 2, 3, 2, 3):
            await collection.bulk([Upsert("other", {"$set": {"n": 1}}), at(version)])
        assert await collection.get("a") == {"_id": "a", "n": 3, "writes": 2, "version": 3}
        assert await collection.get("other") == {"_id": "other", "n": 1}

    async def test_a_bulk_does_everything_it_can_and_tells_of_a_conflict(self, collection: Collection) -> None:
        await collection.ensure_index([("number", 1)], unique=True)
        await collection.insert({"_id": "a", "number": 1})
        with pytest.raises(Conflict):
            await collection.bulk([Upsert("b", {"$set": {"number": 1}}), Upsert("c", {"$set": {"number": 3}})])
        assert await collection.get("b") is None
        assert await collection.get("c") == {"_id": "c", "number": 3}

    async def test_a_guarded_write_also_tells_of_a_taken_unique_field(self, collection: Collection) -> None:
        await collection.ensure_index([("number", 1)], unique=True)
        await collection.insert({"_id": "a", "number": 1})
        with pytest.raises(Conflict):
            await collection.bulk([Upsert("b", {"$set": {"number": 1}}, version=1)])

    async def test_delete_removes_all_that_match(self, tickets: Collection) -> None:
        assert await tickets.delete({"state": "open"}) == 2
        assert await ids(tickets, {}) == "cd"
        assert await tickets.delete({"state": "open"}) == 0

    @pytest.mark.parametrize(("pipeline", "expected"), PIPELINES, ids=[str(pipeline) for pipeline, _ in PIPELINES])
    async def test_a_pipeline_gives(
        self, tickets: Collection, pipeline: list[dict[str, Any]], expected: list[dict[str, Any]]
    ) -> None:
        assert await tickets.aggregate(pipeline) == expected

    @pytest.mark.parametrize(
        "document",
        [
            {"_id": 1},
            {"n": 1},
            {"_id": "a", "when": datetime(2026, 1, 1)},
            {"_id": "a", "when": datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)},
            {"_id": "a", "n": 2**63},
            {"_id": "a", "s": {1, 2}},
            {"_id": "a", "$x": 1},
        ],
        ids=str,
    )
    async def test_a_value_outside_the_contract_is_refused(
        self, collection: Collection, document: dict[str, Any]
    ) -> None:
        with pytest.raises(ValueError):
            await collection.insert(document)

    async def test_an_operator_outside_the_contract_is_refused(self, collection: Collection) -> None:
        with pytest.raises(ValueError, match=r"\$text"):
            await collection.find({"$text": {"$search": "x"}}, limit=1)
        with pytest.raises(ValueError, match=r"\$size"):
            await collection.count({"tags": {"$size": 1}})
        with pytest.raises(ValueError, match=r"\$rename"):
            await collection.update({}, {"$rename": {"a": "b"}})
        with pytest.raises(ValueError, match=r"\$lookup"):
            await collection.aggregate([{"$lookup": {}}])
        with pytest.raises(ValueError, match="expressions"):
            await collection.aggregate([{"$group": {"_id": None, "n": {"$sum": {"$cond": []}}}}])
        with pytest.raises(ValueError, match="limit"):
            await collection.find({}, limit=0)
        with pytest.raises(ValueError, match="array"):
            await collection.update({}, {"$set": {"tags.0": "x"}})

    async def test_an_adding_operator_in_a_bulk_needs_a_version(self, collection: Collection) -> None:
        with pytest.raises(ValueError, match=r"\$inc needs a version"):
            await collection.bulk([Upsert("a", {"$inc": {"n": 1}})])

    async def test_positions_are_kept_per_projection_topic_and_partition(self, store: Store) -> None:
        name = f"p_{uuid.uuid4().hex}"
        positions = Positions(store)
        assert await positions.load_positions(name, "t") == {}
        await positions.save_positions(name, "t", {0: Position(5, 1)})
        await positions.save_positions(name, "t", {3: Position(7, 2)})
        await positions.save_positions(name, "u", {0: Position(9, 9)})
        await positions.save_positions(name, "t", {0: Position(6, 1)})
        assert await positions.load_positions(name, "t") == {0: Position(6, 1), 3: Position(7, 2)}

    async def test_the_store_answers_a_ping(self, store: Store) -> None:
        await store.ping()
