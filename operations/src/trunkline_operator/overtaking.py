"""Who went before whom: what a rule of priority costs those behind it (routing rule 8).

A caller is *overtaken* by one of the same queue who came later and was connected while the first still waited. Queues
are looked at one by one: whoever serves one caller of a queue could have served the other. Must not: know priorities.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from trunkline_acd.domain.words import SegmentOutcome
from trunkline_acd.simulation.calls import Stay

_SECOND = timedelta(seconds=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Overtaking:
    """What came of a run.

    Attributes:
        overtaken: callers whom at least one other overtook.
        largest_s: by how many seconds the later one came later, at most; 0 where nobody was overtaken.
    """

    overtaken: int
    largest_s: float


def overtaking(stays: Iterable[Stay]) -> Overtaking:
    """Return who was overtaken, in O(n log n)."""
    by_queue: dict[str, list[Stay]] = defaultdict(list)
    for stay in stays:
        by_queue[stay.queue_id].append(stay)
    found = [_in_queue(sorted(queue, key=lambda stay: stay.entered_time)) for queue in by_queue.values()]
    return Overtaking(sum(one.overtaken for one in found), max((one.largest_s for one in found), default=0.0))


def _in_queue(stays: Sequence[Stay]) -> Overtaking:
    entries = [stay.entered_time for stay in stays]
    latest_ends = list(accumulate((_end(stay) for stay in stays), max))
    largest = timedelta(0)
    for stay in stays:
        if stay.outcome is SegmentOutcome.ANSWERED:
            first = bisect_right(latest_ends, _end(stay))  # of those who wait on, whoever came first
            if first < len(stays):
                largest = max(largest, stay.entered_time - entries[first])
    return Overtaking(_count_overtaken(stays, entries), largest / _SECOND)


def _count_overtaken(stays: Sequence[Stay], entries: Sequence[datetime]) -> int:
    """Whoever waits on when the first of all who came later is connected was overtaken."""
    connections = [_end(stay) if stay.outcome is SegmentOutcome.ANSWERED else _NEVER for stay in stays]
    first_from = [*reversed(list(accumulate(reversed(connections), min))), _NEVER]
    return sum(first_from[bisect_right(entries, stay.entered_time)] < _end(stay) for stay in stays)


def _end(stay: Stay) -> datetime:
    return stay.entered_time + stay.wait
