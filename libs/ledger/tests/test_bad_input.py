"""What a ledger does with input that nobody should send, on real Kafka; the function names the rule."""

import asyncio
import gc
from collections import Counter
from datetime import timedelta

import pytest
from accounts import CloseLater, Command
from test_replicas import ONE_PARTITION, BankLedger, book, make, running, until, uuid7
from trunkline_core.errors import Overloaded, Transient, TrunklineError
from trunkline_ledger.core.batch import Ticket
from trunkline_ledger.core.lanes import BOUNDS
from trunkline_ledger.submission import Lane, Submission

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
