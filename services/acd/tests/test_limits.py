"""Limits of a queue, each with its outcome and next step (rule 16). Its size stands in test_segments."""

from dataclasses import replace
from datetime import timedelta

import pytest
from trunkline_acd.domain.commands import ClearUnstaffedQueue, EnqueueContact, PutQueue, ReachLongestWait, SetIntent
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactEnqueued, LimitPassed, QueueStaffed, QueueUnstaffed, SegmentEnded
from trunkline_acd.domain.words import Intent, LimitKind, SegmentOutcome
from trunkline_core.routing import (
    QueueLimit,
    RelaxationStep,
    SkillChoice,
    SkillConjunction,
    SkillOperator,
    SkillRequirement,
    SkillTerm,
)

BILLING = (SkillRequirement("billing", 3),)
LACKS_BILLING = SkillChoice((SkillConjunction((SkillTerm("billing", SkillOperator.LACKS, 0),)),))


def limit(after_s, next_queue_id=""):
    return QueueLimit(timedelta(seconds=after_s), next_queue_id)


def ended(events):
    return [(event.contact_id, event.limit, event.next_queue_id) for event in events if isinstance(event, SegmentEnded)]


def test_contact_leaves_after_the_longest_wait_with_an_outcome_of_its_own(routing):
    routing.queue(longest_wait=limit(60))
    routing.enqueue("ct_1")
    assert routing.wait(59.9) == []
    wait = timedelta(seconds=60)
    outcome = (SegmentOutcome.LIMIT_REACHED, wait, LimitKind.LONGEST_WAIT, "")
    assert routing.wait(0.1) == [SegmentEnded("ct_1", "qu_sales", 1, *outcome)]
    assert routing.domain.contact("ct_1").stage is Stage.ENDED
    [row] = routing.rows[-1].queues
    assert (row.entered_total, row.limit_reached_total, row.waiting) == (1, 1, 0)
    assert [type(event).__name__ for event in routing.end("ct_1", "system")] == ["ContactForgotten"]


def test_contact_that_rings_at_its_limit_may_finish(routing):
    routing.queue(longest_wait=limit(10))
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    assert routing.wait(15) == [LimitPassed("ct_1", 1)]
    assert routing.connect("ct_1") == "ag_li"
    assert routing.wait(600) == []


def test_contact_that_is_joined_at_its_limit_leaves_when_the_joining_fails(routing, kinds_of):
    routing.queue(longest_wait=limit(10))
    routing.agent("ag_li")
    routing.agent("ag_wang")
    routing.enqueue("ct_1")
    routing.wait(9)
    routing.accept("ct_1")
    assert kinds_of(routing.wait(5)) == ["LimitPassed", "ConnectFailed", "SegmentEnded"]


@pytest.mark.parametrize("ends", ["expires", "declined", "break"])
def test_contact_whose_offer_comes_to_nothing_after_its_limit_leaves_and_is_offered_nobody(routing, offered, ends):
    routing.queue(longest_wait=limit(10))
    routing.agent("ag_li")
    routing.agent("ag_wang")
    routing.enqueue("ct_1")
    routing.wait(11)
    events = {
        "expires": lambda: routing.wait(9),
        "declined": lambda: routing.do(SetIntent("ag_li", Intent.OFFLINE, "")),
        "break": lambda: routing.do(SetIntent("ag_li", Intent.BREAK, "lunch")),
    }[ends]()
    assert ended(events) == [("ct_1", LimitKind.LONGEST_WAIT, "")]
    assert offered(events) == []


