import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from trunkline_core.decider import Context
from trunkline_core.errors import Transient
from trunkline_crm.application import custody as module
from trunkline_crm.application.custody import CLOCKS_DIFFER, Custody, erasure_of
from trunkline_crm.domain.decider import CrmDecider
from trunkline_crm.domain.events import ContactResolved, CustomerCreated, CustomerErased
from trunkline_crm.domain.state import CrmState, Erasure
from trunkline_platform.sealing import Sealer
from trunkline_testkit.twins.keystore import MemoryKeyStore
from waiting import until

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
TOKEN = "0123456789abcdef0123456789abcdef"
CONTACT = "ct_0123456789abcdef_"


@contextlib.asynccontextmanager
async def working(custody: Custody) -> AsyncIterator[Custody]:
    task = asyncio.create_task(custody.run())
    try:
        yield custody
    finally:
        task.cancel()
        await asyncio.wait([task])


async def done(sealer: Sealer, *erasures: Erasure) -> int:
    """Carry the erasures out; return how many keys they took."""
    async with working(Custody(sealer)) as custody:
        custody.add(erasures)
        await until(lambda: custody.pending == 0)
        return custody.destroyed_keys


def erasure_now(after: timedelta = timedelta(0)) -> Erasure:
    return Erasure("tn_demo", "cu_1", (TOKEN, "another token"), datetime.now(UTC) + after)


class Recorder:
    """Remembers what was asked; fails as often as told before it works."""

    def __init__(self, failures: int = 0) -> None:
        self.calls: list[tuple[object, ...]] = []
        self._failures = failures

    async def erase(self, owner: str, tenant: str) -> int:
        return self._answer("erase", owner, tenant)

    async def erase_all(self, prefix: str, tenant: str, made_before: datetime) -> int:
        return self._answer("erase_all", prefix, tenant, made_before)

    def _answer(self, *call: object) -> int:
        self.calls.append(call)
        if len(self.calls) <= self._failures:
            raise Transient("the key store does not answer")
        return 1


async def test_nothing_of_an_erased_customer_can_be_read_neither_what_contacts_sealed_that_nobody_resolved() -> None:
    sealer = Sealer(MemoryKeyStore(), bytes(32))
    owners = ("cu_1", CONTACT + "1", CONTACT + "2", "ct_anothertoken_1", "ct_another token_1")
    own = [await sealer.seal(owner, "tn_demo", "mine") for owner in owners]
    assert await done(sealer, erasure_now()) == 4
    assert [await sealer.open(text) for text in own] == [None, None, None, "mine", None]


async def test_an_erasure_takes_nothing_from_other_customers_and_tenants() -> None:
    sealer = Sealer(MemoryKeyStore(), bytes(32))
    own = await sealer.seal(CONTACT + "1", "tn_demo", "mine")
    others = [
        await sealer.seal(owner, tenant, "not mine")
        for owner, tenant in (("cu_2", "tn_demo"), ("ct_fedcba9876543210_1", "tn_demo"), (CONTACT + "1", "tn_other"))
    ]
    assert await done(sealer, erasure_now()) == 1
    assert await sealer.open(own) is None
    assert [await sealer.open(text) for text in others] == ["not mine"] * 3


async def test_who_comes_back_from_the_same_address_is_somebody_new_also_when_the_erasure_is_done_again() -> None:
    sealer = Sealer(MemoryKeyStore(), bytes(32))
    await sealer.seal(CONTACT + "1", "tn_demo", "before")
    erasure = erasure_now(-CLOCKS_DIFFER)
    newcomer = await sealer.seal(CONTACT + "2", "tn_demo", "after")
    assert await done(sealer, erasure) == 1
    assert await done(sealer, erasure) == 0
    assert await sealer.open(newcomer) == "after"


async def test_an_erasure_whose_clock_is_behind_the_key_stores_leaves_nothing() -> None:
    sealer = Sealer(MemoryKeyStore(), bytes(32))
    text = await sealer.seal(CONTACT + "1", "tn_demo", "sealed just before")
    assert await done(sealer, erasure_now(timedelta(seconds=-8))) == 1
    assert await sealer.open(text) is None


async def test_what_fails_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    keys = Recorder(failures=2)
    async with working(Custody(keys)) as custody:
        custody.add([Erasure("tn_demo", "cu_1", (TOKEN,), T0)])
        await until(lambda: custody.pending == 0)
    assert keys.calls == [("erase", "cu_1", "tn_demo")] * 3 + [("erase_all", CONTACT, "tn_demo", T0 + CLOCKS_DIFFER)]


def test_an_erased_customer_calls_for_an_erasure_and_nothing_else_does() -> None:
    erasure = Erasure("tn_demo", "cu_1", (TOKEN,), T0)
    assert erasure_of(CustomerErased("cu_1", (TOKEN,)), "tn_demo", T0) == erasure
    for event in (CustomerCreated("cu_1"), ContactResolved("cu_1", CONTACT + "1", 1)):
        assert erasure_of(event, "tn_demo", T0) is None


def test_a_new_owner_knows_every_erasure_there_was() -> None:
    state = CrmState()
    for number in range(3):
        context = Context(T0 + timedelta(days=number), "tn_demo", "system", "c1")
        for event in (CustomerCreated(f"cu_{number}"), CustomerErased(f"cu_{number}", (TOKEN,))):
            CrmDecider().evolve(state, event, context)
    days = [T0 + timedelta(days=number) for number in range(3)]
    assert list(state.erasures()) == [Erasure("tn_demo", f"cu_{n}", (TOKEN,), day) for n, day in enumerate(days)]
