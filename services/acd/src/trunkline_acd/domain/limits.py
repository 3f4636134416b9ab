"""Limits of a queue: the longest wait, and nobody signed in (rule 16). What is refused at the entrance is in `entries`.

Owns: when a waiting contact must leave, and what comes next: another queue, or nothing. A contact that rings at its
limit may finish.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice

from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.routing import QueueDefinition
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, moves, policy, timing
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.events import (
    CallbackEnded,
    Event,
    LimitPassed,
    QueueStaffed,
    QueueUnstaffed,
    SegmentEnded,
    UnstaffedQueueCleared,
)
from trunkline_acd.domain.matching import offer_contact, offer_to_agent
from trunkline_acd.domain.skills import RequirementSet, needs_in, relaxed
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.words import CallbackOutcome, LimitKind, SegmentOutcome, Trigger


def reach_longest_wait(state: AcdState, command: commands.ReachLongestWait, context: Context) -> Iterator[Event]:
    """The contact leaves, or may finish what rings."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.longest_wait_key(context.tenant, command.contact_id), context):
        return
    contact = domain.contact(command.contact_id)
    if contact.is_offer_live:
        yield LimitPassed(contact.contact_id, contact.segment_no)
    else:
        yield from _leave(domain, contact, LimitKind.LONGEST_WAIT, context)


def take_back(domain: Domain, contact_id: str, trigger: Trigger, context: Context) -> Iterator[Event]:
    """Offer a contact again whose offer came to nothing; one that must not wait any more leaves."""
    contact = domain.contacts.get(contact_id)
    kind = _reached(domain, contact, context) if contact and contact.stage is Stage.WAITING else None
    if contact and kind:
        yield from _leave(domain, contact, kind, context)
    else:
        yield from offer_contact(domain, contact_id, trigger, context)


def rematch(domain: Domain, contact: Contact, agent_id: str, trigger: Trigger, context: Context) -> Iterator[Event]:
    """Offer the contact elsewhere at once, then the agent something else."""
    yield from take_back(domain, contact.contact_id, trigger, context)
    yield from offer_to_agent(domain, agent_id, trigger, context)


def note_staff(domain: Domain, context: Context) -> Iterator[Event]:
    """Notice which queues have nobody any more, or somebody again; to be asked when staff or a queue changed."""
    for queue in list(domain.queues.values()):
        limit = queue.definition.unstaffed
        is_served = limit is None or _is_staffed(domain, queue.definition)
        if limit and not is_served and queue.clears_time is None:
            yield QueueUnstaffed(queue.queue_id, context.now + limit.after_duration)
        elif is_served and queue.clears_time is not None:
            yield QueueStaffed(queue.queue_id)


