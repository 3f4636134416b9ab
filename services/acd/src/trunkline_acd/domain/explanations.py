"""Why a contact went to an agent, in words that a supervisor can check (rule 21).

Owns: the score terms, the candidates and why the others were not chosen. Looks at a bounded number of agents.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter

from trunkline_core.replacing import replace

from trunkline_acd.domain import capacity, policy, vips
from trunkline_acd.domain.agents import Agent, has_room, idle_at, is_unreachable
from trunkline_acd.domain.contacts import Contact, as_to_others, score_terms
from trunkline_acd.domain.drains import is_held_back
from trunkline_acd.domain.places import pool_of
from trunkline_acd.domain.skills import meets_one
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.strategies import NotBest, goes_before, rings_at_all, standings, standings_in, why_not_best
from trunkline_acd.domain.words import Candidate, Connectivity, Explanation, Intent, Trigger, WorkState

_MILLISECOND = timedelta(milliseconds=1)
_PER_PROFILE = 3


class WhyNot(StrEnum):
    """What keeps an agent from a contact, whatever the strategy; or that the agent is asked as well."""

    ASKED_TOO = "AskedToo"
    AT_CAPACITY = "AtCapacity"
    CHANNEL_NOT_TAKEN = "ChannelNotTaken"
    DEVICE_LOST = "DeviceLost"
    DRAINING_FOR_CALL = "DrainingForCall"
    EXCLUDED_AFTER_MISS = "ExcludedAfterMiss"
    HELD_FOR_AFFINITY = "HeldForAffinity"
    IN_WRAP_UP = "InWrapUp"
    KEPT_FOR_PARKED_CHAT = "KeptForParkedChat"
    KEPT_FOR_VIP = "KeptForVip"
    NEXT_INTENT_PENDING = "NextIntentPending"
    NOT_CONNECTED = "NotConnected"
    NOT_RESPONDING = "NotResponding"
    OFFLINE = "Offline"
    ON_BREAK = "OnBreak"
    SKILL_MISSING = "SkillMissing"


def explain(domain: Domain, contact: Contact, chosen: Agent, trigger: Trigger, now: datetime) -> Explanation:
    """Return the explanation of offering `contact` to `chosen` at `now`.

    Of offers at the same time the first says why others are not asked; the rest name their agent alone.
    """
    asked = _asked_too(domain, contact, chosen, now)
    alone = (_candidate(chosen, None, now),)
    candidates = alone if contact.rings_at_all else _candidates(domain, contact, chosen, asked, now)
    asked_count = len(contact.live_offers) + 1 + len(asked)
    explained = _explained(domain, contact, chosen, trigger, candidates, now)
    return replace(explained, asked_count=asked_count) if asked_count > 1 else explained


def explain_pull(domain: Domain, contact: Contact, chosen: Agent, trigger: Trigger, now: datetime) -> Explanation:
    """Return the explanation of an offer that a supervisor wanted: nobody was compared with anybody."""
    return _explained(domain, contact, chosen, trigger, (_candidate(chosen, None, now),), now)


def _explained(
    domain: Domain,
    contact: Contact,
    chosen: Agent,
    trigger: Trigger,
    candidates: tuple[Candidate, ...],
    now: datetime,
) -> Explanation:
    queue = domain.queue(contact.queue_id)
    terms = score_terms(contact, queue.definition, now)
    helps = contact.is_only_helped_by(chosen.profile)
    return Explanation(
        policy_version=domain.policy_version() or queue.policy_version,
        trigger=trigger.value,
        value_score_permille=terms.value,
        urgency_score_permille=terms.urgency,
        wait_score_permille=terms.wait,
        waiting_count=domain.waiting_count(),
        candidates=candidates,
        ring=0 if helps else contact.ring_of(chosen.profile),
        helping_queue_id=domain.helping_queue(contact.queue_id) if helps else "",
        preference=contact.preference_for(chosen.agent_id),
    )


def why_not_eligible(domain: Domain, contact: Contact, agent: Agent, now: datetime) -> WhyNot | None:
    """Return what keeps the agent from being offered the contact now; None for one who is eligible."""
    if not meets_one(agent.profile, domain.asked_of(contact)):
        return WhyNot.SKILL_MISSING
    if contact.held_for and contact.held_for != agent.agent_id:
        return WhyNot.HELD_FOR_AFFINITY
    if agent.agent_id in contact.excluded:
        return WhyNot.EXCLUDED_AFTER_MISS
    unable = _why_not_routable(agent) or _why_kept(agent) or _why_no_room(contact, agent)
    return unable or (None if contact.held_for else _why_held_back(domain, contact, agent, now))


def _asked_too(domain: Domain, contact: Contact, chosen: Agent, now: datetime) -> frozenset[str]:
    """Return who is asked besides at the same time and not yet; nobody where it does not ring at all (rule 9)."""
    if not (contact.rings_at_all or rings_at_all(domain, contact)):
        return frozenset()
    seen = as_to_others(contact)
    free = vips.FreeAgents(domain, now).for_contact(seen) - contact.reserved
    count = min(free, policy.MAX_RINGING - len(contact.live_offers)) - 1
    best = (standing.place.agent_id for standing in standings(domain, seen, now))
    return frozenset(islice((agent_id for agent_id in best if agent_id != chosen.agent_id), max(0, count)))


def _candidates(
    domain: Domain, contact: Contact, chosen: Agent, asked: frozenset[str], now: datetime
) -> tuple[Candidate, ...]:
    found = {chosen.agent_id: _candidate(chosen, None, now)}
    for agent in _runners_up(domain, contact):
        found.setdefault(agent.agent_id, _candidate(agent, _why_not(domain, contact, agent, chosen, asked, now), now))
    for agent, reason in _some_others(domain, contact, chosen, asked, now):
        found.setdefault(agent.agent_id, _candidate(agent, reason, now))
    return tuple(islice(found.values(), policy.CANDIDATES))


def _runners_up(domain: Domain, contact: Contact) -> list[Agent]:
    """Return those who come next, in the order in which they would have been chosen; by lot there is none."""
    asked = domain.asked_of(contact)
    by_profile = groupby(sorted(domain.pools), key=attrgetter("profile"))  # their own order is no part of the state
    standings = [
        standing
        for profile, pools in islice(by_profile, policy.CANDIDATES_SCANNED)
        if meets_one(profile, asked)
        for standing in islice(merge(*(standings_in(domain, pool, contact) for pool in pools)), _PER_PROFILE)
    ]
    return [domain.agent(standing.place.agent_id) for standing in sorted(standings)[: policy.CANDIDATES // 2]]


def _some_others(
    domain: Domain, contact: Contact, chosen: Agent, asked: frozenset[str], now: datetime
) -> list[tuple[Agent, WhyNot | NotBest]]:
    scanned = islice(domain.agents.values(), policy.CANDIDATES_SCANNED)
    found = [(agent, _why_not(domain, contact, agent, chosen, asked, now)) for agent in scanned]
    return sorted(found, key=lambda one: one[1] is WhyNot.SKILL_MISSING)


def _candidate(agent: Agent, reason: WhyNot | NotBest | None, now: datetime) -> Candidate:
    return Candidate(agent.agent_id, reason.value if reason else "", idle_at(agent, now) // _MILLISECOND)


def _why_not(
    domain: Domain, contact: Contact, agent: Agent, chosen: Agent, asked: frozenset[str], now: datetime
) -> WhyNot | NotBest:
    if hindered := why_not_eligible(domain, contact, agent, now):
        return hindered
    if agent.agent_id in asked:
        return WhyNot.ASKED_TOO
    if contact.reserved and (asked or goes_before(domain, contact, agent, chosen)):
        return WhyNot.KEPT_FOR_VIP  # an agent who became free lets the contact go, whoever is kept back stays
    return why_not_best(domain, contact, chosen.profile, agent.profile)


def _why_not_routable(agent: Agent) -> WhyNot | None:
    if agent.connectivity is not Connectivity.CONNECTED:
        return WhyNot.NOT_CONNECTED
    if agent.not_responding:
        return WhyNot.NOT_RESPONDING
    if agent.intent is Intent.AVAILABLE and agent.next_intent is not Intent.UNSPECIFIED:
        return WhyNot.NEXT_INTENT_PENDING
    return {Intent.AVAILABLE: None, Intent.BREAK: WhyNot.ON_BREAK}.get(agent.intent, WhyNot.OFFLINE)


def _why_kept(agent: Agent) -> WhyNot | None:
    return WhyNot.KEPT_FOR_PARKED_CHAT if agent.has_returned_customer else None


def _why_held_back(domain: Domain, contact: Contact, agent: Agent, now: datetime) -> WhyNot | None:
    pool = pool_of(agent)
    return WhyNot.DRAINING_FOR_CALL if pool and is_held_back(domain, contact.channel, pool, now) else None


def _why_no_room(contact: Contact, agent: Agent) -> WhyNot | None:
    if has_room(agent, contact.channel):
        return None
    if not capacity.takes(agent.definition, contact.channel):
        return WhyNot.CHANNEL_NOT_TAKEN
    if is_unreachable(agent, contact.channel):
        return WhyNot.DEVICE_LOST
    return WhyNot.IN_WRAP_UP if agent.count(WorkState.WRAP_UP) == len(agent.at_hand) else WhyNot.AT_CAPACITY
