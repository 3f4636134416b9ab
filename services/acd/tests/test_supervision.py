"""A supervisor takes contacts to agents and queues, closes them, and says what an agent does (rule 20)."""

from datetime import timedelta

import pytest
from trunkline_acd.domain.commands import (
    AcceptOffer,
    CloseAgentSession,
    CloseWaitingContact,
    DeclineOffer,
    EndContact,
    OpenAgentSession,
    PullContact,
    RequeueContact,
    SetIntent,
    TransferContact,
)
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.events import (
    AffinityEnded,
    AgentRearmed,
    CallbackEnded,
    ContactEnqueued,
    ContactOffered,
    ContactPulled,
    ContactRequeued,
    IntentChanged,
    NextIntentSet,
    OfferEnded,
    SegmentEnded,
    WaitingContactClosed,
)
from trunkline_acd.domain.supervision import waiting_in
from trunkline_acd.domain.words import CallbackOutcome, Intent, OfferEndReason, SegmentOutcome, WorkState
from trunkline_core.routing import CallbackMode, CallbackPolicy, QueueLimit, SkillRequirement, WrapUpMode

ZHAO = "supervisor:us_zhao"


def pull(contact_id="ct_2", agent_id="ag_wang", reason="waits_too_long"):
    return PullContact(contact_id, agent_id, reason)


def requeue(contact_id="ct_1", queue_id="", reason="wrong_queue", agent_id=""):
    return RequeueContact(contact_id, queue_id, reason, agent_id)


def kinds(events):
    return [type(event) for event in events]


def decline(routing, contact_id):
    contact = routing.domain.contact(contact_id)
    return routing.do(DeclineOffer(contact.agent_id, contact_id, contact.offer_no))


@pytest.fixture
def busy(routing):
    """ct_1 rings at Li and ct_2 waits behind it; Wang rests."""
    routing.queue()
    routing.queue("qu_help", requirements=(SkillRequirement("help", 1),))
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.enqueue("ct_2")
    routing.agent("ag_wang", ready=False)
    routing.do(OpenAgentSession("ag_wang", "pe_1", "se_wang"))
    return routing


def wang_is_free(routing):
    """Wang is there and has said no to ct_2: only a pull brings it back."""
    routing.do(SetIntent("ag_wang", Intent.AVAILABLE, ""), "agent:ag_wang")
    decline(routing, "ct_2")
    assert routing.domain.contact("ct_2").stage is Stage.WAITING


def test_a_pull_offers_the_contact_to_that_agent_now(busy):
    wang_is_free(busy)
    events = busy.do(pull(), ZHAO)
    assert kinds(events) == [ContactPulled, ContactOffered]
    assert events[0] == ContactPulled("ct_2", 1, "ag_wang", "waits_too_long")
    assert (events[1].agent_id, events[1].explanation.trigger) == ("ag_wang", "ContactPulled")
    assert [candidate.agent_id for candidate in events[1].explanation.candidates] == ["ag_wang"]
    assert busy.connect("ct_2") == "ag_wang"


def test_a_pull_of_what_rings_supersedes_it_and_nobody_missed_anything(busy):
    wang_is_free(busy)
    events = busy.do(pull("ct_1"), ZHAO)
    assert kinds(events) == [ContactPulled, OfferEnded, ContactOffered, ContactOffered]
    ended, to_wang, to_li = events[1:]
    assert (ended.agent_id, ended.reason, ended.counts_as_miss) == ("ag_li", OfferEndReason.SUPERSEDED, False)
    assert (to_wang.contact_id, to_wang.agent_id) == ("ct_1", "ag_wang")
    assert (to_li.contact_id, to_li.agent_id) == ("ct_2", "ag_li"), "Li gets what waits behind it"
    assert busy.domain.agent("ag_li").misses == 0


def test_a_pull_to_where_it_rings_changes_nothing(busy):
    assert busy.do(pull("ct_1", "ag_li"), ZHAO) == []


