"""Topics are created from the catalogue and verified at start, never made automatically (ledger rule 22).

Owns: the Kafka settings a topic of the catalogue needs. Must not: change or delete an existing topic.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeVar

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import InvalidReplicationFactorError, KafkaError, for_code
from trunkline.topics import Topic
from trunkline_core.errors import Misconfigured, Transient

from trunkline_ledger.kafka.bounds import close_within, start_within
from trunkline_ledger.kafka.description import DescribeTopicRequest, topic_id_of
from trunkline_ledger.log_client import Description

T = TypeVar("T")

EXISTS = 36  # Kafka's error code TOPIC_ALREADY_EXISTS
FIXED = ("cleanup.policy", "message.timestamp.type", "unclean.leader.election.enable")
START_S = 15.0
MADE_WITHIN_S = 10.0  # less than START_S, so that Kafka's reason is told
CLOSE_S = 5.0
POLL_S = 0.05
COMPACTED_SEGMENT_BYTES = 32 * 1024 * 1024


async def ensure_topics(bootstrap_servers: str, topics: Iterable[Topic], replication_factor: int = 1) -> None:
    """Create what is missing and verify what exists. Topics of other sizes than the catalogue's are left as they are.

    Args:
        bootstrap_servers: of Kafka.
        topics: wanted ones.
        replication_factor: for new ones; from 3 on two replicas must have each record.

    Returns when brokers tell of them all.

    Raises: Misconfigured when a topic cannot be made or has other settings; Transient when no broker is up.
    """
    wanted = list(topics)

    async def ensure(admin: AIOKafkaAdminClient) -> None:
        await create_topics(admin, wanted, replication_factor)
        await _verify(admin, wanted)

    await ask(bootstrap_servers, ensure)


async def describe_topic(bootstrap_servers: str, topic: str) -> Description:
    """Return the ids and size of a topic. Raises: Transient when no broker is up or none knows the topic."""

    async def describe(admin: AIOKafkaAdminClient) -> Description:
        client = admin._client
        while True:  # a new topic is not known to each broker at once
            answer = await client.send(client.get_random_node(), DescribeTopicRequest(topic))
            if answer.topics[0][0] == 0:
                break
            await asyncio.sleep(0.1)
        return Description(answer.cluster_id or "", topic_id_of(answer), len(answer.topics[0][4]))

    return await ask(bootstrap_servers, describe)


async def verify_topics(bootstrap_servers: str, topics: Iterable[Topic]) -> None:
    """Check the settings of topics, creating nothing. Raises: Misconfigured, naming the first wrong one; Transient."""
    wanted = list(topics)
    await partition_counts(bootstrap_servers, [topic.name for topic in wanted])
    await ask(bootstrap_servers, lambda admin: _verify(admin, wanted))


async def partition_counts(bootstrap_servers: str, topics: Sequence[str]) -> dict[str, int]:
    """Return how many partitions each topic has. Raises: Misconfigured for one that is not there; Transient."""
    found = await ask(bootstrap_servers, lambda admin: admin.describe_topics(list(topics)))
    missing = [topic["topic"] for topic in found if topic["error_code"]]
    if missing:
        raise Misconfigured(f"The topic {missing[0]} does not exist at {bootstrap_servers}.")
    return {topic["topic"]: len(topic["partitions"]) for topic in found}


async def existing_topics(bootstrap_servers: str) -> set[str]:
    """Return the names of all topics. Raises: Transient."""
    return set(await ask(bootstrap_servers, lambda admin: admin.list_topics()))


async def describe_cluster(bootstrap_servers: str) -> str:
    """Return the id of the cluster. Raises: Transient."""

    async def describe(admin: AIOKafkaAdminClient) -> str:
        return str((await admin.describe_cluster())["cluster_id"])

    return await ask(bootstrap_servers, describe)


async def ask(bootstrap_servers: str, question: Callable[[AIOKafkaAdminClient], Awaitable[T]]) -> T:
    """Return the answer to a question asked as an administrator. Raises: Transient when no broker is up."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=int(START_S * 1000))
    try:
        await start_within(admin.start, admin.close, START_S)
        try:
            return await asyncio.wait_for(question(admin), START_S)
        finally:
            await close_within(admin.close(), CLOSE_S)
    except (KafkaError, OSError, TimeoutError) as error:
        raise Transient(f"no Kafka broker answers at {bootstrap_servers}") from error


