"""A chat whose customer is silent is parked (routing rule 2): what channels tells acd, and when."""

from datetime import timedelta
from typing import Any

import pytest
from trunkline.acd.v1 import acd_commands_pb2 as acd
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.domain.commands import (
    AddMessage,
    CloseContact,
    RecordConnected,
    RecordCustomerReturned,
    RecordEnqueued,
    RecordParked,
    RecordResumed,
    RefuseStep,
    TransferContact,
)
from trunkline_channels.domain.events import ContactParked, ContactResumed, CustomerReturned, MessageAdded, StepBegun
from trunkline_channels.domain.words import Author, CloseReason, ContactState, Parking

MINUTE = timedelta(minutes=1)


def connected(story: Any, channel: str = "chat", parking: timedelta = 10 * MINUTE) -> Any:
    story.wanting(channel)
    story.do(RecordEnqueued(story.one, story.contact.step_no, "qu_sales", 1, parking))
    story.do(RecordConnected(story.one, 1, 1, "ag_li"))
    return story


@pytest.fixture
def talking(story: Any) -> Any:
    """Agent and customer are connected; nobody has written since."""
    return connected(story)


def customer(story: Any) -> list[Any]:
    happened: list[Any] = story.do(AddMessage(story.one, Author.CUSTOMER, story.sealed, ""))
    return happened


def agent(story: Any) -> list[Any]:
    happened: list[Any] = story.do(AddMessage(story.one, Author.AGENT, story.sealed, "ag_li"))
    return happened


def asked(happened: list[Any]) -> list[str]:
    """Return what acd is asked for."""
    return [event.kind for event in happened if isinstance(event, StepBegun)]


def parked(story: Any) -> Any:
    """The chat is parked."""
    agent(story)
    story.pass_time(10 * MINUTE)
    story.do(RecordParked(story.one, 1, "ag_li"))
    return story


# -- who is silent ---------------------------------------------------------------------------------


def test_silence_counts_from_the_connection_and_is_told_once(talking: Any) -> None:
    talking.pass_time(2 * MINUTE)
    agent(talking)
    assert asked(talking.pass_time(8 * MINUTE - timedelta(seconds=1))) == []
    assert asked(talking.pass_time(timedelta(seconds=1))) == ["park"]
    assert asked(talking.pass_time(10 * MINUTE)) == []


def test_silence_counts_from_the_customers_last_message_whatever_the_agent_writes(talking: Any) -> None:
    talking.pass_time(5 * MINUTE)
    customer(talking)
    agent(talking)
    talking.pass_time(6 * MINUTE)
    agent(talking)
    assert asked(talking.pass_time(4 * MINUTE)) == ["park"]


def test_message_that_nobody_answered_never_parks(talking: Any) -> None:
    assert asked(talking.pass_time(10 * MINUTE)) == [], "the agent has not said anything yet"
    agent(talking)
    customer(talking)
    assert asked(talking.pass_time(20 * MINUTE)) == []


def test_customer_whose_answer_came_late_has_the_whole_time_from_then_on(talking: Any) -> None:
    customer(talking)
    talking.pass_time(15 * MINUTE)
    agent(talking)
    assert asked(talking.pass_time(9 * MINUTE)) == []
    assert asked(talking.pass_time(MINUTE)) == ["park"]


def test_answer_of_the_agent_before_is_none_of_the_one_who_has_the_contact_now(talking: Any) -> None:
    agent(talking)
    talking.do(RecordEnqueued(talking.one, 0, "qu_help", 2, 10 * MINUTE))
    talking.do(RecordConnected(talking.one, 2, 1, "ag_wu"))
    talking.do(TransferContact(talking.one, "ag_wu", "qu_full"))
    talking.do(RefuseStep(talking.one, talking.contact.step_no, "QueueFull"))
    assert asked(talking.pass_time(20 * MINUTE)) == []


def test_call_and_chat_of_a_queue_that_parks_nothing_are_left_alone(new_story: Any) -> None:
    for story in (connected(new_story(), "voice"), connected(new_story(), parking=timedelta(0))):
        agent(story)
        assert asked(story.pass_time(29 * MINUTE)) == []


def test_chat_that_is_not_parked_after_all_is_tried_again_once_the_agent_wrote(talking: Any) -> None:
    agent(talking)
    talking.pass_time(10 * MINUTE)
    talking.do(RefuseStep(talking.one, talking.contact.step_no, "TooManyParked"))
    assert asked(talking.pass_time(MINUTE)) == []
    agent(talking)
    assert asked(talking.pass_time(10 * MINUTE)) == ["park"]


def test_chat_that_is_given_on_is_not_parked_meanwhile_and_is_where_that_was_refused(talking: Any) -> None:
    agent(talking)
    talking.do(TransferContact(talking.one, "ag_li", "qu_full"))
    assert asked(talking.pass_time(10 * MINUTE)) == []
    talking.do(RefuseStep(talking.one, talking.contact.step_no, "QueueFull"))
    assert asked(talking.pass_time(10 * MINUTE)) == ["park"]


