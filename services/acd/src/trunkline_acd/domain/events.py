"""What happened in routing. Field for field the messages of `acd_events.proto`."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline_core.routing import AgentDefinition, QueueDefinition, SkillChoice, SkillRequirement

from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.words import (
    AgentRow,
    CallbackOutcome,
    CallInEndReason,
    ConsultationEndReason,
    Explanation,
    Intent,
    LimitKind,
    OfferEndReason,
    Preference,
    QueueRow,
    Ring,
    SegmentOutcome,
    WaitEstimate,
)


@dataclass(frozen=True, slots=True)
class QueueConfigured:
    """A queue is configured. `policy_version`: of the tenant; 0 for a queue that was defined alone."""

    queue: QueueDefinition
    policy_version: int = 0


@dataclass(frozen=True, slots=True)
class AgentConfigured:
    """An agent is configured."""

    agent: AgentDefinition


@dataclass(frozen=True, slots=True)
class WrapUpCodeConfigured:
    """The tenant has a wrap-up code."""

    wrap_up_code: str


@dataclass(frozen=True, slots=True)
class ContactEnqueued:
    """A queue segment opened.

    Attributes:
        requirements: the queue's and the contact's own, one per skill, sorted.
        aged_since_time: since when it ages, where that is not now: it moved on from another queue.
        held_until_time: until when only the preferred agent may have it; None when it is not held.
        callback: whether it is a call-back: a segment of its own kind.
        callback_begins_time: when such a one begins to wait, None for at once.
        estimate: what it met; None where somebody was free or the queue does not estimate.
        transferred_by_agent_id: who had it and gave it on; empty where nobody did.
        excluded_until_time: until when that agent is not offered it again; None while a wrap-up of it says so.
        home_queue_id: the queue that it flowed out of and to which it returns; empty where it does not.
        parking_duration: how long the customer of a chat must be silent for it to be parked; 0: it is not.
        preference: why the preferred agent was named; unspecified where its caller did not say.
        unstaffed_queue_id: where it was sent to, but nobody may wait any more; empty where that is this queue.
    """

    contact_id: str
    step_no: int
    queue_id: str
    segment_no: int
    channel: Channel
    value_permille: int
    urgency_permille: int
    requirements: tuple[SkillRequirement, ...]
    rings: tuple[Ring, ...] = ()
    aged_since_time: datetime | None = None
    own_requirements: tuple[SkillRequirement, ...] = ()
    customer_id: str = ""
    choices: tuple[SkillChoice, ...] = ()
    own_choices: tuple[SkillChoice, ...] = ()
    preferred_agent_id: str = ""
    held_until_time: datetime | None = None
    callback: bool = False
    callback_begins_time: datetime | None = None
    estimate: WaitEstimate | None = None
    transferred_by_agent_id: str = ""
    excluded_until_time: datetime | None = None
    home_queue_id: str = ""
    parking_duration: timedelta = timedelta(0)
    preference: Preference = Preference.UNSPECIFIED
    unstaffed_queue_id: str = ""


@dataclass(frozen=True, slots=True)
class AffinityEnded:
    """A contact is not held for that agent any more."""

    contact_id: str
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ContactRelaxed:
    """A contact asks for less from now on: it is in that ring of those that it entered with."""

    contact_id: str
    segment_no: int
    ring: int


@dataclass(frozen=True, slots=True)
class ContactKeptBack:
    """A free agent was kept back from the contact for VIP contacts, for the first time in its segment."""

    contact_id: str
    segment_no: int


@dataclass(frozen=True, slots=True)
class ContactOffered:
    """A contact rings at an agent. `ring_all`: and may ring at others at the same time."""

    contact_id: str
    queue_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    channel: Channel
    expires_time: datetime
    explanation: Explanation
    callback: bool = False
    ring_all: bool = False
    callback_reached: bool = False


@dataclass(frozen=True, slots=True)
class OfferAccepted:
    """An offer was taken; the legs are to be joined until `expires_time`."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    expires_time: datetime
    hours_id: str = ""


