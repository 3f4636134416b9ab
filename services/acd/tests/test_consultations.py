"""The agent who has a call or a chat asks a colleague about it: attended transfer and conference (rule 19)."""

from datetime import timedelta

import pytest
from trunkline_acd.application.views import agent_view
from trunkline_acd.bootstrap import ledger_service
from trunkline_acd.domain.commands import (
    AcceptOffer,
    CloseAgentSession,
    CompleteConsultation,
    ConsultAgent,
    DeclineOffer,
    EndConsultation,
    FinishWrapUp,
    MergeConsultation,
    ParkContact,
    PullContact,
    ReportConsultationConnected,
    ReportConsultationFailed,
    RequeueContact,
    ResumeContact,
    SetIntent,
    TransferContact,
    UnparkContact,
)
from trunkline_acd.domain.contacts import ConsultationStage, Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import (
    AgentNotResponding,
    ConsultationAccepted,
    ConsultationCompleted,
    ConsultationConnected,
    ConsultationEnded,
    ConsultationOffered,
    ContactEnqueued,
    ContactOffered,
    ContactParked,
    ContactReleased,
    ContactResumed,
    CustomerReturned,
    SegmentEnded,
)
from trunkline_acd.domain.supervision import waiting_in
from trunkline_acd.domain.words import ConsultationEndReason, Intent, WorkState
from trunkline_core.routing import ChannelUse, RoutingStrategy, WrapUpMode
from trunkline_testkit.contracts.snapshots import check_snapshot

LI, WANG = "ag_li", "ag_wang"


@pytest.fixture(params=[Channel.VOICE, Channel.CHAT], ids=["call", "chat"])
def talking(routing, request):
    """Li talks to ct_1, or writes with it; Wang is free."""
    lease = timedelta(seconds=20)
    routing.queue(wrap_up_mode=WrapUpMode.TIMED, voice_lease_duration=lease, chat_lease_duration=lease)
    routing.agent(LI)
    routing.enqueue("ct_1", channel=request.param)
    assert routing.connect("ct_1") == LI
    routing.agent(WANG)
    routing.wait(60)
    return routing


@pytest.fixture
def asking(talking):
    """It rings at Wang."""
    talking.do(consult())
    return talking


@pytest.fixture
def consulting(asking):
    """Li and Wang talk, ct_1 is on hold."""
    answer(asking)
    asking.do(ReportConsultationConnected("ct_1", 4, 1, 2))
    return asking


@pytest.fixture
def conference(consulting):
    """All three talk."""
    consulting.do(MergeConsultation("ct_1", 5, 1, LI))
    return consulting


def consult(step=3, agent=LI, colleague=WANG, segment=1):
    return ConsultAgent("ct_1", step, segment, agent, colleague)


def answer(routing, offer_no=2):
    return routing.do(AcceptOffer(WANG, "ct_1", offer_no), actor=f"agent:{WANG}")


def only(events, kind):
    [found] = [event for event in events if isinstance(event, kind)]
    return found


def stage(routing):
    consultation = routing.domain.contact("ct_1").consultation
    return consultation.stage if consultation else None


def states(routing, agent_id):
    return [work.state for work in routing.domain.agent(agent_id).work]


def test_it_rings_at_the_colleague_with_a_lease_and_the_agent_keeps_the_call(talking):
    [offered] = talking.do(consult())
    assert isinstance(offered, ConsultationOffered)
    assert (offered.agent_id, offered.asked_by_agent_id, offered.offer_no) == (WANG, LI, 2)
    assert offered.expires_time == talking.now + timedelta(seconds=20)
    contact = talking.domain.contact("ct_1")
    assert (contact.stage, contact.agent_id, contact.offer_no) == (Stage.CONNECTED, LI, 1)
    view = agent_view(talking.state, talking.domain.tenant, WANG, talking.now)
    assert (view.work[0].asked_by, view.work[0].expires_time, view.explanation) == (LI, offered.expires_time, None)
    assert waiting_in(talking.domain, "qu_sales", 10) == [], "it does not wait in the queue"


