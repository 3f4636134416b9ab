"""The saga between an acd and an ivr that obey numbered steps: calls may be late, repeated or overtaken, facts late.

The two services are models of the real ones' contracts (commands and events of their protos), not of their code.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_channels.domain import commands, consultations
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.contact import Contact, Step
from trunkline_channels.domain.reconciling import (
    AtAcd,
    AtIvr,
    Finding,
    Stage,
    differences_with_acd,
    differences_with_ivr,
)
from trunkline_channels.domain.words import (
    Author,
    CallbackState,
    Channel,
    CloseReason,
    ConsultationState,
    ContactState,
    DialAnswer,
    MonitoringMode,
    Parking,
    Party,
    StepKind,
    TreatmentOfQueue,
)
from trunkline_core.errors import Rejection, TrunklineError
from trunkline_core.flows import MenuOption
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import AnnouncementStep, PauseStep, QueueTreatment

ONE = "ct_0123456789abcdef_one"
SILENCE = timedelta(minutes=10)
SEALED = Sealed("ky_1", b"n" * 12, b"c" * 32)
HELLO = LocalizedText("你好", "Hello")
PLACE = LocalizedText("第 {position} 位。请稍候。", "Number {position}. Please wait.")
TREATMENT = QueueTreatment((AnnouncementStep(PLACE), PauseStep(timedelta(seconds=20)), AnnouncementStep(HELLO)), 1)
MENU = (MenuOption("person", HELLO, "0", (), "n2"),)


@dataclass
class Service:
    """What both services share: numbered steps, and a log of facts that is delivered in order."""

    step_no: int = 0
    stage: str = "unknown"
    facts: list[Command] = field(default_factory=list)
    heard: int = 0

    @property
    def told(self) -> int:
        """How many facts there were, heard of or not."""
        return self.heard + len(self.facts)

    def is_new(self, step_no: int) -> bool:
        """Raises: Rejection(`StaleStep`) for a lower step than the last."""
        if step_no < self.step_no:
            raise Rejection("StaleStep")
        return step_no > self.step_no


@dataclass
class Ivr(Service):
    """One session: a menu that leads to a person."""

    @property
    def here(self) -> AtIvr | None:
        return AtIvr(self.step_no, 1) if self.stage == "asking" else None

    def carry_out(self, contact: Contact) -> None:
        step = contact.step
        assert step is not None
        if step.kind is StepKind.END_SESSION:
            self.is_new(step.step_no)
            self.step_no, self.stage = step.step_no, "ended"
            self.facts.append(commands.RecordForgotten(ONE, step.step_no))
        elif not self.is_new(step.step_no):
            return
        elif step.kind is StepKind.START_SESSION:
            if self.stage != "unknown":
                raise Rejection("SessionOver")
            self.step_no, self.stage = step.step_no, "asking"
            self.facts.append(commands.RecordPrompt(ONE, "n1", 1, HELLO, MENU))
        else:
            if self.stage != "asking":
                raise Rejection("NotAwaited")
            self.step_no, self.stage = step.step_no, "done"
            self.facts.append(commands.RecordPersonRequested(ONE, "qu_1", 0, 0, (), HELLO))


@dataclass
class Acd(Service):
    """One contact at acd; whoever is offered next is another agent."""

    offer_no: int = 0
    segment_no: int = 1
    is_callback: bool = False
    is_kept: bool = False
    is_reached: bool = False
    parking: Parking = Parking.UNSPECIFIED
    has_room: bool = True
    asked_no: int = 0
    asked_state: ConsultationState = ConsultationState.UNSPECIFIED
    newest_asked_no: int = 0
    colleagues: dict[int, str] = field(default_factory=dict)

    @property
    def here(self) -> AtAcd | None:
        if self.stage in ("unknown", "forgotten"):
            return None
        agent_id = "" if self.stage == "waiting" else self.agent_id
        return AtAcd(self.step_no, Stage(self.stage), self.segment_no, self.offer_no, agent_id)

    @property
    def agent_id(self) -> str:
        return self.colleagues.get(self.offer_no, f"ag_{self.offer_no}")

    def carry_out(self, contact: Contact) -> None:
        step = contact.step
        assert step is not None
        if self.stage == "forgotten":
            if step.kind is not StepKind.END_AT_ACD:
                raise Rejection("ContactAlreadyEnded")
            return
        if not self.is_new(step.step_no):
            return
        match step.kind:
            case StepKind.ENQUEUE:
                self.step_no = step.step_no
                self.facts.append(commands.RecordEnqueued(ONE, step.step_no, "qu_1", 1, SILENCE))
                self.offer()
            case StepKind.REQUEST_CALLBACK:
                if self.stage != "waiting" or self.is_callback:
                    raise Rejection("ContactNotWaiting")
                self.step_no, self.segment_no, self.is_callback = step.step_no, self.segment_no + 1, True
                self.facts.append(commands.RecordCallbackOpened(ONE, "qu_1", self.segment_no))
            case StepKind.CLEAR_CALLBACK | StepKind.POSTPONE_CALLBACK:
                self.step_no = step.step_no
                self._about_to_dial(contact, step)
            case StepKind.REPORT_CALLBACK_REACHED:
                self._reached(step)
            case StepKind.TRANSFER:
                self.check_connected(step)
                if self.asked_no:
                    raise Rejection("ConsultationUnderWay")
                if contact.transfer and contact.transfer.queue_id == "qu_full":
                    raise Rejection("QueueFull")
                self.step_no = step.step_no
                self.give_on()
            case StepKind.PARK:
                self.check_connected(step)
                if self.parking is not Parking.UNSPECIFIED:
                    raise Rejection("ContactAlreadyParked")
                if self.asked_no:
                    raise Rejection("ConsultationUnderWay")
                self.step_no, self.parking = step.step_no, Parking.PARKED
                self.facts.append(commands.RecordParked(ONE, self.segment_no, self.agent_id))
            case StepKind.RESUME:
                self.check_connected(step)
                if self.parking is not Parking.PARKED:
                    raise Rejection("ContactNotParked")
                self.step_no = step.step_no
                self.resume(self.has_room)
            case StepKind.END_AT_ACD:
                self.end_consultation("contact_ended")
                self.step_no, self.stage = step.step_no, "forgotten"
                self.facts.append(commands.RecordForgotten(ONE, step.step_no))
            case StepKind.TAKE_OVER:
                self.check_connected(step)
                self._take_over(contact)
            case _ if step.kind in consultations.STEPS:
                self._consult(contact)
            case _:
                self._report(contact)

    def _take_over(self, contact: Contact) -> None:
        step, wanted = contact.step, contact.take_over
        assert step is not None and wanted is not None
        if contact.agent_id != self.agent_id:
            raise Rejection("ContactNotConnected")
        if self.asked_no:
            raise Rejection("ConsultationUnderWay")
        if wanted.agent_id == "ag_busy":
            raise Rejection("AgentHasNoRoom")
        self.step_no, self.parking = step.step_no, Parking.UNSPECIFIED
        self.offer_no = self.newest_asked_no = max(self.offer_no, self.newest_asked_no) + 1
        self.colleagues[self.offer_no] = wanted.agent_id
        self.facts.append(commands.RecordTakenOver(ONE, self.segment_no, self.offer_no, wanted.agent_id))

    def _consult(self, contact: Contact) -> None:
        """As acd's rules do; what changes nothing tells nothing."""
        step, asked = contact.step, contact.consultation
        assert step is not None
        if step.kind is StepKind.CONSULT:
            if (self.stage, self.segment_no) != ("connected", step.segment_no):
                raise Rejection("ContactNotConnected")
            if self.parking is not Parking.UNSPECIFIED:
                raise Rejection("ContactParked")
            if self.asked_no:
                raise Rejection("ConsultationUnderWay")
            if asked is None or asked.agent_id == "ag_busy":
                raise Rejection("AgentHasNoRoom")
            self.step_no, self.asked_no = step.step_no, max(self.offer_no, self.newest_asked_no) + 1
            self.newest_asked_no, self.colleagues[self.asked_no] = self.asked_no, asked.agent_id
            self._tell(ConsultationState.OFFERED)
            return
        if step.kind in (StepKind.REPORT_CONSULTATION_CONNECTED, StepKind.REPORT_CONSULTATION_FAILED):
            self._report_leg(step, asked.offer_no if asked else 0)
            return
        if not self.asked_no:
            raise Rejection("NoConsultation")
        if step.kind in (StepKind.CANCEL_CONSULTATION, StepKind.LEAVE_CONSULTATION):
            self.step_no = step.step_no
            self.end_consultation("cancelled")
            return
        if self.asked_state not in (ConsultationState.TALKING, ConsultationState.CONFERENCE):
            raise Rejection("ConsultationNotAnswered")
        if step.kind is StepKind.COMPLETE_CONSULTATION:
            self.step_no = step.step_no
            self.hand_over()
        elif self.asked_state is ConsultationState.TALKING:
            self.step_no = step.step_no
            self._tell(ConsultationState.CONFERENCE)

    def _report_leg(self, step: Step, offer_no: int) -> None:
        is_failed = step.kind is StepKind.REPORT_CONSULTATION_FAILED
        if offer_no != self.asked_no or not self.asked_no:
            if is_failed:
                return
            raise Rejection("OfferNotLive")
        if not is_failed and self.asked_state in (ConsultationState.TALKING, ConsultationState.CONFERENCE):
            return
        if self.asked_state is not ConsultationState.CONNECTING:
            raise Rejection("OfferNotLive")
        self.step_no = step.step_no
        if is_failed:
            self.end_consultation("connect_failed")
        else:
            self._tell(ConsultationState.TALKING)

    def _tell(self, state: ConsultationState) -> None:
        self.asked_state = state
        told = (self.segment_no, self.asked_no, self.colleagues[self.asked_no])
        self.facts.append(commands.RecordConsultation(ONE, *told, state))

    def answer_consultation(self) -> None:
        """The colleague accepts."""
        if self.asked_state is ConsultationState.OFFERED:
            self._tell(ConsultationState.CONNECTING)

    def end_consultation(self, reason: str) -> None:
        """It is over by a step, or because it rang for too long, or a desk was lost."""
        if self.asked_no:
            self.facts.append(commands.RecordConsultationEnded(ONE, self.segment_no, self.asked_no, reason))
        self.asked_no, self.asked_state = 0, ConsultationState.UNSPECIFIED

    def hand_over(self) -> None:
        """The agent leaves, or the agent's desk is lost in a conference."""
        told = (self.segment_no, self.asked_no, self.colleagues[self.asked_no])
        self.facts.append(commands.RecordConsultationCompleted(ONE, *told))
        self.offer_no, self.asked_no, self.asked_state = self.asked_no, 0, ConsultationState.UNSPECIFIED

    def _about_to_dial(self, contact: Contact, step: Step) -> None:
        """A stale word changes nothing."""
        if (step.segment_no, step.offer_no, self.stage) != (self.segment_no, self.offer_no, "connecting"):
            return
        if step.kind is StepKind.CLEAR_CALLBACK:
            self.facts.append(commands.RecordCallbackCleared(ONE, self.segment_no, self.offer_no))
            return
        self.rest()
        if contact.rests_until is None:
            self.end_callback()

    def _reached(self, step: Step) -> None:
        """Also where the attempt is over."""
        was_dialled = self.is_callback and step.segment_no == self.segment_no and step.offer_no <= self.offer_no
        if self.is_reached or not was_dialled or self.stage in ("connected", "ended"):
            raise Rejection("OfferNotLive")
        if not self.is_kept:
            self.rest()
        self.step_no, self.stage, self.is_kept, self.is_reached = step.step_no, "waiting", False, True
        self.facts.append(commands.RecordCallbackReached(ONE, self.segment_no, step.offer_no))

    def _report(self, contact: Contact) -> None:
        step = contact.step
        assert step is not None
        place = (step.segment_no, step.offer_no)
        if place != (self.segment_no, self.offer_no) or self.stage != "connecting":
            raise Rejection("OfferNotLive")
        self.step_no = step.step_no
        if step.kind is StepKind.REPORT_CONNECTED and not self.is_kept:
            self.stage = "connected"
            self.facts.append(commands.RecordConnected(ONE, self.segment_no, self.offer_no, self.agent_id))
        elif step.kind is StepKind.REPORT_CALLBACK_RESULT or self.is_kept:
            self.rest()
        else:
            self.give_back()

    def check_connected(self, step: Step) -> None:
        if (self.stage, self.segment_no) != ("connected", step.segment_no):
            raise Rejection("ContactNotConnected")

    def give_on(self) -> None:
        """By a transfer, or because no room came for a customer who is back: somebody else rings."""
        self.segment_no, self.is_callback, self.parking = self.segment_no + 1, False, Parking.UNSPECIFIED
        self.is_reached = False
        self.facts.append(commands.RecordEnqueued(ONE, self.step_no, "qu_2", self.segment_no, SILENCE))
        self.offer()

    def resume(self, has_room: bool) -> None:
        """A parked chat goes on, or its customer waits."""
        self.parking = Parking.UNSPECIFIED if has_room else Parking.CUSTOMER_WAITS
        fact = commands.RecordResumed if has_room else commands.RecordCustomerReturned
        self.facts.append(fact(ONE, self.segment_no, self.agent_id))

    def take_up(self) -> None:
        """Room came, or the agent takes the chat up."""
        if self.parking is not Parking.UNSPECIFIED:
            self.resume(True)

    def offer(self) -> None:
        self.stage, self.offer_no = "offered", max(self.offer_no, self.newest_asked_no) + 1
        self.facts.append(commands.RecordOffered(ONE, self.segment_no, self.offer_no, self.agent_id))

    def keep(self) -> None:
        """Somebody is free: the customer of a call-back is dialled first."""
        if self.stage == "waiting" and self.is_callback and not self.is_reached:
            self.stage, self.offer_no, self.is_kept = "connecting", max(self.offer_no, self.newest_asked_no) + 1, True
            self.facts.append(commands.RecordCallbackDialled(ONE, self.segment_no, self.offer_no, self.agent_id))

    def accept(self) -> None:
        if self.stage == "offered":
            self.stage = "connecting"
            self.facts.append(commands.RecordAccepted(ONE, self.segment_no, self.offer_no, self.agent_id))

    def give_back(self) -> None:
        """The lease or the joining ran out, or the legs failed: the next agent rings."""
        if self.stage in ("offered", "connecting"):
            was_kept = self.is_kept
            self.rest()
            if not was_kept:
                self.offer()

    def rest(self) -> None:
        """Nobody else is free, or the customer of a call-back was not reached."""
        if self.stage in ("offered", "connecting"):
            self.facts.append(commands.RecordOfferEnded(ONE, self.segment_no, self.offer_no))
            self.stage, self.is_kept = "waiting", False

    def ring(self) -> None:
        """Somebody is free again."""
        if self.stage == "waiting":
            self.offer()

    def end_callback(self) -> None:
        """The last attempt came to nothing, or a supervisor withdrew it."""
        if self.stage == "waiting" and self.is_callback and not self.is_reached:
            self.stage = "ended"
            self.facts.append(commands.RecordCallbackEnded(ONE, self.segment_no))


