"""A supervisor reads a chat along, whispers to its agent, writes to its customer (routing rule 20)."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline.contact.v1.contact_types_pb2 import ContactView
from trunkline_channels.application.hub import Telling
from trunkline_channels.domain.commands import (
    AddMessage,
    AddSupervisorMessage,
    CloseContact,
    LoseSupervisor,
    MonitorContact,
    RecordAccepted,
    RecordConnected,
    RecordCustomerReturned,
    RecordEnqueued,
    RecordOffered,
    RecordParked,
    RecordResumed,
    RecordTakenOver,
    StopMonitoring,
    TakeOverContact,
    TransferContact,
)
from trunkline_channels.domain.events import (
    ContactQueued,
    ContactTakenOver,
    MessageAdded,
    MonitoringBegun,
    MonitoringChanged,
    MonitoringEnded,
    StepBegun,
    WhisperAdded,
)
from trunkline_channels.domain.policy import MAX_MESSAGES, MAX_NOTE_BYTES, MAX_WHISPERS
from trunkline_channels.domain.words import Author, CloseReason, ContactState, MonitoringMode, Parking
from trunkline_channels.entrypoints.grpc import ContactReads, _Session
from trunkline_core.errors import TrunklineError
from trunkline_core.sealed import Sealed
from trunkline_core.treatments import UNKNOWN
from trunkline_platform.credentials import Principal, Role, service_principal

LISTEN, WHISPER, BARGE = MonitoringMode.LISTEN, MonitoringMode.WHISPER, MonitoringMode.BARGE
ZHAO, CHEN = "supervisor:us_zhao", "admin:us_chen"
WHISPERED = Sealed("ky_1", b"n" * 12, b"offer the refund, she is right")
SAID = Sealed("ky_1", b"n" * 12, b"Zhao here, I take care of that")


def monitor(story: Any, mode: MonitoringMode = LISTEN, actor: str = ZHAO, agent: str = "ag_zhao") -> list[Any]:
    happened: list[Any] = story.do(MonitorContact(story.one, mode, agent, "coaching"), actor)
    return happened


def words(story: Any, mode: MonitoringMode = WHISPER, body: Sealed | None = WHISPERED) -> AddSupervisorMessage:
    return AddSupervisorMessage(story.one, mode, body)


@pytest.fixture
def chatting(story: Any) -> Any:
    """Li has a chat."""
    return story.connected("chat")


@pytest.fixture
def reading(chatting: Any) -> Any:
    """Zhao reads along."""
    monitor(chatting)
    return chatting


def test_a_chat_is_read_at_once_for_there_is_no_leg_to_bring_up(chatting: Any) -> None:
    assert monitor(chatting) == [MonitoringBegun(chatting.one, 1, "us_zhao", "ag_zhao", LISTEN, "coaching")]
    assert chatting.contact.monitoring.is_joined
    assert chatting.pass_time(timedelta(seconds=29)) == [], "nothing is waited for"
    assert monitor(chatting) == []
    assert monitor(chatting, BARGE) == [MonitoringChanged(chatting.one, 1, "us_zhao", BARGE, "coaching")]
    ended = MonitoringEnded(chatting.one, 1, "us_zhao", "stopped")
    assert chatting.do(StopMonitoring(chatting.one), ZHAO) == [ended]


def test_one_supervisor_at_a_time_and_none_who_has_the_chat(reading: Any) -> None:
    ask = MonitorContact(reading.one, LISTEN, "", "coaching")
    assert reading.refusal(ask, CHEN) == "Rejection: MonitoredByAnother: us_zhao"
    assert reading.refusal(replace(ask, agent_id="ag_li"), ZHAO) == "Rejection: OnTheCall"


def test_a_whisper_is_for_the_agent_and_no_message(reading: Any) -> None:
    monitor(reading, WHISPER)
    messages = reading.contact.messages
    assert reading.do(words(reading), ZHAO) == [WhisperAdded(reading.one, 1, "us_zhao", "ag_li", WHISPERED)]
    assert reading.contact.messages == messages
    (shown,) = reading.seen(for_agents=True).whispers
    assert (shown.supervisor_id, shown.agent_id, shown.text) == ("us_zhao", "ag_li", WHISPERED.ciphertext.decode())
    assert shown.after_message_no == len(messages)


def test_who_barges_in_writes_to_the_customer_who_reads_somebody_of_the_house(reading: Any) -> None:
    monitor(reading, BARGE)
    number = reading.contact.next_message_no
    said = MessageAdded(reading.one, number, Author.SUPERVISOR, SAID, "", "us_zhao")
    assert reading.do(words(reading, BARGE, SAID), ZHAO) == [said]
    at_desk, at_widget = (reading.seen(for_agents=is_desk).messages[-1] for is_desk in (True, False))
    assert (at_desk.author, at_desk.supervisor_id) == (150, "us_zhao")
    assert (at_widget.author, at_widget.supervisor_id, at_widget.agent_id) == (2, "", "")
    assert at_widget.text == "Zhao here, I take care of that"


def test_who_merely_reads_or_monitors_nothing_writes_nothing(chatting: Any) -> None:
    assert chatting.refusal(words(chatting), ZHAO) == "Rejection: NotMonitoring"
    monitor(chatting)
    assert chatting.refusal(words(chatting), ZHAO) == "Rejection: MonitoringOnlyListens"
    assert chatting.refusal(words(chatting, BARGE), ZHAO) == "Rejection: MonitoringOnlyListens"
    monitor(chatting, WHISPER)
    assert chatting.refusal(words(chatting), CHEN) == "Rejection: NotMonitoring", "another one monitors it"
    assert chatting.refusal(words(chatting), ZHAO, tenant="tn_other").startswith("NotFound")
    chatting.do(StopMonitoring(chatting.one), ZHAO)
    assert chatting.refusal(words(chatting), ZHAO) == "Rejection: NotMonitoring"


def test_what_was_meant_for_the_agent_never_goes_to_the_customer_because_the_mode_changed(reading: Any) -> None:
    monitor(reading, BARGE)
    assert reading.refusal(words(reading), ZHAO) == "Rejection: MonitoringIsOther"
    monitor(reading, WHISPER)
    assert reading.refusal(words(reading, BARGE), ZHAO) == "Rejection: MonitoringIsOther"


def test_words_need_a_reader_a_body_and_room(reading: Any) -> None:
    monitor(reading, WHISPER)
    for mode in (LISTEN, MonitoringMode.UNSPECIFIED):
        assert reading.refusal(words(reading, mode), ZHAO) == "Invalid: mode: must be WHISPER or BARGE"
    assert reading.refusal(words(reading, body=None), ZHAO).startswith("Invalid: body")
    long = replace(WHISPERED, ciphertext=b"x" * (MAX_NOTE_BYTES + 17))
    assert reading.refusal(words(reading, body=long), ZHAO) == "Invalid: body: must have at most 2 KiB"
    for _ in range(MAX_WHISPERS):
        reading.do(words(reading), ZHAO)
    assert reading.refusal(words(reading), ZHAO) == "Rejection: ConversationFull"
    monitor(reading, BARGE)
    assert reading.do(words(reading, BARGE, long), ZHAO), "a message may be longer"
    while reading.contact.has_room:
        reading.do(words(reading, BARGE, SAID), ZHAO)
    assert len(reading.contact.messages) == MAX_MESSAGES
    assert reading.refusal(words(reading, BARGE, SAID), ZHAO) == "Rejection: ConversationFull"


def test_nothing_is_written_into_a_call(story: Any) -> None:
    monitor(story.connected("voice"), WHISPER)
    assert story.refusal(words(story), ZHAO) == "Rejection: WritingNeedsChat"


def test_a_parked_chat_is_read_and_written_in_and_stays_parked(chatting: Any) -> None:
    chatting.do(agent_writes(chatting))
    chatting.do(RecordParked(chatting.one, 1, "ag_li"))
    for mode in (WHISPER, BARGE):
        monitor(chatting, mode)
        assert not [event for event in chatting.do(words(chatting, mode), ZHAO) if isinstance(event, StepBegun)]
    assert chatting.contact.parking is Parking.PARKED
    back = [event.kind for event in chatting.do(customer_writes(chatting)) if isinstance(event, StepBegun)]
    assert back == ["resume"]


def customer_writes(story: Any) -> AddMessage:
    return AddMessage(story.one, Author.CUSTOMER, story.sealed, "")


def agent_writes(story: Any) -> AddMessage:
    return AddMessage(story.one, Author.AGENT, story.sealed, story.contact.agent_id)


def test_an_answer_of_the_supervisor_is_none_of_the_agents(chatting: Any) -> None:
    chatting.do(customer_writes(chatting))
    monitor(chatting, BARGE)
    chatting.do(words(chatting, BARGE, SAID), ZHAO)
    assert not chatting.contact.is_answered
    chatting.do(agent_writes(chatting))
    chatting.do(words(chatting, BARGE, SAID), ZHAO)
    assert chatting.contact.is_answered, "the agent answered before"


def test_a_chat_in_which_only_the_supervisor_writes_is_not_silent(reading: Any) -> None:
    monitor(reading, BARGE)
    reading.pass_time(timedelta(minutes=29))
    reading.do(words(reading, BARGE, SAID), ZHAO)
    assert reading.pass_time(timedelta(minutes=29)) == []


def test_a_whisper_keeps_no_silent_customer(reading: Any) -> None:
    monitor(reading, WHISPER)
    reading.pass_time(timedelta(minutes=29))
    reading.do(words(reading), ZHAO)
    reading.pass_time(timedelta(minutes=1))
    assert reading.contact.close_reason is CloseReason.INACTIVE


def test_it_ends_with_the_chat_and_without_pages_and_where_it_is_given_on(reading: Any) -> None:
    one = reading.one
    assert reading.do(LoseSupervisor("us_zhao")) == [MonitoringEnded(one, 1, "us_zhao", "supervisor_gone")]
    monitor(reading)
    reading.do(TransferContact(one, "ag_li", "qu_help"))
    ended, queued, *_ = reading.do(RecordEnqueued(one, reading.contact.step_no, "qu_help", 2))
    assert ended == MonitoringEnded(one, 2, "us_zhao", "given_on")
    assert isinstance(queued, ContactQueued)
    for fact in (RecordOffered, RecordAccepted):
        reading.do(fact(one, 2, 1, "ag_wang"))
    reading.do(RecordConnected(one, 2, 1, "ag_wang"))
    monitor(reading)
    ended, *_ = reading.do(CloseContact(one, CloseReason.CUSTOMER_LEFT, ""))
    assert ended == MonitoringEnded(one, 3, "us_zhao", "contact_ended")
    assert reading.refusal(words(reading), ZHAO) == "Rejection: ContactNotConnected"


def test_who_takes_the_chat_over_monitors_it_no_more(reading: Any) -> None:
    reading.do(TakeOverContact(reading.one, "ag_zhao", "other"), ZHAO)
    assert reading.do(RecordTakenOver(reading.one, 1, 2, "ag_zhao")) == [
        MonitoringEnded(reading.one, 1, "us_zhao", "taken_over"),
        ContactTakenOver(reading.one, 1, 2, "ag_zhao", "ag_li"),
    ]


async def read_by(story: Any, principal: Principal) -> ContactView:
    reads: Any = ContactReads(None, story.sealer, None)  # type: ignore[arg-type]
    answer = await reads._shown(story.contact, principal)
    found: ContactView = answer.contact
    return found


@pytest.mark.parametrize(
    ("actor", "role", "count"),
    [
        ("agent:ag_li", Role.AGENT, 1),
        ("agent:ag_wang", Role.AGENT, 0),
        ("supervisor:us_zhao", Role.SUPERVISOR, 1),
        ("service:console", Role.SERVICE, 1),
    ],
)
async def test_what_was_whispered_to_an_agent_is_no_later_agents(
    reading: Any, actor: str, role: Role, count: int
) -> None:
    monitor(reading, WHISPER)
    reading.do(words(reading), ZHAO)
    reading.do(TakeOverContact(reading.one, "ag_wang", "other"), ZHAO)
    reading.do(RecordTakenOver(reading.one, 1, 2, "ag_wang"))
    shown = await read_by(reading, Principal("tn_demo", actor, frozenset({role})))
    assert len(shown.whispers) == count


@pytest.mark.parametrize(
    ("peer_id", "principal", "count"),
    [
        ("console:1", service_principal("console", "tn_demo"), 1),
        ("chat:a", service_principal("channels", "tn_demo"), 0),
        ("chat:other", service_principal("channels", "tn_demo"), 0),
        ("gw", Principal("tn_demo", "gateway:gw", frozenset({Role.GATEWAY})), 0),
    ],
)
async def test_a_chat_edge_is_the_customers_side_also_of_what_another_edge_holds(
    reading: Any, peer_id: str, principal: Principal, count: int
) -> None:
    monitor(reading, WHISPER)
    reading.do(words(reading), ZHAO)
    peer: Any = SimpleNamespace(peer=SimpleNamespace(peer_id=peer_id))
    figures: Any = SimpleNamespace(of=lambda _: UNKNOWN)
    session: Any = _Session(principal, peer, None, None, None, None, reading.sealer, figures)  # type: ignore[arg-type]
    view = await session._view(Telling(reading.contact, 0, 0))
    assert (len(view.whispers), view.HasField("monitoring")) == (count, bool(count))


# -- whatever happens --------------------------------------------------------------------------------


def likely(story: Any) -> list[tuple[Any, str]]:
    """What supervisors, customer, agents and acd would do next with a chat."""
    contact, one = story.contact, story.one
    segment_no, following, agent_id = contact.segment_no, contact.newest_place[1] + 1, contact.agent_id
    modes = (LISTEN, WHISPER, BARGE)
    return [
        *((MonitorContact(one, mode, "", "other"), actor) for mode in modes for actor in (ZHAO, CHEN)),
        *[(words(story, WHISPER), ZHAO), (words(story, BARGE, SAID), ZHAO)] * 4,
        (StopMonitoring(one), ZHAO),
        (LoseSupervisor("us_zhao"), "system"),
        (customer_writes(story), "customer"),
        (agent_writes(story), "system"),
        (RecordParked(one, segment_no, agent_id), "system"),
        (RecordResumed(one, segment_no, agent_id), "system"),
        (RecordCustomerReturned(one, segment_no, agent_id), "system"),
        (TransferContact(one, agent_id, "qu_2"), "system"),
        (RecordEnqueued(one, contact.step_no, "qu_2", segment_no + 1, timedelta(minutes=10)), "system"),
        (RecordOffered(one, segment_no, following, "ag_wu"), "system"),
        (RecordAccepted(one, segment_no, contact.offer_no, agent_id), "system"),
        (RecordConnected(one, segment_no, contact.offer_no, agent_id), "system"),
        (TakeOverContact(one, "ag_wu", "other"), ZHAO),
        (RecordTakenOver(one, segment_no, following, "ag_wu"), "system"),
    ]


def play(story: Any, command: Any, actor: str) -> None:
    try:
        story.do(command, actor)
    except TrunklineError:
        return


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_whisper_is_in_no_view_of_the_customers_and_changes_none(new_story: Any, data: st.DataObject) -> None:
    """The same chat once with what is whispered and once without: the customer cannot tell them apart."""
    story, silent = new_story().connected("chat"), new_story().connected("chat")
    for _ in range(data.draw(st.integers(1, 30))):
        if story.contact.is_over:
            break
        command, actor = data.draw(st.sampled_from(likely(story)))
        play(story, command, actor)
        if not (isinstance(command, AddSupervisorMessage) and command.mode is WHISPER):
            play(silent, command, actor)
        elapsed = timedelta(seconds=data.draw(st.sampled_from([0, 0, 1, 600])))
        story.pass_time(elapsed)
        silent.pass_time(elapsed)
        of_customer = story.seen(for_agents=False)
        assert WHISPERED.ciphertext not in of_customer.SerializeToString()
        assert b"us_zhao" not in of_customer.SerializeToString()
        assert story.shown_to_customer() == silent.shown_to_customer()
        assert (story.contact.parking, story.contact.step) == (silent.contact.parking, silent.contact.step)
        assert {timer.key: timer.due for timer in story.state.timers.values()} == {
            timer.key: timer.due for timer in silent.state.timers.values()
        }
    whispers = [event for event in story.past if isinstance(event, WhisperAdded)]
    assert len(whispers) == len(story.contact.whispers)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_only_who_monitors_that_way_writes_that_way(new_story: Any, data: st.DataObject) -> None:
    story = new_story().connected("chat")
    for _ in range(data.draw(st.integers(1, 30))):
        if story.contact.is_over:
            break
        before = story.contact
        known = len(story.past)
        play(story, *data.draw(st.sampled_from(likely(story))))
        for event in story.past[known:]:
            if isinstance(event, WhisperAdded) or (isinstance(event, MessageAdded) and event.supervisor_id):
                mode = WHISPER if isinstance(event, WhisperAdded) else BARGE
                assert before.state is ContactState.CONNECTED
                assert (before.monitoring.supervisor_id, before.monitoring.mode) == (event.supervisor_id, mode)
