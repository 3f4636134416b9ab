"""The end of a contact."""

from datetime import timedelta
from typing import Any

import pytest
from trunkline_channels.domain.commands import (
    AddMessage,
    AttachPeer,
    CloseContact,
    ConfirmConnect,
    DetachPeer,
    GiveInput,
    RecordConnected,
    RecordCustomer,
    RecordEnqueued,
    RecordForgotten,
    RecordOffered,
    RecordPersonRequested,
    RefuseStep,
)
from trunkline_channels.domain.events import CleanUpConfirmed, ContactClosed, ContactDropped, StepBegun, StepRefused
from trunkline_channels.domain.words import Author, CloseReason

MINUTE = timedelta(minutes=1)
LEFT = CloseReason.CUSTOMER_LEFT


def hang_up(story: Any) -> list[Any]:
    events: list[Any] = story.do(CloseContact(story.one, LEFT, ""), actor="customer")
    return events


def test_hang_up_before_the_flow_needs_no_clean_up(story: Any) -> None:
    assert hang_up(story.opened()) == [ContactClosed(story.one, LEFT, "")]
    assert story.do(RecordCustomer(story.one, 1, "cu_1")) == []


def test_hang_up_while_the_flow_starts_ends_the_session(story: Any) -> None:
    assert hang_up(story.started()) == [ContactClosed(story.one, LEFT, ""), StepBegun(story.one, 3, "end_session")]
    assert story.do(RefuseStep(story.one, 2, "unknown flow")) == []


def test_hang_up_before_enqueue_ends_the_session_and_refuses_the_late_wish(story: Any) -> None:
    assert hang_up(story.prompted())[1:] == [StepBegun(story.one, 3, "end_session")]
    assert story.do(RecordPersonRequested(story.one, "qu_sales", 0, 0, (), None)) == []
    assert story.do(RecordForgotten(story.one, 3)) == [CleanUpConfirmed(story.one, 3)]


def test_hang_up_while_the_enqueue_is_outstanding_ends_at_acd(story: Any) -> None:
    assert hang_up(story.wanting())[1:] == [StepBegun(story.one, 4, "end_at_acd")]
    assert story.do(RecordEnqueued(story.one, 3, "qu_sales", 1)) == []
    assert story.do(RefuseStep(story.one, 3, "QueueFull")) == []
    assert story.do(RecordForgotten(story.one, 4)) == [
        CleanUpConfirmed(story.one, 4),
        StepBegun(story.one, 5, "end_session"),
    ]
    assert story.do(RecordForgotten(story.one, 4)) == []
    assert story.do(RecordForgotten(story.one, 5)) == [CleanUpConfirmed(story.one, 5)]


@pytest.mark.parametrize("stage", ["queued", "offered", "accepted", "connected"])
@pytest.mark.parametrize("channel", ["chat", "voice"])
def test_hang_up_at_acd_is_told_there(story: Any, stage: str, channel: str) -> None:
    getattr(story, stage)(channel)
    closed, cleaning = hang_up(story)
    assert closed == ContactClosed(story.one, LEFT, "")
    assert cleaning.kind == "end_at_acd"
    assert story.do(RecordOffered(story.one, 1, 9, "ag_wu")) == []
    assert story.do(RecordConnected(story.one, 1, 1, "ag_li")) == []


def test_a_contact_ends_once(story: Any) -> None:
    hang_up(story.queued())
    assert story.refusal(CloseContact(story.one, LEFT, "")) == "Rejection: ContactClosed"


def test_commands_to_a_closed_contact_are_refused(story: Any) -> None:
    hang_up(story.connected())
    for command in (
        AddMessage(story.one, Author.CUSTOMER, story.sealed, ""),
        GiveInput(story.one, "n1", "sales", None),
        ConfirmConnect(story.one, 1, 1),
        AttachPeer(story.one, "chat:b"),
        DetachPeer(story.one, "chat:a"),
    ):
        assert story.refusal(command) == "Rejection: ContactClosed"


def test_unknown_contacts_and_other_tenants_look_the_same(story: Any) -> None:
    command = CloseContact(story.one, LEFT, "")
    assert story.refusal(command) == f"NotFound: unknown contact {story.one}"
    story.opened()
    assert story.refusal(command, tenant="tn_other") == f"NotFound: unknown contact {story.one}"


def test_only_the_connected_agent_ends_the_contact(story: Any) -> None:
    story.offered()
    command = CloseContact(story.one, CloseReason.AGENT_ENDED, "ag_li")
    assert story.refusal(command, actor="agent:ag_li") == "Rejection: NotConnectedToAgent"
    story.do(RecordConnected(story.one, 1, 1, "ag_li"))
    other = CloseContact(story.one, CloseReason.AGENT_ENDED, "ag_wu")
    assert story.refusal(other, actor="agent:ag_wu") == "Rejection: NotConnectedToAgent"
    assert story.do(command, actor="agent:ag_li")[0] == ContactClosed(story.one, CloseReason.AGENT_ENDED, "")


def test_closing_needs_a_reason(story: Any) -> None:
    story.opened()
    assert story.refusal(CloseContact(story.one, CloseReason.UNSPECIFIED, "")).startswith("Invalid: reason")


def test_a_closed_contact_leaves_memory_once_nobody_holds_it(story: Any) -> None:
    hang_up(story.queued())
    assert story.pass_time(11 * MINUTE) == []
    story.confirm_all()
    assert story.pass_time(timedelta(0)) == [ContactDropped(story.one)]
    assert not len(story.state.contacts)
    assert not len(story.state.timers)
    assert story.refusal(CloseContact(story.one, LEFT, "")) == f"NotFound: unknown contact {story.one}"


def test_a_closed_contact_answers_for_ten_minutes(story: Any) -> None:
    hang_up(story.opened())
    assert story.pass_time(9 * MINUTE) == []
    assert story.pass_time(1 * MINUTE) == [ContactDropped(story.one)]


def test_a_refused_clean_up_is_given_up(story: Any) -> None:
    hang_up(story.queued())
    step_no = story.contact.step_no
    assert story.do(RefuseStep(story.one, step_no, "StaleStep")) == [
        StepRefused(story.one, step_no, "StaleStep"),
        StepBegun(story.one, step_no + 1, "end_session"),
    ]
    assert len(story.do(RefuseStep(story.one, step_no + 1, "StaleStep"))) == 1
    assert story.pass_time(10 * MINUTE) == [ContactDropped(story.one)]


def test_somebody_elses_confirmation_changes_nothing(story: Any) -> None:
    hang_up(story.queued())
    assert story.do(RecordForgotten(story.one, story.contact.step_no - 1)) == []
