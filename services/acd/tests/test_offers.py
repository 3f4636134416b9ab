"""The life of an offer: rules 3 and 4; why it was made: rule 21."""

from datetime import timedelta

import pytest
from trunkline_acd.domain.commands import (
    AcceptOffer,
    CloseAgentSession,
    DeclineOffer,
    EnqueueContact,
    ExpireOffer,
    ReportConnected,
    ReportConnectFailed,
    SetIntent,
)
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import (
    AgentNotResponding,
    ConnectFailed,
    ContactConnected,
    ExclusionEnded,
    OfferAccepted,
    OfferEnded,
)
from trunkline_acd.domain.words import Intent, OfferEndReason, WorkState
from trunkline_core.decider import execute


@pytest.fixture
def ringing(routing):
    """A contact that rings at Li, while Wang is next."""
    routing.queue()
    routing.agent("ag_li")
    routing.wait(10)
    routing.agent("ag_wang")
    routing.wait(10)
    routing.enqueue("ct_1")
    return routing


def test_contact_rings_at_once_at_the_longest_idle_agent(ringing):
    contact = ringing.domain.contact("ct_1")
    assert (contact.agent_id, contact.offer_no) == ("ag_li", 1)
    assert ringing.domain.agent("ag_li").work[0].expires_time == ringing.now + timedelta(seconds=20)


def test_chat_rings_for_its_own_lease(routing, offered):
    routing.queue()
    routing.agent("ag_li")
    [_, offer] = routing.chat("ct_1")
    assert offer.expires_time == routing.now + timedelta(seconds=30)


def test_accepted_offer_is_joined_and_answered(ringing):
    ringing.wait(3)
    expires_time = ringing.now + timedelta(seconds=5)
    assert ringing.accept("ct_1") == [OfferAccepted("ct_1", 1, 1, "ag_li", expires_time)]
    ringing.wait(1)
    assert ringing.connected("ct_1") == [ContactConnected("ct_1", 2, "qu_sales", 1, 1, "ag_li", timedelta(seconds=4))]
    assert ringing.domain.queue("qu_sales").answered_wait == timedelta(seconds=4)


def test_accepting_twice_changes_nothing(ringing):
    ringing.accept("ct_1")
    assert ringing.accept("ct_1") == []
    ringing.connected("ct_1")
    assert ringing.accept("ct_1") == []


def test_accept_by_somebody_else_is_refused(ringing):
    assert ringing.refusal(AcceptOffer("ag_wang", "ct_1", 1)) == "Rejection: OfferNotLive"


def test_late_accept_is_refused_and_only_the_next_agent_is_joined(ringing, offered):
    assert offered(ringing.wait(20)) == [("ct_1", "ag_wang")]
    assert ringing.refusal(AcceptOffer("ag_li", "ct_1", 1)) == "Rejection: OfferNotLive"
    assert ringing.connect("ct_1") == "ag_wang"


@pytest.mark.parametrize("answer", [AcceptOffer, DeclineOffer])
def test_answer_after_the_lease_is_refused_also_before_its_timer_fires(ringing, answer):
    ringing.now += timedelta(seconds=20)
    assert ringing.refusal(answer("ag_li", "ct_1", 1)) == "Rejection: OfferNotLive"
    [ended, _] = ringing.wait(0)
    assert (ended.agent_id, ended.reason) == ("ag_li", OfferEndReason.EXPIRED)


def test_accept_in_the_grace_of_a_new_owner_is_no_late_one(ringing):
    ringing.state.timers.grant_grace(ringing.now + timedelta(seconds=25))
    ringing.now += timedelta(seconds=24)
    assert ringing.connect("ct_1") == "ag_li"


def test_accept_of_an_ended_contact_is_refused(ringing):
    ringing.end("ct_1")
    assert ringing.refusal(AcceptOffer("ag_li", "ct_1", 1)) == "Rejection: OfferNotLive"


def test_accept_of_an_unknown_contact_is_not_found(ringing):
    assert ringing.refusal(AcceptOffer("ag_li", "ct_9", 1)) == "NotFound: unknown contact ct_9"


