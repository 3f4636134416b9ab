"""Why a contact still waits, in facts that a supervisor can check (rule 21).

Owns: who could take it and what keeps each of them from it, who goes before it, what happens next by itself. Looks at a
bounded number of agents, lines and contacts; a read, which no decision uses.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from trunkline_acd.domain import policy, timing
from trunkline_acd.domain.agents import Agent
from trunkline_acd.domain.contacts import Contact, Line, LinePlace, rank, score_terms
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.explanations import WhyNot, why_not_eligible
from trunkline_acd.domain.positions import lines_served
from trunkline_acd.domain.skills import Profile, meets_one
from trunkline_acd.domain.state import AcdState, Domain


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Agents with the skills who are kept from the contact for the same reason; at most 3 of them are named."""

    reason: str
    agent_count: int
    agent_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WaitingReasons:
    """Why a contact waits at one moment.

    Attributes:
        ring, ring_count: the ring it has reached of those that it entered with; 0 asks for all it came with.
        agent_count: agents of the routing domain, signed in or not.
        examined_count: how many of them were looked at; figures of agents are about these.
        matching_count: those with the skills that it asks for now; the obstacles add up to it.
        obstacles: what keeps these from it, the most frequent first.
        before_count: waiting contacts that go before it at agents who could take both, counted up to a bound.
        is_before_count_exact: whether there are no more.
        value_score_permille, urgency_score_permille, wait_score_permille: the terms of its score now (rule 8).
        next_ring_time: when it asks for less (rule 7); None for never.
        limit_time: when it has waited for as long as its queue lets it (rule 16); None for ever.
        overflow_check_time: when it is looked next at whether its queue needs help (rule 12); None without overflow.
        overflow_queue_id: where contacts flow then, or whose agents help out.
        clears_time: when it leaves because nobody is signed in for the queue; None while that does not threaten.
        helping_queue_id: the queue whose agents help out now; empty for none.
    """

    ring: int
    ring_count: int
    agent_count: int
    examined_count: int
    matching_count: int
    obstacles: tuple[Obstacle, ...]
    before_count: int
    is_before_count_exact: bool
    value_score_permille: int
    urgency_score_permille: int
    wait_score_permille: int
    next_ring_time: datetime | None
    limit_time: datetime | None
    overflow_check_time: datetime | None
    overflow_queue_id: str
    clears_time: datetime | None
    helping_queue_id: str


def waiting_reasons(state: AcdState, tenant: str, contact: Contact, now: datetime) -> WaitingReasons:
    """Return why this contact, which waits, waits at `now`."""
    domain = state.domain(tenant)
    queue = domain.queue(contact.queue_id)
    examined = list(islice(domain.agents.values(), policy.MAX_AGENTS_EXAMINED))
    asked = domain.asked_of(contact)
    matching = [agent for agent in examined if meets_one(agent.profile, asked)]
    before = _count_before(domain, contact, Counter(agent.profile for agent in matching), now)
    terms = score_terms(contact, queue.definition, now)
    overflow = queue.definition.overflow
    return WaitingReasons(
        ring=contact.ring,
        ring_count=len(contact.rings),
        agent_count=len(domain.agents),
        examined_count=len(examined),
        matching_count=len(matching),
        obstacles=_obstacles(state, domain, contact, matching, now),
        before_count=min(before, policy.MAX_COUNTED_BEFORE),
        is_before_count_exact=before <= policy.MAX_COUNTED_BEFORE and len(domain.lines) <= policy.MAX_LINES_EXAMINED,
        value_score_permille=terms.value,
        urgency_score_permille=terms.urgency,
        wait_score_permille=terms.wait,
        next_ring_time=_due(state, timing.ring_key(tenant, contact.contact_id)),
        limit_time=_due(state, timing.longest_wait_key(tenant, contact.contact_id)),
        overflow_check_time=_due(state, timing.overflow_key(tenant, contact.queue_id)) if overflow else None,
        overflow_queue_id=overflow.next_queue_id if overflow else "",
        clears_time=queue.clears_time,
        helping_queue_id=domain.helping_queue(contact.queue_id),
    )


def _obstacles(
    state: AcdState, domain: Domain, contact: Contact, matching: Iterable[Agent], now: datetime
) -> tuple[Obstacle, ...]:
    kept: dict[WhyNot | None, list[str]] = {}
    passed_over = _why_passed_over(state, domain, contact)
    for agent in matching:
        kept.setdefault(why_not_eligible(domain, contact, agent, now) or passed_over, []).append(agent.agent_id)
    found = (
        Obstacle(reason.value if reason else "", len(agent_ids), tuple(sorted(agent_ids)[: policy.NAMED_PER_OBSTACLE]))
        for reason, agent_ids in kept.items()
    )
    return tuple(sorted(found, key=lambda obstacle: (-obstacle.agent_count, obstacle.reason)))


def _why_passed_over(state: AcdState, domain: Domain, contact: Contact) -> WhyNot | None:
    """Return why nobody who is eligible takes it: a reserve, or chats that are just being handed out again."""
    if contact.channel is Channel.CHAT and state.timers.get(timing.handout_key(domain.tenant)):
        return WhyNot.DRAINING_FOR_CALL
    return WhyNot.KEPT_FOR_VIP if contact.reserved else None


def _count_before(domain: Domain, contact: Contact, profiles: Mapping[Profile, int], now: datetime) -> int:
    """Return how many contacts go before it for these agents, one more than the bound where there are more."""
    going = (
        place
        for line in lines_served(domain, profiles)[: policy.MAX_LINES_EXAMINED]
        for place in _places_before(domain, line, contact, now)
    )
    return sum(1 for _ in islice(going, policy.MAX_COUNTED_BEFORE + 1))


def _places_before(domain: Domain, line: Line, contact: Contact, now: datetime) -> Iterator[LinePlace]:
    """Iterate over the contacts of the line that go before it: in its own line by place, elsewhere by score."""
    own_line, own = domain.place_in_line(contact)
    if line == own_line:
        return takewhile(lambda place: place < own, domain.lines.entries(line))
    own_rank = rank(own, domain.queue(contact.queue_id).definition, now)
    return takewhile(
        lambda place: rank(place, domain.queue(line.queue_id).definition, now) < own_rank,
        domain.lines.entries(line),
    )


def _due(state: AcdState, key: str) -> datetime | None:
    timer = state.timers.get(key)
    return timer.due if timer else None
