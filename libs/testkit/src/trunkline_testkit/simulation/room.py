"""One simulated run: replicas, log, clients and faults of one seed, from the start until everything is quiet.

Owns: the order start, load with faults, healing, quiet, judging. The same seed gives the same history.
Must not: know a service; what is played in the room is a `World`.
"""

import asyncio
import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any, Protocol

from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import Committed

from trunkline_testkit.checker.log import LedgerLog
from trunkline_testkit.checker.rules import check
from trunkline_testkit.checker.violation import Violation
from trunkline_testkit.simulation.callers import Callers
from trunkline_testkit.simulation.checks import (
    Interval,
    differing_folds,
    judged,
    reference_fold,
    unfired_timers,
    wrong_pushes,
    wrong_timers,
)
from trunkline_testkit.simulation.faults import USUAL, Fault, draw_faults, heal, inflict
from trunkline_testkit.simulation.fleet import Fleet, Hosting
from trunkline_testkit.simulation.hosts import run_simulated
from trunkline_testkit.simulation.log import SimulatedCluster
from trunkline_testkit.simulation.snapshots import SnapshotMaker
from trunkline_testkit.virtual_time import START

SETTLES_S = 10.0
LOOK_S = 0.2
STALLED_S = 0.3
REPETITION = "RepetitionAnsweredOtherwise"
QUIET_WITHIN_S = 120.0
STAYS_QUIET_S = 3.0
MAX_VIRTUAL_S = 1_000.0


Folds = Mapping[tuple[str, int], Fold[Any, Any, Any]]
"""What the log comes to, by topic and partition."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one run is: everything follows from it.

    Attributes:
        seed: of all that is drawn.
        replicas, partitions: how many.
        faults: what goes wrong.
        size: how much the world does.
    """

    seed: int
    replicas: int
    partitions: int
    faults: tuple[Fault, ...]
    size: int


@dataclass(slots=True)
class Room:
    """What a world plays in."""

    plan: Plan
    random: Random
    cluster: SimulatedCluster
    fleet: Fleet
    callers: Callers
    ownerless: dict[tuple[str, int], list[Interval]] = field(default_factory=dict)

    def records(self, topic: str) -> list[Record]:
        """Return everything that landed, in order per partition."""
        return [record for partition in self.cluster.topics[topic] for record in partition.records]


class World(Protocol):
    """A service with its clients."""

    def hostings(self) -> Sequence[Hosting]: ...

    async def play(self, room: Room) -> None:
        """Let the clients do what they do; return when they are done."""
        ...

    def is_quiet(self, room: Room) -> bool:
        """Whether nothing is on its way any more."""
        ...

    def judge(self, room: Room, log: LedgerLog, folds: Folds) -> list[Violation]:
        """Return what is wrong by the service's own rules."""
        ...

    def count(self, log: LedgerLog) -> int:
        """Return how many offers there were, or what else the run is measured by."""
        ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. `counted`: the world's measure."""

    plan: Plan
    violations: tuple[Violation, ...]
    counted: int
    records: int
    virtual_s: float
    room: Room

    def history(self) -> str:
        """Return a hash of all records and answers; it takes a while."""
        digest = hashlib.sha256()
        for topic in self.room.cluster.topics:
            for record in self.room.records(topic):
                place = f"{topic} {record.partition} {record.offset} {record.append_time} {record.epoch} "
                digest.update(place.encode() + record.key + b" " + record.value + b"\n")
        for told in self.room.callers.told:
            digest.update(f"{told.submission.command_id} {told.sent_s} {told.answered_s} {told.answer!r}\n".encode())
        return digest.hexdigest()


def draw_plan(seed: int, *, size: int, kinds: Sequence[str] = USUAL) -> Plan:
    """Return the plan of a seed."""
    random = Random(f"plan {seed}")
    play_s = 20.0 + size
    faults = draw_faults(random, random.randrange(9), SETTLES_S / 2, SETTLES_S + play_s, kinds)
    return Plan(seed, random.choice((2, 3)), random.choice((1, 2)), tuple(faults), size)