def test_missed_contact_keeps_place_and_age_and_rings_elsewhere_at_once(ringing, kinds_of):
    entered = ringing.domain.contact("ct_1").entered_time
    events = ringing.wait(20)
    until = ringing.now + timedelta(seconds=30)
    assert events[0] == OfferEnded("ct_1", 1, 1, "ag_li", OfferEndReason.EXPIRED, True, until)
    assert kinds_of(events) == ["OfferEnded", "ContactOffered"]
    assert ringing.domain.contact("ct_1").entered_time == entered
    assert ringing.domain.contact("ct_1").offer_no == 2


def test_contact_that_only_excluded_agents_could_take_waits_for_the_end_of_the_exclusion(routing, offered):
    routing.queue(max_misses=5)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    assert offered(routing.wait(20)) == []
    assert offered(routing.wait(29)) == []
    events = routing.wait(1)
    assert events[0] == ExclusionEnded("ct_1", "ag_li")
    assert offered(events) == [("ct_1", "ag_li")]


def test_excluded_agent_gets_another_contact_meanwhile(routing, offered):
    routing.queue(max_misses=5)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.enqueue("ct_2")
    assert offered(routing.wait(20)) == [("ct_2", "ag_li")]


def test_agent_who_misses_too_often_in_a_row_is_not_responding(routing, kinds_of):
    routing.queue(miss_exclusion_duration=timedelta(0))
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    assert kinds_of(routing.wait(20)) == ["OfferEnded", "ContactOffered"]
    events = routing.wait(20)
    assert events[-1] == AgentNotResponding("ag_li", 2)
    assert routing.wait(3600) == []


