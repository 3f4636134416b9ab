"""The agent who has a chat asks a colleague about it (routing rule 19): nobody is on hold, the customer reads none."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline.contact.v1 import contact_types_pb2 as types
from trunkline_channels.domain.commands import (
    AddConsultationMessage,
    AddMessage,
    AddSupervisorMessage,
    CompleteConsultation,
    ConsultAgent,
    LeaveConsultation,
    MergeConsultation,
    MonitorContact,
    RecordConsultation,
    RecordConsultationCompleted,
    RecordConsultationEnded,
    RecordParked,
    RecordTakenOver,
    RefuseStep,
    TalkTo,
)
from trunkline_channels.domain.events import (
    ConsultationAccepted,
    ConsultationLegJoined,
    MessageAdded,
    StepBegun,
    WhisperAdded,
)
from trunkline_channels.domain.policy import MAX_NOTE_BYTES, MAX_WHISPERS
from trunkline_channels.domain.timing import PARKING, expiry_key
from trunkline_channels.domain.words import Author, ConsultationState, MonitoringMode, Parking, Party
from trunkline_channels.entrypoints.grpc import ContactReads
from trunkline_core.errors import TrunklineError
from trunkline_core.sealed import Sealed
from trunkline_platform.credentials import Principal, Role

LI, WANG, WU = "ag_li", "ag_wang", "ag_wu"
NOTE = Sealed("ky_1", b"n" * 12, b"asks for the boss")
ASIDE = Sealed("ky_1", b"n" * 12, b"may I grant the refund?")
ANSWER = Sealed("ky_1", b"n" * 12, b"yes, up to fifty euros")
OFFERED, CONNECTING, TALKING, CONFERENCE = (
    ConsultationState.OFFERED,
    ConsultationState.CONNECTING,
    ConsultationState.TALKING,
    ConsultationState.CONFERENCE,
)


def acd_says(story: Any, *states: ConsultationState, colleague: str = WANG, offer_no: int = 2) -> list[Any]:
    facts = [RecordConsultation(story.one, 1, offer_no, colleague, state) for state in states]
    return [event for fact in facts for event in story.do(fact)]


def aside(story: Any, author: str = LI, offer_no: int = 2, body: Sealed | None = ASIDE) -> AddConsultationMessage:
    return AddConsultationMessage(story.one, author, offer_no, body)


def to_customer(story: Any, author: str = LI) -> AddMessage:
    return AddMessage(story.one, Author.AGENT, story.sealed, author)


@pytest.fixture
def chatting(story: Any) -> Any:
    """Li has a chat, which its queue parks after ten minutes of silence."""
    return with_parking(story)


def with_parking(story: Any) -> Any:
    story.connected("chat")
    for state in (story.state, story.fold):
        state.put(replace(story.contact, parking_duration=timedelta(minutes=10)))
        state.journal.commit()
    return story


@pytest.fixture
def asking(chatting: Any) -> Any:
    """It rings at Wang."""
    chatting.do(ConsultAgent(chatting.one, LI, WANG, NOTE))
    acd_says(chatting, OFFERED)
    return chatting


@pytest.fixture
def consulting(asking: Any) -> Any:
    """Li and Wang write to each other."""
    acd_says(asking, CONNECTING, TALKING)
    return asking


@pytest.fixture
def conference(consulting: Any) -> Any:
    """Both write to the customer."""
    consulting.do(MergeConsultation(consulting.one, LI))
    acd_says(consulting, CONFERENCE)
    return consulting


def test_who_accepts_is_there_at_once_for_there_is_no_leg_to_bring_up(asking: Any) -> None:
    accepted, joined, begun = acd_says(asking, CONNECTING)
    assert isinstance(accepted, ConsultationAccepted)
    assert joined == ConsultationLegJoined(asking.one, 1, 2)
    assert begun == StepBegun(asking.one, asking.contact.step_no, "report_consultation_connected")
    acd_says(asking, TALKING)
    assert asking.contact.step is None


def test_one_that_is_being_taken_back_is_not_reported_as_joined(asking: Any) -> None:
    asking.do(LeaveConsultation(asking.one, LI))
    assert not [event for event in acd_says(asking, CONNECTING) if isinstance(event, StepBegun)]
    assert asking.contact.step.kind == "cancel_consultation", "else acd might never hear of it"


def test_the_agents_write_to_each_other_and_no_message(consulting: Any) -> None:
    messages = consulting.contact.messages
    assert consulting.do(aside(consulting)) == [WhisperAdded(consulting.one, 1, "", LI, ASIDE, WANG, LI)]
    consulting.do(aside(consulting, WANG, body=ANSWER))
    assert consulting.contact.messages == messages
    asked, answered = consulting.seen(for_agents=True).whispers
    assert (asked.author_agent_id, asked.text) == (LI, "may I grant the refund?")
    assert (answered.author_agent_id, answered.agent_id, answered.colleague_id) == (WANG, LI, WANG)
    assert (answered.after_message_no, answered.supervisor_id) == (len(messages), "")
    assert not consulting.seen(for_agents=False).whispers


def test_the_customer_is_not_on_hold(consulting: Any) -> None:
    [said] = consulting.do(to_customer(consulting))
    assert isinstance(said, MessageAdded)
    assert consulting.seen(for_agents=False).legs == []


def test_they_write_to_each_other_as_soon_as_the_colleague_has_accepted(asking: Any) -> None:
    assert asking.refusal(aside(asking)) == "Rejection: ConsultationNotAnswered"
    acd_says(asking, CONNECTING)
    asking.do(aside(asking, WANG))


def test_what_was_meant_for_one_colleague_never_reaches_the_next(consulting: Any) -> None:
    consulting.do(RecordConsultationEnded(consulting.one, 1, 2, "colleague_left"))
    assert consulting.refusal(aside(consulting)) == "Rejection: NoConsultation"
    consulting.do(ConsultAgent(consulting.one, LI, WU))
    acd_says(consulting, OFFERED, CONNECTING, TALKING, colleague=WU, offer_no=3)
    assert consulting.refusal(aside(consulting)) == "Rejection: NoConsultation"
    consulting.do(aside(consulting, offer_no=3))


def test_words_need_an_author_who_is_asked_a_body_and_room(consulting: Any) -> None:
    assert consulting.refusal(aside(consulting, WU)) == "Rejection: NotConnectedToAgent"
    assert consulting.refusal(aside(consulting, body=None)) == "Invalid: body: must be set"
    long = replace(ASIDE, ciphertext=b"x" * (MAX_NOTE_BYTES + 17))
    assert consulting.refusal(aside(consulting, body=long)).startswith("Invalid: body")
    for _ in range(MAX_WHISPERS):
        consulting.do(aside(consulting))
    assert consulting.refusal(aside(consulting)) == "Rejection: ConversationFull"


def test_nothing_is_written_into_a_call(story: Any) -> None:
    assert story.connected("voice").refusal(aside(story)) == "Rejection: WritingNeedsChat"


def test_nobody_swaps_in_a_chat(consulting: Any) -> None:
    assert consulting.refusal(TalkTo(consulting.one, LI, Party.CUSTOMER)) == "Rejection: SwapNeedsCall"


def test_only_in_a_conference_the_colleague_writes_to_the_customer(consulting: Any) -> None:
    assert consulting.refusal(to_customer(consulting, WANG)) == "Rejection: NotConnectedToAgent"
    consulting.do(MergeConsultation(consulting.one, LI))
    assert consulting.refusal(to_customer(consulting, WANG)) == "Rejection: NotConnectedToAgent", "until acd agrees"
    acd_says(consulting, CONFERENCE)
    consulting.do(to_customer(consulting, WANG))
    shown = consulting.seen(for_agents=False).messages[-1]
    assert (shown.author, shown.agent_id) == (types.Author.AUTHOR_AGENT, WANG)
    consulting.do(to_customer(consulting, LI))
    consulting.do(aside(consulting, WANG))
    consulting.do(RecordConsultationEnded(consulting.one, 1, 2, "colleague_left"))
    assert consulting.refusal(to_customer(consulting, WANG)) == "Rejection: NotConnectedToAgent"


def test_handed_over_it_is_the_colleagues_chat_with_what_was_written(conference: Any) -> None:
    conference.do(aside(conference))
    conference.do(CompleteConsultation(conference.one, LI))
    conference.do(RecordConsultationCompleted(conference.one, 1, 2, WANG))
    assert (conference.contact.agent_id, [note.text for note in conference.contact.notes]) == (WANG, [NOTE])
    assert len(conference.contact.whispers) == 1
    conference.do(to_customer(conference, WANG))
    assert conference.refusal(to_customer(conference, LI)) == "Rejection: NotConnectedToAgent"


@pytest.mark.parametrize(("actor", "count"), [(LI, 2), (WANG, 1), (WU, 0)])
async def test_each_agent_reads_only_what_was_written_to_or_by_it(consulting: Any, actor: str, count: int) -> None:
    """The supervisor whispers to Li alone, as in a call."""
    consulting.do(aside(consulting))
    consulting.do(MonitorContact(consulting.one, MonitoringMode.WHISPER, "", "coaching"), "supervisor:us_zhao")
    consulting.do(AddSupervisorMessage(consulting.one, MonitoringMode.WHISPER, ASIDE), "supervisor:us_zhao")
    reads: Any = ContactReads(None, consulting.sealer, None)  # type: ignore[arg-type]
    answer = await reads._shown(consulting.contact, Principal("tn_demo", f"agent:{actor}", frozenset({Role.AGENT})))
    assert len(answer.contact.whispers) == count


# -- beside parking ----------------------------------------------------------------------------------


def is_to_be_parked(story: Any) -> bool:
    return story.state.timers.get(expiry_key(PARKING, story.one)) is not None


def test_a_chat_that_is_talked_about_is_not_parked_and_may_be_afterwards(chatting: Any) -> None:
    chatting.do(to_customer(chatting))
    assert is_to_be_parked(chatting)
    chatting.do(ConsultAgent(chatting.one, LI, WANG))
    acd_says(chatting, OFFERED, CONNECTING, TALKING)
    chatting.do(to_customer(chatting))
    assert not is_to_be_parked(chatting)
    chatting.do(RecordConsultationEnded(chatting.one, 1, 2, "cancelled"))
    assert is_to_be_parked(chatting)


def test_a_refused_consultation_lets_it_be_parked_on(chatting: Any) -> None:
    chatting.do(to_customer(chatting))
    chatting.do(ConsultAgent(chatting.one, LI, WANG))
    assert not is_to_be_parked(chatting)
    chatting.do(RefuseStep(chatting.one, chatting.contact.step_no, "AgentHasNoRoom"))
    assert is_to_be_parked(chatting)


def test_what_the_colleague_answered_in_the_conference_may_be_parked_with_the_colleague(conference: Any) -> None:
    conference.do(to_customer(conference, WANG))
    conference.do(RecordConsultationCompleted(conference.one, 1, 2, WANG))
    assert is_to_be_parked(conference)


def test_nobody_is_asked_about_a_parked_chat(chatting: Any) -> None:
    chatting.do(RecordParked(chatting.one, 1, LI))
    assert chatting.refusal(ConsultAgent(chatting.one, LI, WANG)) == "Rejection: ContactParked"


def test_a_customer_of_a_chat_that_was_parked_meanwhile_is_back_although_somebody_was_to_be_asked(
    chatting: Any,
) -> None:
    """acd parked the chat before it was asked for the consultation, and refuses that."""
    chatting.do(to_customer(chatting))
    chatting.do(ConsultAgent(chatting.one, LI, WANG))
    step_no = chatting.contact.step_no
    chatting.do(RecordParked(chatting.one, 1, LI))
    chatting.do(AddMessage(chatting.one, Author.CUSTOMER, chatting.sealed, ""))
    assert (chatting.contact.parking, chatting.contact.step.kind) == (Parking.PARKED, "consult")
    events = chatting.do(RefuseStep(chatting.one, step_no, "ContactParked"))
    assert [event.kind for event in events if isinstance(event, StepBegun)] == ["resume"]


# -- whatever happens --------------------------------------------------------------------------------

UNSEEN = (
    ConsultAgent
    | MergeConsultation
    | CompleteConsultation
    | LeaveConsultation
    | AddConsultationMessage
    | RecordConsultation
    | RecordConsultationEnded
)


def likely(story: Any) -> list[Any]:
    """What customer, agents and acd would do next."""
    contact, one = story.contact, story.one
    asked, following = contact.consultation, contact.newest_place[1] + 1
    offer_no = asked.offer_no or following if asked else following
    colleague = asked.agent_id if asked else WANG
    states = [RecordConsultation(one, 1, offer_no, colleague, state) for state in (OFFERED, CONNECTING, TALKING)]
    return [
        AddMessage(one, Author.CUSTOMER, story.sealed, ""),
        to_customer(story, contact.agent_id),
        *[aside(story, author, offer_no) for author in (contact.agent_id, colleague)] * 3,
        *[ConsultAgent(one, contact.agent_id, other, NOTE) for other in (LI, WANG, WU)],
        *states * 2,
        RecordConsultation(one, 1, offer_no, colleague, CONFERENCE),
        MergeConsultation(one, contact.agent_id),
        CompleteConsultation(one, contact.agent_id),
        LeaveConsultation(one, contact.agent_id),
        LeaveConsultation(one, colleague),
        RecordConsultationCompleted(one, 1, offer_no, colleague),
        RecordConsultationEnded(one, 1, offer_no, "cancelled"),
        RefuseStep(one, contact.step_no, "AgentHasNoRoom"),
        to_customer(story, colleague),
    ]


def without_consultation(story: Any, command: Any) -> Any:
    """Return what leads to the same where nobody is ever asked; None for nothing."""
    match command:
        case RecordConsultationCompleted():
            is_news = story.contact.offer_no < command.offer_no
            return RecordTakenOver(command.contact_id, 1, command.offer_no, command.agent_id) if is_news else None
        case AddMessage(author=Author.AGENT):
            return replace(command, agent_id=story.contact.agent_id)
        case RefuseStep():
            return None
        case _:
            return None if isinstance(command, UNSEEN) else command


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_no_customer_can_tell_whether_anybody_was_asked(new_story: Any, data: st.DataObject) -> None:
    """The same chat once with all consultations and once without any: what the page is sent is the same."""
    story, alone = (with_parking(new_story()) for _ in range(2))
    for _ in range(data.draw(st.integers(1, 40))):
        if story.contact.is_over:
            break
        command = data.draw(st.sampled_from(likely(story)))
        try:
            story.do(command, "system")
        except TrunklineError:
            continue
        if (same := without_consultation(alone, command)) is not None:
            alone.do(same)
        elapsed = timedelta(seconds=data.draw(st.sampled_from([0, 0, 1, 120])))
        story.pass_time(elapsed)
        alone.pass_time(elapsed)
        assert story.shown_to_customer() == alone.shown_to_customer()
        of_customer = story.seen(for_agents=False).SerializeToString()
        assert not any(words.ciphertext in of_customer for words in (ASIDE, NOTE))
        assert not story.seen(for_agents=False).HasField("consultation")
