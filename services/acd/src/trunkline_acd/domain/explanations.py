"""Why a contact went to an agent, in words that a supervisor can check (rule 21).

Owns: the score terms, the candidates and why the others were not chosen. Looks at a bounded number of agents.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from trunkline_acd.domain import policy
from trunkline_acd.domain.agents import Agent, has_room, idle_at
from trunkline_acd.domain.contacts import Contact, score_terms
from trunkline_acd.domain.skills import meets
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.strategies import standings_in, why_not_best
from trunkline_acd.domain.words import Candidate, Connectivity, Explanation, Intent, WorkState

_MILLISECOND = timedelta(milliseconds=1)
_PER_POOL = 3
_LEAST_TELLING = "SkillMissing"


def explain(domain: Domain, contact: Contact, chosen: Agent, trigger: str, now: datetime) -> Explanation:
    """Return the explanation of offering `contact` to `chosen` at `now`."""
    queue = domain.queue(contact.queue_id)
    terms = score_terms(contact, queue.definition, now)
    return Explanation(
        policy_version=queue.policy_version,
        trigger=trigger,
        value_score_permille=terms.value,
        urgency_score_permille=terms.urgency,
        wait_score_permille=terms.wait,
        waiting_count=domain.waiting_count(),
        candidates=_candidates(domain, contact, chosen, now),
        ring=contact.ring_of(chosen.profile),
    )


def why_not_eligible(contact: Contact, agent: Agent) -> str:
    """Return what keeps the agent from being offered the contact now; empty for one who is eligible."""
    if not meets(agent.profile, contact.wanted):
        return _LEAST_TELLING
    if agent.agent_id in contact.excluded:
        return "ExcludedAfterMiss"
    return _why_not_routable(agent) or _why_no_room(contact, agent)


def _candidates(domain: Domain, contact: Contact, chosen: Agent, now: datetime) -> tuple[Candidate, ...]:
    found = {chosen.agent_id: _candidate(chosen, "", now)}
    for agent in _runners_up(domain, contact):
        found.setdefault(agent.agent_id, _candidate(agent, _why_not(domain, contact, agent, chosen), now))
    for agent, reason in _some_others(domain, contact, chosen):
        found.setdefault(agent.agent_id, _candidate(agent, reason, now))
    return tuple(islice(found.values(), policy.CANDIDATES))


def _runners_up(domain: Domain, contact: Contact) -> list[Agent]:
    """Return those who come next, in the order in which they would have been chosen; by lot there is none."""
    standings = [
        standing
        for profile in sorted(domain.pools)[: policy.CANDIDATES_SCANNED]  # their own order is no part of the state
        if meets(profile, contact.wanted)
        for standing in islice(standings_in(domain, profile, contact), _PER_POOL)
    ]
    return [domain.agent(standing.place.agent_id) for standing in sorted(standings)[: policy.CANDIDATES // 2]]


def _some_others(domain: Domain, contact: Contact, chosen: Agent) -> list[tuple[Agent, str]]:
    return sorted(_scanned(domain, contact, chosen), key=lambda found: found[1] == _LEAST_TELLING)


def _scanned(domain: Domain, contact: Contact, chosen: Agent) -> Iterator[tuple[Agent, str]]:
    for agent in islice(domain.agents.values(), policy.CANDIDATES_SCANNED):
        yield agent, _why_not(domain, contact, agent, chosen)


def _candidate(agent: Agent, reason: str, now: datetime) -> Candidate:
    return Candidate(agent.agent_id, reason, idle_at(agent, now) // _MILLISECOND)


def _why_not(domain: Domain, contact: Contact, agent: Agent, chosen: Agent) -> str:
    hindered = why_not_eligible(contact, agent)
    return hindered or why_not_best(domain, contact, chosen.profile, agent.profile)


def _why_not_routable(agent: Agent) -> str:
    if agent.connectivity is not Connectivity.CONNECTED:
        return "NotConnected"
    if agent.not_responding:
        return "NotResponding"
    if agent.intent is Intent.AVAILABLE and agent.next_intent is not Intent.UNSPECIFIED:
        return "NextIntentPending"
    return {Intent.AVAILABLE: "", Intent.BREAK: "OnBreak"}.get(agent.intent, "Offline")


def _why_no_room(contact: Contact, agent: Agent) -> str:
    if has_room(agent, contact.channel):
        return ""
    return "InWrapUp" if agent.count(WorkState.WRAP_UP) == len(agent.work) else "AtCapacity"
