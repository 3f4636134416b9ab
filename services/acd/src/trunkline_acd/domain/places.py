"""Where an agent stands among those who could take something, in each order that a strategy looks at (rule 9).

Agents lie in pools. All of one pool have the same skills and room for the same channels, so that whoever could take a
contact is found by pools and never by looking through agents: a pool is eligible as a whole or not at all. An agent
lies in one pool in each order and moves to another one when its work changes what fits beside it, which costs as much
as moving within one; there are at most a few pools for each set of skills. No place moves as time goes by, so that a
pool stays sorted and its first is all that a match looks at. Must not: know contacts.
"""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from trunkline_core.routing import RoutingStrategy

from trunkline_acd.domain.agents import Agent, is_routable, occupancy
from trunkline_acd.domain.capacity import Room
from trunkline_acd.domain.skills import Profile

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Order(Enum):
    """How the agents of a pool are sorted."""

    IDLE = 1
    LOAD = 2
    TURN = 3


class Pool(NamedTuple):
    """Agents who can take the same contacts; `blocks_calls`: chats keep them from a call (rule 2, drain)."""

    profile: Profile
    room: Room
    blocks_calls: bool


class Place(NamedTuple):
    """A place in one order: 0 load is unoccupied and goes first, then the lower rank, then the lower id."""

    load: int
    rank: int
    agent_id: str


Spot = tuple[Pool, Place]
"""A place in one pool."""

_ORDERS = {RoutingStrategy.LEAST_LOADED: Order.LOAD, RoutingStrategy.ROUND_ROBIN: Order.TURN}


def order_of(strategy: RoutingStrategy) -> Order:
    """Return the order in which the strategy looks at a pool."""
    return _ORDERS.get(strategy, Order.IDLE)


def spot_of(agent: Agent, order: Order = Order.IDLE) -> Spot | None:
    """Return the agent's pool and place, None without room for anything."""
    pool = pool_of(agent)
    return (pool, _place(agent, order)) if pool else None


def pool_of(agent: Agent) -> Pool | None:
    """Return the agent's pool, None without room for anything, or while a returned customer takes the next room."""
    if not is_routable(agent) or agent.has_returned_customer:
        return None
    left = occupancy(agent)
    return Pool(agent.profile, left.room, left.blocks_calls) if left.room else None


def _place(agent: Agent, order: Order) -> Place:
    match order:
        case Order.IDLE:
            return Place(len(agent.at_hand), _idle_rank_us(agent), agent.agent_id)
        case Order.LOAD:
            return Place(occupancy(agent).share_permille, agent.recent_work, agent.agent_id)
        case Order.TURN:
            return Place(int(bool(agent.at_hand)), agent.last_turn, agent.agent_id)


def _idle_rank_us(agent: Agent) -> int:
    """Smaller is longer idle. An idle agent's rank is the moment from which it would have been idle without a break."""
    idle_us = agent.idle // _MICROSECOND
    return (agent.idle_since - _EPOCH) // _MICROSECOND - idle_us if agent.idle_since else -idle_us