def _new_topic(topic: Topic, replication_factor: int) -> NewTopic:
    config = topic_config(topic, replication_factor)
    return NewTopic(topic.name, topic.partitions, replication_factor, topic_configs=config)


def topic_config(topic: Topic, replication_factor: int = 1) -> dict[str, str]:
    """Return the Kafka settings a topic of the catalogue needs.

    The newest segment is never compacted, so a compacted topic has small ones: whoever starts reads it whole.
    """
    segments = {"segment.bytes": str(COMPACTED_SEGMENT_BYTES)} if topic.cleanup == "compact" else {}
    return segments | {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(topic.retention_ms),
        "message.timestamp.type": "LogAppendTime",
        "max.message.bytes": "1048588",
        "unclean.leader.election.enable": "false",
        "min.insync.replicas": "2" if replication_factor >= 3 else "1",
    }


async def create_topics(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replication_factor: int) -> None:
    """Create what is missing, and return when brokers tell of them all. Raises: Misconfigured."""
    await _create(admin, [_new_topic(topic, replication_factor) for topic in topics])
    await _known(admin, [topic.name for topic in topics])


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[NewTopic]) -> None:
    """Ask again for a while what may only be refused now: a busy broker runs out of time, or is fenced by its cluster.

    A fenced one is told as a wrong replication factor, which is also what too few brokers are told as.
    """
    deadline = asyncio.get_running_loop().time() + MADE_WITHIN_S
    while refused := _refusals(await admin.create_topics(list(topics))):
        is_late = asyncio.get_running_loop().time() > deadline
        for name, code, message in refused:
            if not _may_pass(code) or (is_late and not for_code(code).retriable):
                raise Misconfigured(f"Kafka refuses to create the topic {name}: {message or code}.")
        await asyncio.sleep(POLL_S)


def _refusals(answer: Any) -> list[tuple[str, int, str | None]]:
    """Return what was not created, and why: `create_topics` does not raise."""
    return [(name, code, message) for name, code, message in answer.topic_errors if code not in (0, EXISTS)]


def _may_pass(code: int) -> bool:
    return bool(for_code(code).retriable) or code == InvalidReplicationFactorError.errno


async def _known(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Wait until the broker tells of all topics: it answers a creation before its own metadata have them."""
    while any(topic["error_code"] for topic in await admin.describe_topics(names)):
        await asyncio.sleep(POLL_S)


async def _verify(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    """Check the settings; of several brokers one may hear of a topic later than the one that has just made it."""
    while True:
        try:
            found = await _settings(admin, topics)
            break
        except Transient:
            await asyncio.sleep(POLL_S)
    for topic in topics:
        _verify_one(topic, found[topic.name])


async def _settings(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> dict[str, dict[str, Any]]:
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    told = [told for answer in await admin.describe_configs(resources) for told in answer.resources]
    return {name: _settings_of(name, code, message, entries) for code, message, _, name, entries in told}


def _settings_of(name: str, code: int, message: str | None, entries: Sequence[Any]) -> dict[str, Any]:
    """Return a topic's settings; what Kafka does not tell is not taken for granted."""
    if code and for_code(code).retriable:
        raise Transient(f"Kafka does not tell the settings of the topic {name} yet")
    if code:
        raise Misconfigured(f"Kafka does not tell the settings of the topic {name}: {message or code}.")
    return {entry[0]: entry[1] for entry in entries}


def _verify_one(topic: Topic, found: dict[str, Any]) -> None:
    wanted = topic_config(topic)
    fixed = (*FIXED, "retention.ms") if topic.cleanup == "delete" and topic.retention_ms == -1 else FIXED
    for name in fixed:
        if found.get(name) != wanted[name]:
            raise Misconfigured(f"The topic {topic.name} has {name}={found.get(name)}, it must be {wanted[name]}.")
