"""More agents than before may take contacts that wait: chats that were held back for a call (rule 2), and contacts of a
queue in which agents of another one help out (rule 12).

Owns: when they are handed out, the highest score first, and how many at a time. A timer begins it at once and goes on,
so that the command which led to it and each of those that follow stay bounded. Work grows with lines and pools, not
with contacts that wait or agents.
"""

from collections.abc import Iterator
from datetime import datetime

from trunkline_core.decider import Context
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, policy, timing
from trunkline_acd.domain.contacts import Contact, Line, LinePlace, fine_score
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.drains import is_late
from trunkline_acd.domain.events import (
    ContactOffered,
    Event,
    HandoutScheduled,
    QueueConfigured,
    SegmentEnded,
    SharingBegun,
)
from trunkline_acd.domain.matching import best_agent, offer_contact
from trunkline_acd.domain.state import AcdState, Domain


def may_begin(domain: Domain, event: Event, now: datetime) -> bool:
    """Tell whether agents help out, or a call that waited for longer than its target waits no more.

    The state has evolved by the event.
    """
    if isinstance(event, SharingBegun) or (isinstance(event, QueueConfigured) and len(domain.helping)):
        return True
    if not isinstance(event, (ContactOffered, SegmentEnded)):
        return False
    contact = domain.contact(event.contact_id)
    drains = contact.channel is Channel.VOICE and domain.queue(contact.queue_id).definition.drains_chats
    return drains and is_late(domain, contact.queue_id, contact.aged_since_time, now)


def begin(domain: Domain, context: Context) -> Iterator[Event]:
    """Schedule it where there are contacts that nothing holds back any more."""
    if _next_contact(domain, context.now):
        yield HandoutScheduled(domain.routing_domain_id, context.now)


def hand_out(state: AcdState, context: Context) -> Iterator[Event]:
    """Offer some of them."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.handout_key(context.tenant), context):
        return
    for _ in range(policy.CONTACTS_PER_HANDOUT):
        if contact := _next_contact(domain, context.now):
            if domain.helping_queue(contact.queue_id):
                yield from offer_contact(domain, contact.contact_id, "SharingBegun", context)
            else:
                yield from offer_contact(domain, contact.contact_id, "DrainEnded", context)
    is_more = _next_contact(domain, context.now)
    yield HandoutScheduled(domain.routing_domain_id, context.now + policy.NEXT_HANDOUT if is_more else None)


def apply_scheduled(state: AcdState, event: HandoutScheduled, context: Context) -> None:
    """Remember when it goes on, if it does."""
    key = timing.handout_key(context.tenant)
    if event.next_time:
        command = commands.HandOutChats(event.routing_domain_id)
        state.timers.set(Timer(key, event.next_time, context.tenant, command))
    else:
        state.timers.cancel(key)


def _next_contact(domain: Domain, now: datetime) -> Contact | None:
    """Return the contact with the highest score of those that somebody may take, the first of each line."""
    lines = (line for line in domain.lines if line.channel is Channel.CHAT or domain.helping_queue(line.queue_id))
    heads = ((line, _first_servable(domain, line, now)) for line in lines)
    ranked = [(-_score(domain, line, place, now), place.order, place.contact_id) for line, place in heads if place]
    return domain.contact(min(ranked)[-1]) if ranked else None


def _first_servable(domain: Domain, line: Line, now: datetime) -> LinePlace | None:
    """Return the first contact that somebody may take; behind one that nobody is excluded for, nobody may take any."""
    for place in domain.lines.entries(line):
        contact = domain.contact(place.contact_id)
        if best_agent(domain, contact, now):
            return place
        if not contact.excluded:
            return None
    return None


def _score(domain: Domain, line: Line, place: LinePlace, now: datetime) -> int:
    return fine_score(place, domain.queue(line.queue_id).definition, now)
