"""How well estimated waits came true (metric definitions, version 1; routing rule 14).

Owns: which waits count: those of answered contacts alone, for nobody knows how long the others would have waited. Must
not: know how an estimate is made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from trunkline_analytics.domain.segments import Outcome, QueueSegment
from trunkline_analytics.domain.waits import mean


@dataclass(frozen=True, slots=True)
class EstimateQuality:
    """Of answered contacts that had been given an estimate; None where there were none.

    Attributes:
        with_estimate: how many.
        within_p80: share 0–1 that waited no longer than their P80; above 0.8 where many leave before they are answered.
        within_p50: share 0–1 that waited no longer than their P50.
        mean_error_s: mean of |wait − P50| in seconds.
    """

    with_estimate: int
    within_p80: float | None
    within_p50: float | None
    mean_error_s: float | None


def estimate_quality(segments: Iterable[QueueSegment]) -> EstimateQuality:
    """Compare what these contacts were told with what they lived through."""
    told = [
        (segment.estimate, segment.ended_wait)
        for segment in segments
        if segment.estimate and segment.ended_wait is not None and segment.outcome is Outcome.ANSWERED
    ]
    return EstimateQuality(
        with_estimate=len(told),
        within_p80=mean([wait <= estimate.p80 for estimate, wait in told]),
        within_p50=mean([wait <= estimate.p50 for estimate, wait in told]),
        mean_error_s=mean([abs(wait - estimate.p50) / timedelta(seconds=1) for estimate, wait in told]),
    )
