"""Rules of the directory: a definition is checked as a whole, an unchanged one changes nothing; a session ends once.

Owns: that every reference points to something of the same tenant, and that no login stands for two users.
Must not: know how a definition is used elsewhere.
"""

from collections.abc import Iterator
from typing import Any, assert_never

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, NotFound, Rejection
from trunkline_core.flows import EnqueueNode, FlowDefinition, check_flow, check_hours
from trunkline_core.ids import time_of
from trunkline_core.routing import (
    QueueDefinition,
    check_agent,
    check_needs_in,
    check_no_way_back,
    check_queue,
    chosen_queues,
    next_queues,
)
from trunkline_core.webhooks import (
    MAX_HOOKS,
    MAX_NOTICE_TARGETS,
    HookDefinition,
    NoticeTargetDefinition,
    check_hook,
    check_notice_target,
)

from trunkline_console.domain import policies, trials
from trunkline_console.domain.commands import (
    AdvancePolicyTrial,
    Command,
    DefineAgent,
    DefineEntryPoint,
    DefineHook,
    DefineHours,
    DefineNoticeTarget,
    DefineQueue,
    DefineTenant,
    DefineUser,
    DefineWrapUpCode,
    Definition,
    EndPolicyTrial,
    EndSession,
    PublishFlow,
    PublishPolicy,
    RollBackPolicy,
    StartPolicyTrial,
)
from trunkline_console.domain.definitions import (
    Channel,
    UserDefinition,
    check_entry_point,
    check_tenant,
    check_user,
    check_wrap_up_code,
)
from trunkline_console.domain.events import (
    AgentDefined,
    Defined,
    EntryPointDefined,
    Event,
    FlowPublished,
    HookDefined,
    HoursDefined,
    NoticeTargetDefined,
    PolicyPublished,
    PolicyTrialBlockBegun,
    PolicyTrialEnded,
    PolicyTrialStarted,
    QueueDefined,
    SessionEnded,
    TenantDefined,
    UserDefined,
    WrapUpCodeDefined,
)
from trunkline_console.domain.sessions import LIFETIME, SKEW
from trunkline_console.domain.state import Definitions, Directory


class DirectoryDecider:
    """The directory's decide and evolve."""

    def decide(self, state: Directory, command: Command, context: Context) -> Iterator[Event]:
        """Yield what is new: a definition unless it is in force. Raises: Invalid, NotFound, Rejection."""
        match command:
            case EndSession():
                yield from _end_session(state, command, context)
            case PublishPolicy():
                yield from policies.publish(state, command, context)
            case RollBackPolicy():
                yield from policies.roll_back(state, command, context)
            case StartPolicyTrial():
                yield from trials.start(state, command, context)
            case EndPolicyTrial():
                yield from trials.end(state, command, context)
            case AdvancePolicyTrial():
                yield from trials.advance(state, command, context)
            case _:
                yield from self._define(state, command, context)

    def _define(self, state: Directory, command: Definition, context: Context) -> Iterator[Defined | PolicyPublished]:
        for event in _definition_of(state, command, context):
            if isinstance(event, PolicyPublished):
                yield event
                continue
            kind, row_id, definition = _place(state, event)
            row = kind.find(context.tenant, row_id)
            if row is None or row.definition != definition:
                yield event

    def evolve(self, state: Directory, event: Event, context: Context) -> None:
        """Keep the definition, the version, the trial, or that the session ended."""
        match event:
            case SessionEnded():
                ended = state.ended_sessions(context.tenant, event.user_id)
                ended = ended.plus(event.session_id, event.begun_time, context.now)
                state.put_ended_sessions(context.tenant, event.user_id, ended)
            case PolicyPublished():
                policies.apply_published(state, event, context)
            case PolicyTrialStarted():
                trials.apply_started(state, event, context)
            case PolicyTrialBlockBegun():
                trials.apply_block_begun(state, event, context)
            case PolicyTrialEnded():
                trials.apply_ended(state, event, context)
            case QueueDefined():
                policies.apply_defined(state, event, context)
            case _:
                kind, row_id, definition = _place(state, event)
                kind.put(context.tenant, row_id, definition)


def _place(state: Directory, event: Defined) -> tuple[Definitions[Any], str, object]:
    """Return where the event's definition stands: its kind, its id, itself."""
    match event:
        case TenantDefined(definition):
            return state.tenants, definition.tenant_id, definition
        case UserDefined(definition):
            return state.users, definition.user_id, definition
        case AgentDefined(definition):
            return state.agents, definition.agent_id, definition
        case QueueDefined(definition):
            return state.queues, definition.queue_id, definition
        case WrapUpCodeDefined(definition):
            return state.wrap_up_codes, definition.code, definition
        case HoursDefined(definition):
            return state.hours, definition.hours_id, definition
        case EntryPointDefined(definition):
            return state.entry_points, definition.entry_point_id, definition
        case FlowPublished(definition):
            return state.flows, definition.flow_id, definition
        case NoticeTargetDefined(definition):
            return state.notice_targets, definition.target_id, definition
        case HookDefined(definition):
            return state.hooks, definition.hook_id, definition
        case _:
            assert_never(event)


