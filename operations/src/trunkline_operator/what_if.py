"""`trunkline what-if`: a recorded day once more, with other agents or another policy, decided by acd's own rules.

Owns: what is played and how it is printed. Must not: contain a rule or a metric.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from trunkline_acd.simulation.days import Policy, play_day
from trunkline_core.errors import Misconfigured
from trunkline_simulation.day.plan import MAX_PATIENCE_S, DayPlan, patience_of, plan_day
from trunkline_simulation.day.recordings import BadRecording, Recording, read_recordings
from trunkline_simulation.day.staff import Agent
from trunkline_simulation.day.staffing import restaff
from trunkline_simulation.day.windows import Window
from trunkline_simulation.estimates import Estimate, estimate
from trunkline_simulation.replications import replicate

from trunkline_operator.day_figures import FIGURES, Figure, recorded_figures, simulated_figures
from trunkline_operator.day_policies import DEFAULT, read_policy
from trunkline_operator.report import print_json, print_table

SPOKEN_EVERY_S: Final = 2.0

Estimates = Mapping[str, Estimate]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to play the day; goes to other processes."""

    day: tuple[Recording, ...]
    agents: tuple[Agent, ...]
    policy: Policy

    def play(self, seed: int) -> dict[str, float]:
        """Return the figures of one seed."""
        plan = replace(_plan(self.day, seed), agents=self.agents)
        return simulated_figures(play_day(plan, self.policy))


def what_if(path: Path, change: int, policy: Path | None, seeds: int, *, only_json: bool) -> None:
    """Play the day as it was and, where something is changed, as it would be; print both beside the recorded day.

    Args:
        path: the recorded day.
        change: agents more, or fewer where negative.
        policy: what routing obeys; None for that of the demo day.
        seeds: runs of each; at least 2.
        only_json: print nothing but the last line.

    Raises: Misconfigured, OSError.
    """
    day = _read(path)
    scenarios = {"as_it_was": _scenario(day, 0, DEFAULT)}
    if change or policy:
        scenarios["what_if"] = _scenario(day, change, policy or DEFAULT)
    runs = _run(scenarios, range(1, seeds + 1))
    estimates = {name: _estimates(figures) for name, figures in runs.items()}
    if "what_if" in runs:
        estimates["change"] = _estimates(_differences(runs["as_it_was"], runs["what_if"]))
    recorded = recorded_figures(day)
    if not only_json:
        _print(recorded, estimates, {name: len(scenario.agents) for name, scenario in scenarios.items()}, day)
    print_json(seeds=seeds, recorded=recorded, **{name: _as_json(found) for name, found in estimates.items()})


def _read(path: Path) -> tuple[Recording, ...]:
    try:
        return read_recordings(path)
    except BadRecording as error:
        raise Misconfigured(f"{path.name} is no recorded day: {error}.") from error


def _plan(day: Sequence[Recording], seed: int) -> DayPlan:
    return plan_day(day, Window(), seed)


def _scenario(day: tuple[Recording, ...], change: int, policy: Path) -> Scenario:
    plan = _plan(day, 1)
    try:
        agents = restaff(plan.agents, day, change)
    except ValueError as error:
        raise Misconfigured(f"--agents {change:+d} is too much: {error}.") from None
    return Scenario(day, agents, read_policy(policy, plan.types, agents))


def _run(scenarios: Mapping[str, Scenario], seeds: range) -> dict[str, list[dict[str, float]]]:
    began = spoken = time.monotonic()
    runs: dict[str, list[dict[str, float]]] = {}

    def say(done: int) -> None:
        nonlocal spoken
        now, played = time.monotonic(), len(runs) * len(seeds) + done
        if now - spoken >= SPOKEN_EVERY_S:
            spoken = now
            total = len(scenarios) * len(seeds)
            print(f"what-if: {played} of {total} days played, {now - began:.0f} s", file=sys.stderr, flush=True)

    for name, scenario in scenarios.items():
        runs[name] = replicate(scenario.play, seeds, say)
    return runs


def _estimates(runs: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    return {figure.key: estimate([run[figure.key] for run in runs]) for figure in FIGURES}


def _differences(before: Sequence[Mapping[str, float]], after: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """Return what changed under each seed: the same callers, so the noise that both share falls out."""
    return [{key: late[key] - early[key] for key in late} for early, late in zip(before, after, strict=True)]


def _print(
    recorded: Mapping[str, float],
    estimates: Mapping[str, Estimates],
    agents: Mapping[str, int],
    day: Sequence[Recording],
) -> None:
    shown = [figure for figure in FIGURES if figure.key != "refused" or _is_ever(figure, estimates)]
    columns = ["", "recorded", "as it was", "one run"]
    if "what_if" in estimates:
        columns += ["what if", "one run", "change"]
    print_table(columns, [_row(figure, recorded, estimates) for figure in shown])
    for line in _remarks(estimates, agents, day):
        print(line)


def _is_ever(figure: Figure, estimates: Mapping[str, Estimates]) -> bool:
    return any(found[figure.key].mean for found in estimates.values())


def _row(figure: Figure, recorded: Mapping[str, float], estimates: Mapping[str, Estimates]) -> list[str]:
    row = [figure.words, _number(figure, recorded[figure.key])]
    for name, found in estimates.items():
        one = found[figure.key]
        mean = _number(figure, one.mean, is_signed=name == "change")
        row.append(f"{mean} ± {_number(figure, one.half_width or 0.0)}")
        if name != "change":
            row.append(f"± {_number(figure, one.spread or 0.0)}")
    return row


def _number(figure: Figure, value: float, *, is_signed: bool = False) -> str:
    sign = "+" if is_signed else ""
    return f"{100 * value:{sign}.1f} %" if figure.is_share else f"{value:{sign}.{figure.decimals}f}"


def _remarks(estimates: Mapping[str, Estimates], agents: Mapping[str, int], day: Sequence[Recording]) -> list[str]:
    seeds = estimates["as_it_was"]["answered"].count
    asked = [row for row in day if row.enqueue_s is not None]
    urgent, others = (f"{100 * patience_of(asked, is_urgent).tail:.0f} %" for is_urgent in (True, False))
    people = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in agents.items())
    lines = [
        f"{seeds} seeds; agents: {people}. ± beside a mean: 95 % interval of the mean; one run: standard deviation.",
        f"Patience beyond what the day shows: {urgent} of callers of priority 2, {others} of the others; "
        f"they wait {MAX_PATIENCE_S} s at most.",
    ]
    if "change" in estimates:
        lines.append("Compare the simulated days, which have the same callers; the recorded one says how far to trust.")
    return lines


def _as_json(found: Estimates) -> dict[str, dict[str, float | None]]:
    return {
        key: {"mean": one.mean, "half_width_95": one.half_width, "spread": one.spread} for key, one in found.items()
    }
