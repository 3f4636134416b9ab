"""A supervisor listens to a call, whispers, barges in, takes over (routing rule 20): who may, and who hears whom."""

from datetime import timedelta
from typing import Any

import pytest
from trunkline.acd.v1 import acd_commands_pb2 as acd
from trunkline.contact.v1 import contact_types_pb2 as types
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.adapters.views import contact_view
from trunkline_channels.domain.commands import (
    CloseContact,
    ConfirmConnect,
    ConsultAgent,
    LoseSupervisor,
    MonitorContact,
    RecordAccepted,
    RecordAgentLost,
    RecordConnected,
    RecordConsultation,
    RecordConsultationCompleted,
    RecordEnqueued,
    RecordOffered,
    RecordParked,
    RecordTakenOver,
    RefuseConnect,
    RefuseStep,
    StopMonitoring,
    TakeOverContact,
    TalkTo,
    TransferContact,
)
from trunkline_channels.domain.events import (
    ContactClosed,
    ContactQueued,
    ContactTakenOver,
    MonitoringBegun,
    MonitoringChanged,
    MonitoringEnded,
    MonitoringLegJoined,
    StepBegun,
    TakeOverRequested,
)
from trunkline_channels.domain.words import CloseReason, ConsultationState, ContactState, MonitoringMode, Parking, Party

LISTEN, WHISPER, BARGE = MonitoringMode.LISTEN, MonitoringMode.WHISPER, MonitoringMode.BARGE
ZHAO, CHEN = "supervisor:us_zhao", "admin:us_chen"
HOLD = {"music"}


def monitor(story: Any, mode: MonitoringMode = LISTEN, actor: str = ZHAO, agent: str = "ag_zhao") -> list[Any]:
    happened: list[Any] = story.do(MonitorContact(story.one, mode, agent, "coaching"), actor)
    return happened


def joined(story: Any, mode: MonitoringMode = LISTEN, no: int = 1) -> Any:
    monitor(story, mode)
    story.do(ConfirmConnect(story.one, 0, 0, no))
    return story


@pytest.fixture
def talking(story: Any) -> Any:
    """Li talks to a caller."""
    return story.connected("voice")


@pytest.fixture
def listening(talking: Any) -> Any:
    """Zhao listens."""
    return joined(talking)


async def heard(story: Any) -> dict[str, set[str]]:
    """Play what the view says: whom everybody on the call hears; nobody is heard by who is not named."""
    view = await contact_view(story.contact, sealer=None, after=0, upto=0, for_agents=False)  # type: ignore[arg-type]
    mode = types.LegMode.Name
    modes = {
        leg.supervisor_id or leg.agent_id or "customer": mode(leg.mode).removeprefix("LEG_MODE_") for leg in view.legs
    }
    assert len(modes) == len(view.legs), "each has one leg"
    bridged = {who for who, what in modes.items() if what == "BRIDGED"}
    hears = {who: bridged - {who} if what != "HELD" else HOLD for who, what in modes.items() if what != "CONNECT"}
    for who, what in modes.items():
        if what == "WHISPERING":
            hears[view.agent_id] = hears[view.agent_id] | {who}
    return hears


async def test_what_everybody_hears_while_a_supervisor_listens_whispers_and_barges_in(talking: Any) -> None:
    plain = {"customer": {"ag_li"}, "ag_li": {"customer"}}
    monitor(talking)
    assert await heard(talking) == plain, "the leg is not up yet"
    talking.do(ConfirmConnect(talking.one, 0, 0, 1))
    assert await heard(talking) == plain | {"us_zhao": {"customer", "ag_li"}}
    monitor(talking, WHISPER)
    assert await heard(talking) == {
        "customer": {"ag_li"},
        "ag_li": {"customer", "us_zhao"},
        "us_zhao": {"customer", "ag_li"},
    }
    monitor(talking, BARGE)
    everybody = {"customer", "ag_li", "us_zhao"}
    assert await heard(talking) == {who: everybody - {who} for who in everybody}
    monitor(talking, LISTEN)
    assert await heard(talking) == plain | {"us_zhao": {"customer", "ag_li"}}
    talking.do(StopMonitoring(talking.one), ZHAO)
    assert await heard(talking) == plain