def test_a_late_accept_of_a_superseded_offer_is_refused(busy):
    wang_is_free(busy)
    late = AcceptOffer("ag_li", "ct_1", 1)
    busy.do(pull("ct_1"), ZHAO)
    assert busy.refusal(late, "agent:ag_li") == "Rejection: OfferNotLive"


def test_a_pulled_contact_that_is_not_taken_waits_again(busy):
    wang_is_free(busy)
    busy.do(pull(), ZHAO)
    busy.wait(20)
    assert busy.domain.contact("ct_2").agent_id in ("", "ag_li")
    assert busy.domain.agent("ag_wang").misses == 1


def test_a_pull_goes_before_affinity(routing):
    routing.queue(affinity_duration=timedelta(seconds=60))
    routing.agent("ag_li")
    routing.enqueue("ct_0")
    routing.enqueue("ct_1", preferred="ag_li")
    routing.agent("ag_wang")
    assert routing.domain.contact("ct_1").stage is Stage.WAITING, "held for Li"
    events = routing.do(pull("ct_1"), ZHAO)
    assert kinds(events) == [ContactPulled, AffinityEnded, ContactOffered]
    assert routing.connect("ct_1") == "ag_wang"


def test_a_pull_goes_before_agents_who_are_kept_back(routing):
    routing.queue(vip_min_value_permille=800, vip_reserved_agents=1)
    routing.agent("ag_wang")
    routing.enqueue("ct_2")
    assert routing.domain.contact("ct_2").stage is Stage.WAITING, "Wang is kept back"
    assert kinds(routing.do(pull(), ZHAO)) == [ContactPulled, ContactOffered]


