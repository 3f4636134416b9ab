"""Owners that freeze, lose the broker, are replaced, or lose their log: on real Kafka, with real processes."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from accounts import JsonCodec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError
from test_replicas import FAST, ONE_PARTITION, BankLedger, book, make, make_at, running, uuid7
from trunkline_core.errors import Misconfigured, Transient, TrunklineError
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.kafka.membership import Membership
from trunkline_ledger.kafka.reader import Reader
from trunkline_ledger.kafka.topics import describe_topic, ensure_topics, topic_config
from trunkline_ledger.ledger import Replaced
from trunkline_ledger.submission import OutcomeUnknown
from waiting import until

HERE = Path(__file__).parent
PATIENT = replace(FAST, session_timeout_s=60.0, append_timeout_s=30.0)


@pytest.fixture
def topic() -> str:
    return f"bank-{uuid7()[-12:]}"


@pytest.fixture
def kafka_of_its_own(tmp_path: Path) -> Iterator[KafkaNode]:
    node = KafkaNode.start(tmp_path / "kafka", report=lambda _: None)
    yield node
    node.resume()
    node.stop()


async def effective_commands(kafka: KafkaNode, topic: str) -> list[str]:
    """Return the command of each effective event on the log, as any outsider reads it."""
    reader = Reader(topic, bootstrap_servers=kafka.bootstrap)
    await reader.start()
    ends, found = await reader.end_offsets(), []
    while any(reader.positions()[number].offset < end for number, end in ends.items()):
        found += await reader.next_batch(0.2)
    await reader.stop()
    booked = [one for one in found if one.record.type == "test.Booked"]
    return [JsonCodec().decode_event(one.record.value)[1].causation_id for one in booked]


def writer(kafka: KafkaNode, topic: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(HERE / "writer.py"), kafka.bootstrap, topic],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


async def test_an_owner_that_was_frozen_and_resumed_has_nothing_take_effect_twice_and_loses_nothing(kafka, topic):
    """Ledger rules 2 and 12."""
    child = writer(kafka, topic)
    assert child.stdout is not None
    try:
        sent = json.loads(await asyncio.to_thread(child.stdout.readline))
        async with running(make(kafka, topic, "standby", ONE_PARTITION)) as standby:
            acknowledged = [(await asyncio.to_thread(child.stdout.readline)).strip() for _ in range(100)]
            child.send_signal(signal.SIGSTOP)
            await until(lambda: standby.owned == {0})
            for command_id in sent[:150]:
                await standby.submit(book("a", 1, command_id))
            child.send_signal(signal.SIGCONT)
            rest, _ = await asyncio.to_thread(child.communicate, timeout=60)
            acknowledged += [line for line in rest.splitlines() if len(line) == 36]
            effective = await effective_commands(kafka, topic)
            balance = await standby.read(standby.partition_of("a"), lambda state: state.balances.get("a"))
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    assert len(effective) == len(set(effective)) == balance
    assert set(acknowledged) | set(sent[:150]) <= set(effective)


async def test_a_read_after_a_freeze_waits_until_what_happened_meanwhile_is_read(kafka, topic, monkeypatch):
    """Ledger rule 18: a replica that was frozen answered that a contact which others had opened is unknown."""
    async with running(make(kafka, topic, "r1", ONE_PARTITION)) as ledger:
        await until(lambda: ledger.owned == {0})
        await ledger.submit(book("a", 1))
        ownership, answered = ledger._ownership, asyncio.Event()
        membership = ownership._membership
        assert membership is not None
        ask = membership.end_offset

        async def answer_later(partition: int) -> int:
            await answered.wait()
            return await ask(partition)

        monkeypatch.setattr(membership, "end_offset", answer_later)
        ownership._alive_at -= 60.0
        reading = asyncio.create_task(ledger.read(0, lambda state: state.balances.get("a")))
        done, _ = await asyncio.wait([reading], timeout=0.5)
        assert not done, "it may be of another time"
        answered.set()
        assert await reading == 1


async def test_the_end_of_the_log_is_not_to_be_had_from_a_membership_that_is_not_connected(topic):
    """Hearing after a freeze met a client that was being built anew, and ended the process (ledger rule 3)."""
    membership = Membership(topic, "127.0.0.1:1", "r1", 2.0)
    with pytest.raises(KafkaConnectionError):
        await membership.end_offset(0)
    await membership.stop(leave=False)


async def test_a_broker_that_is_frozen_longer_than_an_append_may_take_leaves_an_unknown_outcome_that_a_repeat_solves(
    kafka_of_its_own, topic
):
    """Ledger rules 10 and 12."""
    kafka, command_id = kafka_of_its_own, uuid7()
    async with running(impatient(kafka, topic)) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        await ledger.submit(book("a", 1))
        kafka.pause()
        with pytest.raises(OutcomeUnknown):
            await ledger.submit(book("a", 1, command_id))
        kafka.resume()
        await until(lambda: ledger.owns(ledger.partition_of("a")))
        await eventually_submit(ledger, command_id)
        balance = await ledger.read(ledger.partition_of("a"), lambda state: state.balances.get("a"))
        effective = await effective_commands(kafka, topic)
    assert balance == 2
    assert effective.count(command_id) == 1
    assert ledger.stats.unknown_outcomes >= 1


def impatient(kafka: KafkaNode, topic: str) -> BankLedger:
    return make(kafka, topic, "r1", replace(FAST, append_timeout_s=1.5))


async def eventually_submit(ledger: BankLedger, command_id: str) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                await ledger.submit(book("a", 1, command_id))
                return
            except TrunklineError as error:
                assert error.retryable, error
                await asyncio.sleep(0.1)


async def test_a_replica_that_cannot_tell_whether_it_has_read_everything_says_so_and_else_has_read_it(
    kafka_of_its_own, topic
):
    """Ledger rule 8: what is unknown to a replica that is cut off must not be refused for good."""
    kafka = kafka_of_its_own
    async with running(make(kafka, topic, "r1")) as one, running(make(kafka, topic, "r2")) as two:
        await until(lambda: len(one.owned) == 1 and len(two.owned) == 1)
        partition = one.partition_of("a")
        owner, standby = (one, two) if one.owns(partition) else (two, one)
        for amount in range(1, 6):
            await owner.submit(book("a", 1))
            await standby.reach_end(partition)
            assert standby.state(partition).balances.get("a") == amount
        kafka.pause()
        for ledger in (owner, standby):
            with pytest.raises(Transient, match="cannot tell"):
                await ledger.reach_end()
        kafka.resume()


async def test_while_an_append_hangs_new_commands_are_refused_at_once(kafka_of_its_own, topic):
    kafka = kafka_of_its_own
    async with running(make(kafka, topic, "r1", PATIENT)) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        partition = ledger.partition_of("a")
        await ledger.submit(book("a", 1))  # the marker's answer arrived too: it decides
        kafka.pause()
        hanging = asyncio.create_task(ledger.submit(book("a", 1)))
        hosted = ledger._replica.hosted[partition]
        await until(lambda: hosted.append_began is not None)
        hosted.append_began -= FAST.stalled_after_s
        with pytest.raises(Transient, match="does not answer"):
            await ledger.submit(book("a", 1))
        kafka.resume()
        await hanging


async def test_the_older_of_two_live_processes_with_one_instance_id_exits(kafka, topic):
    """Ledger rule 3."""
    older = make(kafka, topic, "r1")
    await older.start()
    task = asyncio.create_task(older.run())
    await until(lambda: len(older.owned) == 2)
    async with running(make(kafka, topic, "r1")) as newer:
        with pytest.raises(Replaced):
            await asyncio.wait_for(task, 30)
        await older.stop()
        await until(lambda: len(newer.owned) == 2)
        await newer.submit(book("a", 1))


async def test_a_replica_that_stops_in_order_hands_over_long_before_its_session_ends(kafka, topic):
    """Ledger rule 1: who leaves the group is replaced at once."""
    async with running(make(kafka, topic, "r2", PATIENT)) as second:
        first = make(kafka, topic, "r1", PATIENT)
        async with running(first):
            await until(lambda: len(first.owned) == len(second.owned) == 1)
        await until(lambda: len(second.owned) == 2)
        assert second.stats.takeovers >= 2


async def test_a_topic_that_was_deleted_and_created_anew_makes_the_replica_forget_what_it_read(kafka, topic):
    """Ledger rule 9: another topic id."""
    async with running(make(kafka, topic, "r1", replace(FAST, append_timeout_s=2.0))) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        for _ in range(3):
            await ledger.submit(book("a", 1))
        before = await describe_topic(kafka.bootstrap, topic)
        await recreate(kafka, topic, ledger)
        assert (await describe_topic(kafka.bootstrap, topic)).topic_id != before.topic_id
        await eventually_submit(ledger, uuid7())
        balance = await ledger.read(ledger.partition_of("a"), lambda state: state.balances.get("a"))
    assert balance == 1
    assert ledger.stats.rebuilds >= 1


async def recreate(kafka: KafkaNode, topic: str, ledger: BankLedger) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.delete_topics([topic])
    while topic in await admin.list_topics():
        await asyncio.sleep(0.05)
    await admin.close()
    await ensure_topics(kafka.bootstrap, [ledger._topics()[0]])


@pytest.mark.parametrize(
    "name, value",
    [
        ("cleanup.policy", "compact"),
        ("message.timestamp.type", "CreateTime"),
        ("unclean.leader.election.enable", "true"),
        ("retention.ms", "1000"),
    ],
)
async def test_a_topic_that_was_made_with_another_setting_is_refused_in_one_sentence(kafka, topic, name, value):
    """Ledger rule 22: kept for ever, never compacted, stamped by the broker."""
    ledger = make(kafka, topic, "r1")
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    settings = topic_config(ledger._topics()[0]) | {name: value}
    await admin.create_topics([NewTopic(topic, 1, 1, topic_configs=settings)])
    await admin.close()
    with pytest.raises(Misconfigured, match=rf"^The topic {topic} has {name}={value}, it must be .*\.$"):
        await ensure_topics(kafka.bootstrap, [ledger._topics()[0]])


async def test_without_a_broker_start_says_so(topic):
    ledger: BankLedger = make_at("127.0.0.1:1", topic, "r1")
    with pytest.raises(Transient, match="no Kafka broker"):
        await ledger.start()
    await ledger.stop()


async def test_a_partition_number_is_that_of_kafkas_default_partitioner(kafka, topic):
    """Ledger rule 22: murmur2 of the key."""
    async with running(make(kafka, topic, "r1")) as ledger:
        assert [ledger.partition_of(key) for key in ("21", "foobar", "a-little-bit-long-string")] == [
            (value & 0x7FFFFFFF) % 2 for value in (-973932308, -790332482, -985981536)
        ]
