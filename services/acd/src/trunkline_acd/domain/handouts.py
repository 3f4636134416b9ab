"""Several agents may take what waits at one time: after a drain (rule 2), in which chats were held back for a call;
after one of many at whom a contact rang accepted it (rule 9); once agents help another queue out (rule 12); when many
telephones are back at once (rule 1); and when contacts leave a ring that nobody serves any more (rule 7).

Owns: that contacts are handed out to them, the highest score first, and how many at a time; that what rings at all goes
on from the first to the others, whatever else waits having had its first. A timer begins it at once
and goes on, so that the command which led to it and each of those that follow stay bounded. Work grows with lines and
pools, not with contacts that wait or agents.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain

from trunkline_core.decider import Context
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, policy, rings, timing
from trunkline_acd.domain.contacts import Contact, Line, LinePlace, Stage, as_to_others
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
from trunkline_acd.domain.matching import Begun, best_agent, offer_contact, offer_to_agent, ranked, ring_at_more
from trunkline_acd.domain.places import pool_of
from trunkline_acd.domain.shelves import Shelves
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.words import Trigger


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


def serve_freed(domain: Domain, agent_ids: Sequence[str], trigger: Trigger, context: Context) -> Iterator[Event]:
    """Offer what waits to agents who became free at once, in this order; what is too much for one command, later."""
    if len(agent_ids) == 1:
        yield from offer_to_agent(domain, agent_ids[0], trigger, context)
        return
    served = chain.from_iterable(offer_to_agent(domain, agent_id, trigger, context) for agent_id in agent_ids)
    made = yield from _some_of(served, policy.OFFERS_TO_FREED)
    if made == policy.OFFERS_TO_FREED:
        yield from begin(domain, context)


def ring_at_all(domain: Domain, triggers: Mapping[str, Trigger], context: Context) -> Iterator[Event]:
    """Let contacts that began to ring do so at all others who could take them; what is too much for one command, later.

    `triggers`: what led to the first offer, by contact.
    """
    found = (ring_at_more(domain, *of_contact, context) for of_contact in triggers.items())
    made = yield from _some_of(chain.from_iterable(found), policy.MAX_RINGING)
    if made == policy.MAX_RINGING:
        yield from begin(domain, context)


def begin(domain: Domain, context: Context) -> Iterator[Event]:
    """Schedule it where somebody may take a contact that nothing holds back any more."""
    if rings.has_empty_ring(domain) or _next_contact(domain, context.now):
        yield HandoutScheduled(domain.routing_domain_id, context.now)


def hand_out(state: AcdState, context: Context) -> Iterator[Event]:
    """Bring some out of rings that nobody serves any more, and offer some."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.handout_key(context.tenant), context):
        return
    moved: set[str] = set()
    for relaxed in rings.leave_empty_rings(domain, policy.OFFERS_PER_HANDOUT):
        yield relaxed
        moved.add(relaxed.contact_id)
    left = policy.OFFERS_PER_HANDOUT
    while left and (contact := _next_contact(domain, context.now)):
        yield from _offer(domain, contact, contact.contact_id in moved, context)
        left -= 1
    is_more = rings.has_empty_ring(domain) or _next_contact(domain, context.now)
    yield HandoutScheduled(domain.routing_domain_id, context.now + policy.NEXT_HANDOUT if is_more else None)


def apply_scheduled(state: AcdState, event: HandoutScheduled, context: Context) -> None:
    """Remember when it goes on, if it does."""
    key = timing.handout_key(context.tenant)
    if event.next_time:
        command = commands.HandOutChats(event.routing_domain_id)
        state.timers.set(Timer(key, event.next_time, context.tenant, command))
    else:
        state.timers.cancel(key)


def _some_of(found: Iterator[Event], most: int) -> Generator[Event, None, int]:
    """Yield up to and with that many offers; return how many there were."""
    made = 0
    for event in found:
        yield event
        made += isinstance(event, Begun)
        if made == most:
            break
    return made


def _offer(domain: Domain, contact: Contact, has_left_ring: bool, context: Context) -> Iterator[Event]:
    if has_left_ring:
        return offer_contact(domain, contact.contact_id, Trigger.RING_LEFT, context)
    if contact.channel is Channel.CHAT and _drains(domain):
        return offer_contact(domain, contact.contact_id, Trigger.DRAIN_ENDED, context)
    if domain.helping_queue(contact.queue_id):
        return offer_contact(domain, contact.contact_id, Trigger.SHARING_BEGUN, context)
    return offer_contact(domain, contact.contact_id, Trigger.AGENT_BECAME_FREE, context)


def _drains(domain: Domain) -> bool:
    return any(queue.definition.drains_chats for queue in domain.queues.values())


def _next_contact(domain: Domain, now: datetime) -> Contact | None:
    """Return the contact with the highest score of those that wait and somebody may take, the first of each line; where
    there is none, of those that ring and may ring at more."""
    return _first_in(domain, domain.lines, _held(domain), now) or _first_in(domain, domain.ringing_lines, [], now)


def _first_in(
    domain: Domain, lines: Shelves[Line, LinePlace], held: Iterable[Contact], now: datetime
) -> Contact | None:
    heads = ((_first_servable(domain, lines.entries(line), now)) for line in lines)
    servable = [*(head for head in heads if head), *(contact for contact in held if best_agent(domain, contact, now))]
    return min(servable, key=lambda contact: ranked(domain, contact, now), default=None)


def _held(domain: Domain) -> list[Contact]:
    """Return what waits for one agent who has room; of all others who keep something waiting nothing is looked at."""
    able = [agent_id for agent_id in domain.held if pool_of(domain.agent(agent_id))]
    held = (contact for agent_id in able for contact in domain.held_for(agent_id))
    return [contact for contact in held if contact.stage is Stage.WAITING]


def _first_servable(domain: Domain, places: Iterator[LinePlace], now: datetime) -> Contact | None:
    """Return the first that somebody may take; behind one that nobody is excluded for, nobody may take any."""
    for place in places:
        contact = domain.contact(place.contact_id)
        seen = as_to_others(contact)
        if best_agent(domain, seen, now):
            return contact
        if not seen.excluded:
            return None
    return None
