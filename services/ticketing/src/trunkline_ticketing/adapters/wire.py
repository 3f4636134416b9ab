"""Commands and events as bytes, and where they belong in the ledger."""

from trunkline.ticket.v1 import ticket_commands_pb2, ticket_events_pb2
from trunkline_ledger.submission import Lane
from trunkline_platform.wire import EventWire

from trunkline_ticketing.domain import commands, events
from trunkline_ticketing.domain.commands import Command, CreateTicket, NoticeCommand
from trunkline_ticketing.domain.events import Event, NoticeTargetPut, TicketEvent

TOPIC = "ticket.events.v1"

WIRE: EventWire[Command, Event] = EventWire(
    events=events.Event,
    event_message=ticket_events_pb2.TicketEvent,
    commands=commands.Command,
    command_message=ticket_commands_pb2.TicketCommand,
)


def stream_of(event: Event) -> str:
    """The ticket; of a notice its target, so that a ticket's own stream has no gaps in the public journal."""
    if isinstance(event, TicketEvent):
        return event.ticket_id
    return event.target.target_id if isinstance(event, NoticeTargetPut) else event.target_id


def key_of(command: Command, tenant: str) -> str:
    """A tenant's tickets stand on one partition."""
    return tenant


def lane_of(command: Command) -> Lane:
    """New tickets wait behind work on those that exist; what became of notices waits for nobody."""
    if isinstance(command, NoticeCommand):
        return Lane.INTERNAL
    return Lane.NEW if isinstance(command, CreateTicket) else Lane.ENDING
