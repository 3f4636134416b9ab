"""How sure a figure is that was measured under several seeds: mean, spread, and Student's interval of the mean.

Source: Student, "The probable error of a mean", 1908; the distribution function as the finite sums 26.7.3 and 26.7.4
of Abramowitz and Stegun, Handbook of Mathematical Functions. Must not: know what is measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, sin, sqrt, tan
from statistics import fmean, stdev


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over independent runs.

    Attributes:
        half_width: the true mean lies within mean ± this with the confidence asked for; None with one run.
        spread: standard deviation of one run; None with one run.
        count: runs.
    """

    mean: float
    half_width: float | None
    spread: float | None
    count: int

    def contains(self, value: float) -> bool:
        """Tell whether the value lies within the interval; with one run there is none."""
        return self.half_width is not None and abs(value - self.mean) <= self.half_width


def estimate(values: Sequence[float], confidence: float = 0.95) -> Estimate:
    """Return the estimate of independent, roughly normal values. Raises: ValueError for none."""
    if not values:
        raise ValueError("nothing was measured")
    if len(values) == 1:
        return Estimate(values[0], None, None, 1)
    spread = stdev(values)
    half_width = t_quantile((1 + confidence) / 2, len(values) - 1) * spread / sqrt(len(values))
    return Estimate(fmean(values), half_width, spread, len(values))


def t_quantile(share: float, freedom: int) -> float:
    """Return t with P(T ≤ t) = `share` for `freedom` degrees of freedom; 0.5 ≤ share < 1. Raises: ValueError."""
    if not 0.5 <= share < 1 or freedom < 1:
        raise ValueError("a share must be within [0.5, 1) and freedom at least 1")
    wanted, low, high = 2 * share - 1, 0.0, pi / 2
    for _ in range(60):  # halves the interval until a double has no more digits
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < wanted else (low, middle)
    return sqrt(freedom) * tan((low + high) / 2)


def _within(angle: float, freedom: int) -> float:
    """Return P(|T| ≤ √freedom · tan(angle))."""
    if freedom % 2 == 0:
        return sin(angle) * _series(cos(angle), range(1, freedom - 2, 2))
    inner = sin(angle) * cos(angle) * _series(cos(angle), range(2, freedom - 2, 2)) if freedom > 1 else 0.0
    return 2 / pi * (angle + inner)


def _series(cosine: float, numerators: range) -> float:
    """Return 1 + Σ of products of n ÷ (n + 1) · cos², one factor more in each term."""
    term = total = 1.0
    for numerator in numerators:
        term *= numerator / (numerator + 1) * cosine**2
        total += term
    return total
