import asyncio
import contextlib
import importlib.util
import random
import sys
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_core.errors import Misconfigured
from trunkline_ledger.core.records import MARKER_TYPE
from trunkline_platform import faust_app, faust_progress
from trunkline_platform.faust_app import LiveApp, LiveFailure
from waiting import until

PROGRAM = Path(__file__).with_name("live_app_under_test.py")
_spec = importlib.util.spec_from_file_location("live_app_under_test", PROGRAM)
under_test = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(under_test)


class ForgetfulAdmin:
    """A cluster whose brokers do not all know a topic yet that one of them has just made."""

    def __init__(self, **_):
        self.asked = 0

    async def start(self):
        pass

    async def close(self):
        pass

    async def describe_topics(self, names):
        self.asked += 1
        is_known = self.asked > 2
        return [{"topic": name, "error_code": 3 * (not is_known), "partitions": [{}] * 4 * is_known} for name in names]


async def test_a_topic_that_a_broker_does_not_know_yet_is_not_one_without_partitions(monkeypatch):
    monkeypatch.setattr("trunkline_ledger.kafka.topics.AIOKafkaAdminClient", ForgetfulAdmin)
    assert await faust_app._partition_counts("nowhere:1", ["new"]) == {"new": 4}


@pytest.fixture
async def producer(bootstrap_servers):
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
    await producer.start()
    yield producer
    await producer.stop()


async def create(bootstrap, partitions, *topics):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, partitions, 1) for topic in topics])
    await admin.close()


@pytest.fixture
async def topics(bootstrap_servers, unique_topic, unique_name):
    source, output, dlq = unique_topic("live"), unique_name("out"), unique_name("dlq")
    await create(bootstrap_servers, 2, source, output, dlq)
    return source, output, dlq


def headers(epoch, kind):
    return [("tl-epoch", b"%d" % epoch), ("tl-type", kind.encode())]


async def mark(producer, topic, partition, epoch):
    marker = Marker(epoch=epoch, boot_id=f"b{epoch}").SerializeToString()
    await producer.send_and_wait(topic, marker, b"*", partition, headers=headers(epoch, MARKER_TYPE))


async def write(producer, topic, partition, epoch, key, value):
    await producer.send_and_wait(topic, value, key, partition, headers=headers(epoch, "test.Event"))


async def read_all(bootstrap, topic, partitions=2):
    places = [TopicPartition(topic, number) for number in range(partitions)]
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        found = []
        while any([await consumer.position(place) < ends[place] for place in places]):
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                found += messages
    return found


