"""What a supervisor who monitors a chat writes in it (routing rule 20): whispers for its agent, messages for all.

Owns: that words reach only those for whom the supervisor wrote them. Must not: touch the agent's room or the customer's
silence beyond what any message does.
"""

from collections.abc import Iterator
from typing import Final

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection

from trunkline_channels.domain import checks, commands, monitoring, whispers
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.events import Event, MessageAdded
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Author, Channel, MonitoringMode

_WRITES: Final = (MonitoringMode.WHISPER, MonitoringMode.BARGE)


def add(state: ChannelsState, command: commands.AddSupervisorMessage, context: Context) -> Iterator[Event]:
    """The supervisor wrote, also in a parked chat: its agent stays as free as before.

    Raises: Invalid; NotFound; Rejection(`ContactNotConnected`, `WritingNeedsChat`, `NotMonitoring`,
    `MonitoringOnlyListens`, `MonitoringIsOther`, `ConversationFull`).
    """
    if command.mode not in _WRITES:
        raise Invalid("mode", "must be WHISPER or BARGE")
    contact = monitoring.connected(state, command.contact_id, context)
    supervisor_id = monitoring.supervisor_of(context)
    _check_may_write(contact, supervisor_id, command.mode)
    if command.mode is MonitoringMode.WHISPER:
        yield whispers.added(contact, command.body, supervisor_id=supervisor_id)
    else:
        yield _said(contact, supervisor_id, command)


def _check_may_write(contact: Contact, supervisor_id: str, mode: MonitoringMode) -> None:
    """What was meant for the agent never goes to the customer because the mode changed meanwhile, in another tab."""
    if contact.channel is not Channel.CHAT:
        raise Rejection("WritingNeedsChat")
    if contact.monitoring is None or not monitoring.is_by(contact, supervisor_id):
        raise Rejection("NotMonitoring")
    if contact.monitoring.mode not in _WRITES:
        raise Rejection("MonitoringOnlyListens")
    if contact.monitoring.mode is not mode:
        raise Rejection("MonitoringIsOther")


def _said(contact: Contact, supervisor_id: str, command: commands.AddSupervisorMessage) -> MessageAdded:
    body = checks.checked("body", command.body)
    if not contact.has_room:
        raise Rejection("ConversationFull")
    message_no = contact.next_message_no
    return MessageAdded(contact.contact_id, message_no, Author.SUPERVISOR, body, "", supervisor_id)
