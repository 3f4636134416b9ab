"""Contacts that flow out of a queue in which they wait for too long (rule 12)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from trunkline_acd.domain.commands import CheckOverflow, PutQueue
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.events import ContactEnqueued, OverflowChecked, SegmentEnded
from trunkline_acd.domain.words import SegmentOutcome
from trunkline_core.routing import Overflow, QueueLimit, SkillRequirement


def overflow(begin_s=60, end_s=20, to="qu_next"):
    return Overflow(to, timedelta(seconds=begin_s), timedelta(seconds=end_s))


def moved(events):
    return [
        (event.contact_id, event.next_queue_id)
        for event in events
        if isinstance(event, SegmentEnded) and event.outcome is SegmentOutcome.FLOWED_OUT
    ]


@pytest.fixture
def crowded(routing):
    """One contact enters the sales queue every 10 s, nobody is there; ct_0 has waited for 50 s."""
    routing.queue("qu_next", requirements=(SkillRequirement("orders", 1),))
    routing.queue(overflow=overflow())
    for number in range(5):
        routing.enqueue(f"ct_{number}")
        routing.wait(10)
    return routing


def test_overflow_begins_with_the_longest_wait_and_takes_all_down_to_the_shorter_one(crowded):
    assert crowded.wait(9.9) == []
    events = crowded.wait(1)
    assert moved(events) == [(f"ct_{number}", "qu_next") for number in range(5)], "20 s and more, the oldest first"
    crowded.enqueue("ct_9")
    assert moved(crowded.wait(59)) == []
    assert moved(crowded.wait(1)) == [("ct_9", "qu_next")]


def test_those_below_the_shorter_wait_stay_and_it_does_not_flutter(crowded):
    crowded.enqueue("ct_late")
    assert len(moved(crowded.wait(11))) == 5
    assert crowded.domain.contact("ct_late").queue_id == "qu_sales"
    assert moved(crowded.wait(48)) == [], "it passes the shorter wait, and that begins nothing"
    assert moved(crowded.wait(1)) == [("ct_late", "qu_next")]


def test_contact_keeps_its_age_and_asks_for_what_the_other_queue_asks(crowded):
    events = crowded.wait(10)
    entered = next(event for event in events if isinstance(event, ContactEnqueued))
    assert (entered.segment_no, entered.aged_since_time) == (2, crowded.at(0))
    assert entered.requirements == (SkillRequirement("orders", 1),)
    crowded.agent("ag_li", ("orders", 1))
    assert crowded.domain.contact("ct_0").agent_id == "ag_li"
    row = crowded.domain.queue("qu_sales")
    assert (row.entered_total, row.flowed_out_total) == (5, 4), "a bounded number at a time"


def test_what_rings_stays_and_flows_out_when_that_comes_to_nothing(routing):
    routing.queue("qu_next")
    routing.queue(overflow=overflow(10, 5), requirements=(SkillRequirement("sales", 1),))
    routing.agent("ag_li", ("sales", 1))
    routing.enqueue("ct_1")
    assert moved(routing.wait(19.9)) == []
    routing.wait(0.1)
    assert routing.domain.contact("ct_1").queue_id == "qu_next"


@pytest.mark.parametrize("trouble", ["full", "unstaffed", "unknown"])
def test_contacts_stay_while_the_other_queue_takes_none_and_try_again(crowded, trouble):
    changes = {"full": {"max_waiting": 1}, "unstaffed": {"unstaffed": QueueLimit(timedelta(0), "")}, "unknown": {}}
    crowded.queue("qu_next", **changes[trouble])
    if trouble == "full":
        crowded.enqueue("ct_there", "qu_next")
    if trouble == "unknown":
        crowded.queue(overflow=overflow(to="qu_nowhere"))
    assert moved(crowded.wait(10)) == []
    assert crowded.domain.contact("ct_0").stage is Stage.WAITING
    crowded.queue("qu_next")
    crowded.queue(overflow=overflow())
    assert moved(crowded.wait(5))[0] == ("ct_0", "qu_next")


def test_new_definition_looks_after_those_who_wait_already(routing):
    routing.queue("qu_next")
    routing.queue()
    routing.enqueue("ct_1")
    routing.wait(100)
    routing.queue(overflow=overflow())
    assert moved(routing.wait(0)) == [("ct_1", "qu_next")]


def test_queue_without_overflow_any_more_keeps_its_contacts(crowded):
    crowded.queue()
    assert crowded.wait(600) == []


def test_it_is_looked_once_in_a_while_and_not_for_each_contact(routing):
    routing.queue("qu_next")
    routing.queue(overflow=overflow())
    routing.agent("ag_li")
    looks = 0
    for number in range(120):
        routing.enqueue(f"ct_{number}")
        routing.connect(f"ct_{number}")
        looks += sum(isinstance(event, OverflowChecked) for event in routing.wait(5))
        routing.end(f"ct_{number}")
    assert looks <= 11, "600 s in steps of 60 s"


def test_timer_of_the_overflow_does_nothing_before_its_time(crowded):
    assert crowded.do(CheckOverflow("qu_sales")) == []


BAD_OVERFLOWS = [
    (overflow(0, 0), "queue.overflow.begin_wait_duration"),
    (overflow(8 * 86_400), "queue.overflow.begin_wait_duration"),
    (overflow(10, 11), "queue.overflow.end_wait_duration"),
    (overflow(10, -1), "queue.overflow.end_wait_duration"),
    (overflow(to=""), "queue.overflow.next_queue_id"),
    (overflow(to="next"), "queue.overflow.next_queue_id"),
    (overflow(to="qu_sales"), "queue.overflow.next_queue_id"),
    (overflow(to="qu_back"), "queue.overflow.next_queue_id"),
]


@pytest.mark.parametrize(("policy", "field"), BAD_OVERFLOWS)
def test_cyclic_or_contradictory_overflow_is_refused_naming_the_field(routing, policy, field):
    definition = routing.queue()
    routing.queue("qu_between", overflow=overflow(to="qu_sales"))
    routing.queue("qu_back", longest_wait=QueueLimit(timedelta(seconds=1), "qu_between"))
    assert routing.refusal(PutQueue(replace(definition, overflow=policy))).startswith(f"Invalid: {field}:")
