"""What edges, process managers and timers want of a contact. Field for field `contact_commands.proto`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline_core.flows import MenuOption
from trunkline_core.hours import HoursDefinition
from trunkline_core.routing import SkillChoice, SkillRequirement
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText
from trunkline_core.webhooks import HookDefinition

from trunkline_channels.domain.words import (
    Author,
    CloseReason,
    ConsultationState,
    DialAnswer,
    EntryPointDefinition,
    MonitoringMode,
    Party,
    TreatmentOfQueue,
)


@dataclass(frozen=True, slots=True)
class PutEntryPoint:
    """Take over an entry point."""

    entry_point: EntryPointDefinition | None


@dataclass(frozen=True, slots=True)
class OpenContact:
    """A customer came in; `contact_id` is made by the edge from address token and command id."""

    entry_point_id: str
    address_token: str
    address: Sealed | None
    attributes: Mapping[str, str]
    locale: str
    peer_id: str
    contact_id: str
    address_withheld: bool = False


@dataclass(frozen=True, slots=True)
class PutHook:
    """Take over a hook."""

    hook: HookDefinition | None


@dataclass(frozen=True, slots=True)
class PutHours:
    """Take over business hours."""

    hours: HoursDefinition | None


@dataclass(frozen=True, slots=True)
class PutTreatments:
    """Take over what plays in queues."""

    treatments: tuple[TreatmentOfQueue, ...]


@dataclass(frozen=True, slots=True)
class TakeDelivery:
    """An outside system brings a message; `contact_id` is opened where the customer has no open conversation."""

    hook_id: str
    address_token: str
    address: Sealed | None
    contact_id: str
    locale: str
    name: Sealed | None
    body: Sealed | None
    node_id: str
    option_id: str


@dataclass(frozen=True, slots=True)
class GiveInput:
    """The customer answered the flow."""

    contact_id: str
    node_id: str
    option_id: str
    text: Sealed | None


@dataclass(frozen=True, slots=True)
class AddMessage:
    """Somebody wrote a message; `agent_id` when an agent did."""

    contact_id: str
    author: Author
    body: Sealed | None
    agent_id: str


@dataclass(frozen=True, slots=True)
class CloseContact:
    """Somebody ends the contact; `agent_id` when an agent does."""

    contact_id: str
    reason: CloseReason
    agent_id: str


@dataclass(frozen=True, slots=True)
class ConfirmConnect:
    """The legs are joined; with `monitoring_no` that of a supervisor is."""

    contact_id: str
    segment_no: int
    offer_no: int
    monitoring_no: int = 0


@dataclass(frozen=True, slots=True)
class RefuseConnect:
    """The legs could not be joined: `busy`, `unreachable` or `failed`."""

    contact_id: str
    segment_no: int
    offer_no: int
    reason: str
    monitoring_no: int = 0


@dataclass(frozen=True, slots=True)
class RequestCallback:
    """The caller who waits wants to be called back, not before a time where one is said."""

    contact_id: str
    not_before_time: datetime | None


@dataclass(frozen=True, slots=True)
class TransferContact:
    """The connected agent gives the contact on to a queue, there to a preferred agent where one is named.

    With `insist` that very agent is meant; the note is for whoever has the contact next.
    """

    contact_id: str
    agent_id: str
    queue_id: str
    preferred_agent_id: str = ""
    note: Sealed | None = None
    insist: bool = False


@dataclass(frozen=True, slots=True)
class ConsultAgent:
    """The connected agent asks a colleague about the contact; the note is for the colleague."""

    contact_id: str
    agent_id: str
    colleague_id: str
    note: Sealed | None = None


@dataclass(frozen=True, slots=True)
class TalkTo:
    """The agent of a call talks to the customer, or to the colleague; the other one is on hold."""

    contact_id: str
    agent_id: str
    party: Party


@dataclass(frozen=True, slots=True)
class MergeConsultation:
    """Customer, agent and colleague talk together from now on."""

    contact_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class CompleteConsultation:
    """The agent leaves; the colleague has the contact."""

    contact_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class LeaveConsultation:
    """The agent ends the consultation, or the colleague leaves it."""

    contact_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class AddConsultationMessage:
    """Agent or colleague writes to the other one in a chat; `offer_no` is the consultation's."""

    contact_id: str
    agent_id: str
    offer_no: int
    body: Sealed | None


