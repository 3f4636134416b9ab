import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from trunkline_core.decider import Context
from trunkline_core.errors import Transient
from trunkline_crm.application import custody as module
from trunkline_crm.application.custody import Custody, DestroyKeys, MoveKeys, key_work_again, key_work_of
from trunkline_crm.domain.decider import CrmDecider
from trunkline_crm.domain.events import ContactResolved, CustomerCreated, CustomerErased
from trunkline_crm.domain.state import CrmState
from trunkline_platform.sealing import Sealer
from trunkline_testkit.twins.keystore import MemoryKeyStore


async def until(predicate: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not predicate():
            await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def working(custody: Custody) -> AsyncIterator[Custody]:
    task = asyncio.create_task(custody.run())
    try:
        yield custody
    finally:
        task.cancel()
        await asyncio.wait([task])


class Recorder:
    """Remembers what was asked; fails as often as told before it works."""

    def __init__(self, failures: int = 0) -> None:
        self.calls: list[tuple[str, ...]] = []
        self._failures = failures

    async def move(self, from_owner: str, to_owner: str) -> int:
        return self._answer("move", from_owner, to_owner)

    async def erase(self, owner: str) -> int:
        return self._answer("erase", owner)

    def _answer(self, *call: str) -> int:
        self.calls.append(call)
        if len(self.calls) <= self._failures:
            raise Transient("the key store does not answer")
        return 1


async def test_what_was_sealed_for_a_contact_cannot_be_read_after_its_customer_is_erased() -> None:
    sealer = Sealer(MemoryKeyStore(), bytes(32))
    own, other = await sealer.seal("ct_1", "tn_demo", "mine"), await sealer.seal("ct_2", "tn_demo", "not mine")
    async with working(Custody(sealer, lambda: ())) as custody:
        custody.add([MoveKeys("ct_1", "cu_1"), MoveKeys("ct_2", "cu_2"), DestroyKeys("cu_1")])
        await until(lambda: custody.pending == 0)
        assert custody.destroyed_keys == 1
    assert await sealer.open(own) is None
    assert await sealer.open(other) == "not mine"


async def test_what_fails_is_tried_again_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    keys = Recorder(failures=2)
    async with working(Custody(keys, lambda: ())) as custody:
        custody.add([MoveKeys("ct_1", "cu_1"), DestroyKeys("cu_1")])
        await until(lambda: custody.pending == 0)
    assert keys.calls == [("move", "ct_1", "cu_1")] * 3 + [("erase", "cu_1")]


async def test_customers_erased_long_ago_are_looked_at_again_from_time_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEEP_S", 0.01)
    keys = Recorder()
    async with working(Custody(keys, lambda: ["cu_1"])):
        await until(lambda: len(keys.calls) >= 2)
    assert set(keys.calls) == {("erase", "cu_1")}


def test_events_call_for_work_on_keys() -> None:
    assert key_work_of(ContactResolved("cu_1", "ct_1", 1)) == MoveKeys("ct_1", "cu_1")
    assert key_work_of(CustomerErased("cu_1")) == DestroyKeys("cu_1")
    assert key_work_of(CustomerCreated("cu_1")) is None


def test_a_new_owner_does_the_last_days_work_again() -> None:
    state = CrmState()
    context = Context(datetime(2026, 1, 5, 9, tzinfo=UTC), "tn_demo", "system", "c1")
    for event in (CustomerCreated("cu_1"), ContactResolved("cu_1", "ct_1", 1), CustomerErased("cu_1")):
        CrmDecider().evolve(state, event, context)
    assert list(key_work_again(state)) == [MoveKeys("ct_1", "cu_1"), DestroyKeys("cu_1")]
