"""An independent, small simulation of the same plan, to check plan and product against each other.

Own matching rule, own event loop: longest idle agent, arrival with the head start first. `python -m
trunkline_demo.reference --seeds 30` prints its mean and spread. Must not: import a service's rules.
"""

import argparse
import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, stdev
from typing import Final

from trunkline_simulation.day.plan import HEAD_START_S, Caller, DayPlan, plan_day
from trunkline_simulation.day.recordings import read_recordings
from trunkline_simulation.day.staff import Agent, next_pause_s, pause_due
from trunkline_simulation.day.windows import parse_window

from trunkline_demo.truths import Figures, summarise

ARRIVE, LEAVE, LOOK = 0, 1, 2
WHOLE_DAY: Final[Mapping[str, tuple[float, float]]] = {
    "answer rate %": (67.4, 1.1),
    "mean wait s": (129.6, 11.6),
    "p50 wait s": (85.8, 11.9),
    "p90 wait s": (319.5, 27.9),
    "within 20 s %": (30.9, 1.7),
}
"""Mean and standard deviation of the day in `data/`, as printed by `WHOLE_DAY_SOURCE`; a test repeats it."""
WHOLE_DAY_SOURCE: Final = "python -m trunkline_demo.reference --seeds 30"


@dataclass
class _Worker:
    agent: Agent
    idle_since: float | None = None
    busy_until: float = 0.0
    pauses_taken: int = 0


@dataclass
class _Day:
    plan: DayPlan
    workers: list[_Worker]
    events: list[tuple[float, int, int, int]] = field(default_factory=list)
    waiting: dict[int, Caller] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    abandoned: int = 0
    sequence: int = 0

    def at(self, when: float, kind: int, number: int) -> None:
        self.sequence += 1
        heapq.heappush(self.events, (when, self.sequence, kind, number))


def simulate(plan: DayPlan) -> Figures:
    """Play the plan and return its figures."""
    day = _Day(plan, [_Worker(agent) for agent in plan.agents])
    callers = {caller.number: caller for caller in plan.callers if caller.wants_person}
    for caller in callers.values():
        day.at(caller.enqueue_s, ARRIVE, caller.number)
    for number, agent in enumerate(plan.agents):
        day.at(max(agent.duty_from_s, plan.window.warm_up_from_s), LOOK, number)
    while day.events:
        now, _, kind, number = heapq.heappop(day.events)
        if kind == ARRIVE:
            day.waiting[number] = callers[number]
            day.at(now + callers[number].patience_s, LEAVE, number)
            _match(day, now)
        elif kind == LEAVE:
            left = day.waiting.pop(number, None)
            day.abandoned += bool(left and left.counts)
        else:
            _look(day, day.workers[number], number, now)
            _match(day, now)
    counted = sum(caller.counts for caller in callers.values())
    menu_only = sum(caller.counts_in_menu for caller in plan.callers)
    return summarise(counted, day.abandoned, menu_only, day.waits)


def _look(day: _Day, worker: _Worker, number: int, now: float) -> None:
    """An agent came on duty, ended a call or a pause, or owes a pause from now on."""
    if now < worker.busy_until or now >= worker.agent.duty_to_s:
        worker.idle_since = None if now >= worker.agent.duty_to_s else worker.idle_since
        return
    pause = pause_due(worker.agent, worker.pauses_taken, now)
    if pause is not None:
        worker.pauses_taken += 1
        worker.idle_since = None
        worker.busy_until = now + pause.length_s
        day.at(worker.busy_until, LOOK, number)
        return
    if worker.idle_since is None:
        worker.idle_since = now
    upcoming = next_pause_s(worker.agent, worker.pauses_taken)
    if upcoming is not None:
        day.at(upcoming, LOOK, number)
    day.at(worker.agent.duty_to_s, LOOK, number)


def _match(day: _Day, now: float) -> None:
    """Give waiting callers, the highest score first, to the longest idle agent with the skill."""
    for caller in sorted(day.waiting.values(), key=_rank):
        free = [
            (worker.idle_since, number)
            for number, worker in enumerate(day.workers)
            if worker.idle_since is not None and now < worker.agent.duty_to_s and caller.type in worker.agent.skills
        ]
        if not free:
            continue
        _, number = min(free)
        worker = day.workers[number]
        worker.idle_since = None
        worker.busy_until = now + caller.service_s
        del day.waiting[caller.number]
        day.at(worker.busy_until, LOOK, number)
        if caller.counts:
            day.waits.append(now - caller.enqueue_s)


def _rank(caller: Caller) -> tuple[float, int]:
    return caller.enqueue_s - HEAD_START_S * caller.is_urgent, caller.number


def spreads_of(runs: Sequence[Figures]) -> dict[str, tuple[float, float]]:
    """Return mean and standard deviation of each figure over at least one run; the names end with the unit."""
    found = {
        "answer rate %": [100 * run.answer_rate for run in runs],
        "mean wait s": [run.mean_wait_s for run in runs],
        "p50 wait s": [run.p50_wait_s for run in runs],
        "p90 wait s": [run.p90_wait_s for run in runs],
        "within 20 s %": [100 * run.answered_within_20_s for run in runs],
    }
    return {name: (mean(values), stdev(values) if len(values) > 1 else 0.0) for name, values in found.items()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seeds", type=int, default=30)
    arguments.add_argument("--data", type=Path, default=Path("data/anonymous-bank-1999-08-01.csv"))
    arguments.add_argument("--from", dest="start", default="06:30")
    arguments.add_argument("--to", dest="end", default="24:00")
    chosen = arguments.parse_args()
    day, window = read_recordings(chosen.data), parse_window(chosen.start, chosen.end)
    runs = [simulate(plan_day(day, window, seed)) for seed in range(1, chosen.seeds + 1)]
    for name, (middle, spread) in spreads_of(runs).items():
        print(f"{name:14} {middle:7.1f} ± {spread:.1f}")


if __name__ == "__main__":
    main()
