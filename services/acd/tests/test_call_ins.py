"""Rule 20: a supervisor calls in an agent who is signed out."""

from datetime import timedelta

import pytest
from trunkline_acd.application.views import agent_view
from trunkline_acd.domain import policy
from trunkline_acd.domain.commands import (
    CallInAgent,
    CloseAgentSession,
    EndCallIn,
    ExpireCallIn,
    OpenAgentSession,
    PutAgent,
    SetIntent,
)
from trunkline_acd.domain.events import AgentCalledIn, CallInEnded, ContactOffered, IntentChanged
from trunkline_acd.domain.words import CallIn, CallInEndReason, Intent
from trunkline_core.routing import AgentDefinition

BOSS = "supervisor:us_1"
LI = "agent:ag_li"
LIFE_S = policy.CALL_IN_LIFE.total_seconds()
CALL = CallInAgent("ag_li", "shift_over")


@pytest.fixture
def called(routing):
    """An agent without a desk who is called in."""
    routing.agent("ag_li", ready=False)
    routing.do(CALL, actor=BOSS)
    return routing


def called_in(routing):
    return routing.domain.agent("ag_li").called_in


def log_in(routing, session="se_2"):
    return routing.do(OpenAgentSession("ag_li", "pe_1", session))


def want(routing, intent, actor=LI):
    return routing.do(SetIntent("ag_li", intent, ""), actor=actor)


def ends_of(events):
    return [event.end_reason for event in events if isinstance(event, CallInEnded)]


def test_who_is_signed_out_is_called_in_with_who_why_and_until_when(routing):
    routing.agent("ag_li", ready=False)
    until = routing.now + timedelta(hours=12)
    assert routing.do(CALL, actor=BOSS) == [AgentCalledIn("ag_li", "shift_over", BOSS, until)]
    assert called_in(routing) == CallIn(routing.now, until, "shift_over", BOSS)


def test_row_and_view_tell_it_until_it_is_over(called):
    told = CallIn(called.now, called.at(LIFE_S), "shift_over", BOSS)
    (changed,) = called.rows
    assert [row.called_in for row in changed.agents] == [told]
    assert agent_view(called.state, "tn_demo", "ag_li", called.now).called_in == told
    called.do(EndCallIn("ag_li"), actor=LI)
    (changed,) = called.rows
    assert [row.called_in for row in changed.agents] == [None]
    assert agent_view(called.state, "tn_demo", "ag_li", called.now).called_in is None


def test_a_further_call_changes_nothing_whoever_calls_and_why(called):
    called.wait(60)
    assert called.do(CallInAgent("ag_li", "other"), actor="supervisor:us_2") == []
    assert called_in(called).called_by == BOSS
    assert called.wait(LIFE_S - 60) == [CallInEnded("ag_li", CallInEndReason.EXPIRED)]


def test_who_is_called_in_is_not_offered_anything(called):
    called.queue()
    assert not [event for event in called.enqueue("ct_1") if isinstance(event, ContactOffered)]


@pytest.mark.parametrize("intent", [Intent.AVAILABLE, Intent.BREAK])
def test_who_is_there_is_not_called_in(routing, intent):
    routing.agent("ag_li")
    want(routing, intent)
    assert routing.refusal(CALL, actor=BOSS) == "Rejection: AgentSignedIn"


def test_who_is_away_from_the_desk_for_a_moment_is_not_called_in(routing):
    routing.agent("ag_li")
    routing.do(CloseAgentSession("ag_li", "se_ag_li"))
    assert routing.refusal(CALL, actor=BOSS) == "Rejection: AgentSignedIn"
    routing.wait(30)
    assert len(routing.do(CALL, actor=BOSS)) == 1


def test_who_is_offline_at_a_desk_is_called_in(routing):
    routing.agent("ag_li")
    want(routing, Intent.OFFLINE)
    assert len(routing.do(CALL, actor=BOSS)) == 1


def test_an_unknown_agent_is_not_called_in(routing):
    assert routing.refusal(CALL, actor=BOSS).startswith("NotFound")


@pytest.mark.parametrize("reason", ["", "because I say so"])
def test_why_is_a_token(called, reason):
    assert called.refusal(CallInAgent("ag_li", reason), actor=BOSS).startswith("Invalid: reason")
    assert called.refusal(EndCallIn("ag_li", reason), actor=BOSS).startswith("Invalid: reason")


def test_logging_in_is_not_yet_coming_in(called):
    assert ends_of(log_in(called)) == []
    assert ends_of(want(called, Intent.BREAK)) == []
    assert called_in(called) is not None


def test_who_becomes_available_at_a_desk_has_come_in(called):
    log_in(called)
    assert ends_of(want(called, Intent.AVAILABLE)) == [CallInEndReason.CAME_IN]
    assert called_in(called) is None


def test_whom_a_supervisor_makes_available_has_come_in(called):
    log_in(called)
    assert ends_of(want(called, Intent.AVAILABLE, actor=BOSS)) == [CallInEndReason.CAME_IN]


def test_who_was_available_when_the_desk_was_lost_has_come_in_with_a_desk(routing):
    routing.agent("ag_li")
    routing.do(CloseAgentSession("ag_li", "se_ag_li"))
    routing.wait(30)
    routing.do(CALL, actor=BOSS)
    assert ends_of(log_in(routing)) == [CallInEndReason.CAME_IN]


def test_who_becomes_available_once_the_work_is_done_has_come_in_then(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    want(routing, Intent.OFFLINE)
    routing.do(CALL, actor=BOSS)
    assert ends_of(routing.do(SetIntent("ag_li", Intent.AVAILABLE, "", when_free=True), actor=LI)) == []
    ended = routing.end("ct_1")
    assert [event for event in ended if isinstance(event, IntentChanged)]
    assert ends_of(ended) == [CallInEndReason.CAME_IN]


def test_who_wants_to_be_available_without_a_desk_has_not_come_in(called):
    assert ends_of(want(called, Intent.AVAILABLE)) == []
    assert ends_of(log_in(called)) == [CallInEndReason.CAME_IN]


def test_the_agent_dismisses_it(called):
    log_in(called)
    assert called.do(EndCallIn("ag_li"), actor=LI) == [CallInEnded("ag_li", CallInEndReason.DISMISSED)]
    assert called.do(EndCallIn("ag_li"), actor=LI) == []
    assert called.wait(LIFE_S) == []


def test_a_supervisor_takes_it_back_with_a_reason(called):
    taken_back = CallInEnded("ag_li", CallInEndReason.TAKEN_BACK, "other")
    assert called.do(EndCallIn("ag_li", "other"), actor=BOSS) == [taken_back]
    assert called.do(EndCallIn("ag_li", "other"), actor=BOSS) == []


def test_another_agent_ends_nobodys_call(called):
    called.agent("ag_wang")
    assert called.refusal(EndCallIn("ag_li"), actor="agent:ag_wang").startswith("NotFound")


def test_after_its_time_it_is_over_and_may_be_said_again(called):
    assert called.wait(LIFE_S - 1) == []
    assert called.wait(1) == [CallInEnded("ag_li", CallInEndReason.EXPIRED)]
    assert len(called.do(CALL, actor=BOSS)) == 1


def test_its_timer_does_nothing_before_its_time(called):
    assert called.do(ExpireCallIn("ag_li")) == []


def test_a_new_definition_leaves_it(called):
    called.do(PutAgent(AgentDefinition("ag_li", (), 2)))
    assert called_in(called) is not None
