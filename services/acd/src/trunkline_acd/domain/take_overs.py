"""A supervisor takes a connected contact from its agent, and another agent has it at once (rule 20).

Owns: that in one step the one is released into wrap-up and the other is booked, or nothing changes; nothing rings.
Must not: end the segment that was answered once more, or know legs: channels asks only once there is one.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid
from trunkline_core.replacing import replace

from trunkline_acd.domain import commands, consultations, named_agents, wrap_ups
from trunkline_acd.domain.agents import Taken, begun_work, with_recent_work, with_work
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.definitions import check_id, check_reason
from trunkline_acd.domain.events import ContactTakenOver, Event
from trunkline_acd.domain.matching import offer_to_agent
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.steps import connected_contact, is_repeated
from trunkline_acd.domain.words import Trigger, WorkState


def take_over(domain: Domain, command: commands.TakeOverContact, context: Context) -> Iterator[Event]:
    """Give the contact to that agent, who needs a connected desk and room for it, and no skill: a person decided it.

    Raises: Invalid; NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotConnected`, `ConsultationUnderWay`,
    `AgentNotConnected`, `AgentHasNoRoom`, `AgentWrapsItUp`).
    """
    _check(command)
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = connected_contact(domain, command.contact_id, command.agent_id, command.segment_no)
    consultations.check_alone(contact)
    taker = domain.agent(command.to_agent_id)
    named_agents.check_desk(taker)
    named_agents.check_room(taker, contact)
    yield wrap_ups.released(domain, contact, context)
    yield ContactTakenOver(
        contact_id=contact.contact_id,
        step_no=command.step_no,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        offer_no=contact.next_offer_no,
        agent_id=taker.agent_id,
        left_agent_id=contact.agent_id,
        supervisor_id=command.supervisor_id,
        reason=command.reason,
    )
    yield from offer_to_agent(domain, contact.agent_id, Trigger.AGENT_BECAME_FREE, context)


def apply_taken_over(state: AcdState, event: ContactTakenOver, context: Context) -> None:
    """Book it with who has it now, and let the other one read where it went."""
    domain, now = state.domain(context.tenant), context.now
    contact, agent = domain.contact(event.contact_id), domain.agent(event.agent_id)
    left = domain.agent(event.left_agent_id)
    domain.put_agent(replace(left, taken=Taken(event.contact_id, event.agent_id)), now)
    domain.put_contact(
        replace(
            contact,
            stage=Stage.CONNECTED,
            step_no=event.step_no,
            agent_id=event.agent_id,
            offer_no=event.offer_no,
            newest_offer_no=event.offer_no,
        )
    )
    channel, entered_time = contact.channel, contact.entered_time
    begun = begun_work(event, WorkState.CONNECTED, channel=channel, entered_time=entered_time, now=now)
    work = replace(begun, callback=contact.callback is not None, callback_reached=contact.is_reached)
    domain.put_agent(with_work(with_recent_work(agent, channel, now), work, now), now)


def _check(command: commands.TakeOverContact) -> None:
    """Raises: Invalid."""
    check_id("to_agent_id", command.to_agent_id)
    check_id("supervisor_id", command.supervisor_id)
    if command.to_agent_id == command.agent_id:
        raise Invalid("to_agent_id", "must be another agent")
    check_reason(command.reason)
