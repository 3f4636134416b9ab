"""Commands and events as bytes, and where they belong in the ledger."""

from trunkline.customer.v1.customer_commands_pb2 import CustomerCommand
from trunkline.customer.v1.customer_events_pb2 import CustomerEvent
from trunkline_ledger.submission import Lane
from trunkline_platform.wire import EventWire

from trunkline_crm.domain import commands, events
from trunkline_crm.domain.commands import Command, RecordService, ResolveCustomer
from trunkline_crm.domain.events import ContactResolved, CustomerServed, Event

TOPIC = "customer.events.v1"

WIRE: EventWire[Command, Event] = EventWire(
    events=events.Event, event_message=CustomerEvent, commands=commands.Command, command_message=CustomerCommand
)


def stream_of(event: Event) -> str:
    """The customer."""
    return event.customer_id


def correlation_of(event: Event) -> str:
    """The contact where there is one."""
    return event.contact_id if isinstance(event, ContactResolved | CustomerServed) else ""


def key_of(command: Command, tenant: str) -> str:
    """Identities are unique within a tenant, so a tenant stands on one partition."""
    return tenant


def lane_of(command: Command) -> Lane:
    """A contact that comes in is new work; what people do to a known customer goes before it, and facts before both."""
    if isinstance(command, RecordService):
        return Lane.INTERNAL
    return Lane.NEW if isinstance(command, ResolveCustomer) else Lane.ENDING
