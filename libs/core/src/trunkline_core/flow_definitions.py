"""The shape of a self-service flow: one graph of nodes for text and voice. Must not: judge or run it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from trunkline_core.routing import SkillChoice, SkillRequirement
from trunkline_core.texts import LocalizedText


@dataclass(frozen=True, slots=True)
class SayNode:
    """Says something and goes on."""

    text: LocalizedText | None
    next_node: str


@dataclass(frozen=True, slots=True)
class MenuOption:
    """One choice; chosen by button, telephone key or typed word."""

    option_id: str
    label: LocalizedText | None
    digit: str
    keywords: tuple[str, ...]
    next_node: str


@dataclass(frozen=True, slots=True)
class MenuNode:
    """Asks the customer to choose; waits."""

    prompt: LocalizedText | None
    options: tuple[MenuOption, ...]
    timeout_duration: timedelta
    timeout_node: str


@dataclass(frozen=True, slots=True)
class GatherNode:
    """Asks for free text and keeps it for the agent under `attribute`; waits."""

    prompt: LocalizedText | None
    attribute: str
    timeout_duration: timedelta
    next_node: str
    timeout_node: str


@dataclass(frozen=True, slots=True)
class ConditionBranch:
    """Holds when the attribute equals a value, or when the hours are open; exactly one of the two is asked."""

    attribute: str
    equals: str
    hours_id: str
    next_node: str


@dataclass(frozen=True, slots=True)
class ConditionNode:
    """Takes the first branch that holds, else `else_node`."""

    branches: tuple[ConditionBranch, ...]
    else_node: str


@dataclass(frozen=True, slots=True)
class EnqueueNode:
    """Leaves the flow: the customer wants a person."""

    queue_id: str
    value_permille: int
    urgency_permille: int
    requirements: tuple[SkillRequirement, ...]
    text: LocalizedText | None
    choices: tuple[SkillChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class EndNode:
    """Leaves the flow: nobody is needed."""

    text: LocalizedText | None


FlowStep = SayNode | MenuNode | GatherNode | ConditionNode | EnqueueNode | EndNode


@dataclass(frozen=True, slots=True)
class FlowNode:
    """One node; `node_id` is chosen by the flow's author."""

    node_id: str
    step: FlowStep


@dataclass(frozen=True, slots=True)
class FlowDefinition:
    """One graph for text and voice."""

    flow_id: str
    name: str
    start_node: str
    nodes: tuple[FlowNode, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """One way out of a node; `field` is the step's field that names `target`, e.g. `options[2].next_node`."""

    field: str
    target: str


def edges_of(step: FlowStep) -> Iterator[Edge]:
    """Yield every way out of a step; none for a step that leaves the flow."""
    match step:
        case SayNode():
            yield Edge("next_node", step.next_node)
        case MenuNode():
            for number, option in enumerate(step.options):
                yield Edge(f"options[{number}].next_node", option.next_node)
            yield Edge("timeout_node", step.timeout_node)
        case GatherNode():
            yield Edge("next_node", step.next_node)
            yield Edge("timeout_node", step.timeout_node)
        case ConditionNode():
            for number, branch in enumerate(step.branches):
                yield Edge(f"branches[{number}].next_node", branch.next_node)
            yield Edge("else_node", step.else_node)
        case EnqueueNode() | EndNode():
            return
        case _:
            assert_never(step)


def waits(step: FlowStep) -> bool:
    """Tell whether the flow pauses at this step until the customer answers or time is up."""
    return isinstance(step, MenuNode | GatherNode)
