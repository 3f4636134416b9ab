"""The connected agent asks a colleague about a call (routing rule 19): what is asked of acd, and who hears whom."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from trunkline.acd.v1 import acd_commands_pb2 as acd
from trunkline.contact.v1 import contact_types_pb2 as types
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.adapters.views import contact_view
from trunkline_channels.domain.commands import (
    CloseContact,
    CompleteConsultation,
    ConfirmConnect,
    ConsultAgent,
    LeaveConsultation,
    MergeConsultation,
    RecordAccepted,
    RecordAgentLost,
    RecordConnected,
    RecordConsultation,
    RecordConsultationCompleted,
    RecordConsultationEnded,
    RecordOffered,
    RecordOfferEnded,
    RefuseConnect,
    RefuseStep,
    TalkTo,
    TransferContact,
)
from trunkline_channels.domain.events import (
    ConsultationCompleted,
    ConsultationEnded,
    ConsultationLegJoined,
    ConsultationLegRefused,
    ConsultationRequested,
    ConsultationSwapped,
    NoteHandedOn,
    StepBegun,
)
from trunkline_channels.domain.words import CloseReason, ConsultationState, ContactState, Party
from trunkline_core.sealed import Sealed

HOLD = {"music"}
NOTE = Sealed("ky_1", b"n" * 12, b"asks for the boss" + b"t" * 16)


@pytest.fixture
def talking(story: Any) -> Any:
    """Li talks to a caller."""
    return story.connected("voice")


def consult(story: Any, colleague: str = "ag_wang", agent: str = "ag_li") -> list[Any]:
    happened: list[Any] = story.do(ConsultAgent(story.one, agent, colleague))
    return happened


def noted(story: Any) -> Any:
    story.do(ConsultAgent(story.one, "ag_li", "ag_wang", NOTE))
    acd_says(story, ConsultationState.OFFERED, ConsultationState.CONNECTING)
    story.do(ConfirmConnect(story.one, 1, 2))
    acd_says(story, ConsultationState.TALKING)
    return story


def test_the_colleague_who_gets_the_contact_keeps_the_note(talking: Any) -> None:
    noted(talking)
    _, handed = talking.do(RecordConsultationCompleted(talking.one, 1, 2, "ag_wang"))
    assert handed == NoteHandedOn(talking.one, "ag_li", NOTE)
    assert [(note.agent_id, note.text) for note in talking.contact.notes] == [("ag_li", NOTE)]


def test_the_note_of_a_consultation_that_came_to_nothing_is_dropped(talking: Any) -> None:
    noted(talking).do(RecordConsultationEnded(talking.one, 1, 2, "colleague_left"))
    assert (talking.contact.consultation, talking.contact.notes) == (None, ())


@pytest.mark.parametrize(("for_agents", "shown"), [(True, "asks for the boss"), (False, "")])
async def test_the_colleague_reads_the_note_while_being_asked_and_the_gateway_never(
    talking: Any, for_agents: bool, shown: str
) -> None:
    talking.do(ConsultAgent(talking.one, "ag_li", "ag_wang", replace(NOTE, ciphertext=b"asks for the boss")))
    acd_says(talking, ConsultationState.OFFERED)
    opening: Any = Opening()
    view = await contact_view(talking.contact, opening, 0, 0, for_agents=for_agents)
    assert view.consultation.note == shown


class Opening:
    async def open(self, text: Sealed, tenant: str) -> str | None:
        return text.ciphertext.decode()


def acd_says(story: Any, *states: ConsultationState, offer_no: int = 2) -> None:
    for state in states:
        story.do(RecordConsultation(story.one, 1, offer_no, "ag_wang", state))


@pytest.fixture
def asking(talking: Any) -> Any:
    """It rings at Wang."""
    consult(talking)
    acd_says(talking, ConsultationState.OFFERED)
    return talking


@pytest.fixture
def answered(asking: Any) -> Any:
    """Wang took it, the gateway brings up the leg."""
    acd_says(asking, ConsultationState.CONNECTING)
    return asking


@pytest.fixture
def consulting(answered: Any) -> Any:
    """Li and Wang talk."""
    answered.do(ConfirmConnect(answered.one, 1, 2))
    acd_says(answered, ConsultationState.TALKING)
    return answered


@pytest.fixture
def conference(consulting: Any) -> Any:
    consulting.do(MergeConsultation(consulting.one, "ag_li"))
    acd_says(consulting, ConsultationState.CONFERENCE)
    return consulting


class LegGateway:
    """Plays what the views say: whoever is bridged hears all who are, whoever is held hears music."""

    def __init__(self, view: types.ContactView) -> None:
        modes: dict[str, Any] = {leg.agent_id or "customer": leg.mode for leg in view.legs}
        bridged = {who for who, mode in modes.items() if mode == types.LegMode.LEG_MODE_BRIDGED}
        self.to_bring_up = {
            (leg.agent_id, view.segment_no, leg.offer_no)
            for leg in view.legs
            if leg.mode == types.LegMode.LEG_MODE_CONNECT
        }
        self.hears = {who: bridged - {who} if who in bridged else HOLD for who in modes if who not in self._dialled}

    @property
    def _dialled(self) -> set[str]:
        return {agent_id for agent_id, _, _ in self.to_bring_up}


async def played(story: Any) -> LegGateway:
    """Return what is heard by whoever is on the call."""
    return LegGateway(await contact_view(story.contact, sealer=None, after=0, upto=0, for_agents=False))  # type: ignore[arg-type]


async def test_what_everybody_hears_from_the_call_to_the_colleague_who_has_it(talking: Any) -> None:
    one = talking.one
    assert (await played(talking)).hears == {"customer": {"ag_li"}, "ag_li": {"customer"}}
    consult(talking)
    assert (await played(talking)).hears == {"customer": {"ag_li"}, "ag_li": {"customer"}}, "acd may refuse yet"
    acd_says(talking, ConsultationState.OFFERED)
    assert (await played(talking)).hears == {"customer": HOLD, "ag_li": set()}
    acd_says(talking, ConsultationState.CONNECTING)
    gateway = await played(talking)
    assert (gateway.to_bring_up, gateway.hears) == ({("ag_wang", 1, 2)}, {"customer": HOLD, "ag_li": set()})
    talking.do(ConfirmConnect(one, 1, 2))
    acd_says(talking, ConsultationState.TALKING)
    assert (await played(talking)).hears == {"customer": HOLD, "ag_li": {"ag_wang"}, "ag_wang": {"ag_li"}}
    talking.do(TalkTo(one, "ag_li", Party.CUSTOMER))
    assert (await played(talking)).hears == {"customer": {"ag_li"}, "ag_li": {"customer"}, "ag_wang": HOLD}
    talking.do(TalkTo(one, "ag_li", Party.COLLEAGUE))
    assert (await played(talking)).hears == {"customer": HOLD, "ag_li": {"ag_wang"}, "ag_wang": {"ag_li"}}
    talking.do(MergeConsultation(one, "ag_li"))
    acd_says(talking, ConsultationState.CONFERENCE)
    assert (await played(talking)).hears == {
        "customer": {"ag_li", "ag_wang"},
        "ag_li": {"customer", "ag_wang"},
        "ag_wang": {"customer", "ag_li"},
    }
    talking.do(CompleteConsultation(one, "ag_li"))
    talking.do(RecordConsultationCompleted(one, 1, 2, "ag_wang"))
    assert (await played(talking)).hears == {"customer": {"ag_wang"}, "ag_wang": {"customer"}}


@pytest.mark.parametrize("when", ["asking", "answered", "consulting", "conference"])
async def test_once_it_is_over_agent_and_customer_hear_each_other_as_before(when: str, request: Any) -> None:
    story = request.getfixturevalue(when)
    story.do(LeaveConsultation(story.one, "ag_li"))
    story.do(RecordConsultationEnded(story.one, 1, 2, "cancelled"))
    assert (await played(story)).hears == {"customer": {"ag_li"}, "ag_li": {"customer"}}
    assert (story.contact.consultation, story.contact.consultation_end) == (None, "cancelled")
    assert story.contact.step is None


async def test_of_a_chat_and_of_who_waits_there_are_no_legs(story: Any) -> None:
    assert (await played(story.connected())).hears == {}


def test_it_is_asked_of_acd_once(talking: Any) -> None:
    happened = consult(talking)
    assert happened == [
        ConsultationRequested(talking.one, "ag_li", "ag_wang"),
        StepBegun(talking.one, talking.contact.step_no, "consult"),
    ]
    assert consult(talking) == [], "asked again"
    assert talking.refusal(ConsultAgent(talking.one, "ag_li", "ag_zhao")) == "Rejection: ConsultationUnderWay"
    assert talking.refusal(TransferContact(talking.one, "ag_li", "qu_2")) == "Rejection: ConsultationUnderWay"


def test_a_refused_one_leaves_them_joined_and_says_why(talking: Any) -> None:
    consult(talking)
    talking.do(RefuseStep(talking.one, talking.contact.step_no, "AgentNotReady"))
    contact = talking.contact
    assert (contact.consultation, contact.consultation_refusal, contact.step) == (None, "AgentNotReady", None)
    assert (contact.state, contact.agent_id) == (ContactState.CONNECTED, "ag_li")
    consult(talking)
    assert talking.contact.consultation_refusal == ""


def test_one_that_acd_has_not_seen_yet_can_be_taken_back(talking: Any) -> None:
    consult(talking)
    talking.do(LeaveConsultation(talking.one, "ag_li"))
    assert talking.contact.step.kind == "cancel_consultation"
    talking.do(RefuseStep(talking.one, talking.contact.step_no, "NoConsultation"))
    assert talking.contact.consultation is None


def test_the_leg_is_reported_to_acd_once(answered: Any) -> None:
    joined, begun = answered.do(ConfirmConnect(answered.one, 1, 2))
    assert isinstance(joined, ConsultationLegJoined)
    assert begun.kind == "report_consultation_connected"
    assert answered.do(ConfirmConnect(answered.one, 1, 2)) == [], "said twice"
    assert answered.refusal(RefuseConnect(answered.one, 1, 2, "busy")) == "Rejection: ConnectNotAwaited"
    assert answered.do(ConfirmConnect(answered.one, 1, 1)) == [], "the agent's own leg, long joined"


def test_a_leg_that_fails_is_reported_with_its_reason(answered: Any) -> None:
    refused, begun = answered.do(RefuseConnect(answered.one, 1, 2, "unreachable"))
    assert refused == ConsultationLegRefused(answered.one, 1, 2, "unreachable")
    assert begun.kind == "report_consultation_failed"
    answered.do(RecordConsultationEnded(answered.one, 1, 2, "connect_failed"))
    assert (answered.contact.step, answered.contact.consultation_end) == (None, "connect_failed")


def test_handed_over_it_is_the_colleagues_contact_alone(consulting: Any) -> None:
    one = consulting.one
    consulting.do(CompleteConsultation(one, "ag_li"))
    assert consulting.contact.agent_id == "ag_li", "until acd agrees"
    assert consulting.do(CompleteConsultation(one, "ag_li")) == [], "asked again"
    assert consulting.refusal(LeaveConsultation(one, "ag_wang")) == "Rejection: ConsultationChanging"
    happened = consulting.do(RecordConsultationCompleted(one, 1, 2, "ag_wang"))
    assert happened == [ConsultationCompleted(one, 1, 2, "ag_wang", "ag_li")]
    contact = consulting.contact
    assert (contact.agent_id, contact.place, contact.step, contact.consultation) == ("ag_wang", (1, 2), None, None)
    assert consulting.do(RecordConsultationCompleted(one, 1, 2, "ag_wang")) == []
    assert consulting.refusal(CloseContact(one, CloseReason.AGENT_ENDED, "ag_li")).endswith("NotConnectedToAgent")
    assert consulting.do(RecordAgentLost(one, "ag_li")) == [], "whose desk is gone now is not the one who has it"
    assert consulting.do(RecordConnected(one, 1, 1, "ag_li")) == []
    consulting.do(CloseContact(one, CloseReason.AGENT_ENDED, "ag_wang"))
    assert consulting.contact.is_over


def test_who_is_consulted_ends_nothing_but_the_consultation(conference: Any) -> None:
    one = conference.one
    assert conference.refusal(CloseContact(one, CloseReason.AGENT_ENDED, "ag_wang")).endswith("NotConnectedToAgent")
    for command in (MergeConsultation, CompleteConsultation):
        assert conference.refusal(command(one, "ag_wang")).endswith("NotConnectedToAgent")
    conference.do(LeaveConsultation(one, "ag_wang"))
    assert conference.contact.step.kind == "leave_consultation"
    happened = conference.do(RecordConsultationEnded(one, 1, 2, "colleague_left"))
    assert happened == [ConsultationEnded(one, 1, 2, "ag_wang", "colleague_left")]


def test_a_swap_says_to_whom_so_that_it_may_come_twice(consulting: Any) -> None:
    swap = TalkTo(consulting.one, "ag_li", Party.CUSTOMER)
    assert consulting.do(swap) == [ConsultationSwapped(consulting.one, 1, 2, Party.CUSTOMER)]
    assert consulting.do(swap) == []


@pytest.mark.parametrize(
    ("when", "command", "refusal"),
    [
        ("talking", TalkTo("", "ag_li", Party.CUSTOMER), "Rejection: NoConsultation"),
        ("talking", LeaveConsultation("", "ag_li"), "Rejection: NoConsultation"),
        ("asking", TalkTo("", "ag_li", Party.CUSTOMER), "Rejection: ConsultationNotAnswered"),
        ("asking", MergeConsultation("", "ag_li"), "Rejection: ConsultationNotAnswered"),
        ("answered", CompleteConsultation("", "ag_li"), "Rejection: ConsultationNotAnswered"),
        ("asking", LeaveConsultation("", "ag_wang"), "Rejection: NotConnectedToAgent"),
        ("consulting", TalkTo("", "ag_li", Party.UNSPECIFIED), "Invalid: party: must be set"),
        ("conference", TalkTo("", "ag_li", Party.CUSTOMER), "Rejection: InConference"),
        ("consulting", LeaveConsultation("", "ag_zhao"), "Rejection: NotConnectedToAgent"),
        ("talking", ConsultAgent("", "ag_wang", "ag_li"), "Rejection: NotConnectedToAgent"),
        ("talking", ConsultAgent("", "ag_li", "ag_li"), "Invalid: colleague_id: must be another agent"),
        ("talking", ConsultAgent("", "ag_li", ""), "Invalid: colleague_id: must have 1 to 128 characters"),
    ],
)
def test_what_cannot_be_changes_nothing(when: str, command: Any, refusal: str, request: Any) -> None:
    story = request.getfixturevalue(when)
    fields = {name: getattr(command, name) for name in command.__slots__} | {"contact_id": story.one}
    assert story.refusal(type(command)(**fields)) == refusal


def test_one_that_is_being_taken_back_is_not_reported_as_joined(answered: Any) -> None:
    answered.do(LeaveConsultation(answered.one, "ag_li"))
    [joined] = answered.do(ConfirmConnect(answered.one, 1, 2))
    assert isinstance(joined, ConsultationLegJoined)
    assert answered.contact.step.kind == "cancel_consultation", "else acd might never hear of it"


@pytest.mark.parametrize("when", ["asking", "answered", "consulting", "conference"])
def test_a_customer_who_leaves_ends_it(when: str, request: Any) -> None:
    story = request.getfixturevalue(when)
    story.do(CloseContact(story.one, CloseReason.CUSTOMER_LEFT, ""))
    assert (story.contact.consultation, story.contact.step.kind) == (None, "end_at_acd")
    assert story.do(RecordConsultationEnded(story.one, 1, 2, "contact_ended")) == []
    story.confirm_all()
    story.pass_time(timedelta(minutes=10))
    assert story.one not in story.state.contacts


def test_old_facts_and_those_of_another_consultation_change_nothing(consulting: Any) -> None:
    one = consulting.one
    for state in (ConsultationState.OFFERED, ConsultationState.CONNECTING, ConsultationState.TALKING):
        assert consulting.do(RecordConsultation(one, 1, 2, "ag_wang", state)) == []
    assert consulting.do(RecordConsultation(one, 1, 1, "ag_wang", ConsultationState.OFFERED)) == []
    assert consulting.do(RecordConsultation(one, 2, 3, "ag_wang", ConsultationState.OFFERED)) == []
    assert consulting.do(RecordConsultationEnded(one, 1, 3, "expired")) == []


def test_one_that_is_over_does_not_ring_again_when_its_facts_come_twice(consulting: Any) -> None:
    one = consulting.one
    consulting.do(RecordConsultationEnded(one, 1, 2, "cancelled"))
    for state in (ConsultationState.OFFERED, ConsultationState.CONNECTING, ConsultationState.TALKING):
        assert consulting.do(RecordConsultation(one, 1, 2, "ag_wang", state)) == []
    assert consulting.contact.newest_place == (1, 2)
    acd_says(consulting, ConsultationState.OFFERED, offer_no=3)
    assert consulting.contact.consultation.offer_no == 3


def test_after_a_contact_rang_at_several_the_consultation_has_the_next_number(story: Any) -> None:
    """The accepted offer is not the newest: what a late word says of another is no consultation (routing rule 9)."""
    story.queued("voice")
    one = story.one
    for offer_no, agent_id in ((1, "ag_li"), (2, "ag_wang"), (3, "ag_zhao")):
        story.do(RecordOffered(one, 1, offer_no, agent_id, True))
    for offer_no in (2, 3):
        story.do(RecordOfferEnded(one, 1, offer_no))
    story.do(RecordAccepted(one, 1, 1, "ag_li"))
    story.do(RecordConnected(one, 1, 1, "ag_li"))
    consult(story)
    assert story.do(RecordConsultation(one, 1, 3, "ag_wang", ConsultationState.OFFERED)) == []
    acd_says(story, ConsultationState.OFFERED, offer_no=4)
    assert (story.contact.consultation.offer_no, story.contact.place, story.contact.newest_place) == (4, (1, 1), (1, 4))


async def test_each_step_says_what_acd_has_to_know(answered: Any) -> None:
    sent: list[acd.AcdCommand] = []

    class Client:
        async def execute(self, command: Any, *_: Any, **__: Any) -> list[Any]:
            sent.append(command)
            return []

    async def carry_out() -> Any:
        await targets.carry_out(answered.contact, answered.contact.step)
        command = sent.pop()
        return getattr(command, command.WhichOneof("command") or "")

    client = Client()
    targets = ServiceTargets(client, client, client)
    number, place = answered.contact.step_no, {"contact_id": answered.one, "segment_no": 1}
    answered.do(RefuseConnect(answered.one, 1, 2, "busy"))
    assert await carry_out() == acd.ReportConsultationFailed(**place, step_no=number + 1, offer_no=2, reason="busy")
    answered.do(RecordConsultationEnded(answered.one, 1, 2, "connect_failed"))
    consult(answered)
    assert await carry_out() == acd.ConsultAgent(**place, step_no=number + 2, agent_id="ag_li", colleague_id="ag_wang")
    acd_says(answered, ConsultationState.OFFERED, ConsultationState.CONNECTING, offer_no=3)
    answered.do(ConfirmConnect(answered.one, 1, 3))
    assert await carry_out() == acd.ReportConsultationConnected(**place, step_no=number + 3, offer_no=3)
    acd_says(answered, ConsultationState.TALKING, offer_no=3)
    answered.do(MergeConsultation(answered.one, "ag_li"))
    assert await carry_out() == acd.MergeConsultation(**place, step_no=number + 4, agent_id="ag_li")
    answered.do(LeaveConsultation(answered.one, "ag_wang"))
    assert await carry_out() == acd.EndConsultation(**place, step_no=number + 5, agent_id="ag_wang")
    answered.do(LeaveConsultation(answered.one, "ag_li"))
    assert await carry_out() == acd.EndConsultation(**place, step_no=number + 6, agent_id="ag_li")
    answered.do(CompleteConsultation(answered.one, "ag_li"))
    assert await carry_out() == acd.CompleteConsultation(**place, step_no=number + 7, agent_id="ag_li")
