"""A contact enters a queue: for the first time, or after another segment, with its age kept for priority.

Owns: what a new segment takes over from the one before, which queue may be entered, and what an entry leads to.
"""

from collections.abc import Iterator
from datetime import datetime

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace

from trunkline_acd.domain import entries, parked_chats, rings, waits
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.events import ContactEnqueued, Event, SegmentEnded
from trunkline_acd.domain.matching import offer_contact
from trunkline_acd.domain.queues import Queue
from trunkline_acd.domain.skills import RequirementSet, choices_in, needs_in, requirements_in
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.words import SegmentOutcome, Trigger


def open_queue(domain: Domain, contact: Contact, queue_id: str, now: datetime) -> Queue | None:
    """Return the queue if it takes the contact in now, else None: unknown, full, or with nobody signed in."""
    queue = domain.queues.get(queue_id)
    if queue is None:
        return None
    try:
        check_open(domain, contact, queue, now)
    except Rejection:
        return None
    return queue


def check_open(domain: Domain, contact: Contact, queue: Queue, now: datetime) -> None:
    """Raises: Rejection, naming why the queue does not take the contact in now."""
    inside = bool(contact.customer_id) and contact.queue_id == queue.queue_id and contact.callback is None
    check_entry(domain, queue, contact.own_requirements, contact.customer_id, now, inside=inside)


def check_entry(
    domain: Domain, queue: Queue, own: RequirementSet, customer_id: str, now: datetime, *, inside: bool = False
) -> None:
    """Raises: Rejection, naming what keeps such a contact out. `inside`: it counts in the queue already."""
    requirements = needs_in(queue.definition, own)
    entries.check_entry(domain, queue, requirements, customer_id, now, inside=inside)
    rings.rings_of(queue.definition, requirements)


def let_in(domain: Domain, entered: ContactEnqueued, trigger: Trigger, context: Context) -> Iterator[Event]:
    """Open the segment; the contact rings at once where somebody is free."""
    yield waits.with_estimate(domain, parked_chats.with_parking(domain, entered), context.now)
    yield from rings.skip_empty_rings(domain, domain.contact(entered.contact_id), 0)
    yield from offer_contact(domain, entered.contact_id, trigger, context)


def enter(domain: Domain, contact: Contact, queue: Queue, context: Context, home_queue_id: str = "") -> Iterator[Event]:
    """Let the contact go on in that queue, and perhaps come back from there (rule 12)."""
    entered = replace(next_segment(contact, queue), home_queue_id=home_queue_id)
    yield from let_in(domain, entered, Trigger.CONTACT_MOVED, context)


def flowed_out(contact: Contact, next_queue_id: str, now: datetime) -> SegmentEnded:
    """Return the end of the segment of a contact that waited and goes on in another queue."""
    return SegmentEnded(
        contact_id=contact.contact_id,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        outcome=SegmentOutcome.FLOWED_OUT,
        wait_duration=now - contact.entered_time,
        next_queue_id=next_queue_id,
    )


def next_segment(contact: Contact, queue: Queue) -> ContactEnqueued:
    """Return the entry into that queue of a contact that was in another one."""
    requirements = needs_in(queue.definition, contact.own_requirements)
    return ContactEnqueued(
        contact_id=contact.contact_id,
        step_no=contact.step_no,
        queue_id=queue.queue_id,
        segment_no=contact.segment_no + 1,
        channel=contact.channel,
        value_permille=contact.value_permille,
        urgency_permille=contact.urgency_permille,
        requirements=requirements_in(requirements),
        rings=rings.rings_of(queue.definition, requirements),
        aged_since_time=contact.aged_since_time,
        own_requirements=requirements_in(contact.own_requirements),
        customer_id=contact.customer_id,
        choices=choices_in(requirements),
        own_choices=choices_in(contact.own_requirements),
    )
