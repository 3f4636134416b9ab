"""A machine that slept: monotonic time stood still, and log time must not stay behind the broker's (ledger rule 15)."""

import asyncio
import contextlib

import pytest
from accounts import bank_service
from log import NOON
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.client import KafkaClient
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.ownership import CLOCK_JUMPS_S, Ownership
from trunkline_ledger.replica import Hosted, Replica


class Clocks(KafkaClient):
    """The two clocks of a machine."""

    monotonic, wall = 100.0, NOON.timestamp()

    def monotonic_s(self) -> float:
        return Clocks.monotonic

    def wall_s(self) -> float:
        return Clocks.wall


@pytest.fixture
def ownership(monkeypatch):
    monkeypatch.setattr(Clocks, "monotonic", Clocks.monotonic)
    monkeypatch.setattr(Clocks, "wall", Clocks.wall)
    client, settings = Clocks("127.0.0.1:1"), LedgerSettings()
    replica = Replica(bank_service(), settings, client=client, instance_id="r1", boot_id="1", address="r1:1")
    replica.host(0)
    owning = Ownership(replica)
    open_at_noon(owning, replica.hosted[0])
    return owning


def open_at_noon(ownership: Ownership, hosted: Hosted) -> None:
    offset = hosted.core.next_offset
    draft = ownership._marker(hosted.core)
    marker = Record(0, offset, draft.key, draft.value, NOON, draft.epoch, draft.type)
    ownership._replica.emit(0, hosted.core.take_in([marker], Clocks.monotonic))
    assert hosted.core.is_open


async def pulse(ownership: Ownership) -> None:
    beating = asyncio.create_task(ownership.feel_pulse())
    await asyncio.sleep(0)
    beating.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beating


async def test_an_owner_whose_machine_slept_takes_the_next_epoch_and_with_it_the_brokers_time(ownership):
    """Every command from outside was refused as too far ahead, until somebody started the centre anew."""
    hosted = ownership._replica.hosted[0]
    Clocks.wall += 600
    await pulse(ownership)
    assert not hosted.core.is_open
    open_at_noon(ownership, hosted)
    await pulse(ownership)
    assert hosted.core.is_open, "once is enough"


async def test_an_owner_stays_while_its_clocks_go_on_together_however_late_the_pulse(ownership):
    Clocks.wall += 600 + CLOCK_JUMPS_S
    Clocks.monotonic += 600
    await pulse(ownership)
    assert ownership._replica.hosted[0].core.is_open
