"""A connected contact goes on in another queue, or at another agent (rule 19)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from trunkline_acd.domain.commands import CloseAgentSession, FinishWrapUp, PutQueue, SetIntent, TransferContact
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactEnqueued, ContactOffered, ContactReleased, SegmentEnded
from trunkline_acd.domain.policy import MAX_HELD_PER_AGENT, NAMED_HOLD
from trunkline_acd.domain.words import Intent, Preference, WorkState
from trunkline_core.routing import ChannelUse, QueueLimit, SkillRequirement, WrapUpMode


def transfer(contact_id="ct_1", step=3, segment=1, agent="ag_li", queue="qu_help", preferred=""):
    return TransferContact(contact_id, step, segment, agent, queue, preferred)


def entered_in(events):
    [entered] = [event for event in events if isinstance(event, ContactEnqueued)]
    return entered


@pytest.fixture
def talking(routing):
    """Li talks to ct_1, which came 10 s before anybody was there; Wang helps."""
    routing.queue(wrap_up_mode=WrapUpMode.TIMED)
    routing.queue("qu_help", requirements=(SkillRequirement("help", 1),))
    routing.enqueue("ct_1")
    routing.wait(10)
    routing.agent("ag_li")
    assert routing.connect("ct_1") == "ag_li"
    routing.wait(60)
    return routing


def test_the_agent_wraps_up_and_the_next_segment_opens_in_one_step(talking):
    talking.agent("ag_wang", ("help", 2))
    events = talking.do(transfer())
    assert [type(event) for event in events] == [ContactReleased, ContactEnqueued, ContactOffered]
    entered = entered_in(events)
    assert (entered.queue_id, entered.segment_no, entered.step_no) == ("qu_help", 2, 3)
    assert entered.requirements == (SkillRequirement("help", 1),)
    assert entered.transferred_by_agent_id == "ag_li"
    assert events[-1].agent_id == "ag_wang"
    assert events[-1].explanation.trigger == "ContactTransferred"
    [work] = talking.domain.agent("ag_li").work
    assert work.state is WorkState.WRAP_UP


def test_the_answered_segment_does_not_end_again_and_each_counts_once(talking):
    events = talking.do(transfer())
    assert not any(isinstance(event, SegmentEnded) for event in events)
    talking.agent("ag_wang", ("help", 2))
    talking.accept("ct_1")
    talking.connected("ct_1", step=4)
    talking.end("ct_1", step=5)
    for queue_id in ("qu_sales", "qu_help"):
        queue = talking.domain.queue(queue_id)
        assert (queue.entered_total, queue.answered_total, queue.abandoned_total) == (1, 1, 0)


def test_it_keeps_its_age_for_priority_and_its_wait_begins_anew(talking):
    entered = entered_in(talking.do(transfer()))
    assert entered.aged_since_time == talking.at(0)
    talking.enqueue("ct_other", "qu_help")
    talking.wait(5)
    talking.agent("ag_wang", ("help", 1))
    assert talking.domain.agent("ag_wang").work[0].contact_id == "ct_1"
    talking.accept("ct_1")
    talking.connected("ct_1", step=4)
    assert talking.domain.queue("qu_help").answered_wait == timedelta(seconds=5)


def test_a_repeated_transfer_changes_nothing(talking):
    talking.do(transfer())
    assert talking.do(transfer()) == []


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (transfer(queue="qu_none"), "NotFound: unknown queue qu_none"),
        (transfer(queue=""), "Invalid: queue_id: must have 1 to 128 characters"),
        (transfer(preferred="a/b"), "Invalid: preferred_agent_id: must not have a slash"),
        (transfer(agent="ag_wang"), "Rejection: ContactNotConnected"),
        (transfer(segment=2), "Rejection: ContactNotConnected"),
        (transfer(contact_id="ct_none"), "NotFound: unknown contact ct_none"),
        (transfer(step=1), "Rejection: StaleStep"),
        (transfer(queue="qu_full"), "Rejection: QueueFull"),
        (transfer(queue="qu_empty"), "Rejection: NobodySignedIn"),
    ],
)
def test_a_refused_transfer_leaves_it_connected(talking, command, refusal):
    talking.queue("qu_full", max_waiting=1, requirements=(SkillRequirement("nobody", 1),))
    talking.enqueue("ct_waits", "qu_full")
    talking.queue("qu_empty", unstaffed=QueueLimit(timedelta(0), ""), requirements=(SkillRequirement("nobody", 1),))
    talking.wait(1)
    assert talking.refusal(command) == refusal
    contact = talking.domain.contact("ct_1")
    assert (contact.stage, contact.agent_id, contact.segment_no) == (Stage.CONNECTED, "ag_li", 1)


def test_of_another_tenant_there_is_no_such_contact(talking):
    """Ledger rule 20."""
    talking.do(PutQueue(talking.domain.queue("qu_help").definition), tenant="tn_other")
    assert talking.refusal(transfer(), tenant="tn_other") == "NotFound: unknown contact ct_1"


def test_one_that_is_over_or_waits_cannot_be_given_on(talking):
    talking.enqueue("ct_waits")
    assert talking.refusal(transfer("ct_waits")) == "Rejection: ContactNotConnected"
    talking.end("ct_1", step=3)
    assert talking.refusal(transfer(step=4)) == "Rejection: ContactAlreadyEnded"


def test_who_gave_it_on_is_not_offered_it_while_wrapping_up_and_may_be_afterwards(talking):
    talking.agent("ag_li", ("help", 1), chats=4)
    talking.do(transfer())
    talking.wait(29)
    assert talking.domain.contact("ct_1").stage is Stage.WAITING
    events = talking.do(FinishWrapUp("ag_li", "ct_1", ""))
    assert [event.agent_id for event in events if isinstance(event, ContactOffered)] == ["ag_li"]


def test_without_a_wrap_up_the_exclusion_after_a_miss_holds(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    entered = entered_in(routing.do(transfer(queue="qu_sales")))
    assert entered.excluded_until_time == routing.at(30)
    assert routing.wait(29.9) == []
    [_, offered] = routing.wait(0.2)
    assert isinstance(offered, ContactOffered)


def test_who_wraps_up_an_earlier_part_is_not_offered_what_comes_back(talking):
    talking.queue("qu_help", wrap_up_mode=WrapUpMode.UNTIMED, requirements=())
    talking.agent("ag_wang")
    talking.do(transfer())
    talking.accept("ct_1")
    talking.connected("ct_1", step=4)
    assert talking.domain.contact("ct_1").agent_id == "ag_wang"
    talking.do(transfer(step=5, segment=2, agent="ag_wang", queue="qu_sales"))
    assert talking.domain.contact("ct_1").excluded == {"ag_li", "ag_wang"}
    talking.do(FinishWrapUp("ag_wang", "ct_1", ""))
    assert talking.domain.contact("ct_1").agent_id == "ag_wang"


def test_it_is_held_for_a_preferred_agent_who_is_busy_for_as_long_as_the_queue_says(talking):
    talking.agent("ag_wang")
    talking.enqueue("ct_2")
    assert talking.connect("ct_2") == "ag_wang"
    talking.queue("qu_help", affinity_duration=timedelta(seconds=20))
    talking.agent("ag_zhao")
    entered = entered_in(talking.do(transfer(preferred="ag_wang")))
    assert entered.held_until_time == talking.now + timedelta(seconds=20)
    talking.wait(19.9)
    assert talking.domain.contact("ct_1").stage is Stage.WAITING, "although Zhao is free"
    talking.wait(0.2)
    assert talking.domain.contact("ct_1").agent_id == "ag_zhao"


def test_it_is_held_for_nobody_who_is_signed_out(talking):
    talking.queue("qu_help", affinity_duration=timedelta(seconds=20))
    talking.agent("ag_wang", ready=False)
    talking.agent("ag_zhao")
    entered = entered_in(talking.do(transfer(preferred="ag_wang")))
    assert entered.held_until_time is None
    assert talking.domain.contact("ct_1").agent_id == "ag_zhao"


def insisting(agent_id):
    return replace(transfer(preferred=agent_id), insist=True)


def test_where_it_is_insisted_on_an_agent_a_queue_without_affinity_holds_it_too(talking):
    talking.agent("ag_wang", ("help", 1))
    talking.enqueue("ct_2")
    assert talking.connect("ct_2") == "ag_wang"
    talking.agent("ag_zhao", ("help", 1))
    entered = entered_in(talking.do(insisting("ag_wang")))
    assert (entered.preference, entered.held_until_time) == (Preference.NAMED, talking.now + NAMED_HOLD)
    assert talking.wait(29.9) == [], "although Zhao is free"
    talking.wait(0.2)
    assert talking.domain.contact("ct_1").agent_id == "ag_zhao"


def test_the_affinity_of_the_queue_is_the_time_also_where_it_is_insisted(talking):
    talking.queue("qu_help", affinity_duration=timedelta(seconds=20))
    talking.agent("ag_wang")
    assert entered_in(talking.do(insisting("ag_wang"))).held_until_time == talking.now + timedelta(seconds=20)


def test_one_who_is_insisted_on_may_be_on_a_break(talking):
    talking.agent("ag_wang", ("help", 1))
    talking.do(SetIntent("ag_wang", Intent.BREAK, ""), actor="agent:ag_wang")
    assert entered_in(talking.do(insisting("ag_wang"))).held_until_time is not None


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        ("unknown", "NotFound: unknown agent ag_none"),
        ("nobody", "Invalid: preferred_agent_id: must have 1 to 128 characters"),
        ("signed out", "Rejection: AgentNotConnected"),
        ("leaving", "Rejection: AgentNotReady"),
        ("unskilled", "Rejection: AgentLacksSkills"),
        ("for chats", "Rejection: AgentHasNoRoom"),
        ("waited for", "Rejection: AgentHasNoRoom"),
        ("oneself", "Rejection: AgentWrapsItUp"),
    ],
)
def test_one_who_cannot_take_it_soon_is_a_refusal_where_it_is_insisted(talking, who, refusal):
    talking.agent("ag_wang", ("help", 1), ready=who != "signed out")
    if who in ("leaving", "waited for"):
        talking.enqueue("ct_2")
        assert talking.connect("ct_2") == "ag_wang"
    if who == "leaving":
        talking.do(SetIntent("ag_wang", Intent.OFFLINE, "", True), actor="agent:ag_wang")
    if who == "waited for":
        talking.queue("qu_sales", affinity_duration=timedelta(minutes=10))
        for number in range(MAX_HELD_PER_AGENT):
            talking.enqueue(f"ct_held_{number}", preferred="ag_wang")
    talking.agent("ag_unskilled")
    talking.agent("ag_chats", ("help", 1), units=4, channels=(ChannelUse(Channel.CHAT, 1),))
    talking.agent("ag_li", ("help", 1))
    named = {
        "unknown": "ag_none",
        "nobody": "",
        "unskilled": "ag_unskilled",
        "for chats": "ag_chats",
        "oneself": "ag_li",
    }.get(who, "ag_wang")
    before = talking.domain.contact("ct_1")
    assert talking.refusal(insisting(named)) == refusal
    assert talking.domain.contact("ct_1") == before


def test_desk_that_is_lost_ends_the_wrap_up_and_the_exclusion_with_it(talking):
    talking.do(transfer())
    assert talking.domain.contact("ct_1").excluded == {"ag_li"}
    talking.do(CloseAgentSession("ag_li", talking.domain.agent("ag_li").session_id))
    talking.wait(31)
    assert talking.domain.contact("ct_1").excluded == frozenset()


@pytest.mark.parametrize("preferred", ["ag_li", "ag_wang"])
def test_it_is_held_for_nobody_who_still_wraps_it_up(talking, preferred):
    """Such an agent is not offered it: holding it for them would only let the customer wait."""
    talking.queue("qu_sales", wrap_up_mode=WrapUpMode.UNTIMED, affinity_duration=timedelta(seconds=20))
    talking.queue("qu_help", wrap_up_mode=WrapUpMode.UNTIMED, affinity_duration=timedelta(seconds=20))
    talking.do(transfer())
    talking.agent("ag_wang", ("help", 2))
    talking.accept("ct_1")
    talking.connected("ct_1", step=4)
    talking.agent("ag_zhao")
    talking.do(transfer(step=5, segment=2, agent="ag_wang", queue="qu_sales", preferred=preferred))
    assert talking.domain.contact("ct_1").agent_id == "ag_zhao"
    assert talking.domain.contact("ct_1").held_for == ""


def test_given_back_without_a_wrap_up_it_may_ring_at_who_had_it_before(routing):
    """The connection in between ended that exclusion, and its timer."""
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    routing.agent("ag_wang")
    routing.do(transfer(queue="qu_sales"))
    routing.accept("ct_1")
    routing.connected("ct_1", step=4)
    assert routing.domain.contact("ct_1").agent_id == "ag_wang"
    routing.wait(10)
    routing.do(transfer(step=5, segment=2, agent="ag_wang", queue="qu_sales"))
    contact = routing.domain.contact("ct_1")
    assert (contact.agent_id, contact.excluded) == ("ag_li", {"ag_wang"})


def test_who_wraps_it_up_is_not_somebody_free_for_whom_no_wait_is_estimated(talking):
    """Rule 14: an estimate is for whoever finds nobody free."""
    talking.agent("ag_li", ("help", 1), units=4, channels=(ChannelUse(Channel.VOICE, 1),))
    talking.queue("qu_help", estimates_waits=True)
    entered = entered_in(talking.do(transfer()))
    assert entered.estimate is not None
