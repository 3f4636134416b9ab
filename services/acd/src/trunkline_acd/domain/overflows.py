"""Overflow: a queue in trouble gets help of another one (rule 12).

Owns: when it begins and ends, which contacts flow out and come back, and whose agents help out. One timer a queue: it
is due when the oldest contact would have waited for long enough, so that it is looked at most about once in that time;
other measures are looked at every few seconds while somebody waits, which costs less than at each event.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, takewhile

from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.routing import Overflow, OverflowMeasure
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, moves, policy, timing, waits
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.events import Event, OverflowChecked, SharingBegun, SharingEnded
from trunkline_acd.domain.queues import Queue
from trunkline_acd.domain.skills import needs_in
from trunkline_acd.domain.state import AcdState, Domain

_BY_WAIT = (OverflowMeasure.UNSPECIFIED, OverflowMeasure.LONGEST_WAIT)


def check_overflow(state: AcdState, command: commands.CheckOverflow, context: Context) -> Iterator[Event]:
    """Let a bounded number of contacts flow out or come back, the oldest first, or help begin or end."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.overflow_key(context.tenant, command.queue_id), context):
        return
    queue = domain.queue(command.queue_id)
    overflow = queue.definition.overflow
    if overflow is None:
        yield OverflowChecked(queue.queue_id, False, None)
    elif overflow.shares:
        yield from _share(domain, queue, overflow, context.now)
    else:
        yield from _move(domain, queue, overflow, context)


def apply_checked(state: AcdState, event: OverflowChecked, context: Context) -> None:
    """Remember whether it goes on, and when to look again."""
    domain = state.domain(context.tenant)
    domain.queues.put(event.queue_id, replace(domain.queue(event.queue_id), is_overflowing=event.overflowing))
    _set_timer(state, context.tenant, event.queue_id, event.next_check_time)


def apply_sharing_begun(state: AcdState, event: SharingBegun, context: Context) -> None:
    """Let the agents of the other queue help out."""
    state.domain(context.tenant).put_help(event.queue_id, event.next_queue_id)


def apply_sharing_ended(state: AcdState, event: SharingEnded, context: Context) -> None:
    """Let them help no more."""
    state.domain(context.tenant).put_help(event.queue_id, "")


def note_waiting(state: AcdState, tenant: str, contact: Contact) -> None:
    """Start to look after the queue in which a contact waits, and after the one to which it returns."""
    if contact.callback:  # it stays where it was promised
        return
    queue = state.domain(tenant).queue(contact.queue_id)
    if overflow := queue.definition.overflow:
        _look_at(state, tenant, contact.queue_id, _first_look(queue, overflow, contact))
    home = state.domain(tenant).definition_of(contact.home_queue_id)
    if home and home.overflow and home.overflow.returns:
        _look_at(state, tenant, home.queue_id, contact.entered_time + policy.OVERFLOW_LOOK)


def note_definition(state: AcdState, queue_id: str, before: Overflow | None, context: Context) -> None:
    """Look after those who wait under the new definition; help that it does not give ends.

    `before`: what was in force; another one begins anew.
    """
    domain = state.domain(context.tenant)
    queue = domain.queue(queue_id)
    overflow, helping = queue.definition.overflow, domain.helping_queue(queue_id)
    if overflow != before:
        domain.queues.put(queue_id, replace(queue, is_overflowing=False))
    if helping and not (overflow and overflow.shares and overflow.next_queue_id == helping):
        domain.put_help(queue_id, "")
    concerned = (domain.ages, domain.helping, domain.away)
    is_needed = overflow and any(shelves.size(queue_id) for shelves in concerned)
    _set_timer(state, context.tenant, queue_id, context.now if is_needed else None)


def _share(domain: Domain, queue: Queue, overflow: Overflow, now: datetime) -> Iterator[Event]:
    goes_on, helping = _goes_on(domain, queue, overflow, now), domain.helping_queue(queue.queue_id)
    if goes_on and not helping:
        yield SharingBegun(queue.queue_id, overflow.next_queue_id)
    if helping and not goes_on:
        yield SharingEnded(queue.queue_id)
    next_look = now + policy.OVERFLOW_LOOK if goes_on else _next_look(domain, queue, overflow, now)
    yield OverflowChecked(queue.queue_id, goes_on, next_look)


