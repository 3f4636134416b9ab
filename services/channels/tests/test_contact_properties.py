"""Any interleaving of facts, hang-ups, duplicates and repeated steps keeps the invariants (see conftest `_check`)."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_channels.bootstrap import SERVICE
from trunkline_channels.domain import commands
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.events import (
    ConsultationCompleted,
    ConsultationRequested,
    ContactClosed,
    ContactDropped,
    ContactQueued,
    NoteHandedOn,
    TransferRequested,
)
from trunkline_channels.domain.words import (
    Author,
    CallbackState,
    CloseReason,
    ConsultationState,
    ContactState,
    DialAnswer,
    MonitoringMode,
    Party,
    TreatmentOfQueue,
)
from trunkline_core.decider import Context, execute
from trunkline_core.errors import TrunklineError
from trunkline_core.flows import MenuOption
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import (
    AnnouncementStep,
    MenuStep,
    PauseStep,
    QueueTreatment,
    TreatmentAction,
    TreatmentOption,
)
from trunkline_testkit.contracts.snapshots import check_snapshot

ONE = "ct_0123456789abcdef_one"
HELLO = LocalizedText("你好", "Hello")
SEALED = Sealed("ky_1", b"n" * 12, b"c" * 32)
MENU = (MenuOption("sales", HELLO, "1", (), "n2"),)

small = st.integers(1, 3)
step_numbers = st.integers(1, 9)
agents = st.sampled_from(["ag_li", "ag_wu"])
texts = st.sampled_from([None, HELLO])
notes = st.sampled_from([None, SEALED])
silences = st.sampled_from([timedelta(0), timedelta(minutes=10)])

moves: st.SearchStrategy[Command] = st.one_of(
    st.builds(commands.RecordCustomer, st.just(ONE), step_numbers, st.just("cu_1"), st.just(""), agents),
    st.builds(commands.RefuseStep, st.just(ONE), step_numbers, st.just("QueueFull")),
    st.builds(commands.RecordPrompt, st.just(ONE), st.just("n1"), small, texts, st.sampled_from([(), MENU])),
    st.builds(commands.RecordText, st.just(ONE), texts),
    st.builds(commands.GiveInput, st.just(ONE), st.just("n1"), st.sampled_from(["", "sales"]), st.just(SEALED)),
    st.builds(commands.RecordPersonRequested, st.just(ONE), st.just("qu_1"), small, small, st.just(()), texts),
    st.builds(commands.RecordSelfServiceCompleted, st.just(ONE), texts),
    st.builds(commands.RecordEnqueued, st.just(ONE), step_numbers, st.just("qu_1"), small, silences),
    st.builds(commands.RecordParked, st.just(ONE), small, agents),
    st.builds(commands.RecordResumed, st.just(ONE), small, agents),
    st.builds(commands.RecordCustomerReturned, st.just(ONE), small, agents),
    st.builds(commands.RecordOffered, st.just(ONE), small, small, agents, st.booleans()),
    st.builds(commands.RecordAccepted, st.just(ONE), small, small, agents),
    st.builds(commands.RecordOfferEnded, st.just(ONE), small, small),
    st.builds(commands.RecordConnected, st.just(ONE), small, small, agents),
    st.builds(commands.RecordForgotten, st.just(ONE), step_numbers),
    st.builds(commands.RecordWrapUp, st.just(ONE), agents, st.just("")),
    st.builds(commands.ConfirmConnect, st.just(ONE), small, small),
    st.builds(commands.RefuseConnect, st.just(ONE), small, small, st.just("busy")),
    st.builds(commands.RequestCallback, st.just(ONE), st.none()),
    st.builds(commands.ChooseTreatmentOption, st.just(ONE), st.sampled_from(["1", "2", "3", "4", "#", ""])),
    st.builds(commands.WithdrawCallback, st.just(ONE)),
    st.builds(commands.TransferContact, st.just(ONE), agents, st.sampled_from(["qu_1", "qu_2", ""]), agents, notes),
    st.builds(commands.ConsultAgent, st.just(ONE), agents, agents, notes),
    st.builds(commands.TalkTo, st.just(ONE), agents, st.sampled_from(Party)),
    st.builds(commands.MergeConsultation, st.just(ONE), agents),
    st.builds(commands.CompleteConsultation, st.just(ONE), agents),
    st.builds(commands.LeaveConsultation, st.just(ONE), agents),
    st.builds(commands.RecordConsultation, st.just(ONE), small, small, agents, st.sampled_from(ConsultationState)),
    st.builds(commands.RecordConsultationCompleted, st.just(ONE), small, small, agents),
    st.builds(commands.RecordConsultationEnded, st.just(ONE), small, small, st.just("expired")),
    st.builds(commands.MonitorContact, st.just(ONE), st.sampled_from(MonitoringMode), agents, st.just("other")),
    st.builds(commands.StopMonitoring, st.just(ONE)),
    st.builds(commands.AddSupervisorMessage, st.just(ONE), st.sampled_from(MonitoringMode), st.just(SEALED)),
    st.builds(commands.TakeOverContact, st.just(ONE), agents, st.just("other")),
    st.builds(commands.RecordTakenOver, st.just(ONE), small, small, agents),
    st.builds(commands.ConfirmConnect, st.just(ONE), small, small, small),
    st.builds(commands.RefuseConnect, st.just(ONE), small, small, st.just("busy"), small),
    st.builds(commands.LoseSupervisor, st.sampled_from(["us_zhao", "us_chen"]), st.sampled_from([(), (ONE,)])),
    st.builds(commands.RecordCallbackOpened, st.just(ONE), st.just("qu_1"), small),
    st.builds(commands.RecordCallbackEnded, st.just(ONE), small),
    st.builds(commands.RecordCallbackDialled, st.just(ONE), small, small, agents, st.sampled_from(["", "ho_1"])),
    st.builds(
        commands.RecordDialCheck, st.just(ONE), step_numbers, st.sampled_from(["", "cu_1"]), st.sampled_from(DialAnswer)
    ),
    st.builds(commands.RecordCallbackCleared, st.just(ONE), small, small),
    st.builds(commands.RecordCallbackReached, st.just(ONE), small, small),
    st.builds(commands.ReportCallResult, st.just(ONE), small, small, st.sampled_from(["reached", "busy"]), st.just("")),
    st.builds(commands.AddMessage, st.just(ONE), st.sampled_from(Author), st.just(SEALED), agents),
    st.builds(commands.AttachPeer, st.just(ONE), st.sampled_from(["chat:a", "chat:b"])),
    st.builds(commands.DetachPeer, st.just(ONE), st.sampled_from(["chat:a", "chat:b"])),
    st.builds(commands.LosePeer, st.sampled_from(["chat:a", "chat:b"]), st.sampled_from([(), (ONE,)])),
    st.builds(commands.RecordAgentLost, st.just(ONE), agents),
    st.builds(commands.RecordLimitReached, st.just(ONE), st.integers(0, 2)),
    st.builds(commands.RecordWaitingContactClosed, st.just(ONE), st.integers(0, 2)),
    st.builds(commands.ReconcileContact, st.just(ONE), st.integers(0, 40), st.just("UnknownAtAcd")),
    st.builds(commands.CloseContact, st.just(ONE), st.sampled_from(CloseReason), agents),
    st.builds(commands.RecordWait, st.just(ONE), step_numbers, st.integers(0, 3), st.none()),
    st.builds(commands.AnnounceTreatment, st.just(ONE)),
)


OPTIONS = (
    TreatmentOption("1", HELLO, TreatmentAction.CALLBACK),
    TreatmentOption("2", HELLO, TreatmentAction.QUEUE, "qu_2"),
    TreatmentOption("3", HELLO, TreatmentAction.ANNOUNCE, text=LocalizedText("{wait}", "{wait}.")),
    TreatmentOption("4", HELLO, TreatmentAction.ANNOUNCE, text=HELLO),
    TreatmentOption("#", HELLO, TreatmentAction.END),
)
TREATMENTS = (
    None,
    QueueTreatment((MenuStep(HELLO, OPTIONS), PauseStep(timedelta(seconds=5)), AnnouncementStep(HELLO)), 1),
    QueueTreatment((AnnouncementStep(HELLO), PauseStep(timedelta(seconds=5))), 1),
    QueueTreatment((PauseStep(timedelta(seconds=50)), AnnouncementStep(LocalizedText("{position}", "{position}."))), 1),
)
treatments: st.SearchStrategy[Command] = st.builds(
    lambda queue_id, treatment: commands.PutTreatments((TreatmentOfQueue(queue_id, treatment),)),
    st.sampled_from(["qu_1", "qu_2"]),
    st.sampled_from(TREATMENTS),
)


def likely_next(story: Any) -> list[Command]:
    """What a real acd, ivr or crm would say next, so that stories get beyond the first question."""
    contact = story.state.contacts.get(ONE)
    if contact is None:
        return []
    segment_no, offer_no = contact.place
    agent_id = contact.agent_id or "ag_li"
    return [
        commands.RecordCustomer(ONE, contact.step_no, "cu_1"),
        commands.RecordPersonRequested(ONE, "qu_1", 1, 1, (), None),
        commands.RecordEnqueued(ONE, contact.step_no, "qu_1", segment_no + 1, timedelta(minutes=10)),
        commands.AddMessage(ONE, Author.AGENT, SEALED, agent_id),
        commands.AddMessage(ONE, Author.CUSTOMER, SEALED, ""),
        commands.RecordParked(ONE, segment_no, agent_id),
        commands.RecordResumed(ONE, segment_no, agent_id),
        commands.RecordCustomerReturned(ONE, segment_no, agent_id),
        commands.RecordOffered(ONE, segment_no, contact.newest_place[1] + 1, "ag_wu"),
        commands.RecordOffered(ONE, segment_no, contact.newest_place[1] + 1, "ag_liu", ring_all=True),
        commands.RecordAccepted(ONE, segment_no, offer_no, agent_id),
        *(commands.RecordAccepted(ONE, segment_no, *offer) for offer in contact.others),
        *(commands.RecordOfferEnded(ONE, segment_no, offer.offer_no) for offer in contact.others),
        commands.ConfirmConnect(ONE, segment_no, offer_no),
        commands.RequestCallback(ONE, None),
        *(commands.ChooseTreatmentOption(ONE, digit) for digit in "1234"),
        commands.RecordWait(ONE, contact.step_no, 2, timedelta(seconds=90)),
        commands.TransferContact(ONE, agent_id, "qu_2"),
        commands.TransferContact(ONE, agent_id, "qu_2", "ag_wu", SEALED, True),
        *likely_in_a_consultation(contact),
        *likely_of_a_supervisor(contact),
        commands.RecordCallbackOpened(ONE, "qu_1", segment_no + 1),
        *likely_when_called_back(contact),
        commands.RecordOfferEnded(ONE, segment_no, offer_no),
        commands.RecordConnected(ONE, segment_no, offer_no, agent_id),
        commands.RefuseStep(ONE, contact.step_no, "OfferNotLive"),
        commands.RecordForgotten(ONE, contact.step_no),
    ]


def likely_when_handed_on(story: Any) -> list[Command]:
    """What brings a call from agent to agent, and what comes to nothing."""
    contact = story.contact
    segment_no, offer_no = contact.place
    queued = commands.RecordEnqueued(ONE, contact.step_no, "qu_1", segment_no + 1)
    match contact.state:
        case ContactState.QUEUED:
            return [commands.RecordOffered(ONE, segment_no, contact.newest_place[1] + 1, "ag_wu")]
        case ContactState.OFFERED:
            return [commands.RecordAccepted(ONE, segment_no, offer_no, contact.agent_id)]
        case ContactState.CONNECTING:
            return [commands.RecordConnected(ONE, segment_no, offer_no, contact.agent_id)]
        case _:
            note = SEALED if segment_no % 2 else None
            transfer = commands.TransferContact(ONE, contact.agent_id, "qu_1", note=note)
            refused = commands.RefuseStep(ONE, contact.step_no, "QueueFull")
            return [transfer, queued, queued, refused, *likely_in_a_consultation(contact)]


def likely_when_called_back(contact: Any) -> list[Command]:
    """What acd, crm and the gateway would say next of a customer who is to be called back."""
    segment_no, offer_no = contact.place
    return [
        commands.RecordCallbackDialled(ONE, segment_no, contact.newest_place[1] + 1, "ag_wu"),
        commands.RecordDialCheck(ONE, contact.step_no, "cu_1", DialAnswer.MAY_BE_CALLED),
        commands.RecordCallbackCleared(ONE, segment_no, offer_no),
        commands.ReportCallResult(ONE, segment_no, offer_no, "busy", ""),
        commands.ReportCallResult(ONE, segment_no, offer_no, "reached", ""),
        commands.RecordCallbackReached(ONE, segment_no, offer_no),
    ]


def likely_in_a_consultation(contact: Any) -> list[Command]:
    """What agents, acd and the gateway would say next of a call that a colleague is asked about."""
    segment_no, agent_id = contact.segment_no, contact.agent_id
    asked = contact.consultation
    if asked is None:
        return [commands.ConsultAgent(ONE, agent_id, "ag_wang", SEALED)]
    place = (segment_no, asked.offer_no or contact.newest_place[1] + 1)
    following = ConsultationState(min(asked.state.value + 1, ConsultationState.CONFERENCE.value))
    return [
        commands.RecordConsultation(ONE, *place, asked.agent_id, following),
        commands.ConfirmConnect(ONE, *place),
        commands.RefuseConnect(ONE, *place, "busy"),
        commands.TalkTo(ONE, agent_id, Party.CUSTOMER),
        commands.MergeConsultation(ONE, agent_id),
        commands.CompleteConsultation(ONE, agent_id),
        commands.LeaveConsultation(ONE, asked.agent_id),
        commands.RecordConsultationCompleted(ONE, *place, asked.agent_id),
        commands.RecordConsultationEnded(ONE, *place, "expired"),
    ]


def likely_of_a_supervisor(contact: Any) -> list[Command]:
    """What a supervisor, the gateway and acd would say next of a call that is monitored, or of a chat."""
    now, following = contact.monitoring, contact.newest_place[1] + 1
    if now is None:
        modes = [mode for mode in MonitoringMode if mode is not MonitoringMode.UNSPECIFIED]
        return [commands.MonitorContact(ONE, mode, agent_id, "other") for mode in modes for agent_id in ("ag_zhao", "")]
    return [
        *(commands.MonitorContact(ONE, mode, now.agent_id, "other") for mode in MonitoringMode),
        *(commands.AddSupervisorMessage(ONE, mode, SEALED) for mode in MonitoringMode),
        *[commands.ConfirmConnect(ONE, 0, 0, now.monitoring_no)] * 4,
        commands.RefuseConnect(ONE, 0, 0, "busy", now.monitoring_no),
        commands.RecordConsultation(ONE, contact.segment_no, following, "ag_zhao", ConsultationState.OFFERED),
        commands.RecordConsultationCompleted(ONE, contact.segment_no, following, "ag_zhao"),
        commands.TakeOverContact(ONE, "ag_zhao", "other"),
        commands.RecordTakenOver(ONE, contact.segment_no, following, "ag_zhao"),
        commands.RecordTakenOver(ONE, contact.segment_no, following, "ag_wu"),
        commands.StopMonitoring(ONE),
    ]


def play(story: Any, command: Command) -> None:
    try:
        story.do(command, actor="supervisor:us_zhao" if isinstance(command, commands.SupervisorCommand) else "system")
    except TrunklineError:
        return


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_interleaving_ends_once_and_leaves_nothing_behind(new_story: Any, data: st.DataObject) -> None:
    story = new_story().opened(data.draw(st.sampled_from(["chat", "voice"])))
    for _ in range(data.draw(st.integers(0, 25))):
        play(story, data.draw(treatments))
        likely = likely_next(story)
        command = data.draw(st.one_of(moves, st.sampled_from(likely)) if likely else moves)
        for _ in range(data.draw(st.integers(1, 2))):  # everything may come twice
            play(story, command)
        if data.draw(st.integers(0, 9)) == 0:
            story.pass_time(timedelta(minutes=data.draw(st.integers(1, 20))))
        if data.draw(st.integers(0, 2)) == 0:
            story.pass_time(timedelta(seconds=data.draw(st.integers(0, 60))))
    leave(story)
    assert sum(isinstance(event, ContactClosed) for event in story.past) == 1
    assert sum(isinstance(event, ContactDropped) for event in story.past) == 1
    assert not len(story.state.contacts)
    assert not len(story.state.timers)
    assert not story.state.held.names()


def leave(story: Any) -> None:
    """The customer goes, a call-back ends or does not come about, and every service confirms."""
    play(story, commands.CloseContact(ONE, CloseReason.CUSTOMER_LEFT, ""))
    contact = story.state.contacts.get(ONE)
    if contact and contact.keeps_place and contact.callback is CallbackState.OPEN:
        play(story, commands.RecordCallbackEnded(ONE, contact.segment_no))
    elif contact and contact.keeps_place:
        play(story, commands.RefuseStep(ONE, contact.step.step_no, "TooManyCallbacks"))
    for _ in range(3):
        contact = story.state.contacts.get(ONE)
        if contact is not None and contact.step is not None:
            story.do(commands.RecordForgotten(ONE, contact.step.step_no))
    if contact := story.state.contacts.get(ONE):
        assert contact.step is None, "all facts are delivered: nothing is outstanding"
    story.pass_time(timedelta(minutes=10))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_note_goes_on_at_most_once_and_only_with_the_contact(new_story: Any, data: st.DataObject) -> None:
    story = new_story().connected("voice")
    for _ in range(data.draw(st.integers(0, 30))):
        play(story, data.draw(st.sampled_from(likely_when_handed_on(story))))
    written = [event.note for event in story.past if isinstance(event, TransferRequested | ConsultationRequested)]
    handed = [number for number, event in enumerate(story.past) if isinstance(event, NoteHandedOn)]
    assert len(handed) <= len([note for note in written if note is not None])
    for number in handed:
        assert isinstance(story.past[number - 1], ContactQueued | ConsultationCompleted)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_call_with_a_supervisor_keeps_everybody_elses_legs_and_ends_each_monitoring(
    new_story: Any, data: st.DataObject
) -> None:
    """Routing rule 20: `conftest._check_monitoring` after each command, from a call that an agent has."""
    story = new_story().connected("voice")
    for _ in range(data.draw(st.integers(1, 25))):
        contact = story.state.contacts.get(ONE)
        if contact is None or contact.is_over:
            break
        likely = [*likely_of_a_supervisor(contact), *likely_in_a_consultation(contact), *likely_elsewhere(contact)]
        play(story, data.draw(st.sampled_from(likely)))
        if data.draw(st.integers(0, 9)) == 0:
            story.pass_time(timedelta(seconds=data.draw(st.integers(1, 20))))
    leave(story)
    assert not story.state.monitored.names()
    assert not len(story.state.timers)


def likely_elsewhere(contact: Any) -> list[Command]:
    """What takes a call from its agent, and what gives it to the next one."""
    segment_no, following = contact.segment_no, contact.newest_place[1] + 1
    return [
        commands.TransferContact(ONE, contact.agent_id, "qu_2"),
        commands.RecordEnqueued(ONE, contact.step_no, "qu_2", segment_no + 1),
        commands.RecordAccepted(ONE, segment_no, following, "ag_wu"),
        commands.RecordConnected(ONE, segment_no, max(contact.offer_no, 1), "ag_wu"),
        commands.RefuseStep(ONE, contact.step_no, "QueueFull"),
        commands.LoseSupervisor("us_zhao"),
        commands.RecordAgentLost(ONE, contact.agent_id),
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(moves, max_size=15))
def test_a_batch_taken_back_leaves_the_state_as_it_was(new_story: Any, batch: list[Command]) -> None:
    story = new_story().connected()
    before = (list(story.state.contacts.values()), list(story.state.timers.values()), story.state.held.names())
    for number, command in enumerate(batch):
        try:
            execute(story.decider, story.state, command, Context(story.now, "tn_demo", "system", f"x{number}"))
        except TrunklineError:
            continue
    story.state.journal.rollback()
    after = (list(story.state.contacts.values()), list(story.state.timers.values()), story.state.held.names())
    assert after == before


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 80))
def test_a_replica_that_begins_from_a_snapshot_comes_to_the_very_same_state(
    new_story: Any, data: st.DataObject, cut: int
) -> None:
    """Ledger rule 16."""
    story = new_story().opened(data.draw(st.sampled_from(["chat", "voice"])))
    for _ in range(data.draw(st.integers(0, 20))):
        play(story, data.draw(treatments))
        likely = likely_next(story)
        play(story, data.draw(st.one_of(moves, st.sampled_from(likely)) if likely else moves))
        story.pass_time(timedelta(seconds=data.draw(st.sampled_from([0, 30]))))
    check_snapshot(SERVICE, story.log, cut)
