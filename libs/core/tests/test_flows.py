from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_core.errors import Invalid
from trunkline_core.flow_check import MAX_STRETCH
from trunkline_core.flow_definitions import edges_of, waits
from trunkline_core.flows import (
    ConditionBranch,
    ConditionNode,
    EndNode,
    EnqueueNode,
    FlowDefinition,
    FlowNode,
    FlowStep,
    GatherNode,
    HoursDefinition,
    HoursWindow,
    LocalizedText,
    MenuNode,
    MenuOption,
    MovedDay,
    SayNode,
    check_flow,
    check_hours,
    is_open,
)
from trunkline_core.routing import SkillChoice, SkillConjunction, SkillOperator, SkillRequirement, SkillTerm

TEXT = LocalizedText("您好", "Hello")
MINUTE = timedelta(minutes=1)
END = EndNode(TEXT)


def flow(**steps: FlowStep) -> FlowDefinition:
    nodes = tuple(FlowNode(node_id, step) for node_id, step in steps.items())
    return FlowDefinition("fl_1", "Main", nodes[0].node_id if nodes else "", nodes)


def option(option_id: str, next_node: str, digit: str = "", *keywords: str) -> MenuOption:
    return MenuOption(option_id, TEXT, digit, keywords, next_node)


def menu(timeout_node: str, *options: MenuOption, wait: timedelta = MINUTE) -> MenuNode:
    return MenuNode(TEXT, options, wait, timeout_node)


def when(attribute: str, next_node: str, else_node: str) -> ConditionNode:
    return ConditionNode((ConditionBranch(attribute, "yes", "", next_node),), else_node)


def enqueue(queue_id: str = "qu_sales", value: int = 0, level: int = 3, *options: SkillConjunction) -> EnqueueNode:
    choices = (SkillChoice(options),) if options else ()
    return EnqueueNode(queue_id, value, 0, (SkillRequirement("billing", level),), TEXT, choices)


def either(*options: SkillConjunction) -> FlowDefinition:
    """Return a flow that asks for the first level of billing and for one of these."""
    return flow(person=enqueue("qu_sales", 0, 1, *options))


def all_of(*terms: tuple[str, SkillOperator, int]) -> SkillConjunction:
    return SkillConjunction(tuple(SkillTerm(*term) for term in terms))


AT_LEAST, LACKS = SkillOperator.AT_LEAST, SkillOperator.LACKS


GOOD = flow(
    hello=SayNode(TEXT, "open"),
    open=ConditionNode((ConditionBranch("", "", "ho_1", "vip"),), "closed"),
    vip=when("vip", "person", "choose"),
    choose=menu("choose", option("person", "person", "1", "person", "人工"), option("again", "hello", "2")),
    name=GatherNode(TEXT, "name", MINUTE, "person", "choose"),
    person=enqueue(),
    closed=END,
)


def refusal(bad: FlowDefinition) -> str:
    with pytest.raises(Invalid) as caught:
        check_flow(bad)
    return str(caught.value)


def test_a_flow_whose_ways_all_lead_out_is_accepted() -> None:
    check_flow(GOOD)


def test_a_choice_of_which_one_way_can_be_met_beside_the_requirements_is_accepted() -> None:
    check_flow(either(all_of(("billing", LACKS, 0)), all_of(("zh", AT_LEAST, 3), ("billing", AT_LEAST, 2))))


