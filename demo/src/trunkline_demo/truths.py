"""What really happened in the window: the figures a replay is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

from trunkline_analytics.domain.waits import find_quantile, mean, share_within
from trunkline_simulation.day.recordings import Recording
from trunkline_simulation.day.windows import Window

QUICK_S = 20


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one window, waits in day-seconds. A run and the truth have the same shape."""

    offered: int
    answered: int
    abandoned_in_queue: int
    hung_up_in_menu: int
    mean_wait_s: float
    p50_wait_s: float
    p90_wait_s: float
    answered_within_20_s: float

    @property
    def answer_rate(self) -> float:
        """Answered ÷ offered, short abandons included."""
        return self.answered / self.offered if self.offered else 0.0


def summarise(offered: int, abandoned: int, hung_up_in_menu: int, answered_waits_s: Sequence[float]) -> Figures:
    """Return the figures of a window; waits are of answered contacts."""
    return Figures(
        offered=offered,
        answered=len(answered_waits_s),
        abandoned_in_queue=abandoned,
        hung_up_in_menu=hung_up_in_menu,
        mean_wait_s=mean(answered_waits_s) or 0.0,
        p50_wait_s=find_quantile(answered_waits_s, 0.5) or 0.0,
        p90_wait_s=find_quantile(answered_waits_s, 0.9) or 0.0,
        answered_within_20_s=share_within(answered_waits_s, QUICK_S) or 0.0,
    )


def truth_of(day: Sequence[Recording], window: Window) -> Figures:
    """Return what the recording says about the window."""
    asked = [row for row in day if row.enqueue_s is not None and row.enqueue_s in window]
    waits = [float(row.waited_s) for row in asked if row.is_served]
    menu_only = sum(row.enqueue_s is None and window.counts_in_menu(row.arrival_s + row.menu_s) for row in day)
    return summarise(len(asked), len(asked) - len(waits), menu_only, waits)
