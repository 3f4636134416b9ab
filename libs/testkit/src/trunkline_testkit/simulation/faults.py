"""What goes wrong and when: drawn once from the seed, so that a run can be repeated without some of it.

Owns: the kinds of faults and how each is done to fleet and log. Must not: draw anything while the run goes on.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from trunkline_testkit.simulation.fleet import Fleet, Instance
from trunkline_testkit.simulation.log import Fate, SimulatedPartition


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that goes wrong. `number` chooses its victim; `size` says how long or how much."""

    at_s: float
    kind: str
    number: int
    size: float

    def __str__(self) -> str:
        return f"{self.at_s:8.3f} s  {self.kind} of {self.number}, {self.size:g}"


def draw_faults(random: Random, count: int, begin_s: float, end_s: float, kinds: Sequence[str]) -> list[Fault]:
    """Return faults in order of their time."""
    return sorted(_draw(random, begin_s, end_s, random.choice(kinds)) for _ in range(count))


def _draw(random: Random, begin_s: float, end_s: float, kind: str) -> Fault:
    at_s, number = round(random.uniform(begin_s, end_s), 3), random.randrange(1000)
    return Fault(at_s, kind, number, round(random.uniform(*SIZES[kind]), 1))


async def inflict(fleet: Fleet, faults: Sequence[Fault]) -> None:
    """Let each fault happen at its time."""
    loop = asyncio.get_running_loop()
    for fault in faults:
        await asyncio.sleep(max(0.0, fault.at_s - loop.time()))
        KINDS[fault.kind](fleet, fault)


def heal(fleet: Fleet) -> None:
    """Nothing goes wrong any more; who is frozen goes on."""
    cluster = fleet.cluster
    for network in cluster.networks.values():
        network.cut_until = network.behind_until = network.stale_group_until = 0.0
    for partition in _partitions(fleet):
        partition.away_until = 0.0
        partition.next_fates.clear()
    for instance in fleet.instances.values():
        if instance.process is not None:
            instance.process.host.fuse = None
            instance.process.host.thaw()


def _instance(fleet: Fleet, fault: Fault) -> Instance:
    names = sorted(fleet.instances)
    return fleet.instances[names[fault.number % len(names)]]


def _partitions(fleet: Fleet) -> list[SimulatedPartition]:
    return [partition for topic in sorted(fleet.cluster.topics) for partition in fleet.cluster.topics[topic]]


def _partition(fleet: Fleet, fault: Fault) -> SimulatedPartition:
    partitions = _partitions(fleet)
    return partitions[fault.number % len(partitions)]


def _owner(fleet: Fleet, fault: Fault) -> Instance:
    """Return who owns the partition according to somebody who runs, else anybody."""
    partition = _partition(fleet, fault)
    for instance in fleet.instances.values():
        ledger = instance.running and instance.running.ledgers.get(partition.topic)
        if ledger and partition.number in ledger.partitions and ledger.owns(partition.number):
            return instance
    return _instance(fleet, fault)


def _kill(fleet: Fleet, fault: Fault) -> None:
    _kill_one(_owner(fleet, fault), fault)


def _kill_any(fleet: Fleet, fault: Fault) -> None:
    _kill_one(_instance(fleet, fault), fault)


def _kill_one(instance: Instance, fault: Fault) -> None:
    instance.restart_after_s = fault.size
    if instance.process is not None:
        instance.process.host.kill()


def _burst(fleet: Fleet, fault: Fault) -> None:
    for instance in fleet.instances.values():
        _kill_one(instance, fault)


def _die_in_a_step(fleet: Fleet, fault: Fault) -> None:
    instance = _owner(fleet, fault)
    instance.restart_after_s = fault.size
    if instance.process is not None:
        instance.process.host.fuse = 1 + fault.number


def _freeze(fleet: Fleet, fault: Fault) -> None:
    process = _owner(fleet, fault).running
    if process is not None:
        process.host.freeze()
        asyncio.get_running_loop().call_later(fault.size, process.host.thaw)


