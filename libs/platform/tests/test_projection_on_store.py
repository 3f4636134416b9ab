"""The ledger's projection runner on the real store and broker: read models survive the store's kill."""

import asyncio
import contextlib
import struct

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_core.errors import Transient
from trunkline_embedded.store import MongoStore as EmbeddedStore
from trunkline_ledger.core.records import MARKER_TYPE
from trunkline_ledger.kafka.reader import Position
from trunkline_ledger.projection import ProjectionRunner
from trunkline_platform.store import Positions, Upsert
from trunkline_platform.store_mongo import MongoStore


class Newest:
    """Keeps the newest number per key."""

    name = "newest"

    def __init__(self, topic, store):
        self.topic = topic
        self._rows = store.collection("newest")

    async def apply(self, records):
        await self._rows.bulk([self._write(record) for record in records])

    def _write(self, effective):
        record = effective.record
        try:
            (number,) = struct.unpack(">q", record.value)
        except struct.error as error:
            raise ValueError("no number") from error
        return Upsert(record.key.decode(), {"$set": {"number": number}}, version=record.offset)


@pytest.fixture
async def topics(bootstrap_servers, unique_topic, unique_name):
    topic, dlq = unique_topic("numbers"), unique_name("dlq")
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1), NewTopic(dlq, 1, 1)])
    await admin.close()
    return topic, dlq


async def write(bootstrap_servers, topic, values):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all") as producer:
        for key, value in values:
            kind = MARKER_TYPE if key == b"*" else "test.Number"
            headers = [("tl-epoch", b"1"), ("tl-type", kind.encode())]
            await producer.send_and_wait(topic, value, key, 0, headers=headers)


async def until_number(rows, key, number):
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(Transient):
                row = await rows.get(key)
                if row and row["number"] == number:
                    return
            await asyncio.sleep(0.05)


async def until_position(positions, topic, offset):
    async with asyncio.timeout(60):
        while (await positions.load_positions("newest", topic)).get(0) != Position(offset, epoch=1):
            await asyncio.sleep(0.05)


async def test_a_projection_goes_on_after_the_store_was_killed_and_buries_what_it_cannot_read(
    bootstrap_servers, topics, tmp_path
):
    topic, dlq = topics
    server = EmbeddedStore.start(tmp_path)
    store = MongoStore(server.url, "desk")
    rows = store.collection("newest")
    numbers = [(b"k%d" % (number % 7), struct.pack(">q", number)) for number in range(300)]
    await write(bootstrap_servers, topic, [(b"*", Marker(epoch=1).SerializeToString()), *numbers[:150]])
    runner = ProjectionRunner(
        Newest(topic, store), Positions(store), bootstrap_servers=bootstrap_servers, dlq_topic=dlq
    )
    running = asyncio.create_task(runner.run())
    await until_number(rows, "k2", 149)
    server.kill()
    await write(bootstrap_servers, topic, [(b"k0", b"poison"), *numbers[150:]])
    server.restart()
    await until_number(rows, "k5", 299)
    await until_position(Positions(store), topic, 302)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    found = {row["_id"]: row["number"] for row in await rows.find({}, limit=100)}
    assert found == {f"k{key}": max(range(key, 300, 7)) for key in range(7)}
    assert runner.dead_letters >= 1  # at least once: buried again when the store went away before the position
    await store.close()
    server.kill()
