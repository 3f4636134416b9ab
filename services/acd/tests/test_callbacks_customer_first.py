"""Call-backs with the customer first, and what channels finds out before it has one dialled (rule 13)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from trunkline_acd.bootstrap import ledger_service
from trunkline_acd.domain.commands import (
    ClearCallback,
    DeclineOffer,
    LosePeer,
    PostponeCallback,
    PullContact,
    PutQueue,
    ReportCallbackReached,
    ReportCallbackResult,
    ReportConnected,
    ReportConnectFailed,
    SetIntent,
    WithdrawCallback,
)
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.events import (
    CallbackAttempted,
    CallbackCleared,
    CallbackDialled,
    CallbackEnded,
    CallbackPostponed,
    CallbackReached,
    ContactConnected,
    ContactEnqueued,
    ContactOffered,
    IntentChanged,
    LimitPassed,
    OfferAccepted,
)
from trunkline_acd.domain.offer_history import OfferHistory
from trunkline_acd.domain.words import CallbackOutcome, Intent, LimitKind, OfferEndReason, WorkState
from trunkline_core.routing import CallbackMode, CallbackPolicy, Channel, ChannelUse, QueueLimit
from trunkline_testkit.contracts.snapshots import check_snapshot

MINUTE = 60
POLICY = CallbackPolicy(3, timedelta(minutes=10), 5, CallbackMode.CUSTOMER_FIRST, "ho_shop")


@pytest.fixture
def waiting(routing: Any) -> Any:
    """ct_1, a call-back of a queue that dials the customer first, and nobody signed in."""
    routing.queue(callback=POLICY)
    routing.enqueue("ct_1", customer="cu_1")
    routing.call_back("ct_1")
    return routing


@pytest.fixture
def dialling(waiting: Any) -> Any:
    """ag_1 became free and is kept, and the customer is being dialled."""
    waiting.agent("ag_1")
    waiting.cleared("ct_1", customer="cu_1")
    return waiting


def of_kind(kind: Any, events: list[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def dialled_in(routing: Any) -> list[str]:
    return [contact.contact_id for contact in routing.domain.contacts.values() if contact.is_kept]


# -- customer first ------------------------------------------------------------------------------------


def test_agent_who_becomes_free_is_kept_while_the_customer_is_dialled_and_nothing_rings(waiting, offered):
    waiting.agent("ag_1", ready=False)
    waiting.queue(callback=POLICY)
    events = waiting.agent("ag_1") and [event for event, _ in waiting.log[-3:]]
    (dialled,) = of_kind(CallbackDialled, events)
    assert (dialled.contact_id, dialled.agent_id, dialled.offer_no, dialled.hours_id) == ("ct_1", "ag_1", 1, "ho_shop")
    assert dialled.expires_time == waiting.now + timedelta(seconds=60)
    assert dialled.explanation.candidates[0].agent_id == "ag_1"
    (work,) = waiting.domain.agent("ag_1").work
    assert (work.state, work.callback, work.callback_reached) == (WorkState.CONNECTING, True, False)
    assert offered(events) == []


def test_never_more_customers_are_dialled_than_agents_are_free(routing):
    routing.queue(callback=POLICY)
    for number in range(4):
        routing.enqueue(f"ct_{number}", customer=f"cu_{number}")
        routing.call_back(f"ct_{number}")
    routing.agent("ag_1")
    routing.agent("ag_2")
    assert dialled_in(routing) == ["ct_0", "ct_1"]
    routing.dialled("ct_0", CallbackOutcome.NO_ANSWER)
    assert dialled_in(routing) == ["ct_1", "ct_2"], "each agent who is free again has the next"


def test_live_caller_with_a_higher_score_goes_before_the_dialling(waiting, offered):
    waiting.enqueue("ct_2", value=1000)
    waiting.agent("ag_1")
    assert waiting.domain.contact("ct_2").stage is Stage.OFFERED
    assert dialled_in(waiting) == []


def test_reached_customer_rings_at_the_agent_who_was_kept_as_an_ordinary_offer(dialling):
    dialling.wait(10)
    events = dialling.reached("ct_1")
    assert events[0] == CallbackReached("ct_1", 4, "qu_sales", 2, 1, "ag_1")
    (ring,) = of_kind(ContactOffered, events)
    assert (ring.agent_id, ring.offer_no, ring.callback, ring.callback_reached) == ("ag_1", 2, True, True)
    assert ring.expires_time == dialling.now + timedelta(seconds=20)
    assert ring.explanation.trigger == "CallbackReached"
    (accepted,) = of_kind(OfferAccepted, dialling.accept("ct_1"))
    assert accepted.expires_time == dialling.now + timedelta(seconds=5), "nobody is dialled any more"
    assert accepted.hours_id == ""
    (connected,) = of_kind(ContactConnected, dialling.connected("ct_1", step=5))
    assert connected.wait_duration == timedelta(seconds=10)
    assert dialling.rows[-1].queues[0].callbacks_reached_total == 1


def test_agent_is_free_at_once_where_the_customer_is_not_reached_and_it_is_nobodys_miss(dialling, offered):
    dialling.enqueue("ct_2")
    events = dialling.dialled("ct_1", CallbackOutcome.BUSY, step=4)
    (attempted,) = of_kind(CallbackAttempted, events)
    assert (attempted.attempt, attempted.next_attempt_time) == (1, dialling.now + timedelta(minutes=10))
    assert offered(events) == [("ct_2", "ag_1")]
    assert dialling.domain.agent("ag_1").misses == 0
    dialling.connect("ct_2")
    dialling.wait(9 * MINUTE)
    dialling.enqueue("ct_3")
    dialling.wait(MINUTE)
    dialling.end("ct_2")
    assert dialled_in(dialling) == ["ct_1"], "in its place, before ct_3"


def test_nobody_says_in_time_what_became_of_it_then_it_is_a_failed_attempt(dialling):
    (attempted,) = of_kind(CallbackAttempted, dialling.wait(60))
    assert (attempted.outcome, attempted.attempt) == (CallbackOutcome.FAILED, 1)
    assert dialling.domain.agent("ag_1").work == ()


def test_agent_who_is_lost_before_the_customer_may_be_dialled_is_followed_by_the_next_try_a_minute_later(about_to_dial):
    about_to_dial.do(LosePeer("pe_1", ("ag_1",)))
    (postponed,) = of_kind(CallbackPostponed, about_to_dial.wait(30))
    assert postponed.next_attempt_time == about_to_dial.now + timedelta(seconds=60), "nobody was dialled yet"


def test_agent_who_is_lost_costs_no_attempt_and_who_picks_up_all_the_same_goes_before_all_others(dialling, offered):
    dialling.enqueue("ct_2", value=1000, urgency=1000)
    dialling.do(LosePeer("pe_1", ("ag_1",)))
    (postponed,) = of_kind(CallbackPostponed, dialling.wait(30))
    assert (postponed.reason, postponed.agent_id) == ("agent_lost", "ag_1")
    assert postponed.next_attempt_time == dialling.now + timedelta(minutes=10), "whom it rang at once is left in peace"
    assert dialling.domain.contact("ct_1").callback.attempts == 0
    assert dialling.reached("ct_1") == [CallbackReached("ct_1", 4, "qu_sales", 2, 1, "")]
    dialling.agent("ag_2")
    assert dialling.domain.contact("ct_1").agent_id == "ag_2", "before a caller with the highest value and urgency"
    assert dialling.domain.contact("ct_2").stage is Stage.WAITING


def test_agent_who_took_a_break_meanwhile_does_not_get_the_customer_and_the_next_free_one_does(dialling, offered):
    dialling.agent("ag_2")
    dialling.do(SetIntent("ag_1", Intent.BREAK, ""), actor="agent:ag_1")
    events = dialling.reached("ct_1")
    assert offered(events) == [("ct_1", "ag_2")]
    assert dialling.domain.agent("ag_1").work == ()


def test_agent_who_wants_a_break_afterwards_still_gets_the_customer_for_whom_the_agent_was_kept(dialling, offered):
    dialling.do(SetIntent("ag_1", Intent.BREAK, "", when_free=True), actor="agent:ag_1")
    assert offered(dialling.reached("ct_1")) == [("ct_1", "ag_1")]
    dialling.accept("ct_1")
    dialling.connected("ct_1", step=5)
    assert IntentChanged("ag_1", Intent.BREAK, "") in dialling.end("ct_1", "agent_ended")


def test_kept_agent_who_takes_no_calls_any_more_does_not_get_the_customer_and_the_next_free_one_does(dialling, offered):
    dialling.agent("ag_1", ready=False, units=1, channels=(ChannelUse(Channel.CHAT, 1),))
    assert offered(dialling.reached("ct_1")) == []
    dialling.agent("ag_2")
    assert dialling.domain.contact("ct_1").agent_id == "ag_2"


def test_reached_customer_whom_the_kept_agent_declines_rings_at_the_next_and_is_dialled_no_more(dialling, offered):
    dialling.agent("ag_2")
    dialling.reached("ct_1")
    events = dialling.do(DeclineOffer("ag_1", "ct_1", 2), actor="agent:ag_1")
    assert offered(events) == [("ct_1", "ag_2")]
    assert of_kind(CallbackDialled, events) == []


def test_reached_customer_is_not_kept_back_for_vip_contacts(routing):
    routing.queue(callback=POLICY, vip_min_value_permille=500, vip_reserved_agents=1)
    routing.enqueue("ct_1", customer="cu_1")
    routing.call_back("ct_1")
    routing.agent("ag_1")
    assert dialled_in(routing) == [], "the only free agent is kept back"
    routing.agent("ag_2")
    assert dialled_in(routing) == ["ct_1"]
    routing.do(SetIntent(routing.domain.contact("ct_1").agent_id, Intent.OFFLINE, ""))
    routing.reached("ct_1")
    assert routing.domain.contact("ct_1").stage is Stage.OFFERED, "the customer is on the line"


def test_reached_customer_who_waits_stands_in_snapshots_whatever_the_target_of_the_queue(routing):
    """A place before all others is a number of 64 bits."""
    routing.queue(callback=POLICY, target_wait_duration=timedelta(days=7))
    routing.enqueue("ct_1", customer="cu_1")
    routing.call_back("ct_1")
    routing.agent("ag_1")
    routing.cleared("ct_1", customer="cu_1")
    routing.do(SetIntent("ag_1", Intent.BREAK, ""), actor="agent:ag_1")
    routing.reached("ct_1")
    routing.enqueue("ct_2", value=1000, urgency=1000)
    check_snapshot(ledger_service(), routing.log, len(routing.log))
    routing.agent("ag_2")
    assert routing.domain.contact("ct_1").agent_id == "ag_2"


def test_joining_that_fails_brings_a_reached_customer_back_in_front(dialling):
    dialling.reached("ct_1")
    dialling.accept("ct_1")
    dialling.do(ReportConnectFailed("ct_1", 5, 2, 2, "failed"))
    assert dialling.domain.contact("ct_1").stage is Stage.WAITING
    dialling.enqueue("ct_2", value=1000, urgency=1000)
    dialling.agent("ag_2")
    assert dialling.domain.contact("ct_1").agent_id == "ag_2"


def test_reached_customer_who_hangs_up_before_an_agent_is_there_is_a_call_back_of_its_own_outcome(dialling):
    dialling.reached("ct_1")
    (ended,) = of_kind(CallbackEnded, dialling.end("ct_1", "customer_left"))
    assert ended.outcome is CallbackOutcome.ABANDONED
    assert dialling.domain.queue("qu_sales").callbacks_unreached_total == 1
    assert dialling.domain.agent("ag_1").work == ()


# -- limits of the queue hold for who is on the line (rule 16) -----------------------------------------


@pytest.fixture
def lonely(routing: Any) -> Any:
    """ct_1 is being dialled, and nobody else is signed in beside who is kept; the queue bears that for 20 s."""
    routing.queue("qu_next")
    routing.queue(
        callback=POLICY,
        longest_wait=QueueLimit(timedelta(minutes=5), "qu_next"),
        unstaffed=QueueLimit(timedelta(seconds=20), "qu_next"),
    )
    routing.agent("ag_1")
    routing.enqueue("ct_0")
    routing.connect("ct_0")
    routing.enqueue("ct_1", customer="cu_1")
    routing.call_back("ct_1")
    routing.wait(30 * MINUTE)
    routing.end("ct_0")
    routing.cleared("ct_1", customer="cu_1")
    return routing


def left(events: list[Any]) -> list[Any]:
    ends = of_kind(CallbackEnded, events)
    return [(end.contact_id, end.outcome, end.limit, end.next_queue_id) for end in ends]


def test_reached_customer_leaves_when_nobody_is_signed_in_for_as_long_as_the_queue_bears_it(lonely):
    lonely.queue(callback=POLICY, unstaffed=QueueLimit(timedelta(seconds=20), ""))
    lonely.do(SetIntent("ag_1", Intent.OFFLINE, ""))
    lonely.wait(5)
    assert left(lonely.reached("ct_1")) == []
    assert left(lonely.wait(14)) == []
    assert left(lonely.wait(1)) == [("ct_1", CallbackOutcome.LIMIT_REACHED, LimitKind.UNSTAFFED, "")]
    contact = lonely.domain.contact("ct_1")
    assert contact.stage is Stage.ENDED
    row = lonely.rows[-1].queues[0]
    assert (row.callbacks_open, row.callbacks_unreached_total, row.limit_reached_total) == (0, 1, 0)


def test_customer_who_is_reached_when_nobody_is_signed_in_any_more_goes_on_as_a_caller_in_the_next_queue(lonely):
    lonely.agent("ag_2")
    lonely.enqueue("ct_2", "qu_next")
    lonely.connect("ct_2")
    lonely.do(SetIntent("ag_1", Intent.OFFLINE, ""))
    lonely.do(SetIntent("ag_2", Intent.OFFLINE, ""))
    lonely.wait(25)
    events = lonely.reached("ct_1")
    assert left(events) == [("ct_1", CallbackOutcome.LIMIT_REACHED, LimitKind.UNSTAFFED, "qu_next")]
    (entered,) = of_kind(ContactEnqueued, events)
    assert (entered.queue_id, entered.segment_no, entered.callback) == ("qu_next", 3, False)
    assert lonely.domain.contact("ct_1").callback is None
    lonely.agent("ag_3")
    assert lonely.domain.contact("ct_1").agent_id == "ag_3"


def test_longest_wait_of_a_reached_customer_runs_from_then_on(lonely):
    lonely.do(SetIntent("ag_1", Intent.BREAK, ""), actor="agent:ag_1")
    lonely.reached("ct_1")
    assert left(lonely.wait(5 * MINUTE - 1)) == [], "it had been promised half an hour ago"
    assert left(lonely.wait(1)) == [("ct_1", CallbackOutcome.LIMIT_REACHED, LimitKind.LONGEST_WAIT, "qu_next")]


def test_reached_customer_who_rings_at_the_longest_wait_may_finish_and_leaves_when_that_comes_to_nothing(lonely):
    lonely.queue(callback=POLICY, longest_wait=QueueLimit(timedelta(seconds=10), ""))
    lonely.reached("ct_1")
    assert lonely.wait(10) == [LimitPassed("ct_1", 2)]
    events = lonely.do(DeclineOffer("ag_1", "ct_1", 2), actor="agent:ag_1")
    assert left(events) == [("ct_1", CallbackOutcome.LIMIT_REACHED, LimitKind.LONGEST_WAIT, "")]


def test_many_reached_customers_leave_a_bounded_number_at_a_time(routing):
    routing.queue(callback=replace(POLICY, max_open=20), unstaffed=QueueLimit(timedelta(seconds=20), ""))
    contacts = [f"ct_{number}" for number in range(10)]
    for contact_id in contacts:
        routing.enqueue(contact_id)
        routing.call_back(contact_id)
    for contact_id in contacts:
        routing.agent(f"ag_{contact_id}")
        routing.cleared(contact_id)
    for contact_id in contacts:
        routing.do(SetIntent(f"ag_{contact_id}", Intent.OFFLINE, ""))
        routing.reached(contact_id)
    assert [contact_id for contact_id, *_ in left(routing.wait(20))] == contacts[:4]
    assert [contact_id for contact_id, *_ in left(routing.wait(1))] == contacts[4:]


def test_reached_customer_is_not_withdrawn_nor_reported_as_unreached(dialling):
    dialling.reached("ct_1")
    assert dialling.refusal(WithdrawCallback("ct_1", "")) == "Rejection: CallbackAlreadyReached"
    dialling.accept("ct_1")
    late = ReportCallbackResult("ct_1", 5, 2, 2, CallbackOutcome.BUSY)
    assert dialling.refusal(late) == "Rejection: OfferNotLive"
    again = ReportCallbackReached("ct_1", 5, 2, 1)
    assert dialling.refusal(again) == "Rejection: CallbackAlreadyReached"


def test_kept_agent_is_not_connected_without_having_accepted(dialling):
    assert dialling.refusal(ReportConnected("ct_1", 4, 2, 1)) == "Rejection: OfferNotLive"
    (attempted,) = of_kind(CallbackAttempted, dialling.do(ReportConnectFailed("ct_1", 4, 2, 1, "failed")))
    assert attempted.outcome is CallbackOutcome.FAILED


def test_supervisor_pulls_a_call_back_to_an_agent_then_its_customer_is_dialled(routing):
    routing.queue(callback=POLICY, vip_min_value_permille=500, vip_reserved_agents=1)
    routing.enqueue("ct_1", customer="cu_1")
    routing.call_back("ct_1")
    routing.agent("ag_1")
    assert dialled_in(routing) == [], "the only free agent is kept back"
    pull = PullContact("ct_1", "ag_1", "waits_too_long")
    assert [event.agent_id for event in of_kind(CallbackDialled, routing.do(pull, actor="supervisor:us_1"))] == ["ag_1"]


def test_withdrawn_call_back_frees_the_kept_agent(dialling, offered):
    dialling.enqueue("ct_2")
    events = dialling.do(WithdrawCallback("ct_1", "not_needed"), actor="supervisor:us_1")
    assert offered(events) == [("ct_2", "ag_1")]


def test_customer_who_was_reached_while_a_new_policy_has_it_ring_first_is_not_left_alone(dialling, offered):
    dialling.do(LosePeer("pe_1", ("ag_1",)))
    dialling.wait(30)
    dialling.queue(callback=CallbackPolicy(3, timedelta(minutes=10), 5))
    dialling.wait(600)
    dialling.agent("ag_2")
    assert dialling.domain.contact("ct_1").stage is Stage.OFFERED
    events = dialling.do(ReportCallbackReached("ct_1", 4, 2, 1))
    assert events[0].reason is OfferEndReason.SUPERSEDED
    assert offered(events) == [("ct_1", "ag_2")]


def test_only_what_was_dialled_is_reached(waiting):
    assert waiting.refusal(ReportCallbackReached("ct_1", 4, 2, 1)) == "Rejection: OfferNotLive"
    waiting.agent("ag_1")
    assert waiting.refusal(ReportCallbackReached("ct_1", 4, 1, 1)) == "Rejection: OfferNotLive"
    assert waiting.refusal(ReportCallbackReached("ct_1", 4, 2, 2)) == "Rejection: OfferNotLive"


def test_history_tells_what_became_of_who_was_kept(dialling):
    dialling.reached("ct_1")
    history = OfferHistory()
    for event, context in dialling.log:
        history.note(context.tenant, event, context.now)
    outcomes = [offer.outcome.name for offer in history.offers("tn_demo", "ct_1")]
    assert outcomes == ["REACHED", "RINGING"]


# -- before it is dialled, in either mode ------------------------------------------------------------------


@pytest.fixture(params=[CallbackMode.AGENT_FIRST, CallbackMode.CUSTOMER_FIRST], ids=["agent first", "customer first"])
def about_to_dial(routing: Any, request: Any) -> Any:
    """ag_1 accepted, or is kept for, ct_1, of which acd does not know the customer."""
    routing.queue(callback=CallbackPolicy(3, timedelta(minutes=10), 5, request.param, "ho_shop"))
    routing.enqueue("ct_1")
    routing.call_back("ct_1")
    routing.agent("ag_1")
    if request.param is CallbackMode.AGENT_FIRST:
        (accepted,) = of_kind(OfferAccepted, routing.accept("ct_1"))
        assert accepted.hours_id == "ho_shop", "whoever dials is told the hours"
    return routing


def test_dialling_begins_once_it_is_cleared_and_then_has_its_time(about_to_dial):
    about_to_dial.wait(40)
    (cleared,) = about_to_dial.cleared("ct_1", customer="cu_1")
    assert cleared == CallbackCleared("ct_1", 3, 2, 1, "ag_1", "cu_1", about_to_dial.now + timedelta(seconds=60))
    assert about_to_dial.domain.agent("ag_1").work[0].expires_time == cleared.expires_time
    assert about_to_dial.wait(59) == []
    assert of_kind(CallbackAttempted, about_to_dial.wait(1))


def test_call_back_that_nobody_clears_in_time_was_not_dialled_and_costs_no_attempt(about_to_dial):
    """channels is away, as often as a queue dials: the customer would never have been called."""
    for _ in range(3):
        (postponed, *_) = about_to_dial.wait(60)
        assert (postponed.reason, postponed.agent_id) == ("not_cleared", "ag_1")
        assert postponed.next_attempt_time == about_to_dial.now + timedelta(seconds=60)
        about_to_dial.wait(60)
        if about_to_dial.domain.contact("ct_1").stage is Stage.OFFERED:
            about_to_dial.accept("ct_1")
    about_to_dial.cleared("ct_1", step=4)
    (attempted,) = of_kind(CallbackAttempted, about_to_dial.wait(60))
    assert attempted.attempt == 1


def test_customer_who_has_another_open_call_back_is_not_dialled(about_to_dial, offered):
    about_to_dial.enqueue("ct_2", customer="cu_1")
    about_to_dial.call_back("ct_2")
    postponed, ended, *_ = about_to_dial.cleared("ct_1", customer="cu_1")
    assert (postponed.reason, postponed.next_attempt_time) == ("already_open", None)
    assert (ended.outcome, ended.reason, ended.attempts) == (CallbackOutcome.WITHDRAWN, "already_open", 0)
    assert about_to_dial.domain.contact("ct_2").agent_id == "ag_1", "who is free again has the other one"


@pytest.mark.parametrize("mode", [CallbackMode.AGENT_FIRST, CallbackMode.CUSTOMER_FIRST])
def test_second_call_back_of_an_address_is_not_dialled_while_the_first_is_open_and_nobody_knows_whose_they_are(
    routing, mode
):
    """A ledger may have two: v0.1.0 took both where crm was away when they came."""
    routing.queue(callback=replace(POLICY, mode=mode))
    routing.enqueue("ct_tok_1")
    routing.enqueue("ct_tok_2")
    for event in routing.call_back("ct_tok_1"):
        routing.decider.evolve(routing.state, replace(event, contact_id="ct_tok_2"), routing.context())
    routing.agent("ag_1")
    if mode is not CallbackMode.CUSTOMER_FIRST:
        routing.accept("ct_tok_1")
    postponed, ended, *_ = routing.cleared("ct_tok_1")
    assert (postponed.reason, ended.outcome) == ("already_open", CallbackOutcome.WITHDRAWN)
    if mode is not CallbackMode.CUSTOMER_FIRST:
        routing.accept("ct_tok_2")
    assert of_kind(CallbackCleared, routing.cleared("ct_tok_2")), "the only one that is left"


def test_closed_hours_let_the_call_back_rest_without_an_attempt_and_the_agent_is_free(about_to_dial, offered):
    about_to_dial.enqueue("ct_2")
    opens = about_to_dial.now + timedelta(hours=14)
    events = about_to_dial.do(PostponeCallback("ct_1", 3, 2, 1, "closed", opens))
    assert events[0] == CallbackPostponed("ct_1", 3, "qu_sales", 2, 1, "ag_1", "closed", opens)
    assert offered(events) == [("ct_2", "ag_1")]
    contact = about_to_dial.domain.contact("ct_1")
    assert (contact.stage, contact.callback.attempts) == (Stage.SCHEDULED, 0)
    about_to_dial.accept("ct_2")
    about_to_dial.connected("ct_2")
    about_to_dial.wait(14 * 3600)
    about_to_dial.end("ct_2")
    assert about_to_dial.domain.contact("ct_1").agent_id == "ag_1", "at its place, at the opening"


def test_call_back_that_is_put_off_until_a_time_that_is_past_rests_a_moment(about_to_dial):
    """channels' clock is behind acd's when hours open: the agent is not kept and given back over and over."""
    opens = about_to_dial.now - timedelta(seconds=1)
    (postponed, *_) = about_to_dial.do(PostponeCallback("ct_1", 3, 2, 1, "closed", opens))
    assert postponed.next_attempt_time == about_to_dial.now + timedelta(seconds=5)
    assert about_to_dial.wait(4) == []
    about_to_dial.wait(1)
    assert about_to_dial.domain.contact("ct_1").agent_id == "ag_1"


def test_call_back_that_cannot_be_dialled_within_its_life_is_withdrawn(about_to_dial):
    dies = about_to_dial.domain.contact("ct_1").entered_time + timedelta(days=7)
    just_in_time = PostponeCallback("ct_1", 3, 2, 1, "closed", dies + timedelta(seconds=1))
    _, ended = about_to_dial.do(just_in_time)
    assert (ended.outcome, ended.reason) == (CallbackOutcome.WITHDRAWN, "closed")


def test_who_must_not_be_called_is_withdrawn_for_good(about_to_dial):
    _, ended = about_to_dial.do(PostponeCallback("ct_1", 3, 2, 1, "do_not_call", None))
    assert (ended.outcome, ended.reason, ended.attempts) == (CallbackOutcome.WITHDRAWN, "do_not_call", 0)
    assert about_to_dial.domain.agent("ag_1").work == ()


def test_stale_or_repeated_word_about_dialling_changes_nothing(about_to_dial):
    about_to_dial.cleared("ct_1")
    assert about_to_dial.cleared("ct_1") == [], "a repeated step"
    assert about_to_dial.do(ClearCallback("ct_1", 4, 2, 9, "")) == [], "another attempt"
    assert about_to_dial.do(PostponeCallback("ct_1", 4, 1, 1, "closed", None)) == []
    assert about_to_dial.domain.contact("ct_1").stage is Stage.CONNECTING


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (ClearCallback("ct_1", 3, 2, 1, "a/b"), "customer_id"),
        (PostponeCallback("ct_1", 3, 2, 1, "Free text.", None), "reason"),
        (PostponeCallback("ct_1", 3, 2, 1, "", None), "reason"),
    ],
)
def test_bad_input_is_refused_with_the_fields_name(about_to_dial, command, field):
    assert about_to_dial.refusal(command).startswith(f"Invalid: {field}")


def test_hours_hold_also_once_the_queue_calls_nobody_back_any_more(waiting):
    """Else whoever takes the policy away in the evening has those who were promised a call dialled at night."""
    waiting.queue(callback=None)
    waiting.agent("ag_1")
    (accepted,) = of_kind(OfferAccepted, waiting.accept("ct_1"))
    assert accepted.hours_id == "ho_shop"


def test_bad_hours_of_the_policy_are_refused_with_the_fields_name(routing):
    definition = routing.queue()
    fields = {name: getattr(definition, name) for name in type(definition).__dataclass_fields__}
    bad = CallbackPolicy(3, timedelta(minutes=10), 5, hours_id="shop")
    assert "queue.callback.hours_id" in routing.refusal(PutQueue(type(definition)(**{**fields, "callback": bad})))
