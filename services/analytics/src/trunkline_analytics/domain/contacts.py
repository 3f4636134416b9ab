"""Figures of contacts, which may have stayed in several queues. Sums over queues count segments, these count contacts.

Must not: know queues' policies or callbacks' attempts; who was reached by a callback is told.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta

from trunkline_core.replacing import replace

from trunkline_analytics.domain.segments import Outcome, QueueSegment


def tenant_answer_rate(
    segments: Iterable[QueueSegment], reached_by_callback: Collection[str] = frozenset()
) -> float | None:
    """Return the 接通率: contacts connected to a person at least once ÷ those that wanted one; None for none.

    Left out below are contacts never connected that still wait or whose last stay was a short abandonment.

    Args:
        segments: all queue segments of the contacts.
        reached_by_callback: ids of contacts whose customer was reached when called back.
    """
    connected = wanted = 0
    for contact_id, stays in stays_by_contact(segments).items():
        is_connected = contact_id in reached_by_callback or any(stay.outcome is Outcome.ANSWERED for stay in stays)
        connected += is_connected
        wanted += is_connected or stays[-1].outcome not in (None, Outcome.SHORT_ABANDONED)
    return connected / wanted if wanted else None


def contact_waits(segments: Iterable[QueueSegment]) -> dict[str, timedelta]:
    """Return the wait of each connected contact: all its stays up to and with the one that was answered first."""
    contacts = contacts_as_segments(segments, timedelta())
    answered = (contact for contact in contacts if contact.outcome is Outcome.ANSWERED)
    return {contact.contact_id: contact.ended_wait or timedelta() for contact in answered}


def contacts_as_segments(segments: Iterable[QueueSegment], short_abandon_below: timedelta) -> list[QueueSegment]:
    """Return each contact as one segment, so that figures of segments count it once, whichever way it took.

    It opens in its first queue with its first stay and ends as answered, or as its last stay did; what comes after the
    first answer is no wait of it. Its wait is that of its stays up to there.

    Args:
        segments: all queue segments of the contacts.
        short_abandon_below: an abandonment is short by the wait of the whole contact, not by what a queue says.
    """
    return [_as_segment(stays, short_abandon_below) for stays in stays_by_contact(segments).values()]


def _as_segment(stays: Sequence[QueueSegment], short_abandon_below: timedelta) -> QueueSegment:
    first, last = stays[0], next((stay for stay in stays if stay.outcome is Outcome.ANSWERED), stays[-1])
    if last.outcome is None:
        return replace(first, outcome=None, closed_at=None)
    wait = sum((stay.ended_wait or timedelta() for stay in stays[: stays.index(last) + 1]), timedelta())
    outcome = last.outcome
    if outcome in (Outcome.ABANDONED, Outcome.SHORT_ABANDONED):
        outcome = Outcome.SHORT_ABANDONED if wait < short_abandon_below else Outcome.ABANDONED
    return replace(first, outcome=outcome, closed_at=first.opened_at + wait)


def stays_by_contact(segments: Iterable[QueueSegment]) -> Mapping[str, list[QueueSegment]]:
    """Return each contact's segments in the order of their numbers."""
    stays: dict[str, list[QueueSegment]] = defaultdict(list)
    for segment in sorted(segments, key=lambda segment: segment.segment_no):
        stays[segment.contact_id].append(segment)
    return stays
