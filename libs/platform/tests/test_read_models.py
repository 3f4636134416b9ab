"""A read model is built anew while it is written and read: no read fails, none goes back (ADR 0018, ledger rule 17)."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_core.errors import Conflict
from trunkline_ledger.core.records import MARKER_TYPE
from trunkline_ledger.kafka.reader import Position
from trunkline_platform.generations import Generation, LiveGeneration, Phase, Pointer, Pointers, collection_name
from trunkline_platform.read_models import GenerationPositions, Pace, ReadModel, writings
from trunkline_platform.store import Positions, Upsert
from trunkline_platform.store_mongo import MongoStore
from trunkline_testkit.twins.store import MemoryStore

QUICK = Pace(look_s=0.1, lease_s=1.0, settle_s=1.2, grace_s=1.0)


class Newest:
    """Keeps the newest number per key, and which code wrote it."""

    name = "newest"
    code = "old"
    topic = ""

    def __init__(self, store):
        self._rows = store.collection("newest")

    async def apply(self, records):
        await self._rows.bulk([self._write(record.record) for record in records])

    def _write(self, record):
        (number,) = struct.unpack(">q", record.value)
        return Upsert(record.key.decode(), {"$set": {"number": number, "code": self.code}}, version=record.offset)


@pytest.fixture
async def topic(bootstrap_servers, unique_topic):
    name = unique_topic("numbers")
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1), NewTopic(f"{name}.dlq", 1, 1)])
    await admin.close()
    return name


class Writer:
    """Appends growing numbers for seven keys until told to stop."""

    def __init__(self, producer, topic):
        self._producer, self._topic = producer, topic
        self.written = 0

    async def send(self, key, value, kind):
        headers = [("tl-epoch", b"1"), ("tl-type", kind.encode())]
        await self._producer.send_and_wait(self._topic, value, key, 0, headers=headers)

    async def begin(self):
        await self.send(b"*", Marker(epoch=1).SerializeToString(), MARKER_TYPE)

    async def next(self):
        self.written += 1
        await self.send(b"k%d" % (self.written % 7), struct.pack(">q", self.written), "test.Number")

    async def run(self):
        while True:
            await self.next()
            await asyncio.sleep(0.005)


class Reader:
    """Reads all keys again and again; whatever it saw once must be there the next time."""

    def __init__(self, rows):
        self._rows = rows
        self.seen = {}
        self.codes = []
        self.went_back = []

    async def run(self):
        while True:
            for row in await self._rows.find({}, limit=100):
                if row["number"] < self.seen.get(row["_id"], -1):
                    self.went_back.append((row["_id"], row["number"]))
                self.seen[row["_id"]] = row["number"]
                self.codes.append(row["code"])
            missing = self.seen.keys() - {row["_id"] for row in await self._rows.find({}, limit=100)}
            self.went_back += sorted(missing)
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def in_background(*works) -> AsyncIterator[list[asyncio.Task]]:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def until(holds, tasks=()):
    async with asyncio.timeout(60):
        while not await holds():
            for task in tasks:
                if task.done():
                    task.result()
            await asyncio.sleep(0.05)


async def test_a_rebuild_under_load_fails_no_read_and_takes_none_back(
    bootstrap_servers, mongo_url, mongo_database, topic
):
    store = MongoStore(mongo_url, mongo_database)
    pointers = Pointers(store)
    projection = type("Numbers", (Newest,), {"topic": topic})

    def model():
        return ReadModel(projection, store, bootstrap_servers=bootstrap_servers, dlq_topic=f"{topic}.dlq", pace=QUICK)

    reader = Reader(LiveGeneration(store, "newest").collection("newest"))
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all") as producer:
        writer = Writer(producer, topic)
        await writer.begin()
        await asyncio.gather(*(writer.next() for _ in range(3_000)))  # some batches of the rebuild
        async with in_background(model().run(), model().run(), writer.run(), reader.run()) as tasks:

            async def is_read():
                return len(reader.seen) == 7 and min(reader.seen.values()) > 2_900

            await until(is_read, tasks)
            projection.code = "new"
            await store.collection("newest").bulk([Upsert("k0", {"$set": {"code": "left over"}})])
            pointer = await pointers.get("newest")
            assert await pointers.move(pointer, pointer.requested())

            async def is_swapped():
                return (await pointers.get("newest")).live == 1

            await until(is_swapped, tasks)
            at_swap = writer.written
            reader.codes.clear()

            async def has_gone_on():
                return min(reader.seen.values()) > at_swap and (await pointers.get("newest")).retired is None

            await until(has_gone_on, tasks)
            assert "new" in reader.codes and "left over" not in reader.codes
    assert reader.went_back == []
    assert await store.collection("newest").count({}) == 0
    assert await Positions(store).load_positions("newest", topic) == {}
    assert (await Positions(store).load_positions("newest.g1", topic))[0].epoch == 1
    await store.close()


# the steps


def test_a_rebuild_goes_through_its_steps_and_no_other_begins_meanwhile():
    filling = Pointer("m", 3, live=4).requested()
    assert (filling.phase, filling.live, filling.next) == (Phase.FILLING, 4, 5)
    swapped = filling.caught_up().swapped()
    assert (swapped.phase, swapped.live, swapped.next, swapped.retired) == (Phase.LIVE, 5, None, 4)
    for busy in (filling, filling.caught_up(), swapped):
        with pytest.raises(Conflict, match="is being rebuilt already"):
            busy.requested()
    assert swapped.cleared() == Pointer("m", 3, live=5)


def test_what_is_written_twice_is_written_into_the_next_generation_first():
    filling = Pointer("m", 3, live=4).requested()
    assert writings(filling) == ((5,), (4,))
    assert writings(filling.caught_up()) == ((5, 4),)
    assert writings(filling.caught_up().swapped()) == ((5,),)


def test_an_abandoned_rebuild_leaves_the_live_generation_and_clears_the_other():
    abandoned = Pointer("m", 3, live=4).requested().abandoned()
    assert (abandoned.phase, abandoned.live, abandoned.next, abandoned.retired) == (Phase.LIVE, 4, None, 5)
    with pytest.raises(Conflict, match="is not being rebuilt"):
        abandoned.abandoned()


async def test_the_number_of_an_abandoned_generation_is_never_given_again():
    """A replica that is still dropping it would drop what the next rebuild has written."""
    pointers, numbers = Pointers(MemoryStore()), []
    for _ in range(3):
        for step in (Pointer.requested, Pointer.abandoned, Pointer.cleared):
            before = await pointers.get("m")
            assert await pointers.move(before, step(before))
        numbers.append((await pointers.get("m")).live)
        numbers.append(before.retired)
    assert numbers[::2] == [0, 0, 0]
    assert len(set(numbers[1::2])) == 3


async def test_of_two_who_move_the_pointer_one_succeeds():
    pointers = Pointers(MemoryStore())
    first = await pointers.get("m")
    assert [await pointers.move(first, first.requested()) for _ in range(2)] == [True, False]
    second = await pointers.get("m")
    assert [await pointers.move(second, second.caught_up()) for _ in range(2)] == [True, False]
    assert (await pointers.get("m")).phase is Phase.BOTH


async def test_a_reader_reads_whatever_generation_is_live_at_that_moment():
    store, pointers = MemoryStore(), Pointers(MemoryStore())
    pointers = Pointers(store)
    for number in (0, 1):
        await Generation(store, number).collection("rows").insert({"_id": "a", "generation": number})
    rows = LiveGeneration(store, "m").collection("rows")
    assert (await rows.get("a") or {})["generation"] == 0
    at = await pointers.get("m")
    await pointers.move(at, at.requested())
    at = await pointers.get("m")
    assert await rows.distinct("generation", {}) == [0]
    await pointers.move(at, at.swapped())
    assert [row["generation"] for row in await rows.find({}, limit=5)] == [1]
    assert await rows.count({"generation": 1}) == 1
    assert await rows.aggregate([{"$match": {"generation": 0}}]) == []


async def test_a_runner_that_ends_by_a_defect_ends_the_read_model_instead_of_leaving_it_as_it_is(monkeypatch):
    async def broken(self):
        raise RuntimeError("broken")

    monkeypatch.setattr("trunkline_platform.read_models.ProjectionRunner.run", broken)
    model = ReadModel(Newest, MemoryStore(), bootstrap_servers="nowhere:1", dlq_topic="dlq", pace=QUICK)
    with pytest.raises(RuntimeError, match="broken"):
        async with asyncio.timeout(10):
            await model.run()


async def test_two_generations_go_on_from_the_lower_of_their_positions():
    store = MemoryStore()
    await GenerationPositions(store, (0,)).save_positions("m", "t", {0: Position(9, 2), 1: Position(4, 1)})
    both = GenerationPositions(store, (1, 0))
    assert await both.load_positions("m", "t") == {}
    await GenerationPositions(store, (1,)).save_positions("m", "t", {0: Position(7, 1), 1: Position(5, 1)})
    assert await both.load_positions("m", "t") == {0: Position(7, 1), 1: Position(4, 1)}
    await both.save_positions("m", "t", {0: Position(12, 3)})
    assert (await GenerationPositions(store, (0,)).load_positions("m", "t"))[0] == Position(12, 3)


def test_the_first_generation_has_the_plain_name():
    assert [collection_name("tickets", number) for number in (0, 1, 12)] == ["tickets", "tickets_g1", "tickets_g12"]
