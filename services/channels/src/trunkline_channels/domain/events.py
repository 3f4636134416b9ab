"""What happened to contacts. Field for field the messages of `contact_events.proto`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline_core.flows import MenuOption
from trunkline_core.hours import HoursDefinition
from trunkline_core.routing import SkillChoice, SkillRequirement
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import QueueTreatment, TreatmentAction
from trunkline_core.webhooks import HookDefinition

from trunkline_channels.domain.words import Author, Channel, CloseReason, EntryPointDefinition, MonitoringMode, Party


@dataclass(frozen=True, slots=True)
class EntryPointPut:
    """An entry point is ready here."""

    entry_point: EntryPointDefinition


@dataclass(frozen=True, slots=True)
class HoursPut:
    """Business hours are in force, or were changed."""

    hours: HoursDefinition


@dataclass(frozen=True, slots=True)
class HookPut:
    """A hook is ready here."""

    hook: HookDefinition


@dataclass(frozen=True, slots=True)
class TreatmentPut:
    """This plays in the queue, to contacts that enter from now on; None: nothing."""

    queue_id: str
    treatment: QueueTreatment | None


@dataclass(frozen=True, slots=True)
class ContactOpened:
    """A customer came in. Whose address is withheld is no customer that anybody knows, and cannot be called back."""

    contact_id: str
    entry_point_id: str
    channel: Channel
    flow_id: str
    address_token: str
    address: Sealed
    attributes: Mapping[str, str]
    locale: str
    peer_id: str
    address_withheld: bool = False


@dataclass(frozen=True, slots=True)
class CustomerIdentified:
    """The customer is known, or is not known in time (empty)."""

    contact_id: str
    customer_id: str
    account_owner_id: str = ""
    last_agent_id: str = ""


@dataclass(frozen=True, slots=True)
class StepBegun:
    """The saga asks another service for something; kept until answered, refused or overtaken."""

    contact_id: str
    step_no: int
    kind: str


@dataclass(frozen=True, slots=True)
class StepRefused:
    """A step was refused for good."""

    contact_id: str
    step_no: int
    rule: str


@dataclass(frozen=True, slots=True)
class PromptShown:
    """The flow asked the customer; no options for free text."""

    contact_id: str
    node_id: str
    visit_no: int
    prompt: LocalizedText | None
    options: tuple[MenuOption, ...]


@dataclass(frozen=True, slots=True)
class InputGiven:
    """The customer answered the flow."""

    contact_id: str
    node_id: str
    option_id: str
    text: Sealed | None


@dataclass(frozen=True, slots=True)
class TextShown:
    """The flow or the system said something."""

    contact_id: str
    message_no: int
    text: LocalizedText


@dataclass(frozen=True, slots=True)
class TextGathered:
    """The flow kept a text for the agent."""

    contact_id: str
    attribute: str
    text: Sealed


@dataclass(frozen=True, slots=True)
class PersonRequested:
    """The customer wants a person."""

    contact_id: str
    queue_id: str
    value_permille: int
    urgency_permille: int
    requirements: tuple[SkillRequirement, ...]
    choices: tuple[SkillChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactQueued:
    """The contact waits in a queue. `parking_duration`: how long its customer must be silent for it to be parked."""

    contact_id: str
    queue_id: str
    segment_no: int
    parking_duration: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class ContactOffered:
    """The contact rings at an agent; with `ring_all` it goes on ringing where it rings already."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    ring_all: bool = False


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """The agent accepted; the peer is asked to join the legs.

    Attributes:
        checks_first: of a call-back: the customer is dialled only once that is cleared.
        customer_first: of a call-back: the customer is dialled first, and the agent is only kept.
    """

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    checks_first: bool = False
    customer_first: bool = False


@dataclass(frozen=True, slots=True)
class ContactReturned:
    """The offer ended, or the legs could not be joined; the contact waits on, or rings on at the others."""

    contact_id: str
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class LegsJoined:
    """The peer joined the legs; acd still has to book it."""

    contact_id: str
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class LegsRefused:
    """The peer could not join the legs."""

    contact_id: str
    segment_no: int
    offer_no: int
    reason: str


