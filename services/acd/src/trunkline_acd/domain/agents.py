"""An agent's row: what the agent wants, whether a desk is connected, and the work at hand.

Owns: what "routable", "capacity" and "idle" mean (rules 1, 2 and 9).
Must not: know queues or contacts beyond the work items.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from trunkline_core.replacing import replace
from trunkline_core.routing import AgentDefinition

from trunkline_acd.domain import capacity, recency
from trunkline_acd.domain.capacity import Occupancy
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import CallbackDialled, ConsultationOffered, ContactOffered, ContactTakenOver
from trunkline_acd.domain.skills import Profile, profile_of
from trunkline_acd.domain.words import CallIn, Connectivity, DeviceState, Explanation, Intent, WorkState


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work: an offer, a connection or a wrap-up. Each holds its channel's units until it is gone.

    Attributes:
        callback_reached: whether the customer of a call-back is on the line already.
        asked_by: the colleague who has the contact and asks about it; empty for a contact of one's own.
        frees_exclusion: whether this wrap-up lets channels come that its contact kept out (rule 5).
        parked_since: since when its customer is silent and it uses no units; None while it does. What was parked when
            it ended is wrapped up without units.
        parked_before: for how long it was parked earlier.
        waits_since: since when the customer of a parked chat waits for room; None while silent.
    """

    contact_id: str
    queue_id: str
    segment_no: int
    offer_no: int
    channel: Channel
    state: WorkState
    since_time: datetime
    expires_time: datetime | None
    entered_time: datetime
    explanation: Explanation | None = None
    extensions: int = 0
    frees_exclusion: bool = False
    callback: bool = False
    asked_by: str = ""
    parked_since: datetime | None = None
    parked_before: timedelta = timedelta(0)
    waits_since: datetime | None = None
    callback_reached: bool = False

    def parked_for(self, now: datetime) -> timedelta:
        """Return for how long it was parked in all."""
        return self.parked_before + (now - self.parked_since if self.parked_since else timedelta(0))


def begun_work(
    event: ContactOffered | CallbackDialled | ConsultationOffered | ContactTakenOver,
    state: WorkState,
    *,
    channel: Channel,
    entered_time: datetime,
    now: datetime,
) -> Work:
    """Return the work that an agent begins with this event: without an end, and with nothing that only some have."""
    return Work(
        contact_id=event.contact_id,
        queue_id=event.queue_id,
        segment_no=event.segment_no,
        offer_no=event.offer_no,
        channel=channel,
        state=state,
        since_time=now,
        expires_time=None,
        entered_time=entered_time,
    )


class Outpaced(NamedTuple):
    """An offer that another agent accepted first."""

    contact_id: str
    offer_no: int


