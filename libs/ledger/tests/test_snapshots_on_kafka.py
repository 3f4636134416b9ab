"""Snapshots on real Kafka: made by another process, read at the next start, not used when not good (ledger rule 16)."""

import asyncio
import gc
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from accounts import Bank, Command, Event, bank_service
from aiokafka import AIOKafkaProducer
from test_replicas import book, running, uuid7
from trunkline_core.errors import Rejection
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.kafka.snapshots import SnapshotReader, snapshot_topic
from trunkline_ledger.kafka.topics import describe_topic
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.log_client import SnapshotSlot
from trunkline_ledger.snapshot_maker import Request, make
from trunkline_ledger.snapshotting import helper_environment
from waiting import until

BankLedger = Ledger[Bank, Command, Event]
EVERY = 100
SETTINGS = LedgerSettings(session_timeout_s=1.5, partitions=1, snapshot_every=EVERY)
NEVER = replace(SETTINGS, snapshot_every=1_000_000)


@pytest.fixture
def topic(unique_topic: Callable[..., str]) -> str:
    return unique_topic("bank")


def replica(
    kafka: KafkaNode,
    topic: str,
    name: str,
    settings: LedgerSettings = SETTINGS,
    import_path: str = "accounts:bank_service",
) -> BankLedger:
    return Ledger(
        replace(bank_service(topic), import_path=import_path),
        bootstrap_servers=kafka.bootstrap,
        instance_id=f"{topic}-{name}",
        address=f"{name}:1",
        settings=settings,
    )


async def owned(ledger: BankLedger) -> BankLedger:
    await until(lambda: ledger.owned == {0})
    return ledger


