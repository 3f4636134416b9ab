"""What is wanted of the directory; a definition comes whole and replaces the one before."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline_core.flows import FlowDefinition, HoursDefinition
from trunkline_core.routing import AgentDefinition, QueueDefinition
from trunkline_core.webhooks import HookDefinition, NoticeTargetDefinition

from trunkline_console.domain.definitions import (
    EntryPointDefinition,
    TenantDefinition,
    UserDefinition,
    WrapUpCodeDefinition,
)


@dataclass(frozen=True, slots=True)
class DefineTenant:
    tenant: TenantDefinition


@dataclass(frozen=True, slots=True)
class DefineUser:
    user: UserDefinition


@dataclass(frozen=True, slots=True)
class DefineAgent:
    agent: AgentDefinition


@dataclass(frozen=True, slots=True)
class DefineQueue:
    queue: QueueDefinition


@dataclass(frozen=True, slots=True)
class DefineWrapUpCode:
    wrap_up_code: WrapUpCodeDefinition


@dataclass(frozen=True, slots=True)
class DefineHours:
    hours: HoursDefinition


@dataclass(frozen=True, slots=True)
class DefineEntryPoint:
    entry_point: EntryPointDefinition


@dataclass(frozen=True, slots=True)
class PublishFlow:
    flow: FlowDefinition


@dataclass(frozen=True, slots=True)
class DefineNoticeTarget:
    notice_target: NoticeTargetDefinition


@dataclass(frozen=True, slots=True)
class DefineHook:
    hook: HookDefinition


@dataclass(frozen=True, slots=True)
class PublishPolicy:
    """A version of all queues; those that are not named stay as they are."""

    based_on_version: int
    queues: tuple[QueueDefinition, ...]
    note: str


@dataclass(frozen=True, slots=True)
class RollBackPolicy:
    """A version in which every queue is as it was in `to_version`."""

    based_on_version: int
    to_version: int
    note: str


@dataclass(frozen=True, slots=True)
class StartPolicyTrial:
    """Try the queues against those in force, by turns; `start_time`: not past, None is now."""

    based_on_version: int
    queues: tuple[QueueDefinition, ...]
    block_duration: timedelta
    pairs: int
    start_time: datetime | None
    note: str


@dataclass(frozen=True, slots=True)
class EndPolicyTrial:
    trial_no: int


@dataclass(frozen=True, slots=True)
class AdvancePolicyTrial:
    """A timer: the block `block_no` begins, or the trial is over."""

    trial_no: int
    block_no: int


@dataclass(frozen=True, slots=True)
class EndSession:
    user_id: str
    session_id: str


Definition = (
    DefineTenant
    | DefineUser
    | DefineAgent
    | DefineQueue
    | DefineWrapUpCode
    | DefineHours
    | DefineEntryPoint
    | PublishFlow
    | DefineNoticeTarget
    | DefineHook
)
PolicyCommand = PublishPolicy | RollBackPolicy | StartPolicyTrial | EndPolicyTrial | AdvancePolicyTrial
Command = Definition | PolicyCommand | EndSession
