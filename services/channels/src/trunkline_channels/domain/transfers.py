"""A connected agent gives the contact on to a queue (routing rule 19).

Owns: that agent and customer stay joined until acd has the contact in the queue; the agent hears why where it has not.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.ids import check_id
from trunkline_core.replacing import replace
from trunkline_core.texts import LocalizedText

from trunkline_channels.domain import closing, commands, steps
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

    Raises: Invalid; NotFound; Rejection(`ContactClosed`, `NotConnectedToAgent`, `TransferUnderWay`,
    `ConsultationUnderWay`).
    """
    contact = closing.live(state, command.contact_id, context.tenant)
    check_id("queue_id", command.queue_id)
    if command.preferred_agent_id:
        check_id("preferred_agent_id", command.preferred_agent_id)
    yield from closing.as_connected(contact, command.agent_id)
    wanted = Transfer(command.queue_id, command.preferred_agent_id)
    if contact.transfer == wanted:
        return
    if contact.transfer is not None:
        raise Rejection("TransferUnderWay")
    if contact.consultation is not None:
        raise Rejection("ConsultationUnderWay")
    yield TransferRequested(contact.contact_id, command.agent_id, command.queue_id, command.preferred_agent_id)
    yield from steps.begin(state, contact.contact_id, StepKind.TRANSFER)


def apply_requested(state: ChannelsState, contact: Contact, event: TransferRequested) -> None:
    """Remember where it is to go on."""
    wanted = Transfer(event.queue_id, event.preferred_agent_id)
    state.put(replace(contact, transfer=wanted, transfer_refusal=""))