def test_contact_goes_on_in_the_next_queue_with_its_age_and_a_new_wait(routing, offered):
    routing.queue("qu_next", requirements=BILLING)
    routing.queue(longest_wait=limit(60, "qu_next"))
    routing.enqueue("ct_1", "qu_sales", ("english", 1), value=500)
    routing.wait(50)
    routing.enqueue("ct_2", "qu_next", ("english", 1), ("billing", 3))
    before, entered = routing.wait(10)
    assert ended([before]) == [("ct_1", LimitKind.LONGEST_WAIT, "qu_next")]
    assert (entered.queue_id, entered.segment_no, entered.aged_since_time) == ("qu_next", 2, routing.at(0))
    assert entered.requirements == (SkillRequirement("billing", 3), SkillRequirement("english", 1))
    routing.wait(5)
    routing.agent("ag_li", ("billing", 3), ("english", 1))
    assert routing.domain.contact("ct_1").agent_id == "ag_li", "the older one in spite of its later entry"
    routing.accept("ct_1")
    assert routing.connected("ct_1")[0].wait_duration == timedelta(seconds=5)
    assert routing.domain.queue("qu_sales").limit_reached_total == 1


def test_next_queue_does_not_ask_for_what_the_first_queue_asked(routing):
    routing.queue("qu_next")
    routing.queue(requirements=BILLING, longest_wait=limit(10, "qu_next"))
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.wait(10)
    assert routing.domain.contact("ct_1").agent_id == "ag_li"


@pytest.mark.parametrize("trouble", ["unknown", "full"])
def test_contact_ends_when_its_next_queue_does_not_take_it(routing, trouble):
    routing.queue(longest_wait=limit(10, "qu_next"))
    if trouble == "full":
        routing.queue("qu_next", max_waiting=1)
        routing.enqueue("ct_0", "qu_next")
    routing.enqueue("ct_1")
    assert ended(routing.wait(10)) == [("ct_1", LimitKind.LONGEST_WAIT, "")]


def test_contact_keeps_the_limit_it_entered_with(routing):
    routing.queue(longest_wait=limit(10))
    routing.enqueue("ct_1")
    routing.queue()
    routing.enqueue("ct_2")
    assert ended(routing.wait(600)) == [("ct_1", LimitKind.LONGEST_WAIT, "")]


def test_timers_of_limits_do_nothing_before_their_time(routing):
    routing.queue(longest_wait=limit(10), unstaffed=limit(10))
    routing.enqueue("ct_1")
    assert routing.do(ReachLongestWait("ct_1", 1)) == []
    assert routing.do(ClearUnstaffedQueue("qu_sales")) == []


def test_those_who_wait_leave_when_nobody_has_been_signed_in_for_too_long(routing):
    routing.queue(requirements=BILLING)
    routing.agent("ag_li", ("billing", 3))
    routing.enqueue("ct_0")
    routing.connect("ct_0")
    routing.queue(requirements=BILLING, unstaffed=limit(60))
    for number in range(1, 11):
        routing.enqueue(f"ct_{number}")
    signed_out = routing.do(SetIntent("ag_li", Intent.OFFLINE, ""))
    assert QueueUnstaffed("qu_sales", routing.at(60)) in signed_out
    assert routing.wait(59.9) == []
    left = ended(routing.wait(1))
    assert left == [(f"ct_{number}", LimitKind.UNSTAFFED, "") for number in range(1, 11)], "the oldest first"
    assert routing.domain.contact("ct_0").stage is Stage.CONNECTED


def test_somebody_who_signs_in_in_time_keeps_those_who_wait(routing):
    routing.queue(unstaffed=limit(60))
    routing.enqueue("ct_1")
    routing.wait(59)
    routing.agent("ag_li")
    assert QueueStaffed("qu_sales") in [event for event, _ in routing.log]
    assert ended(routing.wait(15)) == []


def test_breaks_and_busy_agents_count_as_signed_in(routing):
    routing.queue(unstaffed=limit(0))
    routing.agent("ag_li")
    routing.agent("ag_wang")
    routing.enqueue("ct_0")
    busy = routing.connect("ct_0")
    other = "ag_li" if busy == "ag_wang" else "ag_wang"
    routing.do(SetIntent(other, Intent.BREAK, "lunch"))
    routing.enqueue("ct_1")
    assert ended(routing.wait(60)) == []


def test_new_contacts_are_refused_while_nobody_is_signed_in_for_too_long(routing):
    routing.queue(unstaffed=limit(60))
    routing.wait(60)
    command = EnqueueContact("ct_1", 1, "qu_sales", Channel.VOICE, 0, 0, ())
    assert routing.refusal(command) == "Rejection: NobodySignedIn"
    routing.agent("ag_li")
    assert isinstance(routing.do(command)[0], ContactEnqueued)


