import asyncio
import re
import socket
import subprocess
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from trunkline_core.errors import Misconfigured
from trunkline_embedded.kafka import KafkaCluster, KafkaNode, kafka_java, live_brokers, new_cluster_id
from trunkline_embedded.ports import free_port
from trunkline_embedded.toolchain import KAFKA


@pytest.fixture
def node(tmp_path):
    node = KafkaNode.start(tmp_path / "kafka")
    yield node
    node.kill()


async def create_topic(bootstrap, replicas=1):
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic("calls", num_partitions=1, replication_factor=replicas)])
    finally:
        await admin.close()


async def produce(bootstrap, value):
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True) as producer:
        await producer.send_and_wait("calls", value)


async def first_record(bootstrap):
    consumer = AIOKafkaConsumer("calls", bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    async with consumer, asyncio.timeout(20):
        return (await consumer.getone()).value


async def test_an_acknowledged_record_survives_kill_and_restart(node):
    await create_topic(node.bootstrap)
    await produce(node.bootstrap, b"acknowledged")
    bootstrap = node.bootstrap
    node.kill()
    assert not node.is_running
    assert live_brokers(node.port) == 0
    node.restart()
    assert node.bootstrap == bootstrap
    assert await first_record(node.bootstrap) == b"acknowledged"


def test_a_paused_node_answers_nothing_until_it_is_resumed(node):
    node.pause()
    assert live_brokers(node.port, timeout_s=0.3) == 0
    node.resume()
    assert live_brokers(node.port, timeout_s=10) == 1


def test_a_node_that_stops_while_starting_shows_the_end_of_its_log(tmp_path):
    (tmp_path / "kafka" / "records").mkdir(parents=True)
    (tmp_path / "kafka" / "records" / "meta.properties").write_text("version=1\nnode.id=7\ncluster.id=wrong\n")
    with pytest.raises(Misconfigured, match=r"(?s)^Kafka stopped while starting, its log .*node id 7"):
        KafkaNode.start(tmp_path / "kafka")


async def test_a_cluster_takes_records_while_one_of_three_nodes_is_down(tmp_path):
    cluster = KafkaCluster.start(tmp_path)
    try:
        await create_topic(cluster.bootstrap, replicas=3)
        await produce(cluster.bootstrap, b"all up")
        cluster.nodes[0].kill()
        await produce(cluster.bootstrap, b"one down")
    finally:
        cluster.kill()


async def test_a_new_node_is_formatted_as_kafkas_own_tool_does_it_and_is_a_cluster_of_its_own(tmp_path, node):
    """The tool formats the first node after Kafka was fetched; each later one is made from what it wrote."""
    by_hand, by_tool = node.data / "records", tmp_path / "by-tool"
    configuration = (node.data / "server.properties").read_text().replace(str(by_hand), str(by_tool))
    (tmp_path / "tool.properties").write_text(configuration)
    command = [*kafka_java(pytest.fail), "kafka.tools.StorageTool", "format", "-t", new_cluster_id()]
    subprocess.run([*command, "-c", tmp_path / "tool.properties"], check=True, capture_output=True)
    found, wanted = [
        dict(line.split("=") for line in (folder / "meta.properties").read_text().splitlines() if "=" in line)
        for folder in (by_hand, by_tool)
    ]
    assert found.keys() == wanted.keys()
    assert {name: value for name, value in found.items() if name in ("node.id", "version")} == {
        name: value for name, value in wanted.items() if name in ("node.id", "version")
    }
    assert features(by_hand) == features(by_tool) != []
    assert len({found["cluster.id"], found["directory.id"], wanted["cluster.id"], wanted["directory.id"]}) == 4
    admin = AIOKafkaAdminClient(bootstrap_servers=node.bootstrap)
    await admin.start()
    try:
        assert (await admin.describe_cluster())["cluster_id"] == found["cluster.id"]
    finally:
        await admin.close()


def features(records):
    """The levels of Kafka's features that a node starts with: `metadata.version` and the others."""
    content = (records / "bootstrap.checkpoint").read_bytes()
    return re.findall(rb"\x00.([a-z]+(?:\.[a-z]+)*\.version)\x00(.)", content, re.DOTALL)


def test_nobody_listening_and_a_stranger_count_as_no_brokers():
    assert live_brokers(free_port()) == 0
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        assert live_brokers(stranger.getsockname()[1], timeout_s=0.1) == 0


def test_cluster_ids_are_as_kafka_wants_them():
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", new_cluster_id()) for _ in range(200))


def test_kafka_starts_from_a_cache_that_is_made_once(kafka):
    """Also shows that the cache fits: Java refuses to start with one that does not when told to use it always."""
    command = kafka_java(pytest.fail)
    (option,) = [part for part in command if part.startswith("-XX:AOTCache=")]
    assert Path(option.removeprefix("-XX:AOTCache=")).is_relative_to(KAFKA.folder)
    strict = [command[0], "-XX:AOTMode=on", *command[1:], "kafka.tools.StorageTool", "random-uuid"]
    assert subprocess.run(strict, capture_output=True).returncode == 0
