"""How long callers would have waited: Kaplan–Meier curves and draws from them.

Of those who were served we know only that they would have waited longer than they did: their patience is censored.
Owns: the estimate and the conditional draw. Must not: know cases, queues or agents. Times are whole seconds.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class PatienceCurve:
    """P(patience > t): a step function that falls to `survival[i]` at `times_s[i]` and is 1 before the first step."""

    times_s: tuple[int, ...]
    survival: tuple[float, ...]

    def survive(self, seconds: int) -> float:
        """The share of callers whose patience exceeds `seconds`."""
        index = bisect_right(self.times_s, seconds)
        return self.survival[index - 1] if index else 1.0

    @property
    def tail(self) -> float:
        """The share of callers of whom the data do not say when they leave: it is later than anybody was seen to."""
        return self.survival[-1] if self.survival else 1.0


def estimate_patience(left_s: Iterable[int], served_s: Iterable[int]) -> PatienceCurve:
    """The product-limit estimate (Kaplan and Meier 1958): waits of those who left are events, of those served censored.

    A caller served in the very second of an event counts as still at risk in it. The curve ends with the last event:
    where those who waited longest were served it stays above 0, and a draw beyond it needs a limit (`draw_patience`).
    """
    events, censored = Counter(left_s), Counter(served_s)
    at_risk = events.total() + censored.total()
    times: list[int] = []
    survival: list[float] = []
    share = 1.0
    for second in sorted(events.keys() | censored.keys()):
        if left := events[second]:
            share *= 1 - left / at_risk
            times.append(second)
            survival.append(share)
        at_risk -= left + censored[second]
    return PatienceCurve(tuple(times), tuple(survival))


def draw_patience(curve: PatienceCurve, random: Random, exceeding_s: int, limit_s: int) -> int:
    """Seconds of patience, given that it exceeds `exceeding_s`; `limit_s` where the curve ends before the draw does."""
    target = curve.survive(exceeding_s) * (1.0 - random.random())  # in (0, S(exceeding)]
    first = bisect_right(curve.times_s, exceeding_s)
    index = bisect_left(curve.survival, -target, lo=first, key=lambda share: -share)  # first step with S <= target
    drawn = curve.times_s[index] if index < len(curve.times_s) else limit_s
    return min(drawn, limit_s)
