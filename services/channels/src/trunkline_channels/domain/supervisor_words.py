"""What a supervisor who monitors a chat writes in it (routing rule 20): whispers for its agent, messages for all.

Owns: that words reach only those for whom the supervisor wrote them. Must not: touch the agent's room or the customer's
silence beyond what any message does.
"""

from collections.abc import Iterator
from typing import Final

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.replacing import replace
from trunkline_core.sealed import check_sealed

from trunkline_channels.domain import checks, commands, monitoring, policy
from trunkline_channels.domain.contact import Contact, Whisper
from trunkline_channels.domain.events import Event, MessageAdded, WhisperAdded
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
        yield _whispered(contact, supervisor_id, command)
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


def _whispered(contact: Contact, supervisor_id: str, command: commands.AddSupervisorMessage) -> WhisperAdded:
    body = check_sealed("body", command.body, policy.MAX_NOTE_BYTES)
    whisper_no = len(contact.whispers) + 1
    if whisper_no > policy.MAX_WHISPERS:
        raise Rejection("ConversationFull")
    return WhisperAdded(contact.contact_id, whisper_no, supervisor_id, contact.agent_id, body)


def _said(contact: Contact, supervisor_id: str, command: commands.AddSupervisorMessage) -> MessageAdded:
    body = checks.checked("body", command.body)
    if not contact.has_room:
        raise Rejection("ConversationFull")
    message_no = contact.next_message_no
    return MessageAdded(contact.contact_id, message_no, Author.SUPERVISOR, body, "", supervisor_id)


def apply_whispered(state: ChannelsState, contact: Contact, event: WhisperAdded, context: Context) -> None:
    """Keep it for the agent."""
    after_message_no = len(contact.messages)
    whisper = Whisper(event.whisper_no, event.supervisor_id, event.agent_id, context.now, event.body, after_message_no)
    state.put(replace(contact, whispers=(*contact.whispers, whisper)))
