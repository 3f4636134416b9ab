"""Whether a flow may be published: every contact that enters it must come out again.

Owns: what makes a flow invalid, and the words that name the node. Must not: run a flow or know what exists beside it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta

from trunkline_core.errors import Invalid
from trunkline_core.flow_definitions import (
    ConditionBranch,
    ConditionNode,
    Edge,
    EndNode,
    EnqueueNode,
    FlowDefinition,
    FlowNode,
    FlowStep,
    GatherNode,
    MenuNode,
    MenuOption,
    SayNode,
    edges_of,
    waits,
)
from trunkline_core.ids import MAX_ID, check_id_of
from trunkline_core.routing import check_choices, check_choices_beside, check_requirements
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import DIGITS

MAX_NODES = 500
MAX_FLOW_BYTES = 24 * 1024  # it is in the command and in the event of one record, which may have 64 KiB
MAX_STRETCH = 200  # nodes without a pause: their events are one command's, which may have 192 KiB (ledger rule 6)
MAX_OPTIONS = 20
MAX_KEYWORDS = 50
MAX_BRANCHES = 50
MAX_VALUE = 256
MAX_TEXT_BYTES = 4096
MAX_PERMILLE = 1000
SHORTEST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(hours=24)


def check_flow(flow: FlowDefinition) -> None:
    """Accept a flow only if every contact that enters it comes out again.

    Raises: Invalid, naming the node as `nodes[<node_id>].<field>`: an unknown node, a dead end, a cycle without a
    pause, an id used twice, an empty menu, a bad duration, a bound exceeded.
    """
    check_id_of("fl", "flow_id", flow.flow_id)
    _check_length("name", flow.name, MAX_ID)
    if not flow.nodes or len(flow.nodes) > MAX_NODES:
        raise Invalid("nodes", f"must have 1 to {MAX_NODES} nodes")
    nodes = _nodes_by_id(flow)
    if flow.start_node not in nodes:
        raise Invalid("start_node", "names no node of the flow")
    for node in flow.nodes:
        _check_step(f"nodes[{node.node_id}]", node.step)
        _check_edges(node, nodes)
    if _size_bytes(flow) > MAX_FLOW_BYTES:
        raise Invalid("nodes", f"must have at most {MAX_FLOW_BYTES // 1024} KiB together")
    _check_ends(flow, nodes)
    _check_pauses(nodes)


def _nodes_by_id(flow: FlowDefinition) -> dict[str, FlowNode]:
    nodes: dict[str, FlowNode] = {}
    for node in flow.nodes:
        if not node.node_id:
            raise Invalid("nodes[].node_id", "must not be empty")
        _check_length(f"nodes[{node.node_id[:MAX_ID]}].node_id", node.node_id, MAX_ID)
        if node.node_id in nodes:
            raise Invalid(f"nodes[{node.node_id}].node_id", "is used twice")
        nodes[node.node_id] = node
    return nodes


def _check_edges(node: FlowNode, nodes: Mapping[str, FlowNode]) -> None:
    for edge in edges_of(node.step):
        field = f"nodes[{node.node_id}].{edge.field}"
        if not edge.target:
            raise Invalid(field, "is a dead end: name the node that follows")
        if edge.target not in nodes:
            raise Invalid(field, "names no node of the flow")


def _check_ends(flow: FlowDefinition, nodes: Mapping[str, FlowNode]) -> None:
    """Refuse a node from which no way leaves the flow: whoever gets there never comes out."""
    sources: dict[str, list[str]] = {node_id: [] for node_id in nodes}
    for node in flow.nodes:
        for edge in edges_of(node.step):
            sources[edge.target].append(node.node_id)
    pending = [node.node_id for node in flow.nodes if isinstance(node.step, EnqueueNode | EndNode)]
    leaving = set(pending)
    while pending:
        before = [source for source in sources[pending.pop()] if source not in leaving]
        leaving.update(before)
        pending.extend(before)
    for node in flow.nodes:
        if node.node_id not in leaving:
            raise Invalid(f"nodes[{node.node_id}]", "is a dead end: no way from here leaves the flow")


def _check_pauses(nodes: Mapping[str, FlowNode]) -> None:
    """Refuse a cycle that never waits for the customer, and a stretch too long to run in one command."""
    lengths: dict[str, int] = {}  # nodes from here to the next pause or end, itself included
    for node_id in nodes:
        _measure_stretch(node_id, nodes, lengths)


def _measure_stretch(start: str, nodes: Mapping[str, FlowNode], lengths: dict[str, int]) -> None:
    """Depth first without recursion: a flow of 500 nodes may be one chain."""
    path: dict[str, Iterator[Edge]] = {start: edges_of(nodes[start].step)}
    while path:
        node_id = next(reversed(path))
        step = nodes[node_id].step
        edge = None if waits(step) else next(path[node_id], None)
        if edge is None:
            path.pop(node_id)
            following = () if waits(step) else edges_of(step)
            lengths[node_id] = 1 + max((lengths[after.target] for after in following), default=0)
            if lengths[node_id] > MAX_STRETCH:
                raise Invalid(f"nodes[{node_id}]", f"must reach a pause or an end within {MAX_STRETCH} nodes")
        elif edge.target in path:
            raise Invalid(f"nodes[{node_id}].{edge.field}", "closes a cycle without a pause")
        elif edge.target not in lengths:
            path[edge.target] = edges_of(nodes[edge.target].step)


def _check_step(field: str, step: FlowStep) -> None:
    match step:
        case SayNode():
            _check_text(f"{field}.text", step.text, is_needed=True)
        case MenuNode():
            _check_text(f"{field}.prompt", step.prompt, is_needed=True)
            _check_options(f"{field}.options", step.options)
            _check_wait(f"{field}.timeout_duration", step.timeout_duration)
        case GatherNode():
            _check_text(f"{field}.prompt", step.prompt, is_needed=True)
            _check_filled(f"{field}.attribute", step.attribute)
            _check_wait(f"{field}.timeout_duration", step.timeout_duration)
        case ConditionNode():
            _check_branches(f"{field}.branches", step.branches)
        case EnqueueNode():
            _check_enqueue(field, step)
        case EndNode():
            _check_text(f"{field}.text", step.text, is_needed=False)
        case _:
            raise Invalid(f"{field}.step", "must be set")


def _check_enqueue(field: str, step: EnqueueNode) -> None:
    check_id_of("qu", f"{field}.queue_id", step.queue_id)
    _check_permille(f"{field}.value_permille", step.value_permille)
    _check_permille(f"{field}.urgency_permille", step.urgency_permille)
    check_requirements(f"{field}.requirements", step.requirements)
    check_choices(f"{field}.choices", step.choices)
    check_choices_beside(f"{field}.choices", step.choices, step.requirements)
    _check_text(f"{field}.text", step.text, is_needed=False)


def _check_options(field: str, options: tuple[MenuOption, ...]) -> None:
    if not options or len(options) > MAX_OPTIONS:
        raise Invalid(field, f"must have 1 to {MAX_OPTIONS} choices")
    seen: dict[str, set[str]] = {"option_id": set(), "digit": set(), "keywords": set()}
    for number, option in enumerate(options):
        _check_option(f"{field}[{number}]", option)
        words = {"option_id": (option.option_id,), "digit": (option.digit,), "keywords": option.keywords}
        for name, values in words.items():
            for value in filter(None, values):
                if value in seen[name]:
                    raise Invalid(f"{field}[{number}].{name}", "is used twice in the menu")
                seen[name].add(value)


def _check_option(field: str, option: MenuOption) -> None:
    _check_filled(f"{field}.option_id", option.option_id)
    _check_text(f"{field}.label", option.label, is_needed=True)
    if option.digit and option.digit not in DIGITS:
        raise Invalid(f"{field}.digit", "must be one key: 0 to 9, * or #")
    if len(option.keywords) > MAX_KEYWORDS:
        raise Invalid(f"{field}.keywords", f"must have at most {MAX_KEYWORDS} words")
    for keyword in option.keywords:
        _check_filled(f"{field}.keywords", keyword)
        if keyword != keyword.strip().lower():
            raise Invalid(f"{field}.keywords", "must be lower case without spaces around")


def _check_branches(field: str, branches: tuple[ConditionBranch, ...]) -> None:
    if not branches or len(branches) > MAX_BRANCHES:
        raise Invalid(field, f"must have 1 to {MAX_BRANCHES} branches")
    for number, branch in enumerate(branches):
        if bool(branch.attribute) == bool(branch.hours_id):
            raise Invalid(f"{field}[{number}]", "must ask either for an attribute or for hours")
        if branch.hours_id:
            check_id_of("ho", f"{field}[{number}].hours_id", branch.hours_id)
        _check_length(f"{field}[{number}].attribute", branch.attribute, MAX_ID)
        _check_length(f"{field}[{number}].equals", branch.equals, MAX_VALUE)


def _check_wait(field: str, wait: timedelta) -> None:
    if not SHORTEST_WAIT <= wait <= LONGEST_WAIT:
        raise Invalid(field, "must be 1 s to 24 h")


def _check_permille(field: str, value: int) -> None:
    if not 0 <= value <= MAX_PERMILLE:
        raise Invalid(field, f"must be 0 to {MAX_PERMILLE}")


def _check_text(field: str, text: LocalizedText | None, is_needed: bool) -> None:
    words = text or LocalizedText("", "")
    if is_needed and not (words.zh and words.en):
        raise Invalid(field, "must be written in Chinese and in English")
    if max(len(words.zh.encode()), len(words.en.encode())) > MAX_TEXT_BYTES:
        raise Invalid(field, f"must have at most {MAX_TEXT_BYTES // 1024} KiB")


def _check_filled(field: str, value: str) -> None:
    if not value:
        raise Invalid(field, "must not be empty")
    _check_length(field, value, MAX_ID)


def _check_length(field: str, value: str, longest: int) -> None:
    if len(value) > longest:
        raise Invalid(field, f"must have at most {longest} characters")


def _size_bytes(part: object) -> int:
    """Return about how many bytes a definition has on the wire: its strings, and a little for each field."""
    if isinstance(part, str):
        return len(part.encode()) + 4
    if isinstance(part, tuple):
        return sum(map(_size_bytes, part))
    if is_dataclass(part):
        return 4 + sum(_size_bytes(getattr(part, field.name)) for field in fields(part))
    return 8
