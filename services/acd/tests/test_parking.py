"""Rule 2, parking: a chat whose customer is silent uses no units, and goes on when the customer writes."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_acd.application.views import agent_view
from trunkline_acd.domain import policy
from trunkline_acd.domain.agents import idle_at
from trunkline_acd.domain.commands import (
    AcceptOffer,
    CloseAgentSession,
    EndContact,
    EnqueueContact,
    FinishWrapUp,
    OpenAgentSession,
    ParkContact,
    RearmAgent,
    ReportConnected,
    ResumeContact,
    SetIntent,
    TransferContact,
    UnparkContact,
)
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import (
    ContactEnqueued,
    ContactParked,
    ContactReleased,
    ContactResumed,
    CustomerReturned,
    IntentChanged,
)
from trunkline_acd.domain.waiting_reasons import waiting_reasons
from trunkline_acd.domain.words import Intent, WorkState
from trunkline_core.errors import TrunklineError
from trunkline_core.routing import ChannelUse, QueueLimit, WrapUpMode

MINUTES = timedelta(minutes=1)
MIXED = (ChannelUse(Channel.VOICE, 1, 1), ChannelUse(Channel.CHAT, 1, 1))  # a call beside one chat


@pytest.fixture
def desk(routing: Any) -> Any:
    """One agent with one chat of a queue that parks."""
    routing.queue(chat_parking_duration=10 * MINUTES)
    routing.agent("ag_li")
    routing.chat("ct_1")
    routing.connect("ct_1")
    return routing


def park(routing: Any, contact_id: str, step: int = 3) -> list[Any]:
    contact = routing.domain.contact(contact_id)
    return routing.do(ParkContact(contact_id, step, contact.segment_no, contact.agent_id))


def write(routing: Any, contact_id: str, step: int = 4) -> list[Any]:
    """The customer of a parked chat writes."""
    contact = routing.domain.contact(contact_id)
    return routing.do(ResumeContact(contact_id, step, contact.segment_no, contact.agent_id))


def parked_and_full(routing: Any) -> None:
    """The agent's only chat is parked, and another one takes its place."""
    park(routing, "ct_1")
    routing.chat("ct_2")
    routing.connect("ct_2")


# -- parking ---------------------------------------------------------------------------------------


def test_chat_enters_with_the_parking_of_its_queue_and_a_call_with_none(routing):
    routing.queue(chat_parking_duration=10 * MINUTES)
    assert routing.chat("ct_1")[0].parking_duration == 10 * MINUTES
    assert routing.enqueue("ct_2")[0].parking_duration == timedelta(0)


def test_parked_chat_stays_with_its_agent_who_is_offered_the_next_contact_at_once(desk, offered):
    desk.chat("ct_2")
    events = park(desk, "ct_1")
    assert events[0] == ContactParked("ct_1", 3, 1, "ag_li")
    assert offered(events) == [("ct_2", "ag_li")]
    assert events[1].explanation.trigger == "ChatParked"
    contact = desk.domain.contact("ct_1")
    assert (contact.stage, contact.agent_id) == (Stage.CONNECTED, "ag_li")


def test_call_needs_no_active_chat_and_parked_ones_do_not_count(desk, offered):
    park(desk, "ct_1")
    assert offered(desk.enqueue("ct_call")) == [("ct_call", "ag_li")]


def test_repeated_parking_changes_nothing_and_a_late_one_is_refused(desk):
    park(desk, "ct_1")
    assert park(desk, "ct_1") == []
    write(desk, "ct_1")
    assert "StaleStep" in desk.refusal(ParkContact("ct_1", 3, 1, "ag_li"))


@pytest.mark.parametrize(
    ("command", "rule"),
    [
        (ParkContact("ct_1", 3, 2, "ag_li"), "ContactNotConnected"),
        (ParkContact("ct_1", 3, 1, "ag_wang"), "ContactNotConnected"),
        (ResumeContact("ct_1", 3, 1, "ag_li"), "ContactNotParked"),
        (ResumeContact("ct_1", 3, 1, "ag_wang"), "ContactNotConnected"),
        (ParkContact("ct_over", 10, 1, "ag_li"), "ContactAlreadyEnded"),
    ],
)
def test_what_is_not_so_any_more_is_refused(desk, command, rule):
    desk.end("ct_over")
    assert rule in desk.refusal(command)


def test_parked_chat_is_not_parked_again(desk):
    park(desk, "ct_1")
    assert "ContactAlreadyParked" in desk.refusal(ParkContact("ct_1", 4, 1, "ag_li"))