Helpers = list["subprocess.Popen[str]"]


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> Helpers:
    """The processes that were spawned."""
    found: Helpers = []

    class Noted(subprocess.Popen[str]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            found.append(self)

    monkeypatch.setattr("trunkline_ledger.snapshotting.subprocess.Popen", Noted)
    return found


async def test_another_process_makes_it_while_the_owner_serves_and_the_next_start_reads_it(
    kafka: KafkaNode, topic: str, helpers: Helpers
) -> None:
    known = uuid7()
    async with running(replica(kafka, topic, "r1")) as ledger:
        await owned(ledger)
        await ledger.submit(book("known", 7, known))
        answered = 0
        while not ledger.stats.snapshots_made:
            await asyncio.gather(*(ledger.submit(book(f"a{number % 9}", 1)) for number in range(10)))
            answered += 10
            assert not ledger.stats.snapshots_failed
        await ledger.submit(book("after", 1))
    assert answered > EVERY, "commands were answered meanwhile"
    assert helpers and all(helper.pid != os.getpid() and helper.returncode == 0 for helper in helpers)

    async with running(replica(kafka, topic, "r2", NEVER)) as ledger:
        await owned(ledger)
        assert (ledger.stats.snapshots_read, ledger.stats.snapshots_refused) == (1, 0)
        assert gc.get_freeze_count() > 0, "no collection walks the state again"
        assert ledger.stats.folded < ledger.core(0).next_offset - EVERY
        again = await ledger.submit(book("known", 7, known))
        assert await ledger.read(0, lambda state: state.balances.get("known")) == 7, "the window is in it"
        assert again.events[0].offset < EVERY
        assert await ledger.read(0, lambda state: state.balances.get("after")) == 1
        with pytest.raises(Rejection, match="Overdrawn"):
            await ledger.submit(book("after", -2))
        async with running(replica(kafka, topic, "r3", import_path="")) as whole:
            await until(lambda: whole.is_caught_up() and whole.core(0).next_offset >= ledger.core(0).next_offset)
            assert whole.stats.snapshots_read == 0
            assert await whole.digest(0) == await ledger.digest(0), "as if everything had been read"


async def test_a_helper_ends_with_its_replica(kafka: KafkaNode, topic: str, helpers: Helpers) -> None:
    async with running(replica(kafka, topic, "r1", replace(SETTINGS, snapshot_every=1))):
        await until(lambda: bool(helpers))
    assert await asyncio.to_thread(helpers[0].wait, 20.0) != 0


async def test_a_helper_that_cannot_start_or_says_nothing_is_counted_and_tried_again_later(
    kafka: KafkaNode, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trunkline_ledger.snapshotting.MAKER", "trunkline_ledger.no_such_module")
    async with running(replica(kafka, topic, "r1", replace(SETTINGS, snapshot_every=1))) as ledger:
        await until(lambda: ledger.stats.snapshots_failed == 1)
        monkeypatch.setattr("trunkline_ledger.snapshotting.RETRY_S", 0.0)
        monkeypatch.setattr("sys.executable", "/no/such/python")
        ledger._snapshotting._again_at.clear()
        await until(lambda: ledger.stats.snapshots_failed >= 2)
        await ledger.submit(book("a", 1))


# what is not used


@pytest.fixture
async def two_snapshots(kafka: KafkaNode, topic: str) -> AsyncIterator[list[SnapshotSlot]]:
    """A ledger with 150 bookings on one account, and snapshots of it in both slots, the newest first."""
    async with running(replica(kafka, topic, "r1", NEVER)) as ledger:
        await owned(ledger)
        for count in (100, 50):
            await asyncio.gather(*(ledger.submit(book("a", 1)) for _ in range(count)))
            assert (await make_one(kafka, topic))["is_new"]
        await ledger.submit(book("a", 1))
    yield await slots(kafka, topic)


async def make_one(kafka: KafkaNode, topic: str) -> dict[str, object]:
    found = await describe_topic(kafka.bootstrap, topic)
    return await make(Request("accounts:bank_service", topic, found.topic_id, 0, kafka.bootstrap, "maker", 10))


async def slots(kafka: KafkaNode, topic: str) -> list[SnapshotSlot]:
    reader = SnapshotReader(topic, kafka.bootstrap, "test")
    await reader.start()
    try:
        return await reader.slots(0)
    finally:
        await reader.stop()


async def put(kafka: KafkaNode, topic: str, stored: SnapshotSlot, name: str, value: bytes | None) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, max_request_size=1_048_576)
    await producer.start()
    try:
        key = f"0/{stored.manifest.number % 2}/{name}".encode()
        await producer.send_and_wait(snapshot_topic(topic), value, key=key, partition=0)
    finally:
        await producer.stop()


async def begun(kafka: KafkaNode, topic: str) -> tuple[int, int, int | None]:
    """Start a replica; return how many snapshots it read and refused, and the balance it then has."""
    async with running(replica(kafka, topic, "r9", NEVER)) as ledger:
        await owned(ledger)
        balance = await ledger.read(0, lambda state: state.balances.get("a"))
        return ledger.stats.snapshots_read, ledger.stats.snapshots_refused, balance


def flipped(stored: SnapshotSlot) -> tuple[str, bytes | None]:
    chunk = bytearray(stored.chunks[0])
    chunk[len(chunk) // 2] ^= 4
    return "0", bytes(chunk)


def changed(**fields: Any) -> Callable[[SnapshotSlot], tuple[str, bytes | None]]:
    def damage(stored: SnapshotSlot) -> tuple[str, bytes | None]:
        for name, value in fields.items():
            setattr(stored.manifest, name, value)
        return "manifest", stored.manifest.SerializeToString()

    return damage


DAMAGES: dict[str, Callable[[SnapshotSlot], tuple[str, bytes | None]]] = {
    "flipped bit": flipped,
    "truncated chunk": lambda stored: ("0", stored.chunks[0][:-9]),
    "missing chunk": lambda stored: ("0", None),
    "chunk of the snapshot before": lambda stored: ("0", b"older" + stored.chunks[0]),
    "newer schema version": changed(schema_version=2),
    "another topic id": changed(topic_id="another"),
    "beyond the end of the log": changed(next_offset=10_000),
    "another last record": changed(last_record_sha256=b"x" * 32),
}


@pytest.mark.parametrize("name", DAMAGES)
async def test_a_snapshot_that_is_not_good_is_passed_over_for_the_other_one(
    kafka: KafkaNode, topic: str, two_snapshots: list[SnapshotSlot], name: str
) -> None:
    newest = two_snapshots[0]
    await put(kafka, topic, newest, *DAMAGES[name](newest))
    assert await begun(kafka, topic) == (1, 1, 151)


async def test_without_a_good_snapshot_the_log_is_read_from_its_start(
    kafka: KafkaNode, topic: str, two_snapshots: list[SnapshotSlot]
) -> None:
    for stored in two_snapshots:
        await put(kafka, topic, stored, *flipped(stored))
    assert await begun(kafka, topic) == (0, 2, 151)


async def test_a_damaged_slot_is_written_again_and_the_good_one_left_alone(
    kafka: KafkaNode, topic: str, two_snapshots: list[SnapshotSlot]
) -> None:
    """A helper that died while it wrote leaves just that."""
    newest, older = two_snapshots
    await put(kafka, topic, newest, *flipped(newest))
    assert (await make_one(kafka, topic))["snapshot"] == newest.manifest.number
    again, kept = await slots(kafka, topic)
    assert kept == older and again.manifest.next_offset > newest.manifest.next_offset
    assert await begun(kafka, topic) == (1, 0, 151)


async def test_chunks_that_a_smaller_snapshot_does_not_have_are_deleted(
    kafka: KafkaNode, topic: str, two_snapshots: list[SnapshotSlot]
) -> None:
    _, older = two_snapshots
    older.manifest.chunk_count = 3
    await put(kafka, topic, older, "manifest", older.manifest.SerializeToString())
    for name in ("1", "2"):
        await put(kafka, topic, older, name, b"left over")
    async with running(replica(kafka, topic, "r1", NEVER)) as ledger:
        await owned(ledger)
        await asyncio.gather(*(ledger.submit(book("a", 1)) for _ in range(20)))
    assert (await make_one(kafka, topic))["is_new"]
    newest, _ = await slots(kafka, topic)
    newest.manifest.chunk_count = 3
    await put(kafka, topic, newest, "manifest", newest.manifest.SerializeToString())
    assert set((await slots(kafka, topic))[0].chunks) == {0}


async def test_nothing_is_written_when_the_newest_snapshot_is_new_enough(
    kafka: KafkaNode, topic: str, two_snapshots: list[SnapshotSlot]
) -> None:
    assert not (await make_one(kafka, topic))["is_new"]
    assert await slots(kafka, topic) == two_snapshots


def test_the_helper_gets_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNKLINE_SECRET", "s" * 40)
    monkeypatch.setenv("TRUNKLINE_MONGO_URL", "mongodb://user:password@host")
    assert not [name for name in helper_environment() if name.startswith("TRUNKLINE_")]
