"""Histories that the simulator found, each played again step by step."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from accounts import Book, bank_service
from bank_world import BANK
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_testkit.simulation.callers import Callers, outside_submission
from trunkline_testkit.simulation.fleet import Fleet, Hosting
from trunkline_testkit.simulation.hosts import outside, run_simulated
from trunkline_testkit.simulation.log import SimulatedCluster


class Bank:
    """One replica, one partition."""

    def __init__(self) -> None:
        self.cluster = SimulatedCluster(Random(1))
        self.cluster.create(BANK, 1)
        self.log = self.cluster.topics[BANK][0]
        self.fleet = Fleet(self.cluster, [Hosting(bank_service(BANK))], LedgerSettings(partitions=1), 1)
        self.callers = Callers(self.fleet, Random(1))

    @property
    def ledger(self) -> Any:
        process = self.fleet.instances["r1"].process
        assert process is not None
        return process.ledgers[BANK]

    async def book(self, amount: int) -> Any:
        submission = outside_submission(Book("a", amount), "a", self.callers.new_id(), "tn_1", "customer")
        return await self.callers.call(BANK, submission)


def in_the_bank(history: Callable[[Bank], Any]) -> Any:
    async def play() -> Any:
        bank = Bank()
        running = asyncio.create_task(bank.fleet.run())
        try:
            await asyncio.sleep(10)
            return await history(bank)
        finally:
            running.cancel()
            await asyncio.wait({running})
            bank.fleet.bury()

    return run_simulated(play())


def test_a_partition_that_was_read_again_while_an_append_was_on_its_way_is_decided_on_in_a_new_epoch_only():
    """Ledger rules 9 and 15: its own marker in the history opened it again, and log time stood at that marker."""

    async def history(bank: Bank) -> tuple[list[int | None], float]:
        await bank.book(1)
        answer = bank.cluster._answer
        bank.cluster._answer = lambda *told: outside(asyncio.get_running_loop(), 2.0, answer, *told)  # type: ignore[method-assign]
        waiting = asyncio.create_task(bank.book(2))
        await asyncio.sleep(0.5)
        bank.cluster._answer = answer  # type: ignore[method-assign]
        bank.ledger._replica.rebuild(0)
        await waiting
        await bank.book(3)
        behind = bank.cluster.now() - bank.ledger.now(0)
        return [record.epoch for record in bank.log.records], behind.total_seconds()

    epochs, behind_s = in_the_bank(history)
    assert epochs == [1, 1, 1, 2, 2]
    assert behind_s < 0.1


def test_an_end_that_is_told_late_is_no_lost_tail():
    """Ledger rule 9: the fold had gone on while the answer was on its way, and the whole log was read again."""

    async def history(bank: Bank) -> int:
        membership, hosted = bank.ledger._ownership._membership, bank.ledger._replica.hosted[0]
        end_offset = membership.end_offset

        async def late(partition: int) -> int:
            end: int = await end_offset(partition)
            await bank.book(1)
            return end

        membership.end_offset = late
        await bank.ledger._ownership._end_offset(0, hosted)
        rebuilds: int = bank.ledger.stats.rebuilds
        return rebuilds

    assert in_the_bank(history) == 0


def test_a_read_is_answered_however_much_is_decided():
    """Ledger rule 18: under load the next batch was on its way before a read that waited for the last one could look,
    and reads failed after 8 s: dead peers were not lost, services not compared, while the load lasted."""

    async def history(bank: Bank) -> list[float]:
        async def customer() -> None:
            while True:
                await bank.book(1)

        busy = [asyncio.create_task(customer()) for _ in range(100)]
        await asyncio.sleep(1.0)
        waited = []
        for _ in range(5):
            began = asyncio.get_running_loop().time()
            await bank.ledger.read(0, lambda state: state.balances.get("a"))
            waited.append(asyncio.get_running_loop().time() - began)
            await asyncio.sleep(0.1)
        for task in busy:
            task.cancel()
        await asyncio.wait(busy)
        return waited

    assert max(in_the_bank(history)) < 0.5


def test_a_read_waits_until_a_partition_is_read_again():
    """Ledger rules 9 and 18: for up to a second after it was dropped, or a record let go, it seemed to be empty."""

    async def history(bank: Bank) -> int | None:
        await bank.book(7)
        bank.ledger._replica.rebuild(0)
        found: int | None = await bank.ledger.read(0, lambda state: state.balances.get("a"))
        return found

    assert in_the_bank(history) == 7