def test_call_and_chat_of_a_queue_without_parking_are_never_parked(desk):
    desk.queue(chat_parking_duration=timedelta(0))
    assert "ParkingOff" in desk.refusal(ParkContact("ct_1", 3, 1, "ag_li"))
    desk.queue(chat_parking_duration=10 * MINUTES)
    desk.end("ct_1")
    desk.enqueue("ct_call")
    desk.connect("ct_call")
    assert "ParkingOff" in desk.refusal(ParkContact("ct_call", 3, 1, "ag_li"))


def test_agent_has_a_bounded_number_of_parked_chats_with_those_that_are_wrapped_up(routing):
    routing.queue(chat_parking_duration=10 * MINUTES, wrap_up_mode=WrapUpMode.UNTIMED)
    routing.agent("ag_li")
    for number in range(policy.MAX_PARKED_PER_AGENT):
        routing.chat(f"ct_{number}")
        routing.connect(f"ct_{number}")
        park(routing, f"ct_{number}")
    routing.end("ct_0")
    routing.chat("ct_more")
    routing.connect("ct_more")
    more = ParkContact("ct_more", 3, 1, "ag_li")
    assert "TooManyParked" in routing.refusal(more)
    routing.do(FinishWrapUp("ag_li", "ct_0", ""))
    assert routing.do(more)


def test_agent_with_parked_chats_alone_idles_and_their_end_takes_no_idle_time_away(desk):
    park(desk, "ct_1")
    desk.wait(60)
    assert idle_at(desk.domain.agent("ag_li"), desk.now) == timedelta(seconds=60)
    desk.end("ct_1")
    assert idle_at(desk.domain.agent("ag_li"), desk.now) == timedelta(seconds=60)


def test_parked_chats_stand_apart_in_the_agents_row_and_view(desk):
    park(desk, "ct_1")
    (row,) = desk.rows[0].agents
    assert (row.connected, row.parked) == (0, 1)
    (item,) = agent_view(desk.state, "tn_demo", "ag_li", desk.now).work
    assert (item.state, item.parked_time, item.customer_waits_time) == (WorkState.CONNECTED, desk.now, None)


# -- the customer is back --------------------------------------------------------------------------


def test_customer_who_writes_again_has_the_agent_at_once_where_there_is_room(desk):
    park(desk, "ct_1")
    assert write(desk, "ct_1") == [ContactResumed("ct_1", 4, 1, "ag_li")]
    assert write(desk, "ct_1") == [], "repeated"
    assert desk.domain.agent("ag_li").count(WorkState.CONNECTED) == 1


def test_customer_waits_while_the_agent_is_full_and_has_the_next_room_before_anybody(desk, kinds_of):
    parked_and_full(desk)
    assert write(desk, "ct_1") == [CustomerReturned("ct_1", 4, 1, "ag_li", desk.now + 2 * MINUTES)]
    desk.chat("ct_3", urgency=1000)
    assert kinds_of(desk.end("ct_2")) == ["ContactReleased", "ContactForgotten", "ContactResumed"]
    assert desk.domain.contact("ct_3").stage is Stage.WAITING
    assert "CustomerReturned" not in kinds_of(desk.wait(300)), "the wait is over"


def test_agent_whose_customer_waits_is_offered_nothing_else_and_the_explanation_says_so(routing):
    routing.queue(chat_parking_duration=10 * MINUTES)
    routing.agent("ag_li", units=2, channels=MIXED)
    routing.chat("ct_1")
    routing.connect("ct_1")
    parked_and_full(routing)
    write(routing, "ct_1")
    routing.enqueue("ct_call")
    contact = routing.domain.contact("ct_call")
    assert contact.stage is Stage.WAITING
    (obstacle,) = waiting_reasons(routing.state, "tn_demo", contact, routing.now).obstacles
    assert obstacle.reason == "KeptForParkedChat"
    routing.end("ct_2")
    assert routing.domain.contact("ct_call").stage is Stage.OFFERED, "room for a call is left beside the chat"


def test_customer_waits_for_the_agent_as_long_as_the_queue_holds_contacts(desk):
    desk.queue(chat_parking_duration=10 * MINUTES, affinity_duration=timedelta(seconds=40))
    parked_and_full(desk)
    (returned,) = write(desk, "ct_1")
    assert returned.held_until_time == desk.now + timedelta(seconds=40)


