"""Self-service flows and business hours: shared by the directory that publishes them and the ivr that runs them."""

from trunkline_core.flow_check import check_flow
from trunkline_core.flow_definitions import (
    ConditionBranch,
    ConditionNode,
    EndNode,
    EnqueueNode,
    FlowDefinition,
    FlowNode,
    FlowStep,
    GatherNode,
    MenuNode,
    MenuOption,
    SayNode,
)
from trunkline_core.hours import HoursDefinition, HoursWindow, MovedDay, check_hours, is_open
from trunkline_core.texts import LocalizedText

__all__ = [
    "ConditionBranch",
    "ConditionNode",
    "EndNode",
    "EnqueueNode",
    "FlowDefinition",
    "FlowNode",
    "FlowStep",
    "GatherNode",
    "HoursDefinition",
    "HoursWindow",
    "LocalizedText",
    "MenuNode",
    "MenuOption",
    "MovedDay",
    "SayNode",
    "check_flow",
    "check_hours",
    "is_open",
]