@dataclass(frozen=True, slots=True)
class ContactConnected:
    """Agent and customer are joined."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ContactParked:
    """The chat is parked: it stays with its agent and uses no units."""

    contact_id: str
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ContactResumed:
    """The parked chat goes on."""

    contact_id: str
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class CustomerReturned:
    """The customer of a parked chat wrote again and waits for room at its agent."""

    contact_id: str
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class NoteHandedOn:
    """The contact went on to another agent or queue with a note of who had it."""

    contact_id: str
    agent_id: str
    note: Sealed


@dataclass(frozen=True, slots=True)
class TransferRequested:
    """The connected agent gives the contact on; until acd agrees they stay joined."""

    contact_id: str
    agent_id: str
    queue_id: str
    preferred_agent_id: str
    note: Sealed | None = None
    insist: bool = False


@dataclass(frozen=True, slots=True)
class ConsultationRequested:
    """The connected agent asks a colleague about the contact; until acd agrees nothing changes."""

    contact_id: str
    agent_id: str
    colleague_id: str
    note: Sealed | None = None


@dataclass(frozen=True, slots=True)
class ConsultationOffered:
    """It rings at the colleague, and the customer of a call is on hold."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ConsultationAccepted:
    """The colleague took it; the gateway is asked to bring up the leg, which a chat has not."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ConsultationLegJoined:
    """The gateway brought up the colleague's leg, or a chat needs none; acd still has to book it."""

    contact_id: str
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class ConsultationLegRefused:
    """The gateway could not bring up the colleague's leg."""

    contact_id: str
    segment_no: int
    offer_no: int
    reason: str


@dataclass(frozen=True, slots=True)
class ConsultationConnected:
    """Agent and colleague talk; the customer is on hold."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ConsultationSwapped:
    """The agent talks to the other one, and who is not talked to is on hold."""

    contact_id: str
    segment_no: int
    offer_no: int
    talks_to: Party


@dataclass(frozen=True, slots=True)
class ConsultationMerged:
    """All three talk."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ConsultationCompleted:
    """Who asked has left, and the colleague has the contact."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    left_agent_id: str


@dataclass(frozen=True, slots=True)
class ConsultationEnded:
    """The consultation is over, and who asked keeps the contact."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class MonitoringBegun:
    """A supervisor monitors the contact; of a call nothing is heard before the leg is up."""

    contact_id: str
    monitoring_no: int
    supervisor_id: str
    agent_id: str
    mode: MonitoringMode
    reason: str


@dataclass(frozen=True, slots=True)
class MonitoringLegJoined:
    """The gateway brought up the supervisor's leg: from here on the supervisor hears."""

    contact_id: str
    monitoring_no: int


@dataclass(frozen=True, slots=True)
class MonitoringChanged:
    """The supervisor hears and is heard, or reads and writes, in another way."""

    contact_id: str
    monitoring_no: int
    supervisor_id: str
    mode: MonitoringMode
    reason: str


@dataclass(frozen=True, slots=True)
class MonitoringEnded:
    """The supervisor monitors the contact no more."""

    contact_id: str
    monitoring_no: int
    supervisor_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class TakeOverRequested:
    """A supervisor takes the contact from its agent; until acd agrees nothing changes."""

    contact_id: str
    supervisor_id: str
    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ContactTakenOver:
    """Another agent has the contact."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    left_agent_id: str


@dataclass(frozen=True, slots=True)
class CallbackRequested:
    """The caller who waits wants to be called back."""

    contact_id: str
    not_before_time: datetime | None


@dataclass(frozen=True, slots=True)
class CallbackOpened:
    """The place is kept: the caller may hang up."""

    contact_id: str
    queue_id: str
    segment_no: int


@dataclass(frozen=True, slots=True)
class CallerHungUp:
    """The caller hung up and is called back; the contact goes on."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class CustomerUnreached:
    """The customer was dialled and not reached; acd still has to say what follows."""

    contact_id: str
    segment_no: int
    offer_no: int
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class TreatmentAnnounced:
    """An announcement of its queue's treatment reached a chat, or who chose it (`digit`); its text, if any, follows."""

    contact_id: str
    segment_no: int
    treatment_step: int
    digit: str = ""