def test_customer_for_whom_no_room_comes_goes_back_into_the_queue_with_its_age(desk, kinds_of, offered):
    parked_and_full(desk)
    write(desk, "ct_1")
    desk.agent("ag_wang", ready=False)
    desk.wait(119)
    desk.do(OpenAgentSession("ag_wang", "pe_1", "se_2"))
    desk.do(SetIntent("ag_wang", Intent.AVAILABLE, ""), actor="agent:ag_wang")
    events = desk.wait(1)
    assert kinds_of(events) == ["ContactReleased", "ContactEnqueued", "ContactOffered"]
    assert events[0].parked_duration == 2 * MINUTES
    assert not events[0].wrap_up
    entered = events[1]
    assert (entered.segment_no, entered.preferred_agent_id, entered.step_no) == (2, "ag_li", 4)
    assert entered.aged_since_time == desk.at(0)
    assert offered(events) == [("ct_1", "ag_wang")]
    assert desk.domain.contact("ct_1").entered_time == desk.now, "its wait begins anew"


def test_customer_goes_back_into_a_full_queue_in_which_others_wait(desk, kinds_of):
    """It was let in before; newcomers would take every place that is freed."""
    desk.queue(chat_parking_duration=10 * MINUTES, max_waiting=1)
    parked_and_full(desk)
    desk.wait(1)
    desk.chat("ct_3")
    write(desk, "ct_1")
    assert kinds_of(desk.wait(121)) == ["ContactReleased", "ContactEnqueued"]
    desk.end("ct_2")
    assert desk.domain.contact("ct_1").agent_id == "ag_li", "it is the older one"


def test_customer_at_the_limit_of_the_queue_is_not_in_its_own_way(routing, kinds_of):
    routing.queue(chat_parking_duration=10 * MINUTES, max_per_customer=1)
    routing.agent("ag_li")
    routing.chat("ct_1", customer="cu_1")
    routing.connect("ct_1")
    park(routing, "ct_1")
    routing.agent("ag_wu")
    routing.do(SetIntent("ag_li", Intent.OFFLINE, ""), actor="agent:ag_li")
    assert kinds_of(write(routing, "ct_1")) == ["ContactReleased", "ContactEnqueued", "ContactOffered"]
    assert routing.domain.contact("ct_1").agent_id == "ag_wu"


def test_customer_who_comes_back_to_a_queue_without_staff_leaves_as_those_did_who_waited(routing):
    routing.queue(chat_parking_duration=10 * MINUTES, unstaffed=QueueLimit(timedelta(seconds=30), ""))
    routing.agent("ag_li", chats=6)
    for number in range(6):
        routing.chat(f"ct_{number}")
        routing.connect(f"ct_{number}")
        park(routing, f"ct_{number}")
    routing.do(SetIntent("ag_li", Intent.OFFLINE, ""), actor="agent:ag_li")
    routing.wait(31)
    for number in range(6):
        write(routing, f"ct_{number}")
    stages = {contact.stage for contact in routing.domain.contacts.values()}
    assert stages == {Stage.ENDED}
    assert routing.wait(3600) == [], "nothing is tried again and again"


def test_agent_whose_desk_is_gone_takes_nothing_up(desk):
    park(desk, "ct_1")
    desk.do(SetIntent("ag_li", Intent.BREAK, ""), actor="agent:ag_li")
    desk.do(CloseAgentSession("ag_li", "se_ag_li"))
    assert desk.refusal(UnparkContact("ag_li", "ct_1")) == "Rejection: AgentNotConnected"


def test_no_more_than_a_few_customers_wait_for_one_agent_and_the_next_goes_into_the_queue(routing, kinds_of):
    routing.queue(chat_parking_duration=10 * MINUTES)
    routing.agent("ag_li")
    names = [f"ct_{number}" for number in range(policy.MAX_HELD_PER_AGENT + 1)]
    for name in names:
        routing.chat(name)
        routing.connect(name)
        park(routing, name)
    routing.chat("ct_last")
    routing.connect("ct_last")
    assert [kinds_of(write(routing, name))[0] for name in names] == ["CustomerReturned"] * 4 + ["ContactReleased"]


def test_customer_who_waits_longest_has_the_room(desk):
    park(desk, "ct_1")
    for name in ("ct_2", "ct_3"):
        desk.chat(name)
        desk.connect(name)
        if name == "ct_2":
            park(desk, name)
    write(desk, "ct_2")
    desk.wait(1)
    write(desk, "ct_1")
    assert ContactResumed("ct_2", 0, 1, "ag_li") in desk.end("ct_3")


def test_second_word_of_a_customer_who_waits_does_not_lengthen_the_wait(desk):
    parked_and_full(desk)
    write(desk, "ct_1")
    assert "CustomerAlreadyWaits" in desk.refusal(ResumeContact("ct_1", 5, 1, "ag_li"))


# -- the agent's wish ------------------------------------------------------------------------------


