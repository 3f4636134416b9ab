"""A contact's row: everything the saga knows of one customer conversation until it leaves memory.

Owns: what "over", "joined" and "still to clean up" mean. Must not: decide what happens next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from trunkline_core.flows import MenuOption
from trunkline_core.replacing import replace
from trunkline_core.routing import SkillChoice, SkillRequirement
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import QueueTreatment

from trunkline_channels.domain import policy
from trunkline_channels.domain.words import (
    Author,
    CallbackState,
    Channel,
    CloseReason,
    ConsultationState,
    ContactState,
    MonitoringMode,
    Parking,
    Party,
    StepKind,
)


class Legs(Enum):
    """What the peer said about joining the legs of the newest accepted offer."""

    NONE = 0
    AWAITED = 1
    JOINED = 2
    REFUSED = 3


@dataclass(frozen=True, slots=True)
class Step:
    """The outstanding step; `segment_no` and `offer_no` are those it was begun for."""

    step_no: int
    kind: StepKind
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the flow asked; not `is_open` once answered."""

    node_id: str
    visit_no: int
    text: LocalizedText | None
    options: tuple[MenuOption, ...]
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What the customer answered last."""

    node_id: str
    option_id: str
    text: Sealed | None


@dataclass(frozen=True, slots=True)
class Wish:
    """The wish for a person, as the flow put it."""

    queue_id: str
    value_permille: int
    urgency_permille: int
    requirements: tuple[SkillRequirement, ...]
    choices: tuple[SkillChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class Transfer:
    """Where the connected agent gives the contact on, until acd answers; the note is for the next agent."""

    queue_id: str
    preferred_agent_id: str
    note: Sealed | None = None
    insist: bool = False


@dataclass(frozen=True, slots=True)
class Consultation:
    """The colleague whom the connected agent asks about the contact.

    Attributes:
        offer_no: by which acd offered it; 0 until acd has answered.
        talks_to: whom the agent of a call talks to once the colleague is there.
        leg: what the gateway said about bringing up the colleague's leg; a chat joins itself.
        failure: why it could not.
        note: for the colleague, who keeps it with the contact.
    """

    agent_id: str
    offer_no: int = 0
    state: ConsultationState = ConsultationState.REQUESTED
    talks_to: Party = Party.COLLEAGUE
    leg: Legs = Legs.NONE
    failure: str = ""
    note: Sealed | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What an agent who gave the contact on left for the next one."""

    agent_id: str
    written_time: datetime
    text: Sealed


@dataclass(frozen=True, slots=True)
class Monitoring:
    """The supervisor who monitors a contact.

    Attributes:
        monitoring_no: 1, 2, 3, … in the contact; the gateway answers with it.
        agent_id: the supervisor as an agent; empty for who is none.
        reason: why, as said when it began or changed last.
        is_joined: whether the supervisor's leg is up; a chat has none, and is read at once.
    """

    monitoring_no: int
    supervisor_id: str
    agent_id: str
    mode: MonitoringMode
    reason: str
    is_joined: bool = False


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Who is to have the contact, and the supervisor who decided it, until acd answers."""

    agent_id: str
    supervisor_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation: sealed words of a person, or a text of the flow or the system."""

    message_no: int
    author: Author
    sent_time: datetime
    body: Sealed | LocalizedText
    agent_id: str = ""
    supervisor_id: str = ""

    @property
    def size_bytes(self) -> int:
        """About how long its text is."""
        if isinstance(self.body, Sealed):
            return len(self.body.ciphertext)
        return 3 * max(len(self.body.zh), len(self.body.en))


@dataclass(frozen=True, slots=True)
class Whisper:
    """What a supervisor wrote for the agent who had the chat then, or this agent and the colleague to each other.

    Attributes:
        supervisor_id: empty where an agent wrote.
        agent_id: who had the chat then.
        after_message_no: the message after which it stands.
        colleague_id: who was asked then; empty for a supervisor's.
        author_agent_id: which of the two wrote; empty for a supervisor's.
    """

    whisper_no: int
    supervisor_id: str
    agent_id: str
    sent_time: datetime
    body: Sealed
    after_message_no: int
    colleague_id: str = ""
    author_agent_id: str = ""


@dataclass(frozen=True, slots=True)
class Treatment:
    """What plays in the queue segment.

    Attributes:
        announced: how many announcements a chat got.
        step_no: the step of the last one, from 1; 0: none yet.
        asked_digit: the option that was chosen last whose text acd is asked for, in the contact's step `asked_step_no`.
    """

    definition: QueueTreatment
    began_time: datetime
    announced: int = 0
    step_no: int = 0
    announced_time: datetime | None = None
    asked_digit: str = ""
    asked_step_no: int = 0


