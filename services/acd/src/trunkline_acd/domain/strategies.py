"""Which agent of those eligible a contact gets (rule 9).

Owns: what the strategies of a queue mean. Looks at the first of each pool, and at those behind it that an exclusion
hides; never at all agents.
"""

from collections.abc import Iterator
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

from trunkline_core.routing import RoutingStrategy

from trunkline_acd.domain.agents import Agent
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.places import OCCUPIED, Place, order_of, place_of
from trunkline_acd.domain.skills import Profile, meets, proficiency
from trunkline_acd.domain.state import Domain

_NOT_BEST = {
    RoutingStrategy.LEAST_LOADED: "LoadHigher",
    RoutingStrategy.ROUND_ROBIN: "TurnLater",
    RoutingStrategy.WEIGHTED_RANDOM: "NotDrawn",
}


class Standing(NamedTuple):
    """How well an agent suits a contact: the smallest is the best. Earlier rings go first (rule 7)."""

    ring: int
    merit: int
    place: Place


def best_standing(domain: Domain, contact: Contact) -> Standing | None:
    """Return the best of all agents who are eligible for the contact, or None."""
    profiles = [profile for profile in domain.pools if meets(profile, contact.wanted)]
    if _strategy(domain, contact) is RoutingStrategy.WEIGHTED_RANDOM:
        return _drawn_from_first_ring(domain, contact, profiles)
    standings = (_first_eligible(domain, profile, contact) for profile in profiles)
    return min((standing for standing in standings if standing), default=None)


def standings_in(domain: Domain, profile: Profile, contact: Contact) -> Iterator[Standing]:
    """Iterate over the agents of one pool who have room for anything, the best first."""
    strategy = _strategy(domain, contact)
    ring = contact.ring_of(profile)
    merit = _merit(strategy, contact, profile)
    return (Standing(ring, merit, place) for place in domain.agents_with_room(profile, order_of(strategy)))


def why_not_best(domain: Domain, contact: Contact, chosen: Profile, other: Profile) -> str:
    """Return the reason why the strategy preferred the chosen agent to another eligible one, by their profiles."""
    strategy = _strategy(domain, contact)
    if contact.ring_of(other) > contact.ring_of(chosen):
        return "LaterRing"
    if strategy is RoutingStrategy.BEST_PROFICIENCY:
        needs = contact.requirements
        return "IdleShorter" if proficiency(chosen, needs) == proficiency(other, needs) else "LessProficient"
    return _NOT_BEST.get(strategy, "IdleShorter")


def goes_before(domain: Domain, contact: Contact, one: Agent, other: Agent) -> bool:
    """Tell whether the strategy would have taken the one of two agents with room; never by lot."""
    strategy = _strategy(domain, contact)
    places = place_of(one, order_of(strategy)), place_of(other, order_of(strategy))
    if strategy is RoutingStrategy.WEIGHTED_RANDOM or None in places:
        return False
    mine, theirs = (
        (contact.ring_of(agent.profile), _merit(strategy, contact, agent.profile), place)
        for agent, place in zip((one, other), places, strict=True)
    )
    return mine < theirs


def pool_size(domain: Domain, profile: Profile, channel: Channel) -> int:
    """Return how many agents of the pool have room for a contact of that channel."""
    if channel is Channel.VOICE:
        return domain.pools.size_before(profile, OCCUPIED)
    return domain.pools.size(profile)


def _first_eligible(domain: Domain, profile: Profile, contact: Contact) -> Standing | None:
    for standing in standings_in(domain, profile, contact):
        if contact.channel is Channel.VOICE and standing.place.load:
            return None
        if standing.place.agent_id not in contact.excluded:
            return standing
    return None


def _merit(strategy: RoutingStrategy, contact: Contact, profile: Profile) -> int:
    return -proficiency(profile, contact.requirements) if strategy is RoutingStrategy.BEST_PROFICIENCY else 0


def _strategy(domain: Domain, contact: Contact) -> RoutingStrategy:
    return domain.queue(contact.queue_id).definition.strategy


def _drawn_from_first_ring(domain: Domain, contact: Contact, profiles: list[Profile]) -> Standing | None:
    for ring in range(contact.ring + 1):
        of_ring = [profile for profile in profiles if contact.ring_of(profile) == ring]
        if drawn := _drawn(domain, contact, of_ring):
            return Standing(ring, 0, drawn)
    return None


def _drawn(domain: Domain, contact: Contact, profiles: list[Profile]) -> Place | None:
    """Draw one agent by lot; where an exclusion hides the drawn one, the next behind it."""
    tickets = [
        (profile, proficiency(profile, contact.requirements) or 1, size)
        for profile in sorted(profiles)  # the order of pools is no part of the state
        if (size := pool_size(domain, profile, contact.channel))
    ]
    if not tickets:
        return None
    ticket = _lot(contact) % sum(weight * size for _, weight, size in tickets)
    while ticket >= tickets[0][1] * tickets[0][2]:
        ticket -= tickets[0][1] * tickets[0][2]
        tickets.append(tickets.pop(0))
    return _from(domain, contact, [(profile, size) for profile, _, size in tickets], ticket // tickets[0][1])


def _from(domain: Domain, contact: Contact, pools: list[tuple[Profile, int]], first: int) -> Place | None:
    """Return the first agent who is not excluded: from `first` of the first pool on, round all pools."""
    (profile, size), *others = pools
    spots = chain(
        ((profile, number) for number in range(first, size)),
        ((other, number) for other, other_size in others for number in range(other_size)),
        ((profile, number) for number in range(first)),
    )
    for pool, number in spots:
        place = domain.pools.at(pool, number)
        if place.agent_id not in contact.excluded:
            return place
    return None


def _lot(contact: Contact) -> int:
    """Return a number that the contact's id and the number of its offer alone decide: the log can be decided again."""
    seed = f"{contact.contact_id}/{contact.offer_no + 1}"
    return int.from_bytes(sha256(seed.encode()).digest()[:8])
