"""A ledger's keys stay where they were placed: number of partitions and partitioner (ledger rule 22)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions
from aiokafka.errors import KafkaConnectionError
from test_replicas import BankLedger, book, make, running, uuid7
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_core.errors import Misconfigured
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.core.epochs import read_marker
from trunkline_ledger.core.placement import check_placement
from trunkline_ledger.core.records import BROADCAST_KEY, MARKER_TYPE, Draft, Record
from trunkline_ledger.kafka.reader import Reader
from trunkline_ledger.kafka.tail import Tail
from waiting import until

Change = Callable[[KafkaNode, str], Awaitable[None]]


@pytest.fixture
def topic() -> str:
    return f"bank-{uuid7()[-12:]}"


@pytest.mark.parametrize(
    "marker",
    [None, Marker(), Marker(partition_count=4), Marker(partition_count=4, partitioner="murmur2")],
    ids=["no marker", "of before it was recorded", "the same number", "the same of both"],
)
def test_a_ledger_whose_keys_are_where_they_were_placed_is_taken(marker):
    check_placement(marker, "bank.events.v1", 4)


@pytest.mark.parametrize(
    ("marker", "sentence"),
    [
        (Marker(partition_count=3), r"^The topic bank.events.v1 began with 3 partitions and has 4: .*\.$"),
        (Marker(partition_count=4, partitioner="fnv"), r"^The keys of .* were placed by fnv, .* murmur2: .*\.$"),
    ],
)
def test_another_number_or_partitioner_is_refused_in_one_sentence(marker, sentence):
    with pytest.raises(Misconfigured, match=sentence):
        check_placement(marker, "bank.events.v1", 4)


async def test_each_marker_records_how_keys_are_placed(kafka, topic):
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
    reader = Reader(topic, bootstrap_servers=kafka.bootstrap)
    await reader.start()
    markers = [read_marker(one.record.value) for one in await reader.next_batch(5.0)]
    await reader.stop()
    assert {(marker.partition_count, marker.partitioner) for marker in markers} == {(2, "murmur2")}


async def more_partitions(kafka: KafkaNode, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_partitions({topic: NewPartitions(3)})
    while len((await admin.describe_topics([topic]))[0]["partitions"]) < 3:
        await asyncio.sleep(0.05)
    await admin.close()


async def another_partitioner(kafka: KafkaNode, topic: str) -> None:
    """A replica of another version takes partition 0 over and goes."""
    marker = Marker(epoch=2, boot_id="x", instance_id="x", partition_count=2, partitioner="fnv")
    draft = Draft(BROADCAST_KEY.encode(), marker.SerializeToString(), marker.epoch, MARKER_TYPE)
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(topic, draft.value, key=draft.key, partition=0, headers=draft.headers)


@pytest.mark.parametrize(
    ("change", "sentence"), [(more_partitions, "began with 2 partitions and has 3"), (another_partitioner, "by fnv")]
)
async def test_a_replica_ends_before_it_owns_anything_where_keys_would_be_placed_otherwise(
    kafka, topic, change: Change, sentence: str
):
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        await ledger.submit(book("a", 1))
    await change(kafka, topic)
    later = make(kafka, topic, "r2")
    await later.start()
    with pytest.raises(Misconfigured, match=sentence):
        await asyncio.wait_for(later.run(), 30)
    assert later.stats.takeovers == 0
    await later.stop()


async def test_a_topic_that_is_given_more_partitions_while_it_is_served_places_no_key_elsewhere(
    kafka, topic, monkeypatch
):
    """The running replica goes on with the partitions it began with; only a new start is refused."""
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        before = [ledger.partition_of(key) for key in "abcdef"]
        await more_partitions(kafka, topic)
        assert [await placed(ledger, key) for key in "abcdef"] == before
        await write_nobodys_record(kafka, topic, partition=2)
        reconnects = ledger.stats.reconnects
        lose_connection(monkeypatch)
        await until(lambda: ledger.stats.reconnects > reconnects)
        void = ledger.stats.void_records
        await write_nobodys_record(kafka, topic, partition=1)
        await until(lambda: ledger.stats.void_records == void + 1)
        assert [await placed(ledger, key) for key in "abcdef"] == before


async def write_nobodys_record(kafka: KafkaNode, topic: str, partition: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        await producer.send_and_wait(topic, b"without an epoch", key=b"a", partition=partition)


def lose_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next fetch of the fold fails, and it connects anew."""
    fetch = Tail.next_records

    async def fail_once(tail: Tail, timeout_s: float) -> list[Record]:
        monkeypatch.setattr(Tail, "next_records", fetch)
        raise KafkaConnectionError("lost")

    monkeypatch.setattr(Tail, "next_records", fail_once)


async def placed(ledger: BankLedger, key: str) -> int:
    return (await ledger.submit(book(key, 1))).token.partition
