"""Figures of contacts, which may have stayed in several queues. Sums over queues count segments, these count contacts.

Must not: know queues' policies or callbacks' attempts; who was reached by a callback is told.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta

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
    waits: dict[str, timedelta] = {}
    for contact_id, stays in stays_by_contact(segments).items():
        total = timedelta()
        for stay in stays:
            total += stay.ended_wait or timedelta()
            if stay.outcome is Outcome.ANSWERED:
                waits[contact_id] = total
                break
    return waits


def stays_by_contact(segments: Iterable[QueueSegment]) -> Mapping[str, list[QueueSegment]]:
    """Return each contact's segments in the order of their numbers."""
    stays: dict[str, list[QueueSegment]] = defaultdict(list)
    for segment in sorted(segments, key=lambda segment: segment.segment_no):
        stays[segment.contact_id].append(segment)
    return stays
