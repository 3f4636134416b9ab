"""`trunkline shadow`: a candidate beside a recorded ledger; the ledger is that of a simulated day with faults."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acd_world import TOPIC, AcdWorld
from stored_ledgers import StoredLedgers
from trunkline_acd.domain import events
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.words import LimitKind, SegmentOutcome
from trunkline_core.errors import Misconfigured
from trunkline_operator.ledger_days import LedgerDay
from trunkline_operator.shadowing import read_candidate, shadow
from trunkline_testkit.simulation.room import draw_plan, simulate
from trunkline_testkit.virtual_time import START

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
UNTIL = START + timedelta(hours=2)


@pytest.fixture(scope="module")
def source() -> StoredLedgers:
    """The ledger that a simulated day left."""
    outcome = simulate(draw_plan(5, size=240), AcdWorld())
    assert not outcome.violations
    return StoredLedgers({TOPIC: {one.number: one.records for one in outcome.room.cluster.topics[TOPIC]}})


@pytest.fixture
def policy(tmp_path: Path) -> Iterator[Any]:
    def write(text: str) -> Path:
        path = tmp_path / "p.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


async def asked(capsys: Any, source: Any, path: Path, tenant: str = "tn_1", *, only_json: bool = True) -> Any:
    await shadow(source, path, tenant, UNTIL, 8, 2, only_json=only_json)
    lines = capsys.readouterr().out.splitlines()
    return json.loads(lines[-1]) if only_json else lines


async def test_a_policy_that_changes_nothing_agrees_with_every_offer_and_estimates_no_change(capsys, source, policy):
    found = await asked(capsys, source, policy("queues: []"))
    assert found["differences"] == {}
    assert found["offers"] == found["alike"] > 50
    change = found["estimate"]["change"]
    assert {one["mean"] for one in change.values()} <= {0, None}, change
    assert change["mean_wait_s"]["mean"] == 0


async def test_a_candidate_differs_and_its_day_is_estimated(capsys, source, policy):
    path = policy("every_queue: {strategy: ROUTING_STRATEGY_BEST_PROFICIENCY, max_waiting: 1}")
    found = await asked(capsys, source, path)
    assert found["alike"] < found["offers"]
    assert found["differences"]["other_agent"] > 0
    assert found["differences"]["refused"] > 0
    assert found["estimate"]["what_if"]["refused"]["mean"] > 0


async def test_the_table_counts_by_queue_and_tells_the_first(capsys, source, policy):
    lines = await asked(capsys, source, policy("every_queue: {max_waiting: 1}"), only_json=False)
    assert "of which the candidate makes" in lines[0]
    assert any(line.startswith("qu_1_1 ") for line in lines)
    assert any(line.endswith("refused  QueueFull") for line in lines)
    assert any("what if" in line for line in lines)


async def test_several_tenants_are_not_mixed(capsys, source, policy):
    with pytest.raises(Misconfigured, match="say --tenant tn_1 or tn_2"):
        await shadow(source, policy("queues: []"), "", UNTIL, 8, 2, only_json=True)


async def test_a_time_without_contacts_is_one_sentence(source, policy):
    with pytest.raises(Misconfigured, match="nothing of that tenant in that time"):
        await shadow(source, policy("queues: []"), "tn_1", START + timedelta(days=9), 8, 2, only_json=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("queues: [{queue_id: qu_1_1, max_misses: -1}]", "max_misses"),
        ("queues: [{queue_id: qu_1_1, nonsense: 1}]", r"queues\[0\].nonsense: is no field of a queue"),
        ("qeues: []", "qeues: is none of"),
        ("every_queue: [max_waiting]", "every_queue: must be fields"),
        ("queues: {qu_1_1: {max_waiting: 1}}", "queues: must be a list"),
        ("queues: [qu_1_1]", "queues: must be a list of fields"),
    ],
)
async def test_what_is_no_policy_is_one_sentence_with_the_field(source, policy, text, said):
    with pytest.raises(Misconfigured, match=said):
        await shadow(source, policy(text), "tn_1", UNTIL, 8, 2, only_json=True)


def test_agents_are_left_out(policy):
    assert read_candidate(policy("agents: [{agent_id: ag_1}]"))({}) == []


def entered(contact_id: str, channel: Channel = Channel.VOICE, urgency: int = 0) -> events.ContactEnqueued:
    return events.ContactEnqueued(contact_id, 1, "qu_sales", 1, channel, 0, urgency, ())


def left(contact_id: str, wait_s: int, next_queue_id: str = "") -> events.SegmentEnded:
    outcome = SegmentOutcome.FLOWED_OUT if next_queue_id else SegmentOutcome.ABANDONED
    wait = timedelta(seconds=wait_s)
    return events.SegmentEnded(contact_id, "qu_sales", 1, outcome, wait, LimitKind.UNSPECIFIED, next_queue_id)


def test_calls_of_the_ledger_become_a_recorded_day():
    day = LedgerDay()
    happened: list[tuple[float, Any]] = [
        (0, entered("ct_served", urgency=900)),
        (1, entered("ct_chat", Channel.CHAT)),
        (2, entered("ct_left")),
        (3, left("ct_before", 8)),
        (12, left("ct_left", 10)),
        (20, events.ContactConnected("ct_served", 2, "qu_sales", 1, 1, "ag_li", timedelta(seconds=20))),
        (21, entered("ct_moved")),
        (30, left("ct_moved", 9, "qu_next")),
        (31, entered("ct_open")),
        (50, events.ContactConnected("ct_moved", 2, "qu_next", 2, 1, "ag_wang", timedelta(seconds=20))),
        (80, events.ContactReleased("ct_served", "ag_li", "qu_sales", True, None)),
        (90, events.ContactReleased("ct_moved", "ag_wang", "qu_next", False, None)),
    ]
    for second, event in happened:
        day.note(event, T0 + timedelta(seconds=second))
    rows = day.recordings()
    told = [(row.type, row.server, row.outcome.name, row.waited_s, row.service_s, row.priority) for row in rows]
    assert told == [
        ("qu_sales", "ag_li", "AGENT", 20, 60, 2),
        ("qu_sales", None, "HANG", 10, 0, 0),
        ("qu_sales", "ag_wang", "AGENT", 29, 40, 0),
    ]
    assert [row.arrival_s - rows[0].arrival_s for row in rows] == [0, 2, 21]
