"""Overflow: contacts flow out of a queue in which they wait for too long (rule 12).

Owns: when it begins and which contacts go. One timer a queue: it is due when the oldest contact would have waited for
long enough, so that it is looked at most about once in that time.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice, takewhile

from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.routing import Overflow
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, moves, policy, timing
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.events import Event, OverflowChecked
from trunkline_acd.domain.queues import Queue
from trunkline_acd.domain.state import AcdState, Domain


def check_overflow(state: AcdState, command: commands.CheckOverflow, context: Context) -> Iterator[Event]:
    """Let a bounded number of contacts flow out, the oldest first, once the oldest has waited for long enough."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.overflow_key(context.tenant, command.queue_id), context):
        return
    queue = domain.queue(command.queue_id)
    overflow = queue.definition.overflow
    if overflow is None:
        yield OverflowChecked(queue.queue_id, False, None)
        return
    moved = 0
    for contact in _going(domain, queue, overflow, queue.is_overflowing, context.now):
        if target := moves.open_queue(domain, contact, overflow.next_queue_id, context.now):
            yield moves.flowed_out(contact, target.queue_id, context.now)
            yield from moves.enter(domain, contact, target, context)
            moved += 1
    yield _checked(domain, domain.queue(command.queue_id), overflow, moved, context.now)


def apply_checked(state: AcdState, event: OverflowChecked, context: Context) -> None:
    """Remember whether more must flow out, and when to look again."""
    domain = state.domain(context.tenant)
    domain.queues.put(event.queue_id, replace(domain.queue(event.queue_id), is_overflowing=event.overflowing))
    _set_timer(state, context.tenant, event.queue_id, event.next_check_time)


def note_waiting(state: AcdState, tenant: str, contact: Contact) -> None:
    """Start to look after a queue in which a contact waits; a call-back stays where it was promised."""
    if contact.callback:
        return
    overflow = state.domain(tenant).queue(contact.queue_id).definition.overflow
    if overflow and state.timers.get(timing.overflow_key(tenant, contact.queue_id)) is None:
        _set_timer(state, tenant, contact.queue_id, contact.entered_time + overflow.begin_wait_duration)


def note_definition(state: AcdState, tenant: str, queue_id: str) -> None:
    """Look after those who wait under the new definition."""
    domain = state.domain(tenant)
    overflow, oldest = domain.queue(queue_id).definition.overflow, domain.ages.first(queue_id)
    begins = domain.contact(oldest[-1]).entered_time + overflow.begin_wait_duration if overflow and oldest else None
    _set_timer(state, tenant, queue_id, begins)


def _going(domain: Domain, queue: Queue, overflow: Overflow, has_begun: bool, now: datetime) -> list[Contact]:
    """Return who flows out now: none before the oldest has waited for `begin`, then whoever has waited for `end`."""
    waiting = (domain.contact(entry[-1]) for entry in domain.ages.entries(queue.queue_id))
    long_enough = takewhile(lambda contact: now - contact.entered_time >= overflow.end_wait_duration, waiting)
    going = list(islice(long_enough, policy.LEAVING_PER_COMMAND))
    has_begun |= bool(going) and now - going[0].entered_time >= overflow.begin_wait_duration
    return going if has_begun else []


def _checked(domain: Domain, queue: Queue, overflow: Overflow, moved: int, now: datetime) -> OverflowChecked:
    oldest = domain.ages.first(queue.queue_id)
    if oldest is None:
        return OverflowChecked(queue.queue_id, False, None)
    if _going(domain, queue, overflow, queue.is_overflowing or moved > 0, now):
        pause = policy.NEXT_LEAVING if moved else policy.OVERFLOW_RETRY
        return OverflowChecked(queue.queue_id, True, now + pause)
    begins = domain.contact(oldest[-1]).entered_time + overflow.begin_wait_duration
    return OverflowChecked(queue.queue_id, False, begins)


def _set_timer(state: AcdState, tenant: str, queue_id: str, due: datetime | None) -> None:
    key = timing.overflow_key(tenant, queue_id)
    if due:
        state.timers.set(Timer(key, due, tenant, commands.CheckOverflow(queue_id)))
    else:
        state.timers.cancel(key)
