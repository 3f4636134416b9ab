"""What somebody wants of a ticket. Fields: protos/trunkline/ticket/v1/ticket_commands.proto."""

from dataclasses import dataclass

from trunkline_core.sealed import Sealed

from trunkline_ticketing.domain.words import TicketState


@dataclass(frozen=True, slots=True)
class CreateTicket:
    contact_id: str
    customer_id: str
    subject: Sealed | None


@dataclass(frozen=True, slots=True)
class ChangeTicketState:
    ticket_id: str
    state: TicketState


@dataclass(frozen=True, slots=True)
class AddNote:
    ticket_id: str
    body: Sealed | None


Command = CreateTicket | ChangeTicketState | AddNote
