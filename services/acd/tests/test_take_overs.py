"""A supervisor takes a connected contact from its agent, and another agent has it at once (rule 20)."""

from datetime import timedelta

import pytest
from trunkline_acd.application.views import agent_view
from trunkline_acd.domain.commands import (
    CloseAgentSession,
    ConsultAgent,
    FinishWrapUp,
    OpenAgentSession,
    ParkContact,
    SetIntent,
    TakeOverContact,
    TransferContact,
)
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactOffered, ContactReleased, ContactTakenOver
from trunkline_acd.domain.supervision import connected_at
from trunkline_acd.domain.words import Intent, WorkState
from trunkline_core.routing import SkillRequirement, WrapUpMode


def take_over(contact_id="ct_1", step=3, segment=1, agent="ag_li", to="ag_zhao", reason="customer_asked"):
    return TakeOverContact(contact_id, step, segment, agent, to, "us_zhao", reason)


@pytest.fixture
def talking(routing):
    """Li talks to ct_1; Zhao's desk is there, and takes no contacts."""
    routing.queue(wrap_up_mode=WrapUpMode.TIMED)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    assert routing.connect("ct_1") == "ag_li"
    routing.agent("ag_zhao", ready=False)
    routing.do(OpenAgentSession("ag_zhao", "pe_1", "se_zhao"))
    routing.wait(60)
    return routing


def work_of(routing, agent_id):
    return [(work.contact_id, work.state) for work in routing.domain.agent(agent_id).work]


def test_one_agent_wraps_up_and_the_other_has_the_contact_in_one_step(talking):
    events = talking.do(take_over())
    assert [type(event) for event in events] == [ContactReleased, ContactTakenOver]
    assert (events[0].agent_id, events[0].wrap_up, events[0].desk_lost) == ("ag_li", True, False)
    assert events[1] == ContactTakenOver(
        "ct_1", 3, "qu_sales", 1, 2, "ag_zhao", "ag_li", supervisor_id="us_zhao", reason="customer_asked"
    )
    assert work_of(talking, "ag_li") == [("ct_1", WorkState.WRAP_UP)]
    assert work_of(talking, "ag_zhao") == [("ct_1", WorkState.CONNECTED)]
    contact = talking.domain.contact("ct_1")
    assert (contact.stage, contact.agent_id, contact.offer_no) == (Stage.CONNECTED, "ag_zhao", 2)


def test_the_segment_that_was_answered_is_answered_once(talking):
    talking.do(take_over())
    talking.end("ct_1", step=4)
    queue = talking.domain.queue("qu_sales")
    assert (queue.entered_total, queue.answered_total, queue.abandoned_total, queue.connected) == (1, 1, 0, 0)


def test_both_wrap_up_in_the_end(talking):
    talking.do(take_over())
    talking.end("ct_1", step=4)
    assert work_of(talking, "ag_zhao") == [("ct_1", WorkState.WRAP_UP)]
    talking.do(FinishWrapUp("ag_zhao", "ct_1", ""))
    talking.do(FinishWrapUp("ag_li", "ct_1", ""))
    assert work_of(talking, "ag_zhao") == work_of(talking, "ag_li") == []


def test_whom_it_was_taken_from_reads_who_has_it(talking):
    talking.do(take_over())
    view = agent_view(talking.state, "tn_demo", "ag_li", talking.now)
    assert (view.taken_contact_id, view.taken_by_agent_id) == ("ct_1", "ag_zhao")
    other = agent_view(talking.state, "tn_demo", "ag_zhao", talking.now)
    assert (other.taken_contact_id, other.taken_by_agent_id) == ("", "")


def test_who_has_less_to_do_is_offered_the_next_contact(talking):
    talking.queue(wrap_up_mode=WrapUpMode.NONE)
    talking.enqueue("ct_2")
    events = talking.do(take_over())
    [offered] = [event for event in events if isinstance(event, ContactOffered)]
    assert (offered.contact_id, offered.agent_id) == ("ct_2", "ag_li")