class World:
    """The contact, the two services, and the calls that are on their way."""

    def __init__(self, story: Any) -> None:
        self.story = story
        self.ivr, self.acd = Ivr(), Acd()
        self.calls: list[Contact] = []
        self.views: list[Contact] = []
        self.crm_says = DialAnswer.MAY_BE_CALLED
        queues = ("qu_1", "qu_2")
        story.do(commands.PutTreatments(tuple(TreatmentOfQueue(queue_id, TREATMENT) for queue_id in queues)))

    @property
    def contact(self) -> Contact:
        found: Contact = self.story.contact
        return found

    def do(self, command: Command) -> None:
        try:
            is_supervisors = isinstance(command, commands.SupervisorCommand)
            self.story.do(command, actor="supervisor:us_zhao" if is_supervisors else "system")
        except TrunklineError:
            return
        self.note()

    def note(self) -> None:
        """Remember what is to be seen and to be asked now."""
        self.views.append(self.contact)
        if self.contact.step is not None and self.contact.step not in [call.step for call in self.calls]:
            self.calls.append(self.contact)

    def pass_silently(self) -> None:
        """Nobody does anything for so long that the chat may be parked."""
        self.pass_time(SILENCE)

    def pass_time(self, elapsed: timedelta) -> None:
        """Timers fire: a chat that waits is told something, or acd is asked what."""
        self.story.pass_time(elapsed)
        self.note()

    def call(self, contact: Contact) -> None:
        """One call of a step reaches its service, perhaps for the second time, perhaps long overtaken."""
        step = contact.step
        assert step is not None
        if step.kind is StepKind.RESOLVE_CUSTOMER:
            self.do(commands.RecordCustomer(ONE, step.step_no, ""))
            return
        if step.kind is StepKind.ASK_WAIT:
            self.do(commands.RecordWait(ONE, step.step_no, int(self.acd.stage == "waiting"), None))
            return
        if step.kind is StepKind.CHECK_CUSTOMER:
            self.do(commands.RecordDialCheck(ONE, step.step_no, "", self.crm_says))
            return
        service = self.ivr if step.kind.value.endswith("session") else self.acd
        try:
            service.carry_out(contact)
        except Rejection as refusal:
            self.do(commands.RefuseStep(ONE, step.step_no, refusal.rule))

    def deliver(self, service: Service) -> None:
        if service.facts:
            service.heard += 1
            self.do(service.facts.pop(0))

    def join(self, view: Contact, is_up: bool) -> None:
        """The gateway answers what it saw, perhaps long ago."""
        asked = view.consultation
        place = (view.segment_no, asked.offer_no if asked and asked.offer_no else view.offer_no)
        self.do(commands.ConfirmConnect(ONE, *place) if is_up else commands.RefuseConnect(ONE, *place, "busy"))

    def settle(self) -> None:
        """Everything outstanding arrives."""
        for _ in range(50):
            while self.ivr.facts or self.acd.facts:
                self.deliver(self.ivr)
                self.deliver(self.acd)
            if self.contact.step is None:
                return
            self.call(self.contact)
        raise AssertionError("a step stays outstanding for ever")


