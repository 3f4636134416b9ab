"""How good estimated waits are: a table over seeds, then one JSON line; exit code 1 where they are not as promised.

Run: python services/acd/bench/estimates.py [--seeds 5] [--share 0.1] [--day data/…csv]
The demo day, with a sample of callers who stay however long it takes: of those who found nobody free, 75 to 85 % must
wait no longer than P80, and P50 must be nearer than rank × mean handling time of the last hour ÷ agents on duty.
"""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from trunkline_acd.simulation.days import Policy
from trunkline_acd.simulation.estimates import measure
from trunkline_operator.day_policies import DEFAULT, read_policy
from trunkline_simulation.day.plan import plan_day
from trunkline_simulation.day.recordings import Recording, read_recordings
from trunkline_simulation.day.staff import Agent
from trunkline_simulation.day.windows import Window
from trunkline_simulation.replications import replicate

DAY = Path(__file__).parents[3] / "data" / "anonymous-bank-1999-08-01.csv"
GOAL_PERCENT = 30
COLUMNS = "{:>6} {:>9} {:>14} {:>10} {:>16} {:>8} {:>11}"


@dataclass(frozen=True, slots=True)
class Day:
    """What is played; goes to other processes."""

    recordings: tuple[Recording, ...]
    agents: tuple[Agent, ...]
    policy: Policy
    share: float

    def measure(self, seed: int) -> dict[str, float]:
        """Return the figures of one seed."""
        plan = replace(plan_day(self.recordings, Window(), seed), agents=self.agents)
        return measure(plan, self.policy, seed, self.share)


def main() -> int:
    """Measure, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="days (5)")
    parser.add_argument("--share", type=float, default=0.1, help="share of callers who stay (0.1)")
    parser.add_argument("--day", type=Path, default=DAY, help="the recorded day")
    options = parser.parse_args()
    if options.seeds < 1 or not 0 < options.share <= 1:
        parser.error("at least one day, and a share above 0 and at most 1")
    days = replicate(_day(options.day, options.share).measure, range(1, options.seeds + 1), _say)
    print(COLUMNS.format("seed", "measured", "within P80, %", "error, s", "rule of thumb, s", "unknown", "unanswered"))
    for seed, found in enumerate(days, 1):
        print(_row(str(seed), found))
    total = _mean(days)
    print(_row("all", total))
    gain_percent = 100 * (1 - total["error_s"] / total["naive_error_s"])
    is_goal_reached = gain_percent >= GOAL_PERCENT
    print(f"nearer than the rule of thumb by {gain_percent:.1f} %; the goal is {GOAL_PERCENT} %")
    print(json.dumps(total | {"gain_percent": round(gain_percent, 1), "goal_reached": is_goal_reached}))
    return int(not 0.75 <= total["held"] <= 0.85 or gain_percent < 0)


def _day(path: Path, share: float) -> Day:
    recordings = read_recordings(path)
    plan = plan_day(recordings, Window(), 1)
    return Day(recordings, plan.agents, read_policy(DEFAULT, plan.types, plan.agents), share)


def _mean(days: list[dict[str, float]]) -> dict[str, float]:
    """Return counts as sums, and the others weighted by who was measured."""
    measured = sum(day["measured"] for day in days)
    counts = {key: sum(day[key] for day in days) for key in ("measured", "unknown", "unanswered")}
    weighted = ("held", "error_s", "naive_error_s")
    return {key: sum(day[key] * day["measured"] for day in days) / measured for key in weighted} | counts


def _row(name: str, found: dict[str, float]) -> str:
    values = (f"{100 * found['held']:.1f}", f"{found['error_s']:.1f}", f"{found['naive_error_s']:.1f}")
    return COLUMNS.format(name, found["measured"], *values, found["unknown"], found["unanswered"])


def _say(done: int) -> None:
    print(f"{done} days played", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
