"""The customer who waits chooses another queue (rule 18)."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_acd.domain.commands import ChangeQueue, DeclineOffer, EndContact, RequestCallback
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.events import ContactEnqueued, ContactOffered, ContactRequeued, RowsChanged, SegmentEnded
from trunkline_acd.domain.words import SegmentOutcome
from trunkline_core.errors import TrunklineError
from trunkline_core.routing import CallbackPolicy, QueueLimit, SkillRequirement


def change(contact_id="ct_1", step=3, segment=1, queue="qu_help"):
    return ChangeQueue(contact_id, step, segment, queue)


def kinds(events):
    return [type(event) for event in events if not isinstance(event, RowsChanged)]


@pytest.fixture
def waiting(routing):
    """ct_1 waits for 10 s for nobody; a queue that asks for a skill is there."""
    routing.queue(callback=CallbackPolicy(3, timedelta(minutes=10), 5))
    routing.queue("qu_help", requirements=(SkillRequirement("help", 1),))
    routing.enqueue("ct_1")
    routing.wait(10)
    return routing


def test_the_contact_goes_on_in_the_other_queue_with_its_age_in_one_step(waiting):
    events = waiting.do(change())
    assert kinds(events) == [ContactRequeued, SegmentEnded, ContactEnqueued]
    requeued, ended, entered = events[:3]
    assert requeued == ContactRequeued("ct_1", 1, "qu_help", "customer")
    assert (ended.outcome, ended.next_queue_id) == (SegmentOutcome.FLOWED_OUT, "qu_help")
    assert ended.wait_duration == timedelta(seconds=10)
    assert (entered.queue_id, entered.segment_no, entered.step_no) == ("qu_help", 2, 3)
    assert entered.aged_since_time == waiting.at(0)
    assert entered.requirements == (SkillRequirement("help", 1),)


def test_it_rings_there_at_once_where_somebody_is_free(waiting):
    waiting.end("ct_1")
    waiting.queue(requirements=(SkillRequirement("sales", 1),))
    waiting.agent("ag_wang", ("help", 2))
    waiting.enqueue("ct_2")
    events = waiting.do(change("ct_2"))
    assert kinds(events)[-1] is ContactOffered
    assert waiting.domain.contact("ct_2").agent_id == "ag_wang"


def test_a_repeated_step_changes_nothing_and_an_older_one_is_stale(waiting):
    waiting.do(change())
    assert waiting.do(change()) == []
    assert waiting.refusal(change(step=2, segment=2, queue="qu_sales")) == "Rejection: StaleStep"


@pytest.mark.parametrize(
    ("policy", "why"),
    [({"max_waiting": 1}, "QueueFull"), ({"unstaffed": QueueLimit(timedelta(0), "")}, "NobodySignedIn")],
)
def test_a_queue_that_takes_none_in_leaves_the_contact_where_it_was(waiting, policy, why):
    waiting.queue("qu_help", **policy)
    if why == "QueueFull":
        waiting.enqueue("ct_2", "qu_help")
    waiting.wait(1)
    assert waiting.refusal(change()) == f"Rejection: {why}"
    contact = waiting.domain.contact("ct_1")
    assert (contact.queue_id, contact.segment_no, contact.stage) == ("qu_sales", 1, Stage.WAITING)


def test_an_unknown_queue_and_its_own_are_refused(waiting):
    assert waiting.refusal(change(queue="qu_none")).startswith("NotFound")
    assert waiting.refusal(change(queue="qu_sales")) == "Rejection: InThatQueue"


def test_a_contact_that_rings_or_was_answered_stays(waiting):
    waiting.agent("ag_li")
    assert waiting.domain.contact("ct_1").stage is Stage.OFFERED
    assert waiting.refusal(change()) == "Rejection: ContactNotWaiting"
    waiting.accept("ct_1")
    assert waiting.refusal(change()) == "Rejection: ContactNotWaiting"
    waiting.connected("ct_1")
    assert waiting.refusal(change(step=4)) == "Rejection: ContactNotWaiting"
    waiting.do(EndContact("ct_1", 9, "customer_left"))
    assert waiting.refusal(change(step=10)) == "Rejection: ContactAlreadyEnded"


def test_who_flowed_out_meanwhile_is_not_moved_by_what_was_chosen_before(waiting):
    waiting.queue("qu_other")
    waiting.do(change(queue="qu_other"))
    assert waiting.refusal(change(step=4, segment=1)) == "Rejection: ContactNotWaiting"


def test_a_callback_stays_where_it_was_promised(waiting):
    waiting.do(RequestCallback("ct_1", 3, "cu_1", None))
    assert waiting.refusal(change(step=4, segment=2)) == "Rejection: CallbackStays"


def test_each_stay_counts_once(waiting):
    waiting.do(change())
    waiting.end("ct_1", step=4)
    sales, other = waiting.domain.queue("qu_sales"), waiting.domain.queue("qu_help")
    assert (sales.entered_total, sales.flowed_out_total, sales.waiting) == (1, 1, 0)
    assert (other.entered_total, other.waiting) == (1, 0)
    assert other.abandoned_total + other.short_abandoned_total == 1


DEEDS = st.sampled_from(["qu_sales", "qu_help", "qu_full", "qu_none", "stale", "ready", "accept", "decline", "wait"])


@settings(max_examples=80, deadline=None)
@given(st.lists(DEEDS, max_size=20))
def test_whoever_goes_from_queue_to_queue_is_in_one_of_them_and_each_stay_ends_once(new_routing, deeds):
    routing = new_routing()
    routing.queue(longest_wait=QueueLimit(timedelta(seconds=60), "qu_help"))
    routing.queue("qu_help")
    routing.queue("qu_full", max_waiting=1)
    routing.enqueue("ct_full", "qu_full")
    routing.enqueue("ct_1")
    for step, deed in enumerate(deeds, start=3):
        contact = routing.domain.contact("ct_1")
        try:
            _do(routing, deed, contact, step)
        except TrunklineError:
            assert routing.domain.contact("ct_1") == contact
    events = [event for event, _ in routing.log if getattr(event, "contact_id", "") == "ct_1"]
    entered = [event.segment_no for event in events if isinstance(event, ContactEnqueued)]
    ended = [event.segment_no for event in events if isinstance(event, SegmentEnded)]
    assert entered == list(range(1, len(entered) + 1))
    assert ended == entered[:-1], "all but the last one, in their order"


def _do(routing, deed, contact, step):
    match deed:
        case "ready":
            routing.agent("ag_li")
        case "accept":
            routing.accept("ct_1")
        case "decline":
            routing.do(DeclineOffer(contact.agent_id, "ct_1", contact.offer_no))
        case "wait":
            routing.wait(21)
        case "stale":
            routing.do(change(step=step, segment=contact.segment_no - 1))
        case _:
            routing.do(change(step=step, segment=contact.segment_no, queue=deed))
