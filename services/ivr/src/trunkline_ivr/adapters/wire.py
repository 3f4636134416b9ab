"""Commands and events as bytes, and where they belong in the ledger."""

from trunkline.ivr.v1.ivr_commands_pb2 import IvrCommand
from trunkline.ivr.v1.ivr_events_pb2 import IvrEvent
from trunkline_core.errors import Invalid
from trunkline_ledger.submission import Lane
from trunkline_platform.wire import EventWire

from trunkline_ivr.domain import commands, events
from trunkline_ivr.domain.commands import Command, ExpireInput, PutFlow, PutHours, StartSession
from trunkline_ivr.domain.events import Event, FlowPut, HoursPut, SessionEnded

TOPIC = "ivr.events.v1"

WIRE: EventWire[Command, Event] = EventWire(
    events=events.Event, event_message=IvrEvent, commands=commands.Command, command_message=IvrCommand
)


def stream_of(event: Event) -> str:
    """The flow, the hours or the contact; definitions have a stream of their own on each partition."""
    match event:
        case FlowPut():
            return event.flow.flow_id
        case HoursPut():
            return event.hours.hours_id
        case _:
            return event.contact_id


def is_last(event: Event) -> bool:
    """Tell whether the contact is over."""
    return isinstance(event, SessionEnded)


def correlation_of(event: Event) -> str:
    """The contact where there is one."""
    return "" if isinstance(event, FlowPut | HoursPut) else event.contact_id


def key_of(command: Command, tenant: str) -> str:
    """The contact. Raises: Invalid for definitions and timers: those never come from outside."""
    if isinstance(command, PutFlow | PutHours | ExpireInput):
        raise Invalid("command", "is made inside ivr only")
    return command.contact_id


def lane_of(command: Command) -> Lane:
    """Contacts that are in self-service go before new ones."""
    return Lane.NEW if isinstance(command, StartSession) else Lane.ENDING
