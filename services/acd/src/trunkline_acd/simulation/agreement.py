"""Do acd's rules give what Erlang's formulas say? One queue, equal agents, Poisson arrivals, exponential service.

Owns: the three systems, and how a figure is measured. The loss system of Erlang B is made of callers without patience.
Must not: know the formulas (`trunkline_simulation.erlang`) beyond asking them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from statistics import fmean

from trunkline_core.routing import MAX_WAITING, AgentDefinition, QueueDefinition, WrapUpMode
from trunkline_core.texts import LocalizedText
from trunkline_simulation.arrivals import poisson
from trunkline_simulation.day.staff import Agent
from trunkline_simulation.erlang import ErlangA, ErlangC, erlang_b
from trunkline_simulation.estimates import Estimate, estimate
from trunkline_simulation.streams import stream

from trunkline_acd.domain.words import SegmentOutcome
from trunkline_acd.simulation.calls import Call, Stay
from trunkline_acd.simulation.centre import Centre, Rostered

START = datetime(2026, 1, 5, tzinfo=UTC)
SERVICE_S = 60.0
PATIENCE_S = 90.0
TARGET_S = 20
WARM_UP_SHARE = 0.1
CONFIDENCE = 0.99
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class System:
    """One queueing system.

    Attributes:
        load: offered load in erlangs.
        patience_s: mean of an exponential patience; None for callers who wait for ever, 0 for those who do not wait.
        expected: its figures in closed form, by the names of `measure`.
    """

    name: str
    load: float
    agents: int
    patience_s: float | None
    expected: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of one system, by formula and by simulation."""

    system: str
    figure: str
    expected: float
    measured: Estimate

    @property
    def agrees(self) -> bool:
        """Tell whether the formula's value lies within the interval."""
        return self.measured.contains(self.expected)


def systems() -> tuple[System, ...]:
    """Return what is compared: 10 agents, calls of 60 s in the mean; with patience more load than agents."""
    return loss(8.0, 10), waiting(8.0, 10), leaving(11.0, 10)


def loss(load: float, agents: int) -> System:
    """Return the system of Erlang B."""
    return System("Erlang B", load, agents, 0.0, {"lost": erlang_b(load, agents)})


def waiting(load: float, agents: int) -> System:
    """Return the system of Erlang C."""
    formula = ErlangC(load, agents, SERVICE_S)
    expected = {
        "had to wait": formula.waiting_share,
        "mean wait, s": formula.mean_wait_s,
        f"within {TARGET_S} s": formula.share_within(TARGET_S),
    }
    return System("Erlang C", load, agents, None, expected)


def leaving(load: float, agents: int) -> System:
    """Return the system of Erlang A."""
    formula = ErlangA(load, agents, SERVICE_S, PATIENCE_S)
    expected = {
        "had to wait": formula.waiting_share,
        "mean wait, s": formula.mean_wait_s,
        "left": formula.abandoned_share,
    }
    return System("Erlang A", load, agents, PATIENCE_S, expected)


def measure(system: System, arrivals: int, seed: int) -> dict[str, float]:
    """Return the figures of one replication: shares 0–1 of all callers, and their mean wait in seconds."""
    return _figures(play(system, arrivals, seed)[int(arrivals * WARM_UP_SHARE) :])


def play(system: System, arrivals: int, seed: int) -> list[Stay]:
    """Return what came of so many callers, in the order of their entry."""
    centre = Centre(START, [_queue()], [_agent(number) for number in range(system.agents)])
    calls = list(islice(calls_of(system, seed), arrivals))
    record = centre.play(calls, calls[-1].enters_s + 1000 * SERVICE_S)
    if len(record.stays) != arrivals:
        raise AssertionError(f"{len(record.stays)} of {arrivals} callers were answered or left")
    return sorted(record.stays, key=lambda stay: stay.entered_time)


def calls_of(system: System, seed: int) -> Iterator[Call]:
    """Yield the callers of a replication, for ever."""
    entries = poisson(system.load / SERVICE_S, stream(seed, system.name, "arrivals"))
    services, patience = stream(seed, system.name, "service"), stream(seed, system.name, "patience")
    for number, enters_s in enumerate(entries):
        yield Call(
            contact_id=f"ct_{number}",
            queue_id="qu_all",
            enters_s=enters_s,
            patience_s=patience.expovariate(1 / system.patience_s) if system.patience_s else system.patience_s,
            service_s=services.expovariate(1 / SERVICE_S),
        )


def compare(system: System, measured: Sequence[Mapping[str, float]]) -> Iterator[Comparison]:
    """Yield one comparison a figure, from the figures of independent replications."""
    for figure, expected in system.expected.items():
        values = [run[figure] for run in measured]
        yield Comparison(system.name, figure, expected, estimate(values, CONFIDENCE))


def _figures(stays: Sequence[Stay]) -> dict[str, float]:
    waits = [stay.wait / _SECOND for stay in stays]
    left = fmean(stay.outcome is not SegmentOutcome.ANSWERED for stay in stays)
    return {
        "lost": left,
        "left": left,
        "had to wait": fmean(wait > 0 for wait in waits),
        "mean wait, s": fmean(waits),
        f"within {TARGET_S} s": fmean(wait <= TARGET_S for wait in waits),
    }


def _agent(number: int) -> Rostered:
    agent = Agent(f"{number}", frozenset(), 0, 10**9, ())
    return Rostered(AgentDefinition(f"ag_{number}", (), 1), agent)


def _queue() -> QueueDefinition:
    return QueueDefinition(
        queue_id="qu_all",
        name=LocalizedText("", ""),
        requirements=(),
        target_wait_duration=TARGET_S * _SECOND,
        value_weight_permille=0,
        urgency_weight_permille=0,
        voice_lease_duration=20 * _SECOND,
        chat_lease_duration=20 * _SECOND,
        miss_exclusion_duration=30 * _SECOND,
        max_misses=1,
        wrap_up_mode=WrapUpMode.NONE,
        wrap_up_duration=0 * _SECOND,
        short_abandon_duration=0 * _SECOND,
        max_waiting=MAX_WAITING,
    )
