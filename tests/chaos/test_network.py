"""The proxies between a replica and the brokers, on a real broker: what a client sees of a bad network."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.core.records import Draft
from trunkline_ledger.kafka.producer import AppendUnknown, PartitionProducer
from trunkline_ledger.kafka.tail import Tail

from chaos.network import Network


@pytest.fixture
async def network(kafka: KafkaNode) -> AsyncIterator[Network]:
    """A network to the session's broker."""
    network = Network([kafka.port])
    await network.open()
    yield network
    await network.close()


@pytest.fixture
async def topic(kafka: KafkaNode) -> str:
    """A topic with one partition."""
    name = f"network-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1)])
    await admin.close()
    return name


async def a_producer(network: Network, topic: str) -> PartitionProducer:
    producer = PartitionProducer(topic, 0, network.bootstrap, timeout_s=2.0)
    await producer.start()
    return producer


def draft(text: bytes) -> Draft:
    return Draft(b"key", text, 1, "test.Text")


async def texts(kafka: KafkaNode, topic: str, count: int) -> list[bytes]:
    """Return the first records of the log, past the network."""
    tail = Tail(topic, kafka.bootstrap, "test")
    await tail.start()
    found: list[bytes] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += [record.value for record in await tail.next_records(0.5)]
    await tail.stop()
    return found


async def test_no_connection_goes_past_the_proxies(kafka: KafkaNode, network: Network, topic: str) -> None:
    producer = await a_producer(network, topic)
    assert await producer.append([draft(b"one")]) == 0
    network.cut()
    with pytest.raises(AppendUnknown):
        await producer.append([draft(b"two")])
    network.mend()
    await producer.close()


async def test_what_was_under_way_when_a_network_was_cut_lands_after_its_sender_gave_up(
    kafka: KafkaNode, network: Network, topic: str
) -> None:
    producer = await a_producer(network, topic)
    await producer.append([draft(b"before")])
    network.cut()
    with pytest.raises(AppendUnknown):
        await producer.append([draft(b"late")])
    closing = asyncio.create_task(producer.close())
    await closing
    network.mend()
    assert await texts(kafka, topic, 2) == [b"before", b"late"]


@pytest.mark.parametrize("fate", ["answers_to_lose", "answers_to_forge"])
async def test_an_append_whose_answer_was_lost_or_forged_is_on_the_log_though_its_outcome_is_unknown(
    kafka: KafkaNode, network: Network, topic: str, fate: str
) -> None:
    producer = await a_producer(network, topic)
    setattr(network, fate, 1)
    with pytest.raises(AppendUnknown):
        await producer.append([draft(b"done")])
    await producer.close()
    assert getattr(network, fate) == 0
    assert (await texts(kafka, topic, 1))[0] == b"done"
