"""A recorded day with several times the callers, and the agents that Erlang A asks for then.

Owns: who the additional callers are, and how many agents are missing in each half hour. Must not: play a day.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil
from statistics import fmean

from trunkline_simulation.day.plan import (
    MAX_PATIENCE_S,
    WITHOUT_PATIENCE_DATA,
    CallbackWish,
    Caller,
    DayPlan,
    patience_of,
)
from trunkline_simulation.day.recordings import Recording
from trunkline_simulation.day.staff import Agent
from trunkline_simulation.erlang import agents_for
from trunkline_simulation.patience import draw_patience
from trunkline_simulation.service_times import ServiceTimes
from trunkline_simulation.streams import stream

CALLBACK_SHARE = 0.5
CALLBACK_AFTER_S = 60
PICKS_UP_SHARE = 0.8
RINGS_S = 20
_MOST_ATTEMPTS = 100
STEP_S = 1800
JITTER_S = 300
_BEFORE_ANY_WAIT = -1
_DIGITS = 9  # shares of agents are sums of fractions: what is missing by rounding is not missing


@dataclass(frozen=True, slots=True)
class Demand:
    """What the callers of one type ask for in one half hour.

    Attributes:
        step: the half hour of the day, from 0.
        load: offered load in erlangs.
        service_s: mean length of a conversation.
        patience_s: mean of an exponential patience.
    """

    kind: str
    step: int
    load: float
    service_s: float
    patience_s: float


def multiply_callers(plan: DayPlan, day: Sequence[Recording], factor: int, seed: int) -> DayPlan:
    """Return the day with each caller who asks for a person `factor` times: as planned, and others like that one.

    The others ask for the same at most 5 minutes earlier or later, inside the window, with a patience and a service
    drawn from all callers of their priority and their type.
    """
    asked = [row for row in day if row.enqueue_s is not None]
    curves = {is_urgent: patience_of(asked, is_urgent) for is_urgent in (False, True)}
    services = ServiceTimes((row.type, row.service_s) for row in asked if row.is_served)
    first_number = 1 + max((caller.number for caller in plan.callers), default=-1)

    def another(caller: Caller, copy: int) -> Caller:
        draws = stream(seed, "surge", copy, caller.number)
        enqueue_s = caller.enqueue_s + draws.randint(-JITTER_S, JITTER_S)
        enqueue_s = min(max(enqueue_s, plan.window.warm_up_from_s), plan.window.to_s - 1)
        return replace(
            caller,
            number=caller.number + copy * first_number,
            arrival_s=enqueue_s - caller.menu_s,
            patience_s=draw_patience(curves[caller.is_urgent], draws, _BEFORE_ANY_WAIT, MAX_PATIENCE_S),
            service_s=services.draw(caller.type, draws),
        )

    asking = [caller for caller in plan.callers if caller.wants_person]
    more = (another(caller, copy) for copy in range(1, factor) for caller in asking)
    return replace(plan, callers=tuple(sorted((*plan.callers, *more), key=lambda caller: caller.arrival_s)))


def with_callbacks(plan: DayPlan, seed: int) -> DayPlan:
    """Return the day on which half of the callers ask to be called back after a minute, and four of five pick up.

    These shares are assumed: a recorded day without call-backs says nothing of them.
    """

    def wish(caller: Caller) -> CallbackWish | None:
        draws = stream(seed, "callback", caller.number)
        if draws.random() >= CALLBACK_SHARE:
            return None
        attempts = (attempt for attempt in range(1, _MOST_ATTEMPTS) if draws.random() < PICKS_UP_SHARE)
        return CallbackWish(CALLBACK_AFTER_S, next(attempts, 0), RINGS_S)

    return replace(plan, callers=tuple(replace(caller, callback=wish(caller)) for caller in plan.callers))


def multiply_agents(agents: Sequence[Agent], factor: int) -> tuple[Agent, ...]:
    """Return each agent `factor` times, with the same skills, duty and pauses and names of their own."""
    copies = (replace(agent, name=f"{agent.name}_copy{copy}") for copy in range(1, factor) for agent in agents)
    return (*agents, *copies)


def demands(day: Sequence[Recording], factor: int) -> tuple[Demand, ...]:
    """Return what `factor` times the callers ask for, by type and half hour; sorted, only where somebody asks."""
    asked: dict[str, list[Recording]] = defaultdict(list)
    for row in day:
        if row.enqueue_s is not None:
            asked[row.type].append(row)
    all_rows = [row for kind, rows in asked.items() if kind != WITHOUT_PATIENCE_DATA for row in rows]
    usual_s = _mean_patience_s(all_rows) or MAX_PATIENCE_S
    return tuple(
        demand
        for kind, rows in sorted(asked.items())
        for demand in _demands_of(kind, rows, factor, _mean_patience_s(rows) or usual_s)
    )


def reserves(agents: Sequence[Agent], wanted: Sequence[Demand], answered_share: float) -> tuple[Agent, ...]:
    """Return the agents who must be added so that, type by type and half hour by half hour, Erlang A's number is there.

    An agent with several skills counts for each by its part of the load at that time; pauses do not count. A reserve
    has one skill and no pauses, and stays for as many half hours in a row as it is needed.
    """
    by_step: dict[int, dict[str, Demand]] = defaultdict(dict)
    for demand in wanted:
        by_step[demand.step][demand.kind] = demand
    missing: dict[str, dict[int, int]] = defaultdict(dict)
    for step, of_step in by_step.items():
        present = _present(agents, of_step, step)
        for kind, demand in of_step.items():
            needed = agents_for(demand.load, demand.service_s, demand.patience_s, answered_share)
            missing[kind][step] = max(0, ceil(round(needed - present[kind], _DIGITS)))
    return tuple(agent for kind, steps in sorted(missing.items()) for agent in _rostered(kind, steps))


def hours(agents: Iterable[Agent]) -> float:
    """Return for how many hours they are on duty together, pauses included."""
    return sum(agent.duty_to_s - agent.duty_from_s for agent in agents) / 3600


def _demands_of(kind: str, rows: Sequence[Recording], factor: int, patience_s: float) -> Iterator[Demand]:
    lengths = [row.service_s for row in rows if row.is_served and row.service_s > 0]
    service_s = fmean(lengths) if lengths else 0.0
    counts = Counter((row.enqueue_s or 0) // STEP_S for row in rows)
    for step, count in sorted(counts.items()):
        yield Demand(kind, step, factor * count * service_s / STEP_S, service_s, patience_s)


def _mean_patience_s(rows: Sequence[Recording]) -> float:
    """Return Σ waits ÷ how many left, what an exponential patience under censoring most likely is; 0 if nobody left."""
    left = sum(not row.is_served for row in rows)
    return sum(row.waited_s for row in rows) / left if left else 0.0


def _present(agents: Iterable[Agent], of_step: Mapping[str, Demand], step: int) -> dict[str, float]:
    present = dict.fromkeys(of_step, 0.0)
    for agent in agents:
        loads = {kind: demand.load for kind, demand in of_step.items() if kind in agent.skills}
        if total := sum(loads.values()):
            there = _presence(agent, step)
            for kind, load in loads.items():
                present[kind] += there * load / total
    return present


def _presence(agent: Agent, step: int) -> float:
    """Return the share of that half hour in which the agent is on duty and on no pause."""
    from_s, to_s = max(agent.duty_from_s, step * STEP_S), min(agent.duty_to_s, (step + 1) * STEP_S)
    paused_s = sum(
        max(0, min(to_s, pause.start_s + pause.length_s) - max(from_s, pause.start_s)) for pause in agent.pauses
    )
    return max(0, to_s - from_s - paused_s) / STEP_S


def _rostered(kind: str, missing: Mapping[int, int]) -> Iterator[Agent]:
    """The first reserve comes wherever one is missing, the second where two are, and so on."""
    for place in range(1, max(missing.values(), default=0) + 1):
        steps = sorted(step for step, number in missing.items() if number >= place)
        for _, run in groupby(enumerate(steps), lambda pair: pair[1] - pair[0]):
            first, *others = [step for _, step in run]
            end_s = ((others or [first])[-1] + 1) * STEP_S
            yield Agent(f"reserve_{kind}_{place}_{first}", frozenset({kind}), first * STEP_S, end_s, ())