@dataclass(frozen=True, slots=True)
class MonitorContact:
    """The supervisor who sends it monitors a contact, or in another way; `agent_id` where that is an agent too."""

    contact_id: str
    mode: MonitoringMode
    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class StopMonitoring:
    """The supervisor monitors the contact no more."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class AddSupervisorMessage:
    """The supervisor who monitors a chat writes; `mode` says who is meant to read it."""

    contact_id: str
    mode: MonitoringMode
    body: Sealed | None


@dataclass(frozen=True, slots=True)
class TakeOverContact:
    """The supervisor takes the contact from its agent; `agent_id` is to have it."""

    contact_id: str
    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChooseTreatmentOption:
    """The customer who waits chose of the menu that plays."""

    contact_id: str
    digit: str


@dataclass(frozen=True, slots=True)
class WithdrawCallback:
    """The customer does not want to be called back any more."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class ReportCallResult:
    """How dialling the customer went: `reached`, `no_answer`, `busy`, `failed`, or `withdrawn` with a reason."""

    contact_id: str
    segment_no: int
    offer_no: int
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class AttachPeer:
    """The customer is held by another edge now."""

    contact_id: str
    peer_id: str


@dataclass(frozen=True, slots=True)
class DetachPeer:
    """The customer's page is gone, maybe for a moment only; another edge than the current changes nothing."""

    contact_id: str
    peer_id: str


@dataclass(frozen=True, slots=True)
class LosePeer:
    """A gateway or chat edge is gone with all its customers, or is there without those of `contact_ids`, if any."""

    peer_id: str
    contact_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoseSupervisor:
    """No console has a page of the supervisor, who monitors these contacts no more, or none at all."""

    supervisor_id: str
    contact_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReconcileContact:
    """acd or ivr contradicts this version of the contact for so long that it can only be an error."""

    contact_id: str
    version: int
    difference: str


@dataclass(frozen=True, slots=True)
class RecordCustomer:
    """Answer of crm, or its fact: who the customer is, and which agents the customer knows; empty for unresolved."""

    contact_id: str
    step_no: int
    customer_id: str
    account_owner_id: str = ""
    last_agent_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordWait:
    """Answer of acd: place, 0 unknown, and the wait that 80 % of such contacts do not exceed."""

    contact_id: str
    step_no: int
    position: int
    wait_duration: timedelta | None


@dataclass(frozen=True, slots=True)
class RefuseStep:
    """A step was refused for good."""

    contact_id: str
    step_no: int
    rule: str


@dataclass(frozen=True, slots=True)
class RecordText:
    """Fact: ivr said something."""

    contact_id: str
    text: LocalizedText | None


@dataclass(frozen=True, slots=True)
class RecordPrompt:
    """Fact: ivr waits for the customer; `visit_no` counts the session's waits."""

    contact_id: str
    node_id: str
    visit_no: int
    prompt: LocalizedText | None
    options: tuple[MenuOption, ...]


@dataclass(frozen=True, slots=True)
class RecordGathered:
    """Fact: ivr kept a text under a name."""

    contact_id: str
    attribute: str
    text: Sealed | None


