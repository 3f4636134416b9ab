"""Parking (rule 2): a chat whose customer is silent stays with its agent and uses no units, until the customer writes.

Owns: what may be parked, and where a chat goes on when its customer is back: at its agent where there is room, after a
wait for that, or in its queue. Channels knows who is silent and says so by steps.
Must not: let a chat go on above its agent's capacity, or lose one whose customer is back.
"""

from collections.abc import Iterator
from itertools import islice

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace
from trunkline_core.routing import NOTHING

from trunkline_acd.domain import commands, consultations, moves, parked_chats, policy, wrap_ups
from trunkline_acd.domain.agents import Agent, has_room, is_staying
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactParked, Event
from trunkline_acd.domain.limits import take_back
from trunkline_acd.domain.matching import offer_to_agent
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.steps import connected_contact, contact_for, is_repeated
from trunkline_acd.domain.words import Connectivity, Trigger


def park(domain: Domain, command: commands.ParkContact, context: Context) -> Iterator[Event]:
    """Free the units of a silent chat for something else.

    Raises: NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotConnected`, `ContactAlreadyParked`, `TooManyParked`,
    `ConsultationUnderWay`), or (`ParkingOff`): it is a call, or the queue parks no chats any more.
    """
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = connected_contact(domain, command.contact_id, command.agent_id, command.segment_no)
    if parked_chats.is_parked(domain, contact):
        raise Rejection("ContactAlreadyParked")
    consultations.check_alone(contact)
    is_on = domain.queue(contact.queue_id).definition.chat_parking_duration > NOTHING
    if contact.channel is not Channel.CHAT or not is_on:
        raise Rejection("ParkingOff")
    agent = domain.agent(contact.agent_id)
    if len(agent.work) - len(agent.at_hand) >= policy.MAX_PARKED_PER_AGENT:
        raise Rejection("TooManyParked")
    yield ContactParked(contact.contact_id, command.step_no, contact.segment_no, contact.agent_id)
    yield from offer_to_agent(domain, contact.agent_id, Trigger.CHAT_PARKED, context)


def resume(domain: Domain, command: commands.ResumeContact, context: Context) -> Iterator[Event]:
    """The customer is back: the chat goes on at once, waits for its agent's next room, or goes back into its queue.

    Raises: NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotConnected`, `ContactNotParked`,
    `CustomerAlreadyWaits`).
    """
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = connected_contact(domain, command.contact_id, command.agent_id, command.segment_no)
    if not parked_chats.is_parked(domain, contact):
        raise Rejection("ContactNotParked")
    if contact.held_for:
        raise Rejection("CustomerAlreadyWaits")
    agent = domain.agent(contact.agent_id)
    if parked_chats.can_resume(agent, contact):
        yield parked_chats.resumed(contact, command.step_no)
    elif _may_wait(domain, agent):
        hold = domain.queue(contact.queue_id).definition.affinity_duration or policy.RETURNED_CUSTOMER_WAIT
        yield parked_chats.returned(contact, command.step_no, context.now + hold)
    else:
        yield from give_back(domain, replace(contact, step_no=command.step_no), context)


def unpark(domain: Domain, command: commands.UnparkContact, context: Context) -> Iterator[Event]:
    """The agent takes the chat up again, also on a break; one that goes on already does so.

    Raises: NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotConnected`, `AgentNotConnected`, `AgentHasNoRoom`).
    """
    agent = domain.agent(command.agent_id)
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    if contact.stage is not Stage.CONNECTED or contact.agent_id != agent.agent_id:
        raise Rejection("ContactNotConnected")
    if not parked_chats.is_parked(domain, contact):
        return
    if agent.connectivity is not Connectivity.CONNECTED:
        raise Rejection("AgentNotConnected")
    if not has_room(agent, contact.channel):
        raise Rejection("AgentHasNoRoom")
    yield parked_chats.resumed(contact, 0)
    yield from offer_to_agent(domain, agent.agent_id, Trigger.AGENT_AVAILABLE, context)


def let_go_of(domain: Domain, agent_id: str, context: Context) -> Iterator[Event]:
    """Give back chats whose customers wait for an agent who cannot take them soon; the rest follows by its timers."""
    if not is_staying(domain.agent(agent_id)):
        waiting = parked_chats.waiting_at(domain, agent_id)
        for contact in islice(waiting, policy.LEAVING_PER_COMMAND):
            yield from give_back(domain, contact, context)


def give_back(domain: Domain, contact: Contact, context: Context) -> Iterator[Event]:
    """Let somebody else have a parked chat whose customer is back: in its queue, with its age; its wait begins anew.

    It was let in before, so a full queue takes it, too; where nobody is signed in for longer than the queue bears, it
    leaves as whoever waits there did. What a changed policy makes of its rings may be too much: then it waits on.
    """
    try:
        entered = moves.next_segment(contact, domain.queue(contact.queue_id))
    except Rejection:
        yield parked_chats.returned(contact, contact.step_no, context.now + policy.RETURN_RETRY)
        return
    yield wrap_ups.unwrapped(domain, contact, context)
    entered = replace(entered, preferred_agent_id=contact.agent_id)
    yield from moves.let_in(domain, entered, Trigger.CUSTOMER_RETURNED, context)
    yield from take_back(domain, contact.contact_id, Trigger.CUSTOMER_RETURNED, context)
    yield from offer_to_agent(domain, contact.agent_id, Trigger.AGENT_BECAME_FREE, context)


def _may_wait(domain: Domain, agent: Agent) -> bool:
    """Tell whether one more customer may wait for the agent, who is back soon and for whom few wait."""
    return is_staying(agent) and domain.held.size(agent.agent_id) < policy.MAX_HELD_PER_AGENT
