"""Who gets whom: the best agent for a contact, the best contact for an agent.

Owns: rule 8, and rule 9 with `strategies`. The work of a match grows with skill profiles and lines, never with contacts
or agents that wait: only the first of each line or pool is looked at, and those behind it that the one in front hides
by an exclusion.
"""

from collections.abc import Iterator
from datetime import datetime

from trunkline_core.decider import Context

from trunkline_acd.domain.agents import Agent, has_room, is_routable
from trunkline_acd.domain.contacts import Contact, Line, LinePlace, Stage, fine_score
from trunkline_acd.domain.definitions import lease_of
from trunkline_acd.domain.events import ContactOffered
from trunkline_acd.domain.explanations import explain
from trunkline_acd.domain.skills import meets
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.strategies import best_standing


def offer_contact(domain: Domain, contact_id: str, trigger: str, context: Context) -> Iterator[ContactOffered]:
    """Offer a waiting contact to the best agent, if one is eligible."""
    contact = domain.contacts.get(contact_id)
    if contact is None or contact.stage is not Stage.WAITING:
        return
    if agent := best_agent(domain, contact):
        yield _offer(domain, contact, agent, trigger, context)


def offer_to_agent(domain: Domain, agent_id: str, trigger: str, context: Context) -> Iterator[ContactOffered]:
    """Offer waiting contacts to an agent until nothing fits any more."""
    while (agent := domain.agent(agent_id)) and (contact := best_contact(domain, agent, context.now)):
        yield _offer(domain, contact, agent, trigger, context)


def best_agent(domain: Domain, contact: Contact) -> Agent | None:
    """Return the agent whom the strategy of the contact's queue takes, None where nobody is eligible."""
    best = best_standing(domain, contact)
    return domain.agent(best.place.agent_id) if best else None


def best_contact(domain: Domain, agent: Agent, now: datetime) -> Contact | None:
    """Return the contact with the highest score over the heads of all lines the agent can serve."""
    if not is_routable(agent):
        return None
    best: tuple[int, int, str] | None = None
    for line in domain.lines:
        if meets(agent.profile, line.requirements) and has_room(agent, line.channel):
            head = _ranked_head(domain, line, agent.agent_id, now)
            best = min(best, head) if best and head else best or head
    return domain.contact(best[-1]) if best else None


def _ranked_head(domain: Domain, line: Line, agent_id: str, now: datetime) -> tuple[int, int, str] | None:
    place = _first_offerable(domain, line, agent_id)
    if place is None:
        return None
    return -fine_score(place, domain.queue(line.queue_id).definition, now), place.order, place.contact_id


def _first_offerable(domain: Domain, line: Line, agent_id: str) -> LinePlace | None:
    for place in domain.lines.entries(line):
        if agent_id not in domain.contact(place.contact_id).excluded:
            return place
    return None


def _offer(domain: Domain, contact: Contact, agent: Agent, trigger: str, context: Context) -> ContactOffered:
    queue = domain.queue(contact.queue_id)
    return ContactOffered(
        contact_id=contact.contact_id,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no + 1,
        agent_id=agent.agent_id,
        channel=contact.channel,
        expires_time=context.now + lease_of(queue.definition, contact.channel),
        explanation=explain(domain, contact, agent, trigger, context.now),
        callback=contact.callback is not None,
    )
