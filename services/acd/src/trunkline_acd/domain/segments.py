"""Queue segments and agent segments: a contact enters once, and leaves once with one outcome.

Owns: what an end means in each stage, and that nothing of an ended contact stays booked.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from trunkline_core import ids
from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.replacing import replace
from trunkline_core.routing import check_choices

from trunkline_acd.domain import (
    affinity,
    callbacks,
    commands,
    consultations,
    entering,
    handouts,
    limits,
    moves,
    offers,
    overflows,
    rings,
    timing,
    tombstones,
    transfers,
    vips,
    waits,
    wrap_ups,
)
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.definitions import Channel, check_id, check_permille, check_requirements
from trunkline_acd.domain.events import ContactEnqueued, Event, SegmentEnded
from trunkline_acd.domain.queues import Queue, with_entry, with_outcome
from trunkline_acd.domain.skills import RequirementSet, choices_in, needs_in, requirement_set, requirements_in
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.steps import is_repeated
from trunkline_acd.domain.words import CallbackOutcome, ConsultationEndReason, SegmentOutcome, Trigger


class EndReason(StrEnum):
    """Why a contact is over, as channels says it."""

    CUSTOMER_LEFT = "customer_left"
    PEER_LOST = "peer_lost"
    AGENT_ENDED = "agent_ended"
    RECONCILED = "reconciled"
    SYSTEM = "system"


_LEFT = frozenset({EndReason.CUSTOMER_LEFT, EndReason.PEER_LOST})
_REASONS = frozenset(EndReason)


def enqueue(domain: Domain, command: commands.EnqueueContact, context: Context) -> Iterator[Event]:
    """A contact wants a person: it waits, and rings at once where somebody is free."""
    _check_entry(command)
    if command.contact_id in domain.tombstones:
        raise Rejection("ContactAlreadyEnded")
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    if command.contact_id in domain.contacts:
        raise Rejection("ContactAlreadyQueued")
    own = requirement_set(command.requirements, command.choices)
    queue = _queue_for(domain, command, own, context.now)
    requirements = needs_in(queue.definition, own)
    entered = ContactEnqueued(
        contact_id=command.contact_id,
        step_no=command.step_no,
        queue_id=queue.queue_id,
        segment_no=1,
        channel=command.channel,
        value_permille=command.value_permille,
        urgency_permille=command.urgency_permille,
        requirements=requirements_in(requirements),
        rings=rings.rings_of(queue.definition, requirements),
        own_requirements=requirements_in(own),
        customer_id=command.customer_id,
        choices=choices_in(requirements),
        own_choices=choices_in(own),
        preferred_agent_id=command.preferred_agent_id,
        preference=command.preference,
        held_until_time=affinity.held_until(
            domain, queue.definition, command.preferred_agent_id, command.channel, requirements, context.now
        ),
        unstaffed_queue_id="" if queue.queue_id == command.queue_id else command.queue_id,
    )
    yield from moves.let_in(domain, entered, Trigger.CONTACT_ARRIVED, context)


def end(domain: Domain, command: commands.EndContact, context: Context) -> Iterator[Event]:
    """The contact is over, whatever it was doing; an unknown one leaves a tombstone only."""
    check_id("contact_id", command.contact_id)
    if command.reason not in _REASONS:
        raise Invalid("reason", f"must be one of {', '.join(sorted(_REASONS))}")
    if is_repeated(domain, command.contact_id, command.step_no) or command.contact_id in domain.tombstones:
        return
    contact = domain.contacts.get(command.contact_id)
    if contact and contact.stage is Stage.CONNECTED:
        yield from consultations.over(contact, ConsultationEndReason.CONTACT_ENDED)
        yield wrap_ups.released(domain, contact, context)
    elif contact and contact.is_open and contact.callback:
        has_left = contact.callback.is_reached and command.reason in _LEFT
        outcome = CallbackOutcome.ABANDONED if has_left else CallbackOutcome.WITHDRAWN
        yield from callbacks.withdrawn(domain, contact, command.reason, context, outcome)
    elif contact and contact.is_open:
        yield from _end_segment(domain, contact, command.reason, context)
    yield from tombstones.forget(domain, command)
    if contact:
        asked = (contact.consultation.agent_id,) if contact.consultation else ()
        yield from handouts.serve_freed(domain, (*contact.agent_ids, *asked), Trigger.AGENT_BECAME_FREE, context)


def apply_enqueued(state: AcdState, event: ContactEnqueued, context: Context) -> None:
    """Put the contact in its line."""
    domain = state.domain(context.tenant)
    queue, known = domain.queue(event.queue_id), domain.contacts.get(event.contact_id)
    domain.queues.put(event.queue_id, with_entry(queue, callback=event.callback))
    order = known.order if known and event.callback else domain.next_number("order")
    contact = entering.contact_of(domain, event, order, context.now)
    domain.put_contact(contact)
    rings.set_timer(state, context.tenant, contact)
    limits.set_timer(state, context.tenant, contact)
    affinity.set_timer(state, context.tenant, event)
    transfers.set_timer(state, context.tenant, event)
    overflows.note_waiting(state, context.tenant, contact)
    callbacks.set_timer(state, context.tenant, contact)


def apply_segment_ended(state: AcdState, event: SegmentEnded, context: Context) -> None:
    """Take the contact out of its line and count the outcome."""
    waits.follow(state, event, context)
    domain = state.domain(context.tenant)
    contact = domain.contact(event.contact_id)
    timing.cancel_waiting(state, context.tenant, contact)
    domain.put_contact(replace(contact, stage=Stage.ENDED, excluded=frozenset(), held_for=""))
    queue = domain.queue(event.queue_id)
    domain.queues.put(event.queue_id, with_outcome(queue, event.outcome, event.wait_duration))
    vips.count_wait(domain, contact, context.now)


def _queue_for(domain: Domain, command: commands.EnqueueContact, own: RequirementSet, now: datetime) -> Queue:
    """Return the queue that takes the contact in: the next one, where nobody has been signed in for too long (rule 16).

    Raises: Rejection, naming what keeps it out of the queue that it was sent to.
    """
    queue = domain.queue(command.queue_id)
    limit = queue.definition.unstaffed
    following = domain.queues.get(limit.next_queue_id) if limit and queue.is_cleared(now) else None
    if following and _takes(domain, following, own, command.customer_id, now):
        return following
    moves.check_entry(domain, queue, own, command.customer_id, now)
    return queue


def _takes(domain: Domain, queue: Queue, own: RequirementSet, customer_id: str, now: datetime) -> bool:
    try:
        moves.check_entry(domain, queue, own, customer_id, now)
    except Rejection:
        return False
    return True


def _end_segment(domain: Domain, contact: Contact, reason: str, context: Context) -> Iterator[Event]:
    yield from offers.rescinded(contact)
    wait = context.now - contact.entered_time
    short = domain.queue(contact.queue_id).definition.short_abandon_duration
    outcome = SegmentOutcome.CLOSED_BY_SYSTEM
    if reason in _LEFT:
        outcome = SegmentOutcome.SHORT_ABANDONED if wait < short else SegmentOutcome.ABANDONED
    yield SegmentEnded(contact.contact_id, contact.queue_id, contact.segment_no, outcome, wait)


def _check_entry(command: commands.EnqueueContact) -> None:
    """Raises: Invalid, which ends the contact: so a slash is refused in its own id alone, definitions may have one."""
    check_id("contact_id", command.contact_id)
    ids.check_id("queue_id", command.queue_id)
    if command.channel is Channel.UNSPECIFIED:
        raise Invalid("channel", "must be set")
    check_permille("value_permille", command.value_permille)
    check_permille("urgency_permille", command.urgency_permille)
    check_requirements("requirements", command.requirements)
    check_choices("choices", command.choices)
    if command.preferred_agent_id:
        ids.check_id("preferred_agent_id", command.preferred_agent_id)
    if command.customer_id:
        check_id("customer_id", command.customer_id)
