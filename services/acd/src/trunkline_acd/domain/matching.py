"""Who gets whom: the best agent for a contact, the best contact for an agent.

Owns: rule 8, and rule 9 with `strategies`. The work of a match grows with skill profiles and lines, never with contacts
or agents that wait: only the first of each line or pool is looked at, and those behind it that the one in front hides
by an exclusion, and the few contacts that are held for one agent (rule 10).
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from trunkline_core.decider import Context

from trunkline_acd.domain import parked_chats, policy, vips
from trunkline_acd.domain.agents import Agent
from trunkline_acd.domain.contacts import Contact, Line, LinePlace, Stage, as_to_others, rank
from trunkline_acd.domain.definitions import lease_of
from trunkline_acd.domain.drains import is_held_back
from trunkline_acd.domain.events import CallbackDialled, ContactKeptBack, ContactOffered, ContactResumed
from trunkline_acd.domain.explanations import explain
from trunkline_acd.domain.places import Pool, pool_of
from trunkline_acd.domain.shelves import Shelves
from trunkline_acd.domain.skills import meets
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.strategies import best_standing, rings_at_all
from trunkline_acd.domain.words import Explanation, Trigger

Begun = ContactOffered | CallbackDialled
"""What books an agent for a contact: it rings there, or the customer of a call-back is dialled first (rule 13)."""


def offer_contact(
    domain: Domain, contact_id: str, trigger: Trigger, context: Context
) -> Iterator[Begun | ContactKeptBack]:
    """Offer a contact that waits, or that rings and may ring at more, to the best agent, if one is eligible."""
    contact = domain.contacts.get(contact_id)
    if contact is None or not (contact.stage is Stage.WAITING or contact.may_ring_at_more):
        return
    if agent := best_agent(domain, as_to_others(contact), context.now):
        yield _offer(domain, contact, agent, trigger, context)
    elif contact.stage is Stage.WAITING:
        yield from vips.note_contact(domain, contact, context.now)


def ring_at_more(domain: Domain, contact_id: str, trigger: Trigger, context: Context) -> Iterator[Begun]:
    """Offer a contact that rings at all to the best of those at whom it does not ring yet, and so on to a bound."""
    while (contact := domain.contact(contact_id)).may_ring_at_more:
        agent = best_agent(domain, as_to_others(contact), context.now)
        if agent is None:
            return
        yield _offer(domain, contact, agent, trigger, context)


def offer_to_agent(
    domain: Domain, agent_id: str, trigger: Trigger, context: Context
) -> Iterator[Begun | ContactKeptBack | ContactResumed]:
    """Offer waiting contacts to an agent until nothing fits any more, and then what rings at all who could take it.

    Customers who returned to a parked chat of the agent go first.
    """
    yield from parked_chats.take_room(domain, agent_id)
    while (agent := domain.agent(agent_id)) and (contact := best_contact(domain, agent, context.now)):
        yield _offer(domain, contact, agent, trigger, context)
    yield from vips.note_agent(domain, agent, context.now)


def best_agent(domain: Domain, contact: Contact, now: datetime) -> Agent | None:
    """Return the agent for whom it is held, or whom the strategy of its queue takes; None where nobody is eligible."""
    if contact.held_for:
        agent = domain.agent(contact.held_for)
        return agent if _fits(agent, contact) else None
    if contact.reserved and vips.is_kept_back(contact, vips.FreeAgents(domain, now)):
        return None
    best = best_standing(domain, contact, now)
    return domain.agent(best.place.agent_id) if best else None


def best_contact(domain: Domain, agent: Agent, now: datetime) -> Contact | None:
    """Return the contact with the highest score: of the heads of the lines that the agent may serve now (rules 2 and
    11), and of those held for the agent (rule 10). Only where nothing waits, of those that ring at others (rule 9).
    """
    pool = pool_of(agent)
    if pool is None:
        return None
    free = vips.FreeAgents(domain, now)
    best = _best_head(domain, domain.lines, domain.lines_for(agent.profile), agent, pool, free)
    for contact in domain.held_for(agent.agent_id):
        if contact.stage is Stage.WAITING and _fits(agent, contact):
            own = ranked(domain, contact, now)
            best = min(best, own) if best else own
    if best is None and len(domain.ringing_lines):
        lines = domain.served_in(domain.ringing_lines, agent.profile)
        best = _best_head(domain, domain.ringing_lines, lines, agent, pool, free)
    return domain.contact(best[-1]) if best else None


def _fits(agent: Agent, contact: Contact) -> bool:
    """Tell whether the agent may have a contact that is held for the agent, also while chats are drained."""
    pool = pool_of(agent)
    is_able = pool is not None and contact.channel in pool.room and meets(agent.profile, contact.wanted)
    return is_able and agent.agent_id not in contact.excluded


def ranked(domain: Domain, contact: Contact, now: datetime) -> tuple[int, int, str]:
    """Return what sorts the contact among those of all queues as they are served (rule 8)."""
    _, place = domain.place_in_line(contact)
    return rank(place, domain.queue(contact.queue_id).definition, now)


def _best_head(
    domain: Domain,
    shelves: Shelves[Line, LinePlace],
    lines: Iterable[Line],
    agent: Agent,
    pool: Pool,
    free: vips.FreeAgents,
) -> tuple[int, int, str] | None:
    best: tuple[int, int, str] | None = None
    for line in lines:
        if line.channel in pool.room and not is_held_back(domain, line.channel, pool, free.now):
            place = _first_offerable(domain, shelves, line, agent.agent_id, free)
            if place and (head := rank(place, domain.queue(line.queue_id).definition, free.now)):
                best = min(best, head) if best else head
    return best


def _first_offerable(
    domain: Domain, shelves: Shelves[Line, LinePlace], line: Line, agent_id: str, free: vips.FreeAgents
) -> LinePlace | None:
    if line.reserved and free.of(line) <= line.reserved:
        return None
    for place in shelves.entries(line):
        contact = as_to_others(domain.contact(place.contact_id))
        if agent_id not in contact.excluded and not vips.is_kept_back(contact, free):
            return place
    return None


def _offer(domain: Domain, contact: Contact, agent: Agent, trigger: Trigger, context: Context) -> Begun:
    explanation = explain(domain, contact, agent, trigger, context.now)
    ring_all = contact.rings_at_all or rings_at_all(domain, contact)
    return offered(domain, contact, agent, explanation, context, ring_all=ring_all)


def offered(
    domain: Domain,
    contact: Contact,
    agent: Agent,
    explanation: Explanation,
    context: Context,
    *,
    ring_all: bool = False,
) -> Begun:
    """Return the offer of a contact to an agent who has room for it, or that its customer is dialled first."""
    queue = domain.queue(contact.queue_id)
    callback = queue.definition.callback
    if contact.is_to_dial and callback and callback.dials_customer_first:
        return CallbackDialled(
            contact_id=contact.contact_id,
            queue_id=contact.queue_id,
            segment_no=contact.segment_no,
            offer_no=contact.next_offer_no,
            agent_id=agent.agent_id,
            channel=contact.channel,
            expires_time=context.now + policy.DIALLING,
            explanation=explanation,
            hours_id=callback.hours_id,
        )
    return ContactOffered(
        contact_id=contact.contact_id,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        offer_no=contact.next_offer_no,
        agent_id=agent.agent_id,
        channel=contact.channel,
        expires_time=context.now + lease_of(queue.definition, contact.channel),
        explanation=explanation,
        callback=contact.callback is not None,
        ring_all=ring_all,
        callback_reached=contact.is_reached,
    )
