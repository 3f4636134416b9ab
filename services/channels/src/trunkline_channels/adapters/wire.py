"""Bytes of channels' commands and events, and what the ledger has to know of each.

Owns: key, lane and stream of each command and event. Must not: contain code for one message.
"""

from typing import assert_never

from trunkline.contact.v1.contact_commands_pb2 import ContactCommand as CommandMessage
from trunkline.contact.v1.contact_events_pb2 import ContactEvent as EventMessage
from trunkline_core.errors import Invalid
from trunkline_ledger.submission import Lane
from trunkline_platform.wire import EventWire

from trunkline_channels.domain import commands
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.events import (
    ContactDropped,
    Definition,
    EntryPointPut,
    Event,
    HookPut,
    HoursPut,
    TreatmentPut,
)
from trunkline_channels.domain.identity import partition_token
from trunkline_channels.domain.words import Author

TOPIC = "contact.events.v1"

WIRE: EventWire[Command, Event] = EventWire(
    events=Event, event_message=EventMessage, commands=Command, command_message=CommandMessage
)

_INTERNAL = (
    commands.Fact | commands.StepAnswer | commands.TimerCommand | commands.PartitionCommand | commands.ReconcileContact
)
_ENDING = (
    commands.CloseContact,
    commands.ConfirmConnect,
    commands.RefuseConnect,
    commands.WithdrawCallback,
    commands.TransferContact,
    commands.ConsultationCommand,
    commands.SupervisorCommand,
    commands.ReportCallResult,
    commands.AttachPeer,
    commands.DetachPeer,
)


def stream_of(event: Event) -> str:
    """Return the aggregate: the contact, or the entry point, hook, hours or queue."""
    if isinstance(event, Definition):
        return _defined(event)
    return event.contact_id


def _defined(event: Definition) -> str:
    match event:
        case EntryPointPut():
            return event.entry_point.entry_point_id
        case HookPut():
            return event.hook.hook_id
        case HoursPut():
            return event.hours.hours_id
        case TreatmentPut():
            return event.queue_id
        case _:
            assert_never(event)


def is_last(event: Event) -> bool:
    """Tell whether the contact left memory; only a late wrap-up may follow."""
    return isinstance(event, ContactDropped)


def correlation_of(event: Event) -> str:
    """Return the contact; a definition belongs to none."""
    return "" if isinstance(event, Definition) else event.contact_id


def key_of(command: Command, _tenant: str) -> str:
    """Return the ledger key. Raises: Invalid for what is sent to a partition, not to a contact."""
    if isinstance(command, commands.PartitionCommand):
        raise Invalid("command", "is not for callers")
    return partition_token(command.contact_id)


def lane_of(command: Command) -> Lane:
    """Return the lane (ledger rule 20): answers of services first, then what ends or goes on, then new work."""
    if isinstance(command, _INTERNAL):
        return Lane.INTERNAL
    is_by_agent = isinstance(command, commands.AddMessage) and command.author is Author.AGENT
    return Lane.ENDING if isinstance(command, _ENDING) or is_by_agent else Lane.NEW
