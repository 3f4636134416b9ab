"""Four ways of routing on one day: who is overtaken by whom, and what that costs whom."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from test_what_if import SMALL_DAY
from trunkline_acd.domain.words import SegmentOutcome
from trunkline_acd.simulation.calls import Record, Stay
from trunkline_acd.simulation.days import START, Policy, play_day
from trunkline_operator.comparing import compare
from trunkline_operator.day_policies import DEFAULT, read_policy
from trunkline_operator.overtaking import Overtaking, overtaking
from trunkline_operator.priority_figures import PRIORITY_FIGURES, bound_s, most_waiting, priority_figures
from trunkline_operator.scenarios import plan_of
from trunkline_simulation.day.plan import DayPlan
from trunkline_simulation.day.recordings import COLUMNS, Recording, parse_recordings
from trunkline_simulation.day.windows import Window

ANSWERED, ABANDONED = SegmentOutcome.ANSWERED, SegmentOutcome.ABANDONED
POLICIES = DEFAULT.parent
WAYS = {"fifo": 0.0, "strict-priority": 72_000.0, "base-seconds": 90.0, "demo-day": 90.0}
MAYA_IS_BUSY = """
L1,1,0,0,PS,1999-08-01,9:00:00,9:00:00,0,9:00:00,9:00:00,0,AGENT,9:00:00,9:05:00,300,MAYA
L1,2,0,0,PS,1999-08-01,9:01:00,9:01:00,0,9:01:00,9:05:00,240,AGENT,9:05:00,9:06:00,60,MAYA
L1,3,0,2,PS,1999-08-01,9:02:00,9:02:00,0,9:02:00,9:06:00,240,AGENT,9:06:00,9:07:00,60,MAYA
L1,4,0,2,PS,1999-08-01,9:04:00,9:04:00,0,9:04:00,9:07:00,180,AGENT,9:07:00,9:08:00,60,MAYA
"""


def stay(entered_s: float, wait_s: float, outcome: SegmentOutcome = ANSWERED, queue_id: str = "qu_ps") -> Stay:
    contact_id = f"ct_{entered_s}_{wait_s}"
    return Stay(contact_id, queue_id, START + timedelta(seconds=entered_s), outcome, timedelta(seconds=wait_s))


def day_of(lines: str) -> tuple[Recording, ...]:
    return parse_recordings([",".join(COLUMNS), *lines.split()])


def policy_of(name: str, day: tuple[Recording, ...]) -> tuple[DayPlan, Policy]:
    plan = plan_of(day, 1)
    return plan, read_policy(POLICIES / f"{name}.yaml", plan.types, plan.agents)


def order_of(record: Record) -> list[str]:
    return [one.contact_id for one in record.stays if one.outcome is ANSWERED]


def test_whoever_is_connected_before_an_earlier_caller_of_the_queue_overtakes() -> None:
    waits_on, later = stay(0, 100), stay(30, 20)
    assert overtaking([waits_on, later]) == Overtaking(overtaken=1, largest_s=30)


def test_nobody_is_overtaken_by_order_of_entry_in_another_queue_or_by_who_leaves() -> None:
    assert overtaking([stay(0, 50), stay(30, 20)]) == Overtaking(0, 0)  # connected in the same moment
    assert overtaking([stay(0, 100), stay(30, 20, queue_id="qu_ne")]) == Overtaking(0, 0)
    assert overtaking([stay(0, 100), stay(30, 20, ABANDONED)]) == Overtaking(0, 0)
    assert overtaking([stay(0, 100), stay(0, 20)]) == Overtaking(0, 0)  # nobody came first
    assert overtaking([]) == Overtaking(0, 0)


def test_whoever_left_unserved_was_overtaken_too() -> None:
    assert overtaking([stay(0, 100, ABANDONED), stay(10, 0), stay(40, 5)]) == Overtaking(1, 40)


@given(some.lists(some.tuples(some.integers(0, 50), some.integers(0, 50), some.booleans()), max_size=12))
def test_overtaking_is_what_looking_at_all_pairs_finds(callers: list[tuple[int, int, bool]]) -> None:
    stays = [stay(entered, wait, ANSWERED if answered else ABANDONED) for entered, wait, answered in callers]
    pairs = [
        (earlier, late - early)
        for earlier, (early, waits, _) in enumerate(callers)
        for late, wait, is_answered in callers
        if is_answered and early < late and late + wait < early + waits
    ]
    largest = max((gap for _, gap in pairs), default=0)
    assert overtaking(stays) == Overtaking(len({earlier for earlier, _ in pairs}), largest)


def test_most_waiting_is_of_the_fullest_queue_and_whoever_leaves_makes_room_first() -> None:
    assert most_waiting([stay(0, 10), stay(5, 10), stay(10, 5), stay(6, 2, queue_id="qu_ne"), stay(7, 0)]) == 2
    assert most_waiting([]) == 0


@pytest.mark.parametrize(("name", "bound"), WAYS.items())
def test_a_way_of_routing_is_a_policy_whose_head_start_is_weight_times_target(name: str, bound: float) -> None:
    _, policy = policy_of(name, day_of(SMALL_DAY))
    assert bound_s(policy) == bound


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("fifo", ["ct_0", "ct_1", "ct_2", "ct_3"]),
        ("strict-priority", ["ct_0", "ct_2", "ct_3", "ct_1"]),
        ("base-seconds", ["ct_0", "ct_2", "ct_1", "ct_3"]),  # 60 s later goes before, 180 s later does not
        ("demo-day", ["ct_0", "ct_2", "ct_1", "ct_3"]),
    ],
)
def test_each_way_has_an_order_of_its_own(name: str, order: list[str]) -> None:
    plan, policy = policy_of(name, day_of(MAYA_IS_BUSY))
    patient = DayPlan(tuple(replace(caller, patience_s=3600) for caller in plan.callers), plan.agents, plan.window)
    record = play_day(patient, policy)
    assert order_of(record) == order
    figures = priority_figures(record, patient, policy)
    assert figures["largest_overtaking_s"] <= figures["bound_s"]
    assert set(figures) == {figure.key for figure in PRIORITY_FIGURES}


def test_figures_by_priority_add_up_by_hand() -> None:
    plan, policy = policy_of("demo-day", day_of(MAYA_IS_BUSY))
    record = Record(stays=[stay_of("ct_0", 0), stay_of("ct_1", 240, ABANDONED), stay_of("ct_2", 10)], refused=["ct_3"])
    figures = priority_figures(record, plan, policy)
    assert (figures["all.offered"], figures["urgent.offered"], figures["others.offered"]) == (4, 2, 2)
    assert (figures["urgent.answer_rate"], figures["urgent.refused_rate"], figures["urgent.mean_wait_s"]) == (
        0.5,
        0.5,
        10,
    )
    assert (figures["others.answer_rate"], figures["others.longest_wait_s"], figures["others.p90_wait_s"]) == (
        0.5,
        240,
        0,
    )


def stay_of(contact_id: str, wait_s: float, outcome: SegmentOutcome = ANSWERED) -> Stay:
    return Stay(contact_id, "qu_ps", START, outcome, timedelta(seconds=wait_s))


def test_of_urgent_callers_who_never_came_nothing_is_said() -> None:
    plan, policy = policy_of("demo-day", day_of(SMALL_DAY))
    figures = priority_figures(Record(), DayPlan((), plan.agents, Window()), policy)
    assert (figures["urgent.offered"], figures["urgent.answer_rate"], figures["overtaken_rate"]) == (0, None, None)
    assert figures["urgent.longest_wait_s"] is None


@pytest.fixture
def busy_day(tmp_path: Path) -> Path:
    path = tmp_path / "day.csv"
    path.write_text(",".join(COLUMNS) + MAYA_IS_BUSY, encoding="utf-8")
    return path


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_one_table_shows_the_four_ways_and_what_ours_changes(
    capsys: pytest.CaptureFixture[str], busy_day: Path
) -> None:
    compare(busy_day, 0, None, 2, only_json=False)
    shown = capsys.readouterr().out
    for words in ("FIFO", "strict", "base s", "ours − strict", "priority 2", "the others", "4 all callers"):
        assert words in shown
    found = json.loads(shown.splitlines()[-1])
    assert found["fifo"]["overtaken_rate"]["mean"] == 0
    assert found["strict_priority"]["overtaken_rate"]["mean"] == 0.25
    assert found["ours_less_fifo"]["urgent.mean_wait_s"]["mean"] == pytest.approx(
        found["ours"]["urgent.mean_wait_s"]["mean"] - found["fifo"]["urgent.mean_wait_s"]["mean"]
    )


def test_ours_may_be_a_policy_of_ones_own(capsys: pytest.CaptureFixture[str], busy_day: Path, tmp_path: Path) -> None:
    own = tmp_path / "p.yaml"
    own.write_text("every_queue: {urgency_weight_permille: 10000}", encoding="utf-8")
    compare(busy_day, 0, own, 2, only_json=True)
    assert last_line(capsys)["ours"]["bound_s"]["mean"] == 200