async def test_a_supervisor_hears_what_the_agent_hears_in_a_consultation(listening: Any) -> None:
    listening.do(ConsultAgent(listening.one, "ag_li", "ag_wang"))
    consulted(listening, ConsultationState.OFFERED)
    assert await heard(listening) == {"customer": HOLD, "ag_li": set(), "us_zhao": {"ag_li"}}
    consulted(listening, ConsultationState.CONNECTING)
    listening.do(ConfirmConnect(listening.one, 1, 2))
    consulted(listening, ConsultationState.TALKING)
    both = {"ag_li", "ag_wang"}
    hold = {"customer": HOLD, "ag_li": {"ag_wang"}, "ag_wang": {"ag_li"}}
    assert await heard(listening) == hold | {"us_zhao": both}
    monitor(listening, WHISPER)
    assert await heard(listening) == hold | {"us_zhao": both, "ag_li": {"ag_wang", "us_zhao"}}
    monitor(listening, BARGE)
    assert (await heard(listening))["customer"] == HOLD
    assert (await heard(listening))["ag_wang"] == {"ag_li", "us_zhao"}
    listening.do(TalkTo(listening.one, "ag_li", Party.CUSTOMER))
    assert (await heard(listening))["customer"] == {"ag_li", "us_zhao"}
    assert (await heard(listening))["us_zhao"] == {"ag_li", "customer"}
    listening.do(RecordConsultationCompleted(listening.one, 1, 2, "ag_wang"))
    monitor(listening, WHISPER)
    assert await heard(listening) == {
        "customer": {"ag_wang"},
        "ag_wang": {"customer", "us_zhao"},
        "us_zhao": {"customer", "ag_wang"},
    }


def consulted(story: Any, state: ConsultationState, agent: str = "ag_wang") -> list[Any]:
    happened: list[Any] = story.do(RecordConsultation(story.one, 1, 2, agent, state))
    return happened


def test_each_change_is_an_event_that_says_who_how_and_why(talking: Any) -> None:
    one = talking.one
    assert monitor(talking) == [MonitoringBegun(one, 1, "us_zhao", "ag_zhao", LISTEN, "coaching")]
    assert talking.do(ConfirmConnect(one, 0, 0, 1)) == [MonitoringLegJoined(one, 1)]
    assert talking.do(ConfirmConnect(one, 0, 0, 1)) == [], "the gateway said so already"
    assert monitor(talking) == [], "it is so already"
    changed = talking.do(MonitorContact(one, WHISPER, "ag_zhao", "customer_asked"), ZHAO)
    assert changed == [MonitoringChanged(one, 1, "us_zhao", WHISPER, "customer_asked")]
    assert talking.do(StopMonitoring(one), ZHAO) == [MonitoringEnded(one, 1, "us_zhao", "stopped")]
    assert talking.do(StopMonitoring(one), ZHAO) == []
    assert monitor(talking, actor=CHEN, agent="")[0] == MonitoringBegun(one, 2, "us_chen", "", LISTEN, "coaching")


def test_one_supervisor_at_a_time_and_the_refusal_names_who(listening: Any) -> None:
    asked = MonitorContact(listening.one, LISTEN, "", "coaching")
    assert listening.refusal(asked, CHEN) == "Rejection: MonitoredByAnother: us_zhao"
    assert listening.do(StopMonitoring(listening.one), CHEN) == [], "nobody ends another one's"
    assert listening.contact.monitoring.supervisor_id == "us_zhao"


def test_only_a_connected_call_is_monitored_and_by_nobody_who_is_on_it(story: Any) -> None:
    ask = MonitorContact(story.one, LISTEN, "ag_zhao", "coaching")
    story.accepted("voice")
    assert story.refusal(ask, ZHAO) == "Rejection: ContactNotConnected"
    story.do(RecordConnected(story.one, 1, 1, "ag_li"))
    assert story.refusal(MonitorContact(story.one, LISTEN, "ag_li", "coaching"), ZHAO) == "Rejection: OnTheCall"
    assert story.refusal(ask, ZHAO, tenant="tn_other").startswith("NotFound")
    assert story.refusal(MonitorContact(story.one, LISTEN, "", ""), ZHAO) == "Invalid: reason: must be set"
    assert "must match" in story.refusal(MonitorContact(story.one, LISTEN, "", "Because I can"), ZHAO)
    unset = MonitorContact(story.one, MonitoringMode.UNSPECIFIED, "", "coaching")
    assert story.refusal(unset, ZHAO) == "Invalid: mode: must be set"
    story.do(CloseContact(story.one, CloseReason.CUSTOMER_LEFT, ""))
    assert story.refusal(ask, ZHAO) == "Rejection: ContactNotConnected"