@dataclass(frozen=True, slots=True)
class OfferEnded:
    """An offer ended without being taken; the contact keeps place and age unless it left.

    Attributes:
        accepted_by_agent_id: who accepted first, of several at whom it rang; empty for any other end.
    """

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    reason: OfferEndReason
    counts_as_miss: bool
    excluded_until_time: datetime | None
    accepted_by_agent_id: str = ""


@dataclass(frozen=True, slots=True)
class ContactConnected:
    """Agent and customer are joined: the queue segment ends as answered."""

    contact_id: str
    step_no: int
    queue_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    wait_duration: timedelta


@dataclass(frozen=True, slots=True)
class ConnectFailed:
    """The legs could not be joined; the contact is back at its place. `step_no` is 0 for the timer."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int
    agent_id: str
    reason: str
    counts_as_miss: bool
    excluded_until_time: datetime | None


@dataclass(frozen=True, slots=True)
class SegmentEnded:
    """A queue segment ended without a connection."""

    contact_id: str
    queue_id: str
    segment_no: int
    outcome: SegmentOutcome
    wait_duration: timedelta
    limit: LimitKind = LimitKind.UNSPECIFIED
    next_queue_id: str = ""


@dataclass(frozen=True, slots=True)
class CallbackBegun:
    """The time of a call-back has come: it waits at its place."""

    contact_id: str
    segment_no: int


@dataclass(frozen=True, slots=True)
class CallbackDialled:
    """The customer of a call-back is to be dialled first; that agent is kept for it, in place of an offer."""

    contact_id: str
    queue_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    channel: Channel
    expires_time: datetime
    explanation: Explanation
    hours_id: str = ""


@dataclass(frozen=True, slots=True)
class CallbackCleared:
    """Nothing keeps the customer of a call-back from being dialled now; whoever dials has until `expires_time`."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int
    agent_id: str
    customer_id: str
    expires_time: datetime


@dataclass(frozen=True, slots=True)
class CallbackReached:
    """The customer who was dialled first is on the line. `agent_id`: who was kept, empty where nobody is any more."""

    contact_id: str
    step_no: int
    queue_id: str
    segment_no: int
    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class CallbackPostponed:
    """The customer was not dialled, or the kept agent is gone: no attempt. No next time: it has lived for too long."""

    contact_id: str
    step_no: int
    queue_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    reason: str
    next_attempt_time: datetime | None


@dataclass(frozen=True, slots=True)
class CallbackAttempted:
    """The customer of a call-back was dialled and not reached. `step_no` is 0 for the timer; no next time: the last."""

    contact_id: str
    step_no: int
    queue_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    attempt: int
    outcome: CallbackOutcome
    next_attempt_time: datetime | None


@dataclass(frozen=True, slots=True)
class CallbackEnded:
    """A call-back ended before customer and agent were joined; the wait is that of the call-back.

    A customer on the line who reached a limit of the queue goes on in `next_queue_id` as a caller, where it is set.
    """

    contact_id: str
    queue_id: str
    segment_no: int
    outcome: CallbackOutcome
    reason: str
    wait_duration: timedelta
    attempts: int
    limit: LimitKind = LimitKind.UNSPECIFIED
    next_queue_id: str = ""


@dataclass(frozen=True, slots=True)
class LimitPassed:
    """A contact reached its longest wait while it rings, and may finish."""

    contact_id: str
    segment_no: int


@dataclass(frozen=True, slots=True)
class QueueUnstaffed:
    """Nobody is signed in any more who could serve the queue; at `clears_time` those who wait leave."""

    queue_id: str
    clears_time: datetime


@dataclass(frozen=True, slots=True)
class QueueStaffed:
    """Somebody is signed in again, or the queue needs nobody any more."""

    queue_id: str


@dataclass(frozen=True, slots=True)
class UnstaffedQueueCleared:
    """Some contacts left the queue because nobody is signed in."""

    queue_id: str


