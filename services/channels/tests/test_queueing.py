"""What acd says of a contact, and what the peer says of its legs."""

from datetime import timedelta
from typing import Any

import pytest
from trunkline_channels.domain.commands import (
    CloseContact,
    ConfirmConnect,
    RecordAccepted,
    RecordAgentLost,
    RecordConnected,
    RecordEnqueued,
    RecordLimitReached,
    RecordOffered,
    RecordOfferEnded,
    RecordWaitingContactClosed,
    RecordWrapUp,
    RefuseConnect,
    RefuseStep,
)
from trunkline_channels.domain.events import (
    ConnectRequested,
    ContactClosed,
    ContactConnected,
    ContactOffered,
    ContactQueued,
    ContactReturned,
    ContactWrappedUp,
    LegsJoined,
    LegsRefused,
    StepBegun,
    StepRefused,
)
from trunkline_channels.domain.queueing import AGENT_GONE, NOBODY_FREE
from trunkline_channels.domain.words import CloseReason, ContactState


def test_the_contact_is_queued(story: Any) -> None:
    story.wanting()
    assert story.do(RecordEnqueued(story.one, 3, "qu_sales", 1)) == [ContactQueued(story.one, "qu_sales", 1)]
    assert story.contact.step is None
    assert story.do(RecordEnqueued(story.one, 3, "qu_sales", 1)) == []


def test_the_contact_is_in_the_queue_that_took_it_in_also_where_it_was_sent_to_another_one(story: Any) -> None:
    """Routing rule 16: for the one that the flow named nobody is signed in."""
    story.wanting()
    assert story.do(RecordEnqueued(story.one, 3, "qu_next", 1)) == [ContactQueued(story.one, "qu_next", 1)]
    assert (story.contact.queue_id, story.contact.step) == ("qu_next", None)


def test_the_contact_rings(story: Any) -> None:
    story.queued()
    assert story.do(RecordOffered(story.one, 1, 1, "ag_li")) == [ContactOffered(story.one, 1, 1, "ag_li")]
    assert story.do(RecordOffered(story.one, 1, 1, "ag_li")) == []


def test_an_ended_offer_returns_the_contact(story: Any) -> None:
    story.offered()
    assert story.do(RecordOfferEnded(story.one, 1, 1)) == [ContactReturned(story.one, 1, 1)]
    assert (story.contact.state, story.contact.agent_id) == (ContactState.QUEUED, "")
    assert story.do(RecordOfferEnded(story.one, 1, 1)) == []


def test_a_contact_whose_agents_desk_did_not_come_back_is_over_and_the_customer_hears_it(story: Any) -> None:
    story.connected()
    told, closed, step = story.do(RecordAgentLost(story.one, "ag_li"))
    assert (told.text, closed) == (AGENT_GONE, ContactClosed(story.one, CloseReason.AGENT_LOST, ""))
    assert step.kind == "end_at_acd"
    assert story.do(RecordAgentLost(story.one, "ag_li")) == []


def test_a_contact_whose_queue_let_it_wait_no_longer_is_over_and_the_customer_hears_it(story: Any) -> None:
    story.queued()
    told, closed, step = story.do(RecordLimitReached(story.one, 1))
    assert (told.text, closed) == (NOBODY_FREE, ContactClosed(story.one, CloseReason.LIMIT_REACHED, ""))
    assert step.kind == "end_at_acd"
    assert story.do(RecordLimitReached(story.one, 1)) == []


def test_a_contact_that_a_supervisor_closes_while_it_waits_is_over_and_the_customer_hears_it(story: Any) -> None:
    story.offered()
    told, closed, step = story.do(RecordWaitingContactClosed(story.one, 1))
    assert (told.text, closed) == (NOBODY_FREE, ContactClosed(story.one, CloseReason.SUPERVISOR, ""))
    assert step.kind == "end_at_acd"
    assert story.do(RecordWaitingContactClosed(story.one, 1)) == []


def test_a_close_of_an_earlier_segment_or_before_an_answer_ends_nothing(story: Any) -> None:
    story.queued()
    story.do(RecordEnqueued(story.one, 1, "qu_2", 2))
    assert story.do(RecordWaitingContactClosed(story.one, 1)) == []
    story.do(RecordOffered(story.one, 2, 1, "ag_li"))
    story.do(RecordConnected(story.one, 2, 1, "ag_li"))
    assert story.do(RecordWaitingContactClosed(story.one, 2)) == []


def test_a_limit_of_an_earlier_segment_ends_nothing(story: Any) -> None:
    story.queued()
    story.do(RecordEnqueued(story.one, 1, "qu_2", 2))
    assert story.do(RecordLimitReached(story.one, 1)) == []
    assert story.contact.queue_id == "qu_2"


