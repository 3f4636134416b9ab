"""Desks, intent, wrap-ups: rules 1, 5 and 20; who may command whom."""

from datetime import timedelta

import pytest
from trunkline_acd.domain.commands import (
    AcceptOffer,
    CloseAgentSession,
    FinishWrapUp,
    LosePeer,
    OpenAgentSession,
    PutWrapUpCode,
    RearmAgent,
    SetIntent,
)
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import (
    AgentDisconnected,
    AgentRearmed,
    AgentSessionLost,
    AgentSessionOpened,
    ContactForgotten,
    ContactReleased,
    IntentChanged,
    NextIntentSet,
    WrapUpFinished,
)
from trunkline_acd.domain.words import Connectivity, Intent, OfferEndReason, WorkState
from trunkline_core.routing import QueueLimit, WrapUpMode


@pytest.fixture
def ringing(routing):
    """A contact that rings at Li, the only agent."""
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    return routing


def test_agent_needs_intent_and_desk_to_be_offered_anything(routing, offered):
    routing.queue()
    routing.enqueue("ct_1")
    routing.agent("ag_li", ready=False)
    assert offered(routing.do(SetIntent("ag_li", Intent.AVAILABLE, ""), actor="agent:ag_li")) == []
    assert offered(routing.do(OpenAgentSession("ag_li", "pe_1", "se_1"))) == [("ct_1", "ag_li")]


def test_same_desk_or_intent_again_changes_nothing(ringing):
    assert ringing.do(OpenAgentSession("ag_li", "pe_1", "se_ag_li")) == []
    assert ringing.do(SetIntent("ag_li", Intent.AVAILABLE, "ignored")) == []


def test_newer_desk_replaces_the_older_whose_end_changes_nothing(ringing):
    assert ringing.do(OpenAgentSession("ag_li", "pe_2", "se_2")) == [AgentSessionOpened("ag_li", "pe_2", "se_2")]
    assert ringing.do(CloseAgentSession("ag_li", "se_ag_li")) == []
    assert ringing.do(LosePeer("pe_1")) == []
    assert ringing.domain.agent("ag_li").connectivity is Connectivity.CONNECTED


def test_offer_survives_a_page_reload(ringing):
    expires_time = ringing.now + timedelta(seconds=30)
    lost = ringing.do(CloseAgentSession("ag_li", "se_ag_li"))
    assert lost == [AgentSessionLost("ag_li", "se_ag_li", expires_time)]
    ringing.wait(2)
    ringing.do(OpenAgentSession("ag_li", "pe_1", "se_2"))
    assert ringing.connect("ct_1") == "ag_li"


def test_nothing_new_is_offered_in_grace(routing, offered):
    routing.queue()
    routing.agent("ag_li")
    routing.do(CloseAgentSession("ag_li", "se_ag_li"))
    assert offered(routing.enqueue("ct_1")) == []
    assert offered(routing.do(OpenAgentSession("ag_li", "pe_1", "se_2"))) == [("ct_1", "ag_li")]


def test_lost_console_loses_all_its_desks_of_the_tenant(routing):
    routing.queue()
    for name in ("ag_a", "ag_b"):
        routing.agent(name)
    events = routing.do(LosePeer("pe_1"))
    assert [event.agent_id for event in events] == ["ag_a", "ag_b"]
    assert routing.do(LosePeer("pe_1")) == []


def test_console_that_is_there_without_some_desks_loses_those_only(routing):
    for name in ("ag_a", "ag_b", "ag_c"):
        routing.agent(name)
    assert [event.agent_id for event in routing.do(LosePeer("pe_1", ("ag_a", "ag_c", "ag_none")))] == ["ag_a", "ag_c"]
    assert routing.do(LosePeer("pe_2", ("ag_b",))) == []
    assert routing.domain.agent("ag_b").connectivity is Connectivity.CONNECTED


def test_console_with_many_desks_is_lost_in_portions(routing):
    for number in range(150):
        routing.agent(f"ag_{number:03}")
    assert [len(routing.do(LosePeer("pe_1"))) for _ in range(3)] == [100, 50, 0]


