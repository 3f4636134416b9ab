"""Service level, rates and waits of a queue; the variant is part of the name (metric definitions, version 1).

Must not: count contacts; a contact that was in two queues is two segments here.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from trunkline_analytics.domain.definitions import ServiceLevelVariant
from trunkline_analytics.domain.segments import Outcome, QueueSegment
from trunkline_analytics.domain.waits import find_quantile, mean


@dataclass(frozen=True, slots=True)
class ServiceLevels:
    """Shares 0–1; None where nothing is to be divided by."""

    sl1: float | None
    sl2: float | None
    sl3: float | None

    def named(self, variant: ServiceLevelVariant) -> float | None:
        """Return one of them."""
        match variant:
            case ServiceLevelVariant.SL1:
                return self.sl1
            case ServiceLevelVariant.SL2:
                return self.sl2
            case ServiceLevelVariant.SL3:
                return self.sl3
            case _:
                assert_never(variant)


@dataclass(frozen=True, slots=True)
class QueueWaits:
    """Waits in seconds, ringing included; None for no segments of that kind.

    Attributes:
        asa_s: mean of the answered (average speed of answer).
        p50_s: of the answered, like p80_s and p95_s; nearest rank.
        mean_abandoned_s: mean of the abandoned, short ones left out.
    """

    asa_s: float | None
    p50_s: float | None
    p80_s: float | None
    p95_s: float | None
    mean_abandoned_s: float | None


def service_levels(segments: Iterable[QueueSegment], within: timedelta, now: datetime) -> ServiceLevels:
    """Return SL1, SL2 and SL3 for the threshold `within`.

    Still waiting ≤ threshold are left out, still waiting longer are misses M; B excludes short abandons.
    """
    rows = list(segments)
    answered = [row for row in rows if row.outcome is Outcome.ANSWERED]
    abandoned = [row for row in rows if row.outcome is Outcome.ABANDONED]
    waiting = [row for row in rows if row.outcome is None]
    quick_answers = sum(row.wait(now) <= within for row in answered)
    quick_abandons = sum(row.wait(now) <= within for row in abandoned)
    fresh = sum(row.wait(now) <= within for row in waiting)
    counted = len(answered) + len(abandoned) + len(waiting) - fresh
    short = sum(row.outcome is Outcome.SHORT_ABANDONED for row in rows)
    flowed = sum(row.outcome is Outcome.FLOWED_OUT for row in rows)
    return ServiceLevels(
        sl1=_share(quick_answers, counted),
        sl2=_share(quick_answers, len(rows) - short - flowed - fresh),
        sl3=_share(quick_answers + quick_abandons, counted),
    )


def queue_waits(segments: Iterable[QueueSegment]) -> QueueWaits:
    """Return the waits of the segments that ended."""
    waits: dict[Outcome, list[float]] = defaultdict(list)
    for segment in segments:
        if segment.outcome is not None and segment.ended_wait is not None:
            waits[segment.outcome].append(segment.ended_wait.total_seconds())
    answered = waits[Outcome.ANSWERED]
    p50, p80, p95 = (find_quantile(answered, share) for share in (0.5, 0.8, 0.95))
    return QueueWaits(mean(answered), p50, p80, p95, mean(waits[Outcome.ABANDONED]))


def answer_rate(outcomes: Sequence[Outcome]) -> float | None:
    """Return the queue answer rate A ÷ (A + B + L + X), None for none."""
    return _rate(outcomes, Outcome.ANSWERED)


def abandon_rate(outcomes: Sequence[Outcome]) -> float | None:
    """Return the abandon rate B ÷ (A + B + L + X), None for none."""
    return _rate(outcomes, Outcome.ABANDONED)


def _rate(outcomes: Sequence[Outcome], wanted: Outcome) -> float | None:
    counts = Counter(outcomes)
    base = (Outcome.ANSWERED, Outcome.ABANDONED, Outcome.LIMIT_REACHED, Outcome.CLOSED_BY_SYSTEM)
    return _share(counts[wanted], sum(counts[outcome] for outcome in base))


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
