"""Cutting time into intervals: minutes of a tenant's local day, or a plain length.

All borders are aware UTC, so lengths are real time on days when clocks change: such a day has 92 or 100 quarters (94 or
98 where they move by half an hour). Must not: know what happens in an interval.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

LENGTHS_MINUTES = (15, 30)
NOTHING = timedelta()


@dataclass(frozen=True, slots=True)
class Interval:
    """The time in [start, end); both aware UTC."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        return self.start <= at < self.end

    def overlap(self, start: datetime, end: datetime) -> timedelta:
        """Return how much of [start, end) lies in the interval."""
        return max(NOTHING, min(self.end, end) - max(self.start, start))


def cut_evenly(start: datetime, until: datetime, length: timedelta) -> tuple[Interval, ...]:
    """Return intervals of one length from `start` on, the last one containing `until`.

    Raises: ValueError for a length that is not positive.
    """
    if length <= NOTHING:
        raise ValueError("an interval must have a positive length")
    number = max(0, (until - start) // length) + 1
    return tuple(_pairs([start + length * index for index in range(number + 1)]))


def cut_day(day: date, time_zone: str, minutes: int) -> tuple[Interval, ...]:
    """Return the intervals of a local day, from its first moment to the first moment of the next day.

    Args:
        day: of the tenant's calendar; a day that a zone skipped has no interval.
        time_zone: IANA name.
        minutes: of one interval, one of `LENGTHS_MINUTES`; the last is shorter where clocks move by less.

    Raises: ValueError for another length.
    """
    if minutes not in LENGTHS_MINUTES:
        raise ValueError(f"an interval must have {' or '.join(map(str, LENGTHS_MINUTES))} minutes")
    start, end = first_moment(day, time_zone), first_moment(day + timedelta(days=1), time_zone)
    length = timedelta(minutes=minutes)
    starts = [start + length * index for index in range(-((start - end) // length))]
    return tuple(_pairs([*starts, end])) if starts else ()


def interval_at(at: datetime, time_zone: str, minutes: int) -> Interval:
    """Return the interval of the local day that contains `at` (aware)."""
    day = at.astimezone(ZoneInfo(time_zone)).date()
    start, end = first_moment(day, time_zone), first_moment(day + timedelta(days=1), time_zone)
    length = timedelta(minutes=minutes)
    found = start + length * ((at - start) // length)
    return Interval(found, min(found + length, end))


def first_moment(day: date, time_zone: str) -> datetime:
    """Return when a local day begins, in UTC.

    Midnight that is skipped means the moment of the jump, midnight that comes twice its first time: both are what
    `fold=0` of PEP 495 gives.
    """
    return datetime.combine(day, time(fold=0), ZoneInfo(time_zone)).astimezone(UTC)


def _pairs(borders: list[datetime]) -> Iterator[Interval]:
    return (Interval(start, end) for start, end in pairwise(borders))