def test_a_menu_may_lead_back_to_itself_because_it_waits() -> None:
    check_flow(flow(ask=menu("ask", option("a", "ask"), option("b", "end")), end=END))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (flow(), "nodes: must have 1 to 500 nodes"),
        (replace(GOOD, start_node="nowhere"), "start_node: names no node of the flow"),
        (replace(GOOD, flow_id="main"), "flow_id: must begin with fl_"),
        (flow(say=SayNode(TEXT, "")), "nodes[say].next_node: is a dead end"),
        (flow(say=SayNode(TEXT, "gone")), "nodes[say].next_node: names no node"),
        (flow(ask=menu("", option("a", "end")), end=END), "nodes[ask].timeout_node: is a dead end"),
        (flow(ask=menu("end", option("a", "")), end=END), "nodes[ask].options[0].next_node: is a dead end"),
        (flow(ask=GatherNode(TEXT, "name", MINUTE, "gone", "end"), end=END), "nodes[ask].next_node: names no node"),
        (flow(a=when("x", "b", "gone"), b=END), "nodes[a].else_node: names no node"),
        (flow(a=when("x", "gone", "b"), b=END), "nodes[a].branches[0].next_node: names no node"),
        (flow(ask=menu("ask", option("a", "ask"))), "nodes[ask]: is a dead end: no way from here leaves the flow"),
        (flow(a=SayNode(TEXT, "b"), b=when("x", "a", "c"), c=END), "nodes[b].branches[0].next_node: closes a cycle"),
        (flow(a=when("x", "b", "a"), b=END), "nodes[a].else_node: closes a cycle without a pause"),
        (flow(ask=menu("end"), end=END), "nodes[ask].options: must have 1 to 20 choices"),
        (flow(a=ConditionNode((), "b"), b=END), "nodes[a].branches: must have 1 to 50 branches"),
        (flow(ask=menu("end", option("", "end")), end=END), "nodes[ask].options[0].option_id: must not be empty"),
        (flow(ask=menu("end", option("a", "end"), option("a", "end")), end=END), "options[1].option_id: is used twice"),
        (flow(ask=menu("end", option("a", "end", "1"), option("b", "end", "1")), end=END), "digit: is used twice"),
        (flow(ask=menu("end", option("a", "end", "", "x", "x")), end=END), "keywords: is used twice in the menu"),
        (flow(ask=menu("end", option("a", "end", "", "Yes")), end=END), "keywords: must be lower case"),
        (flow(ask=menu("end", option("a", "end", "12")), end=END), "options[0].digit: must be one key"),
        (
            flow(ask=menu("end", option("a", "end"), wait=timedelta(0)), end=END),
            "timeout_duration: must be 1 s to 24 h",
        ),
        (flow(ask=menu("end", option("a", "end"), wait=timedelta(days=2)), end=END), "timeout_duration: must be 1 s"),
        (flow(ask=GatherNode(TEXT, "", MINUTE, "end", "end"), end=END), "nodes[ask].attribute: must not be empty"),
        (
            flow(say=SayNode(LocalizedText("您好", ""), "end"), end=END),
            "nodes[say].text: must be written in Chinese and",
        ),
        (flow(say=SayNode(None, "end"), end=END), "nodes[say].text: must be written in Chinese and in English"),
        (flow(end=EndNode(LocalizedText("长" * 1400, ""))), "nodes[end].text: must have at most 4 KiB"),
        (flow(person=enqueue(queue_id="sales")), "nodes[person].queue_id: must begin with qu_"),
        (flow(person=enqueue(value=1001)), "nodes[person].value_permille: must be 0 to 1000"),
        (flow(person=enqueue(level=6)), "nodes[person].requirements[0].min_level: must be 1 to 5"),
        (either(all_of()), "nodes[person].choices[0].conjunctions[0]: must have a term"),
        (either(all_of(("zh", AT_LEAST, 6))), "nodes[person].choices[0].conjunctions[0].terms[0].level: must be 1 to"),
        (
            either(all_of(("zh", AT_LEAST, 1)), all_of(("en", LACKS, 0), ("en", AT_LEAST, 1))),
            "nodes[person].choices[0].conjunctions[1].terms[1]: can never be met",
        ),
        (either(all_of(("billing", LACKS, 0))), "nodes[person].choices[0]: can never be met beside the requirements"),
        (either(*(all_of((f"s{n}", AT_LEAST, 1)) for n in range(17))), "nodes[person].choices: must have at most 16"),
        (flow(a=ConditionNode((ConditionBranch("x", "", "ho_1", "b"),), "b"), b=END), "branches[0]: must ask either"),
        (flow(a=ConditionNode((ConditionBranch("", "", "", "b"),), "b"), b=END), "branches[0]: must ask either"),
    ],
)
def test_a_bad_flow_is_refused_with_the_name_of_its_node(bad: FlowDefinition, words: str) -> None:
    assert words in refusal(bad)