def test_neither_skills_nor_a_break_keep_a_supervisor_from_it(talking):
    talking.queue(requirements=(SkillRequirement("sales", 3),))
    talking.do(SetIntent("ag_zhao", Intent.BREAK, "short"))
    assert [type(event) for event in talking.do(take_over())] == [ContactReleased, ContactTakenOver]


def test_it_needs_a_desk_room_and_a_contact_that_is_connected_there(talking):
    assert talking.refusal(take_over(agent="ag_wang")) == "Rejection: ContactNotConnected"
    assert talking.refusal(take_over(segment=2)) == "Rejection: ContactNotConnected"
    assert talking.refusal(take_over(to="ag_nobody")) == "NotFound: unknown agent ag_nobody"
    talking.do(CloseAgentSession("ag_zhao", "se_zhao"))
    assert talking.refusal(take_over()) == "Rejection: AgentNotConnected"
    talking.agent("ag_zhao")
    talking.enqueue("ct_2")
    assert talking.refusal(take_over()) == "Rejection: AgentHasNoRoom", "it rings there"
    talking.end("ct_1", step=4)
    assert talking.refusal(take_over(step=5)) == "Rejection: ContactAlreadyEnded", "it is wrapped up"


def test_who_still_wraps_up_an_earlier_part_of_it_does_not_get_it(talking):
    talking.do(take_over())
    assert talking.refusal(take_over(step=4, agent="ag_zhao", to="ag_li")) == "Rejection: AgentHasNoRoom"
    talking.agent("ag_li", chats=2)
    talking.do(FinishWrapUp("ag_li", "ct_1", ""))
    assert talking.do(take_over(step=4, agent="ag_zhao", to="ag_li"))


def test_the_command_says_who_and_why(talking):
    assert talking.refusal(take_over(reason="")) == "Invalid: reason: must be set"
    assert "reason: must match" in talking.refusal(take_over(reason="He was rude"))
    assert talking.refusal(take_over(to="ag_li")) == "Invalid: to_agent_id: must be another agent"


def test_a_repeated_step_changes_nothing_and_an_older_one_is_stale(talking):
    talking.do(take_over())
    assert talking.do(take_over()) == []
    assert talking.refusal(take_over(step=1)) == "Rejection: StaleStep"


def test_a_call_about_which_a_colleague_is_asked_stays(talking):
    talking.agent("ag_wang")
    talking.do(ConsultAgent("ct_1", 3, 1, "ag_li", "ag_wang"))
    assert talking.refusal(take_over(step=4)) == "Rejection: ConsultationUnderWay"


def test_a_parked_chat_is_taken_over_and_uses_units_again(routing):
    routing.queue(wrap_up_mode=WrapUpMode.NONE, chat_parking_duration=timedelta(minutes=5))
    routing.agent("ag_li")
    routing.chat("ct_1")
    routing.connect("ct_1")
    routing.do(ParkContact("ct_1", 3, 1, "ag_li"))
    routing.agent("ag_zhao", ready=False)
    routing.do(OpenAgentSession("ag_zhao", "pe_1", "se_zhao"))
    events = routing.do(take_over(step=4))
    assert [type(event) for event in events] == [ContactReleased, ContactTakenOver]
    [work] = routing.domain.agent("ag_zhao").work
    assert (work.state, work.parked_since, work.channel) == (WorkState.CONNECTED, None, Channel.CHAT)


def test_who_has_it_now_may_give_it_on(talking):
    talking.do(take_over())
    talking.queue("qu_help")
    talking.agent("ag_wang")
    talking.do(TransferContact("ct_1", 4, 1, "ag_zhao", "qu_help"))
    assert talking.domain.contact("ct_1").segment_no == 2


def test_a_supervisor_sees_whom_an_agent_talks_to(talking):
    [work] = connected_at(talking.domain, "ag_li")
    assert (work.contact_id, work.channel) == ("ct_1", Channel.VOICE)
    talking.agent("ag_wang")
    talking.do(ConsultAgent("ct_1", 3, 1, "ag_li", "ag_wang"))
    assert connected_at(talking.domain, "ag_wang") == [], "a colleague who is asked does not have it"
    assert connected_at(talking.domain, "ag_zhao") == []
