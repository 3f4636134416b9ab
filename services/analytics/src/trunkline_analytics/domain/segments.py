"""Queue segments: one stay of a contact in a queue, from the facts that opened and ended it.

A reader drops what it was told twice by the offset of the source; facts that repeat here all the same make one segment
and are a defect for `conservation`. Must not: know a topic, a store or a clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from trunkline_core.replacing import replace


class Outcome(Enum):
    """How a segment ended (metric definitions, version 1)."""

    ANSWERED = "A"
    ABANDONED = "B"
    SHORT_ABANDONED = "Bs"
    FLOWED_OUT = "F"
    CALLBACK = "C"
    LIMIT_REACHED = "L"
    CLOSED_BY_SYSTEM = "X"


SegmentKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class SegmentOpened:
    """A contact entered a queue. `segment_no` numbers the contact's segments."""

    contact_id: str
    segment_no: int
    queue_id: str
    at: datetime

    @property
    def key(self) -> SegmentKey:
        """What the fact is about."""
        return self.contact_id, self.segment_no


@dataclass(frozen=True, slots=True)
class SegmentClosed:
    """A contact left a queue."""

    contact_id: str
    segment_no: int
    queue_id: str
    at: datetime
    outcome: Outcome

    @property
    def key(self) -> SegmentKey:
        """What the fact is about."""
        return self.contact_id, self.segment_no


Fact = SegmentOpened | SegmentClosed


@dataclass(frozen=True, slots=True)
class WaitEstimate:
    """What a contact was told when it entered: half and 80 % of such contacts wait no longer."""

    p50: timedelta
    p80: timedelta


@dataclass(frozen=True, slots=True)
class QueueSegment:
    """One stay; `outcome` and `closed_at` are None while the contact waits, `estimate` where none was made."""

    contact_id: str
    segment_no: int
    queue_id: str
    opened_at: datetime
    outcome: Outcome | None = None
    closed_at: datetime | None = None
    estimate: WaitEstimate | None = None

    def wait(self, now: datetime) -> timedelta:
        """Return opened → ended, ringing included; until `now` while it waits."""
        return (self.closed_at or now) - self.opened_at

    @property
    def ended_wait(self) -> timedelta | None:
        """Opened → ended, None while it waits."""
        return None if self.closed_at is None else self.closed_at - self.opened_at


def assemble_segments(facts: Iterable[Fact]) -> list[QueueSegment]:
    """Return the segments of the facts, in order of opening; a close without an opening is left to `conservation`."""
    segments: dict[SegmentKey, QueueSegment] = {}
    for fact in facts:
        match fact:
            case SegmentOpened(contact_id, segment_no, queue_id, at):
                segments.setdefault(fact.key, QueueSegment(contact_id, segment_no, queue_id, at))
            case SegmentClosed(_, _, _, at, outcome):
                known = segments.get(fact.key)
                if known is not None and known.outcome is None:
                    segments[fact.key] = replace(known, outcome=outcome, closed_at=at)
    return list(segments.values())