def test_who_was_asked_has_no_room_for_another_call_until_it_is_over(asking):
    asking.enqueue("ct_2")
    assert asking.domain.contact("ct_2").stage is Stage.WAITING
    events = asking.do(EndConsultation("ct_1", 4, 1, LI))
    assert only(events, ConsultationEnded).reason is ConsultationEndReason.CANCELLED
    assert only(events, ContactOffered).contact_id == "ct_2"


def test_the_agents_talk_once_the_leg_is_up(asking):
    [accepted] = answer(asking)
    assert isinstance(accepted, ConsultationAccepted)
    assert answer(asking) == [], "said twice"
    [connected] = asking.do(ReportConsultationConnected("ct_1", 4, 1, 2))
    assert isinstance(connected, ConsultationConnected)
    assert stage(asking) is ConsultationStage.TALKING
    assert asking.do(ReportConsultationConnected("ct_1", 4, 1, 2)) == []
    assert asking.wait(3600) == [], "people may talk for as long as they want"


def test_completing_makes_a_new_agent_segment_of_the_same_queue_segment(consulting):
    consulting.wait(10)
    released, completed = consulting.do(CompleteConsultation("ct_1", 5, 1, LI))
    assert isinstance(released, ContactReleased)
    assert (released.agent_id, released.wrap_up, released.desk_lost) == (LI, True, False)
    assert isinstance(completed, ConsultationCompleted)
    assert (completed.agent_id, completed.asked_by_agent_id, completed.segment_no) == (WANG, LI, 1)
    contact = consulting.domain.contact("ct_1")
    assert (contact.stage, contact.agent_id, contact.offer_no) == (Stage.CONNECTED, WANG, 2)
    assert states(consulting, LI) == [WorkState.WRAP_UP]
    [work] = consulting.domain.agent(WANG).work
    assert (work.state, work.asked_by, work.since_time) == (WorkState.CONNECTED, "", consulting.now)
    queue = consulting.domain.queue("qu_sales")
    assert (queue.entered_total, queue.answered_total, queue.connected) == (1, 1, 1)
    assert consulting.do(CompleteConsultation("ct_1", 5, 1, LI)) == [], "said twice"


def test_who_has_it_then_wraps_it_up_alone_and_every_unit_comes_back_once(consulting):
    consulting.do(CompleteConsultation("ct_1", 5, 1, LI))
    events = consulting.end("ct_1")
    assert only(events, ContactReleased).agent_id == WANG
    assert not any(isinstance(event, (SegmentEnded, ConsultationEnded)) for event in events)
    assert states(consulting, WANG) == [WorkState.WRAP_UP]
    for agent_id in (LI, WANG):
        consulting.do(FinishWrapUp(agent_id, "ct_1", ""))
    assert states(consulting, LI) == states(consulting, WANG) == []


def test_who_has_it_then_may_give_it_on(consulting):
    consulting.queue("qu_help")
    consulting.do(CompleteConsultation("ct_1", 5, 1, LI))
    entered = only(consulting.do(TransferContact("ct_1", 6, 1, WANG, "qu_help")), ContactEnqueued)
    assert entered.segment_no == 2


def test_a_colleague_who_was_asked_cannot_take_the_next_offer_with_the_answer_to_that(asking):
    asking.do(EndConsultation("ct_1", 4, 1, LI))
    asking.queue("qu_help")
    offer = only(asking.do(TransferContact("ct_1", 5, 1, LI, "qu_help")), ContactOffered)
    assert (offer.agent_id, offer.offer_no) == (WANG, 3), "no number of an offer comes twice"
    assert asking.refusal(AcceptOffer(WANG, "ct_1", 2)).endswith("OfferNotLive")


def test_who_has_it_then_may_ask_a_third_but_not_who_still_wraps_it_up(consulting):
    consulting.do(CompleteConsultation("ct_1", 5, 1, LI))
    assert consulting.refusal(consult(6, WANG, LI)).endswith("AgentHasNoRoom")
    consulting.agent(LI, channels=(ChannelUse(Channel.VOICE, 1, 2), ChannelUse(Channel.CHAT, 1)), units=2, ready=False)
    assert consulting.refusal(consult(6, WANG, LI)).endswith("AgentWrapsItUp")
    consulting.agent("ag_zhao")
    assert only(consulting.do(consult(6, WANG, "ag_zhao")), ConsultationOffered).offer_no == 3


