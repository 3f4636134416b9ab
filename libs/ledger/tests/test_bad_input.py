"""What a ledger does with input that nobody should send, on real Kafka; the function names the rule."""

import asyncio
import gc
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from accounts import CloseLater, Command, JsonCodec
from aiokafka import AIOKafkaProducer
from test_fencing import recreate
from test_poison import elsewhere, eventually, plant, states
from test_replicas import FAST, ONE_PARTITION, BankLedger, book, make, running, uuid7
from trunkline.contact.v1.contact_events_pb2 import ContactOpened
from trunkline_core.errors import Overloaded, Transient, TrunklineError
from trunkline_embedded.kafka import KafkaNode, kafka_java
from trunkline_embedded.ports import free_port
from trunkline_ledger.core.batch import Ticket
from trunkline_ledger.core.lanes import BOUNDS
from trunkline_ledger.core.records import Draft
from trunkline_ledger.skipping import append_skip
from trunkline_ledger.submission import Lane, Submission
from waiting import until

FLOOD = 10_000


@pytest.fixture
def topic() -> str:
    return f"bank-{uuid7()[-12:]}"


def of_tenant(tenant: str, command: Command, lane: Lane = Lane.NEW) -> Submission[Command]:
    account = f"{tenant}/{command.account}"
    return Submission(
        command=type(command)(account, *(getattr(command, name) for name in command.__slots__[1:])),
        key=account,
        command_id=uuid7(),
        tenant=tenant,
        actor="customer",
        payload_hash=b"hash",
        timeout=timedelta(seconds=60),
        lane=lane,
    )


async def outcome(ledger: BankLedger, submission: Submission[Command]) -> int | TrunklineError:
    """Return where the first event stands, or the refusal."""
    try:
        return (await ledger.submit(submission)).events[0].offset
    except TrunklineError as refusal:
        return refusal


async def test_a_flood_of_one_tenant_is_refused_beyond_the_bound_and_harms_nobody_else(kafka, topic):
    """Ledger rules 15 (timers go first) and 20 (bounds, turns): 10,000 commands at once to one partition."""
    async with running(make(kafka, topic, "r1", ONE_PARTITION)) as ledger:
        await until(lambda: ledger.owned == {0})
        closed = closing_offsets(ledger)
        floods = [asyncio.create_task(outcome(ledger, of_tenant("tn_1", book("a", 1).command))) for _ in range(FLOOD)]
        timer = asyncio.create_task(ledger.submit(of_tenant("tn_2", CloseLater("t", 0), Lane.ENDING)))
        other = asyncio.create_task(ledger.submit(of_tenant("tn_3", book("b", 1).command)))
        found = await asyncio.gather(*floods)
        taken_in = [offset for offset in found if isinstance(offset, int)]
        refusals = Counter(type(refusal) for refusal in found if not isinstance(refusal, int))
        await asyncio.gather(timer, other)
        await until(lambda: bool(closed))
        balance = await ledger.read(0, lambda state: state.balances.get("tn_1/a"))
    assert refusals == {Overloaded: FLOOD - len(taken_in)}
    assert balance == len(taken_in) < BOUNDS[Lane.NEW]
    assert (await other).events[0].offset < sorted(taken_in)[500]  # in the first batch
    assert closed[0] < max(taken_in)


def closing_offsets(ledger: BankLedger) -> list[int]:
    """Return a list that grows with the offset of each Closed."""
    found: list[int] = []
    ledger.watch(lambda _, events: found.extend(one.offset for one in events if type(one.event).__name__ == "Closed"))
    return found


async def test_a_flood_leaves_nothing_in_memory(kafka, topic):
    """Ledger rule 20: what was refused or answered is gone. The window remembers neither of these."""
    async with running(make(kafka, topic, "r1", ONE_PARTITION)) as ledger:
        await until(lambda: ledger.owned == {0})
        await flood_without_effect(ledger)
        assert len(ledger.core(0).lanes) == 0
        await until(lambda: not living(Ticket, Submission, TrunklineError))


def living(*kinds: type) -> list[object]:
    gc.collect()
    return [found for found in gc.get_objects() if isinstance(found, kinds)]


async def flood_without_effect(ledger: BankLedger) -> None:
    """10,000 commands that are refused by a rule, or because the lane is full: neither is remembered."""
    await asyncio.gather(*(outcome(ledger, of_tenant("tn_1", book("a", -1).command)) for _ in range(FLOOD)))


async def test_a_command_whose_deadline_has_passed_is_refused_and_has_no_effect(kafka, topic):
    """Nothing was done: the same id may be sent again, and then takes effect once."""
    async with running(make(kafka, topic, "r1", ONE_PARTITION)) as ledger:
        await until(lambda: ledger.owned == {0})
        late = book("a", 1)
        passed = Submission(**{name: getattr(late, name) for name in late.__slots__} | {"timeout": timedelta(0)})
        for _ in range(3):
            with pytest.raises(Transient):
                await ledger.submit(passed)
        await ledger.submit(late)
        assert await ledger.read(0, lambda state: state.balances.get("a")) == 1


# What nobody should have written.


