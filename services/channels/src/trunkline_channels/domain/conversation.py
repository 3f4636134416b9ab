"""Messages of a contact, kept sealed until it leaves memory.

Owns: their numbers and how many are kept. Messages before an agent is there wait for the agent.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.texts import LocalizedText

from trunkline_channels.domain import checks, closing, commands, consultations, parking, timing
from trunkline_channels.domain.contact import Contact, with_message
from trunkline_channels.domain.events import Event, MessageAdded, TextShown
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Author, ContactState


def add(state: ChannelsState, command: commands.AddMessage, context: Context) -> Iterator[Event]:
    """Somebody wrote.

    Raises: Rejection(`ConversationFull`, `NotConnectedToAgent`, `ContactClosed`), or (`ContactParked`) for an agent,
    who has to take the chat up first.
    """
    contact = closing.live(state, command.contact_id, context.tenant)
    if command.author in (Author.UNSPECIFIED, Author.SUPERVISOR):  # a supervisor's come as AddSupervisorMessage
        raise Invalid("author", "must be set")
    if command.author is Author.AGENT:
        if not consultations.is_merged_in(contact, command.agent_id):
            yield from closing.as_connected(contact, command.agent_id)
        parking.check_at_hand(contact)
    body = checks.checked("body", command.body)
    if not contact.has_room:
        raise Rejection("ConversationFull")
    agent_id = command.agent_id if command.author is Author.AGENT else ""
    yield MessageAdded(contact.contact_id, contact.next_message_no, command.author, body, agent_id)
    yield from parking.resume_unanswered(state, contact.contact_id)


def tell(state: ChannelsState, contact_id: str, text: LocalizedText | None) -> Iterator[Event]:
    """Say something to the customer, where there is something to say and room for it."""
    contact = state.contacts.get(contact_id)
    if contact is not None and contact.has_room and text is not None and (text.zh or text.en):
        yield TextShown(contact_id, contact.next_message_no, text)


def apply_message(state: ChannelsState, contact: Contact, event: MessageAdded, context: Context) -> None:
    """Keep the message; the conversation is not silent, unless the customer only waits for us."""
    written = with_message(contact, event.author, event.body, context.now, event.agent_id, event.supervisor_id)
    state.put(written)
    if contact.wish is None or contact.state is ContactState.CONNECTED:
        timing.watch_silence(state, contact, context.now)
    parking.note_message(state, written, event.author, context)


def apply_text(state: ChannelsState, contact: Contact, event: TextShown, context: Context) -> None:
    """Keep the text."""
    state.put(with_message(contact, Author.SYSTEM, event.text, context.now))
