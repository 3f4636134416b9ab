"""When callers come, where no recording says it: Poisson arrivals of a constant rate or of a rate curve.

Must not: know what a caller wants. Seconds from the beginning; rates in callers a second.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class RateCurve:
    """A rate for each step of `step_s` seconds; nobody comes after the last one."""

    step_s: float
    rates_per_s: tuple[float, ...]

    def at(self, second: float) -> float:
        """Return the rate at that second."""
        step = int(second // self.step_s)
        return self.rates_per_s[step] if 0 <= step < len(self.rates_per_s) else 0.0

    @property
    def end_s(self) -> float:
        """Where the last step ends."""
        return self.step_s * len(self.rates_per_s)


def rate_curve(arrivals_s: Iterable[float], step_s: float) -> RateCurve:
    """Return the curve that the arrivals of a recording suggest: how many came in each step."""
    counts = Counter(int(second // step_s) for second in arrivals_s)
    return RateCurve(step_s, tuple(counts[step] / step_s for step in range(max(counts, default=-1) + 1)))


def poisson(rate_per_s: float, random: Random) -> Iterator[float]:
    """Yield arrivals for ever. Raises: ValueError for a rate that is not positive."""
    if rate_per_s <= 0:
        raise ValueError("a rate must be positive")
    second = 0.0
    while True:
        second += random.expovariate(rate_per_s)
        yield second


def thinned(curve: RateCurve, random: Random) -> Iterator[float]:
    """Yield the arrivals of the curve: candidates of the highest rate, each kept with probability rate ÷ highest.

    Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by thinning", 1979.
    """
    highest = max(curve.rates_per_s, default=0.0)
    if highest <= 0:
        return
    for second in poisson(highest, random):
        if second >= curve.end_s:
            return
        if random.random() * highest < curve.at(second):
            yield second
