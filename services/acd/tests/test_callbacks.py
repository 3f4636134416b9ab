"""Call-backs (rule 13): the caller hangs up, the place stays."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_acd.domain.commands import (
    BeginCallback,
    DeclineOffer,
    LosePeer,
    PutQueue,
    ReportCallbackResult,
    RequestCallback,
    SetIntent,
    WithdrawCallback,
)
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import (
    CallbackAttempted,
    CallbackBegun,
    CallbackEnded,
    ContactConnected,
    ContactEnqueued,
    ContactOffered,
    ContactRelaxed,
    SegmentEnded,
)
from trunkline_acd.domain.words import CallbackOutcome, Intent, SegmentOutcome
from trunkline_core.routing import CallbackPolicy, Overflow, QueueLimit, RelaxationStep, SkillRequirement

MINUTE = 60
POLICY = CallbackPolicy(max_attempts=3, retry_after_duration=timedelta(minutes=10), max_open=5)


@pytest.fixture
def busy(routing: Any) -> Any:
    """One agent, who talks to ct_0, and ct_1 who has waited for 30 s."""
    routing.queue(callback=POLICY)
    routing.agent("ag_1")
    routing.enqueue("ct_0")
    routing.connect("ct_0")
    routing.enqueue("ct_1", customer="cu_1")
    routing.wait(30)
    return routing


def row_of(routing: Any) -> Any:
    return routing.rows[-1].queues[0]


def of_kind(kind: Any, events: list[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def test_segment_of_the_caller_ends_as_converted_and_a_callback_opens_beside_the_live_queue(busy):
    events = busy.call_back("ct_1")
    assert events[0] == SegmentEnded(
        "ct_1", "qu_sales", 1, SegmentOutcome.CONVERTED_TO_CALLBACK, timedelta(seconds=30), next_queue_id="qu_sales"
    )
    opened = events[1]
    assert isinstance(opened, ContactEnqueued)
    assert (opened.segment_no, opened.callback, opened.callback_begins_time) == (2, True, None)
    row = row_of(busy)
    assert (row.entered_total, row.waiting, row.converted_total) == (2, 0, 1), "it is in no figure of the live queue"
    assert (row.callbacks_open, row.callbacks_opened_total) == (1, 1)
    assert row.oldest_entered_time is None, "no live caller waits"


def test_callback_keeps_its_place_before_and_behind_live_callers(busy, offered):
    busy.enqueue("ct_2")
    busy.wait(5)
    busy.call_back("ct_1")
    assert offered(busy.end("ct_0")) == [("ct_1", "ag_1")], "older than ct_2, though asked for later"


def test_offer_says_that_it_is_a_callback_and_the_agent_comes_first(busy):
    busy.call_back("ct_1")
    (ring,) = of_kind(ContactOffered, busy.end("ct_0"))
    assert ring.callback
    (accepted,) = busy.accept("ct_1")
    assert accepted.expires_time == busy.now + timedelta(seconds=60), (
        "a telephone rings for longer than legs are joined"
    )
    assert busy.domain.agent("ag_1").work[0].callback


def test_reached_customer_ends_the_callback_as_answered_in_its_own_figures(busy):
    busy.call_back("ct_1")
    busy.end("ct_0")
    busy.accept("ct_1")
    busy.wait(20)
    (connected,) = of_kind(ContactConnected, busy.connected("ct_1", step=3))
    assert (connected.segment_no, connected.wait_duration) == (2, timedelta(seconds=20))
    row = row_of(busy)
    assert (row.answered_total, row.callbacks_reached_total, row.callbacks_open, row.connected) == (1, 1, 0, 1)


@pytest.mark.parametrize("outcome", [CallbackOutcome.NO_ANSWER, CallbackOutcome.BUSY, CallbackOutcome.FAILED])
def test_unreached_customer_is_dialled_again_after_ten_minutes_at_the_same_place(busy, offered, outcome):
    busy.call_back("ct_1")
    busy.end("ct_0")
    busy.accept("ct_1")
    (attempted,) = busy.dialled("ct_1", outcome)
    assert attempted.attempt == 1
    assert attempted.next_attempt_time == busy.now + timedelta(minutes=10)
    assert busy.domain.agent("ag_1").work == () and busy.domain.agent("ag_1").misses == 0
    busy.wait(9.8 * MINUTE)
    busy.enqueue("ct_2")
    busy.connect("ct_2")
    busy.enqueue("ct_3")
    busy.wait(MINUTE)
    assert offered(busy.end("ct_2")) == [("ct_1", "ag_1")], "in its place, before ct_3"


def test_last_attempt_ends_the_callback_with_its_outcome(busy):
    busy.call_back("ct_1")
    busy.end("ct_0")
    for step in (3, 4):
        busy.accept("ct_1")
        assert of_kind(CallbackEnded, busy.dialled("ct_1", CallbackOutcome.BUSY, step)) == []
        busy.wait(10 * MINUTE)
    busy.accept("ct_1")
    attempted, ended = busy.dialled("ct_1", CallbackOutcome.NO_ANSWER, 5)
    assert (attempted.attempt, attempted.next_attempt_time) == (3, None)
    assert (ended.outcome, ended.attempts, ended.segment_no) == (CallbackOutcome.NO_ANSWER, 3, 2)
    row = row_of(busy)
    assert (row.callbacks_open, row.callbacks_unreached_total) == (0, 1)
    assert busy.wait(3600) == []


def test_never_more_customers_are_dialled_than_agents_are_free(routing):
    routing.queue(callback=POLICY)
    for number in range(4):
        routing.enqueue(f"ct_{number}")
        routing.call_back(f"ct_{number}")
    for number in range(2):
        routing.agent(f"ag_{number}")
    rings = [contact for contact in routing.domain.contacts.values() if contact.stage is Stage.OFFERED]
    assert len(rings) == 2


def test_scheduled_callback_waits_for_its_time_and_ages_only_from_it(busy, offered):
    busy.call_back("ct_1", after=MINUTE)
    assert busy.domain.contact("ct_1").stage is Stage.SCHEDULED
    busy.enqueue("ct_2")
    assert offered(busy.end("ct_0")) == [("ct_2", "ag_1")]
    busy.connect("ct_2")
    busy.wait(0.5 * MINUTE)
    busy.enqueue("ct_3")
    begun = busy.wait(0.5 * MINUTE)
    assert of_kind(CallbackBegun, begun) == [CallbackBegun("ct_1", 2)]
    assert offered(busy.end("ct_2")) == [("ct_3", "ag_1")], "ct_3 came before the time of the call-back"


def test_free_agent_gets_a_scheduled_callback_at_its_time_at_once(routing, offered):
    routing.queue(callback=POLICY)
    routing.enqueue("ct_1")
    routing.call_back("ct_1", after=MINUTE)
    routing.agent("ag_1")
    assert offered(routing.wait(MINUTE - 1)) == []
    assert offered(routing.wait(1)) == [("ct_1", "ag_1")]


def test_declined_offer_of_a_callback_goes_elsewhere_and_counts_no_attempt(busy, offered):
    busy.call_back("ct_1")
    busy.end("ct_0")
    busy.agent("ag_2")
    assert offered(busy.do(DeclineOffer("ag_1", "ct_1", 1))) == [("ct_1", "ag_2")]
    assert busy.domain.contact("ct_1").callback.attempts == 0


def test_nobody_says_in_time_what_became_of_it_then_it_is_a_failed_attempt_and_nobodys_miss(busy):
    busy.call_back("ct_1")
    busy.end("ct_0")
    busy.accept("ct_1")
    busy.cleared("ct_1")
    (attempted,) = of_kind(CallbackAttempted, busy.wait(61))
    assert (attempted.outcome, attempted.step_no) == (CallbackOutcome.FAILED, 0)
    assert busy.domain.agent("ag_1").misses == 0


def test_agent_whose_desk_is_gone_while_the_customer_is_dialled_spent_an_attempt(busy, offered):
    busy.call_back("ct_1")
    busy.end("ct_0")
    busy.accept("ct_1")
    busy.cleared("ct_1")
    busy.agent("ag_2")
    busy.do(LosePeer("pe_1", ("ag_1",)))
    (attempted,) = of_kind(CallbackAttempted, busy.wait(40))
    assert (attempted.outcome, attempted.agent_id) == (CallbackOutcome.FAILED, "ag_1")
    assert busy.domain.agent("ag_1").work == ()


def test_call_back_for_later_asks_for_its_skills_still_when_those_who_have_them_were_gone_overnight(routing):
    """Rule 7 skips a ring that nobody could serve: that is looked at when it is its turn, not while it rests."""
    dropped = RelaxationStep(timedelta(seconds=20), (), ("spanish",))
    routing.queue(callback=POLICY, requirements=(SkillRequirement("spanish", 1),), relaxation=(dropped,))
    routing.agent("ag_spanish", ("spanish", 3))
    routing.agent("ag_other")
    routing.enqueue("ct_0")
    routing.connect("ct_0")
    routing.enqueue("ct_1", customer="cu_1")
    routing.call_back("ct_1", after=3600)
    routing.end("ct_0")
    for intent in (Intent.OFFLINE, Intent.AVAILABLE):
        routing.do(SetIntent("ag_spanish", intent, ""), actor="agent:ag_spanish")
        routing.wait(60)
    routing.enqueue("ct_2")
    assert routing.connect("ct_2") == "ag_spanish"
    routing.wait(3600 - 120)
    assert routing.domain.contact("ct_1").stage is Stage.WAITING, "for who speaks Spanish and is busy"
    routing.end("ct_2")
    assert routing.domain.contact("ct_1").agent_id == "ag_spanish"


def test_late_report_about_an_earlier_offer_changes_nothing(busy):
    busy.call_back("ct_1")
    busy.end("ct_0")
    busy.accept("ct_1")
    busy.dialled("ct_1", CallbackOutcome.BUSY)
    busy.wait(10 * MINUTE)
    busy.accept("ct_1")
    assert busy.do(ReportCallbackResult("ct_1", 4, 2, 1, CallbackOutcome.BUSY)) == []
    assert busy.do(ReportCallbackResult("ct_1", 3, 2, 1, CallbackOutcome.BUSY)) == [], "a repeated step"
    assert busy.domain.contact("ct_1").stage is Stage.CONNECTING


def test_dialler_withdraws_what_must_not_be_dialled(busy):
    busy.call_back("ct_1")
    busy.end("ct_0")
    busy.accept("ct_1")
    attempted, ended = busy.dialled("ct_1", CallbackOutcome.WITHDRAWN, reason="do_not_call")
    assert attempted.next_attempt_time is None
    assert (ended.outcome, ended.reason) == (CallbackOutcome.WITHDRAWN, "do_not_call")


@pytest.mark.parametrize("stage", ["WAITING", "SCHEDULED", "OFFERED", "CONNECTING"])
def test_supervisor_withdraws_an_open_callback_in_any_stage_and_the_agent_is_free_again(busy, stage):
    busy.call_back("ct_1", after=MINUTE if stage == "SCHEDULED" else None)
    if stage in ("OFFERED", "CONNECTING"):
        busy.end("ct_0")
    if stage == "CONNECTING":
        busy.accept("ct_1")
    assert busy.domain.contact("ct_1").stage.name == stage
    events = busy.do(WithdrawCallback("ct_1", "not_needed"), actor="supervisor:us_1")
    assert events[-1].outcome is CallbackOutcome.WITHDRAWN
    assert events[-1].reason == "not_needed"
    assert busy.do(WithdrawCallback("ct_1", "not_needed")) == [], "it is over"
    assert busy.domain.queue("qu_sales").callbacks_open == 0
    if stage in ("OFFERED", "CONNECTING"):
        assert busy.domain.agent("ag_1").work == ()


def test_only_an_open_callback_is_withdrawn(busy):
    assert busy.refusal(WithdrawCallback("ct_1", "")) == "Rejection: NoCallback"
    busy.call_back("ct_1")
    busy.end("ct_0")
    busy.accept("ct_1")
    busy.connected("ct_1", step=3)
    assert busy.refusal(WithdrawCallback("ct_1", "")) == "Rejection: CallbackAlreadyReached"


def test_end_of_the_contact_withdraws_its_callback(busy, kinds_of):
    busy.call_back("ct_1")
    assert kinds_of(busy.end("ct_1", "system", step=3)) == ["CallbackEnded", "ContactForgotten"]


def test_queue_without_the_policy_calls_nobody_back(routing):
    routing.queue()
    routing.enqueue("ct_1")
    assert routing.refusal(RequestCallback("ct_1", 2, "cu_1")) == "Rejection: CallbackNotOffered"


def test_chat_is_not_called_back(routing):
    routing.queue(callback=POLICY)
    routing.enqueue("ct_1", channel=Channel.CHAT)
    assert routing.refusal(RequestCallback("ct_1", 2, "cu_1")) == "Rejection: CallbackNotOffered"


def test_what_rings_already_is_not_converted(routing):
    routing.queue(callback=POLICY)
    routing.agent("ag_1")
    routing.enqueue("ct_1")
    assert routing.refusal(RequestCallback("ct_1", 2, "")) == "Rejection: ContactNotWaiting"


def test_customer_has_one_open_callback_in_all_queues_and_may_wait_again_meanwhile(busy):
    busy.queue("qu_help", callback=POLICY)
    busy.queue(callback=POLICY, max_per_customer=1)
    busy.call_back("ct_1")
    busy.enqueue("ct_3", customer="cu_1")
    busy.enqueue("ct_2", "qu_help", customer="cu_1")
    assert busy.refusal(RequestCallback("ct_2", 2, "")) == "Rejection: CallbackAlreadyOpen"
    busy.do(WithdrawCallback("ct_1", ""))
    busy.call_back("ct_2")


@pytest.mark.parametrize(("first", "second"), [("", ""), ("cu_1", ""), ("", "cu_1")])
def test_address_stands_for_the_customer_while_crm_has_not_told_whose_it_is(routing, first, second):
    routing.queue(callback=POLICY)
    routing.enqueue("ct_tok_1", customer=first)
    routing.enqueue("ct_tok_2", customer=second)
    routing.enqueue("ct_other_3")
    routing.call_back("ct_tok_1")
    assert routing.refusal(RequestCallback("ct_tok_2", 2, "")) == "Rejection: CallbackAlreadyOpen"
    routing.call_back("ct_other_3")
    routing.do(WithdrawCallback("ct_tok_1", ""))
    routing.call_back("ct_tok_2")


def test_address_of_an_erased_customer_is_another_ones(routing):
    routing.queue(callback=POLICY)
    routing.enqueue("ct_tok_1", customer="cu_erased")
    routing.enqueue("ct_tok_2", customer="cu_new")
    routing.call_back("ct_tok_1")
    routing.call_back("ct_tok_2")


def test_open_callbacks_of_a_queue_are_bounded(routing):
    routing.queue(callback=CallbackPolicy(3, timedelta(minutes=10), max_open=2))
    for number in range(3):
        routing.enqueue(f"ct_{number}", customer=f"cu_{number}")
    routing.call_back("ct_0")
    routing.call_back("ct_1", after=MINUTE)
    assert routing.refusal(RequestCallback("ct_2", 2, "")) == "Rejection: TooManyCallbacks"


def test_repeated_step_changes_nothing_and_a_second_wish_is_refused(busy):
    busy.call_back("ct_1")
    assert busy.call_back("ct_1") == []
    assert busy.refusal(RequestCallback("ct_1", 3, "cu_1")) == "Rejection: CallbackAlreadyOpen"


def test_callback_does_not_flow_out_nor_reach_a_limit(routing):
    routing.queue("qu_last")
    routing.queue(
        callback=POLICY,
        longest_wait=QueueLimit(timedelta(seconds=20), "qu_last"),
        unstaffed=QueueLimit(timedelta(seconds=20), "qu_last"),
        overflow=Overflow("qu_last", timedelta(seconds=20), timedelta(seconds=20)),
    )
    routing.enqueue("ct_1")
    routing.call_back("ct_1")
    routing.wait(3600)
    assert routing.domain.contact("ct_1").queue_id == "qu_sales"
    routing.agent("ag_1")
    routing.do(DeclineOffer("ag_1", "ct_1", 1))
    assert routing.domain.contact("ct_1").stage is Stage.WAITING


def test_callback_goes_on_with_the_rings_of_its_wait(routing, offered):
    routing.queue(callback=POLICY, relaxation=(RelaxationStep(timedelta(seconds=40), (), ("a",)),))
    routing.agent("ag_1", ("a", 1), ready=False)
    routing.agent("ag_2")
    routing.agent("ag_3", ("a", 1))
    routing.enqueue("ct_0", "qu_sales", ("a", 1))
    routing.enqueue("ct_1", "qu_sales", ("a", 1))
    routing.wait(15)
    routing.accept("ct_0")
    routing.connected("ct_0")
    routing.call_back("ct_1")
    routing.wait(24)
    assert routing.domain.contact("ct_1").ring == 0
    events = routing.wait(1)
    assert of_kind(ContactRelaxed, events) == [ContactRelaxed("ct_1", 2, 1)], "40 s after the caller came"
    assert offered(events) == [("ct_1", "ag_2")]


def test_redefined_queue_ranks_callbacks_anew_and_one_without_the_policy_ends_them_after_the_attempt(busy):
    busy.call_back("ct_1")
    busy.queue(value_weight_permille=5000)
    busy.end("ct_0")
    busy.accept("ct_1")
    assert [type(event) for event in busy.dialled("ct_1", CallbackOutcome.BUSY)] == [CallbackAttempted, CallbackEnded]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"max_attempts": 0}, "queue.callback.max_attempts"),
        ({"max_attempts": 11}, "queue.callback.max_attempts"),
        ({"retry_after_duration": timedelta(0)}, "queue.callback.retry_after_duration"),
        ({"retry_after_duration": timedelta(days=8)}, "queue.callback.retry_after_duration"),
        ({"max_open": 0}, "queue.callback.max_open"),
    ],
)
def test_bad_policy_is_refused_with_the_fields_name(routing, changes, field):
    values = {"max_attempts": 3, "retry_after_duration": timedelta(minutes=10), "max_open": 5} | changes
    definition = routing.queue()
    bad = PutQueue(type(definition)(**{**fields_of(definition), "callback": CallbackPolicy(**values)}))
    assert field in routing.refusal(bad)


def fields_of(definition: Any) -> dict[str, Any]:
    return {name: getattr(definition, name) for name in type(definition).__dataclass_fields__}


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (RequestCallback("ct_1", 2, "a/b"), "customer_id"),
        (ReportCallbackResult("ct_1", 2, 1, 1, CallbackOutcome.REACHED), "outcome"),
        (ReportCallbackResult("ct_1", 2, 1, 1, CallbackOutcome.WITHDRAWN, "Free text."), "reason"),
        (WithdrawCallback("ct_1", "Free text."), "reason"),
    ],
)
def test_bad_input_is_refused_with_the_fields_name(busy, command, field):
    assert busy.refusal(command).startswith(f"Invalid: {field}")


def test_time_that_is_too_far_away_is_refused(busy):
    late = RequestCallback("ct_1", 2, "", busy.now + timedelta(days=8))
    assert busy.refusal(late).startswith("Invalid: not_before_time")


def test_timers_command_from_anybody_does_nothing_before_its_time(busy):
    busy.call_back("ct_1", after=MINUTE)
    assert busy.do(BeginCallback("ct_1")) == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), min_size=1, max_size=8), st.integers(0, 3))
def test_place_is_kept_by_whoever_is_called_back_however_often_in_vain(new_routing, arrivals, attempts):
    """Callers who hung on need a skill that only ag_last has; ag_first dials the others in vain before."""
    routing = new_routing()
    routing.queue(callback=CallbackPolicy(5, timedelta(seconds=30), 10), voice_lease_duration=timedelta(hours=1))
    for number, (pause, is_called_back) in enumerate(arrivals):
        routing.wait(pause + 1)
        routing.enqueue(f"ct_{number}", "qu_sales", *(() if is_called_back else (("a", 1),)))
    for number in reversed([number for number, (_, is_called_back) in enumerate(arrivals) if is_called_back]):
        routing.call_back(f"ct_{number}")
    for step in range(3, 3 + attempts):
        routing.agent("ag_first")
        while ringing := rings_in(routing):
            routing.accept(ringing)
            routing.dialled(ringing, CallbackOutcome.BUSY, step)
        routing.do(SetIntent("ag_first", Intent.OFFLINE, ""))
        routing.wait(31)
    served = []
    routing.agent("ag_last", ("a", 1))
    while ringing := rings_in(routing):
        served.append(ringing)
        routing.accept(ringing)
        routing.connected(ringing, step=20)
        routing.end(ringing, step=21)
    assert served == [f"ct_{number}" for number in range(len(arrivals))]


def rings_in(routing: Any) -> str:
    ringing = [contact.contact_id for contact in routing.domain.contacts.values() if contact.stage is Stage.OFFERED]
    return ringing[0] if ringing else ""
