"""Topics of the catalogue: as many partitions as it says, and settings that Kafka must tell (ledger rule 22)."""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    InvalidReplicationFactorError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from trunkline.topics import Topic
from trunkline_core.errors import Misconfigured, Transient
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.kafka import topics
from trunkline_ledger.kafka.topics import _settings_of, _verify, _verify_one, ensure_topics, topic_config

TOPICS = 12


async def test_topics_that_were_just_created_are_known_with_all_their_partitions(kafka: KafkaNode, unique_topic):
    wanted = [Topic(unique_topic(), "test", "id", 4, "compact", -1, public=False) for _ in range(TOPICS)]
    await ensure_topics(kafka.bootstrap, wanted)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        found = await admin.describe_topics([topic.name for topic in wanted])
    finally:
        await admin.close()
    assert [len(topic["partitions"]) for topic in found] == [4] * TOPICS


async def test_more_replicas_than_brokers_are_refused_in_kafkas_words(kafka: KafkaNode, unique_topic, monkeypatch):
    monkeypatch.setattr(topics, "MADE_WITHIN_S", 0.2)
    wanted = Topic(unique_topic(), "test", "id", 4, "compact", -1, public=False)
    with pytest.raises(Misconfigured, match=r"^Kafka refuses to create the topic .*replication factor of 3"):
        await ensure_topics(kafka.bootstrap, [wanted], 3)


@pytest.mark.parametrize("code", [RequestTimedOutError.errno, InvalidReplicationFactorError.errno])
async def test_what_a_busy_or_fenced_broker_refuses_is_asked_again(code):
    answers = [[LEDGER.name, code, "All brokers are currently fenced"], [LEDGER.name, 0, None]]
    admin: Any = SimpleNamespace(asked=0)

    async def create_topics(_: object) -> Any:
        admin.asked += 1
        return SimpleNamespace(topic_errors=[answers[admin.asked - 1]])

    admin.create_topics = create_topics
    await topics._create(admin, [topics._new_topic(LEDGER, 1)])
    assert admin.asked == 2


LEDGER = Topic("bank.events.v1", "bank", "id", 4, "delete", -1, public=False)


@pytest.mark.parametrize("name", ["cleanup.policy", "message.timestamp.type", "retention.ms"])
def test_a_setting_that_kafka_does_not_tell_is_not_taken_for_granted(name):
    found: dict[str, Any] = topic_config(LEDGER)
    _verify_one(LEDGER, found)
    del found[name]
    with pytest.raises(Misconfigured, match=f"has {name}=None"):
        _verify_one(LEDGER, found)


async def test_a_broker_that_has_not_heard_of_a_new_topic_yet_is_asked_again():
    answers = [[UnknownTopicOrPartitionError.errno, None, 2, LEDGER.name, []]]
    answers += [[0, None, 2, LEDGER.name, list(topic_config(LEDGER).items())]]
    admin: Any = SimpleNamespace(asked=0)

    async def describe_configs(_: object) -> list[Any]:
        admin.asked += 1
        return [SimpleNamespace(resources=[answers[admin.asked - 1]])]

    admin.describe_configs = describe_configs
    await _verify(admin, [LEDGER])
    assert admin.asked == 2


def test_where_kafka_may_not_tell_the_settings_the_start_says_so():
    code = TopicAuthorizationFailedError.errno
    with pytest.raises(Misconfigured, match=r"does not tell the settings of the topic t: not authorised\.$"):
        _settings_of("t", code, "not authorised", [])


def test_where_a_broker_does_not_know_a_new_topic_yet_the_start_may_be_tried_again():
    with pytest.raises(Transient):
        _settings_of("t", UnknownTopicOrPartitionError.errno, None, [])
