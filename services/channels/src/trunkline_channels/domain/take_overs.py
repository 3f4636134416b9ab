"""A supervisor takes a connected contact from its agent, and another agent has it (routing rule 20).

Owns: that a call is taken over by whoever monitors it, whose leg is up: its customer never waits for a device.
Must not: know whether the other agent has room; acd books both in one step, or refuses.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.ids import check_id, check_reason
from trunkline_core.replacing import replace

from trunkline_channels.domain import commands, monitoring, steps, timing
from trunkline_channels.domain.contact import Contact, TakeOver, without_step
from trunkline_channels.domain.events import ContactTakenOver, Event, TakeOverRequested
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Channel, ContactState, Parking, StepKind


def request(state: ChannelsState, command: commands.TakeOverContact, context: Context) -> Iterator[Event]:
    """Ask acd to give the contact to that agent; asking the same again, or for who has it, changes nothing.

    Raises: Invalid; NotFound; Rejection(`ContactNotConnected`, `TransferUnderWay`, `ConsultationUnderWay`,
    `TakeOverUnderWay`, `TakeOverNeedsMonitoring`).
    """
    check_id("agent_id", command.agent_id)
    check_reason(command.reason)
    contact = monitoring.connected(state, command.contact_id, context)
    supervisor_id = monitoring.supervisor_of(context)
    if command.agent_id == contact.agent_id:
        return
    if contact.transfer is not None:
        raise Rejection("TransferUnderWay")
    if contact.consultation is not None:
        raise Rejection("ConsultationUnderWay")
    if (asked := contact.takes_over) is not None:
        if asked.agent_id == command.agent_id:
            return
        raise Rejection("TakeOverUnderWay")
    if contact.channel is Channel.VOICE and not _has_leg(contact, supervisor_id, command.agent_id):
        raise Rejection("TakeOverNeedsMonitoring")
    yield TakeOverRequested(contact.contact_id, supervisor_id, command.agent_id, command.reason)
    yield from steps.begin(state, contact.contact_id, StepKind.TAKE_OVER)


def check_none(contact: Contact) -> None:
    """Raises: Rejection(`TakeOverUnderWay`), while acd is asked: what the agent begins now would overtake it."""
    if contact.takes_over is not None:
        raise Rejection("TakeOverUnderWay")


def record(state: ChannelsState, command: commands.RecordTakenOver, context: Context) -> Iterator[Event]:
    """acd has given it to another agent."""
    contact = state.contact(command.contact_id, context.tenant)
    is_here = contact.state is ContactState.CONNECTED and command.segment_no == contact.segment_no
    if is_here and command.offer_no > contact.offer_no:
        now = contact.monitoring
        if now is not None and now.agent_id == command.agent_id:
            yield from monitoring.over(contact, "taken_over")
        place = (contact.contact_id, command.segment_no, command.offer_no)
        yield ContactTakenOver(*place, command.agent_id, contact.agent_id)


def apply_requested(state: ChannelsState, contact: Contact, event: TakeOverRequested) -> None:
    """Remember who is to have it."""
    wanted = TakeOver(event.agent_id, event.supervisor_id, event.reason)
    state.put(replace(contact, take_over=wanted, take_over_refusal=""))


def apply_taken_over(state: ChannelsState, contact: Contact, event: ContactTakenOver) -> None:
    """The other agent has it; a chat is at hand there, and nobody has answered its customer yet."""
    done = without_step(contact, StepKind.TAKE_OVER, StepKind.PARK, StepKind.RESUME)
    state.put(
        replace(
            done,
            agent_id=event.agent_id,
            offer_no=event.offer_no,
            newest_offer_no=max(event.offer_no, contact.newest_offer_no),
            take_over=None,
            consultation=None,
            parking=Parking.UNSPECIFIED,
        )
    )
    timing.stop_watching(state, contact.contact_id, timing.PARKING)


def _has_leg(contact: Contact, supervisor_id: str, agent_id: str) -> bool:
    now = contact.monitoring
    return now is not None and now.is_joined and (now.supervisor_id, now.agent_id) == (supervisor_id, agent_id)
