"""What happened to tickets. Fields: protos/trunkline/ticket/v1/ticket_events.proto."""

from dataclasses import dataclass

from trunkline_core.sealed import Sealed

from trunkline_ticketing.domain.words import TicketState


@dataclass(frozen=True, slots=True)
class TicketCreated:
    ticket_id: str
    contact_id: str
    customer_id: str
    subject: Sealed | None


@dataclass(frozen=True, slots=True)
class TicketStateChanged:
    ticket_id: str
    from_state: TicketState
    to_state: TicketState


@dataclass(frozen=True, slots=True)
class NoteAdded:
    ticket_id: str
    note_id: str
    body: Sealed | None


Event = TicketCreated | TicketStateChanged | NoteAdded