def test_in_a_conference_the_last_one_has_the_call(conference):
    assert stage(conference) is ConsultationStage.CONFERENCE
    assert conference.do(MergeConsultation("ct_1", 5, 1, LI)) == [], "said twice"
    conference.do(CompleteConsultation("ct_1", 6, 1, LI))
    assert conference.domain.contact("ct_1").agent_id == WANG


def test_a_colleague_who_leaves_a_conference_wraps_nothing_up(conference):
    ended = only(conference.do(EndConsultation("ct_1", 6, 1, WANG)), ConsultationEnded)
    assert (ended.reason, ended.step_no) == (ConsultationEndReason.COLLEAGUE_LEFT, 6)
    assert states(conference, WANG) == []
    assert conference.domain.contact("ct_1").agent_id == LI


def test_declined_it_is_no_miss_and_nobody_is_excluded(asking):
    events = asking.do(DeclineOffer(WANG, "ct_1", 2), actor=f"agent:{WANG}")
    assert only(events, ConsultationEnded).reason is ConsultationEndReason.DECLINED
    assert asking.refusal(AcceptOffer(WANG, "ct_1", 2)) == "Rejection: OfferNotLive"
    assert only(asking.do(consult(4)), ConsultationOffered).offer_no == 3, "asked again"


@pytest.mark.parametrize("late", [AcceptOffer, DeclineOffer])
def test_answered_after_the_lease_it_is_refused_also_before_its_timer_fires(asking, late):
    asking.now += timedelta(seconds=20)
    assert asking.refusal(late(WANG, "ct_1", 2)) == "Rejection: OfferNotLive"
    assert only(asking.wait(0), ConsultationEnded).reason is ConsultationEndReason.EXPIRED


def test_unanswered_it_is_no_miss(asking):
    asking.queue(max_misses=1)
    ended = only(asking.wait(20), ConsultationEnded)
    assert (ended.reason, ended.step_no) == (ConsultationEndReason.EXPIRED, 0)
    wang = asking.domain.agent(WANG)
    assert (wang.misses, wang.not_responding, wang.work) == (0, False, ())
    assert states(asking, LI) == [WorkState.CONNECTED]


def test_a_consultation_leaves_how_long_the_colleague_was_idle(consulting):
    before = consulting.domain.agent(WANG).idle
    assert before == timedelta(seconds=60)
    consulting.wait(100)
    consulting.do(EndConsultation("ct_1", 5, 1, LI))
    assert consulting.domain.agent(WANG).idle == before


def test_a_leg_that_takes_too_long_ends_it(asking):
    answer(asking)
    assert only(asking.wait(5), ConsultationEnded).reason is ConsultationEndReason.CONNECT_FAILED


def test_a_leg_that_fails_ends_it_and_an_unreachable_device_blocks(asking):
    answer(asking)
    events = asking.do(ReportConsultationFailed("ct_1", 4, 1, 2, "unreachable"))
    assert only(events, ConsultationEnded).reason is ConsultationEndReason.CONNECT_FAILED
    assert only(events, AgentNotResponding).agent_id == WANG
    assert asking.do(ReportConsultationFailed("ct_1", 5, 1, 2, "busy")) == [], "of one that is over"


@pytest.mark.parametrize("when", ["asking", "consulting", "conference"])
def test_a_customer_who_leaves_ends_it_for_both_and_only_who_has_the_contact_wraps_up(talking, when, request):
    routing = request.getfixturevalue(when)
    ended, released, *_ = routing.end("ct_1")
    assert (ended.reason, released.agent_id) == (ConsultationEndReason.CONTACT_ENDED, LI)
    assert states(routing, LI) == [WorkState.WRAP_UP]
    assert states(routing, WANG) == []
    assert routing.refusal(CompleteConsultation("ct_1", 10, 1, LI)).endswith("ContactAlreadyEnded")


