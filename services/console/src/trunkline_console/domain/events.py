"""What happened in the directory."""

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
class TenantDefined:
    tenant: TenantDefinition


@dataclass(frozen=True, slots=True)
class UserDefined:
    user: UserDefinition


@dataclass(frozen=True, slots=True)
class AgentDefined:
    agent: AgentDefinition


@dataclass(frozen=True, slots=True)
class QueueDefined:
    queue: QueueDefinition


@dataclass(frozen=True, slots=True)
class WrapUpCodeDefined:
    wrap_up_code: WrapUpCodeDefinition


@dataclass(frozen=True, slots=True)
class HoursDefined:
    hours: HoursDefinition


@dataclass(frozen=True, slots=True)
class EntryPointDefined:
    entry_point: EntryPointDefinition


@dataclass(frozen=True, slots=True)
class FlowPublished:
    flow: FlowDefinition
    flow_version: int


@dataclass(frozen=True, slots=True)
class NoticeTargetDefined:
    notice_target: NoticeTargetDefinition


@dataclass(frozen=True, slots=True)
class HookDefined:
    hook: HookDefinition


@dataclass(frozen=True, slots=True)
class PolicyPublished:
    """A version of the tenant's queues: those that change, whole. `rolled_back_to`: an older version, 0 for none."""

    version: int
    based_on_version: int
    queues: tuple[QueueDefinition, ...]
    note: str
    rolled_back_to: int


@dataclass(frozen=True, slots=True)
class PolicyTrialStarted:
    """A trial was ordered; `queues`: those in which the candidate differs from what is in force, whole."""

    trial_no: int
    based_on_version: int
    queues: tuple[QueueDefinition, ...]
    block_duration: timedelta
    pairs: int
    start_time: datetime
    note: str


@dataclass(frozen=True, slots=True)
class PolicyTrialBlockBegun:
    """A block began, in which `version` is in force."""

    trial_no: int
    block_no: int
    is_candidate: bool
    version: int
    end_time: datetime


@dataclass(frozen=True, slots=True)
class PolicyTrialEnded:
    trial_no: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class SessionEnded:
    user_id: str
    session_id: str
    begun_time: datetime


Defined = (
    TenantDefined
    | UserDefined
    | AgentDefined
    | QueueDefined
    | WrapUpCodeDefined
    | HoursDefined
    | EntryPointDefined
    | FlowPublished
    | NoticeTargetDefined
    | HookDefined
)
TrialEvent = PolicyTrialStarted | PolicyTrialBlockBegun | PolicyTrialEnded
Event = Defined | PolicyPublished | TrialEvent | SessionEnded