def test_a_lost_desk_of_somebody_else_ends_nothing(story: Any) -> None:
    story.connected()
    assert story.do(RecordAgentLost(story.one, "ag_wu")) == []
    assert story.do(RecordAgentLost("ct_0123456789abcdef_one", "ag_wu")) == []


def test_an_offer_that_ended_cannot_be_accepted(story: Any) -> None:
    story.offered().do(RecordOfferEnded(story.one, 1, 1))
    assert story.do(RecordAccepted(story.one, 1, 1, "ag_li")) == []
    assert story.do(RecordConnected(story.one, 1, 1, "ag_li")) == []


def test_a_chat_joins_itself_in_the_same_command(story: Any) -> None:
    assert story.offered().do(RecordAccepted(story.one, 1, 1, "ag_li")) == [
        ConnectRequested(story.one, 1, 1, "ag_li"),
        LegsJoined(story.one, 1, 1),
        StepBegun(story.one, 4, "report_connected"),
    ]


def test_a_call_waits_for_its_legs(story: Any) -> None:
    assert story.offered("voice").do(RecordAccepted(story.one, 1, 1, "ag_li")) == [
        ConnectRequested(story.one, 1, 1, "ag_li")
    ]
    assert story.do(ConfirmConnect(story.one, 1, 1), actor="gateway:gw") == [
        LegsJoined(story.one, 1, 1),
        StepBegun(story.one, 4, "report_connected"),
    ]
    assert story.do(ConfirmConnect(story.one, 1, 1), actor="gateway:gw") == []


def test_the_connection_is_booked(story: Any) -> None:
    story.accepted()
    assert story.do(RecordConnected(story.one, 1, 1, "ag_li")) == [ContactConnected(story.one, 1, 1, "ag_li")]
    assert story.contact.step is None
    assert story.do(RecordConnected(story.one, 1, 1, "ag_li")) == []


def test_failed_legs_are_reported(story: Any) -> None:
    story.accepted("voice")
    assert story.do(RefuseConnect(story.one, 1, 1, "busy")) == [
        LegsRefused(story.one, 1, 1, "busy"),
        StepBegun(story.one, 4, "report_connect_failed"),
    ]
    assert story.do(RefuseConnect(story.one, 1, 1, "busy")) == []
    assert story.refusal(ConfirmConnect(story.one, 1, 1)) == "Rejection: ConnectNotAwaited"
    assert story.do(RecordOfferEnded(story.one, 1, 1)) == [ContactReturned(story.one, 1, 1)]
    assert story.contact.step is None


def test_a_late_confirmation_never_joins_a_second_agent(story: Any) -> None:
    story.accepted("voice").do(RecordOfferEnded(story.one, 1, 1))
    story.do(RecordOffered(story.one, 1, 2, "ag_wu"))
    assert story.refusal(ConfirmConnect(story.one, 1, 1)) == "Rejection: ConnectNotAwaited"
    story.do(RecordAccepted(story.one, 1, 2, "ag_wu"))
    assert story.refusal(ConfirmConnect(story.one, 1, 1)) == "Rejection: ConnectNotAwaited"
    assert story.refusal(RefuseConnect(story.one, 1, 1, "busy")) == "Rejection: ConnectNotAwaited"


@pytest.mark.parametrize("place", [(1, 2), (2, 1), (0, 0), (-1, 1)])
def test_a_confirmation_of_an_offer_nobody_made_is_refused(story: Any, place: tuple[int, int]) -> None:
    story.accepted("voice")
    assert story.refusal(ConfirmConnect(story.one, *place)) == "Rejection: ConnectNotAwaited"


def test_an_unknown_failure_is_invalid(story: Any) -> None:
    story.accepted("voice")
    assert story.refusal(RefuseConnect(story.one, 1, 1, "tired")).startswith("Invalid: reason")


def test_a_refused_report_lets_the_contact_wait_on(story: Any) -> None:
    story.accepted()
    assert story.do(RefuseStep(story.one, 4, "OfferNotLive")) == [StepRefused(story.one, 4, "OfferNotLive")]
    assert story.do(RecordOfferEnded(story.one, 1, 1)) == [ContactReturned(story.one, 1, 1)]
    assert story.contact.state is ContactState.QUEUED


def test_a_refused_queue_tells_the_customer_and_closes(story: Any) -> None:
    _, _, closed, cleaning = story.wanting().do(RefuseStep(story.one, 3, "QueueFull"))
    assert closed == ContactClosed(story.one, CloseReason.REFUSED, "QueueFull")
    assert cleaning == StepBegun(story.one, 4, "end_at_acd")