def test_agent_takes_a_parked_chat_up_where_there_is_room_and_is_refused_otherwise(desk):
    park(desk, "ct_1")
    unpark = UnparkContact("ag_li", "ct_1")
    assert desk.do(unpark, actor="agent:ag_li") == [ContactResumed("ct_1", 0, 1, "ag_li")]
    assert desk.do(unpark, actor="agent:ag_li") == []
    parked_again = ParkContact("ct_1", 4, 1, "ag_li")
    desk.do(parked_again)
    desk.chat("ct_2")
    assert "AgentHasNoRoom" in desk.refusal(unpark, actor="agent:ag_li")
    desk.agent("ag_wang")
    assert "ContactNotConnected" in desk.refusal(UnparkContact("ag_wang", "ct_1"), actor="agent:ag_wang")
    assert "NotFound" in desk.refusal(unpark, actor="agent:ag_wang")


# -- breaks and ends -------------------------------------------------------------------------------


def test_parked_chats_keep_no_agent_from_the_break_that_is_to_follow_the_work(desk):
    desk.do(SetIntent("ag_li", Intent.BREAK, "", when_free=True), actor="agent:ag_li")
    events = park(desk, "ct_1")
    assert IntentChanged("ag_li", Intent.BREAK, "") in events


def test_parked_chats_survive_a_break_and_their_customers_wait_for_its_end(desk, kinds_of):
    park(desk, "ct_1")
    desk.do(SetIntent("ag_li", Intent.BREAK, ""), actor="agent:ag_li")
    assert kinds_of(write(desk, "ct_1")) == ["CustomerReturned"]
    back = desk.do(SetIntent("ag_li", Intent.AVAILABLE, ""), actor="agent:ag_li")
    assert kinds_of(back) == ["IntentChanged", "ContactResumed"]


def test_customer_of_an_agent_who_signed_out_goes_into_the_queue_when_writing(desk, kinds_of):
    park(desk, "ct_1")
    signed_out = desk.do(SetIntent("ag_li", Intent.OFFLINE, ""), actor="agent:ag_li")
    assert kinds_of(signed_out) == ["IntentChanged"]
    assert kinds_of(write(desk, "ct_1")) == ["ContactReleased", "ContactEnqueued"]


def test_customer_who_waits_for_an_agent_who_signs_out_goes_into_the_queue_at_once(desk, kinds_of):
    parked_and_full(desk)
    write(desk, "ct_1")
    signed_out = desk.do(SetIntent("ag_li", Intent.OFFLINE, ""), actor="agent:ag_li")
    assert kinds_of(signed_out) == ["IntentChanged", "ContactReleased", "ContactEnqueued"]


def test_parked_chat_outlives_the_desk_and_ends_without_a_wrap_up_there(routing, kinds_of):
    routing.queue(chat_parking_duration=10 * MINUTES, wrap_up_mode=WrapUpMode.UNTIMED)
    routing.agent("ag_li")
    for name in ("ct_1", "ct_2"):
        routing.chat(name)
        routing.connect(name)
        park(routing, name)
    routing.do(CloseAgentSession("ag_li", "se_ag_li"))
    assert kinds_of(routing.wait(30)) == ["AgentDisconnected"]
    assert kinds_of(routing.end("ct_1")) == ["ContactReleased", "ContactForgotten"]
    assert kinds_of(write(routing, "ct_2")) == ["ContactReleased", "ContactEnqueued"]
    assert not routing.domain.agent("ag_li").work


def test_wrap_up_of_a_parked_chat_uses_no_units(routing):
    routing.queue(chat_parking_duration=10 * MINUTES, wrap_up_mode=WrapUpMode.TIMED)
    routing.agent("ag_li")
    routing.chat("ct_1")
    routing.connect("ct_1")
    parked_and_full(routing)
    released = routing.end("ct_1")[0]
    assert isinstance(released, ContactReleased) and released.wrap_up
    assert routing.domain.agent("ag_li").work_on("ct_1").state is WorkState.WRAP_UP
    assert not routing.domain.agent("ag_li").count(WorkState.WRAP_UP)
    routing.wait(30)
    assert routing.domain.agent("ag_li").work_on("ct_1") is None


def test_parked_time_of_the_whole_segment_is_told_at_its_end(desk):
    park(desk, "ct_1")
    desk.wait(60)
    write(desk, "ct_1")
    desk.wait(100)
    park(desk, "ct_1", step=5)
    desk.wait(30)
    released = desk.end("ct_1")[0]
    assert released.parked_duration == timedelta(seconds=90)
    assert released.segment_no == 1


