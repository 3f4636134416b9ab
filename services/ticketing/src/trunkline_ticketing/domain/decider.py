"""Ticketing as a decider: sends each command and each event to its rule."""

from collections.abc import Iterator
from typing import assert_never

from trunkline_core.decider import Context

from trunkline_ticketing.domain import notices, tickets
from trunkline_ticketing.domain.commands import (
    AddNote,
    ChangeTicketState,
    Command,
    CreateTicket,
    PutNoticeTarget,
    RecordNoticeDelivered,
    RecordNoticeRefused,
)
from trunkline_ticketing.domain.events import (
    Event,
    NoteAdded,
    NoticeDelayed,
    NoticeDelivered,
    NoticeFailed,
    NoticeIntended,
    NoticeTargetPut,
    TicketCreated,
    TicketStateChanged,
)
from trunkline_ticketing.domain.state import TicketingState


class TicketingDecider:
    """The rules of tickets and of notices about them."""

    def decide(self, state: TicketingState, command: Command, context: Context) -> Iterator[Event]:
        """Yield what the command causes. Raises: TrunklineError."""
        match command:
            case CreateTicket():
                return tickets.create(state, command, context)
            case ChangeTicketState():
                return tickets.change_state(state, command, context)
            case AddNote():
                return tickets.add_note(state, command, context)
            case PutNoticeTarget():
                return notices.put_target(state, command, context)
            case RecordNoticeDelivered():
                return notices.record_delivered(state, command, context)
            case RecordNoticeRefused():
                return notices.record_refused(state, command, context)
            case _:
                assert_never(command)

    def evolve(self, state: TicketingState, event: Event, context: Context) -> None:
        """Apply one event."""
        match event:
            case TicketCreated():
                tickets.apply_created(state, event, context)
            case TicketStateChanged():
                tickets.apply_state_changed(state, event, context)
            case NoteAdded():
                tickets.apply_note_added(state, event, context)
            case NoticeTargetPut():
                notices.apply_target_put(state, event, context)
            case NoticeIntended():
                notices.apply_intended(state, event, context)
            case NoticeDelayed():
                notices.apply_delayed(state, event, context)
            case NoticeDelivered() | NoticeFailed():
                notices.apply_ended(state, event, context)
            case _:
                assert_never(event)
