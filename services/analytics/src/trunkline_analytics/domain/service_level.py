"""Service level and the rates beside it; the variant is part of the name (metric definitions, version 1)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline_analytics.domain.segments import Outcome, QueueSegment


@dataclass(frozen=True, slots=True)
class ServiceLevels:
    """Shares 0–1; None where nothing is to be divided by."""

    sl1: float | None
    sl2: float | None
    sl3: float | None


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