def simulate(plan: Plan, world: World) -> Outcome:
    """Play the world once. Raises: whatever is wrong with the simulation itself."""
    with _silence():
        return run_simulated(_simulate(plan, world))


async def _simulate(plan: Plan, world: World) -> Outcome:
    cluster = SimulatedCluster(Random(f"network {plan.seed}"))
    settings = replace(LedgerSettings(), partitions=plan.partitions, freezes_memory=False, membership_poll_s=0.5)
    fleet = Fleet(cluster, world.hostings(), settings, plan.replicas)
    for hosting in world.hostings():
        cluster.create(hosting.service.topic, plan.partitions)
    room = Room(plan, Random(f"world {plan.seed}"), cluster, fleet, Callers(fleet, Random(f"callers {plan.seed}")))
    tasks = [
        asyncio.create_task(fleet.run(), name="fleet"),
        asyncio.create_task(_watch_owners(room, world), name="owners"),
        asyncio.create_task(inflict(fleet, plan.faults), name="faults"),
        *_snapshot_makers(room, world),
    ]
    violations: list[Violation] = []
    try:
        violations += await _play(room, world, tasks[2])
        log = judged(cluster, [hosting.service for hosting in world.hostings()])
        violations += _judge(room, world, log)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        fleet.bury()
    return Outcome(plan, tuple(violations), world.count(log), log.records, cluster.now_s(), room)


def _snapshot_makers(room: Room, world: World) -> list["asyncio.Task[None]"]:
    random = Random(f"snapshots {room.plan.seed}")
    makers = [
        SnapshotMaker(hosting.service, partition, random)
        for hosting in world.hostings()
        for partition in room.cluster.topics[hosting.service.topic]
    ]
    return [asyncio.create_task(maker.run(), name="snapshots") for maker in makers]


async def _play(room: Room, world: World, faults: "asyncio.Task[None]") -> list[Violation]:
    await asyncio.sleep(SETTLES_S)
    try:
        async with asyncio.timeout(MAX_VIRTUAL_S):
            await world.play(room)
    except TimeoutError:
        return [Violation("ClientsNeverDone", str(room.plan.seed), "the clients did not come to an end")]
    faults.cancel()
    heal(room.fleet)
    return await _quiet(room, world)


async def _quiet(room: Room, world: World) -> list[Violation]:
    """Wait until everything stood still for a while, all partitions have an owner and all folds are at the end."""
    loop = asyncio.get_running_loop()
    until_s, since_s = loop.time() + QUIET_WITHIN_S, loop.time()
    before = -1
    while loop.time() < until_s:
        await asyncio.sleep(LOOK_S)
        records = sum(len(one.records) for partitions in room.cluster.topics.values() for one in partitions)
        waits_for = _not_settled(room) or ("the world" if not world.is_quiet(room) else "")
        if records != before or waits_for:
            before, since_s = records, loop.time()
        if loop.time() - since_s > STAYS_QUIET_S:
            return []
    return [Violation("NeverQuiet", str(room.plan.seed), f"waits for {waits_for or 'records to end'}")]


def _not_settled(room: Room) -> str:
    """Return who is not at the end of the log, or which partition has no owner."""
    owned: set[tuple[str, int]] = set()
    for instance in room.fleet.instances.values():
        process = instance.running
        if process is None or len(process.ledgers) < len(room.cluster.topics):
            return instance.name
        for topic, ledger in process.ledgers.items():
            if not _is_at_end(room, topic, ledger):
                return f"{instance.name}'s {topic}"
            owned |= {(topic, number) for number in ledger.owned}
    for topic, partitions in room.cluster.topics.items():
        for one in partitions:
            if (topic, one.number) not in owned:
                return f"an owner of {topic}/{one.number}"
    return ""


