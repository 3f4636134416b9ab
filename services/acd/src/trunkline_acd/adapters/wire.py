"""acd's commands, events and views as protobuf, and what the ledger must know about each kind.

Owns: streams, correlation, lanes. Must not: convert by hand: names decide.
"""

from trunkline.acd.v1 import acd_commands_pb2, acd_events_pb2, acd_service_pb2, acd_types_pb2
from trunkline_ledger.submission import Lane
from trunkline_platform.wire import EventWire, Mapper

from trunkline_acd.application.contact_explanations import ContactExplanation
from trunkline_acd.application.views import AgentView
from trunkline_acd.domain import commands, events
from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.state import routing_domain_id
from trunkline_acd.domain.words import WaitEstimate

CODEC: EventWire[Command, Event] = EventWire(
    events=Event,
    event_message=acd_events_pb2.AcdEvent,
    commands=Command,
    command_message=acd_commands_pb2.AcdCommand,
)
COMMAND_SERVICE = acd_service_pb2.DESCRIPTOR.services_by_name["AcdCommandService"]
WAIT_ESTIMATE: Mapper[WaitEstimate] = Mapper(WaitEstimate, acd_types_pb2.WaitEstimate)
AGENT_VIEW: Mapper[AgentView] = Mapper(AgentView, acd_types_pb2.AgentView)
CONTACT_EXPLANATION: Mapper[ContactExplanation] = Mapper(ContactExplanation, acd_types_pb2.ContactExplanation)

_FROM_PROCESS_MANAGERS = (
    commands.PutQueue,
    commands.PutPolicy,
    commands.PutAgent,
    commands.PutWrapUpCode,
    commands.LosePeer,
    commands.ReportDevices,
    commands.LoseGateway,
)


def key_of(command: Command, tenant: str) -> str:
    """Return the record key: all commands of a tenant go to its routing domain."""
    return routing_domain_id(tenant)


_STREAMS = ("contact_id", "agent_id", "queue_id", "wrap_up_code", "routing_domain_id")


def stream_of(event: Event) -> str:
    """Return the aggregate: the contact where there is one, else the agent, queue, wrap-up code or routing domain."""
    if isinstance(event, events.QueueConfigured):
        return event.queue.queue_id
    if isinstance(event, events.AgentConfigured):
        return event.agent.agent_id
    return str(next(getattr(event, name) for name in _STREAMS if hasattr(event, name)))


def is_last(event: Event) -> bool:
    """Tell whether the contact is over and its tombstone gone: definitions and agents have no end."""
    return isinstance(event, events.TombstoneDropped)


def correlation_of(event: Event) -> str:
    """Return the contact, empty where there is none: an offer's correlation is not that of the contact that ended."""
    return getattr(event, "contact_id", "")


def is_ignorable(event: Event) -> bool:
    """Tell whether the event changes no state."""
    of_supervisors = events.ContactPulled | events.ContactRequeued | events.WaitingContactClosed
    return isinstance(event, events.RowsChanged | of_supervisors)


def lane_of(command: Command) -> Lane:
    """Return the lane: new contacts wait behind what agents do and what ends."""
    if isinstance(command, commands.EnqueueContact):
        return Lane.NEW
    if isinstance(command, (*_FROM_PROCESS_MANAGERS, commands.TimerCommand)):
        return Lane.INTERNAL
    return Lane.ENDING