def truncated(value: bytes) -> Draft:
    return Draft(b"a", value[: len(value) // 2], 1, "test.Booked")


def of_another_topic(value: bytes) -> Draft:
    return Draft(b"ct_1", ContactOpened(contact_id="ct_1").SerializeToString(), 1, ContactOpened.DESCRIPTOR.full_name)


def empty(value: bytes) -> Draft:
    return Draft(b"", b"", 1, "test.Booked")


def with_a_key_that_is_no_text(value: bytes) -> Draft:
    return Draft(b"\xff", value, 1, "test.Booked")


@pytest.mark.parametrize("bad", [truncated, of_another_topic, empty, with_a_key_that_is_no_text])
async def test_a_truncated_or_foreign_record_under_a_valid_epoch_stops_the_partition_until_it_is_let_go(
    kafka, topic, bad: Callable[[bytes], Draft]
):
    """Ledger rule 21."""
    async with running(make(kafka, topic, "r1", ONE_PARTITION)) as ledger:
        await until(lambda: ledger.owned == {0})
        event = (await ledger.submit(book("a", 1))).events[0]
        draft = bad(JsonCodec().encode_event(event.event, event.metadata))
        place = await plant(kafka, topic, ledger, draft)
        await until(lambda: ledger.core(0).poison is not None)
        await append_skip(kafka.bootstrap, topic, *place, "planted by a test", "op")
        await eventually([ledger], "a", 1)
        assert await ledger.read(0, lambda state: state.balances.get("a")) == 2
        assert ledger.stats.void_records == 0


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("tl-epoch", b"1")],
        [("tl-epoch", b"7"), ("tl-type", b"test.Booked")],
        [("tl-epoch", b"-1"), ("tl-type", b"test.Booked")],
        [("tl-epoch", b"9" * 40), ("tl-type", b"test.Booked")],
    ],
    ids=["no headers", "no type", "an epoch nobody began", "below zero", "too long"],
)
async def test_a_record_without_a_valid_epoch_is_ignored_and_counted(kafka, topic, headers):
    """Ledger rule 21."""
    async with running(make(kafka, topic, "r1", ONE_PARTITION)) as ledger:
        await until(lambda: ledger.owned == {0})
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            await producer.send_and_wait(topic, b"garbage", partition=0, headers=headers)
        await eventually([ledger], "a", 1)
        await until(lambda: ledger.stats.void_records == 1)
        assert ledger.core(0).poison is None


# What nobody should do to Kafka.


async def test_a_topic_made_anew_under_load_is_served_from_its_empty_start_by_every_replica(kafka, topic, caplog):
    """Ledger rule 9: what stood on the deleted one is gone and nobody serves it any more; each replica says so."""
    settings = replace(FAST, append_timeout_s=2.0)
    async with running(make(kafka, topic, "r1", settings)) as one, running(make(kafka, topic, "r2", settings)) as two:
        both = [one, two]
        await until(lambda: len(one.owned) == len(two.owned) == 1)
        accounts = ["a", elsewhere(one, one.partition_of("a"))]
        for account in accounts:
            await eventually(both, account, 100)
        load = [asyncio.create_task(eventually(both, accounts[number % 2], 1)) for number in range(40)]
        await recreate(kafka, topic, one)
        await void_records(kafka, topic, 200)  # the new log is not shorter than what was read of the old one
        await until(lambda: all(ledger.stats.rebuilds >= 2 for ledger in both))
        await asyncio.gather(*load)
        for account in accounts:
            await eventually(both, account, 1)
        numbers = [one.partition_of(account) for account in accounts]
        await until(lambda: all(states(both, number)[0] == states(both, number)[1] for number in numbers))
        balances = [one.state(number).balances.get(account) for number, account in zip(numbers, accounts, strict=True)]
    assert all(0 < balance <= 21 for balance in balances), balances
    assert "log lost its tail, rebuilding" in caplog.messages


async def void_records(kafka: KafkaNode, topic: str, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
        for number in range(count):
            await producer.send_and_wait(topic, b"nothing", partition=number % 2)


@pytest.fixture
def slow_groups(tmp_path: Path) -> Iterator[KafkaNode]:
    """A broker as Kafka ships it: sessions of less than 6 s are refused."""
    settings = {"group.min.session.timeout.ms": "6000"}
    node = KafkaNode(tmp_path / "kafka", free_port(), kafka_java(lambda _: None), settings)
    node.restart()
    yield node
    node.kill()


async def test_where_brokers_refuse_short_sessions_the_ledger_takes_longer_ones_and_says_so(slow_groups, topic, caplog):
    async with running(make(slow_groups, topic, "r1")) as ledger:
        await until(lambda: len(ledger.owned) == 2)
        await ledger.submit(book("a", 1))
    said = [record for record in caplog.records if record.message.startswith("session time-out refused")]
    assert [record.seconds for record in said] == [FAST.fallback_session_timeout_s] == [6.0]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 96 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def kafka_on_a_small_disk(small_disk: Path) -> Iterator[KafkaNode]:
    node = KafkaNode.start(small_disk / "kafka", report=lambda _: None)
    yield node
    node.kill()


async def test_a_full_disk_at_the_broker_is_refused_with_a_retry_and_loses_nothing_that_was_acknowledged(
    kafka_on_a_small_disk, small_disk, topic
):
    """Kafka gives its log folder up and ends; with room made and the broker started again all goes on by itself."""
    kafka, acknowledged = kafka_on_a_small_disk, []
    async with running(make(kafka, topic, "r1", replace(ONE_PARTITION, append_timeout_s=2.0))) as ledger:
        await until(lambda: ledger.owned == {0})
        fill(small_disk / "filler")
        with pytest.raises(TrunklineError) as refusal:
            while len(acknowledged) < 5_000:
                acknowledged.append((await ledger.submit(big_booking())).events[0].event.account)
        assert refusal.value.retryable
        (small_disk / "filler").unlink()
        kafka.restart()
        await eventually([ledger], "a", 1)
        found = await ledger.read(0, lambda state: set(state.balances._rows))
    assert set(acknowledged) <= found


def fill(filler: Path) -> None:
    """Take what is left of the disk."""
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65_536))


def big_booking() -> Submission[Command]:
    return book(f"{uuid7()}{'x' * 12_000}", 1)
