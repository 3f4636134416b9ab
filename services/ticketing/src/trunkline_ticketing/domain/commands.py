"""What somebody wants of a ticket; what became of notices. Fields: protos/trunkline/ticket/v1/ticket_commands.proto."""

from dataclasses import dataclass

from trunkline_core.sealed import Sealed
from trunkline_core.webhooks import NoticeTargetDefinition

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


@dataclass(frozen=True, slots=True)
class PutNoticeTarget:
    target: NoticeTargetDefinition | None


@dataclass(frozen=True, slots=True)
class RecordNoticeDelivered:
    notice_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class RecordNoticeRefused:
    notice_id: str
    attempt: int
    reason: str


TicketCommand = CreateTicket | ChangeTicketState | AddNote
NoticeCommand = PutNoticeTarget | RecordNoticeDelivered | RecordNoticeRefused
"""No caller may send these."""
Command = TicketCommand | NoticeCommand