def test_a_gateway_that_knows_no_such_legs_ends_it_after_ten_seconds(talking: Any) -> None:
    monitor(talking)
    assert talking.pass_time(timedelta(seconds=9)) == []
    assert talking.pass_time(timedelta(seconds=1)) == [MonitoringEnded(talking.one, 1, "us_zhao", "not_joined")]
    assert talking.refusal(ConfirmConnect(talking.one, 0, 0, 1)) == "Rejection: ConnectNotAwaited"


def test_a_leg_that_is_up_may_stay_for_as_long_as_the_call(listening: Any) -> None:
    assert listening.pass_time(timedelta(hours=2)) == []


def test_a_leg_that_fails_or_breaks_ends_it(talking: Any) -> None:
    one = talking.one
    monitor(talking)
    assert talking.refusal(RefuseConnect(one, 0, 0, "tired", 1)).startswith("Invalid: reason")
    assert talking.do(RefuseConnect(one, 0, 0, "busy", 1)) == [MonitoringEnded(one, 1, "us_zhao", "leg_failed")]
    joined(talking, no=2)
    assert talking.refusal(RefuseConnect(one, 0, 0, "failed", 1)) == "Rejection: ConnectNotAwaited", "an older one"
    assert talking.do(RefuseConnect(one, 0, 0, "failed", 2)) == [MonitoringEnded(one, 2, "us_zhao", "leg_failed")]
    assert talking.contact.state is ContactState.CONNECTED


def test_a_supervisor_whose_pages_are_gone_hears_no_more(listening: Any) -> None:
    assert listening.state.monitored.entries("tn_demo/us_zhao") == [listening.one]
    assert listening.do(LoseSupervisor("us_chen")) == []
    assert listening.do(LoseSupervisor("us_zhao", ("ct_other",))) == []
    assert listening.do(LoseSupervisor("us_zhao"), tenant="tn_other") == []
    ended = MonitoringEnded(listening.one, 1, "us_zhao", "supervisor_gone")
    assert listening.do(LoseSupervisor("us_zhao")) == [ended]
    assert not listening.state.monitored.names()


def test_it_ends_with_the_contact_before_that_is_over(listening: Any) -> None:
    ended, closed, *_ = listening.do(CloseContact(listening.one, CloseReason.CUSTOMER_LEFT, ""))
    assert ended == MonitoringEnded(listening.one, 1, "us_zhao", "contact_ended")
    assert isinstance(closed, ContactClosed)


def test_it_ends_where_the_agent_is_lost_and_where_the_call_is_given_on(listening: Any) -> None:
    listening.do(TransferContact(listening.one, "ag_li", "qu_help"))
    ended, queued, *_ = listening.do(RecordEnqueued(listening.one, listening.contact.step_no, "qu_help", 2))
    assert ended == MonitoringEnded(listening.one, 1, "us_zhao", "given_on")
    assert isinstance(queued, ContactQueued)
    for fact in (RecordOffered, RecordAccepted):
        listening.do(fact(listening.one, 2, 1, "ag_wang"))
    listening.do(RecordConnected(listening.one, 2, 1, "ag_wang"))
    joined(listening, no=2)
    happened = listening.do(RecordAgentLost(listening.one, "ag_wang"))
    assert MonitoringEnded(listening.one, 2, "us_zhao", "contact_ended") in happened


async def test_a_supervisor_who_is_asked_about_the_call_as_an_agent_listens_no_more(listening: Any) -> None:
    listening.do(ConsultAgent(listening.one, "ag_li", "ag_zhao"))
    ended, _ = consulted(listening, ConsultationState.OFFERED, agent="ag_zhao")
    assert ended == MonitoringEnded(listening.one, 1, "us_zhao", "on_the_call")
    assert listening.refusal(MonitorContact(listening.one, LISTEN, "ag_zhao", "other"), ZHAO) == "Rejection: OnTheCall"


def take(story: Any, agent: str = "ag_zhao", actor: str = ZHAO) -> list[Any]:
    happened: list[Any] = story.do(TakeOverContact(story.one, agent, "customer_asked"), actor)
    return happened


