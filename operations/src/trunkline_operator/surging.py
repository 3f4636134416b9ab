"""`trunkline what-if --surge N`: N times the callers, with as many agents as there were, N times them, and enough.

Owns: which ways those are and the table. Enough is what Erlang A asks for (`trunkline_simulation.day.surges`); what
priority is worth in a flood is seen beside the same flood without it. Must not: contain a rule or a metric.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from trunkline_acd.simulation.days import Policy, play_day
from trunkline_core.routing import CallbackPolicy
from trunkline_simulation.day.recordings import Recording
from trunkline_simulation.day.staff import Agent
from trunkline_simulation.day.surges import (
    CALLBACK_AFTER_S,
    CALLBACK_SHARE,
    PICKS_UP_SHARE,
    demands,
    hours,
    multiply_agents,
    multiply_callers,
    reserves,
    with_callbacks,
)

from trunkline_operator.comparing import is_ever, section
from trunkline_operator.day_figures import Figures
from trunkline_operator.day_policies import DEFAULT, read_policy
from trunkline_operator.priority_figures import (
    CALLBACKS,
    COUNTS,
    GROUPS,
    MOST_WAITING,
    OF_GROUP,
    OVERTAKING,
    PRIORITY_FIGURES,
    priority_figures,
)
from trunkline_operator.report import Figure, print_json, print_table, written_estimate
from trunkline_operator.scenarios import Estimates, as_json, estimates_of, plan_of, play_all, read_day

ANSWERED_SHARE: Final = 0.9
SURGE_POLICY: Final = DEFAULT.parent / "surge.yaml"
CALLED_BACK: Final = CallbackPolicy(max_attempts=3, retry_after_duration=timedelta(minutes=10), max_open=30)


@dataclass(frozen=True, slots=True)
class Surge:
    """The day with several times the callers and some agents; goes to other processes.

    Attributes:
        has_callbacks: whether callers may be called back, and some ask for it.
    """

    day: tuple[Recording, ...]
    factor: int
    agents: tuple[Agent, ...]
    policy: Policy
    has_callbacks: bool = False

    def play(self, seed: int) -> Figures:
        """Return the figures of one seed."""
        plan = multiply_callers(plan_of(self.day, seed), self.day, self.factor, seed)
        plan = replace(plan, agents=self.agents)
        if self.has_callbacks:
            plan = with_callbacks(plan, seed)
        return priority_figures(play_day(plan, self.policy), plan, self.policy)


def surge(path: Path, factor: int, policy: Path | None, seeds: int, *, only_json: bool) -> None:
    """Play the day as it was and with `factor` times the callers; print them side by side.

    Args:
        path: the recorded day.
        factor: times the callers, 2 or more.
        policy: what routing obeys; None for that of a surge.
        seeds: runs of each; at least 2.
        only_json: print nothing but the last line.

    Raises: Misconfigured, OSError.
    """
    day = read_day(path)
    surges = _surges(day, factor, policy or SURGE_POLICY)
    runs = play_all(surges, range(1, seeds + 1))
    found = {name: estimates_of(figures, PRIORITY_FIGURES) for name, figures in runs.items()}
    staffs = {name: one.agents for name, one in surges.items()}
    if not only_json:
        _print(found, seeds, staffs)
    print_json(
        seeds=seeds,
        factor=factor,
        agent_hours={name: round(hours(agents), 1) for name, agents in staffs.items()},
        **{name: as_json(one) for name, one in found.items()},
    )


def _surges(day: tuple[Recording, ...], factor: int, policy: Path) -> dict[str, Surge]:
    plan = plan_of(day, 1)
    many = multiply_agents(plan.agents, factor)
    staffs = {
        "as_it_was": (1, plan.agents),
        "same_agents": (factor, plan.agents),
        "more_agents": (factor, many),
        "enough_agents": (factor, (*many, *reserves(many, demands(day, factor), ANSWERED_SHARE))),
    }
    surges = {
        name: Surge(day, times, agents, read_policy(policy, plan.types, agents))
        for name, (times, agents) in staffs.items()
    }
    flood = surges["same_agents"]
    return surges | {
        "same_agents_no_priority": replace(
            flood, policy=_with(flood.policy, value_weight_permille=0, urgency_weight_permille=0)
        ),
        "same_agents_call_backs": replace(flood, policy=_with(flood.policy, callback=CALLED_BACK), has_callbacks=True),
    }


def _with(policy: Policy, **changes: Any) -> Policy:
    """Return the policy with these fields in each queue."""
    return replace(policy, queues={kind: replace(queue, **changes) for kind, queue in policy.queues.items()})


def _print(found: Mapping[str, Estimates], seeds: int, staffs: Mapping[str, Sequence[Agent]]) -> None:
    columns = ["", *(name.replace("_", " ") for name in found)]
    rows = [
        ["agents", *(f"{len(agents)}" for agents in staffs.values())],
        ["hours on duty, pauses included", *(f"{hours(agents):.0f}" for agents in staffs.values())],
    ]
    for (group, words), count in zip(GROUPS.items(), COUNTS, strict=True):
        rows += section(words, len(columns))
        rows += [_row(figure, found) for figure in (count, *OF_GROUP[group]) if is_ever(figure, found)]
    rows += section("call-backs, and whoever was answered", len(columns))
    rows += [_row(figure, found) for figure in CALLBACKS]
    rows += section("bounds", len(columns))
    rows += [_row(figure, found) for figure in (MOST_WAITING, *OVERTAKING)]
    print_table(columns, rows)
    print(f"{seeds} seeds. ± beside a mean: its 95 % interval. enough agents: what Erlang A asks for in each half hour")
    print(f"and for each type of question to answer {100 * ANSWERED_SHARE:.0f} %, added to the multiplied ones.")
    print(f"call backs: assumed that {100 * CALLBACK_SHARE:.0f} % ask for one after {CALLBACK_AFTER_S} s, and that")
    print(f"{100 * PICKS_UP_SHARE:.0f} % pick up at each attempt. Agents are asked first, and at most")
    print(f"{CALLED_BACK.max_open} are open in a queue; each keeps the place of its caller.")


def _row(figure: Figure, found: Mapping[str, Estimates]) -> list[str]:
    return [f"  {figure.words}", *(written_estimate(figure, one[figure.key]) for one in found.values())]
