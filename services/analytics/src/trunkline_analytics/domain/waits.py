"""Figures of a list of waits. Must not: know where they come from."""

from collections.abc import Sequence
from math import ceil
from typing import TypeVar

V = TypeVar("V", int, float)


def find_quantile(values: Sequence[V], share: float) -> V | None:
    """Return the smallest value that at least `share` (0–1) of the values do not exceed; None for none.

    This is the nearest rank: always one of the values, never something between two. Share 0 gives the smallest.

    Raises: ValueError for a share outside 0–1.
    """
    if not 0 <= share <= 1:
        raise ValueError("a share must be between 0 and 1")
    if not values:
        return None
    rank = max(1, ceil(round(share * len(values), 9)))  # 0.07 × 100 is 7.000000000000001
    return sorted(values)[rank - 1]


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean, None for no values."""
    return sum(values) / len(values) if values else None


def share_within(values: Sequence[float], limit: float) -> float | None:
    """Return the share (0–1) of values ≤ `limit`, None for no values."""
    return sum(value <= limit for value in values) / len(values) if values else None