@pytest.mark.parametrize("when", ["asking", "consulting", "conference"])
def test_a_colleague_whose_desk_stays_away_ends_it(talking, when, request):
    routing = request.getfixturevalue(when)
    routing.queue(voice_lease_duration=timedelta(seconds=20))
    routing.do(CloseAgentSession(WANG, f"se_{WANG}"))
    assert only(routing.wait(30), ConsultationEnded).reason is ConsultationEndReason.COLLEAGUE_LOST
    assert states(routing, WANG) == []
    assert routing.domain.contact("ct_1").agent_id == LI


@pytest.mark.parametrize("when", ["asking", "consulting"])
def test_an_agent_whose_desk_stays_away_ends_it_and_the_contact(talking, when, request):
    routing = request.getfixturevalue(when)
    routing.do(CloseAgentSession(LI, f"se_{LI}"))
    lease = timedelta(minutes=5)
    routing.queue(voice_lease_duration=lease, chat_lease_duration=lease, wrap_up_mode=WrapUpMode.TIMED)
    routing.do(EndConsultation("ct_1", 6, 1, WANG))
    routing.do(consult(7))
    events = routing.wait(30)
    assert only(events, ConsultationEnded).reason is ConsultationEndReason.ASKER_LOST
    assert only(events, ContactReleased).desk_lost
    assert states(routing, WANG) == []


def test_in_a_conference_the_colleague_has_the_call_of_an_agent_whose_desk_stays_away(conference):
    conference.do(CloseAgentSession(LI, f"se_{LI}"))
    events = conference.wait(30)
    released = only(events, ContactReleased)
    assert (released.desk_lost, released.wrap_up) == (False, False)
    assert only(events, ConsultationCompleted).step_no == 0
    assert conference.domain.contact("ct_1").agent_id == WANG


@pytest.mark.parametrize(
    ("actor", "reason"),
    [(f"agent:{WANG}", ConsultationEndReason.DECLINED), ("supervisor:us_1", ConsultationEndReason.SUPERSEDED)],
)
def test_a_colleague_who_goes_while_it_rings_is_not_asked_any_more(asking, actor, reason):
    events = asking.do(SetIntent(WANG, Intent.BREAK, "", reason="other"), actor=actor)
    assert only(events, ConsultationEnded).reason is reason
    assert asking.domain.contact("ct_1").stage is Stage.CONNECTED


def test_what_a_colleague_wants_next_holds_from_its_end(consulting):
    consulting.do(SetIntent(WANG, Intent.BREAK, "", when_free=True))
    consulting.do(EndConsultation("ct_1", 5, 1, LI))
    assert consulting.domain.agent(WANG).intent is Intent.BREAK


def test_a_supervisor_takes_no_call_that_is_being_talked_about(asking):
    assert asking.refusal(PullContact("ct_1", WANG, "other")).endswith("ContactNotWaiting")
    assert asking.refusal(RequeueContact("ct_1", "qu_sales", "other")).endswith("ContactNotWaiting")
    asking.enqueue("ct_2")
    assert asking.refusal(PullContact("ct_2", WANG, "other")).endswith("AgentHasNoRoom")


def test_it_cannot_be_given_on_blindly_meanwhile_and_nobody_else_is_asked(asking):
    asking.agent("ag_zhao")
    assert asking.refusal(TransferContact("ct_1", 4, 1, LI, "qu_sales")).endswith("ConsultationUnderWay")
    assert asking.refusal(consult(4, colleague="ag_zhao")).endswith("ConsultationUnderWay")


def test_repeated_steps_change_nothing_and_lower_ones_are_stale(asking):
    assert asking.do(consult()) == []
    assert asking.refusal(consult(2)) == "Rejection: StaleStep"


def test_only_what_is_answered_can_be_merged_or_handed_over(asking):
    for command in (MergeConsultation("ct_1", 4, 1, LI), CompleteConsultation("ct_1", 4, 1, LI)):
        assert asking.refusal(command).endswith("ConsultationNotAnswered")
    assert asking.refusal(EndConsultation("ct_1", 4, 1, "ag_zhao")).endswith("ContactNotConnected")
    asking.do(EndConsultation("ct_1", 4, 1, LI))
    for command in (
        MergeConsultation("ct_1", 5, 1, LI),
        CompleteConsultation("ct_1", 5, 1, LI),
        EndConsultation("ct_1", 5, 1, LI),
    ):
        assert asking.refusal(command).endswith("NoConsultation")
    assert asking.refusal(ReportConsultationConnected("ct_1", 5, 1, 2)).endswith("OfferNotLive")


