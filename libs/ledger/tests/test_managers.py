"""Process managers on real Kafka: broadcast, refusals, defects, checkpoints, take-over (ledger rule 13)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import uuid4

import pytest
from accounts import Book, Command, JsonCodec
from aiokafka.errors import MessageSizeTooLargeError
from test_replicas import BankLedger, book, make, running
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger import managers
from trunkline_ledger.core.records import Draft
from trunkline_ledger.kafka.producer import PartitionProducer
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_ledger.managers import ManagerCommand, ManagerRunner, ProcessManager
from waiting import until

React = Callable[[EffectiveRecord], Sequence[ManagerCommand[Command]]]


@pytest.fixture
def topic() -> str:
    return f"bank-{uuid4().hex[:8]}"


def follow(key: str | None = "copy", **amounts: int) -> React:
    """Book the amount again under `key`; `amounts` replace what is booked for an account."""

    def react(record: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
        event, metadata = JsonCodec().decode_event(record.record.value)
        amount = amounts.get(event.account, event.amount)
        return [ManagerCommand(key, metadata.tenant_id, "system", Book("copy", amount))]

    return react


@contextlib.asynccontextmanager
async def managed(target: BankLedger, topic: str, kafka: KafkaNode, react: React) -> AsyncIterator[ManagerRunner]:
    runner = ManagerRunner(target, [ProcessManager("copy", topic, react)], kafka.bootstrap)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        await asyncio.wait({task})


def copied(ledger: BankLedger) -> list[int | None]:
    return [ledger.state(number).balances.get("copy") for number in ledger.partitions]


async def test_a_command_without_key_is_carried_out_once_on_each_partition(kafka, topic):
    async with running(make(kafka, topic, "r1")) as source, running(make(kafka, f"{topic}-2", "t1")) as target:
        await until(lambda: len(source.owned) == len(target.owned) == 2)
        await source.submit(book("a", 3))
        async with managed(target, topic, kafka, follow(None)):
            await source.submit(book("a", 4))
            await until(lambda: copied(target) == [7, 7])


async def test_a_refused_input_is_skipped_for_good_and_the_next_goes_on(kafka, topic):
    async with running(make(kafka, topic, "r1")) as source, running(make(kafka, f"{topic}-2", "t1")) as target:
        await until(lambda: len(source.owned) == len(target.owned) == 2)
        async with managed(target, topic, kafka, follow(b=-100)):
            for account in ("a", "b", "a"):
                await source.submit(book(account, 3))
            partition = target.partition_of("copy")
            await until(lambda: copied(target)[partition] == 6)
        assert target.stats.rejected == 1


async def test_an_input_that_the_broker_does_not_take_is_told_and_carried_out_when_it_does(kafka, topic, monkeypatch):
    send, is_too_large = PartitionProducer._send, True

    async def send_or_refuse(producer: PartitionProducer, drafts: Sequence[Draft]) -> int:
        if is_too_large and any(draft.key == b"copy" for draft in drafts):
            raise MessageSizeTooLargeError
        return await send(producer, drafts)

    monkeypatch.setattr(PartitionProducer, "_send", send_or_refuse)
    async with running(make(kafka, topic, "r1")) as source, running(make(kafka, f"{topic}-2", "t1")) as target:
        await until(lambda: len(source.owned) == len(target.owned) == 2)
        await source.submit(book("a", 3))
        async with managed(target, topic, kafka, follow()):
            await until(lambda: target.stats.manager_failures >= 2)
            is_too_large = False
            await until(lambda: copied(target)[target.partition_of("copy")] == 3)


async def test_a_defect_of_a_manager_holds_it_up_until_it_is_repaired_and_skips_nothing(kafka, topic):
    broken, calls = True, 0
    healthy = follow()

    def react(record: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
        nonlocal calls
        calls += 1
        if broken:
            raise KeyError("defect")
        return healthy(record)

    async with running(make(kafka, topic, "r1")) as source, running(make(kafka, f"{topic}-2", "t1")) as target:
        await until(lambda: len(source.owned) == len(target.owned) == 2)
        await source.submit(book("a", 3))
        async with managed(target, topic, kafka, react):
            await until(lambda: calls >= 2)
            broken = False
            await until(lambda: copied(target)[target.partition_of("copy")] == 3)
            assert target.stats.manager_failures >= 2


async def test_what_was_fed_up_to_an_offset_is_known_only_once_all_of_it_was_applied(kafka, topic):
    broken, calls = True, 0
    healthy = follow()

    def react(record: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
        nonlocal calls
        calls += 1
        if broken and calls > 1:
            raise KeyError("defect")
        return healthy(record)

    async with running(make(kafka, topic, "r1")) as source, running(make(kafka, f"{topic}-2", "t1")) as target:
        await until(lambda: len(source.owned) == len(target.owned) == 2)
        first, second = [(await source.submit(book("a", 3))).token for _ in range(2)]
        copy = target.partition_of("copy")
        async with managed(target, topic, kafka, react) as runner:

            def has_fed(offset: int) -> bool:
                return runner.has_fed(topic, second.partition, offset, copy)

            await until(lambda: calls >= 3)
            assert not has_fed(second.offset + 1)
            broken = False
            await until(lambda: has_fed(second.offset + 1))
            assert copied(target)[copy] == 6
            assert has_fed(first.offset)
            assert not has_fed(second.offset + 2)
            assert not runner.has_fed("another topic", second.partition, 0, copy)


async def test_inputs_that_concern_nobody_leave_a_checkpoint_from_which_the_next_owner_goes_on(
    kafka, topic, monkeypatch
):
    monkeypatch.setattr(managers, "CHECKPOINT_INPUTS", 5)
    read: list[int] = []

    def nothing(record: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
        read.append(record.record.offset)
        return []

    def is_marked(target: BankLedger, at_least: int) -> bool:
        marks = [target.mark(number, "copy", topic, source_partition) for number in target.partitions]
        return all(mark is not None and mark.offset >= at_least for mark in marks)

    async with running(make(kafka, topic, "r1")) as source:
        await until(lambda: len(source.owned) == 2)
        source_partition = source.partition_of("a")
        last = [await source.submit(book("a", 1)) for _ in range(12)][-1].token.offset
        async with running(make(kafka, f"{topic}-2", "t1")) as target:
            await until(lambda: len(target.owned) == 2)
            async with managed(target, topic, kafka, nothing):
                await until(lambda: is_marked(target, last))
            assert target.stats.appended < 12
        read.clear()
        async with running(make(kafka, f"{topic}-2", "t2")) as target:
            await until(lambda: len(target.owned) == 2)
            async with managed(target, topic, kafka, nothing):
                await source.submit(book("a", 1))
                await until(lambda: last + 1 in read)
        assert min(read) >= last


async def test_the_next_owner_goes_on_where_the_last_one_stood_and_everything_is_done_once(kafka, topic):
    async with running(make(kafka, topic, "r1")) as source:
        await until(lambda: len(source.owned) == 2)
        one, two = make(kafka, f"{topic}-2", "t1"), make(kafka, f"{topic}-2", "t2")
        async with running(two), managed(two, topic, kafka, follow(None)):
            async with running(one), managed(one, topic, kafka, follow(None)):
                await until(lambda: len(one.owned) == len(two.owned) == 1)
                for _ in range(20):
                    await source.submit(book("a", 1))
                await until(lambda: copied(one) == copied(two) == [20, 20])
            await until(lambda: len(two.owned) == 2)
            for _ in range(5):
                await source.submit(book("a", 1))
            await until(lambda: copied(two) == [25, 25])


async def test_watchers_see_every_batch_once_in_order_and_one_that_fails_harms_nobody(kafka, topic):
    """Ledger rules 8 and 18."""
    ledger = make(kafka, topic, "r1")
    seen: list[int] = []
    owned: list[int] = []
    lost: list[int] = []

    def fail(_: int, __: object) -> None:
        raise RuntimeError("defect")

    ledger.watch(fail)
    stop = ledger.watch(lambda _, events: seen.extend(one.metadata.stream_version for one in events))
    ledger.on_owned(owned.append)
    ledger.on_lost(lost.append)
    async with running(ledger):
        await until(lambda: sorted(owned) == [0, 1])
        answers = await asyncio.gather(*(ledger.submit(book("a", 1)) for _ in range(50)))
        assert seen == list(range(1, 51))
        assert all(answer.events[0].owner_latency_s is None for answer in answers)
        assert ledger.stats.watcher_failures >= 1
        stop()
        await ledger.submit(book("a", 1))
        assert len(seen) == 50
    assert lost == []