def clear_unstaffed(state: AcdState, command: commands.ClearUnstaffedQueue, context: Context) -> Iterator[Event]:
    """Those who wait leave, the oldest first, a bounded number at a time."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.unstaffed_key(context.tenant, command.queue_id), context):
        return
    holding_on = chain(domain.ages.entries(command.queue_id), domain.reached.entries(command.queue_id))
    for _, contact_id in list(islice(holding_on, policy.LEAVING_PER_COMMAND)):
        yield from _leave(domain, domain.contact(contact_id), LimitKind.UNSTAFFED, context)
    yield UnstaffedQueueCleared(command.queue_id)


def apply_passed(state: AcdState, event: LimitPassed, context: Context) -> None:
    """Let the contact finish what rings, and nothing after it."""
    domain = state.domain(context.tenant)
    domain.put_contact(replace(domain.contact(event.contact_id), is_over_limit=True))
    state.timers.cancel(timing.longest_wait_key(context.tenant, event.contact_id))


def apply_unstaffed(state: AcdState, event: QueueUnstaffed, context: Context) -> None:
    """Start the time that is borne."""
    domain = state.domain(context.tenant)
    domain.queues.put(event.queue_id, replace(domain.queue(event.queue_id), clears_time=event.clears_time))
    key = timing.unstaffed_key(context.tenant, event.queue_id)
    state.timers.set(Timer(key, event.clears_time, context.tenant, commands.ClearUnstaffedQueue(event.queue_id)))


def apply_staffed(state: AcdState, event: QueueStaffed, context: Context) -> None:
    """Nobody has to leave any more."""
    domain = state.domain(context.tenant)
    domain.queues.put(event.queue_id, replace(domain.queue(event.queue_id), clears_time=None))
    state.timers.cancel(timing.unstaffed_key(context.tenant, event.queue_id))


def apply_cleared(state: AcdState, event: UnstaffedQueueCleared, context: Context) -> None:
    """Go on with those who are left; whoever rings now leaves when that comes to nothing."""
    key = timing.unstaffed_key(context.tenant, event.queue_id)
    domain = state.domain(context.tenant)
    if domain.queue(event.queue_id).waiting or domain.reached.size(event.queue_id):
        command = commands.ClearUnstaffedQueue(event.queue_id)
        state.timers.set(Timer(key, context.now + policy.NEXT_LEAVING, context.tenant, command))
    else:
        state.timers.cancel(key)


def set_timer(state: AcdState, tenant: str, contact: Contact) -> None:
    """Start the contact's longest wait."""
    if contact.longest_wait:
        due = contact.held_on_since + contact.longest_wait.after_duration
        command = commands.ReachLongestWait(contact.contact_id, contact.segment_no)
        state.timers.set(Timer(timing.longest_wait_key(tenant, contact.contact_id), due, tenant, command))


def _reached(domain: Domain, contact: Contact, context: Context) -> LimitKind | None:
    if contact.is_to_dial:  # nobody holds on: it is bound by its attempts alone
        return None
    if contact.is_over_limit:
        return LimitKind.LONGEST_WAIT
    return LimitKind.UNSTAFFED if domain.queue(contact.queue_id).is_cleared(context.now) else None


def _leave(domain: Domain, contact: Contact, kind: LimitKind, context: Context) -> Iterator[Event]:
    queue = domain.queue(contact.queue_id)
    limit = contact.longest_wait if kind is LimitKind.LONGEST_WAIT else queue.definition.unstaffed
    target = moves.open_queue(domain, contact, limit.next_queue_id, context.now) if limit else None
    next_queue_id = target.queue_id if target else ""
    yield _ended(contact, kind, next_queue_id, context.now)
    if target:
        yield from moves.enter(domain, contact, target, context)


def _ended(contact: Contact, kind: LimitKind, next_queue_id: str, now: datetime) -> SegmentEnded | CallbackEnded:
    """Return the end of its segment; one that was a call-back is none in another queue, where its customer waits."""
    wait = now - contact.entered_time
    if contact.callback is None:
        outcome = SegmentOutcome.LIMIT_REACHED
        place = (contact.contact_id, contact.queue_id, contact.segment_no)
        return SegmentEnded(*place, outcome, wait, kind, next_queue_id)
    return CallbackEnded(
        contact_id=contact.contact_id,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        outcome=CallbackOutcome.LIMIT_REACHED,
        reason="",
        wait_duration=wait,
        attempts=contact.callback.attempts,
        limit=kind,
        next_queue_id=next_queue_id,
    )


def _is_staffed(domain: Domain, queue: QueueDefinition) -> bool:
    """Tell whether somebody is signed in for the queue, or for the one that would help it out (rule 12)."""
    shares = queue.overflow is not None and queue.overflow.shares
    helping = domain.definition_of(queue.overflow.next_queue_id) if queue.overflow and shares else None
    return any(domain.is_staffed(_least_asked(served)) for served in (queue, helping) if served)


def _least_asked(queue: QueueDefinition) -> RequirementSet:
    """Return what the queue asks for after all its steps."""
    left = needs_in(queue, ())
    for step in queue.relaxation:
        left = relaxed(left, step)
    return left