PARKING_MOVES = ("agent writes", "customer writes", "silence", "take up", "give on", "full")
MOVES = (
    *("call", "fact of ivr", "fact of acd", "answer", "accept", "give back", "join", "refuse legs", "hang up"),
    *("rest", "ring", "call back", "dialled", "end of call-back", "transfer", "transfer"),
    *("keep", "keep", "crm"),
    *("take over", "monitor", "time", "time", *PARKING_MOVES),
)
CALLING_BACK = (
    *("call", "call", "call", "fact of acd", "fact of acd", "fact of acd", "keep", "keep", "ring", "accept", "rest"),
    *("dialled", "dialled", "dialled", "join", "give back", "end of call-back", "crm", "hang up"),
)
CONSULTING = (
    *("consult", "consult", "call", "call", "fact of acd", "fact of acd", "colleague accepts", "join", "join"),
    *("refuse legs", "swap", "merge", "complete", "cancel", "leave", "rings out", "desk lost", "transfer", "hang up"),
    *("take over", "take over", "monitor", "monitor"),
)

TALKING_OF_CHATS = (
    *("consult", "consult", "consult", "call", "call", "call", "fact of acd", "fact of acd", "colleague accepts"),
    *("merge", "complete", "cancel", "leave", "rings out", "desk lost", "take over"),
    *("agent writes", "customer writes", "silence", "silence", "take up", "full"),
)


