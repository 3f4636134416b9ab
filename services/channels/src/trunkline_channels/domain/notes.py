"""Notes for the next agent (routing rule 19): what who has the contact leaves with a transfer or a consultation.

Owns: that a note goes on only where the contact does; what was refused or came to nothing leaves none.
Must not: open one; nobody but agents of the contact is shown any, see adapters/views.py.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.sealed import Sealed, check_sealed

from trunkline_channels.domain import policy
from trunkline_channels.domain.contact import Contact, Note
from trunkline_channels.domain.events import NoteHandedOn
from trunkline_channels.domain.state import ChannelsState


def check(note: Sealed | None) -> None:
    """Raises: Invalid(`note`) for an empty one and one above the limit; none at all is fine."""
    if note is not None:
        check_sealed("note", note, policy.MAX_NOTE_BYTES)


def hand_on(contact: Contact, agent_id: str, note: Sealed | None) -> Iterator[NoteHandedOn]:
    """The contact goes on, with the note of who had it where there is one."""
    if note is not None:
        yield NoteHandedOn(contact.contact_id, agent_id, note)


def apply_handed_on(state: ChannelsState, contact: Contact, event: NoteHandedOn, context: Context) -> None:
    """Keep it for whoever has the contact next."""
    note = Note(event.agent_id, context.now, event.note)
    state.put(replace(contact, notes=(*contact.notes, note)[-policy.MAX_NOTES :]))
