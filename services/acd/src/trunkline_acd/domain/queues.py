"""A queue's row: its definition in force and its figures, absolute since the ledger began.

Owns: that segments are conserved: entered = answered + abandoned + short abandoned + closed + limit reached +
flowed out + converted + waiting + ringing; and call-backs apart: opened = reached + unreached + open.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline_core.replacing import replace
from trunkline_core.routing import QueueDefinition

from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.words import SegmentOutcome


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue.

    Attributes:
        policy_version: counts the definitions of this queue: 1, 2, 3, … No version of a policy; explanations tell it
            only where the tenant has none (`Domain.policy_version`). Snapshots know it by this name, so it stays.
        ringing: contacts that ring at an agent or are being joined.
        clears_time: when those who wait leave because nobody is signed in; None while somebody is, or none is needed.
        is_overflowing: whether contacts flow out or another queue helps, until it is well below what began it.
        kept_back_wait: sum of the waits since a free agent was first kept back for VIP contacts.
        requirement_sets: distinct requirement sets of contacts with an open segment.
    """

    queue_id: str
    definition: QueueDefinition
    policy_version: int = 1
    waiting: int = 0
    ringing: int = 0
    connected: int = 0
    requirement_sets: int = 0
    entered_total: int = 0
    answered_total: int = 0
    abandoned_total: int = 0
    short_abandoned_total: int = 0
    closed_total: int = 0
    answered_wait: timedelta = timedelta(0)
    limit_reached_total: int = 0
    clears_time: datetime | None = None
    flowed_out_total: int = 0
    is_overflowing: bool = False
    kept_back_total: int = 0
    kept_back_wait: timedelta = timedelta(0)
    converted_total: int = 0
    callbacks_open: int = 0
    callbacks_opened_total: int = 0
    callbacks_reached_total: int = 0
    callbacks_unreached_total: int = 0

    def is_cleared(self, now: datetime) -> bool:
        """Tell whether nobody has been signed in for longer than the queue bears."""
        return self.clears_time is not None and self.clears_time <= now


def recounted(queue: Queue, before: Contact | None, after: Contact | None) -> Queue:
    """Return the row after one contact moved from stage to stage; None is outside."""
    return replace(
        queue,
        waiting=queue.waiting + _is_waiting(after) - _is_waiting(before),
        ringing=queue.ringing + _is_ringing(after) - _is_ringing(before),
        connected=queue.connected + _is_connected(after) - _is_connected(before),
        callbacks_open=queue.callbacks_open + _is_open_callback(after) - _is_open_callback(before),
    )


def with_entry(queue: Queue, *, callback: bool = False) -> Queue:
    """Count a segment that opened."""
    if callback:
        return replace(queue, callbacks_opened_total=queue.callbacks_opened_total + 1)
    return replace(queue, entered_total=queue.entered_total + 1)


def with_callback_end(queue: Queue, *, reached: bool) -> Queue:
    """Count a call-back that ended."""
    if reached:
        return replace(queue, callbacks_reached_total=queue.callbacks_reached_total + 1)
    return replace(queue, callbacks_unreached_total=queue.callbacks_unreached_total + 1)


def with_outcome(queue: Queue, outcome: SegmentOutcome, wait: timedelta) -> Queue:
    """Count a segment that ended."""
    match outcome:
        case SegmentOutcome.ANSWERED:
            answered_wait = queue.answered_wait + wait
            return replace(queue, answered_total=queue.answered_total + 1, answered_wait=answered_wait)
        case SegmentOutcome.ABANDONED:
            return replace(queue, abandoned_total=queue.abandoned_total + 1)
        case SegmentOutcome.SHORT_ABANDONED:
            return replace(queue, short_abandoned_total=queue.short_abandoned_total + 1)
        case SegmentOutcome.LIMIT_REACHED:
            return replace(queue, limit_reached_total=queue.limit_reached_total + 1)
        case SegmentOutcome.FLOWED_OUT:
            return replace(queue, flowed_out_total=queue.flowed_out_total + 1)
        case SegmentOutcome.CONVERTED_TO_CALLBACK:
            return replace(queue, converted_total=queue.converted_total + 1)
        case SegmentOutcome.CLOSED_BY_SYSTEM | SegmentOutcome.UNSPECIFIED:
            return replace(queue, closed_total=queue.closed_total + 1)


def _is_waiting(contact: Contact | None) -> bool:
    return contact is not None and contact.stage is Stage.WAITING and contact.callback is None


def _is_ringing(contact: Contact | None) -> bool:
    return contact is not None and contact.is_offer_live and contact.callback is None


def _is_connected(contact: Contact | None) -> bool:
    return contact is not None and contact.stage is Stage.CONNECTED


def _is_open_callback(contact: Contact | None) -> bool:
    return contact is not None and contact.is_open and contact.callback is not None


def with_kept_back(queue: Queue, wait: timedelta) -> Queue:
    """Count a segment that ended, with its wait since a free agent was first kept back from it."""
    total, waits = queue.kept_back_total + 1, queue.kept_back_wait + wait
    return replace(queue, kept_back_total=total, kept_back_wait=waits)
