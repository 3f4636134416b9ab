"""Who gets whom: the best agent for a contact, the best contact for an agent.

Owns: rule 8, and rule 9 with `strategies`. The work of a match grows with skill profiles and lines, never with contacts
or agents that wait: only the first of each line or pool is looked at, and those behind it that the one in front hides
by an exclusion, and the few contacts that are held for one agent (rule 10).
"""

from collections.abc import Iterator
from datetime import datetime

from trunkline_core.decider import Context

from trunkline_acd.domain import vips
from trunkline_acd.domain.agents import Agent
from trunkline_acd.domain.contacts import Contact, Line, LinePlace, Stage, line_place, rank
from trunkline_acd.domain.definitions import lease_of
from trunkline_acd.domain.drains import is_held_back
from trunkline_acd.domain.events import ContactKeptBack, ContactOffered
from trunkline_acd.domain.explanations import explain
from trunkline_acd.domain.places import pool_of
from trunkline_acd.domain.skills import meets
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.strategies import best_standing
from trunkline_acd.domain.words import Explanation


def offer_contact(
    domain: Domain, contact_id: str, trigger: str, context: Context
) -> Iterator[ContactOffered | ContactKeptBack]:
    """Offer a waiting contact to the best agent, if one is eligible."""
    contact = domain.contacts.get(contact_id)
    if contact is None or contact.stage is not Stage.WAITING:
        return
    if agent := best_agent(domain, contact, context.now):
        yield _offer(domain, contact, agent, trigger, context)
    else:
        yield from vips.note_contact(domain, contact, context.now)


def offer_to_agent(
    domain: Domain, agent_id: str, trigger: str, context: Context
) -> Iterator[ContactOffered | ContactKeptBack]:
    """Offer waiting contacts to an agent until nothing fits any more."""
    while (agent := domain.agent(agent_id)) and (contact := best_contact(domain, agent, context.now)):
        yield _offer(domain, contact, agent, trigger, context)
    yield from vips.note_agent(domain, agent, context.now)


def best_agent(domain: Domain, contact: Contact, now: datetime) -> Agent | None:
    """Return the agent for whom it is held, or whom the strategy of its queue takes; None where nobody is eligible."""
    if contact.held_for:
        agent = domain.agent(contact.held_for)
        return agent if _fits(agent, contact) else None
    if contact.reserved and vips.is_kept_back(domain, contact, vips.FreeAgents(domain, now)):
        return None
    best = best_standing(domain, contact, now)
    return domain.agent(best.place.agent_id) if best else None


def best_contact(domain: Domain, agent: Agent, now: datetime) -> Contact | None:
    """Return the contact with the highest score: of the heads of the lines that the agent may serve now (rules 2 and
    11), and of those held for the agent (rule 10).
    """
    pool = pool_of(agent)
    if pool is None:
        return None
    best: tuple[int, int, str] | None = None
    free = vips.FreeAgents(domain, now)
    for line in domain.lines_for(agent.profile):
        if line.channel in pool.room and not is_held_back(domain, line.channel, pool, now):
            head = _ranked_head(domain, line, agent.agent_id, free, now)
            best = min(best, head) if best and head else best or head
    for contact in domain.held_for(agent.agent_id):
        if contact.stage is Stage.WAITING and _fits(agent, contact):
            ranked = _ranked(domain, contact, now)
            best = min(best, ranked) if best else ranked
    return domain.contact(best[-1]) if best else None


def _fits(agent: Agent, contact: Contact) -> bool:
    """Tell whether the agent may have a contact that is held for the agent, also while chats are drained."""
    pool = pool_of(agent)
    is_able = pool is not None and contact.channel in pool.room and meets(agent.profile, contact.wanted)
    return is_able and agent.agent_id not in contact.excluded


def _ranked(domain: Domain, contact: Contact, now: datetime) -> tuple[int, int, str]:
    definition = domain.queue(contact.queue_id).definition
    place = line_place(contact, definition)
    return rank(place, definition, now)


def _ranked_head(
    domain: Domain, line: Line, agent_id: str, free: vips.FreeAgents, now: datetime
) -> tuple[int, int, str] | None:
    place = _first_offerable(domain, line, agent_id, free)
    if place is None:
        return None
    return rank(place, domain.queue(line.queue_id).definition, now)


def _first_offerable(domain: Domain, line: Line, agent_id: str, free: vips.FreeAgents) -> LinePlace | None:
    if line.reserved and free.of(line) <= line.reserved:
        return None
    for place in domain.lines.entries(line):
        contact = domain.contact(place.contact_id)
        if agent_id not in contact.excluded and not vips.is_kept_back(domain, contact, free):
            return place
    return None


def _offer(domain: Domain, contact: Contact, agent: Agent, trigger: str, context: Context) -> ContactOffered:
    return offered(domain, contact, agent, explain(domain, contact, agent, trigger, context.now), context)


def offered(
    domain: Domain, contact: Contact, agent: Agent, explanation: Explanation, context: Context
) -> ContactOffered:
    """Return the offer of a contact to an agent who has room for it."""
    queue = domain.queue(contact.queue_id)
    return ContactOffered(
        contact_id=contact.contact_id,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no + 1,
        agent_id=agent.agent_id,
        channel=contact.channel,
        expires_time=context.now + lease_of(queue.definition, contact.channel),
        explanation=explanation,
        callback=contact.callback is not None,
    )