@dataclass(frozen=True, slots=True)
class TreatmentOptionChosen:
    """The customer who waits chose of the menu; `queue_id` with QUEUE."""

    contact_id: str
    segment_no: int
    digit: str
    action: TreatmentAction
    queue_id: str = ""


@dataclass(frozen=True, slots=True)
class DiallingPostponed:
    """The customer must not be dialled before that time, or, without one, at all; acd still has to say what follows."""

    contact_id: str
    segment_no: int
    offer_no: int
    reason: str
    until_time: datetime | None


@dataclass(frozen=True, slots=True)
class CallbackCleared:
    """The customer may be dialled: the gateway is told to."""

    contact_id: str
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class CustomerReached:
    """The customer was dialled first and is on the line."""

    contact_id: str
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class MessageAdded:
    """Somebody wrote a message; `agent_id` when an agent did, `supervisor_id` when a supervisor did."""

    contact_id: str
    message_no: int
    author: Author
    body: Sealed
    agent_id: str
    supervisor_id: str = ""


@dataclass(frozen=True, slots=True)
class WhisperAdded:
    """A supervisor whispered to the agent who has the chat, or agent and colleague wrote to each other.

    No message: the customer never gets it.
    """

    contact_id: str
    whisper_no: int
    supervisor_id: str
    agent_id: str
    body: Sealed
    colleague_id: str = ""
    author_agent_id: str = ""


@dataclass(frozen=True, slots=True)
class PeerAttached:
    """The customer is held by this edge now."""

    contact_id: str
    peer_id: str


@dataclass(frozen=True, slots=True)
class PeerDetached:
    """The customer's edge or page is gone for the moment."""

    contact_id: str
    peer_id: str


@dataclass(frozen=True, slots=True)
class ContactClosed:
    """The contact is over. Exactly once in each contact's life."""

    contact_id: str
    reason: CloseReason
    rule: str


@dataclass(frozen=True, slots=True)
class CleanUpConfirmed:
    """acd or ivr holds nothing of the contact any more."""

    contact_id: str
    step_no: int


@dataclass(frozen=True, slots=True)
class ContactWrappedUp:
    """The agent wrapped the contact up; the code is empty for none."""

    contact_id: str
    agent_id: str
    wrap_up_code: str


@dataclass(frozen=True, slots=True)
class ContactDropped:
    """The contact left memory; its history stays."""

    contact_id: str


CallbackEvent = (
    CallbackRequested
    | CallbackOpened
    | CallerHungUp
    | DiallingPostponed
    | CallbackCleared
    | CustomerReached
    | CustomerUnreached
)
ParkingEvent = ContactParked | ContactResumed | CustomerReturned
QueueEvent = (
    ContactQueued | ContactOffered | ConnectRequested | ContactReturned | LegsJoined | LegsRefused | ContactConnected
)
ConsultationEvent = (
    ConsultationRequested
    | ConsultationOffered
    | ConsultationAccepted
    | ConsultationLegJoined
    | ConsultationLegRefused
    | ConsultationConnected
    | ConsultationSwapped
    | ConsultationMerged
    | ConsultationCompleted
    | ConsultationEnded
)
SupervisionEvent = (
    MonitoringBegun | MonitoringLegJoined | MonitoringChanged | MonitoringEnded | TakeOverRequested | ContactTakenOver
)
LaterEvent = (
    CustomerIdentified
    | StepBegun
    | StepRefused
    | PromptShown
    | InputGiven
    | TextShown
    | TextGathered
    | PersonRequested
    | QueueEvent
    | CallbackEvent
    | ParkingEvent
    | TreatmentAnnounced
    | TreatmentOptionChosen
    | TransferRequested
    | NoteHandedOn
    | ConsultationEvent
    | SupervisionEvent
    | MessageAdded
    | WhisperAdded
    | PeerAttached
    | PeerDetached
    | ContactClosed
    | CleanUpConfirmed
    | ContactWrappedUp
    | ContactDropped
)
ContactEvent = ContactOpened | LaterEvent
Definition = EntryPointPut | HookPut | HoursPut | TreatmentPut
Event = Definition | ContactEvent
