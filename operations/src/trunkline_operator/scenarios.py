"""Ways to play a recorded day: each under the same seeds, and the figures of many runs.

Owns: what `what-if` in all its forms shares. Must not: know which ways are compared, or contain a metric.
"""

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from trunkline_acd.simulation.days import Policy, play_day
from trunkline_core.errors import Misconfigured
from trunkline_simulation.day.plan import DayPlan, plan_day
from trunkline_simulation.day.recordings import BadRecording, Recording, read_recordings
from trunkline_simulation.day.staff import Agent
from trunkline_simulation.day.staffing import restaff
from trunkline_simulation.day.windows import Window
from trunkline_simulation.estimates import Estimate, estimate
from trunkline_simulation.replications import replicate

from trunkline_operator.day_figures import Figures, simulated_figures
from trunkline_operator.day_policies import read_policy
from trunkline_operator.report import Figure, estimate_json

SPOKEN_EVERY_S: Final = 2.0

Run = Mapping[str, float | None]
Estimates = Mapping[str, Estimate | None]
"""By key of the figure; None where no run can tell it."""


class Playable(Protocol):
    """One way to play the day; goes to other processes."""

    def play(self, seed: int) -> Figures:
        """Return the figures of one seed."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The day with some agents under some policy."""

    day: tuple[Recording, ...]
    agents: tuple[Agent, ...]
    policy: Policy

    def play(self, seed: int) -> Figures:
        """Return the figures of one seed."""
        plan = replace(plan_of(self.day, seed), agents=self.agents)
        return simulated_figures(play_day(plan, self.policy))


def read_day(path: Path) -> tuple[Recording, ...]:
    """Return the recorded day. Raises: Misconfigured, OSError."""
    try:
        return read_recordings(path)
    except BadRecording as error:
        raise Misconfigured(f"{path.name} is no recorded day: {error}.") from error


def plan_of(day: Sequence[Recording], seed: int) -> DayPlan:
    """Return the whole day as one seed plays it."""
    return plan_day(day, Window(), seed)


def scenario(day: tuple[Recording, ...], change: int, policy: Path) -> Scenario:
    """Return the day with so many agents more, or fewer, under the policy of a file. Raises: Misconfigured, OSError."""
    plan = plan_of(day, 1)
    try:
        agents = restaff(plan.agents, day, change)
    except ValueError as error:
        raise Misconfigured(f"--agents {change:+d} is too much: {error}.") from None
    return Scenario(day, agents, read_policy(policy, plan.types, agents))


def play_all(scenarios: Mapping[str, Playable], seeds: range) -> dict[str, list[Figures]]:
    """Return the figures of each seed of each scenario; says on stderr how far it is."""
    began = spoken = time.monotonic()
    runs: dict[str, list[Figures]] = {}

    def say(done: int) -> None:
        nonlocal spoken
        now, played = time.monotonic(), len(runs) * len(seeds) + done
        if now - spoken >= SPOKEN_EVERY_S:
            spoken = now
            total = len(scenarios) * len(seeds)
            print(f"what-if: {played} of {total} days played, {now - began:.0f} s", file=sys.stderr, flush=True)

    for name, one in scenarios.items():
        runs[name] = replicate(one.play, seeds, say)
    return runs


def estimates_of(runs: Sequence[Run], figures: Iterable[Figure]) -> dict[str, Estimate | None]:
    """Return the estimate of each figure over the seeds that can tell it."""
    return {figure.key: _estimate([run[figure.key] for run in runs]) for figure in figures}


def _estimate(values: Sequence[float | None]) -> Estimate | None:
    told = [value for value in values if value is not None]
    return estimate(told) if told else None


def differences(before: Sequence[Run], after: Sequence[Run]) -> list[Figures]:
    """Return what changed under each seed: the same callers, so the noise that both share falls out."""
    return [{key: _less(late[key], early[key]) for key in late} for early, late in zip(before, after, strict=True)]


def _less(late: float | None, early: float | None) -> float | None:
    return None if late is None or early is None else late - early


def as_json(found: Estimates) -> dict[str, dict[str, float | None]]:
    """Return what the last line says of each figure."""
    return {key: estimate_json(one) for key, one in found.items()}