def test_misses_count_over_all_contacts(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.enqueue("ct_2")
    routing.wait(40)
    assert routing.domain.agent("ag_li").not_responding


def test_accept_clears_the_misses(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.wait(20)
    routing.enqueue("ct_2")
    routing.connect("ct_2")
    routing.end("ct_2")
    assert routing.domain.agent("ag_li").misses == 0


def test_declined_offer_is_no_miss_but_is_not_offered_there_again_at_once(ringing, offered):
    events = ringing.do(DeclineOffer("ag_li", "ct_1", 1), actor="agent:ag_li")
    until = ringing.now + timedelta(seconds=30)
    assert events[0] == OfferEnded("ct_1", 1, 1, "ag_li", OfferEndReason.DECLINED, False, until)
    assert offered(events) == [("ct_1", "ag_wang")]
    assert ringing.domain.agent("ag_li").misses == 0


def test_declining_what_does_not_ring_is_refused(ringing):
    ringing.accept("ct_1")
    assert ringing.refusal(DeclineOffer("ag_li", "ct_1", 1)) == "Rejection: OfferNotLive"


def test_expiry_in_the_grace_of_a_new_owner_is_no_miss(ringing):
    ringing.state.timers.grant_grace(ringing.now + timedelta(seconds=25))
    assert ringing.wait(24) == []
    [ended, *_] = ringing.wait(1)
    assert (ended.reason, ended.counts_as_miss) == (OfferEndReason.EXPIRED, False)


def test_expiry_while_the_desk_is_lost_is_no_miss(ringing):
    ringing.do(CloseAgentSession("ag_li", "se_ag_li"))
    [ended, offer] = ringing.wait(20)
    assert (ended.reason, ended.counts_as_miss) == (OfferEndReason.AGENT_LOST, False)
    assert offer.agent_id == "ag_wang"


def test_a_timer_command_before_its_time_does_nothing(ringing):
    assert ringing.do(ExpireOffer("ct_1", 1)) == []


def test_failed_joining_returns_the_contact_with_its_age(ringing, kinds_of):
    ringing.accept("ct_1")
    events = ringing.do(ReportConnectFailed("ct_1", 2, 1, 1, "busy"))
    until = ringing.now + timedelta(seconds=30)
    assert events[0] == ConnectFailed("ct_1", 2, 1, 1, "ag_li", "busy", True, until)
    assert kinds_of(events) == ["ConnectFailed", "ContactOffered"]
    assert ringing.domain.contact("ct_1").agent_id == "ag_wang"


def test_joining_that_takes_too_long_fails(ringing):
    ringing.accept("ct_1")
    [failed, *_] = ringing.wait(5)
    assert (failed.reason, failed.step_no) == ("timeout", 0)
    late = ReportConnected("ct_1", 2, 1, 1)
    assert ringing.refusal(late) == "Rejection: OfferNotLive"


def test_joining_at_a_lost_desk_fails_without_a_miss(ringing):
    ringing.accept("ct_1")
    ringing.do(CloseAgentSession("ag_li", "se_ag_li"))
    [failed, *_] = ringing.wait(5)
    assert (failed.reason, failed.counts_as_miss, failed.excluded_until_time) == ("agent_lost", False, None)


def test_unreachable_device_blocks_the_agent_at_once(ringing, kinds_of):
    ringing.accept("ct_1")
    events = ringing.do(ReportConnectFailed("ct_1", 2, 1, 1, "unreachable"))
    assert kinds_of(events) == ["ConnectFailed", "AgentNotResponding", "ContactOffered"]


def test_failure_that_is_already_known_changes_nothing(ringing):
    ringing.accept("ct_1")
    ringing.wait(5)
    assert ringing.do(ReportConnectFailed("ct_1", 2, 1, 1, "failed")) == []


def test_failure_of_an_offer_that_still_rings_is_refused(ringing):
    assert ringing.refusal(ReportConnectFailed("ct_1", 2, 1, 1, "failed")) == "Rejection: OfferNotLive"


def test_failure_for_an_unknown_reason_is_invalid(ringing):
    ringing.accept("ct_1")
    assert ringing.refusal(ReportConnectFailed("ct_1", 2, 1, 1, "bored")).startswith("Invalid: reason")


def test_connection_nobody_accepted_is_refused(ringing):
    assert ringing.refusal(ReportConnected("ct_1", 2, 1, 1)) == "Rejection: OfferNotLive"
    assert ringing.refusal(ReportConnected("ct_9", 2, 1, 1)) == "NotFound: unknown contact ct_9"


def test_repeated_step_changes_nothing_and_a_lower_one_is_stale(ringing):
    ringing.accept("ct_1")
    ringing.connected("ct_1", step=4)
    assert ringing.do(ReportConnected("ct_1", 4, 1, 1)) == []
    assert ringing.do(ReportConnected("ct_1", 5, 1, 1)) == []
    assert ringing.refusal(ReportConnected("ct_1", 3, 1, 1)) == "Rejection: StaleStep"


def test_explanation_names_the_terms_the_chosen_and_why_not_the_others(routing):
    routing.queue(value_weight_permille=2000)
    for name in ("ag_a", "ag_b"):
        routing.agent(name)
        routing.wait(1)
    routing.agent("ag_off", ready=False)
    events = routing.enqueue("ct_1", value=500, urgency=100)
    explanation = events[-1].explanation
    assert (explanation.value_score_permille, explanation.urgency_score_permille) == (1000, 100)
    assert (explanation.wait_score_permille, explanation.trigger) == (0, "ContactArrived")
    found = [(c.agent_id, c.not_chosen_because, c.idle_ms) for c in explanation.candidates]
    assert found == [("ag_a", "", 2000), ("ag_b", "IdleShorter", 1000), ("ag_off", "NotConnected", 0)]


def test_explanation_names_at_most_ten_agents(routing):
    routing.queue()
    for number in range(15):
        routing.agent(f"ag_{number:02}", ("gold", 1 + number % 5))
    events = routing.enqueue("ct_1")
    assert len(events[-1].explanation.candidates) == 10


def test_explanation_does_not_depend_on_what_was_taken_back(routing):
    """Nor on whether the state came from a snapshot: the same command is explained the same way when decided again."""
    routing.queue()
    for number in range(30):  # more profiles than are looked at
        routing.agent(f"ag_{number:02}", (f"skill_{number:02}", 1))
        routing.wait(1)
    arrival = EnqueueContact("ct_1", 1, "qu_sales", Channel.VOICE, 0, 0, ())
    explained = []
    for _ in range(2):
        explained.append(execute(routing.decider, routing.state, arrival, routing.context()))
        pause = SetIntent("ag_01", Intent.BREAK, "")
        routing.state.journal.rollback()
        execute(routing.decider, routing.state, pause, routing.context("agent:ag_01"))
        routing.state.journal.rollback()
    assert explained[0] == explained[1]


def test_work_of_a_connected_contact_has_no_expiry(ringing):
    ringing.connect("ct_1")
    [work] = ringing.domain.agent("ag_li").work
    assert (work.state, work.expires_time, work.explanation) == (WorkState.CONNECTED, None, None)