def test_who_still_wraps_it_up_does_not_get_it_a_second_time(routing):
    routing.queue(wrap_up_mode=WrapUpMode.TIMED, wrap_up_frees_exclusion=True)
    routing.agent("ag_li", chats=2)
    routing.chat("ct_1")
    routing.connect("ct_1")
    routing.do(TransferContact("ct_1", 3, 1, "ag_li", "qu_sales"))
    assert routing.refusal(pull("ct_1", "ag_li"), ZHAO) == "Rejection: AgentWrapsItUp"


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (pull(reason=""), "Invalid: reason: must be set"),
        (pull(reason="Frau Müller rief an"), "Invalid: reason: must match [a-z][a-z0-9_-]{0,31}"),
        (pull(agent_id=""), "Invalid: agent_id: "),
        (pull(agent_id="ag_none"), "NotFound: "),
        (pull("ct_none"), "NotFound: "),
        (pull(), "Rejection: AgentNotReady"),
        (pull(agent_id="ag_li"), "Rejection: AgentHasNoRoom"),
        (pull(agent_id="ag_gone"), "Rejection: AgentNotConnected"),
        (pull("ct_help", "ag_free"), "Rejection: AgentLacksSkills"),
        (requeue(reason=""), "Invalid: reason: must be set"),
        (requeue(queue_id="qu_none"), "NotFound: "),
        (requeue(queue_id="a/b"), "Invalid: queue_id: must not have a slash"),
        (requeue("ct_none"), "NotFound: "),
        (requeue(queue_id="qu_full"), "Rejection: QueueFull"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name_and_changes_nothing(busy, command, refusal):
    busy.queue("qu_full", max_waiting=1)
    busy.enqueue("ct_full", "qu_full", ("none", 1))
    busy.enqueue("ct_help", "qu_help")
    busy.agent("ag_gone", ready=False)
    busy.agent("ag_free")
    decline(busy, "ct_2")
    assert refusal in busy.refusal(command, ZHAO)


@pytest.mark.parametrize("command", [pull("ct_1"), requeue("ct_1", "qu_help")])
def test_what_an_agent_has_accepted_is_left_alone(busy, command):
    busy.accept("ct_1")
    assert busy.refusal(command, ZHAO) == "Rejection: ContactNotWaiting"
    busy.connected("ct_1")
    assert busy.refusal(command, ZHAO) == "Rejection: ContactNotWaiting"
    busy.do(EndContact("ct_1", 9, "customer_left"))
    assert busy.refusal(command, ZHAO) == "Rejection: ContactAlreadyEnded"


def test_a_contact_goes_on_in_another_queue_with_its_age(busy):
    busy.wait(5)
    events = busy.do(requeue("ct_2", "qu_help"), ZHAO)
    assert kinds(events) == [ContactRequeued, SegmentEnded, ContactEnqueued]
    requeued, ended, entered = events
    assert requeued == ContactRequeued("ct_2", 1, "qu_help", "wrong_queue")
    assert (ended.outcome, ended.next_queue_id) == (SegmentOutcome.FLOWED_OUT, "qu_help")
    assert (entered.queue_id, entered.segment_no, entered.aged_since_time) == ("qu_help", 2, busy.at(0))


def test_what_rings_is_superseded_before_it_goes_to_another_queue(busy):
    events = busy.do(requeue("ct_1", "qu_help"), ZHAO)
    assert kinds(events) == [ContactRequeued, OfferEnded, SegmentEnded, ContactOffered, ContactEnqueued]
    assert events[1].reason is OfferEndReason.SUPERSEDED
    assert (events[3].contact_id, events[3].agent_id) == ("ct_2", "ag_li")


def test_those_who_wait_get_the_agent_before_what_was_taken_away_comes_back_to_it(busy):
    busy.queue("qu_last")
    busy.do(requeue("ct_1", "qu_last"), ZHAO)
    assert busy.domain.agent("ag_li").work[0].contact_id == "ct_2"
    assert busy.domain.contact("ct_1").stage is Stage.WAITING


def test_a_decision_about_another_agent_than_it_rings_at_is_refused(busy):
    assert busy.refusal(requeue("ct_1", agent_id="ag_wang"), ZHAO) == "Rejection: OfferNotLive"
    assert busy.refusal(requeue("ct_1", "qu_help", agent_id="ag_wang"), ZHAO) == "Rejection: OfferNotLive"
    assert kinds(busy.do(requeue("ct_1", agent_id="ag_li"), ZHAO))[0] is ContactRequeued


def test_a_contact_that_is_in_that_queue_already_goes_on_ringing(busy):
    assert busy.do(requeue("ct_1", "qu_sales"), ZHAO) == []


def test_in_its_own_queue_the_agent_at_whom_it_rang_is_not_asked_again_soon(busy):
    events = busy.do(requeue("ct_1"), ZHAO)
    assert kinds(events) == [ContactRequeued, OfferEnded, ContactOffered]
    assert (events[2].contact_id, events[2].agent_id) == ("ct_2", "ag_li")
    assert busy.domain.contact("ct_1").excluded == {"ag_li"}
    busy.wait(19)
    decline(busy, "ct_2")
    assert busy.domain.contact("ct_1").stage is Stage.WAITING
    busy.wait(11)
    assert busy.domain.contact("ct_1").agent_id == "ag_li"


def test_also_where_misses_exclude_nobody(busy):
    busy.queue(miss_exclusion_duration=timedelta(0))
    busy.do(requeue("ct_1"), ZHAO)
    assert busy.domain.contact("ct_1").stage is Stage.WAITING


def test_a_contact_that_waits_stays_where_it_is(busy):
    assert busy.do(requeue("ct_2"), ZHAO) == []


def test_a_contact_over_its_limit_is_not_taken_away_to_leave(routing):
    routing.queue(longest_wait=QueueLimit(timedelta(seconds=10), ""))
    routing.queue("qu_help")
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.wait(15)
    assert routing.refusal(requeue("ct_1"), ZHAO) == "Rejection: ContactOverLimit"
    assert kinds(routing.do(requeue("ct_1", "qu_help"), ZHAO))[-1] is ContactOffered, "another queue takes it"


def test_a_call_back_stays_in_its_queue_and_may_be_pulled(routing):
    routing.queue(callback=CallbackPolicy(3, timedelta(minutes=5), 10))
    routing.queue("qu_help")
    routing.enqueue("ct_1", customer="cu_1")
    routing.call_back("ct_1")
    assert routing.refusal(requeue("ct_1", "qu_help"), ZHAO) == "Rejection: CallbackStays"
    assert [contact.contact_id for contact in waiting_in(routing.domain, "qu_sales", 9)] == ["ct_1"]
    routing.agent("ag_li")
    decline(routing, "ct_1")
    assert [event.callback for event in routing.do(pull("ct_1", "ag_li"), ZHAO)[1:]] == [True]


def test_a_contact_that_waits_is_closed_by_the_system_and_a_late_word_of_it_changes_nothing(busy):
    busy.wait(7)
    closed, ended = busy.do(CloseWaitingContact("ct_2", "wrong_queue"), ZHAO)
    assert closed == WaitingContactClosed("ct_2", 1, "wrong_queue")
    assert (ended.outcome, ended.wait_duration) == (SegmentOutcome.CLOSED_BY_SYSTEM, timedelta(seconds=7))
    queue = busy.domain.queue("qu_sales")
    assert (queue.closed_total, queue.abandoned_total, queue.waiting) == (1, 0, 0)
    assert busy.refusal(CloseWaitingContact("ct_2", "other"), ZHAO) == "Rejection: ContactNotWaiting"
    busy.end("ct_2", "system")
    assert busy.domain.queue("qu_sales").closed_total == 1
    assert busy.refusal(CloseWaitingContact("ct_2", "other"), ZHAO) == "Rejection: ContactAlreadyEnded"


def test_what_rings_is_superseded_before_it_is_closed_and_the_agent_gets_what_waits(busy):
    events = busy.do(CloseWaitingContact("ct_1", "other"), ZHAO)
    assert kinds(events) == [WaitingContactClosed, OfferEnded, SegmentEnded, ContactOffered]
    assert (events[1].reason, events[1].counts_as_miss) == (OfferEndReason.SUPERSEDED, False)
    assert (events[3].contact_id, events[3].agent_id) == ("ct_2", "ag_li")
    assert busy.refusal(AcceptOffer("ag_li", "ct_1", 1), "agent:ag_li") == "Rejection: OfferNotLive"


def test_what_an_agent_has_accepted_is_not_closed(busy):
    busy.accept("ct_1")
    assert busy.refusal(CloseWaitingContact("ct_1", "other"), ZHAO) == "Rejection: ContactNotWaiting"


def test_a_contact_is_closed_with_a_reason(busy):
    assert busy.refusal(CloseWaitingContact("ct_2", ""), ZHAO) == "Invalid: reason: must be set"


def test_closing_a_call_back_withdraws_it(routing):
    routing.queue(callback=CallbackPolicy(3, timedelta(minutes=5), 10))
    routing.enqueue("ct_1", customer="cu_1")
    routing.call_back("ct_1")
    closed, ended = routing.do(CloseWaitingContact("ct_1", "other"), ZHAO)
    assert (type(closed), type(ended)) == (WaitingContactClosed, CallbackEnded)
    assert (ended.outcome, ended.reason) == (CallbackOutcome.WITHDRAWN, "other")
    assert not routing.domain.has_other_callback("ct_2", "cu_1")


def test_whom_a_call_back_has_reached_is_not_closed(routing):
    routing.queue(callback=CallbackPolicy(3, timedelta(minutes=5), 10, CallbackMode.CUSTOMER_FIRST))
    routing.enqueue("ct_1", customer="cu_1")
    routing.call_back("ct_1")
    routing.agent("ag_li")
    routing.cleared("ct_1", customer="cu_1")
    routing.reached("ct_1")
    assert routing.refusal(CloseWaitingContact("ct_1", "other"), ZHAO) == "Rejection: CallbackAlreadyReached"


def test_those_who_ring_come_first_and_then_those_who_wait(busy):
    busy.enqueue("ct_3")
    assert [contact.contact_id for contact in waiting_in(busy.domain, "qu_sales", 9)] == ["ct_1", "ct_2", "ct_3"]
    assert [contact.contact_id for contact in waiting_in(busy.domain, "qu_sales", 2)] == ["ct_1", "ct_2"]
    assert waiting_in(busy.domain, "qu_help", 9) == []


# -- what an agent does -----------------------------------------------------------------------------------------


def test_a_forced_break_supersedes_what_rings_and_says_why(busy):
    events = busy.do(SetIntent("ag_li", Intent.BREAK, "training", reason="coaching"), ZHAO)
    ended = next(event for event in events if isinstance(event, OfferEnded))
    assert (ended.reason, ended.excluded_until_time) == (OfferEndReason.SUPERSEDED, None)
    assert IntentChanged("ag_li", Intent.BREAK, "training", "coaching") in events


def test_what_was_held_for_an_agent_who_is_sent_away_goes_to_others(routing):
    routing.queue(affinity_duration=timedelta(seconds=60))
    routing.agent("ag_li")
    routing.enqueue("ct_1", preferred="ag_li")
    routing.agent("ag_wang")
    events = routing.do(SetIntent("ag_li", Intent.BREAK, "", reason="coaching"), ZHAO)
    assert AffinityEnded in kinds(events)
    assert routing.domain.contact("ct_1").agent_id == "ag_wang"


def test_who_is_made_available_is_not_blocked_any_more(routing):
    routing.queue(max_misses=1)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.wait(20)
    assert routing.domain.agent("ag_li").not_responding
    events = routing.do(SetIntent("ag_li", Intent.AVAILABLE, "", reason="other"), ZHAO)
    assert kinds(events)[0] is AgentRearmed
    routing.enqueue("ct_2")
    assert routing.domain.contact("ct_2").agent_id == "ag_li"


def test_nobody_is_made_available_without_a_desk_also_who_wants_to_be(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.do(CloseAgentSession("ag_li", "se_ag_li"))
    forced = SetIntent("ag_li", Intent.AVAILABLE, "", reason="other")
    assert routing.refusal(forced, ZHAO) == "Rejection: AgentNotConnected"
    assert routing.do(SetIntent("ag_li", Intent.AVAILABLE, ""), "agent:ag_li") == []


def test_taking_back_a_break_that_was_to_come_keeps_the_reason(busy):
    busy.do(SetIntent("ag_li", Intent.BREAK, "", when_free=True), "agent:ag_li")
    events = busy.do(SetIntent("ag_li", Intent.AVAILABLE, "", reason="other"), ZHAO)
    assert events == [NextIntentSet("ag_li", Intent.UNSPECIFIED, "", "other")]


def test_a_forced_sign_out_lets_who_talks_finish(busy):
    busy.accept("ct_1")
    busy.connected("ct_1")
    busy.do(SetIntent("ag_li", Intent.OFFLINE, "", reason="shift_over"), ZHAO)
    assert [work.state for work in busy.domain.agent("ag_li").work] == [WorkState.CONNECTED]


def test_a_break_after_the_work_at_hand_keeps_the_reason(busy):
    events = busy.do(SetIntent("ag_li", Intent.BREAK, "", when_free=True, reason="coaching"), ZHAO)
    assert events == [NextIntentSet("ag_li", Intent.BREAK, "", "coaching")]


def test_a_reason_is_a_token(busy):
    bad = SetIntent("ag_li", Intent.BREAK, "", reason="he was rude to Frau Müller")
    assert busy.refusal(bad, ZHAO) == "Invalid: reason: must match [a-z][a-z0-9_-]{0,31}"
