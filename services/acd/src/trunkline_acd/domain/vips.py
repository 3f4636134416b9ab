"""Free agents that are kept back for VIP contacts, and what that costs the others (rule 11).

Owns: from whom agents are kept back, and since when. Free means with room for the contact's channel. Agents are counted
by the sizes of their pools: the work grows with lines, and with requirement sets times profiles of free agents.
Must not: know affinity, which goes before.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.routing import QueueDefinition

from trunkline_acd.domain.agents import Agent
from trunkline_acd.domain.contacts import Contact, Line, LinePlace, rank
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.drains import is_held_back
from trunkline_acd.domain.events import ContactKeptBack
from trunkline_acd.domain.places import pool_of
from trunkline_acd.domain.queues import with_kept_back
from trunkline_acd.domain.skills import Asked
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.strategies import may_take


def reserved_from(queue: QueueDefinition, value_permille: int) -> int:
    """Return how many free agents are kept back from a contact of that customer value; 0 from a VIP."""
    return 0 if value_permille >= queue.vip_min_value_permille else queue.vip_reserved_agents


class FreeAgents:
    """How many agents could take a contact of a line now; lines that ask for the same are counted once.

    Holds only as long as no event is applied.
    """

    def __init__(self, domain: Domain, now: datetime) -> None:
        self._domain = domain
        self.now = now
        self._counts: dict[tuple[Channel, Asked], int] = {}

    def of(self, line: Line) -> int:
        """Return the number."""
        asked = self._domain.asked_in(line)
        key = (line.channel, asked)
        if key not in self._counts:
            self._counts[key] = sum(
                self._domain.pools.size(pool)
                for pool in self._domain.pools
                if may_take(self._domain, pool, line.channel, asked, self.now)
            )
        return self._counts[key]

    def for_contact(self, contact: Contact) -> int:
        """Return the number without those whom the contact excludes."""
        asked = self._domain.asked_of(contact)
        pools = (pool_of(self._domain.agent(agent_id)) for agent_id in contact.excluded)
        excluded = sum(
            pool is not None and may_take(self._domain, pool, contact.channel, asked, self.now) for pool in pools
        )
        return self.of(self._domain.place_in_line(contact)[0]) - excluded


def is_kept_back(contact: Contact, free: FreeAgents) -> bool:
    """Tell whether of those who are free none is left for the contact; whom it excludes does not count."""
    return bool(contact.reserved) and free.for_contact(contact) <= contact.reserved


def note_contact(domain: Domain, contact: Contact, now: datetime) -> Iterator[ContactKeptBack]:
    """Notice that an agent is kept back from a contact that waits: one who would be left after those before it."""
    if contact.reserved and not contact.held_for and contact.kept_back_since is None:
        before = domain.lines.size_before(*domain.place_in_line(contact))
        if before < FreeAgents(domain, now).for_contact(contact):
            yield ContactKeptBack(contact.contact_id, contact.segment_no)


def note_agent(domain: Domain, agent: Agent, now: datetime) -> Iterator[ContactKeptBack]:
    """Notice from whom an agent with room is kept back: the first in order from whom nobody was before."""
    pool = pool_of(agent)
    if pool is None:
        return
    free = FreeAgents(domain, now)
    found = [
        rank(place, domain.queue(line.queue_id).definition, now)
        for line in domain.lines_for(agent.profile)
        if line.reserved and line.channel in pool.room and not is_held_back(domain, line.channel, pool, now)
        for place in _first_unnoticed(domain, line, agent.agent_id, free)
    ]
    if found:
        contact = domain.contact(min(found)[-1])
        yield ContactKeptBack(contact.contact_id, contact.segment_no)


def apply_kept_back(state: AcdState, event: ContactKeptBack, context: Context) -> None:
    """Remember since when."""
    domain = state.domain(context.tenant)
    domain.put_contact(replace(domain.contact(event.contact_id), kept_back_since=context.now))


def count_wait(domain: Domain, contact: Contact, now: datetime) -> None:
    """Count the contact, whose segment ends, if an agent was kept back from it."""
    if contact.kept_back_since:
        queue = domain.queue(contact.queue_id)
        domain.queues.put(contact.queue_id, with_kept_back(queue, now - contact.kept_back_since))


def _first_unnoticed(domain: Domain, line: Line, agent_id: str, free: FreeAgents) -> Iterator[LinePlace]:
    """Yield the first, if any, of as many contacts as agents are free; that is no more than are reserved."""
    most = min(free.of(line), line.reserved)
    for place in islice(domain.lines.entries(line), most):
        contact = domain.contact(place.contact_id)
        if contact.kept_back_since is None and agent_id not in contact.excluded:
            yield place
            return