@dataclass(frozen=True, slots=True)
class ContactReleased:
    """An agent segment ended; wrap-up begins, if there is one. `desk_lost`: channels still has to end the contact.

    `parked_duration`: for how long of it the chat was parked. `segment_no`: 0 in events of before that was known.
    """

    contact_id: str
    agent_id: str
    queue_id: str
    wrap_up: bool
    wrap_up_expires_time: datetime | None
    desk_lost: bool = False
    parked_duration: timedelta = timedelta(0)
    segment_no: int = 0


@dataclass(frozen=True, slots=True)
class ContactParked:
    """A connected chat is parked: it stays with its agent and uses no units."""

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ContactResumed:
    """A parked chat uses its units again. `step_no` is 0 for the agent, and for a customer who waited for room."""

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class CustomerReturned:
    """The customer of a parked chat wrote again and its agent has no room: it takes the agent's next one until then."""

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str
    held_until_time: datetime


@dataclass(frozen=True, slots=True)
class ConsultationOffered:
    """A connected call rings at a colleague too, whom its agent asks about it."""

    contact_id: str
    step_no: int
    queue_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    asked_by_agent_id: str
    channel: Channel
    expires_time: datetime


@dataclass(frozen=True, slots=True)
class ConsultationAccepted:
    """The colleague took it; the leg is to be joined until `expires_time`."""

    contact_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    asked_by_agent_id: str
    expires_time: datetime


@dataclass(frozen=True, slots=True)
class ConsultationConnected:
    """The two agents talk."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int
    agent_id: str
    asked_by_agent_id: str


@dataclass(frozen=True, slots=True)
class ConsultationMerged:
    """Customer and both agents talk together."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int
    agent_id: str
    asked_by_agent_id: str


@dataclass(frozen=True, slots=True)
class ConsultationCompleted:
    """Who asked has left, by the ContactReleased before it, and the colleague has the contact.

    `step_no` is 0 where a desk was lost.
    """

    contact_id: str
    step_no: int
    queue_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    asked_by_agent_id: str


@dataclass(frozen=True, slots=True)
class ContactTakenOver:
    """A supervisor took the contact from its agent, who was released just before, and another agent has it."""

    contact_id: str
    step_no: int
    queue_id: str
    segment_no: int
    offer_no: int
    agent_id: str
    left_agent_id: str
    supervisor_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ConsultationEnded:
    """A consultation is over without the colleague having the contact. `step_no` is 0 where no step ended it."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int
    agent_id: str
    asked_by_agent_id: str
    reason: ConsultationEndReason


@dataclass(frozen=True, slots=True)
class WrapUpFinished:
    """A wrap-up ended."""

    contact_id: str
    agent_id: str
    wrap_up_code: str
    by_timer: bool


@dataclass(frozen=True, slots=True)
class ContactForgotten:
    """acd has nothing to do with the contact any more; a lower step is refused from now on."""

    contact_id: str
    step_no: int
    reason: str


@dataclass(frozen=True, slots=True)
class TombstoneDropped:
    """A tombstone was dropped: the oldest of the routing domain."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class IntentChanged:
    """What an agent wants changed."""

    agent_id: str
    intent: Intent
    break_reason: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ContactPulled:
    """A supervisor gave the contact to an agent; the offer follows. Changes no state."""

    contact_id: str
    segment_no: int
    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class ContactRequeued:
    """A supervisor took the contact to a queue; what that led to follows. Changes no state."""

    contact_id: str
    segment_no: int
    queue_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class WaitingContactClosed:
    """A supervisor closed a contact that waited or rang; the end of its segment follows. Changes no state."""

    contact_id: str
    segment_no: int
    reason: str


@dataclass(frozen=True, slots=True)
class OverflowChecked:
    """It was looked whether contacts must flow out or get help; `next_check_time` is None while there is no need to."""

    queue_id: str
    overflowing: bool
    next_check_time: datetime | None


@dataclass(frozen=True, slots=True)
class SharingBegun:
    """Agents who could serve the queue's contacts in the next queue help out (rule 12)."""

    queue_id: str
    next_queue_id: str


@dataclass(frozen=True, slots=True)
class SharingEnded:
    """They help out no more; who has a contact keeps it."""

    queue_id: str


