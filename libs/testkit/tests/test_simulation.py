"""The simulator's own parts: hosts that stop between two steps, the log's promises, the group, shrinking."""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

import pytest
from trunkline_ledger.core.records import Draft
from trunkline_ledger.log_client import AppendUnknown
from trunkline_testkit.checker.rules import Violation
from trunkline_testkit.simulation.client import SimulatedClient
from trunkline_testkit.simulation.faults import KINDS, SIZES, Fault, draw_faults
from trunkline_testkit.simulation.group import Member, SimulatedGroup
from trunkline_testkit.simulation.hosts import Host, run_simulated
from trunkline_testkit.simulation.log import Fate, SimulatedCluster
from trunkline_testkit.simulation.room import Outcome, Plan
from trunkline_testkit.simulation.shrinking import shrink

DRAFTS = [Draft(b"a", b"1", 1, "test.A"), Draft(b"a", b"2", 1, "test.A")]


def played(play: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
    return run_simulated(play(*arguments))


async def count(seen: list[float]) -> None:
    while True:
        seen.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1.0)


def test_a_frozen_host_does_nothing_until_it_thaws_and_a_dead_one_nothing_ever_again():
    async def play() -> tuple[list[float], list[float]]:
        frozen, dead = Host("frozen"), Host("dead")
        ticks: tuple[list[float], list[float]] = ([], [])
        for host, seen in zip((frozen, dead), ticks, strict=True):
            host.spawn(count(seen), "ticks")
        await asyncio.sleep(1.5)
        frozen.freeze()
        dead.kill()
        await asyncio.sleep(3.0)
        frozen.thaw()
        await asyncio.sleep(1.2)
        found = (list(ticks[0]), list(ticks[1]))
        for host in (frozen, dead):
            host.bury()
        return found

    assert played(play) == ([0.0, 1.0, 4.5, 5.5], [0.0, 1.0])


def test_a_host_with_a_fuse_dies_in_that_step_and_its_finally_does_not_run():
    async def work(seen: list[str]) -> None:
        try:
            for number in range(10):
                seen.append(str(number))
                await asyncio.sleep(0)
        finally:
            seen.append("finally")

    async def play() -> list[str]:
        host, seen = Host("short-lived"), list[str]()
        host.fuse = 4
        host.spawn(work(seen), "work")
        await asyncio.sleep(1.0)
        found = list(seen)
        host.bury()
        return found

    assert played(play) == ["0", "1", "2"]


async def append(fate: Fate, dies: bool = False, patience_s: float = 40.0) -> tuple[str, int]:
    """Append once; return what the client learnt, and how many records stand in the end."""
    cluster, host = SimulatedCluster(Random(5)), Host("writer")
    cluster.create("t", 1)
    partition = cluster.topics["t"][0]
    partition.next_fates.append(fate)
    producer = SimulatedClient(cluster, host, {}).new_producer("t", 0, 8.0)
    told = ["nothing"]

    async def write() -> None:
        try:
            told[0] = f"offset {await producer.append(DRAFTS)}"
        except AppendUnknown:
            told[0] = "unknown"
            await producer.close()

    host.spawn(write(), "write")
    if dies:
        await asyncio.sleep(0)
        host.kill()
        cluster.abandon(host)
    await asyncio.sleep(patience_s)
    found = (told[0], len(partition.records))
    cluster.is_over = True
    host.bury()
    return found


@pytest.mark.parametrize(
    ("fate", "learnt", "stands"),
    [
        (Fate.LANDS, "offset 0", {2}),
        (Fate.NEVER, "unknown", {0}),
        (Fate.LATE, "unknown", {0, 2}),
        (Fate.MUTE, "unknown", {2}),
        (Fate.NO_OFFSET, "unknown", {2}),
    ],
)
def test_a_batch_lands_as_a_whole_or_not_at_all_whatever_its_client_learns(fate, learnt, stands):
    told, records = played(append, fate)
    assert told == learnt
    assert records in stands


def test_what_a_process_had_sent_before_it_died_may_land():
    assert played(append, Fate.LANDS, True) in (("nothing", 0), ("nothing", 2))


def test_a_producer_of_which_only_some_records_were_lost_is_refused_and_one_of_which_all_were_lost_is_not():
    async def play(lost: int) -> tuple[bool, int]:
        cluster = SimulatedCluster(Random(5))
        cluster.create("t", 1)
        partition = cluster.topics["t"][0]
        partition.land("writer", DRAFTS, cluster.now())
        partition.lose_tail(lost)
        return partition.land("writer", DRAFTS, cluster.now()) is None, len(partition.records)

    assert played(play, 1) == (True, 1)
    assert played(play, 2) == (False, 2)


def test_the_group_proposes_each_partition_to_one_member_and_moves_those_of_a_silent_one():
    async def play() -> tuple[list[int], list[int]]:
        group = SimulatedGroup(SimulatedCluster(Random(5)), 4)
        one, two = Member("r1", 3.0), Member("r2", 3.0)
        group.join(one)
        group.join(two)
        await asyncio.sleep(2.5)
        shared = [len(one.proposal), len(two.proposal)]
        assert one.proposal | two.proposal == {0, 1, 2, 3}
        for _ in range(10):
            group.heartbeat(one)
            await asyncio.sleep(1.0)
        return shared, sorted(one.proposal)

    assert played(play) == ([2, 2], [0, 1, 2, 3])


def test_faults_come_in_order_and_every_kind_has_a_size():
    faults = draw_faults(Random(1), 50, 5.0, 60.0, list(KINDS))
    assert faults == sorted(faults)
    assert KINDS.keys() == SIZES.keys()


def test_a_failing_plan_is_shrunk_to_the_faults_that_matter():
    faults = tuple(Fault(float(at_s), kind, 0, 1.0) for at_s, kind in enumerate(["cut", "kill", "freeze", "kill"]))

    def run(plan: Plan) -> Outcome:
        is_broken = any(fault.kind == "freeze" for fault in plan.faults) and plan.size >= 3
        violations = (Violation("Broken", "x", ""),) if is_broken else ()
        return Outcome(plan, violations, "", 0, 0, 0.0)

    smallest = shrink(run(Plan(1, 3, 2, faults, 40)), run, within_s=60.0).plan
    assert [fault.kind for fault in smallest.faults] == ["freeze"]
    assert (smallest.size, smallest.replicas) == (3, 2)