def move(world: World, name: str, data: st.DataObject) -> None:
    match name:
        case "call" if world.calls:
            world.call(data.draw(st.sampled_from(world.calls[-3:])))
        case "fact of ivr":
            world.deliver(world.ivr)
        case "fact of acd":
            world.deliver(world.acd)
        case "answer":
            world.do(commands.GiveInput(ONE, "n1", "person", None))
        case "accept":
            world.acd.accept()
        case "give back":
            world.acd.give_back()
        case "rest":
            world.acd.rest()
        case "ring":
            world.acd.ring()
        case "keep":
            world.acd.keep()
        case "crm":
            world.crm_says = data.draw(st.sampled_from([DialAnswer.MAY_BE_CALLED, *DialAnswer]))
        case "end of call-back" if data.draw(st.integers(0, 3)) == 0:
            world.acd.end_callback()
        case "transfer" if world.acd.stage == "connected":
            queue_id = data.draw(st.sampled_from(["qu_2", "qu_2", "qu_full"]))
            world.do(commands.TransferContact(ONE, world.acd.agent_id, queue_id))
        case "agent writes" if world.acd.stage == "connected":  # a desk hears from acd that it has the chat
            world.do(commands.AddMessage(ONE, Author.AGENT, SEALED, world.acd.agent_id))
        case "customer writes":
            world.do(commands.AddMessage(ONE, Author.CUSTOMER, SEALED, ""))
        case "silence" if not world.contact.is_over:
            world.pass_silently()
        case "time" if not world.contact.is_over:
            world.pass_time(timedelta(seconds=data.draw(st.integers(1, 40))))
        case "take up":
            world.acd.take_up()
        case "give on" if world.acd.parking is Parking.CUSTOMER_WAITS:
            world.acd.give_on()
        case "full":
            world.acd.has_room = not world.acd.has_room
        case "consult":
            colleague_id = data.draw(st.sampled_from(["ag_x", "ag_y", "ag_busy"]))
            world.do(commands.ConsultAgent(ONE, world.acd.agent_id, colleague_id))
        case "colleague accepts":
            world.acd.answer_consultation()
        case "rings out":
            world.acd.end_consultation("expired")
        case "desk lost" if world.acd.asked_state is ConsultationState.CONFERENCE:
            world.acd.hand_over()
        case "swap":
            party = data.draw(st.sampled_from([Party.CUSTOMER, Party.COLLEAGUE]))
            world.do(commands.TalkTo(ONE, world.acd.agent_id, party))
        case "merge":
            world.do(commands.MergeConsultation(ONE, world.acd.agent_id))
        case "complete":
            world.do(commands.CompleteConsultation(ONE, world.acd.agent_id))
        case "cancel":
            world.do(commands.LeaveConsultation(ONE, world.acd.agent_id))
        case "leave":
            world.do(commands.LeaveConsultation(ONE, world.acd.colleagues.get(world.acd.asked_no, "ag_x")))
        case "monitor":
            world.do(commands.MonitorContact(ONE, MonitoringMode.LISTEN, "ag_zhao", "coaching"))
            now = world.contact.monitoring
            world.do(commands.ConfirmConnect(ONE, 0, 0, now.monitoring_no if now else 1))
        case "barge in":
            world.do(commands.MonitorContact(ONE, MonitoringMode.BARGE, "", "coaching"))
            world.do(commands.AddSupervisorMessage(ONE, MonitoringMode.BARGE, SEALED))
        case "take over":
            is_chat = world.contact.channel is Channel.CHAT
            agent_id = data.draw(st.sampled_from(["ag_zhao", "ag_x", "ag_busy"])) if is_chat else "ag_zhao"
            world.do(commands.TakeOverContact(ONE, agent_id, "other"))
        case "call back":
            world.do(commands.RequestCallback(ONE, None))
        case "dialled":
            view = data.draw(st.sampled_from(world.views[-4:]))
            outcome = data.draw(st.sampled_from(["reached", "busy"]))
            world.do(commands.ReportCallResult(ONE, view.segment_no, view.offer_no, outcome, ""))
        case "join" | "refuse legs":
            world.join(data.draw(st.sampled_from(world.views[-4:])), name == "join")
        case "hang up" if data.draw(st.integers(0, 3)) == 0:
            world.do(commands.CloseContact(ONE, CloseReason.CUSTOMER_LEFT, ""))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_saga_and_services_agree_however_late_the_calls_and_facts_are(new_story: Any, data: st.DataObject) -> None:
    world = World(new_story())
    world.do(world.story.opening(data.draw(st.sampled_from(["ep_chat", "ep_voice"]))))
    for name in data.draw(st.lists(st.sampled_from(MOVES), max_size=60)):
        move(world, name, data)
    agree(world)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_they_agree_about_consultations_however_late_the_calls_and_facts_are(
    new_story: Any, data: st.DataObject
) -> None:
    world = World(new_story())
    connect_call(world)
    for name in data.draw(st.lists(st.sampled_from(CONSULTING), max_size=50)):
        move(world, name, data)
    agree(world)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_they_agree_about_consultations_about_chats_that_are_parked_at_other_times(
    new_story: Any, data: st.DataObject
) -> None:
    world = World(new_story())
    connect_chat(world)
    for name in data.draw(st.lists(st.sampled_from(TALKING_OF_CHATS), max_size=50)):
        move(world, name, data)
    agree(world)
    assert world.acd.parking is Parking.UNSPECIFIED or not world.acd.asked_no


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_they_agree_about_call_backs_however_late_the_calls_and_facts_are(new_story: Any, data: st.DataObject) -> None:
    world = World(new_story())
    ask_for_a_call_back(world)
    for name in data.draw(st.lists(st.sampled_from(CALLING_BACK), max_size=50)):
        move(world, name, data)
    agree(world)


