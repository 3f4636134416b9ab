"""A new event type comes into a ledger that is served: readable one release before it is written (ledger rule 21).

Release 1 knows schema 1; release 2 reads schema 2 and writes 1; release 3 reads and writes schema 2.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from accounts import FROZEN, Freeze, bank_service
from test_poison import elsewhere, states
from test_replicas import FAST, BankLedger, book, uuid7
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_core.errors import Rejection, Transient, TrunklineError
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.core.records import MARKER_TYPE
from trunkline_ledger.core.skips import TooNew
from trunkline_ledger.kafka.reader import Reader
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import NotOwner, Submission
from waiting import until

SCHEMAS = {1: (1, 1), 2: (2, 1), 3: (2, 2)}
"""By release: what it reads, what it writes."""


class Fleet:
    """Replicas of one ledger by name, each of some release, and clients that repeat until they are answered."""

    def __init__(self, kafka: KafkaNode, topic: str) -> None:
        self.kafka, self.topic = kafka, topic
        self.replicas: dict[str, BankLedger] = {}
        self.all: list[BankLedger] = []
        self.acknowledged: Counter[str] = Counter()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, name: str, release: int) -> BankLedger:
        schema_version, written_version = SCHEMAS[release]
        ledger: BankLedger = Ledger(
            bank_service(self.topic, schema_version, written_version),
            bootstrap_servers=self.kafka.bootstrap,
            instance_id=f"{self.topic}-{name}",
            address=f"{name}:1",
            settings=FAST,
        )
        await ledger.start()
        self._tasks[name] = asyncio.create_task(ledger.run())
        self.replicas[name] = ledger
        self.all.append(ledger)
        return ledger

    async def stop(self, name: str) -> None:
        await self.replicas.pop(name).stop()
        await self._tasks.pop(name)

    async def roll(self, release: int) -> None:
        """Replace one replica after the other, each once all partitions are served again."""
        for name in list(self.replicas):
            await self.stop(name)
            fresh = await self.start(name, release)
            await until(lambda one=fresh: one.is_caught_up() and len(self.owned()) == 2)

    def owned(self) -> set[int]:
        return {number for ledger in self.replicas.values() for number in ledger.owned}

    async def submit(self, submission: Submission) -> None:
        """Send to whichever replica owns the partition; repeat with the same id. Raises: what the rules said."""
        async with asyncio.timeout(60):
            while True:
                for ledger in list(self.replicas.values()):
                    try:
                        await ledger.submit(submission)
                        return
                    except TrunklineError as error:
                        if not error.retryable:
                            raise
                await asyncio.sleep(0.05)

    @contextlib.asynccontextmanager
    async def load(self, *accounts: str) -> AsyncIterator[None]:
        """Book on each account, one command after the other, for as long as the block lasts."""
        is_over = asyncio.Event()

        async def client(account: str) -> None:
            while not is_over.is_set():
                await self.submit(book(account, 1))
                self.acknowledged[account] += 1

        clients = [asyncio.create_task(client(account)) for account in accounts]
        try:
            yield
        finally:
            is_over.set()
            await asyncio.gather(*clients)


@pytest.fixture
async def fleet(kafka: KafkaNode) -> AsyncIterator[Fleet]:
    found = Fleet(kafka, f"bank-{uuid7()[-12:]}")
    yield found
    for name in list(found.replicas):
        await found.stop(name)


def freeze(account: str) -> Submission:
    return Submission(
        command=Freeze(account), key=account, command_id=uuid7(), tenant="tn_1", actor="customer", payload_hash=b"hash"
    )


async def demanded(fleet: Fleet) -> list[int]:
    """Return what the markers of all partitions demand of their readers, in order."""
    reader = Reader(fleet.topic, bootstrap_servers=fleet.kafka.bootstrap)
    await reader.start()
    ends, found = await reader.end_offsets(), []
    while any(reader.positions()[number].offset < end for number, end in ends.items()):
        found += [one.record for one in await reader.next_batch(0.5)]
    await reader.stop()
    markers = [record for record in found if record.type == MARKER_TYPE]
    return [Marker.FromString(record.value).min_reader for record in sorted(markers, key=lambda record: record.epoch)]


async def test_two_rolling_upgrades_under_load_bring_a_new_event_type_and_poison_nobody(fleet):
    for name in ("r1", "r2"):
        await fleet.start(name, release=1)
    await until(lambda: len(fleet.owned()) == 2)
    first = fleet.replicas["r1"]
    accounts = ["a", elsewhere(first, first.partition_of("a"))]
    async with fleet.load(*accounts):
        await fleet.roll(release=2)
        with pytest.raises(Rejection, match="NotYet"):
            await fleet.submit(freeze("z"))
        await fleet.roll(release=3)
        for account in ("x", "y", "z"):
            await fleet.submit(freeze(account))
    one, two = fleet.replicas.values()
    await until(lambda: all(equal(one, two, number) for number in one.partitions))
    balances = {name: one.state(one.partition_of(name)).balances.get(name) for name in (*accounts, "x", "y", "z")}
    assert balances == dict(fleet.acknowledged) | dict.fromkeys("xyz", FROZEN)
    assert all(fleet.acknowledged[account] > 0 for account in accounts)
    assert [ledger.stats.poisoned for ledger in fleet.all] == [0] * 6
    assert sorted(set(await demanded(fleet))) == [1, 2]


def equal(one: BankLedger, two: BankLedger, number: int) -> bool:
    first, second = states([one, two], number)
    return bool(first == second)


async def test_back_by_one_release_everything_goes_on_and_two_back_nobody_owns_what_it_cannot_read(fleet):
    await fleet.start("r1", release=3)
    await until(lambda: len(fleet.owned()) == 2)
    await fleet.submit(freeze("z"))
    await fleet.roll(release=2)
    await fleet.submit(book("z", 5))
    back = fleet.replicas["r1"]
    assert back.state(back.partition_of("z")).balances.get("z") == FROZEN + 5
    await fleet.stop("r1")
    old = await fleet.start("r1", release=1)
    await until(lambda: all(isinstance(old.core(number).poison, TooNew) for number in old.partitions))
    assert (old.stats.takeovers, old.stats.poisoned, old.is_caught_up()) == (0, 0, False)


async def test_where_a_release_was_left_out_the_old_replicas_hand_everything_over_and_go_on_forwarding(fleet):
    old = await fleet.start("r1", release=1)
    await until(lambda: len(fleet.owned()) == 2)
    account = "a"
    async with fleet.load(account, elsewhere(old, old.partition_of(account))):
        new = await fleet.start("r2", release=3)
        await until(lambda: new.owned == {0, 1})
        await fleet.submit(freeze("z"))
    assert (old.owned, old.stats.poisoned) == (set(), 0)
    assert not old.is_caught_up()
    with pytest.raises(NotOwner) as refusal:
        await old.submit(book(account, 1))
    assert refusal.value.owner.address == "r2:1"
    with pytest.raises(Transient, match="upgraded"):  # what it holds is of then, and nothing in it would tell
        await old.read(old.partition_of(account), lambda state: state.balances.get(account))
    assert new.state(new.partition_of(account)).balances.get(account) == fleet.acknowledged[account]