def test_a_node_id_used_twice_is_refused() -> None:
    bad = replace(GOOD, nodes=(*GOOD.nodes, FlowNode("closed", END)))
    assert refusal(bad) == "nodes[closed].node_id: is used twice"


def test_a_node_without_an_id_is_refused() -> None:
    assert "node_id: must not be empty" in refusal(FlowDefinition("fl_1", "", "", (FlowNode("", END),)))


def test_a_flow_above_its_size_is_refused() -> None:
    text = LocalizedText("长" * 1300, "long " * 800)
    steps = {f"n{number}": SayNode(text, "end") for number in range(4)}
    assert "must have at most 24 KiB together" in refusal(flow(**steps, end=END))


def chain(length: int) -> FlowDefinition:
    steps = {f"n{number}": SayNode(LocalizedText("a", "a"), f"n{number + 1}") for number in range(length)}
    return flow(**steps, **{f"n{length}": END})


def test_a_stretch_too_long_for_one_command_is_refused() -> None:
    check_flow(chain(MAX_STRETCH - 1))
    assert f"must reach a pause or an end within {MAX_STRETCH} nodes" in refusal(chain(MAX_STRETCH))


NODES = [f"n{number}" for number in range(6)]
targets = st.sampled_from(NODES)
steps = st.one_of(
    st.builds(lambda to: SayNode(TEXT, to), targets),
    st.builds(lambda to, other: when("x", to, other), targets, targets),
    st.builds(lambda to, other: menu(to, option("a", other)), targets, targets),
    st.builds(lambda to, other: GatherNode(TEXT, "x", MINUTE, to, other), targets, targets),
    st.just(END),
    st.just(enqueue()),
)


@given(st.lists(steps, min_size=6, max_size=6), st.data())
def test_in_an_accepted_flow_every_walk_pauses_or_ends_soon_and_can_always_come_out(
    some: list[FlowStep], data: st.DataObject
) -> None:
    candidate = flow(**dict(zip(NODES, some, strict=True)))
    try:
        check_flow(candidate)
    except Invalid:
        return
    by_id = {node.node_id: node.step for node in candidate.nodes}
    at = data.draw(targets)
    for _ in range(len(NODES)):
        ways = list(edges_of(by_id[at]))
        if waits(by_id[at]) or not ways:
            break
        at = data.draw(st.sampled_from(ways)).target
    else:
        raise AssertionError("walked through more nodes than there are without a pause")
    reached = {at}
    for _ in NODES:
        reached |= {edge.target for node_id in reached for edge in edges_of(by_id[node_id])}
    assert any(not list(edges_of(by_id[node_id])) for node_id in reached)


# -- hours ----------------------------------------------------------------------------------------------------------

SHANGHAI = HoursDefinition("ho_3", "Asia/Shanghai", tuple(HoursWindow(day, 540, 1080) for day in range(1, 6)), ())
BERLIN = HoursDefinition(
    "ho_1",
    "Europe/Berlin",
    (*(HoursWindow(weekday, 9 * 60, 17 * 60) for weekday in range(1, 6)), HoursWindow(7, 60, 180)),
    ("2026-05-01",),
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-05T07:59:59", False),  # Monday, winter: UTC+1
        ("2026-01-05T08:00:00", True),
        ("2026-01-05T15:59:59", True),
        ("2026-01-05T16:00:00", False),
        ("2026-07-06T06:59:59", False),  # Monday, summer: UTC+2
        ("2026-07-06T07:00:00", True),
        ("2026-01-10T10:00:00", False),  # Saturday
        ("2026-05-01T10:00:00", False),  # a closed Friday
        ("2026-03-28T23:30:00", False),  # Sunday 00:30; clocks go from 02:00 to 03:00 that night
        ("2026-03-29T00:00:00", True),  # 01:00
        ("2026-03-29T00:59:59", True),  # 01:59:59
        ("2026-03-29T01:00:00", False),  # 03:00: the hour from 02:00 on never comes
        ("2026-10-24T22:59:59", False),  # Sunday 00:59:59; 02:00 to 03:00 comes twice
        ("2026-10-24T23:00:00", True),  # 01:00
        ("2026-10-25T00:30:00", True),  # 02:30 for the first time
        ("2026-10-25T01:30:00", True),  # 02:30 again
        ("2026-10-25T02:00:00", False),  # 03:00
    ],
)
def test_hours_follow_the_wall_clock_of_their_zone(moment: str, expected: bool) -> None:
    assert is_open(BERLIN, utc(moment)) is expected


