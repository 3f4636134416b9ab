"""Nothing appears from nowhere and nothing vanishes: both equations of the metric definitions, per queue and interval.

By outcome interval:  W_begin + E = A + B + Bs + F + C + L + X + W_end
By arrival cohort:    E = A + B + Bs + F + C + L + X + W_now

E and the outcomes are plain counts of facts. W is never derived from these counts: it is the size of the set of open
segments, so a segment that opened or ended twice, ended without opening or ended in another queue breaks an equation.
What the set cannot see is compared with others' words: how many the router says are waiting, at the end and (where
told) at each border, and which contacts are over although one of their segments is open.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from trunkline_analytics.domain.intervals import Interval, cut_evenly
from trunkline_analytics.domain.segments import Fact, SegmentClosed, SegmentKey, SegmentOpened


class Equation(StrEnum):
    """What did not come out even."""

    OUTCOME_INTERVAL = "outcome_interval"
    ARRIVAL_COHORT = "arrival_cohort"
    WAITING_AT_BORDER = "waiting_at_border"
    WAITING_NOW = "waiting_now"
    CONTACT_IS_OVER = "contact_is_over"


@dataclass(frozen=True, slots=True)
class WaitingSeen:
    """How many contacts the router says are in a queue, ringing ones included, after everything up to `at`.

    `position` orders what has the same time, for example the offset of the source.
    """

    queue_id: str
    at: datetime
    waiting: int
    position: int = 0


Told = TypeVar("Told", SegmentOpened | SegmentClosed, WaitingSeen)


@dataclass(frozen=True, slots=True)
class Imbalance:
    """One broken equation; `interval_start` is None where it is about now. `difference` is left minus right, not 0."""

    equation: Equation
    queue_id: str
    interval_start: datetime | None
    difference: int


def conservation_error(
    facts: Sequence[Fact],
    waiting_now: Mapping[str, int],
    start: datetime,
    length: timedelta,
    *,
    seen: Sequence[WaitingSeen] = (),
    closed_contacts: Collection[str] = frozenset(),
) -> int:
    """Return the sum of absolute differences over all queues and intervals of one length; 0 when all hold.

    Args:
        facts: all facts since nobody waited, in any order.
        waiting_now: contacts waiting at the end, by queue, as the live tables show them.
        start: where the first interval begins; what is told to be earlier counts in it.
        length: of one interval.
        seen: what the router said of its queues at other times, in any order; none: not compared.
        closed_contacts: ids of contacts that are over.
    """
    until = max((fact.at for fact in facts), default=start)
    intervals = cut_evenly(start, until, length)
    found = find_imbalances(facts, waiting_now, intervals, seen=seen, closed_contacts=closed_contacts)
    return sum(abs(imbalance.difference) for imbalance in found)


def find_imbalances(
    facts: Sequence[Fact],
    waiting_now: Mapping[str, int],
    intervals: Sequence[Interval],
    *,
    seen: Sequence[WaitingSeen] = (),
    closed_contacts: Collection[str] = frozenset(),
) -> list[Imbalance]:
    """Return every broken equation, by queue. Arguments as in `conservation_error`.

    Args:
        intervals: adjoining, in order, at least one; the last one must reach to now.
    """
    seen_in = _by_queue(seen)
    facts_in = _by_queue(facts)
    return [
        imbalance
        for queue_id in sorted(facts_in.keys() | waiting_now.keys() | seen_in.keys())
        for imbalance in _QueueBook(queue_id, facts_in[queue_id], intervals).imbalances(
            waiting_now.get(queue_id, 0), seen_in[queue_id], closed_contacts
        )
        if imbalance.difference
    ]


class _QueueBook:
    """One queue: counts per interval beside the set of open segments."""

    def __init__(self, queue_id: str, facts: Iterable[Fact], intervals: Sequence[Interval]) -> None:
        self._queue_id = queue_id
        self._intervals = intervals
        self._starts = [interval.start for interval in intervals]
        self._facts = sorted(facts, key=lambda fact: (fact.at, isinstance(fact, SegmentClosed)))
        self._opened_in: dict[SegmentKey, int] = {}
        for fact in self._facts:
            if isinstance(fact, SegmentOpened):
                self._opened_in.setdefault(fact.key, self._index(fact.at))
        self._open: set[SegmentKey] = set()
        self._open_at_end_of = list(self._fold())

    def imbalances(
        self, waiting_now: int, seen: Sequence[WaitingSeen], closed_contacts: Collection[str]
    ) -> Iterator[Imbalance]:
        """Yield all comparisons, even ones too."""
        opened = Counter(self._index(fact.at) for fact in self._facts if isinstance(fact, SegmentOpened))
        ended = Counter(self._index(fact.at) for fact in self._facts if isinstance(fact, SegmentClosed))
        ended_of = Counter(self._cohort(fact) for fact in self._facts if isinstance(fact, SegmentClosed))
        waiting_of = Counter(self._opened_in[key] for key in self._open)
        before = 0
        for index, after in enumerate(self._open_at_end_of):
            by_outcome = before + opened[index] - ended[index] - after
            yield self._imbalance(Equation.OUTCOME_INTERVAL, by_outcome, index)
            by_cohort = opened[index] - ended_of[index] - waiting_of[index]
            yield self._imbalance(Equation.ARRIVAL_COHORT, by_cohort, index)
            before = after
        yield from self._compare_borders(seen)
        yield self._imbalance(Equation.WAITING_NOW, len(self._open) - waiting_now)
        over = sum(contact_id in closed_contacts for contact_id, _ in self._open)
        yield self._imbalance(Equation.CONTACT_IS_OVER, over)

    def _fold(self) -> Iterator[int]:
        """Yield how many segments are open at the end of each interval; leaves those open now in `_open`."""
        position = 0
        for index in range(len(self._intervals)):
            while position < len(self._facts) and self._index(self._facts[position].at) <= index:
                self._take(self._facts[position])
                position += 1
            yield len(self._open)

    def _take(self, fact: Fact) -> None:
        if isinstance(fact, SegmentOpened):
            self._open.add(fact.key)
        else:
            self._open.discard(fact.key)

    def _compare_borders(self, seen: Sequence[WaitingSeen]) -> Iterator[Imbalance]:
        if not seen:
            return
        words = sorted(seen, key=lambda word: (word.at, word.position))
        for index, interval in enumerate(self._intervals):
            known = bisect_left(words, interval.end, key=lambda word: word.at)
            said = words[known - 1].waiting if known else 0
            yield self._imbalance(Equation.WAITING_AT_BORDER, self._open_at_end_of[index] - said, index)

    def _index(self, at: datetime) -> int:
        return max(0, bisect_right(self._starts, at) - 1)

    def _cohort(self, fact: Fact) -> int:
        """Return the interval in which the segment opened; an end without an opening stays where it happened."""
        opened_in = self._opened_in.get(fact.key)
        return self._index(fact.at) if opened_in is None else opened_in

    def _imbalance(self, equation: Equation, difference: int, index: int | None = None) -> Imbalance:
        start = None if index is None else self._intervals[index].start
        return Imbalance(equation, self._queue_id, start, difference)


def _by_queue(items: Iterable[Told]) -> dict[str, list[Told]]:
    found: dict[str, list[Told]] = defaultdict(list)
    for item in items:
        found[item.queue_id].append(item)
    return found
