"""Which agent of those eligible a contact gets (rule 9).

Owns: what the strategies of a queue mean. Looks at the first of each pool, and at those behind it that an exclusion
hides; never at all agents.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from heapq import merge
from itertools import chain
from typing import NamedTuple

from trunkline_core.routing import RoutingStrategy

from trunkline_acd.domain.agents import Agent
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.drains import is_held_back
from trunkline_acd.domain.places import Place, Pool, order_of, spot_of
from trunkline_acd.domain.skills import Asked, Profile, meets_one, proficiency
from trunkline_acd.domain.state import Domain


class NotBest(StrEnum):
    """Why another one was preferred to an agent who could take the contact as well."""

    IDLE_SHORTER = "IdleShorter"
    LATER_RING = "LaterRing"
    LESS_PROFICIENT = "LessProficient"
    LOAD_HIGHER = "LoadHigher"
    NOT_DRAWN = "NotDrawn"
    ONLY_HELPS = "OnlyHelps"
    TURN_LATER = "TurnLater"


_NOT_BEST = {
    RoutingStrategy.LEAST_LOADED: NotBest.LOAD_HIGHER,
    RoutingStrategy.ROUND_ROBIN: NotBest.TURN_LATER,
    RoutingStrategy.WEIGHTED_RANDOM: NotBest.NOT_DRAWN,
}


class Standing(NamedTuple):
    """How well an agent suits a contact: the smallest is the best. Earlier rings go first (rule 7)."""

    ring: int
    merit: int
    place: Place


def best_standing(domain: Domain, contact: Contact, now: datetime) -> Standing | None:
    """Return the best of all agents who are eligible for the contact, or None."""
    pools = pools_for(domain, contact, now)
    if _strategy(domain, contact) is RoutingStrategy.WEIGHTED_RANDOM:
        return _drawn_from_first_ring(domain, contact, pools)
    standings = (_first_eligible(domain, pool, contact) for pool in pools)
    return min((standing for standing in standings if standing), default=None)


def rings_at_all(domain: Domain, contact: Contact) -> bool:
    """Tell whether the contact rings at all who could take it: not while it is held for one agent (rule 10), and never
    a call-back, for which one agent waits until its customer is dialled (rule 13)."""
    is_open_to_all = not contact.held_for and contact.callback is None
    return is_open_to_all and _strategy(domain, contact) is RoutingStrategy.RING_ALL


def pools_for(domain: Domain, contact: Contact, now: datetime) -> list[Pool]:
    """Return the pools whose agents are eligible for the contact, but for exclusions."""
    asked = domain.asked_of(contact)
    return [pool for pool in domain.pools if may_take(domain, pool, contact.channel, asked, now)]


def may_take(domain: Domain, pool: Pool, channel: Channel, asked: Asked, now: datetime) -> bool:
    """Tell whether the agents of the pool have room and skills for such contacts, and these are not held back."""
    return channel in pool.room and meets_one(pool.profile, asked) and not is_held_back(domain, channel, pool, now)


def standings(domain: Domain, contact: Contact, now: datetime) -> Iterator[Standing]:
    """Iterate over all who are eligible for the contact, the best first; by lot nobody is the best."""
    ranked = merge(*(standings_in(domain, pool, contact) for pool in pools_for(domain, contact, now)))
    return (standing for standing in ranked if standing.place.agent_id not in contact.excluded)


def standings_in(domain: Domain, pool: Pool, contact: Contact) -> Iterator[Standing]:
    """Iterate over the agents of one pool, the best first, whether the pool has room for the contact or not."""
    strategy = _strategy(domain, contact)
    ring = contact.ring_of(pool.profile)
    merit = _merit(strategy, contact, pool.profile)
    return (Standing(ring, merit, place) for place in domain.agents_with_room(pool, order_of(strategy)))


def why_not_best(domain: Domain, contact: Contact, chosen: Profile, other: Profile) -> NotBest:
    """Return the reason why the strategy preferred the chosen agent to another eligible one, by their profiles."""
    strategy = _strategy(domain, contact)
    if contact.ring_of(other) > contact.ring_of(chosen):
        return NotBest.ONLY_HELPS if contact.is_only_helped_by(other) else NotBest.LATER_RING
    if strategy is RoutingStrategy.BEST_PROFICIENCY:
        needs = contact.requirements
        is_alike = proficiency(chosen, needs) == proficiency(other, needs)
        return NotBest.IDLE_SHORTER if is_alike else NotBest.LESS_PROFICIENT
    return _NOT_BEST.get(strategy, NotBest.IDLE_SHORTER)


def goes_before(domain: Domain, contact: Contact, one: Agent, other: Agent) -> bool:
    """Tell whether the strategy would have taken the one of two agents with room; never by lot."""
    strategy = _strategy(domain, contact)
    spots = spot_of(one, order_of(strategy)), spot_of(other, order_of(strategy))
    if strategy is RoutingStrategy.WEIGHTED_RANDOM or None in spots:
        return False
    mine, theirs = (
        (contact.ring_of(pool.profile), _merit(strategy, contact, pool.profile), place)
        for pool, place in filter(None, spots)
    )
    return mine < theirs


def _first_eligible(domain: Domain, pool: Pool, contact: Contact) -> Standing | None:
    standings = standings_in(domain, pool, contact)
    return next((standing for standing in standings if standing.place.agent_id not in contact.excluded), None)


def _merit(strategy: RoutingStrategy, contact: Contact, profile: Profile) -> int:
    return -proficiency(profile, contact.requirements) if strategy is RoutingStrategy.BEST_PROFICIENCY else 0


def _strategy(domain: Domain, contact: Contact) -> RoutingStrategy:
    return domain.queue(contact.queue_id).definition.strategy


def _drawn_from_first_ring(domain: Domain, contact: Contact, pools: list[Pool]) -> Standing | None:
    for ring in (*range(contact.ring + 1), len(contact.rings) + 1):
        of_ring = [pool for pool in pools if contact.ring_of(pool.profile) == ring]
        if drawn := _drawn(domain, contact, of_ring):
            return Standing(ring, 0, drawn)
    return None


def _drawn(domain: Domain, contact: Contact, pools: list[Pool]) -> Place | None:
    """Draw one agent by lot; where an exclusion hides the drawn one, the next behind it."""
    tickets = [
        (pool, proficiency(pool.profile, contact.requirements) or 1, domain.pools.size(pool))
        for pool in sorted(pools)  # the order of pools is no part of the state
    ]
    if not tickets:
        return None
    ticket = _lot(contact) % sum(weight * size for _, weight, size in tickets)
    while ticket >= tickets[0][1] * tickets[0][2]:
        ticket -= tickets[0][1] * tickets[0][2]
        tickets.append(tickets.pop(0))
    return _from(domain, contact, [(pool, size) for pool, _, size in tickets], ticket // tickets[0][1])


def _from(domain: Domain, contact: Contact, pools: list[tuple[Pool, int]], first: int) -> Place | None:
    """Return the first agent who is not excluded: from `first` of the first pool on, round all pools."""
    (pool, size), *others = pools
    spots = chain(
        ((pool, number) for number in range(first, size)),
        ((other, number) for other, other_size in others for number in range(other_size)),
        ((pool, number) for number in range(first)),
    )
    for spot in spots:
        place = domain.pools.at(*spot)
        if place.agent_id not in contact.excluded:
            return place
    return None


def _lot(contact: Contact) -> int:
    """Return a number that the contact's id and the number of its offer alone decide: the log can be decided again."""
    seed = f"{contact.contact_id}/{contact.next_offer_no}"
    return int.from_bytes(sha256(seed.encode()).digest()[:8])
