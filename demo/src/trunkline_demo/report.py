"""The table beside the truth, and the JSON line of a run. Must not: measure, or compute more than quantiles."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table
from trunkline_analytics.domain.waits import find_quantile

from trunkline_demo.reference import WHOLE_DAY_SOURCE
from trunkline_demo.truths import Figures

COMPARABLE_S = 5.0
"""A hop of more day-seconds than this shifts every wait too much to be compared."""


@dataclass(frozen=True)
class Troubles:
    """What should not have happened in a run; nothing of it is hidden in a figure.

    Attributes:
        refused: contacts that the product refused, for example because a queue was full.
        closed_by_system: contacts that the product closed before anybody answered.
        failed_to_start: callers whose contact was refused or never acknowledged.
        unanswered: requests of callers that no repetition brought an answer to.
        desk_refusals: rules by which desks were refused, one entry each time.
        errors: of callers and agents.
    """

    refused: int = 0
    closed_by_system: int = 0
    failed_to_start: int = 0
    unanswered: int = 0
    desk_refusals: tuple[str, ...] = ()
    errors: tuple[Exception, ...] = ()

    def lines(self) -> Iterator[str]:
        """Yield a line for each kind that happened."""
        for what, count in (
            ("contacts refused", self.refused),
            ("contacts closed by the system before an answer", self.closed_by_system),
            ("callers whose contact failed to start", self.failed_to_start),
            ("requests of callers without an answer", self.unanswered),
        ):
            if count:
                yield f"{what}: {count}"
        if self.desk_refusals:
            rules = ", ".join(f"{rule} {count}" for rule, count in Counter(self.desk_refusals).most_common())
            yield f"requests of desks refused: {len(self.desk_refusals)} ({rules})"
        if self.errors:
            first = self.errors[0]
            yield f"callers and agents that failed: {len(self.errors)}, first {type(first).__name__}: {first}"


@dataclass(frozen=True)
class Measured:
    """Everything one run measured; latencies in wall milliseconds."""

    figures: Figures
    lost: int
    connected_twice: int
    conservation_error: int
    offer_ms: list[float]
    ring_ms: list[float]
    live_lag_ms: list[float]
    events: int
    wall_s: float
    speed: float
    troubles: Troubles = field(default_factory=Troubles)

    def hop_day_s(self) -> float | None:
        """Return one hop, the median ring, in day-seconds; None when nothing rang."""
        ring_ms = find_quantile(self.ring_ms, 0.5)
        return None if ring_ms is None else ring_ms / 1000 * self.speed

    def is_comparable(self) -> bool:
        """Tell whether one hop is short beside the waits of the day."""
        hop_s = self.hop_day_s()
        return hop_s is not None and hop_s <= COMPARABLE_S


def json_line(run: Measured) -> str:
    """Return the last line of `make demo`."""
    figures = run.figures
    return json.dumps(
        {
            "offered": figures.offered,
            "answered": figures.answered,
            "abandoned_in_queue": figures.abandoned_in_queue,
            "hung_up_in_menu": figures.hung_up_in_menu,
            "lost": run.lost,
            "connected_twice": run.connected_twice,
            "conservation_error": run.conservation_error,
            "mean_wait_s": round(figures.mean_wait_s, 1),
            "p50_wait_s": round(figures.p50_wait_s, 1),
            "p90_wait_s": round(figures.p90_wait_s, 1),
            "answered_within_20_s": round(figures.answered_within_20_s, 4),
            "offer_ms_p50": quantile(run.offer_ms, 0.5),
            "offer_ms_p99": quantile(run.offer_ms, 0.99),
            "offer_ms_max": quantile(run.offer_ms, 1.0),
            "ring_ms_p50": quantile(run.ring_ms, 0.5),
            "ring_ms_p99": quantile(run.ring_ms, 0.99),
            "live_lag_ms_p95": quantile(run.live_lag_ms, 0.95),
            "events": run.events,
            "wall_s": round(run.wall_s, 1),
        }
    )


def quantile(values: list[float], share: float) -> float | None:
    """Return a quantile to a hundredth of a millisecond."""
    found = find_quantile(values, share)
    return None if found is None else round(found, 2)


def print_table(
    run: Measured, truth: Figures, console: Console, simulated: Mapping[str, tuple[float, float]] | None = None
) -> None:
    """Print run and truth side by side, what went wrong, and whether they can be compared at this speed.

    `simulated`: mean and standard deviation by the names of `reference.spreads_of`; None where no simulation is known.
    """
    table = Table(title="The day, replayed")
    for heading in ("", "run", "truth", *(("simulation",) if simulated else ())):
        table.add_column(heading, justify="left" if not heading else "right")
    for (label, name, ours), (_, _, theirs) in zip(_rows(run.figures), _rows(truth), strict=True):
        table.add_row(label, ours, theirs, *((_spread(simulated, name),) if simulated else ()))
    console.print(table)
    if simulated:
        console.print(f"simulation: mean ± standard deviation of 30 seeds, {WHOLE_DAY_SOURCE}")
    for line in run.troubles.lines():
        console.print(line, style="yellow", markup=False, highlight=False)
    _print_comparability(run, console)


def _rows(figures: Figures) -> list[tuple[str, str, str]]:
    """Return (label, name in the simulation or "", value)."""
    return [
        ("asked for a person", "", f"{figures.offered}"),
        ("answered", "", f"{figures.answered}"),
        ("answer rate", "answer rate %", f"{figures.answer_rate:.1%}"),
        ("left the queue", "", f"{figures.abandoned_in_queue}"),
        ("hung up in the menu", "", f"{figures.hung_up_in_menu}"),
        ("mean wait, s of the day", "mean wait s", f"{figures.mean_wait_s:.1f}"),
        ("median wait, s", "p50 wait s", f"{figures.p50_wait_s:.1f}"),
        ("90 % wait at most, s", "p90 wait s", f"{figures.p90_wait_s:.1f}"),
        ("answered within 20 s", "within 20 s %", f"{figures.answered_within_20_s:.1%}"),
    ]


def _spread(simulated: Mapping[str, tuple[float, float]], name: str) -> str:
    if name not in simulated:
        return ""
    middle, spread = simulated[name]
    return f"{middle:.1f} ± {spread:.1f}{'%' if name.endswith('%') else ''}"


def _print_comparability(run: Measured, console: Console) -> None:
    hop_s = run.hop_day_s()
    if hop_s is not None:
        console.print(f"one hop: p50 {quantile(run.ring_ms, 0.5)} wall ms = {hop_s:.1f} day-seconds")
    if not run.is_comparable():
        console.print("[yellow]not comparable at this speed: take SPEED=20 or less for figures to quote[/]")
    console.print("Pauses are inferred from the same day: agreement tests queueing and patience, not prediction.")