def ask_for_a_call_back(world: World) -> None:
    world.do(world.story.opening("ep_voice"))
    world.settle()
    world.do(commands.GiveInput(ONE, "n1", "person", None))
    world.settle()
    world.acd.rest()
    world.settle()
    world.do(commands.RequestCallback(ONE, None))
    world.do(commands.CloseContact(ONE, CloseReason.CUSTOMER_LEFT, ""))
    world.settle()


def connect_call(world: World) -> None:
    world.do(world.story.opening("ep_voice"))
    for do in UNDISTURBED:
        do(world)
    world.do(commands.ConfirmConnect(ONE, *world.contact.place))
    world.settle()
    assert world.contact.state is ContactState.CONNECTED


def connect_chat(world: World) -> None:
    world.do(world.story.opening("ep_chat"))
    for do in UNDISTURBED:
        do(world)
    assert world.contact.state is ContactState.CONNECTED


def agree(world: World) -> None:
    """Everything outstanding arrives, and all three say the same of the contact."""
    world.settle()
    contact, acd, ivr = world.contact, world.acd, world.ivr
    if contact.is_over:
        assert acd.stage in ("unknown", "forgotten"), "a closed contact is booked nowhere"
        assert ivr.stage in ("unknown", "ended")
    else:
        expected = {
            "unknown": ContactState.SELF_SERVICE,
            "waiting": ContactState.QUEUED,
            "offered": ContactState.OFFERED,
            "connecting": ContactState.CONNECTING,
            "connected": ContactState.CONNECTED,
        }
        assert contact.state is expected[acd.stage]
        assert acd.stage in ("unknown", "waiting") or (*contact.place, contact.agent_id) == (
            *(acd.segment_no, acd.offer_no),
            acd.agent_id,
        )
        assert contact.parking is acd.parking
        is_unanswered = any(contact.messages) and contact.messages[-1].author is Author.CUSTOMER
        assert not (is_unanswered and acd.parking is Parking.PARKED), "acd knows of every customer who is back"
        asked = contact.consultation
        known = (asked.offer_no, asked.state) if asked else (0, ConsultationState.UNSPECIFIED)
        assert known == (acd.asked_no, acd.asked_state)
        is_alone = not contact.is_attached and contact.channel is Channel.VOICE
        assert not is_alone or contact.keeps_place, "nobody waits for a caller who left"
        assert (contact.callback is CallbackState.REACHED) <= acd.is_reached, "acd has whoever is on the line in front"