async def test_who_listens_takes_the_call_over_with_the_leg_that_is_there(listening: Any) -> None:
    one = listening.one
    requested, step = take(listening)
    assert requested == TakeOverRequested(one, "us_zhao", "ag_zhao", "customer_asked")
    assert (type(step), step.kind) == (StepBegun, "take_over")
    assert (await heard(listening))["ag_li"] == {"customer"}, "nothing changes until acd agrees"
    assert listening.do(RecordTakenOver(one, 1, 2, "ag_zhao")) == [
        MonitoringEnded(one, 1, "us_zhao", "taken_over"),
        ContactTakenOver(one, 1, 2, "ag_zhao", "ag_li"),
    ]
    assert await heard(listening) == {"customer": {"ag_zhao"}, "ag_zhao": {"customer"}}
    view = await contact_view(listening.contact, sealer=None, after=0, upto=0, for_agents=False)  # type: ignore[arg-type]
    assert [leg.mode for leg in view.legs if leg.agent_id == "ag_zhao"] == [types.LegMode.LEG_MODE_BRIDGED]
    assert listening.contact.step is None
    assert listening.do(RecordTakenOver(one, 1, 2, "ag_zhao")) == []
    assert listening.refusal(CloseContact(one, CloseReason.AGENT_ENDED, "ag_li")) == "Rejection: NotConnectedToAgent"
    listening.do(CloseContact(one, CloseReason.AGENT_ENDED, "ag_zhao"))


def test_a_call_is_taken_over_by_who_has_a_leg_on_it_only(talking: Any) -> None:
    command = TakeOverContact(talking.one, "ag_zhao", "other")
    assert talking.refusal(command, ZHAO) == "Rejection: TakeOverNeedsMonitoring"
    monitor(talking)
    assert talking.refusal(command, ZHAO) == "Rejection: TakeOverNeedsMonitoring", "the leg is not up yet"
    talking.do(ConfirmConnect(talking.one, 0, 0, 1))
    assert talking.refusal(command, CHEN) == "Rejection: TakeOverNeedsMonitoring"
    other = TakeOverContact(talking.one, "ag_wang", "other")
    assert talking.refusal(other, ZHAO) == "Rejection: TakeOverNeedsMonitoring"


def test_a_chat_goes_to_any_agent(story: Any) -> None:
    story.connected("chat")
    take(story, agent="ag_wang")
    assert story.do(RecordTakenOver(story.one, 1, 2, "ag_wang")) == [
        ContactTakenOver(story.one, 1, 2, "ag_wang", "ag_li")
    ]


def test_a_parked_chat_is_at_hand_where_it_goes(story: Any) -> None:
    story.connected("chat")
    story.do(RecordParked(story.one, 1, "ag_li"))
    take(story, agent="ag_wang")
    story.do(RecordTakenOver(story.one, 1, 2, "ag_wang"))
    assert story.contact.parking is Parking.UNSPECIFIED


def test_what_acd_refuses_stands_in_the_view(listening: Any) -> None:
    take(listening)
    step = listening.contact.step
    listening.do(RefuseStep(listening.one, step.step_no, "AgentHasNoRoom"))
    assert (listening.contact.take_over, listening.contact.take_over_refusal) == (None, "AgentHasNoRoom")
    assert listening.contact.monitoring is not None, "the supervisor listens on"
    take(listening)
    assert listening.contact.take_over_refusal == ""


def test_what_the_agent_begins_meanwhile_does_not_overtake_it(listening: Any) -> None:
    take(listening)
    assert take(listening) == [], "asking again changes nothing"
    one = listening.one
    for command in (TransferContact(one, "ag_li", "qu_help"), ConsultAgent(one, "ag_li", "ag_wang")):
        assert listening.refusal(command) == "Rejection: TakeOverUnderWay"


def test_what_is_on_its_way_elsewhere_is_not_taken_over(listening: Any) -> None:
    listening.do(TransferContact(listening.one, "ag_li", "qu_help"))
    command = TakeOverContact(listening.one, "ag_zhao", "other")
    assert listening.refusal(command, ZHAO) == "Rejection: TransferUnderWay"
    listening.do(RefuseStep(listening.one, listening.contact.step.step_no, "QueueFull"))
    listening.do(ConsultAgent(listening.one, "ag_li", "ag_wang"))
    assert listening.refusal(command, ZHAO) == "Rejection: ConsultationUnderWay"


class Acd:
    """Takes what it is sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def execute(self, command: Any, *_: Any, **__: Any) -> list[Any]:
        self.sent.append(command)
        return []


async def test_acd_is_told_whom_it_is_taken_from_who_gets_it_who_decided_and_why(listening: Any) -> None:
    take(listening)
    client = Acd()
    await ServiceTargets(client, client, client).carry_out(listening.contact, listening.contact.step)
    assert client.sent == [
        acd.AcdCommand(
            take_over_contact=acd.TakeOverContact(
                contact_id=listening.one,
                step_no=listening.contact.step_no,
                segment_no=1,
                agent_id="ag_li",
                to_agent_id="ag_zhao",
                supervisor_id="us_zhao",
                reason="customer_asked",
            )
        )
    ]
