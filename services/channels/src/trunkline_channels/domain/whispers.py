"""Whispers: words in a chat for its agents, which the customer never gets (routing rules 19 and 20).

Owns: their numbers, how many are kept, and between which messages they stand. Must not: say who may write them.
"""

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace
from trunkline_core.sealed import Sealed, check_sealed

from trunkline_channels.domain import policy
from trunkline_channels.domain.contact import Contact, Whisper
from trunkline_channels.domain.events import WhisperAdded
from trunkline_channels.domain.state import ChannelsState


def added(
    contact: Contact, body: Sealed | None, supervisor_id: str = "", colleague_id: str = "", author_agent_id: str = ""
) -> WhisperAdded:
    """Return the contact's next one, for its agent and the colleague, if any.

    Raises: Invalid; Rejection(`ConversationFull`).
    """
    checked = check_sealed("body", body, policy.MAX_NOTE_BYTES)
    whisper_no = len(contact.whispers) + 1
    if whisper_no > policy.MAX_WHISPERS:
        raise Rejection("ConversationFull")
    return WhisperAdded(
        contact_id=contact.contact_id,
        whisper_no=whisper_no,
        supervisor_id=supervisor_id,
        agent_id=contact.agent_id,
        body=checked,
        colleague_id=colleague_id,
        author_agent_id=author_agent_id,
    )


def apply_added(state: ChannelsState, contact: Contact, event: WhisperAdded, context: Context) -> None:
    """Keep it for the agents."""
    whisper = Whisper(
        whisper_no=event.whisper_no,
        supervisor_id=event.supervisor_id,
        agent_id=event.agent_id,
        sent_time=context.now,
        body=event.body,
        after_message_no=len(contact.messages),
        colleague_id=event.colleague_id,
        author_agent_id=event.author_agent_id,
    )
    state.put(replace(contact, whispers=(*contact.whispers, whisper)))
