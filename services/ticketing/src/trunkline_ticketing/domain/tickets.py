"""A ticket's life: created open, moved between its states as people see fit, noted on."""

import re
from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.ids import MAX_ID
from trunkline_core.replacing import replace
from trunkline_core.sealed import check_sealed

from trunkline_ticketing.domain import notices
from trunkline_ticketing.domain.commands import AddNote, ChangeTicketState, CreateTicket
from trunkline_ticketing.domain.events import Event, NoteAdded, TicketCreated, TicketStateChanged
from trunkline_ticketing.domain.state import Ticket, TicketingState
from trunkline_ticketing.domain.words import TicketState

MAX_NOTES = 500
MAX_SUBJECT_BYTES = 1024
MAX_NOTE_BYTES = 31 * 1024  # it stands twice in its record, which holds 64 KiB (ledger rule 6)


def create(state: TicketingState, command: CreateTicket, context: Context) -> Iterator[Event]:
    """Create a ticket whose id derives from the command: the same command never makes a second one. Raises: Invalid."""
    _check_id("contact_id", command.contact_id, "ct")
    _check_id("customer_id", command.customer_id, "cu")
    check_sealed("subject", command.subject, MAX_SUBJECT_BYTES)
    ticket_id = context.new_id("tk")
    if ticket_id not in state.tickets:
        yield TicketCreated(ticket_id, command.contact_id, command.customer_id, command.subject)
        yield from notices.intend(state, ticket_id, TicketState.UNSPECIFIED, TicketState.OPEN, context)


def change_state(state: TicketingState, command: ChangeTicketState, context: Context) -> Iterator[Event]:
    """Move the ticket to any other state; the one it has changes nothing. Raises: NotFound, Invalid."""
    if command.state is TicketState.UNSPECIFIED:
        raise Invalid("state", "must be set")
    ticket = state.ticket(context.tenant, command.ticket_id)
    if ticket.state is not command.state:
        yield TicketStateChanged(command.ticket_id, ticket.state, command.state)
        yield from notices.intend(state, command.ticket_id, ticket.state, command.state, context)


def add_note(state: TicketingState, command: AddNote, context: Context) -> Iterator[Event]:
    """Write a note. Raises: NotFound, Invalid, Rejection(`TooManyNotes`)."""
    check_sealed("body", command.body, MAX_NOTE_BYTES)
    ticket = state.ticket(context.tenant, command.ticket_id)
    if ticket.notes >= MAX_NOTES:
        raise Rejection("TooManyNotes")
    yield NoteAdded(command.ticket_id, context.new_id("no"), command.body)


def apply_created(state: TicketingState, event: TicketCreated, context: Context) -> None:
    """Insert the ticket."""
    state.tickets.put(event.ticket_id, Ticket(context.tenant, event.contact_id))


def apply_state_changed(state: TicketingState, event: TicketStateChanged, context: Context) -> None:
    """Move it."""
    ticket = state.ticket(context.tenant, event.ticket_id)
    state.tickets.put(event.ticket_id, replace(ticket, state=event.to_state))


def apply_note_added(state: TicketingState, event: NoteAdded, context: Context) -> None:
    """Count it."""
    ticket = state.ticket(context.tenant, event.ticket_id)
    state.tickets.put(event.ticket_id, replace(ticket, notes=ticket.notes + 1))


def _check_id(field: str, value: str, kind: str) -> None:
    """A ticket needs neither contact nor customer, but what is named as one must look like one."""
    if len(value) > MAX_ID:
        raise Invalid(field, f"must have at most {MAX_ID} characters")
    if value and not re.fullmatch(rf"{kind}_[A-Za-z0-9_-]+", value):
        raise Invalid(field, f"must be {kind}_…, or empty")
