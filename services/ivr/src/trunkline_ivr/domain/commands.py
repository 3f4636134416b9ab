"""What channels, the directory and timers want of self-service. Fields: protos/trunkline/ivr/v1/ivr_commands.proto."""

from dataclasses import dataclass

from trunkline_core.flows import FlowDefinition, HoursDefinition
from trunkline_core.sealed import Sealed


@dataclass(frozen=True, slots=True)
class PutFlow:
    flow: FlowDefinition
    flow_version: int


@dataclass(frozen=True, slots=True)
class PutHours:
    hours: HoursDefinition


@dataclass(frozen=True, slots=True)
class StartSession:
    contact_id: str
    step_no: int
    flow_id: str
    attributes: dict[str, str]
    locale: str


@dataclass(frozen=True, slots=True)
class AdvanceSession:
    contact_id: str
    step_no: int
    node_id: str
    option_id: str
    text: Sealed | None


@dataclass(frozen=True, slots=True)
class EndSession:
    contact_id: str
    step_no: int


@dataclass(frozen=True, slots=True)
class ExpireInput:
    contact_id: str
    node_id: str
    visit_no: int


Command = PutFlow | PutHours | StartSession | AdvanceSession | EndSession | ExpireInput