def test_the_local_date_decides_about_closed_days_and_weekdays() -> None:
    shanghai = HoursDefinition("ho_2", "Asia/Shanghai", (HoursWindow(1, 0, 1440),), ("2026-01-12",))
    assert is_open(shanghai, utc("2026-01-04T16:00:00"))
    assert is_open(shanghai, utc("2026-01-05T15:59:59"))
    assert not is_open(shanghai, utc("2026-01-05T16:00:00"))
    assert not is_open(shanghai, utc("2026-01-11T16:00:00"))


def test_a_moved_day_has_the_windows_of_the_weekday_that_it_stands_for() -> None:
    shop = replace(SHANGHAI, moved_days=(MovedDay("2026-10-10", 3), MovedDay("2026-10-09", 7)))
    assert is_open(shop, utc("2026-10-10T02:00:00")), "a Saturday worked as a Wednesday"
    assert not is_open(shop, utc("2026-10-10T10:00:00")), "its windows, no others"
    assert not is_open(shop, utc("2026-10-09T02:00:00")), "a Friday that is free as a Sunday"
    assert not is_open(shop, utc("2026-10-09T16:00:00")), "until midnight there"
    assert not is_open(shop, utc("2026-10-17T02:00:00")), "the Saturday after"


def test_an_emergency_closes_whatever_else_is_said() -> None:
    closed = replace(SHANGHAI, moved_days=(MovedDay("2026-10-10", 3),), emergency_closed=True)
    check_hours(closed)
    assert is_open(SHANGHAI, utc("2026-10-12T02:00:00"))
    assert not is_open(closed, utc("2026-10-12T02:00:00"))
    assert not is_open(closed, utc("2026-10-10T02:00:00"))


def test_hours_without_windows_are_never_open() -> None:
    assert not is_open(replace(BERLIN, windows=()), utc("2026-01-05T10:00:00"))


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (replace(BERLIN, hours_id="x"), "hours_id"),
        (replace(BERLIN, time_zone="Mars/Olympus"), "time_zone"),
        (replace(BERLIN, time_zone="../etc/passwd"), "time_zone"),
        (replace(BERLIN, windows=(HoursWindow(0, 0, 60),)), "windows[0].weekday"),
        (replace(BERLIN, windows=(HoursWindow(1, 1440, 1441),)), "windows[0].opens_minute"),
        (replace(BERLIN, windows=(HoursWindow(1, 60, 60),)), "windows[0].closes_minute"),
        (replace(BERLIN, windows=(HoursWindow(1, 60, 1441),)), "windows[0].closes_minute"),
        (replace(BERLIN, closed_dates=("2026-02-30",)), "closed_dates[0]"),
        (replace(BERLIN, closed_dates=("20260501",)), "closed_dates[0]"),
        (replace(BERLIN, windows=(HoursWindow(1, 0, 60),) * 101), "windows"),
        (replace(BERLIN, closed_dates=("2026-05-01",) * 401), "closed_dates"),
        (replace(BERLIN, moved_days=(MovedDay("2026-02-30", 1),)), "moved_days[0].date"),
        (replace(BERLIN, moved_days=(MovedDay("2026-05-02", 8),)), "moved_days[0].weekday"),
        (replace(BERLIN, moved_days=(MovedDay("2026-05-01", 1),)), "moved_days[0].date"),
        (replace(BERLIN, moved_days=(MovedDay("2026-05-02", 1), MovedDay("2026-05-02", 2))), "moved_days[1].date"),
        (replace(BERLIN, moved_days=(MovedDay("2026-05-02", 1),) * 101), "moved_days"),
    ],
)
def test_bad_hours_are_refused(bad: HoursDefinition, field: str) -> None:
    with pytest.raises(Invalid) as caught:
        check_hours(bad)
    assert caught.value.field == field


def test_good_hours_are_accepted() -> None:
    check_hours(BERLIN)