def _move(domain: Domain, queue: Queue, overflow: Overflow, context: Context) -> Iterator[Event]:
    goes_on = _goes_on(domain, queue, overflow, context.now)
    find = _going if goes_on else _coming_back
    to, home = (overflow.next_queue_id, queue.queue_id) if goes_on else (queue.queue_id, "")
    moved = 0
    for contact in find(domain, queue, overflow, context.now):
        if moved == policy.LEAVING_PER_COMMAND:
            break
        if target := moves.open_queue(domain, contact, to, context.now):
            yield moves.flowed_out(contact, target.queue_id, context.now)
            yield from moves.enter(domain, contact, target, context, home if overflow.returns else "")
            moved += 1
    queue = replace(domain.queue(queue.queue_id), is_overflowing=goes_on)
    still = goes_on and _goes_on(domain, queue, overflow, context.now)
    pause = policy.NEXT_LEAVING if moved else policy.OVERFLOW_LOOK
    next_look = context.now + pause if still or moved else _next_look(domain, queue, overflow, context.now)
    yield OverflowChecked(queue.queue_id, still, next_look)


def _goes_on(domain: Domain, queue: Queue, overflow: Overflow, now: datetime) -> bool:
    """Tell whether the queue overflows now: once it does, until it is well below what began it.

    Not while there is nobody who waits or is away.
    """
    if not queue.waiting and not (overflow.returns and domain.away.size(queue.queue_id)):
        return False
    begun, own = queue.is_overflowing, needs_in(queue.definition, ())
    match overflow.measure:
        case OverflowMeasure.STAFF:
            return domain.staff_for((own,)) < (overflow.end_staff if begun else overflow.begin_staff)
        case OverflowMeasure.OCCUPANCY:
            load = domain.load_for(own)
            limit = overflow.end_occupancy_permille if begun else overflow.begin_occupancy_permille
            return load.used_permille >= limit * load.agents  # with nobody there, too
        case OverflowMeasure.ESTIMATED_WAIT:
            wait = waits.expected_wait(domain, queue)
        case _:
            oldest = domain.ages.first(queue.queue_id)
            wait = now - domain.contact(oldest[-1]).entered_time if oldest else None
    return wait is not None and wait >= (overflow.end_wait_duration if begun else overflow.begin_wait_duration)


def _going(domain: Domain, queue: Queue, overflow: Overflow, now: datetime) -> Iterator[Contact]:
    """Iterate over who may flow out now, the oldest first; where the longest wait counts, whoever has waited for `end`.

    More than leave at once: the other queue may refuse the first of them, for example a customer at the limit there.
    """
    least = overflow.end_wait_duration if overflow.measure in _BY_WAIT else timedelta(0)
    waiting = (domain.contact(entry[-1]) for entry in domain.ages.entries(queue.queue_id))
    long_enough = takewhile(lambda contact: now - contact.entered_time >= least, waiting)
    yield from list(islice(long_enough, policy.OVERFLOW_EXAMINED))


def _coming_back(domain: Domain, queue: Queue, overflow: Overflow, now: datetime) -> Iterator[Contact]:
    """Iterate over who may come back, the first of those who wait elsewhere first: for whom somebody is free at home,
    when it is their turn. Otherwise they would only begin to wait anew, flow out again, and so on.
    """
    entries = domain.away.entries(queue.queue_id) if overflow.returns else iter(())
    for _, contact_id in list(islice(entries, policy.OVERFLOW_EXAMINED)):
        contact = domain.contact(contact_id)
        is_welcome = moves.open_queue(domain, contact, queue.queue_id, now) is not None
        if is_welcome and waits.would_be_served(domain, moves.next_segment(contact, queue), now):
            yield contact


def _first_look(queue: Queue, overflow: Overflow, oldest: Contact) -> datetime:
    if queue.is_overflowing or overflow.measure not in _BY_WAIT:
        return oldest.entered_time
    return oldest.entered_time + overflow.begin_wait_duration


def _next_look(domain: Domain, queue: Queue, overflow: Overflow, now: datetime) -> datetime | None:
    """Return when to look again at a queue that does not overflow; None while nobody waits."""
    oldest = domain.ages.first(queue.queue_id)
    soon = now + policy.OVERFLOW_LOOK if overflow.returns and domain.away.size(queue.queue_id) else None
    if oldest is None:
        return soon
    if overflow.measure not in _BY_WAIT:
        return now + policy.OVERFLOW_LOOK
    begins = domain.contact(oldest[-1]).entered_time + overflow.begin_wait_duration
    return min(begins, soon) if soon else begins


def _look_at(state: AcdState, tenant: str, queue_id: str, due: datetime) -> None:
    """Look at the queue then, where nobody looks at it yet."""
    if state.timers.get(timing.overflow_key(tenant, queue_id)) is None:
        _set_timer(state, tenant, queue_id, due)


def _set_timer(state: AcdState, tenant: str, queue_id: str, due: datetime | None) -> None:
    key = timing.overflow_key(tenant, queue_id)
    if due:
        state.timers.set(Timer(key, due, tenant, commands.CheckOverflow(queue_id)))
    else:
        state.timers.cancel(key)