def _cut(fleet: Fleet, fault: Fault) -> None:
    process = _owner(fleet, fault).process
    if process is not None:
        fleet.cluster.network(process.host).cut_until = fleet.cluster.now_s() + fault.size


def _behind(fleet: Fleet, fault: Fault) -> None:
    process = _instance(fleet, fault).process
    if process is not None:
        fleet.cluster.network(process.host).behind_until = fleet.cluster.now_s() + fault.size


def _stale(fleet: Fleet, fault: Fault) -> None:
    process = _owner(fleet, fault).process
    if process is not None:
        fleet.cluster.network(process.host).stale_group_until = fleet.cluster.now_s() + fault.size


def _break(fleet: Fleet, fault: Fault) -> None:
    process = _instance(fleet, fault).process
    if process is not None:
        process.client.break_tails()


def _away(fleet: Fleet, fault: Fault) -> None:
    _partition(fleet, fault).away_until = fleet.cluster.now_s() + fault.size


def _all_away(fleet: Fleet, fault: Fault) -> None:
    for partition in _partitions(fleet):
        partition.away_until = fleet.cluster.now_s() + fault.size


def _fate(fate: Fate) -> Callable[[Fleet, Fault], None]:
    def set_fate(fleet: Fleet, fault: Fault) -> None:
        _partition(fleet, fault).next_fates.append(fate)

    return set_fate


def _rebalance(fleet: Fleet, fault: Fault) -> None:
    for group in fleet.groups.values():
        group.rebalance(shuffle=True)


def _step(fleet: Fleet, fault: Fault) -> None:
    _instance(fleet, fault).wall_step_s = fault.size


def _restart(fleet: Fleet, fault: Fault) -> None:
    instance = _owner(fleet, fault)
    instance.restart_after_s = fault.size
    fleet.stop(instance)


def _lose_tail(fleet: Fleet, fault: Fault) -> None:
    """The leader dies with what only it had, and one that had less takes its place: all processes start anew."""
    _partition(fleet, fault).lose_tail(1 + fault.number % 5)


KINDS: Final[dict[str, Callable[[Fleet, Fault], None]]] = {
    "kill": _kill,
    "kill of any": _kill_any,
    "kill of all": _burst,
    "death in a step": _die_in_a_step,
    "freeze": _freeze,
    "cut": _cut,
    "late reading": _behind,
    "stale proposal": _stale,
    "broken connection": _break,
    "leader away": _away,
    "all leaders away": _all_away,
    "lost append": _fate(Fate.NEVER),
    "late append": _fate(Fate.LATE),
    "lost answer": _fate(Fate.MUTE),
    "answer without offset": _fate(Fate.NO_OFFSET),
    "rebalance": _rebalance,
    "clock step": _step,
    "planned restart": _restart,
    "lost tail": _lose_tail,
}

SIZES: Final[dict[str, tuple[float, float]]] = {
    "kill": (0.1, 8.0),
    "kill of any": (0.1, 8.0),
    "kill of all": (0.5, 5.0),
    "death in a step": (0.1, 8.0),
    "freeze": (0.5, 25.0),
    "cut": (0.5, 20.0),
    "late reading": (1.0, 10.0),
    "stale proposal": (1.0, 15.0),
    "broken connection": (0.0, 0.0),
    "leader away": (0.5, 12.0),
    "all leaders away": (0.5, 15.0),
    "lost append": (0.0, 0.0),
    "late append": (0.0, 0.0),
    "lost answer": (0.0, 0.0),
    "answer without offset": (0.0, 0.0),
    "rebalance": (0.0, 0.0),
    "clock step": (-120.0, 120.0),
    "planned restart": (0.1, 3.0),
    "lost tail": (0.0, 0.0),
}
USUAL: Final = tuple(kind for kind in KINDS if kind != "lost tail")
