"""Nothing appears from nowhere and nothing vanishes: both equations of the metric definitions, per queue and interval.

By outcome interval:  W_begin + E = A + B + Bs + F + C + L + X + W_end
By arrival cohort:    E = A + B + Bs + F + C + L + X + W_now
E and the outcomes are counted from the facts; W is counted apart, from the set of contacts that are waiting. So an
ending without an opening, a second ending, or a contact that vanished without an ending each break an equation.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from trunkline_analytics.domain.segments import Fact, SegmentClosed, SegmentOpened

Cell = tuple[str, int]


def conservation_error(
    facts: Sequence[Fact], waiting_now: Mapping[str, int], start: datetime, length: timedelta
) -> int:
    """Return the sum of absolute differences of both equations over all queues and intervals; 0 when all hold.

    Args:
        facts: all facts since nobody waited, in any order.
        waiting_now: contacts waiting at the end, by queue, as the live tables show them.
        start: where the first interval begins; nothing happened before.
        length: of one interval.
    """
    opened = Counter(
        (fact.queue_id, _index(fact.at, start, length)) for fact in facts if isinstance(fact, SegmentOpened)
    )
    closed = Counter(
        (fact.queue_id, _index(fact.at, start, length)) for fact in facts if isinstance(fact, SegmentClosed)
    )
    queues = {fact.queue_id for fact in facts} | set(waiting_now)
    last = max((index for _, index in [*opened, *closed]), default=0)
    by_outcome = sum(
        _outcome_error(queue, opened, closed, _waiting_at_borders(facts, queue, start, length, last))
        for queue in queues
    )
    at_the_end = sum(
        abs(sum(_of(opened, queue)) - sum(_of(closed, queue)) - waiting_now.get(queue, 0)) for queue in queues
    )
    return by_outcome + at_the_end + _cohort_error(facts, start, length)


def _index(at: datetime, start: datetime, length: timedelta) -> int:
    return max(0, (at - start) // length)


def _of(counts: Counter[Cell], queue: str) -> Iterable[int]:
    return (number for (name, _), number in counts.items() if name == queue)


def _outcome_error(queue: str, opened: Counter[Cell], closed: Counter[Cell], waiting: Sequence[int]) -> int:
    return sum(
        abs(waiting[index] + opened[queue, index] - closed[queue, index] - waiting[index + 1])
        for index in range(len(waiting) - 1)
    )


def _waiting_at_borders(facts: Sequence[Fact], queue: str, start: datetime, length: timedelta, last: int) -> list[int]:
    """Return how many different contacts wait at each border, from the set of those who are in the queue."""
    ordered = sorted(
        (fact for fact in facts if fact.queue_id == queue), key=lambda fact: (fact.at, isinstance(fact, SegmentClosed))
    )
    inside: set[tuple[str, int]] = set()
    waiting = [0] * (last + 2)
    position = 0
    for border in range(1, last + 2):
        while position < len(ordered) and _index(ordered[position].at, start, length) < border:
            fact = ordered[position]
            inside.add(fact.key) if isinstance(fact, SegmentOpened) else inside.discard(fact.key)
            position += 1
        waiting[border] = len(inside)
    return waiting


def _cohort_error(facts: Sequence[Fact], start: datetime, length: timedelta) -> int:
    """Count per cohort: each opened segment ends at most once, and each ending belongs to an opening."""
    opened = Counter(fact.key for fact in facts if isinstance(fact, SegmentOpened))
    closed = Counter(fact.key for fact in facts if isinstance(fact, SegmentClosed))
    return sum(max(0, closed[key] - 1) + max(0, opened[key] - 1) for key in opened | closed) + sum(
        number for key, number in closed.items() if key not in opened
    )