def _is_at_end(room: Room, topic: str, ledger: Ledger[Any, Any, Any]) -> bool:
    partitions = room.cluster.topics[topic]
    return len(ledger.partitions) == len(partitions) and all(
        ledger.core(one.number).next_offset == len(one.records) and not ledger.core(one.number).is_deciding
        for one in partitions
    )


# when nobody could decide


async def _watch_owners(room: Room, world: World) -> None:
    """Note for each partition the times in which no replica could have decided on it and been heard."""
    places = [(topic, number) for topic in room.cluster.topics for number in range(room.plan.partitions)]
    since = dict.fromkeys(places, START)
    while True:
        now = room.cluster.now()
        for place in places:
            if _is_served(room, *place):
                if now - since[place] > timedelta(seconds=LOOK_S * 1.5):
                    room.ownerless.setdefault(place, []).append(Interval(since[place], now))
                since[place] = now
        await asyncio.sleep(LOOK_S)


def _is_served(room: Room, topic: str, number: int) -> bool:
    partition = room.cluster.topics[topic][number]
    if room.cluster.now_s() < partition.away_until:
        return False
    return any(_serves(room, instance.running, topic, number) for instance in room.fleet.instances.values())


def _serves(room: Room, process: Any, topic: str, number: int) -> bool:
    ledger = process and process.ledgers.get(topic)
    if not ledger or number not in ledger.partitions or not ledger.owns(number):
        return False
    partition = room.cluster.topics[topic][number]
    is_stalled = room.cluster.is_stalled(process.host, partition, STALLED_S)
    is_newest = ledger.core(number).fold.epochs.epoch == _newest_epoch(partition.records)
    return room.cluster.is_reachable(process.host) and not is_stalled and is_newest


def _newest_epoch(records: Sequence[Record]) -> int:
    return max((record.epoch or 0 for record in records[-50:]), default=0)


# judging


def _judge(room: Room, world: World, log: LedgerLog) -> list[Violation]:
    services = [hosting.service for hosting in world.hostings()]
    now = room.cluster.now()
    found = [Violation("ProcessDied", "by a defect", crash) for crash in room.fleet.crashes]
    excused = _told_at_once(room) | room.fleet.refused_by_the_past
    found += [
        one for one in check(log, room.callers.journal) if not (one.rule == REPETITION and one.subject in excused)
    ]
    folds: dict[tuple[str, int], Fold[Any, Any, Any]] = {}
    by_place = {(topic, one.partition, one.offset): one for topic in room.cluster.topics for one in room.records(topic)}
    found += wrong_timers(log, by_place, room.ownerless)
    for service in services:
        for partition in room.cluster.topics[service.topic]:
            place = (service.topic, partition.number)
            folds[place] = reference_fold(service, partition.number, partition.records, log)
            found += differing_folds(f"{place[0]}/{place[1]}", folds[place], _folds_of(room, *place))
            found += unfired_timers(place, folds[place], now, room.ownerless.get(place, ()))
    for process in room.fleet.processes:
        for place, pushed in process.pushed.items():
            found += wrong_pushes(process.boot_id, place, pushed, log)
    return found + world.judge(room, log, folds)


def _told_at_once(room: Room) -> set[str]:
    """Return the commands of which one copy was sent before another was answered: either answer may be the first."""
    answered: dict[str, float] = {}
    for told in room.callers.told:
        if isinstance(told.answer, Committed):
            command_id = told.submission.command_id
            answered[command_id] = min(told.answered_s, answered.get(command_id, told.answered_s))
    return {
        told.submission.command_id
        for told in room.callers.told
        if not isinstance(told.answer, Committed) and told.sent_s < answered.get(told.submission.command_id, 0.0)
    }


def _folds_of(room: Room, topic: str, number: int) -> dict[str, Fold[Any, Any, Any]]:
    return {
        instance.name: instance.running.ledgers[topic].core(number).fold
        for instance in room.fleet.instances.values()
        if instance.running is not None and topic in instance.running.ledgers
    }


@contextmanager
def _silence() -> Iterator[None]:
    """Let what replicas log about faults be: thousands of seeds go wrong on purpose."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
