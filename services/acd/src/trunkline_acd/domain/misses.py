"""Misses in a row and what follows from them: an exclusion for one contact, a block for all (rule 4)."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from trunkline_acd.domain import policy
from trunkline_acd.domain.agents import Agent
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.events import AgentNotResponding
from trunkline_acd.domain.state import Domain


def excluded_until(domain: Domain, contact: Contact, now: datetime) -> datetime | None:
    """Return until when an agent who missed this contact is not offered it again; None for no exclusion."""
    duration = domain.queue(contact.queue_id).definition.miss_exclusion_duration
    if contact.held_for:  # who does not take what is held lets it go (rule 10)
        duration = max(duration, policy.SHORTEST_HELD_EXCLUSION)
    return now + duration if duration > timedelta(0) else None


def block_after_misses(domain: Domain, contact: Contact, agent_id: str) -> Iterator[AgentNotResponding]:
    """Block the agent who just missed this contact, when the queue's bound is reached."""
    agent = domain.agent(agent_id)
    if agent.misses >= domain.queue(contact.queue_id).definition.max_misses:
        yield from block(agent)


def block(agent: Agent, *, unreachable: bool = False) -> Iterator[AgentNotResponding]:
    """Block the agent until re-armed; who was `unreachable` also until the telephone registers again."""
    if not agent.not_responding:
        yield AgentNotResponding(agent.agent_id, agent.misses, unreachable)