def test_desk_that_does_not_come_back_is_disconnected_and_its_wrap_up_ends(routing, offered):
    routing.queue(wrap_up_mode=WrapUpMode.UNTIMED, chat_lease_duration=timedelta(seconds=60))
    routing.agent("ag_li", chats=3)
    routing.chat("ct_wrap")
    routing.connect("ct_wrap")
    routing.end("ct_wrap")
    routing.chat("ct_live")
    routing.connect("ct_live")
    routing.chat("ct_ring")
    routing.agent("ag_wang")
    routing.do(CloseAgentSession("ag_li", "se_ag_li"))
    events = routing.wait(30)
    assert events[:2] == [
        AgentDisconnected("ag_li", "se_ag_li"),
        WrapUpFinished("ct_wrap", "ag_li", "", by_timer=True),
    ]
    assert (events[2].contact_id, events[2].desk_lost) == ("ct_live", True)
    assert (events[3].contact_id, events[3].reason) == ("ct_ring", OfferEndReason.AGENT_LOST)
    assert offered(events) == [("ct_ring", "ag_wang")]
    assert routing.domain.agent("ag_li").work == ()


def test_connected_contact_of_a_desk_that_does_not_come_back_is_released_without_a_wrap_up(routing, kinds_of):
    routing.queue(wrap_up_mode=WrapUpMode.UNTIMED)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    routing.do(CloseAgentSession("ag_li", "se_ag_li"))
    assert routing.wait(29) == []
    released = ContactReleased("ct_1", "ag_li", "qu_sales", False, None, desk_lost=True, segment_no=1)
    assert routing.wait(1)[1:] == [released]
    assert routing.domain.agent("ag_li").work == ()
    assert routing.end("ct_1", "system") == [ContactForgotten("ct_1", 9, "system")]