class Offer(NamedTuple):
    """One offer of the queue segment, that is live."""

    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact.

    Attributes:
        version: the contact's stream version.
        announcing: how many of its events were only about announcements; see `moved_version`.
        brought_by: who opened it: a gateway's calls are its own, whatever another gateway of the tenant says of them.
        peer_id: the edge that holds the customer, also after the loss of it; `is_attached` tells. Empty for a customer
            whose messages an outside system brings: nobody holds that one, hence nobody loses it.
        step_no: the newest step's number; `step` is the one outstanding, if any.
        in_session: ivr may hold a session of it, or the trace of one. at_acd: acd may hold it.
        offer_no: of who has it, else the last one of the queue segment that was.
        agent_id: who has it; of several at whom it rings the one asked last; empty while nobody does.
        others: what rings beside that offer, the oldest first.
        newest_offer_no: the newest offer of the queue segment, also one to a colleague who was asked; see
            `newest_place`.
        failure: why the legs were refused, or how dialling the customer of a call-back went.
        callback: whether the customer is called back; then the contact goes on when the caller hangs up.
        callback_reason: why a call-back was withdrawn, or put off, when it was to be dialled.
        is_cleared: whether nothing keeps the customer of a call-back from being dialled for the newest accept.
        dials_first: whether the customer is dialled first, and the agent who has it only kept.
        rests_until: before when the customer must not be dialled; None for never.
        callback_refusal: why the caller is not called back after having asked for it.
        transfer_refusal: why the last transfer came to nothing; empty after one that did not.
        parking: whether acd has it parked, and whether its customer is back.
        parking_duration: how long the customer must be silent for that; 0: the queue parks nothing.
        heard_time: when the customer wrote last, or was connected, whichever is later.
        treatment: what plays while it waits, also while it does not for the moment; see `is_treated`.
        choices: how often the customer chose of a menu while waiting.
        wanted_queue_id: the queue that the customer chose last.
        consultation_refusal: why the last consultation was refused; empty after one that was not.
        consultation_end: how the last one ended without the colleague having the contact.
        account_owner_id: whose account the customer is; empty for nobody's. last_agent_id: who had the customer last.
        notes: of agents who gave it on, the oldest first, at most `policy.MAX_NOTES`.
        whispers: of supervisors and agents to its agents, the oldest first. Not among the messages, which the customer
            gets: there neither a text nor a missing number tells of them.
        monitoring_no: number of the newest monitoring, 0 before the first.
        monitoring_end: how the last one ended.
        take_over_refusal: why the last take-over came to nothing; empty after one that did not.
    """

    contact_id: str
    tenant: str
    entry_point_id: str
    channel: Channel
    flow_id: str
    address_token: str
    address: Sealed
    attributes: Mapping[str, str]
    locale: str
    peer_id: str
    opened_time: datetime
    version: int = 0
    announcing: int = 0
    state: ContactState = ContactState.OPENED
    is_attached: bool = True
    customer_id: str = ""
    step_no: int = 0
    step: Step | None = None
    in_session: bool = False
    at_acd: bool = False
    prompt: Prompt | None = None
    answer: Answer | None = None
    wish: Wish | None = None
    queue_id: str = ""
    segment_no: int = 0
    offer_no: int = 0
    agent_id: str = ""
    legs: Legs = Legs.NONE
    failure: str = ""
    close_reason: CloseReason = CloseReason.UNSPECIFIED
    closed_time: datetime | None = None
    messages: tuple[Message, ...] = ()
    gathered: tuple[tuple[str, Sealed], ...] = ()
    callback: CallbackState = CallbackState.UNSPECIFIED
    callback_not_before: datetime | None = None
    callback_reason: str = ""
    callback_refusal: str = ""
    transfer: Transfer | None = None
    transfer_refusal: str = ""
    consultation: Consultation | None = None
    consultation_refusal: str = ""
    consultation_end: str = ""
    monitoring: Monitoring | None = None
    monitoring_no: int = 0
    monitoring_end: str = ""
    take_over: TakeOver | None = None
    take_over_refusal: str = ""
    brought_by: str = ""
    others: tuple[Offer, ...] = ()
    newest_offer_no: int = 0
    is_cleared: bool = False
    dials_first: bool = False
    rests_until: datetime | None = None
    parking: Parking = Parking.UNSPECIFIED
    parking_duration: timedelta = timedelta(0)
    heard_time: datetime | None = None
    treatment: Treatment | None = None
    choices: int = 0
    wanted_queue_id: str = ""
    account_owner_id: str = ""
    last_agent_id: str = ""
    notes: tuple[Note, ...] = ()
    whispers: tuple[Whisper, ...] = ()
    address_withheld: bool = False

    @property
    def can_be_called_back(self) -> bool:
        """Whether there is a number to dial: a caller's who shows it, and who was not called back just now."""
        return self.channel is Channel.VOICE and not self.address_withheld and not self.is_called_back

    @property
    def moved_version(self) -> int:
        """Like `version`, but for what does not move it: announcements would hide that it stands still."""
        return self.version - self.announcing

    @property
    def wants_agent(self) -> bool:
        """Whether it wants a person and has none yet."""
        return self.wish is not None and self.state not in (ContactState.CONNECTED, ContactState.CLOSED)

    @property
    def is_on_its_way(self) -> bool:
        """Whether another service is asked for something that moves it."""
        return self.step is not None and self.step.kind is not StepKind.ASK_WAIT

    @property
    def is_by_messages(self) -> bool:
        """Whether its customer writes through an outside system."""
        return not self.peer_id

    @property
    def is_over(self) -> bool:
        """Whether it is closed; only clean-up and wrap-up follow."""
        return self.state is ContactState.CLOSED

    @property
    def in_self_service(self) -> bool:
        """Whether the flow may still say or ask something."""
        return self.state in (ContactState.OPENED, ContactState.SELF_SERVICE) and self.wish is None

    @property
    def place(self) -> tuple[int, int]:
        """The (segment, offer) of who has it, else the last one."""
        return (self.segment_no, self.offer_no)

    @property
    def newest_place(self) -> tuple[int, int]:
        """The newest (segment, offer), which never goes back."""
        return (self.segment_no, max(self.offer_no, self.newest_offer_no))

    @property
    def live_offers(self) -> tuple[Offer, ...]:
        """What rings, the oldest first, or is being joined."""
        is_live = self.state in (ContactState.OFFERED, ContactState.CONNECTING)
        return (*self.others, Offer(self.offer_no, self.agent_id)) if is_live else ()

    @property
    def takes_over(self) -> TakeOver | None:
        """What acd is asked about just now."""
        is_asked = self.step is not None and self.step.kind is StepKind.TAKE_OVER
        return self.take_over if is_asked else None

    @property
    def agent_ids(self) -> tuple[str, ...]:
        """At whom it rings, or who has it."""
        return (*(other.agent_id for other in self.others), self.agent_id) if self.agent_id else ()

    @property
    def keeps_place(self) -> bool:
        """Whether it goes on without the caller, who is called back, or is about to hear whether."""
        is_asked = self.step is not None and self.step.kind is StepKind.REQUEST_CALLBACK
        is_waiting = self.state in (ContactState.QUEUED, ContactState.OFFERED, ContactState.CONNECTING)
        is_joined = self.legs is Legs.JOINED  # the customer was reached: whoever hangs up now, leaves
        return is_waiting and not is_joined and (self.callback is CallbackState.OPEN or is_asked)

    @property
    def is_treated(self) -> bool:
        """Whether its treatment plays: it waits or rings, and whoever waits is no call-back, who may hang up."""
        is_waiting = self.state in (ContactState.QUEUED, ContactState.OFFERED)
        return self.treatment is not None and is_waiting and self.callback is not CallbackState.OPEN

    @property
    def is_called_back(self) -> bool:
        """Whether its customer was dialled first and is on the line: another call-back is not offered."""
        return self.callback is CallbackState.REACHED

    @property
    def is_about_to_dial(self) -> bool:
        """Whether the customer of a call-back is to be dialled next, or is being dialled."""
        is_awaited = self.state is ContactState.CONNECTING and self.legs is Legs.AWAITED
        return is_awaited and self.callback is CallbackState.OPEN

    @property
    def is_to_dial(self) -> bool:
        """Whether the gateway has to dial the customer of a call-back now."""
        return self.is_about_to_dial and self.is_cleared

    @property
    def may_still_be_reached(self) -> bool:
        """Whether the customer, dialled first, may pick up though acd has given the attempt up: nobody is kept."""
        is_dialled = self.dials_first and self.is_cleared and self.callback is CallbackState.OPEN
        return is_dialled and self.state is ContactState.QUEUED and self.step is None

    @property
    def has_room(self) -> bool:
        """Whether one more message may be kept."""
        return len(self.messages) < policy.MAX_MESSAGES

    @property
    def is_answered(self) -> bool:
        """Whether the agent who has it wrote last: then it is the customer who is silent.

        A supervisor's words do not count: who monitors a chat moves none of its agent's room.
        """
        others = (Author.SYSTEM, Author.SUPERVISOR)
        last = next((message for message in reversed(self.messages) if message.author not in others), None)
        return last is not None and last.author is Author.AGENT and last.agent_id == self.agent_id

    @property
    def gathered_bytes(self) -> int:
        """Length of the gathered texts together."""
        return sum(len(text.ciphertext) for _, text in self.gathered)

    @property
    def next_message_no(self) -> int:
        """The number of the next message: 1, 2, 3, …"""
        return len(self.messages) + 1

    @property
    def clean_up(self) -> StepKind | None:
        """What of a closed contact is still held elsewhere; None when nothing is."""
        if self.at_acd:
            return StepKind.END_AT_ACD
        return StepKind.END_SESSION if self.in_session else None


def with_message(
    contact: Contact,
    author: Author,
    body: Sealed | LocalizedText,
    now: datetime,
    agent_id: str = "",
    supervisor_id: str = "",
) -> Contact:
    """Return the row with one more message."""
    message = Message(contact.next_message_no, author, now, body, agent_id, supervisor_id)
    return replace(contact, messages=(*contact.messages, message))


def without_step(contact: Contact, *kinds: StepKind) -> Contact:
    """Return the row without its outstanding step where that is one of `kinds`: a fact answered it."""
    if contact.step is None or contact.step.kind not in kinds:
        return contact
    return replace(contact, step=None)
