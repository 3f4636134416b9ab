"""Whether every partition has an owner: an earlier start of the same replica is none (ledger rules 2 and 3)."""

import asyncio
from uuid import uuid4

from accounts import Bank, Command, Event, bank_service
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.ledger import Ledger

SETTINGS = LedgerSettings(session_timeout_s=1.5, partitions=2)


def replica(kafka: KafkaNode, topic: str, name: str) -> Ledger[Bank, Command, Event]:
    return Ledger(
        bank_service(topic),
        bootstrap_servers=kafka.bootstrap,
        instance_id=name,
        address="127.0.0.1:1",
        settings=SETTINGS,
    )


async def observe_until_owned(ledger: Ledger[Bank, Command, Event]) -> set[tuple[bool, bool]]:
    """Return what was seen: (does a marker name an owner of each partition, is it served)."""
    seen = set()
    async with asyncio.timeout(60):
        while ledger.owned != set(ledger.partitions):
            seen.add((all(ledger.owner_of(number) for number in ledger.partitions), ledger.is_served()))
            await asyncio.sleep(0.005)
    return seen


async def test_partitions_are_served_only_once_a_living_owner_has_them(kafka: KafkaNode):
    topic = f"bank-{uuid4().hex[:8]}"
    first = replica(kafka, topic, f"{topic}-1")
    assert not first.is_served()  # not even started
    await first.start()
    assert not any(served for _, served in await observe_until_owned(first))
    assert first.is_served()
    await first.stop()

    again = replica(kafka, topic, f"{topic}-1")
    await again.start()
    seen = await observe_until_owned(again)
    assert (True, False) in seen  # the marker of its earlier start was read and did not count
    assert not any(served for _, served in seen)
    assert again.is_served()

    standby = replica(kafka, topic, f"{topic}-2")
    await standby.start()
    async with asyncio.timeout(60):
        while not standby.is_served():
            await asyncio.sleep(0.01)
    await standby.stop()
    await again.stop()