def test_connected_contact_survives_a_desk_that_comes_back_within_the_grace(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    routing.do(LosePeer("pe_1"))
    routing.wait(29)
    routing.do(OpenAgentSession("ag_li", "pe_2", "se_2"))
    assert routing.wait(60) == []
    assert [work.contact_id for work in routing.domain.agent("ag_li").work] == ["ct_1"]


def test_losing_a_desk_never_changes_what_the_agent_wants(ringing):
    ringing.do(CloseAgentSession("ag_li", "se_ag_li"))
    ringing.wait(60)
    assert ringing.domain.agent("ag_li").intent is Intent.AVAILABLE


def test_break_during_an_offer_resolves_the_offer_first_and_is_no_miss(ringing, kinds_of):
    ringing.agent("ag_wang")
    events = ringing.do(SetIntent("ag_li", Intent.BREAK, "lunch"), actor="agent:ag_li")
    assert kinds_of(events) == ["OfferEnded", "IntentChanged", "ContactOffered"]
    assert (events[0].reason, events[0].counts_as_miss) == (OfferEndReason.DECLINED, False)
    assert events[1] == IntentChanged("ag_li", Intent.BREAK, "lunch")
    assert events[2].agent_id == "ag_wang"


def test_break_during_a_connected_contact_lets_it_go_on(ringing, kinds_of, offered):
    ringing.connect("ct_1")
    assert kinds_of(ringing.do(SetIntent("ag_li", Intent.OFFLINE, ""))) == ["IntentChanged"]
    ringing.enqueue("ct_2")
    assert offered(ringing.end("ct_1")) == []


def test_agent_back_from_a_break_gets_what_waits(ringing, offered):
    ringing.do(SetIntent("ag_li", Intent.BREAK, "short"))
    assert offered(ringing.do(SetIntent("ag_li", Intent.AVAILABLE, ""))) == []  # ct_1 was refused 0 s ago
    assert offered(ringing.wait(30)) == [("ct_1", "ag_li")]


def test_unknown_intent_is_invalid(ringing):
    assert ringing.refusal(SetIntent("ag_li", Intent.UNSPECIFIED, "")) == "Invalid: intent: must be set"


@pytest.mark.parametrize("reason", ["Call Mr Li, 555-0100", "李娜", "lunch ", "lunch\n", "Lunch", "1st", "a" * 33])
def test_break_reason_that_is_no_token_is_invalid_and_not_repeated(ringing, reason):
    refusal = ringing.refusal(SetIntent("ag_li", Intent.BREAK, reason))
    assert refusal == "Invalid: break_reason: must match [a-z][a-z0-9_-]{0,31}"


@pytest.mark.parametrize("reason", ["", "a", "lunch", "shift-change_2", "a" * 32])
def test_break_reason_is_a_token_or_none(routing, reason):
    routing.agent("ag_li")
    assert routing.do(SetIntent("ag_li", Intent.BREAK, reason)) == [IntentChanged("ag_li", Intent.BREAK, reason)]


def test_supervisor_makes_ready_only_with_a_live_desk(routing):
    routing.agent("ag_li", ready=False)
    command = SetIntent("ag_li", Intent.AVAILABLE, "")
    assert routing.refusal(command, actor="supervisor:us_1") == "Rejection: AgentNotConnected"
    routing.do(OpenAgentSession("ag_li", "pe_1", "se_1"))
    assert routing.do(command, actor="supervisor:us_1") == [IntentChanged("ag_li", Intent.AVAILABLE, "")]


@pytest.mark.parametrize("actor", ["agent:ag_wang", "customer", "gateway:gw_1"])
def test_agent_is_commanded_by_itself_a_supervisor_or_the_system_only(ringing, actor):
    ringing.agent("ag_wang")
    refused = [
        AcceptOffer("ag_li", "ct_1", 1),
        SetIntent("ag_li", Intent.BREAK, ""),
        RearmAgent("ag_li"),
        FinishWrapUp("ag_li", "ct_1", ""),
        OpenAgentSession("ag_li", "pe_1", "se_9"),
    ]
    for command in refused:
        assert ringing.refusal(command, actor=actor) == "NotFound: unknown agent ag_li"


def test_not_responding_agent_is_back_with_one_click(routing, offered):
    routing.queue(max_misses=1)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.wait(60)
    assert offered(routing.enqueue("ct_2")) == []
    events = routing.do(RearmAgent("ag_li"), actor="agent:ag_li")
    assert events[0] == AgentRearmed("ag_li")
    assert offered(events) == [("ct_1", "ag_li")]
    assert routing.do(RearmAgent("ag_li")) == []


def test_timed_wrap_up_ends_by_the_timer(routing, offered):
    routing.queue(wrap_up_mode=WrapUpMode.TIMED)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    released = routing.end("ct_1")[0]
    assert released.wrap_up_expires_time == routing.now + timedelta(seconds=30)
    routing.enqueue("ct_2")
    events = routing.wait(30)
    assert events[0] == WrapUpFinished("ct_1", "ag_li", "", by_timer=True)
    assert offered(events) == [("ct_2", "ag_li")]
    assert routing.refusal(FinishWrapUp("ag_li", "ct_1", "")) == "Rejection: NotInWrapUp"


def test_timed_wrap_up_can_be_finished_early_with_a_code(routing):
    routing.queue(wrap_up_mode=WrapUpMode.TIMED)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    routing.end("ct_1")
    routing.code("sold")
    events = routing.do(FinishWrapUp("ag_li", "ct_1", "sold"), actor="agent:ag_li")
    assert events == [WrapUpFinished("ct_1", "ag_li", "sold", by_timer=False)]
    assert routing.wait(60) == []


def test_wrap_up_of_a_contact_that_is_still_connected_is_refused(ringing):
    ringing.connect("ct_1")
    assert ringing.refusal(FinishWrapUp("ag_li", "ct_1", "")) == "Rejection: NotInWrapUp"


def test_wrap_up_with_a_code_that_the_tenant_does_not_have_is_refused_and_goes_on(routing):
    routing.queue(wrap_up_mode=WrapUpMode.UNTIMED)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    routing.end("ct_1")
    routing.do(PutWrapUpCode("sold"), tenant="tn_other")
    for code in ("sold", "Mr Li wants his money back", "x" * 129):
        assert routing.refusal(FinishWrapUp("ag_li", "ct_1", code)) == "Rejection: UnknownWrapUpCode"
    routing.code("sold")  # the directory's event came a moment after the agent: once more is enough
    assert routing.do(FinishWrapUp("ag_li", "ct_1", "sold"))[0] == WrapUpFinished("ct_1", "ag_li", "sold", False)


def test_wrap_up_without_a_code_needs_none_defined(routing):
    routing.queue(wrap_up_mode=WrapUpMode.UNTIMED)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    routing.end("ct_1")
    assert routing.do(FinishWrapUp("ag_li", "ct_1", ""))[0] == WrapUpFinished("ct_1", "ag_li", "", False)


def test_chat_in_wrap_up_leaves_room_for_other_chats(routing, offered):
    routing.queue(wrap_up_mode=WrapUpMode.UNTIMED)
    routing.agent("ag_li", chats=2)
    routing.chat("ct_1")
    routing.connect("ct_1")
    routing.end("ct_1")
    assert routing.domain.agent("ag_li").count(WorkState.WRAP_UP) == 1
    assert offered(routing.chat("ct_2")) == [("ct_2", "ag_li")]
    assert offered(routing.enqueue("ct_3", channel=Channel.VOICE)) == []


def test_unknown_agent_is_not_found(routing):
    assert routing.refusal(RearmAgent("ag_none")) == "NotFound: unknown agent ag_none"


@pytest.fixture
def talking(routing):
    """Li talks to ct_0 and could take a chat beside it; nobody else is there."""
    routing.queue()
    routing.agent("ag_li", chats=3)
    routing.chat("ct_0")
    routing.connect("ct_0")
    return routing


def test_next_intent_waits_until_the_work_is_done_and_takes_nothing_new_meanwhile(talking, offered):
    """Rule 1."""
    wish = SetIntent("ag_li", Intent.BREAK, "lunch", when_free=True)
    assert talking.do(wish) == [NextIntentSet("ag_li", Intent.BREAK, "lunch")]
    assert offered(talking.chat("ct_1")) == []
    ended = talking.end("ct_0")
    assert IntentChanged("ag_li", Intent.BREAK, "lunch") in ended
    assert offered(ended) == []
    assert talking.domain.agent("ag_li").next_intent is Intent.UNSPECIFIED


def test_next_intent_lets_what_rings_ring_on(talking):
    talking.chat("ct_1")
    talking.do(SetIntent("ag_li", Intent.OFFLINE, "", True))
    assert talking.connect("ct_1") == "ag_li"
    talking.end("ct_0")
    assert talking.domain.agent("ag_li").intent is Intent.AVAILABLE
    talking.end("ct_1")
    assert talking.domain.agent("ag_li").intent is Intent.OFFLINE


def test_next_intent_waits_for_the_wrap_up_too(talking):
    talking.queue(wrap_up_mode=WrapUpMode.TIMED)
    talking.do(SetIntent("ag_li", Intent.BREAK, "", True))
    talking.end("ct_0")
    assert talking.domain.agent("ag_li").intent is Intent.AVAILABLE
    assert IntentChanged("ag_li", Intent.BREAK, "") in talking.wait(30)


def test_next_intent_of_an_agent_without_work_holds_at_once(routing):
    routing.queue()
    routing.agent("ag_li")
    assert routing.do(SetIntent("ag_li", Intent.BREAK, "", True)) == [IntentChanged("ag_li", Intent.BREAK, "")]


def test_later_intent_replaces_the_pending_one(talking, offered):
    talking.do(SetIntent("ag_li", Intent.BREAK, "lunch", True))
    assert talking.do(SetIntent("ag_li", Intent.BREAK, "lunch", True)) == []
    talking.do(SetIntent("ag_li", Intent.OFFLINE, "", True))
    talking.chat("ct_1")
    back = talking.do(SetIntent("ag_li", Intent.AVAILABLE, ""))
    assert back[0] == NextIntentSet("ag_li", Intent.UNSPECIFIED, "")
    assert offered(back) == [("ct_1", "ag_li")]
    talking.do(SetIntent("ag_li", Intent.OFFLINE, "", True))
    talking.do(SetIntent("ag_li", Intent.BREAK, ""))
    talking.end("ct_1")
    talking.end("ct_0")
    assert talking.domain.agent("ag_li").intent is Intent.BREAK


def test_explanation_says_that_an_agent_is_about_to_change(talking):
    """Rule 21."""
    talking.do(SetIntent("ag_li", Intent.BREAK, "", True))
    talking.agent("ag_wang")
    candidates = talking.chat("ct_1")[-1].explanation.candidates
    assert [(c.agent_id, c.not_chosen_because) for c in candidates] == [("ag_wang", ""), ("ag_li", "NextIntentPending")]


def test_queue_loses_its_staff_when_a_pending_sign_out_takes_effect(talking):
    talking.queue(unstaffed=QueueLimit(timedelta(0), ""))
    talking.do(SetIntent("ag_li", Intent.OFFLINE, "", True))
    assert "QueueUnstaffed" in [type(event).__name__ for event in talking.end("ct_0")]
