"""Where an agent stands among those who could take something, in each order that a strategy looks at (rule 9).

No place moves as time goes by, so that a pool stays sorted and its first is all that a match looks at.
Must not: know contacts.
"""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from trunkline_core.routing import RoutingStrategy

from trunkline_acd.domain.agents import Agent, has_room, is_routable
from trunkline_acd.domain.definitions import Channel

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Order(Enum):
    """How the agents of a pool are sorted."""

    IDLE = 1
    LOAD = 2
    TURN = 3


class Place(NamedTuple):
    """A place in one order: 0 load is unoccupied and goes first, then the lower rank, then the lower id."""

    load: int
    rank: int
    agent_id: str


OCCUPIED = (1,)
"""Sorts before every place with load and behind all without."""

_ORDERS = {RoutingStrategy.LEAST_LOADED: Order.LOAD, RoutingStrategy.ROUND_ROBIN: Order.TURN}


def order_of(strategy: RoutingStrategy) -> Order:
    """Return the order in which the strategy looks at a pool."""
    return _ORDERS.get(strategy, Order.IDLE)


def place_of(agent: Agent, order: Order = Order.IDLE) -> Place | None:
    """Return the agent's place among those with room for anything, or None."""
    if not is_routable(agent) or not has_room(agent, Channel.CHAT):
        return None
    match order:
        case Order.IDLE:
            return Place(len(agent.work), _idle_rank_us(agent), agent.agent_id)
        case Order.LOAD:
            share_permille = 1000 * len(agent.work) // agent.definition.chat_capacity
            return Place(share_permille, agent.recent_work, agent.agent_id)
        case Order.TURN:
            return Place(int(bool(agent.work)), agent.last_turn, agent.agent_id)


def _idle_rank_us(agent: Agent) -> int:
    """Smaller is longer idle. An idle agent's rank is the moment from which it would have been idle without a break."""
    idle_us = agent.idle // _MICROSECOND
    return (agent.idle_since - _EPOCH) // _MICROSECOND - idle_us if agent.idle_since else -idle_us
