"""The directory's commands and events as protobuf. Must not: convert by hand: names decide."""

from trunkline.directory.v1 import directory_commands_pb2, directory_events_pb2
from trunkline_ledger.submission import Lane
from trunkline_platform.wire import EventWire

from trunkline_console.domain import events
from trunkline_console.domain.commands import AdvancePolicyTrial, Command, EndPolicyTrial, EndSession
from trunkline_console.domain.events import Event

WIRE: EventWire[Command, Event] = EventWire(
    events=Event,
    event_message=directory_events_pb2.DirectoryEvent,
    commands=Command,
    command_message=directory_commands_pb2.DirectoryCommand,
)


def stream_of(event: Event) -> str:
    """Return the id of the thing that was defined, of the user whose session ended, or of the policy."""
    match event:
        case events.TenantDefined(tenant):
            return tenant.tenant_id
        case events.UserDefined(user):
            return user.user_id
        case events.AgentDefined(agent):
            return agent.agent_id
        case events.QueueDefined(queue):
            return queue.queue_id
        case events.WrapUpCodeDefined(code):
            return f"wc_{code.code}"
        case events.HoursDefined(hours):
            return hours.hours_id
        case events.EntryPointDefined(entry_point):
            return entry_point.entry_point_id
        case events.FlowPublished(flow):
            return flow.flow_id
        case events.NoticeTargetDefined(target):
            return target.target_id
        case events.HookDefined(hook):
            return hook.hook_id
        case (
            events.PolicyPublished()
            | events.PolicyTrialStarted()
            | events.PolicyTrialBlockBegun()
            | events.PolicyTrialEnded()
        ):
            return "rp_policy"
        case events.SessionEnded(user_id):
            return user_id


def key_of(command: Command, tenant: str) -> str:
    """Return the record key: a tenant's directory stands on one partition."""
    return tenant


def lane_of(command: Command) -> Lane:
    """Return the lane: administrators' work is never urgent; a log-out ends something, and so does who ends a trial."""
    if isinstance(command, AdvancePolicyTrial):
        return Lane.INTERNAL
    return Lane.ENDING if isinstance(command, EndSession | EndPolicyTrial) else Lane.NEW