def test_undisturbed_a_contact_is_given_on_and_served(story: Any) -> None:
    world = World(story)
    connect_chat(world)
    world.do(commands.TransferContact(ONE, world.acd.agent_id, "qu_full"))
    world.settle()
    assert (world.contact.state, world.contact.transfer_refusal) == (ContactState.CONNECTED, "QueueFull")
    world.do(commands.TransferContact(ONE, world.acd.agent_id, "qu_2"))
    world.settle()
    assert (world.contact.state, world.contact.segment_no) == (ContactState.OFFERED, 2)
    world.acd.accept()
    world.settle()
    assert (world.contact.state, world.contact.agent_id) == (ContactState.CONNECTED, "ag_2")


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_customer_of_a_parked_chat_writes_in_vain_however_late_the_calls_and_facts_are(
    new_story: Any, data: st.DataObject
) -> None:
    world = World(new_story())
    connect_chat(world)
    for name in data.draw(
        st.lists(
            st.sampled_from(("call", "fact of acd", "transfer", "take over", "barge in", *PARKING_MOVES)), max_size=40
        )
    ):
        if world.contact.is_over:
            break
        move(world, name, data)
    world.settle()
    contact, acd = world.contact, world.acd
    assert contact.is_over or contact.parking is acd.parking
    others = (Author.SYSTEM, Author.SUPERVISOR)  # a supervisor's words answer no customer
    last = next((message.author for message in reversed(contact.messages) if message.author not in others), None)
    assert not (last is Author.CUSTOMER and acd.parking is Parking.PARKED and not contact.is_over)