def _end_session(state: Directory, command: EndSession, context: Context) -> Iterator[SessionEnded]:
    """A session that ran out or ended before is left alone."""
    state.users.require(context.tenant, command.user_id)
    begun = time_of(command.session_id, "session_id")
    if begun > context.now + SKEW:
        raise Invalid("session_id", "its time is ahead")
    ended = state.ended_sessions(context.tenant, command.user_id)
    if begun + LIFETIME > context.now and not ended.has(command.session_id, begun):
        yield SessionEnded(command.user_id, command.session_id, begun)


def _definition_of(state: Directory, command: Definition, context: Context) -> Iterator[Defined | PolicyPublished]:
    tenant = context.tenant
    match command:
        case DefineTenant(definition):
            check_tenant(definition)
            if definition.tenant_id != tenant:
                raise NotFound("tenant", definition.tenant_id)
            yield TenantDefined(definition)
        case DefineUser(definition):
            _check_user(state, definition, tenant)
            yield UserDefined(definition)
        case DefineAgent(definition):
            check_agent(definition)
            yield AgentDefined(definition)
        case DefineQueue(definition):
            _check_queue(state, definition, tenant)
            yield from policies.define(state, command, context)
        case DefineWrapUpCode(definition):
            check_wrap_up_code(definition)
            yield WrapUpCodeDefined(definition)
        case DefineHours(definition):
            check_hours(definition)
            yield HoursDefined(definition)
        case DefineEntryPoint(definition):
            check_entry_point(definition)
            state.flows.require(tenant, definition.flow_id)
            yield EntryPointDefined(definition)
        case PublishFlow(definition):
            _check_flow(state, definition, tenant)
            before = state.flows.find(tenant, definition.flow_id)
            yield FlowPublished(definition, before.version + 1 if before else 1)
        case DefineNoticeTarget(definition):
            _check_notice_target(state, definition, tenant)
            yield NoticeTargetDefined(definition)
        case DefineHook(definition):
            _check_hook(state, definition, tenant)
            yield HookDefined(definition)
        case _:
            assert_never(command)


def _check_queue(state: Directory, queue: QueueDefinition, tenant: str) -> None:
    check_queue(queue)
    policies.check_number(state, tenant, [queue.queue_id])
    check_no_way_back(queue, lambda queue_id: _definition(state, queue_id, tenant))
    for _, next_queue_id in (*next_queues(queue), *chosen_queues(queue)):
        state.queues.require(tenant, next_queue_id)
    policies.check_hours_known(queue, state, tenant)
    policies.check_retry(queue, state, tenant)


def _definition(state: Directory, queue_id: str, tenant: str) -> QueueDefinition | None:
    known = state.queues.find(tenant, queue_id)
    return known.definition if known else None


def _check_user(state: Directory, user: UserDefinition, tenant: str) -> None:
    check_user(user)
    if user.agent_id:
        state.agents.require(tenant, user.agent_id)
    for other in state.users.of(tenant):
        if other.login_token == user.login_token and other.user_id != user.user_id:
            raise Rejection("LoginTaken")


def _check_flow(state: Directory, flow: FlowDefinition, tenant: str) -> None:
    check_flow(flow)
    for node in flow.nodes:
        if isinstance(node.step, EnqueueNode):
            queue = state.queues.require(tenant, node.step.queue_id).definition
            check_needs_in(f"nodes[{node.node_id}]", queue, node.step.requirements, node.step.choices)


def _check_notice_target(state: Directory, target: NoticeTargetDefinition, tenant: str) -> None:
    check_notice_target(target)
    others = [other for other in state.notice_targets.of(tenant) if other.target_id != target.target_id]
    if len(others) >= MAX_NOTICE_TARGETS:
        raise Rejection("TooManyNoticeTargets")


def _check_hook(state: Directory, hook: HookDefinition, tenant: str) -> None:
    check_hook(hook)
    if state.entry_points.require(tenant, hook.entry_point_id).definition.channel is not Channel.CHAT:
        raise Invalid("hook.entry_point_id", "must be of the channel CHAT")
    if len([other for other in state.hooks.of(tenant) if other.hook_id != hook.hook_id]) >= MAX_HOOKS:
        raise Rejection("TooManyHooks")
