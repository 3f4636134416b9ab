"""`trunkline what-if --compare`: the same day under four ways of routing, in one table.

Owns: which ways those are, each a policy of acd's own rules (`policies/`), and the table. Must not: contain a rule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from trunkline_acd.simulation.days import play_day
from trunkline_simulation.estimates import Estimate

from trunkline_operator.day_figures import Figures
from trunkline_operator.day_policies import DEFAULT
from trunkline_operator.priority_figures import (
    COUNTS,
    GROUPS,
    OF_GROUP,
    OVERTAKING,
    PRIORITY_FIGURES,
    priority_figures,
)
from trunkline_operator.report import Figure, print_json, print_table, written_estimate
from trunkline_operator.scenarios import (
    Estimates,
    Scenario,
    as_json,
    differences,
    estimates_of,
    plan_of,
    play_all,
    read_day,
    scenario,
)

OURS: Final = "ours"
PEERS: Final = {"fifo": "FIFO", "strict_priority": "strict", "base_seconds": "base s"}
_POLICIES: Final = DEFAULT.parent


@dataclass(frozen=True, slots=True)
class Way(Scenario):
    """The day under one way of routing, by priority of the callers."""

    def play(self, seed: int) -> Figures:
        """Return the figures of one seed."""
        plan = replace(plan_of(self.day, seed), agents=self.agents)
        return priority_figures(play_day(plan, self.policy), plan, self.policy)


def compare(path: Path, change: int, policy: Path | None, seeds: int, *, only_json: bool) -> None:
    """Play the day under each way of routing and print them side by side, with what ours changes.

    Args:
        path: the recorded day.
        change: agents more, or fewer where negative; the same for all.
        policy: what is ours; None for that of the demo day.
        seeds: runs of each; at least 2.
        only_json: print nothing but the last line.

    Raises: Misconfigured, OSError.
    """
    day = read_day(path)
    files = {name: _POLICIES / f"{name.replace('_', '-')}.yaml" for name in PEERS} | {OURS: policy or DEFAULT}
    played = {name: scenario(day, change, file) for name, file in files.items()}
    ways = {name: Way(one.day, one.agents, one.policy) for name, one in played.items()}
    runs = play_all(ways, range(1, seeds + 1))
    found = {name: estimates_of(figures, PRIORITY_FIGURES) for name, figures in runs.items()}
    changes = {name: estimates_of(differences(runs[name], runs[OURS]), PRIORITY_FIGURES) for name in PEERS}
    if not only_json:
        _print(found, changes, seeds, len(ways[OURS].agents))
    print_json(
        seeds=seeds,
        **{name: as_json(one) for name, one in found.items()},
        **{f"{OURS}_less_{name}": as_json(one) for name, one in changes.items()},
    )


def _print(found: Mapping[str, Estimates], changes: Mapping[str, Estimates], seeds: int, agents: int) -> None:
    columns = ["", *PEERS.values(), OURS, *(f"ours − {words}" for words in PEERS.values())]
    rows: list[list[str]] = []
    for group, words in GROUPS.items():
        rows += section(words, len(columns))
        rows += [_row(figure, found, changes) for figure in OF_GROUP[group] if is_ever(figure, found)]
    rows += section("overtaking in one queue", len(columns))
    rows += [_row(figure, found, changes) for figure in OVERTAKING]
    print_table(columns, rows)
    counts = zip(COUNTS, GROUPS.values(), strict=True)
    callers = ", ".join(f"{_mean(found[OURS][one.key]):.0f} {words}" for one, words in counts)
    print(f"{seeds} seeds, {agents} agents; asked for a person: {callers}. ± beside a mean: its 95 % interval;")
    print("differences are taken seed by seed, from the same callers: one whose interval contains 0 cannot be seen.")


def section(words: str, columns: int) -> list[list[str]]:
    """Return the rows that head a part of a table."""
    return [[""] * columns, [words, *([""] * (columns - 1))]]


def is_ever(figure: Figure, found: Mapping[str, Estimates]) -> bool:
    """Tell whether the figure is anything but 0 in any way of playing; only refusals are left out without."""
    return "refused" not in figure.key or any(map(_mean, (one[figure.key] for one in found.values())))


def _mean(found: Estimate | None) -> float:
    return found.mean if found else 0.0


def _row(figure: Figure, found: Mapping[str, Estimates], changes: Mapping[str, Estimates]) -> list[str]:
    means: Sequence[str] = [written_estimate(figure, one[figure.key]) for one in found.values()]
    changed = [written_estimate(figure, one[figure.key], is_signed=True) for one in changes.values()]
    return [f"  {figure.words}", *means, *changed]