@dataclass(frozen=True, slots=True)
class RecordPersonRequested:
    """Fact: ivr hands the contact over to a queue."""

    contact_id: str
    queue_id: str
    value_permille: int
    urgency_permille: int
    requirements: tuple[SkillRequirement, ...]
    text: LocalizedText | None
    choices: tuple[SkillChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordSelfServiceCompleted:
    """Fact: ivr is done without a person."""

    contact_id: str
    text: LocalizedText | None


@dataclass(frozen=True, slots=True)
class RecordEnqueued:
    """Fact: acd took the contact in."""

    contact_id: str
    step_no: int
    queue_id: str
    segment_no: int
    parking_duration: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class RecordParked:
    """Fact: acd parked the chat."""

    contact_id: str
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class RecordResumed:
    """Fact: a parked chat uses its agent's units again."""

    contact_id: str
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class RecordCustomerReturned:
    """Fact: the customer of a parked chat waits for room at its agent."""

    contact_id: str
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class RecordOffered:
    """Fact: acd offered the contact; with `ring_all` it goes on ringing where it rings already."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    ring_all: bool = False


@dataclass(frozen=True, slots=True)
class RecordAccepted:
    """Fact: the agent accepted; of a call-back with the hours within which its customer is dialled."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    hours_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordOfferEnded:
    """Fact: an offer or a connecting ended without a connection."""

    contact_id: str
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class RecordConnected:
    """Fact: acd booked the connection."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class RecordForgotten:
    """Fact: acd forgot the contact, or ivr its session; `step_no` tells which."""

    contact_id: str
    step_no: int


@dataclass(frozen=True, slots=True)
class RecordAgentLost:
    """Fact: acd released the contact, because the agent's desk did not come back."""

    contact_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class RecordLimitReached:
    """Fact: a limit of its queue ended the contact's segment, and it goes on nowhere."""

    contact_id: str
    segment_no: int


@dataclass(frozen=True, slots=True)
class RecordWaitingContactClosed:
    """Fact: a supervisor closed the contact while it waited or rang."""

    contact_id: str
    segment_no: int


@dataclass(frozen=True, slots=True)
class RecordCallbackOpened:
    """Fact: acd keeps the caller's place as a call-back."""

    contact_id: str
    queue_id: str
    segment_no: int


@dataclass(frozen=True, slots=True)
class RecordCallbackDialled:
    """Fact: acd keeps the agent for a call-back whose customer is to be dialled first."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    hours_id: str = ""


@dataclass(frozen=True, slots=True)
class RecordDialCheck:
    """crm said whether the customer of a call-back may be dialled, or did not say in time."""

    contact_id: str
    step_no: int
    customer_id: str
    answer: DialAnswer


@dataclass(frozen=True, slots=True)
class RecordCallbackCleared:
    """Fact: acd lets the customer of a call-back be dialled."""

    contact_id: str
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class RecordCallbackReached:
    """Fact: acd knows that the customer of a call-back is on the line."""

    contact_id: str
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class RecordCallbackEnded:
    """Fact: the call-back ended without a connection."""

    contact_id: str
    segment_no: int


@dataclass(frozen=True, slots=True)
class RecordConsultation:
    """Fact: acd says how far a consultation is."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    state: ConsultationState


@dataclass(frozen=True, slots=True)
class RecordConsultationCompleted:
    """Fact: who asked has left, and the colleague has the contact."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class RecordConsultationEnded:
    """Fact: a consultation is over; the reason is acd's, in lower case."""

    contact_id: str
    segment_no: int
    offer_no: int
    reason: str


@dataclass(frozen=True, slots=True)
class RecordTakenOver:
    """Fact: acd took the contact from its agent and gave it to another one."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class RecordWrapUp:
    """Fact: the agent wrapped the contact up; the code is empty for none."""

    contact_id: str
    agent_id: str
    wrap_up_code: str


@dataclass(frozen=True, slots=True)
class ExpireContact:
    """Timer: the customer was away (`detached`) or `silent` for too long."""

    contact_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ParkSilentContact:
    """Timer: the customer has been silent for long enough for the chat to be parked."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class AnnounceTreatment:
    """Timer: the next announcement of a chat's treatment is due."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class ExpireMonitoring:
    """Timer: the supervisor's leg has not come up in time."""

    contact_id: str
    monitoring_no: int


@dataclass(frozen=True, slots=True)
class DropContact:
    """Timer: a closed contact is old enough to leave memory."""

    contact_id: str


ConsultationCommand = (
    ConsultAgent | TalkTo | MergeConsultation | CompleteConsultation | LeaveConsultation | AddConsultationMessage
)
SupervisorCommand = MonitorContact | StopMonitoring | AddSupervisorMessage | TakeOverContact
EdgeCommand = (
    OpenContact
    | TakeDelivery
    | GiveInput
    | AddMessage
    | CloseContact
    | ConfirmConnect
    | RefuseConnect
    | RequestCallback
    | ChooseTreatmentOption
    | WithdrawCallback
    | ReportCallResult
    | TransferContact
    | ConsultationCommand
    | SupervisorCommand
    | AttachPeer
    | DetachPeer
)
CallbackFact = (
    RecordCallbackOpened | RecordCallbackDialled | RecordCallbackCleared | RecordCallbackReached | RecordCallbackEnded
)
Fact = (
    RecordText
    | RecordPrompt
    | RecordGathered
    | RecordPersonRequested
    | RecordSelfServiceCompleted
    | RecordEnqueued
    | RecordOffered
    | RecordAccepted
    | RecordOfferEnded
    | RecordConnected
    | RecordForgotten
    | RecordAgentLost
    | RecordParked
    | RecordResumed
    | RecordCustomerReturned
    | RecordLimitReached
    | RecordWaitingContactClosed
    | CallbackFact
    | RecordConsultation
    | RecordConsultationCompleted
    | RecordConsultationEnded
    | RecordTakenOver
    | RecordWrapUp
)
StepAnswer = RecordCustomer | RecordWait | RecordDialCheck | RefuseStep
TimerCommand = ExpireContact | ParkSilentContact | AnnounceTreatment | ExpireMonitoring | DropContact
ContactCommand = EdgeCommand | Fact | StepAnswer | TimerCommand | ReconcileContact
PartitionCommand = PutEntryPoint | PutHook | PutHours | PutTreatments | LosePeer | LoseSupervisor
Command = ContactCommand | PartitionCommand
