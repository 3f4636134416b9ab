"""What happened in self-service. Fields: protos/trunkline/ivr/v1/ivr_events.proto."""

from dataclasses import dataclass
from datetime import datetime

from trunkline_core.flows import FlowDefinition, HoursDefinition, LocalizedText, MenuOption
from trunkline_core.routing import SkillChoice, SkillRequirement
from trunkline_core.sealed import Sealed


@dataclass(frozen=True, slots=True)
class FlowPut:
    flow: FlowDefinition
    flow_version: int


@dataclass(frozen=True, slots=True)
class HoursPut:
    hours: HoursDefinition


@dataclass(frozen=True, slots=True)
class SessionStarted:
    contact_id: str
    step_no: int
    flow_id: str
    flow_version: int
    attributes: dict[str, str]
    locale: str


@dataclass(frozen=True, slots=True)
class InputTaken:
    contact_id: str
    step_no: int
    node_id: str
    option_id: str
    attribute: str
    text: Sealed | None


@dataclass(frozen=True, slots=True)
class InputExpired:
    contact_id: str
    node_id: str


@dataclass(frozen=True, slots=True)
class TextSaid:
    contact_id: str
    node_id: str
    text: LocalizedText | None


@dataclass(frozen=True, slots=True)
class InputAwaited:
    contact_id: str
    node_id: str
    visit_no: int
    prompt: LocalizedText | None
    options: tuple[MenuOption, ...]
    expires_time: datetime


@dataclass(frozen=True, slots=True)
class PersonRequested:
    contact_id: str
    node_id: str
    queue_id: str
    value_permille: int
    urgency_permille: int
    requirements: tuple[SkillRequirement, ...]
    text: LocalizedText | None
    choices: tuple[SkillChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class SelfServiceCompleted:
    contact_id: str
    node_id: str
    text: LocalizedText | None


@dataclass(frozen=True, slots=True)
class SessionEnded:
    contact_id: str
    step_no: int


Event = (
    FlowPut
    | HoursPut
    | SessionStarted
    | InputTaken
    | InputExpired
    | TextSaid
    | InputAwaited
    | PersonRequested
    | SelfServiceCompleted
    | SessionEnded
)