def test_undisturbed_a_supervisor_takes_a_call_over(story: Any) -> None:
    world = World(story)
    connect_call(world)
    for name in ("monitor", "take over"):
        move(world, name, None)  # type: ignore[arg-type]
    assert world.contact.agent_id == "ag_1", "not before acd agrees"
    agree(world)
    assert (world.contact.agent_id, world.contact.monitoring) == ("ag_zhao", None)


def test_undisturbed_a_silent_chat_is_parked_and_goes_on(story: Any) -> None:
    world = World(story)
    connect_chat(world)
    world.do(commands.AddMessage(ONE, Author.AGENT, SEALED, world.acd.agent_id))
    world.pass_silently()
    world.settle()
    assert world.contact.parking is Parking.PARKED
    world.do(commands.AddMessage(ONE, Author.CUSTOMER, SEALED, ""))
    world.settle()
    assert world.contact.parking is world.acd.parking is Parking.UNSPECIFIED


def test_undisturbed_a_call_is_talked_about_and_handed_over(story: Any) -> None:
    world = World(story)
    connect_call(world)
    world.do(commands.ConsultAgent(ONE, "ag_1", "ag_busy"))
    world.settle()
    assert (world.contact.consultation, world.contact.consultation_refusal) == (None, "AgentHasNoRoom")
    world.do(commands.ConsultAgent(ONE, "ag_1", "ag_x"))
    world.settle()
    world.acd.answer_consultation()
    world.settle()
    world.do(commands.ConfirmConnect(ONE, 1, 2))
    world.settle()
    world.do(commands.MergeConsultation(ONE, "ag_1"))
    world.settle()
    assert world.contact.consultation.state is ConsultationState.CONFERENCE
    world.do(commands.CompleteConsultation(ONE, "ag_1"))
    world.settle()
    assert (world.contact.agent_id, world.contact.place, world.contact.consultation) == ("ag_x", (1, 2), None)