@dataclass(frozen=True, slots=True)
class HandoutScheduled:
    """From `next_time` on what more agents may take than before is handed out; None once none is left."""

    routing_domain_id: str
    next_time: datetime | None


@dataclass(frozen=True, slots=True)
class SkillsRefreshed:
    """A skill of the agent began or ceased to hold, as its definition says."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class NextIntentSet:
    """What the agent will want once the work at hand is done; UNSPECIFIED: nothing is pending any more."""

    agent_id: str
    intent: Intent
    break_reason: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    """A timed wrap-up ends later."""

    contact_id: str
    agent_id: str
    expires_time: datetime


@dataclass(frozen=True, slots=True)
class AgentSessionOpened:
    """A desk connected."""

    agent_id: str
    peer_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class AgentSessionLost:
    """A desk is gone; the agent is in grace."""

    agent_id: str
    session_id: str
    grace_expires_time: datetime


@dataclass(frozen=True, slots=True)
class AgentDisconnected:
    """The grace ended without a desk."""

    agent_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class AgentNotResponding:
    """The agent missed too many offers in a row and gets none until re-armed.

    `unreachable`: not for misses, but because the telephone could not be reached; its registration ends it, too.
    """

    agent_id: str
    misses: int
    unreachable: bool = False


@dataclass(frozen=True, slots=True)
class AgentRearmed:
    """The agent is back."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class DeviceRegistered:
    """The agent's telephone is registered at a gateway."""

    agent_id: str
    peer_id: str


@dataclass(frozen=True, slots=True)
class DeviceLost:
    """The agent's telephone is not registered at that gateway any more; registered at none, it gets no calls."""

    agent_id: str
    peer_id: str


@dataclass(frozen=True, slots=True)
class DeviceForgotten:
    """No gateway speaks for the agent's telephone any more: calls are offered as if none ever had."""

    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AgentCalledIn:
    """A supervisor asks an agent who is signed out to come. `called_by`: role and id, e.g. `supervisor:us_1`."""

    agent_id: str
    reason: str
    called_by: str
    until_time: datetime


@dataclass(frozen=True, slots=True)
class CallInEnded:
    """An agent is not called in any more. `reason`: why a supervisor took it back; empty for any other end."""

    agent_id: str
    end_reason: CallInEndReason
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExclusionEnded:
    """An exclusion after a miss ended."""

    contact_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class RowsChanged:
    """The rows that a command changed, as they are after it. Changes no state."""

    agents: tuple[AgentRow, ...]
    queues: tuple[QueueRow, ...]
    routing_domain_id: str


Event = (
    QueueConfigured
    | AgentConfigured
    | WrapUpCodeConfigured
    | ContactEnqueued
    | ContactRelaxed
    | LimitPassed
    | QueueUnstaffed
    | QueueStaffed
    | UnstaffedQueueCleared
    | OverflowChecked
    | SharingBegun
    | SharingEnded
    | AffinityEnded
    | ContactKeptBack
    | HandoutScheduled
    | ContactPulled
    | ContactRequeued
    | WaitingContactClosed
    | ContactOffered
    | OfferAccepted
    | OfferEnded
    | ContactConnected
    | ConnectFailed
    | SegmentEnded
    | CallbackBegun
    | CallbackDialled
    | CallbackCleared
    | CallbackReached
    | CallbackPostponed
    | CallbackAttempted
    | CallbackEnded
    | ContactReleased
    | ContactParked
    | ContactResumed
    | CustomerReturned
    | ConsultationOffered
    | ConsultationAccepted
    | ConsultationConnected
    | ConsultationMerged
    | ConsultationCompleted
    | ConsultationEnded
    | ContactTakenOver
    | WrapUpFinished
    | WrapUpExtended
    | ContactForgotten
    | TombstoneDropped
    | IntentChanged
    | NextIntentSet
    | SkillsRefreshed
    | AgentSessionOpened
    | AgentSessionLost
    | AgentDisconnected
    | AgentNotResponding
    | AgentRearmed
    | DeviceRegistered
    | DeviceLost
    | DeviceForgotten
    | AgentCalledIn
    | CallInEnded
    | ExclusionEnded
    | RowsChanged
)