@contextlib.asynccontextmanager
async def running(app):
    task = asyncio.create_task(app.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_only_effective_events_reach_tables_and_outputs(bootstrap_servers, producer, topics, tmp_path):
    topic, output, _ = topics
    await write(producer, topic, 0, 1, b"k", b"before any marker")
    await mark(producer, topic, 0, 1)
    await write(producer, topic, 0, 1, b"k", b"first")
    await mark(producer, topic, 0, 2)
    await write(producer, topic, 0, 1, b"k", b"zombie")
    await write(producer, topic, 0, 2, b"k", b"second")
    await producer.send_and_wait(topic, b"no headers", b"k", 0)
    app, source, table = under_test.build(bootstrap_servers, str(tmp_path), topic, output, 2)
    async with running(app):
        await until(lambda: source.saved_position(0).offset == 7)
        assert app.is_ready
        assert table.get(b"k") == b"second"
        assert (source.effective_records, source.void_records) == (2, 3)
        assert source.saved_position(0).epoch == 2
    assert [message.value for message in await read_all(bootstrap_servers, output)] == [b"first", b"second"]


async def test_a_restart_between_a_marker_and_a_zombies_record_does_not_believe_the_zombie(
    bootstrap_servers, producer, topics, tmp_path
):
    topic, output, _ = topics
    await mark(producer, topic, 1, 1)
    await write(producer, topic, 1, 1, b"k", b"first")
    await mark(producer, topic, 1, 2)
    app, source, _ = under_test.build(bootstrap_servers, str(tmp_path), topic, output, 2)
    async with running(app):
        await until(lambda: source.saved_position(1).offset == 3)
    await write(producer, topic, 1, 1, b"k", b"zombie")
    await write(producer, topic, 1, 2, b"k", b"second")
    app, source, table = under_test.build(bootstrap_servers, str(tmp_path), topic, output, 2)
    async with running(app):
        await until(lambda: source.saved_position(1).offset == 5)
        assert table.get(b"k") == b"second"
        assert (source.effective_records, source.void_records) == (1, 1)
    assert [message.value for message in await read_all(bootstrap_servers, output)] == [b"first", b"second"]


async def test_a_record_that_cannot_be_handled_is_buried_and_the_next_one_handled(
    bootstrap_servers, producer, topics, tmp_path
):
    topic, output, dlq = topics
    await mark(producer, topic, 0, 1)
    await write(producer, topic, 0, 1, b"k", b"poison")
    await write(producer, topic, 0, 1, b"k", b"good")
    app, source, table = under_test.build(bootstrap_servers, str(tmp_path), topic, output, 2, dlq)
    async with running(app):
        await until(lambda: source.saved_position(0).offset == 3)
        assert table.get(b"k") == b"good"
        assert source.dead_letters == 1
    (buried,) = await read_all(bootstrap_servers, dlq)
    assert buried.value == b"poison"
    assert dict(buried.headers)["tl-source-offset"] == b"1"


async def test_a_bug_in_a_handler_ends_the_app_before_the_record(bootstrap_servers, producer, topics, tmp_path):
    topic, output, _ = topics
    await mark(producer, topic, 0, 1)
    await write(producer, topic, 0, 1, b"k", b"bug")
    app, source, _ = under_test.build(bootstrap_servers, str(tmp_path), topic, output, 2)
    with pytest.raises(LiveFailure, match="RuntimeError: bug"):
        async with asyncio.timeout(40):
            await app.run()
    assert source.saved_position(0).offset <= 1


async def test_an_app_that_comes_no_nearer_to_being_ready_ends(bootstrap_servers, topics, tmp_path, monkeypatch):
    topic, output, _ = topics
    monkeypatch.setattr(faust_app, "LOOK_S", 0.05)
    app, _, _ = under_test.build(bootstrap_servers, str(tmp_path), topic, output, 2)
    with pytest.raises(LiveFailure, match="no nearer to it"):
        async with asyncio.timeout(40), running(app) as task:
            await until(lambda: app.is_ready)
            monkeypatch.setattr(faust_app, "STALL_S", 0.5)
            app.faust.rebalancing = True  # as after a broker's death: the group never comes together again
            await task


async def test_an_app_that_reads_no_more_ends(bootstrap_servers, producer, topics, tmp_path, monkeypatch):
    topic, output, _ = topics
    monkeypatch.setattr(faust_progress, "ASK_EVERY_S", 0.05)
    monkeypatch.setattr(faust_app, "STALL_S", 1.0)
    await mark(producer, topic, 0, 1)
    app, source, _ = under_test.build(bootstrap_servers, str(tmp_path), topic, output, 2)
    with pytest.raises(LiveFailure, match=f"although there is something: {topic}/0 at 1 of 2"):
        async with asyncio.timeout(40), running(app) as task:
            await until(lambda: app.is_ready and source.saved_position(0).offset == 1)
            app.faust.consumer.stop_flow()  # as it was seen after a broker's death: ready, and nothing comes
            await write(producer, topic, 0, 1, b"k", b"never read")
            await task


async def test_a_source_with_other_partitions_is_refused_in_one_sentence(bootstrap_servers, topics, tmp_path):
    app = LiveApp("live-mismatch", bootstrap_servers=bootstrap_servers, data_dir=str(tmp_path), partitions=3)
    app.source(topics[0], lambda _: None)
    with pytest.raises(Misconfigured, match="has 2 partitions, this app was told 3"):
        await app.run()


async def test_partitions_move_to_a_second_process_and_back_without_loss(bootstrap_servers, producer, topics, tmp_path):
    topic, output, _ = topics
    for partition in (0, 1):
        await mark(producer, topic, partition, 1)
    expected = []

    async def write_some(count):
        for number in range(count):
            expected.append((b"%d" % (number % 10), b"%d" % len(expected)))
            await write(producer, topic, number % 2, 1, *expected[-1])

    def build(name):
        return under_test.build(bootstrap_servers, str(tmp_path / name), topic, output, 2)

    first, first_source, first_table = build("first")
    second, second_source, second_table = build("second")
    async with running(first):
        await until(lambda: first.is_ready)
        await write_some(50)
        async with running(second):
            await until(lambda: second.is_ready and first.is_ready and len(first_table.items()) < 10)
            await write_some(50)
            await until(lambda: first_source.effective_records + second_source.effective_records >= 100)
            await until(lambda: len(first_table.items()) == len(second_table.items()) == 5)
        await write_some(50)
        await until(lambda: [first_source.saved_position(number).offset for number in (0, 1)] == [76, 76])
        assert dict(first_table.items()) == dict(expected)
    found = {(message.key, message.value) for message in await read_all(bootstrap_servers, output)}
    assert found == set(expected)


async def test_nothing_is_lost_when_the_process_is_killed_with_a_backlog(bootstrap_servers, producer, topics, tmp_path):
    topic, output, _ = topics
    command = [sys.executable, PROGRAM, bootstrap_servers, str(tmp_path), topic, output, "2"]
    seed = random.Random(1)
    expected = []
    for kill in range(2):
        for partition in (0, 1):
            await mark(producer, topic, partition, kill + 1)
        live = await asyncio.create_subprocess_exec(*command)
        sends = []
        for number in range(1000):
            partition, key = number % 2, b"%d" % (number % 50)
            value = b"%d/%d" % (kill, number)
            zombie = kill > 0 and number % 10 == 0
            epoch = kill if zombie else kill + 1
            sends.append(await producer.send(topic, value, key, partition, headers=headers(epoch, "test.Event")))
            expected += [] if zombie else [(key, value)]
        await asyncio.gather(*sends)
        async with AIOKafkaConsumer(bootstrap_servers=bootstrap_servers) as consumer:
            await until_count(consumer, output, await count(consumer, output) + seed.randrange(1, 600))
        live.kill()
        await live.wait()
    app, source, table = under_test.build(bootstrap_servers, str(tmp_path), topic, output, 2)
    ends = {place: 2 + 1000 for place in (0, 1)}
    async with running(app):
        await until(lambda: {place: source.saved_position(place).offset for place in ends} == ends)
        newest = dict(expected)
        assert {key: table.get(key) for key in newest} == newest
    found = {(message.key, message.value) for message in await read_all(bootstrap_servers, output)}
    assert found == set(expected)


async def count(consumer, topic):
    return sum((await consumer.end_offsets([TopicPartition(topic, number) for number in (0, 1)])).values())


async def until_count(consumer, topic, wanted):
    async with asyncio.timeout(60):
        while await count(consumer, topic) < wanted:
            await asyncio.sleep(0.05)
