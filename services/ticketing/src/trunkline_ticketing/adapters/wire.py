"""Commands and events as bytes, and where they belong in the ledger."""

from trunkline.ticket.v1.ticket_commands_pb2 import TicketCommand
from trunkline.ticket.v1.ticket_events_pb2 import TicketEvent
from trunkline_ledger.submission import Lane
from trunkline_platform.wire import EventWire

from trunkline_ticketing.domain import commands, events
from trunkline_ticketing.domain.commands import Command, CreateTicket
from trunkline_ticketing.domain.events import Event

TOPIC = "ticket.events.v1"

WIRE: EventWire[Command, Event] = EventWire(
    events=events.Event, event_message=TicketEvent, commands=commands.Command, command_message=TicketCommand
)


def stream_of(event: Event) -> str:
    """The ticket."""
    return event.ticket_id


def key_of(command: Command, tenant: str) -> str:
    """A tenant's tickets stand on one partition."""
    return tenant


def lane_of(command: Command) -> Lane:
    """New tickets wait behind work on those that exist."""
    return Lane.NEW if isinstance(command, CreateTicket) else Lane.ENDING
