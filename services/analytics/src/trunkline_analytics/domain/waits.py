"""Figures of a list of waits. Must not: know where they come from."""

from collections.abc import Sequence
from math import ceil
from typing import TypeVar

V = TypeVar("V", int, float)


def find_quantile(values: Sequence[V], share: float) -> V | None:
    """Return the smallest value that at least `share` (0–1) of the values do not exceed; None for none."""
    if not values:
        return None
    rank = max(1, ceil(share * len(values)))
    return sorted(values)[rank - 1]


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean, None for no values."""
    return sum(values) / len(values) if values else None


def share_within(values: Sequence[float], limit: float) -> float | None:
    """Return the share (0–1) of values ≤ `limit`, None for no values."""
    return sum(value <= limit for value in values) / len(values) if values else None
