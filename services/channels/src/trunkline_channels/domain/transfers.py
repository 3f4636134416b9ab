"""A connected agent gives the contact on to a queue (routing rule 19).

Owns: that agent and customer stay joined until acd has the contact in the queue; the agent hears why where it has not.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.ids import check_id
from trunkline_core.replacing import replace
from trunkline_core.texts import LocalizedText

from trunkline_channels.domain import closing, commands, notes, steps, take_overs
from trunkline_channels.domain.contact import Contact, Transfer
from trunkline_channels.domain.events import Event, TransferRequested
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import StepKind

PASSED_ON = LocalizedText(
    zh="正在为您转接给其他客服,请稍候。",
    en="We are passing you on to a colleague. One moment, please.",
)


def request(state: ChannelsState, command: commands.TransferContact, context: Context) -> Iterator[Event]:
    """Ask acd to take the contact back into a queue; asking the same again changes nothing.

    The same is what goes to the same place: a note is sealed anew each time. Raises: Invalid; NotFound;
    Rejection(`ContactClosed`, `NotConnectedToAgent`, `TransferUnderWay`, `ConsultationUnderWay`, `TakeOverUnderWay`).
    """
    contact = closing.live(state, command.contact_id, context.tenant)
    check_id("queue_id", command.queue_id)
    if command.preferred_agent_id or command.insist:
        check_id("preferred_agent_id", command.preferred_agent_id)
    notes.check(command.note)
    yield from closing.as_connected(contact, command.agent_id)
    under_way = contact.transfer
    if under_way is not None:
        if (under_way.queue_id, under_way.preferred_agent_id) == (command.queue_id, command.preferred_agent_id):
            return
        raise Rejection("TransferUnderWay")
    if contact.consultation is not None:
        raise Rejection("ConsultationUnderWay")
    take_overs.check_none(contact)
    yield TransferRequested(
        contact.contact_id,
        command.agent_id,
        command.queue_id,
        command.preferred_agent_id,
        note=command.note,
        insist=command.insist,
    )
    yield from steps.begin(state, contact.contact_id, StepKind.TRANSFER)


def apply_requested(state: ChannelsState, contact: Contact, event: TransferRequested) -> None:
    """Remember where it is to go on."""
    wanted = Transfer(event.queue_id, event.preferred_agent_id, event.note, event.insist)
    state.put(replace(contact, transfer=wanted, transfer_refusal=""))