def test_parked_chat_whose_customer_waits_may_be_given_on(desk):
    parked_and_full(desk)
    write(desk, "ct_1")
    events = desk.do(TransferContact("ct_1", 5, 1, "ag_li", "qu_sales"))
    assert isinstance(events[1], ContactEnqueued)
    assert desk.domain.contact("ct_1").stage is Stage.WAITING


# -- any history -----------------------------------------------------------------------------------

CHATS = ("ct_1", "ct_2", "ct_3", "ct_4")
AGENTS = ("ag_1", "ag_2")
WRAP_UPS = (WrapUpMode.NONE, WrapUpMode.TIMED)


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.integers(0, 10_000), min_size=20, max_size=90),
    st.booleans(),
    st.sampled_from(WRAP_UPS),
)
def test_nobody_is_above_capacity_units_return_once_and_no_customer_who_is_back_is_lost(
    new_routing, choices, is_mixed, wrap_up
):
    """`Books` checks the first two after every command, by the events alone."""
    routing = new_routing()
    limit = QueueLimit(timedelta(seconds=4), "")
    routing.queue(chat_parking_duration=10 * MINUTES, wrap_up_mode=wrap_up, max_waiting=2, unstaffed=limit)
    for agent_id in AGENTS:
        routing.agent(agent_id, chats=1, units=2 if is_mixed else 0, channels=MIXED if is_mixed else ())
    back: Counter[str] = Counter()
    for step, choice in enumerate(choices, start=10):
        possible = [*of_contacts(routing, step), *of_agents(routing, step), None, None]
        command = possible[choice % len(possible)]
        events = routing.wait((1, 5, 30, 130)[choice % 4]) if command is None else done(routing, command)
        for event in events:
            if isinstance(event, CustomerReturned):
                back[event.contact_id] = 1
            elif isinstance(event, (ContactResumed, ContactReleased)):
                back[event.contact_id] = 0
        for contact_id, is_back in back.items():
            contact = routing.domain.contacts.get(contact_id)
            assert not is_back or (contact and contact.held_for), "whoever waits is looked after"
    for contact in list(routing.domain.contacts.values()):
        routing.end(contact.contact_id, step=1000)
    routing.wait(3600)
    assert all(not agent.work for agent in routing.domain.agents.values())


def done(routing: Any, command: Any) -> list[Any]:
    try:
        return routing.do(command)
    except TrunklineError:
        return []


def of_contacts(routing: Any, step: int) -> list[Any]:
    """What customers and channels could do now; parking and writing more often than anything else."""
    found: list[Any] = []
    for contact_id in (*CHATS, "ct_call"):
        contact = routing.domain.contacts.get(contact_id)
        channel = Channel.VOICE if contact_id == "ct_call" else Channel.CHAT
        if contact is None:
            found += [] if contact_id in routing.domain.tombstones else [entry(contact_id, channel, step)]
        elif contact.stage is Stage.OFFERED:
            found += [accepted(contact)] * 2
        elif contact.stage is Stage.CONNECTING:
            found += [joined(contact, step)] * 2
        elif contact.stage is Stage.CONNECTED:
            on = (contact_id, step, contact.segment_no, contact.agent_id)
            found += [ParkContact(*on)] * 3 + [ResumeContact(*on)] * 4 + [UnparkContact(contact.agent_id, contact_id)]
            found += [TransferContact(*on, "qu_sales")] if step % 5 == 0 else []
            found += [EndContact(contact_id, step, "customer_left")] if step % 4 == 0 else []
    return found


def entry(contact_id: str, channel: Channel, step: int) -> Any:
    return EnqueueContact(contact_id, step, "qu_sales", channel, 0, 0, ())


def accepted(contact: Any) -> Any:
    return AcceptOffer(contact.agent_id, contact.contact_id, contact.offer_no)


def joined(contact: Any, step: int) -> Any:
    return ReportConnected(contact.contact_id, step, contact.segment_no, contact.offer_no)


def of_agents(routing: Any, step: int) -> list[Any]:
    """What agents could do now."""
    found: list[Any] = []
    for agent in routing.domain.agents.values():
        intent = (Intent.BREAK, Intent.AVAILABLE, Intent.AVAILABLE, Intent.OFFLINE)[step % 4]
        found.append(SetIntent(agent.agent_id, intent, "", when_free=step % 3 == 0))
        found.append(RearmAgent(agent.agent_id))
        if step % 3 == 1:
            found.append(CloseAgentSession(agent.agent_id, agent.session_id))
        found.append(OpenAgentSession(agent.agent_id, "pe_1", f"se_{step}"))
    return found