def test_undisturbed_a_caller_is_called_back(story: Any) -> None:
    world = World(story)
    ask_for_a_call_back(world)
    for outcome in ("busy", "reached"):
        world.acd.ring()
        world.acd.accept()
        world.settle()
        world.do(commands.ReportCallResult(ONE, *world.contact.place, outcome, ""))
        world.settle()
    assert (world.contact.state, world.contact.place) == (ContactState.CONNECTED, (2, 3))
    assert world.contact.is_attached


def test_undisturbed_a_customer_is_dialled_first_and_then_has_the_agent(story: Any) -> None:
    world = World(story)
    ask_for_a_call_back(world)
    for outcome in ("busy", "reached"):
        world.acd.keep()
        world.settle()
        world.do(commands.ReportCallResult(ONE, *world.contact.place, outcome, ""))
        world.settle()
    assert world.contact.state is ContactState.QUEUED and world.contact.is_attached
    world.acd.ring()
    world.acd.accept()
    world.settle()
    world.do(commands.ConfirmConnect(ONE, *world.contact.place))
    world.settle()
    assert (world.contact.state, world.contact.place) == (ContactState.CONNECTED, (2, 4))


UNDISTURBED: tuple[Callable[[World], None], ...] = (
    World.settle,
    lambda world: world.do(commands.GiveInput(ONE, "n1", "person", None)),
    lambda world: world.call(world.contact),
    lambda world: world.deliver(world.ivr),
    lambda world: world.call(world.contact),
    lambda world: world.deliver(world.acd),
    World.settle,
    lambda world: world.acd.accept(),
    World.settle,
)


@dataclass
class Watch:
    """Compares at any moment, and judges by facts alone: as if any difference had lasted long enough by now."""

    world: World
    first: dict[Finding, int] = field(default_factory=dict)  # how many facts the other service had told then

    def look(self) -> list[Finding]:
        """Return what would be ended now: seen before, unchanged, and every fact of then has arrived."""
        found = self._of(self.world.acd, differences_with_acd) + self._of(self.world.ivr, differences_with_ivr)
        self.first = {finding: self.first.get(finding, service.told) for finding, service in found}
        return [finding for finding, service in found if self.first[finding] <= service.heard]

    def _of(self, service: Any, differences: Any) -> list[tuple[Finding, Service]]:
        there = {ONE: service.here} if service.here else {}
        return [(finding, service) for finding in differences({ONE: self.world.contact}, there)]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_healthy_contact_is_never_taken_for_a_contradiction(new_story: Any, data: st.DataObject) -> None:
    world = World(new_story())
    world.do(world.story.opening(data.draw(st.sampled_from(["ep_chat", "ep_voice"]))))
    for undisturbed in UNDISTURBED[: data.draw(st.integers(0, len(UNDISTURBED)))]:
        undisturbed(world)
    watch = Watch(world)
    for name in data.draw(st.lists(st.sampled_from(MOVES), max_size=30)):
        move(world, name, data)
        assert watch.look() == []
    world.settle()
    assert watch.look() == []


def test_undisturbed_a_contact_reaches_an_agent(story: Any) -> None:
    world = World(story)
    world.do(story.opening())
    world.settle()
    world.do(commands.GiveInput(ONE, "n1", "person", None))
    world.settle()
    world.acd.accept()
    world.settle()
    assert (world.contact.state, world.contact.agent_id) == (ContactState.CONNECTED, "ag_1")