# -- parked, and back ------------------------------------------------------------------------------


def test_parked_chat_stays_with_its_agent_who_takes_it_up_before_writing(talking: Any) -> None:
    agent(talking)
    talking.pass_time(10 * MINUTE)
    fact = RecordParked(talking.one, 1, "ag_li")
    assert talking.do(fact) == [ContactParked(talking.one, 1, "ag_li")]
    assert talking.do(fact) == []
    contact = talking.contact
    assert (contact.state, contact.agent_id, contact.step) == (ContactState.CONNECTED, "ag_li", None)
    message = AddMessage(talking.one, Author.AGENT, talking.sealed, "ag_li")
    assert talking.refusal(message) == "Rejection: ContactParked"
    assert talking.do(RecordResumed(talking.one, 1, "ag_li")) == [ContactResumed(talking.one, 1, "ag_li")]
    assert talking.do(message)


def test_acd_is_told_once_that_the_customer_is_back(talking: Any) -> None:
    parked(talking)
    assert asked(customer(talking)) == ["resume"]
    assert asked(customer(talking)) == [], "under way"
    returned = RecordCustomerReturned(talking.one, 1, "ag_li")
    assert talking.do(returned) == [CustomerReturned(talking.one, 1, "ag_li")]
    assert talking.do(returned) == [], "still waits"
    assert asked(customer(talking)) == [], "acd knows"
    assert talking.contact.step is None
    talking.do(RecordResumed(talking.one, 1, "ag_li"))
    assert talking.contact.parking is Parking.UNSPECIFIED


def test_customer_who_writes_while_the_chat_is_being_parked_is_back_once_it_is(talking: Any) -> None:
    agent(talking)
    talking.pass_time(10 * MINUTE)
    assert [type(event) for event in customer(talking)] == [MessageAdded]
    assert asked(talking.do(RecordParked(talking.one, 1, "ag_li"))) == ["resume"]


def test_customer_who_is_back_while_the_chat_is_given_on_is_told_to_acd_where_that_is_refused(talking: Any) -> None:
    parked(talking)
    talking.do(TransferContact(talking.one, "ag_li", "qu_full"))
    assert asked(customer(talking)) == []
    assert asked(talking.do(RefuseStep(talking.one, talking.contact.step_no, "QueueFull"))) == ["resume"]


def test_chat_that_the_agent_took_up_is_parked_again_where_the_customer_stays_silent(talking: Any) -> None:
    parked(talking)
    talking.do(RecordResumed(talking.one, 1, "ag_li"))
    assert asked(talking.pass_time(10 * MINUTE)) == ["park"]


def test_customer_for_whom_no_room_came_is_passed_on(talking: Any) -> None:
    parked(talking)
    customer(talking)
    talking.do(RecordEnqueued(talking.one, talking.contact.step_no, "qu_sales", 2, 10 * MINUTE))
    contact = talking.contact
    assert (contact.state, contact.parking, contact.step) == (ContactState.QUEUED, Parking.UNSPECIFIED, None)


def test_parked_chat_whose_customer_never_comes_back_ends_as_any_silent_one(talking: Any) -> None:
    parked(talking)
    assert asked(talking.pass_time(19 * MINUTE)) == []
    talking.pass_time(MINUTE)
    assert talking.contact.close_reason is CloseReason.INACTIVE


def test_agent_may_end_a_parked_chat(talking: Any) -> None:
    parked(talking)
    talking.do(CloseContact(talking.one, CloseReason.AGENT_ENDED, "ag_li"))
    assert talking.contact.is_over


def test_facts_about_an_agent_who_has_it_no_more_change_nothing(talking: Any) -> None:
    for fact in (RecordParked(talking.one, 1, "ag_wu"), RecordParked(talking.one, 2, "ag_li")):
        assert talking.do(fact) == []


class Acd:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def execute(self, command: Any, *_: Any, **__: Any) -> list[Any]:
        self.asked.append(command)
        return []


async def test_acd_hears_where_the_contact_is(talking: Any) -> None:
    agent(talking)
    talking.pass_time(10 * MINUTE)
    contact, client = talking.contact, Acd()
    await ServiceTargets(client, client, client).carry_out(contact, contact.step)
    place = {"contact_id": talking.one, "step_no": contact.step_no, "segment_no": 1, "agent_id": "ag_li"}
    assert client.asked == [acd.AcdCommand(park_contact=acd.ParkContact(**place))]
    talking.do(RecordParked(talking.one, 1, "ag_li"))
    customer(talking)
    contact = talking.contact
    await ServiceTargets(client, client, client).carry_out(contact, contact.step)
    place["step_no"] = contact.step_no
    assert client.asked[1] == acd.AcdCommand(resume_contact=acd.ResumeContact(**place))
