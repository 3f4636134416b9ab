"""Replicas of a ledger on real Kafka: commit, standby, take-over, kill, restart, readers, managers, projections.

Ledger rules as they hold with a broker; the function names which.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from accounts import Bank, Book, Booked, CloseLater, Command, Event, JsonCodec, bank_service
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from trunkline_core.errors import Rejection, Transient, TrunklineError
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.kafka.reader import EffectiveRecord, Position, Reader
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.managers import ManagerCommand, ManagerRunner, ProcessManager
from trunkline_ledger.projection import ProjectionRunner
from trunkline_ledger.submission import NotOwner, Submission
from waiting import until


def uuid7() -> str:
    return str(
        UUID(int=(time.time_ns() // 1_000_000 << 80) | (0x7 << 76) | (0b10 << 62) | (uuid4().int & (1 << 62) - 1))
    )


@pytest.fixture
def topic() -> str:
    return f"bank-{uuid4().hex[:8]}"


BankLedger = Ledger[Bank, Command, Event]
ONE_PARTITION = LedgerSettings(session_timeout_s=1.5, partitions=1)


FAST = LedgerSettings(session_timeout_s=1.5, partitions=2)


def make(kafka: KafkaNode, topic: str, name: str, settings: LedgerSettings = FAST) -> BankLedger:
    return make_at(kafka.bootstrap, topic, name, settings)


def make_at(bootstrap_servers: str, topic: str, name: str, settings: LedgerSettings = FAST) -> BankLedger:
    return Ledger(
        bank_service(topic),
        bootstrap_servers=bootstrap_servers,
        instance_id=f"{topic}-{name}",
        address=f"{name}:1",
        settings=settings,
    )


@contextlib.asynccontextmanager
async def running(ledger: BankLedger) -> AsyncIterator[BankLedger]:
    await ledger.start()
    task = asyncio.create_task(ledger.run())
    try:
        yield ledger
    finally:
        await ledger.stop()
        await task


def book(account: str, amount: int, command_id: str | None = None) -> Submission[Command]:
    return Submission(
        command=Book(account, amount),
        key=account,
        command_id=command_id or uuid7(),
        tenant="tn_1",
        actor="customer",
        payload_hash=b"hash",
    )


async def test_a_command_is_answered_after_it_is_durable_and_survives_a_restart(kafka, topic):
    """Ledger rules 5 and 8."""
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        committed = await ledger.submit(book("a", 5))
        assert [recorded.event for recorded in committed.events] == [Booked("a", 5)]
        with pytest.raises(Rejection, match="Overdrawn"):
            await ledger.submit(book("a", -6))
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        balance = await ledger.read(ledger.partition_of("a"), lambda state: state.balances.get("a"))
        assert balance == 5


async def test_clients_whose_own_task_died_are_built_anew(kafka, topic):
    """Ledger rule 3: without the task that learns where partitions are, aiokafka waits for ever and says nothing."""
    async with running(make(kafka, topic, "r1", ONE_PARTITION)) as ledger:
        await until(lambda: ledger.owned)
        for part in (ledger._following._tail, ledger._ownership._membership):
            part._consumer._client._sync_task.cancel()
        await until(lambda: ledger.stats.reconnects == 2)
        await until(lambda: ledger.owned)
        assert (await ledger.submit(book("a", 5))).events
        assert await ledger.read(0, lambda state: state.balances.get("a")) == 5


async def test_two_replicas_share_the_partitions_and_both_fold_everything(kafka, topic):
    """Ledger rules 1 (hot standby), 18 (token, watchers of each replica) and 19 (the owner is named)."""
    async with running(make(kafka, topic, "r1")) as one, running(make(kafka, topic, "r2")) as two:
        await until(lambda: len(one.owned) == 1 and len(two.owned) == 1)
        seen: list[str] = []
        two.watch(lambda _, events: seen.extend(recorded.event.account for recorded in events))
        for account in ("a", "b", "c", "d"):
            owner, other = (one, two) if one.owns(one.partition_of(account)) else (two, one)
            token = (await owner.submit(book(account, 1))).token
            with pytest.raises(NotOwner) as refusal:
                await other.submit(book(account, 1))
            assert refusal.value.owner.instance_id == owner.instance_id
            assert await other.read(token.partition, lambda state, a=account: state.balances.get(a), token) == 1
        with pytest.raises(Transient, match="has not read that far yet"):  # within a bounded time, not for ever
            await other.read(token.partition, lambda state: state, replace(token, offset=token.offset + 1))
        with pytest.raises(Transient, match="has not read that far yet"):  # a token of a life that this log never had
            await other.read(token.partition, lambda state: state, replace(token, epoch=token.epoch + 1))
        await until(lambda: sorted(seen) == ["a", "b", "c", "d"])


async def test_a_timer_fires_on_the_owner(kafka, topic):
    """Ledger rule 15."""
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        await ledger.submit(
            Submission(command=CloseLater("a", 50), key="a", command_id=uuid7(), tenant="tn_1", actor="customer")
        )
        await until(lambda: ledger.state(ledger.partition_of("a")).balances.get("a") == -1)


async def test_after_a_sigkill_of_the_owner_nothing_acknowledged_is_lost_and_nothing_is_done_twice(kafka, topic):
    """A second process owns everything, is killed in full run, and a standby goes on (ledger rules 1, 2, 8 and 12)."""
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("writer.py")), kafka.bootstrap, topic],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert child.stdout is not None
        sent = json.loads(await asyncio.to_thread(child.stdout.readline))
        async with running(make(kafka, topic, "standby", ONE_PARTITION)) as standby:
            acknowledged = [(await asyncio.to_thread(child.stdout.readline)).strip() for _ in range(200)]
            child.send_signal(signal.SIGKILL)
            acknowledged += [line.strip() for line in child.stdout.readlines() if len(line) == 37]
            await until(lambda: len(standby.owned) == 1)
            for command_id in sent:
                with contextlib.suppress(TrunklineError):
                    await standby.submit(book("a", 1, command_id))
            balance = await standby.read(standby.partition_of("a"), lambda state: state.balances.get("a"))
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    assert set(acknowledged) <= set(sent)
    assert balance == len(sent)


async def test_kafka_away_is_refused_quickly_and_all_recovers_by_itself(kafka_of_its_own, topic):
    """Ledger rule 3: the client is rebuilt in place."""
    kafka = kafka_of_its_own
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        await ledger.submit(book("a", 1))
        kafka.kill()
        with pytest.raises(TrunklineError) as refusal:
            await ledger.submit(book("a", 1))
        assert refusal.value.retryable
        kafka.restart()
        await until(lambda: len(ledger.owned) == 2)
        balance = await ledger.read(ledger.partition_of("a"), lambda state: state.balances.get("a"))
        await ledger.submit(book("a", 1))
        assert balance in (1, 2)


@pytest.fixture
def kafka_of_its_own(tmp_path: Path):
    node = KafkaNode.start(tmp_path / "kafka", report=lambda _: None)
    yield node
    node.stop()


async def read_all(reader: Reader, at_least: int) -> list[EffectiveRecord]:
    found: list[EffectiveRecord] = []
    async with asyncio.timeout(20):
        while len(found) < at_least:
            found += await reader.next_batch(0.5)
    return found


async def test_a_reader_that_restarts_between_a_marker_and_a_zombies_record_does_not_believe_the_zombie(kafka, topic):
    """Ledger rules 2 and 4: a position is offset and epoch."""
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        partition = ledger.partition_of("a")
        recorded = (await ledger.submit(book("a", 1))).events[0]
    async with running(make(kafka, topic, "r2")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        after_marker = Position(ledger.core(partition).next_offset, ledger.core(partition).fold.epochs.epoch)
        zombie = JsonCodec().encode_event(recorded.event, recorded.metadata)
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            headers = [("tl-epoch", b"1"), ("tl-type", b"test.Booked")]
            await producer.send_and_wait(topic, zombie, key=b"a", partition=partition, headers=headers)
        await ledger.submit(book("a", 2))
        reader = Reader(topic, bootstrap_servers=kafka.bootstrap, start={partition: after_marker})
        await reader.start()
        found = [one for one in await read_all(reader, 2) if one.record.partition == partition]
        await reader.stop()
    assert [JsonCodec().decode_event(one.record.value)[0] for one in found] == [Booked("a", 2)]
    assert ledger.stats.void_records == 1


async def test_a_process_manager_carries_each_event_over_exactly_once_also_after_a_restart(kafka, topic):
    """Ledger rule 13."""
    mirror = f"{topic}-mirror"

    def react(record: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
        event, metadata = JsonCodec().decode_event(record.record.value)
        return [ManagerCommand(event.account, metadata.tenant_id, "system", Book(event.account, event.amount))]

    manager: ProcessManager[Command] = ProcessManager("mirror", topic, react)
    async with running(make(kafka, topic, "r1")) as source:
        await until(lambda: len(source.owned) == 2)
        for account in "abcdef":
            await source.submit(book(account, 3))
        for _ in range(2):
            async with running(make(kafka, mirror, "m1")) as target:
                runner = asyncio.create_task(ManagerRunner(target, [manager], kafka.bootstrap).run())
                await source.submit(book("a", 1))

                def total(of: BankLedger) -> int:
                    return sum(value for number in of.partitions for value in of.state(number).balances.values())

                await until(lambda one=target: total(one) == total(source))
                runner.cancel()
                await asyncio.wait({runner})


class Rows:
    """A store in memory, with a record it cannot stand."""

    name, topic = "rows", ""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.rows: dict[tuple[int, int], int] = {}
        self.saved: dict[int, Position] = {}

    async def apply(self, records: Sequence[EffectiveRecord]) -> None:
        for one in records:
            event, _ = JsonCodec().decode_event(one.record.value)
            if event.amount == 13:
                raise ValueError("unlucky")
            self.rows[one.record.partition, one.record.offset] = event.amount

    async def load_positions(self, projection: str, topic: str) -> dict[int, Position]:
        return dict(self.saved)

    async def save_positions(self, projection: str, topic: str, positions: Mapping[int, Position]) -> None:
        self.saved |= positions


async def test_a_record_that_only_a_projection_cannot_handle_goes_to_its_dlq_and_the_projection_goes_on(kafka, topic):
    """Ledger rules 17 (a read model of facts by id) and 21 (dead letters)."""
    store = Rows(topic)
    dlq = f"{topic}-dlq"
    async with running(make(kafka, dlq, "dlq-maker")):
        pass  # creates the topic
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        for amount in (1, 13, 2):
            bad = (await ledger.submit(book("a", amount))).events[0] if amount == 13 else None
            if bad is None:
                await ledger.submit(book("a", amount))
            else:
                expected = (bad.partition, bad.offset)
        runner = ProjectionRunner(store, store, bootstrap_servers=kafka.bootstrap, dlq_topic=dlq)
        task = asyncio.create_task(runner.run())
        await until(lambda: sorted(store.rows.values()) == [1, 2])
        await until(lambda: runner.dead_letters == 1)
        task.cancel()
        await asyncio.wait({task})
    consumer = AIOKafkaConsumer(dlq, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    async with consumer:
        async with asyncio.timeout(20):
            async for message in consumer:
                headers = dict(message.headers)
                if b"tl-reason" in headers or "tl-reason" in headers:
                    break
    place = (int(headers["tl-source-partition"]), int(headers["tl-source-offset"]))
    assert (headers["tl-reason"], place) == (b"ValueError", expected)
