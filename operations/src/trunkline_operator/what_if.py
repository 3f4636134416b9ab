"""`trunkline what-if`: a recorded day once more, with other agents or another policy, decided by acd's own rules.

Owns: what is played and how it is printed. Must not: contain a rule or a metric.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trunkline_simulation.day.plan import MAX_PATIENCE_S, patience_of
from trunkline_simulation.day.recordings import Recording

from trunkline_operator.day_figures import FIGURES, recorded_figures
from trunkline_operator.day_policies import DEFAULT
from trunkline_operator.report import EMPTY, Figure, print_json, print_table, written, written_estimate
from trunkline_operator.scenarios import (
    Estimates,
    Scenario,
    as_json,
    differences,
    estimates_of,
    play_all,
    read_day,
    scenario,
)


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
    day = read_day(path)
    scenarios = {"as_it_was": scenario(day, 0, DEFAULT)}
    if change or policy:
        scenarios["what_if"] = scenario(day, change, policy or DEFAULT)
    print_json(**tell(day, scenarios, seeds, only_json=only_json))


def tell(
    day: Sequence[Recording], scenarios: Mapping[str, Scenario], seeds: int, *, only_json: bool
) -> dict[str, object]:
    """Play the day as it was and as it would be, print both beside the recorded one; return the figures.

    Args:
        day: as recorded.
        scenarios: `as_it_was`, and `what_if` where something is changed.
        seeds: runs of each; at least 2.
        only_json: print nothing.
    """
    runs = play_all(scenarios, range(1, seeds + 1))
    estimates = {name: estimates_of(figures, FIGURES) for name, figures in runs.items()}
    if "what_if" in runs:
        estimates["change"] = estimates_of(differences(runs["as_it_was"], runs["what_if"]), FIGURES)
    recorded = recorded_figures(day)
    if not only_json:
        _print(recorded, estimates, seeds, {name: len(one.agents) for name, one in scenarios.items()}, day)
    return {"seeds": seeds, "recorded": recorded, **{name: as_json(found) for name, found in estimates.items()}}


def _print(
    recorded: Mapping[str, float | None],
    estimates: Mapping[str, Estimates],
    seeds: int,
    agents: Mapping[str, int],
    day: Sequence[Recording],
) -> None:
    shown = [figure for figure in FIGURES if figure.key != "refused" or _is_ever(figure, estimates)]
    columns = ["", "recorded", "as it was", "one run"]
    if "what_if" in estimates:
        columns += ["what if", "one run", "change"]
    print_table(columns, [_row(figure, recorded, estimates) for figure in shown])
    for line in _remarks(seeds, agents, day, is_compared="change" in estimates):
        print(line)


def _is_ever(figure: Figure, estimates: Mapping[str, Estimates]) -> bool:
    return any(one.mean for found in estimates.values() if (one := found[figure.key]))


def _row(figure: Figure, recorded: Mapping[str, float | None], estimates: Mapping[str, Estimates]) -> list[str]:
    row = [figure.words, written(figure, recorded[figure.key])]
    for name, found in estimates.items():
        one = found[figure.key]
        row.append(written_estimate(figure, one, is_signed=name == "change"))
        if name != "change":
            row.append(f"± {written(figure, one.spread)}" if one else EMPTY)
    return row


def _remarks(seeds: int, agents: Mapping[str, int], day: Sequence[Recording], *, is_compared: bool) -> list[str]:
    asked = [row for row in day if row.enqueue_s is not None]
    urgent, others = (f"{100 * patience_of(asked, is_urgent).tail:.0f} %" for is_urgent in (True, False))
    people = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in agents.items())
    lines = [
        f"{seeds} seeds; agents: {people}. ± beside a mean: 95 % interval of the mean; one run: standard deviation.",
        f"Patience beyond what the day shows: {urgent} of callers of priority 2, {others} of the others; "
        f"they wait {MAX_PATIENCE_S} s at most.",
    ]
    if is_compared:
        lines.append("Compare the simulated days, which have the same callers; the recorded one says how far to trust.")
    return lines
