"""What happened to tickets, and to notices of that. Fields: protos/trunkline/ticket/v1/ticket_events.proto."""

from dataclasses import dataclass
from datetime import datetime

from trunkline_core.sealed import Sealed
from trunkline_core.webhooks import NoticeTargetDefinition

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


@dataclass(frozen=True, slots=True)
class NoticeTargetPut:
    target: NoticeTargetDefinition


@dataclass(frozen=True, slots=True)
class NoticeIntended:
    notice_id: str
    target_id: str
    ticket_id: str
    contact_id: str
    from_state: TicketState
    to_state: TicketState


@dataclass(frozen=True, slots=True)
class NoticeDelayed:
    notice_id: str
    target_id: str
    attempt: int
    reason: str
    next_attempt_time: datetime


@dataclass(frozen=True, slots=True)
class NoticeDelivered:
    notice_id: str
    target_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class NoticeFailed:
    notice_id: str
    target_id: str
    attempt: int
    reason: str


TicketEvent = TicketCreated | TicketStateChanged | NoteAdded
NoticeEvent = NoticeTargetPut | NoticeIntended | NoticeDelayed | NoticeDelivered | NoticeFailed
Event = TicketEvent | NoticeEvent