class Taken(NamedTuple):
    """A contact that a supervisor took from the agent, and who got it."""

    contact_id: str
    by_agent_id: str


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent.

    Attributes:
        version: grows with every change of the row.
        next_intent: what the agent will want once the work is done; UNSPECIFIED for nothing else.
        peer_id: the console that holds the desk; kept after the loss of the desk.
        misses: offers missed in a row, over all contacts.
        since_time: since when intent, connectivity and block are as they are.
        work_since_time: since when the work is as it is.
        idle: time available and unoccupied since the last contact ended, without the stretch that runs.
        idle_since: when the running stretch began; None while occupied or not routable.
        recent_work: contacts of late, each by the share of the agent that it took (`recency`).
        last_turn: number of the newest offer among all of the routing domain, 0 before the first.
        outpaced: the newest offer that another agent accepted first; None before there was one.
        has_device: whether a gateway ever spoke for the telephone.
        registered_at: the gateways at which the telephone is registered, sorted.
        unreachable: whether the block is for a telephone that could not be reached.
        taken: the contact that a supervisor took from the agent last; None before there was one.
        called_in: that a supervisor asked the agent to come (rule 20); None for one who is not called in.
    """

    agent_id: str
    definition: AgentDefinition
    profile: Profile
    since_time: datetime
    work_since_time: datetime
    version: int = 0
    intent: Intent = Intent.OFFLINE
    break_reason: str = ""
    connectivity: Connectivity = Connectivity.DISCONNECTED
    peer_id: str = ""
    session_id: str = ""
    misses: int = 0
    not_responding: bool = False
    work: tuple[Work, ...] = ()
    idle: timedelta = timedelta(0)
    idle_since: datetime | None = None
    recent_work: int = recency.NOTHING
    last_turn: int = 0
    next_intent: Intent = Intent.UNSPECIFIED
    next_break_reason: str = ""
    outpaced: Outpaced | None = None
    has_device: bool = False
    registered_at: tuple[str, ...] = ()
    unreachable: bool = False
    taken: Taken | None = None
    called_in: CallIn | None = None

    @property
    def device(self) -> DeviceState:
        """Media health (rule 1); where no gateway ever spoke for the telephone, nothing is known against it."""
        if self.registered_at:
            return DeviceState.REGISTERED
        return DeviceState.LOST if self.has_device else DeviceState.UNSPECIFIED

    def work_on(self, contact_id: str) -> Work | None:
        """Return the work item of that contact, or None."""
        return next((work for work in self.work if work.contact_id == contact_id), None)

    @property
    def at_hand(self) -> tuple[Work, ...]:
        """The work that uses units: all that is not parked (rule 2)."""
        return tuple(work for work in self.work if work.parked_since is None)

    @property
    def has_returned_customer(self) -> bool:
        """Whether the customer of a parked chat waits for the next room; nothing else is offered before (rule 2)."""
        return any(work.waits_since for work in self.work)

    def count(self, state: WorkState) -> int:
        """Return how many work items at hand are in that state."""
        return sum(work.state is state for work in self.at_hand)


def new_agent(definition: AgentDefinition, now: datetime) -> Agent:
    """Return the row of an agent nobody has seen yet."""
    return Agent(definition.agent_id, definition, profile_of(definition, now), since_time=now, work_since_time=now)


def redefined(agent: Agent, definition: AgentDefinition, now: datetime) -> Agent:
    """Return the row under a new definition; live work stays."""
    return replace(agent, definition=definition, profile=profile_of(definition, now))


def is_routable(agent: Agent) -> bool:
    """Tell whether the agent may get offers at all; derived, never stored (rule 1)."""
    is_there = agent.connectivity is Connectivity.CONNECTED and not agent.not_responding
    return is_there and agent.intent is Intent.AVAILABLE and agent.next_intent is Intent.UNSPECIFIED


def is_signed_in(agent: Agent) -> bool:
    """Tell whether the agent is at work at all: free, busy, on a break, or away from the desk for a moment."""
    return agent.intent in (Intent.AVAILABLE, Intent.BREAK) and agent.connectivity is not Connectivity.DISCONNECTED


def is_staying(agent: Agent) -> bool:
    """Tell whether the agent can take something soon: signed in, not about to leave, and not blocked."""
    return is_signed_in(agent) and not agent.not_responding and agent.next_intent is not Intent.OFFLINE


def has_room(agent: Agent, channel: Channel) -> bool:
    """Tell whether one more contact of that channel fits beside the work at hand (rule 2)."""
    return channel in occupancy(agent).room


def is_unreachable(agent: Agent, channel: Channel) -> bool:
    """Tell whether contacts of that channel need a telephone, and the agent's is lost (rule 1)."""
    return channel is Channel.VOICE and agent.device is DeviceState.LOST


def occupancy(agent: Agent) -> Occupancy:
    """Return what the work at hand, and a lost telephone, leave of the agent."""
    held = tuple((work.channel, not work.frees_exclusion) for work in agent.at_hand)
    left = capacity.occupancy_of(agent.definition, held)
    return left.without(Channel.VOICE) if is_unreachable(agent, Channel.VOICE) else left


def idle_at(agent: Agent, now: datetime) -> timedelta:
    """Return how long the agent has been available and unoccupied since the last contact ended (rule 9)."""
    return agent.idle + (now - agent.idle_since if agent.idle_since else timedelta(0))


def settled(agent: Agent, now: datetime) -> Agent:
    """Start or stop the running stretch of idle time to fit the row, and count the change."""
    is_idle = is_routable(agent) and not agent.at_hand
    if is_idle == (agent.idle_since is not None):
        return replace(agent, version=agent.version + 1)
    since = now if is_idle else None
    return replace(agent, version=agent.version + 1, idle=idle_at(agent, now), idle_since=since)


def with_work(agent: Agent, work: Work, now: datetime) -> Agent:
    """Return the row with this piece of work, in place of an earlier one of the same contact."""
    others = tuple(other for other in agent.work if other.contact_id != work.contact_id)
    return replace(agent, work=(*others, work), work_since_time=now)


def without_work(agent: Agent, contact_id: str, now: datetime) -> Agent:
    """Return the row without the work of that contact."""
    others = tuple(other for other in agent.work if other.contact_id != contact_id)
    return replace(agent, work=others, work_since_time=now)


def with_idle_reset(agent: Agent, now: datetime) -> Agent:
    """Return the row with idle time counted from now: a contact ended."""
    return replace(agent, idle=timedelta(0), idle_since=now if agent.idle_since else None)


def with_recent_work(agent: Agent, channel: Channel, now: datetime) -> Agent:
    """Return the row with one more contact of late, by the share of the agent that it takes."""
    share_permille = capacity.share_permille(agent.definition, channel)
    return replace(agent, recent_work=recency.with_part(agent.recent_work, share_permille, now))
