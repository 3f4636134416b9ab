"""A connected agent gives the contact on (routing rule 19)."""

from datetime import timedelta
from typing import Any

import pytest
from trunkline.acd.v1 import acd_commands_pb2 as acd
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.domain.commands import (
    CloseContact,
    RecordConnected,
    RecordEnqueued,
    RefuseStep,
    TransferContact,
)
from trunkline_channels.domain.events import (
    ContactClosed,
    ContactQueued,
    StepBegun,
    StepRefused,
    TextShown,
    TransferRequested,
)
from trunkline_channels.domain.words import CloseReason, ContactState


@pytest.fixture
def talking(story: Any) -> Any:
    return story.connected()


def transfer(story: Any, queue: str = "qu_help", agent: str = "ag_li", preferred: str = "") -> TransferContact:
    return TransferContact(story.one, agent, queue, preferred)


def test_it_is_asked_of_acd_and_they_stay_joined_until_it_agrees(talking: Any) -> None:
    happened = talking.do(transfer(talking))
    step_no = talking.contact.step_no
    assert happened == [
        TransferRequested(talking.one, "ag_li", "qu_help", ""),
        StepBegun(talking.one, step_no, "transfer"),
    ]
    assert (talking.contact.state, talking.contact.agent_id) == (ContactState.CONNECTED, "ag_li")
    assert talking.do(transfer(talking)) == [], "asked again"
    assert talking.refusal(transfer(talking, "qu_other")) == "Rejection: TransferUnderWay"


def test_once_it_waits_there_its_agent_has_it_no_more_and_the_customer_is_told(talking: Any) -> None:
    talking.do(transfer(talking))
    queued, told = talking.do(RecordEnqueued(talking.one, talking.contact.step_no, "qu_help", 2))
    assert queued == ContactQueued(talking.one, "qu_help", 2)
    assert isinstance(told, TextShown)
    contact = talking.contact
    assert (contact.state, contact.agent_id, contact.place, contact.step) == (ContactState.QUEUED, "", (2, 0), None)
    assert talking.refusal(CloseContact(talking.one, CloseReason.AGENT_ENDED, "ag_li")).endswith("NotConnectedToAgent")
    assert talking.do(RecordConnected(talking.one, 1, 1, "ag_li")) == [], "what acd said before it"


def test_a_customer_who_is_passed_on_may_be_silent_for_as_long_as_it_takes(talking: Any) -> None:
    talking.do(transfer(talking))
    talking.do(RecordEnqueued(talking.one, talking.contact.step_no, "qu_help", 2))
    assert talking.pass_time(timedelta(hours=2)) == []


def test_a_refused_one_leaves_them_joined_and_says_why(talking: Any) -> None:
    talking.do(transfer(talking))
    step_no = talking.contact.step_no
    refused = talking.do(RefuseStep(talking.one, step_no, "QueueFull"))
    assert refused == [StepRefused(talking.one, step_no, "QueueFull")]
    contact = talking.contact
    assert (contact.state, contact.transfer, contact.transfer_refusal) == (ContactState.CONNECTED, None, "QueueFull")
    talking.do(transfer(talking, "qu_other"))
    assert talking.contact.transfer_refusal == ""


def test_a_customer_who_leaves_meanwhile_ends_it(talking: Any) -> None:
    talking.do(transfer(talking))
    closed, begun = talking.do(CloseContact(talking.one, CloseReason.CUSTOMER_LEFT, ""))
    assert isinstance(closed, ContactClosed)
    assert begun.kind == "end_at_acd"
    assert talking.do(RefuseStep(talking.one, begun.step_no - 1, "StaleStep")) == []


@pytest.mark.parametrize(
    ("queue", "agent", "preferred", "refusal"),
    [
        ("qu_help", "ag_wu", "", "Rejection: NotConnectedToAgent"),
        ("qu_help", "", "", "Rejection: NotConnectedToAgent"),
        ("", "ag_li", "", "Invalid: queue_id: must have 1 to 128 characters"),
        ("q" * 129, "ag_li", "", "Invalid: queue_id: must have 1 to 128 characters"),
        ("qu_help", "ag_li", "a" * 129, "Invalid: preferred_agent_id: must have 1 to 128 characters"),
    ],
)
def test_a_bad_one_changes_nothing(talking: Any, queue: str, agent: str, preferred: str, refusal: str) -> None:
    before = talking.contact
    assert talking.refusal(transfer(talking, queue, agent, preferred)) == refusal
    assert talking.contact == before


def test_who_only_rings_cannot_be_given_on(story: Any) -> None:
    story.offered()
    assert story.refusal(transfer(story)) == "Rejection: NotConnectedToAgent"


def test_of_another_tenant_there_is_no_such_contact(talking: Any) -> None:
    assert talking.refusal(transfer(talking), tenant="tn_other").startswith("NotFound: unknown contact")


class Client:
    def __init__(self) -> None:
        self.commands: list[Any] = []

    async def execute(self, command: Any, principal: Any, **_: Any) -> list[Any]:
        self.commands.append(command)
        return []


async def test_acd_is_told_whose_segment_it_is_and_where_it_goes_on(talking: Any) -> None:
    talking.do(transfer(talking, preferred="ag_wu"))
    contact, client = talking.contact, Client()
    await ServiceTargets(client, client, client).carry_out(contact, contact.step)
    wanted = acd.TransferContact(
        contact_id=talking.one,
        step_no=contact.step_no,
        segment_no=1,
        agent_id="ag_li",
        queue_id="qu_help",
        preferred_agent_id="ag_wu",
    )
    assert client.commands == [acd.AcdCommand(transfer_contact=wanted)]