def test_lower_offers_change_nothing(story: Any) -> None:
    story.offered().do(RecordOfferEnded(story.one, 1, 1))
    story.do(RecordOffered(story.one, 1, 2, "ag_wu"))
    assert story.do(RecordOffered(story.one, 1, 1, "ag_li")) == []
    assert story.do(RecordAccepted(story.one, 1, 1, "ag_li")) == []
    assert story.do(RecordOfferEnded(story.one, 1, 1)) == []
    assert story.do(RecordConnected(story.one, 1, 1, "ag_li")) == []


def test_facts_may_run_ahead_of_what_is_known(story: Any) -> None:
    story.offered().do(RecordAccepted(story.one, 1, 3, "ag_wu"))
    assert story.contact.agent_id == "ag_wu"
    assert story.do(RecordConnected(story.one, 1, 3, "ag_wu"))


def test_a_connected_contact_is_offered_to_nobody(story: Any) -> None:
    story.connected()
    assert story.do(RecordOffered(story.one, 1, 2, "ag_wu")) == []
    assert story.do(RecordConnected(story.one, 1, 2, "ag_wu")) == []
    assert story.do(RecordEnqueued(story.one, 3, "qu_sales", 1)) == []


def test_the_agent_wraps_up_after_the_contact_closed(story: Any) -> None:
    story.connected().do(CloseContact(story.one, CloseReason.AGENT_ENDED, "ag_li"))
    told = RecordWrapUp(story.one, "ag_li", "resolved")
    assert story.do(told) == [ContactWrappedUp(story.one, "ag_li", "resolved")]
    assert story.refusal(told, tenant="tn_other") == f"NotFound: unknown contact {story.one}"


def test_a_wrap_up_is_told_even_after_the_contact_left_memory(story: Any) -> None:
    story.connected().do(CloseContact(story.one, CloseReason.AGENT_ENDED, "ag_li"))
    story.confirm_all()
    story.pass_time(timedelta(hours=1))
    told = RecordWrapUp(story.one, "ag_li", "resolved")
    assert story.do(told) == [ContactWrappedUp(story.one, "ag_li", "resolved")]


@pytest.fixture
def rung(story: Any) -> Any:
    """Rings at ag_li, ag_wu and ag_fu at the same time."""
    story.queued("voice")
    for offer_no, agent_id in enumerate(("ag_li", "ag_wu", "ag_fu"), start=1):
        story.do(RecordOffered(story.one, 1, offer_no, agent_id, ring_all=True))
    return story


def test_the_contact_rings_at_several(rung: Any) -> None:
    """Routing rule 9, ring-all."""
    assert rung.contact.agent_ids == ("ag_li", "ag_wu", "ag_fu")
    assert (rung.contact.state, rung.contact.place) == (ContactState.OFFERED, (1, 3))


def test_an_offer_that_ends_leaves_the_others_ringing(rung: Any) -> None:
    assert rung.do(RecordOfferEnded(rung.one, 1, 3)) == [ContactReturned(rung.one, 1, 3)]
    assert rung.contact.agent_ids == ("ag_li", "ag_wu")
    assert (rung.contact.state, rung.contact.place) == (ContactState.OFFERED, (1, 2))
    assert rung.do(RecordOffered(rung.one, 1, 3, "ag_fu", ring_all=True)) == [], "an offer that is over stays so"
    rung.do(RecordOfferEnded(rung.one, 1, 1))
    rung.do(RecordOfferEnded(rung.one, 1, 2))
    assert (rung.contact.state, rung.contact.agent_ids) == (ContactState.QUEUED, ())


def test_whoever_accepts_first_is_joined_though_a_colleague_was_asked_later(rung: Any) -> None:
    for offer_no in (1, 3):
        rung.do(RecordOfferEnded(rung.one, 1, offer_no))
    assert rung.do(RecordAccepted(rung.one, 1, 2, "ag_wu")) == [ConnectRequested(rung.one, 1, 2, "ag_wu")]
    assert (rung.contact.agent_ids, rung.contact.place) == (("ag_wu",), (1, 2))
    assert rung.do(RecordAccepted(rung.one, 1, 3, "ag_fu")) == [], "nobody else is joined"
    rung.do(RecordOfferEnded(rung.one, 1, 2))
    assert rung.do(RecordOffered(rung.one, 1, 3, "ag_fu")) == []
    assert rung.do(RecordOffered(rung.one, 1, 4, "ag_fu")) == [ContactOffered(rung.one, 1, 4, "ag_fu")]


def test_an_offer_to_one_alone_replaces_what_rang(rung: Any) -> None:
    """As before there was ring-all: an offer that does not say so is the only one."""
    rung.do(RecordOffered(rung.one, 1, 4, "ag_zhu"))
    assert rung.contact.agent_ids == ("ag_zhu",)