def test_whom_it_cannot_ring_at(talking):
    assert talking.refusal(consult(colleague=LI)).startswith("Invalid: colleague_id")
    assert talking.refusal(consult(colleague="")).startswith("Invalid: colleague_id")
    assert talking.refusal(consult(colleague="ag_none")).startswith("NotFound")
    assert talking.refusal(consult(agent=WANG, colleague=LI)).endswith("ContactNotConnected")
    assert talking.refusal(consult(segment=2)).endswith("ContactNotConnected")
    talking.agent("ag_gone", ready=False)
    assert talking.refusal(consult(colleague="ag_gone")).endswith("AgentNotConnected")
    talking.do(SetIntent(WANG, Intent.BREAK, ""))
    assert talking.refusal(consult()).endswith("AgentNotReady")
    talking.do(SetIntent(WANG, Intent.AVAILABLE, ""))
    talking.enqueue("ct_2")
    assert talking.refusal(consult()).endswith("AgentHasNoRoom")


@pytest.fixture
def chatting(routing):
    """Li has two chats and room for three, Wang has one and room for two."""
    routing.queue(wrap_up_mode=WrapUpMode.TIMED, chat_parking_duration=timedelta(minutes=10))
    routing.agent(WANG, chats=2)
    routing.chat("ct_other")
    assert routing.connect("ct_other") == WANG
    routing.do(SetIntent(WANG, Intent.BREAK, ""))
    routing.agent(LI, chats=3)
    for contact_id in ("ct_1", "ct_2"):
        routing.chat(contact_id)
        assert routing.connect(contact_id) == LI
    routing.do(SetIntent(WANG, Intent.AVAILABLE, ""))
    return routing


def test_a_chat_needs_room_for_a_chat_and_takes_it_until_the_end(chatting):
    chatting.do(consult())
    assert chatting.refusal(ConsultAgent("ct_2", 3, 1, LI, WANG)).endswith("AgentHasNoRoom")
    chatting.do(EndConsultation("ct_1", 4, 1, LI))
    [offered] = chatting.do(ConsultAgent("ct_2", 3, 1, LI, WANG))
    assert (offered.agent_id, offered.channel) == (WANG, Channel.CHAT)


def test_a_chat_that_is_talked_about_is_not_parked(chatting):
    chatting.do(consult())
    assert chatting.refusal(ParkContact("ct_1", 4, 1, LI)).endswith("ConsultationUnderWay")
    chatting.do(EndConsultation("ct_1", 5, 1, LI))
    only(chatting.do(ParkContact("ct_1", 6, 1, LI)), ContactParked)


def test_another_owner_goes_on_with_it_from_a_snapshot(conference):
    check_snapshot(ledger_service(), conference.log, len(conference.log) - 2)


# beside other policies


def test_in_a_queue_that_rings_at_all_it_rings_at_the_colleague_alone_and_no_number_comes_twice(routing):
    """Offers 1 to 3 rang, the first was accepted: the consultation has the fourth (rules 3 and 9)."""
    routing.queue(strategy=RoutingStrategy.RING_ALL, wrap_up_mode=WrapUpMode.TIMED)
    for agent_id in (LI, WANG, "ag_zhao"):
        routing.agent(agent_id)
        routing.wait(1)
    routing.enqueue("ct_1")
    routing.accept("ct_1", LI)
    routing.connected("ct_1")
    offered = only(routing.do(consult()), ConsultationOffered)
    assert (offered.agent_id, offered.offer_no) == (WANG, 4)
    assert not routing.domain.agent("ag_zhao").work, "it rings at nobody else"
    assert routing.refusal(AcceptOffer(WANG, "ct_1", 2)).endswith("OfferNotLive"), "the one that was outpaced"
    routing.enqueue("ct_2")
    assert routing.domain.contact("ct_2").agent_ids == ("ag_zhao",)
    routing.do(EndConsultation("ct_1", 4, 1, LI))
    assert routing.domain.contact("ct_2").agent_ids == ("ag_zhao", WANG), "free again it rings there too"
    assert routing.refusal(consult(5)).endswith("AgentHasNoRoom")
    routing.accept("ct_2", "ag_zhao")
    assert only(routing.do(consult(5)), ConsultationOffered).offer_no == 5
    routing.do(EndConsultation("ct_1", 6, 1, LI))
    routing.queue("qu_help", strategy=RoutingStrategy.RING_ALL)
    again = only(routing.do(TransferContact("ct_1", 7, 1, LI, "qu_help")), ContactOffered)
    assert (again.agent_id, again.offer_no, again.ring_all) == (WANG, 6, True)


