"""A record that nobody can apply, and the operator's skip, on real Kafka (ledger rule 21, ADR 0013)."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from accounts import Book, Booked, Command, JsonCodec
from aiokafka import AIOKafkaProducer
from test_managers import copied, managed
from test_replicas import FAST, BankLedger, book, make, running, uuid7
from trunkline.ledger.v1.ledger_types_pb2 import RecordSkipped
from trunkline_core.errors import Conflict, Invalid, Poison, Transient, TrunklineError
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.core.records import RECORD_SKIPPED_TYPE, Draft
from trunkline_ledger.kafka.reader import EffectiveRecord, Reader
from trunkline_ledger.managers import ManagerCommand
from trunkline_ledger.skipping import RecordsFollow, append_skip
from waiting import until


@pytest.fixture
def topic() -> str:
    return f"bank-{uuid7()[-12:]}"


async def plant(kafka: KafkaNode, topic: str, ledger: BankLedger, draft: Draft | None = None) -> tuple[int, int]:
    """Append a foreign record under the current epoch to the partition of "a"; return where it stands."""
    number = ledger.partition_of("a")
    found = draft or Draft(b"a", b"garbage", ledger.core(number).fold.epochs.epoch, "test.Booked")
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        sent = await producer.send_and_wait(topic, found.value, key=found.key, partition=number, headers=found.headers)
    return number, sent.offset


async def skip(kafka: KafkaNode, topic: str, place: tuple[int, int], **more: Any) -> None:
    await append_skip(kafka.bootstrap, topic, *place, "planted by a test", "op", **more)


async def eventually(ledgers: Sequence[BankLedger], account: str, amount: int) -> None:
    """Book on whichever replica owns the account, repeating under one id."""
    command_id = uuid7()
    async with asyncio.timeout(60):
        while True:
            for ledger in ledgers:
                try:
                    await ledger.submit(book(account, amount, command_id))
                    return
                except TrunklineError as error:
                    assert error.retryable, error
            await asyncio.sleep(0.05)


def elsewhere(ledger: BankLedger, number: int) -> str:
    """Return an account of another partition."""
    return next(name for name in "bcdefgh" if ledger.partition_of(name) != number)


def states(ledgers: Sequence[BankLedger], number: int) -> list[Any]:
    return [
        (ledger.core(number).next_offset, dict(ledger.state(number).balances._rows), ledger.core(number).poison)
        for ledger in ledgers
    ]


async def test_poison_stops_one_partition_on_every_replica_and_after_a_skip_all_go_on_with_the_same_state(
    kafka, topic, caplog
):
    async with running(make(kafka, topic, "r1")) as one, running(make(kafka, topic, "r2")) as two:
        both = [one, two]
        await until(lambda: len(one.owned) == len(two.owned) == 1)
        await eventually(both, "a", 5)
        number, offset = place = await plant(kafka, topic, one)
        await until(lambda: all(ledger.core(number).poison for ledger in both))
        assert [ledger.stats.poisoned for ledger in both] == [1, 1]
        assert not (one.is_caught_up() or two.is_caught_up())
        assert f"offset {offset} of {topic}/{number} cannot be applied" in {
            str(getattr(record, "reason", "")).split(":")[0] for record in caplog.records
        }
        for ledger in both:
            with pytest.raises(Transient):
                await ledger.submit(book("a", 1))
        await eventually(both, elsewhere(one, number), 1)
        await skip(kafka, topic, place)
        await eventually(both, "a", 7)
        await until(lambda: states(both, number)[0] == states(both, number)[1])
        assert one.is_caught_up() and two.is_caught_up()
        async with running(make(kafka, topic, "r3")) as later:
            await until(lambda: states([later], number) == states([one], number))
            assert later.state(number).balances.get("a") == 12
        assert [ledger.stats.skipped for ledger in both] == [1, 1]


async def test_poison_that_comes_under_load_is_let_go_with_what_was_on_its_way_behind_it(kafka, topic):
    """What nobody was told about takes effect once; a repeat with the same id gets its first answer."""
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        load = [asyncio.create_task(eventually([ledger], "a", 1)) for _ in range(300)]
        place = await plant(kafka, topic, ledger)
        await until(lambda: ledger.core(place[0]).poison is not None)
        await skip_with_what_follows(kafka, topic, place)
        await asyncio.gather(*load)
        balance = await ledger.read(place[0], lambda state: state.balances.get("a"))
    assert balance == 300


async def skip_with_what_follows(kafka: KafkaNode, topic: str, place: tuple[int, int]) -> None:
    """A batch was on its way or not: the tool tells, and the operator says so."""
    try:
        await skip(kafka, topic, place)
    except RecordsFollow as follow:
        await skip(kafka, topic, place, following_count=follow.count)


async def test_a_skip_that_could_not_be_valid_is_refused_and_nothing_is_written(kafka, topic):
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        number, healthy = (await submitted(ledger)).token.partition, (await submitted(ledger)).token.offset
        await submitted(ledger)
        end = ledger.core(number).next_offset
        for place, error, sentence in (
            ((number, healthy), RecordsFollow, "1 records that take effect follow it"),
            ((number, 0), Invalid, "names no record that takes effect"),
            ((number, end), Invalid, f"offset: must be below {end}"),
            ((9, 0), Invalid, "partition: must be below 2"),
        ):
            with pytest.raises(error, match=sentence):
                await skip(kafka, topic, place)
        with pytest.raises(Invalid, match="reason: must have 1 to 500"):
            await append_skip(kafka.bootstrap, topic, number, healthy, "", "op")
        with pytest.raises(Invalid, match="operator: must have 1 to 128"):
            await append_skip(kafka.bootstrap, topic, number, healthy, "why", "o" * 129)
        assert (await submitted(ledger)).token.offset == end


async def submitted(ledger: BankLedger) -> Any:
    return await ledger.submit(book("a", 1))


async def test_a_skip_of_a_healthy_record_in_the_middle_is_void_whoever_wrote_it(kafka, topic):
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        answers = [await submitted(ledger) for _ in range(3)]
        offset = answers[1].token.offset
        value = RecordSkipped(offset=offset, reason="malice", operator="op").SerializeToString()
        number, at = await plant(kafka, topic, ledger, Draft(b"*", value, answers[0].token.epoch, RECORD_SKIPPED_TYPE))
        await until(lambda: ledger.core(number).next_offset > at)
        assert (await submitted(ledger)).events[0].metadata.stream_version == 4
        assert (ledger.stats.skipped, ledger.state(number).balances.get("a")) == (0, 4)


async def test_a_skip_is_not_repeated(kafka, topic):
    async with running(make(kafka, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        place = await plant(kafka, topic, ledger)
        await skip(kafka, topic, place)
        with pytest.raises(Conflict, match="skipped before"):
            await skip(kafka, topic, place)
        await eventually([ledger], "a", 1)


async def test_a_manager_that_cannot_take_a_record_goes_on_after_its_skip_and_misses_nothing_else(kafka, topic):
    """Rule 13: what came before and after is carried over once."""

    def react(effective: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
        event, metadata = JsonCodec().decode_event(effective.record.value)
        assert isinstance(event, Booked)
        return [ManagerCommand("copy", metadata.tenant_id, "system", Book("copy", event.amount))]

    async with running(make(kafka, topic, "r1")) as source, running(make(kafka, f"{topic}-2", "t1")) as target:
        await until(lambda: len(source.owned) == len(target.owned) == 2)
        async with managed(target, topic, kafka, react) as runner:
            await source.submit(book("a", 3))
            place = await plant(kafka, topic, source)
            await until(lambda: runner.feeds[0]._stopped_at is not None)
            await skip(kafka, topic, place)
            await eventually([source], "a", 4)
            await until(lambda: copied(target)[target.partition_of("copy")] == 7)
            assert runner.feeds[0]._let_go == {place}


async def test_a_reader_passes_over_the_records_that_let_others_go(kafka, topic):
    """Rule 4: it hands them on as the ledger's own; who reads events ignores them by their type."""
    async with running(make(kafka, topic, "r1", FAST)) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        place = await plant(kafka, topic, ledger)
        await skip(kafka, topic, place)
        reader = Reader(topic, bootstrap_servers=kafka.bootstrap)
        await reader.start()
        found = [one.record for one in await reader.next_batch(5.0) if one.record.partition == place[0]]
        await reader.stop()
    assert [record.type for record in found if record.offset > place[1]][:1] == [RECORD_SKIPPED_TYPE]
    assert isinstance(caught(found[1].value), Poison)


def caught(value: bytes) -> Exception:
    try:
        JsonCodec().decode_event(value)
    except Poison as poison:
        return poison
    raise AssertionError