def test_new_contact_enters_the_next_queue_while_nobody_is_signed_in_for_too_long(routing, offered):
    routing.queue("qu_next")
    routing.queue(unstaffed=limit(60, "qu_next"), requirements=BILLING)
    routing.agent("ag_li")
    routing.wait(60)
    entered, *others = routing.enqueue("ct_1")
    assert (entered.queue_id, entered.segment_no, entered.unstaffed_queue_id) == ("qu_next", 1, "qu_sales")
    assert entered.requirements == ()
    assert offered(others) == [("ct_1", "ag_li")]
    assert (routing.domain.queue("qu_sales").entered_total, routing.domain.queue("qu_next").entered_total) == (0, 1)
    routing.agent("ag_wang", ("billing", 3))
    assert routing.enqueue("ct_2")[0].queue_id == "qu_sales"


@pytest.mark.parametrize("following", [{"max_waiting": 1}, {"unstaffed": limit(0)}, {"choices": (LACKS_BILLING,)}])
def test_new_contact_that_the_next_queue_does_not_take_is_refused_as_before(routing, following):
    routing.queue("qu_next", **following)
    routing.queue(unstaffed=limit(60, "qu_next"))
    routing.wait(60)
    if "max_waiting" in following:
        routing.enqueue("ct_0")
    command = EnqueueContact("ct_1", 1, "qu_sales", Channel.VOICE, 0, 0, BILLING)
    assert routing.refusal(command) == "Rejection: NobodySignedIn"


def test_queue_is_staffed_by_whoever_meets_what_it_asks_for_after_all_its_steps(routing):
    step = RelaxationStep(timedelta(seconds=30), (), ("billing",))
    routing.agent("ag_li")
    routing.queue(requirements=BILLING, relaxation=(step,), unstaffed=limit(0))
    routing.queue("qu_strict", requirements=BILLING, unstaffed=limit(0))
    assert routing.domain.queue("qu_sales").clears_time is None
    assert routing.domain.queue("qu_strict").clears_time == routing.now


def test_contacts_of_one_customer_are_bounded_while_they_are_open(routing):
    routing.queue(max_per_customer=2)
    for number in (1, 2):
        routing.enqueue(f"ct_{number}", customer="cu_1")
    command = EnqueueContact("ct_3", 1, "qu_sales", Channel.VOICE, 0, 0, (), "cu_1")
    assert routing.refusal(command) == "Rejection: CustomerAtLimit"
    routing.enqueue("ct_other", customer="cu_2")
    for number in range(5):
        routing.enqueue(f"ct_unknown_{number}")
    routing.end("ct_1")
    assert isinstance(routing.do(command)[0], ContactEnqueued)


BAD_LIMITS = [
    ({"longest_wait": limit(0)}, "queue.longest_wait.after_duration"),
    ({"longest_wait": limit(8 * 86_400)}, "queue.longest_wait.after_duration"),
    ({"longest_wait": limit(1, "sales")}, "queue.longest_wait.next_queue_id"),
    ({"longest_wait": limit(1, "qu_sales")}, "queue.longest_wait.next_queue_id"),
    ({"unstaffed": limit(-1)}, "queue.unstaffed.after_duration"),
    ({"unstaffed": limit(1, "qu_back")}, "queue.unstaffed.next_queue_id"),
    ({"max_per_customer": -1}, "queue.max_per_customer"),
]


@pytest.mark.parametrize(("fields", "field"), BAD_LIMITS)
def test_limit_with_an_error_or_a_way_back_is_refused_naming_the_field(routing, fields, field):
    definition = routing.queue()
    routing.queue("qu_between", longest_wait=limit(1, "qu_sales"))
    routing.queue("qu_back", unstaffed=limit(1, "qu_between"))
    assert routing.refusal(PutQueue(replace(definition, **fields))).startswith(f"Invalid: {field}:")