@pytest.fixture
def parking(routing):
    """Wang has a parked chat and nothing else; Li talks to ct_1."""
    routing.queue(wrap_up_mode=WrapUpMode.TIMED, chat_parking_duration=timedelta(minutes=10))
    routing.agent(WANG)
    routing.chat("ct_chat")
    assert routing.connect("ct_chat") == WANG
    routing.agent(LI)
    routing.enqueue("ct_1")
    assert routing.connect("ct_1") == LI
    assert routing.refusal(consult()).endswith("AgentHasNoRoom"), "the chat excludes calls"
    routing.do(ParkContact("ct_chat", 3, 1, WANG))
    return routing


def test_a_colleague_whose_chats_are_all_parked_has_room_and_their_customers_wait_for_its_end(parking):
    parking.do(consult())
    assert stage(parking) is ConsultationStage.OFFERED
    only(parking.do(ResumeContact("ct_chat", 4, 1, WANG)), CustomerReturned)
    answer(parking)
    parking.do(ReportConsultationConnected("ct_1", 4, 1, 2))
    events = parking.do(EndConsultation("ct_1", 5, 1, WANG))
    assert only(events, ContactResumed).contact_id == "ct_chat"


def test_a_parked_chat_stays_with_a_colleague_who_has_the_call_then(parking):
    parking.do(consult())
    answer(parking)
    parking.do(ReportConsultationConnected("ct_1", 4, 1, 2))
    parking.do(CompleteConsultation("ct_1", 5, 1, LI))
    assert states(parking, WANG) == [WorkState.CONNECTED, WorkState.CONNECTED]
    assert parking.refusal(UnparkContact(WANG, "ct_chat")).endswith("AgentHasNoRoom")
    only(parking.do(ResumeContact("ct_chat", 4, 1, WANG)), CustomerReturned)
    parking.end("ct_1", step=6)
    events = parking.do(FinishWrapUp(WANG, "ct_1", ""))
    assert only(events, ContactResumed).contact_id == "ct_chat"


def test_a_desk_that_is_lost_in_a_conference_gives_the_call_on_and_keeps_its_parked_chat(parking):
    parking.do(ConsultAgent("ct_1", 3, 1, LI, WANG))
    answer(parking)
    parking.do(ReportConsultationConnected("ct_1", 4, 1, 2))
    parking.do(CompleteConsultation("ct_1", 5, 1, LI))
    parking.wait(60)
    parking.do(ConsultAgent("ct_1", 6, 1, WANG, LI))
    parking.do(AcceptOffer(LI, "ct_1", 3))
    parking.do(ReportConsultationConnected("ct_1", 7, 1, 3))
    parking.do(MergeConsultation("ct_1", 8, 1, WANG))
    parking.do(CloseAgentSession(WANG, f"se_{WANG}"))
    assert only(parking.wait(31), ConsultationCompleted).agent_id == LI
    assert [work.contact_id for work in parking.domain.agent(WANG).work] == ["ct_chat"]


def test_about_a_parked_chat_nobody_is_asked(parking):
    parking.agent("ag_zhao")
    assert parking.refusal(ConsultAgent("ct_chat", 4, 1, WANG, "ag_zhao")).endswith("ContactParked")
    parking.do(ResumeContact("ct_chat", 5, 1, WANG))
    only(parking.do(ConsultAgent("ct_chat", 6, 1, WANG, "ag_zhao")), ConsultationOffered)
