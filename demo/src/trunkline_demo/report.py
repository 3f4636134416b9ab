"""The table beside the truth, and the JSON line of a run. Must not: measure, or compute more than quantiles."""

import json
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from trunkline_analytics.domain.waits import find_quantile

from trunkline_demo.truths import Figures

COMPARABLE_S = 5.0
"""A hop of more day-seconds than this shifts every wait too much to be compared."""


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


def print_table(run: Measured, truth: Figures, console: Console) -> None:
    """Print run and truth side by side, and whether they can be compared at this speed."""
    table = Table(title="The day, replayed")
    for heading in ("", "run", "truth"):
        table.add_column(heading, justify="left" if not heading else "right")
    ours = run.figures
    rows = [
        ("asked for a person", f"{ours.offered}", f"{truth.offered}"),
        ("answered", f"{ours.answered}", f"{truth.answered}"),
        ("answer rate", f"{ours.answer_rate:.1%}", f"{truth.answer_rate:.1%}"),
        ("left the queue", f"{ours.abandoned_in_queue}", f"{truth.abandoned_in_queue}"),
        ("hung up in the menu", f"{ours.hung_up_in_menu}", f"{truth.hung_up_in_menu}"),
        ("mean wait, s of the day", f"{ours.mean_wait_s:.1f}", f"{truth.mean_wait_s:.1f}"),
        ("median wait, s", f"{ours.p50_wait_s:.1f}", f"{truth.p50_wait_s:.1f}"),
        ("90 % wait at most, s", f"{ours.p90_wait_s:.1f}", f"{truth.p90_wait_s:.1f}"),
        ("answered within 20 s", f"{ours.answered_within_20_s:.1%}", f"{truth.answered_within_20_s:.1%}"),
    ]
    for row in rows:
        table.add_row(*row)
    console.print(table)
    hop_s = run.hop_day_s()
    if hop_s is not None:
        console.print(f"one hop: p50 {quantile(run.ring_ms, 0.5)} wall ms = {hop_s:.1f} day-seconds")
    if not run.is_comparable():
        console.print("[yellow]not comparable at this speed: take SPEED=20 or less for figures to quote[/]")
    console.print("Pauses are inferred from the same day: agreement tests queueing and patience, not prediction.")
