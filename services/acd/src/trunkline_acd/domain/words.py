"""Words of routing that commands, events and rows share: field for field those of `acd_types.proto`, and `Trigger`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum

from trunkline_core.routing import SkillChoice, SkillRequirement


class Intent(Enum):
    """What an agent wants; only the agent or a supervisor changes it."""

    UNSPECIFIED = 0
    AVAILABLE = 1
    BREAK = 2
    OFFLINE = 3


class Connectivity(Enum):
    """Whether an agent's desk is connected."""

    UNSPECIFIED = 0
    CONNECTED = 1
    GRACE = 2
    DISCONNECTED = 3


class DeviceState(Enum):
    """Whether an agent's telephone can be reached, as gateways say (rule 1). UNSPECIFIED: none ever said anything."""

    UNSPECIFIED = 0
    REGISTERED = 1
    LOST = 2


class CallInEndReason(Enum):
    """How it ended that an agent was called in (rule 20)."""

    UNSPECIFIED = 0
    CAME_IN = 1
    DISMISSED = 2
    EXPIRED = 3
    TAKEN_BACK = 4


class WorkState(Enum):
    """Where one piece of an agent's work stands."""

    UNSPECIFIED = 0
    OFFERED = 1
    CONNECTING = 2
    CONNECTED = 3
    WRAP_UP = 4


class OfferEndReason(Enum):
    """How a live offer ended without a connection."""

    UNSPECIFIED = 0
    DECLINED = 1
    EXPIRED = 2
    RESCINDED = 3
    AGENT_LOST = 4
    SUPERSEDED = 5
    DEVICE_LOST = 130


class ConsultationEndReason(Enum):
    """How a consultation ended without the colleague having the contact (rule 19)."""

    UNSPECIFIED = 0
    DECLINED = 1
    EXPIRED = 2
    CONNECT_FAILED = 3
    CANCELLED = 4
    COLLEAGUE_LEFT = 5
    COLLEAGUE_LOST = 6
    SUPERSEDED = 7
    CONTACT_ENDED = 8
    ASKER_LOST = 9


class SegmentOutcome(Enum):
    """How a queue segment ended."""

    UNSPECIFIED = 0
    ANSWERED = 1
    ABANDONED = 2
    SHORT_ABANDONED = 3
    CLOSED_BY_SYSTEM = 4
    LIMIT_REACHED = 5
    FLOWED_OUT = 6
    CONVERTED_TO_CALLBACK = 7


class CallbackOutcome(Enum):
    """How an attempt of a call-back ended, and how the whole call-back did (rule 13)."""

    UNSPECIFIED = 0
    REACHED = 1
    NO_ANSWER = 2
    BUSY = 3
    FAILED = 4
    WITHDRAWN = 5
    ABANDONED = 110
    LIMIT_REACHED = 180


class LimitKind(Enum):
    """A limit because of which contacts leave a queue (rule 16)."""

    UNSPECIFIED = 0
    LONGEST_WAIT = 1
    UNSTAFFED = 2


@dataclass(frozen=True, slots=True)
class Ring:
    """What a contact asks for once it has waited that long; one requirement per skill, sorted."""

    after_duration: timedelta
    requirements: tuple[SkillRequirement, ...]
    choices: tuple[SkillChoice, ...] = ()


@dataclass(frozen=True, slots=True)
class WaitEstimate:
    """What a waiting contact has before it, and how long that takes: half and 80 % of such contacts wait no longer.

    Attributes:
        agents: who are signed in and eligible for it, busy or not.
        p50_duration, p80_duration: from that moment on; None while nothing is known.
    """

    contacts_ahead: int
    agents: int
    p50_duration: timedelta | None = None
    p80_duration: timedelta | None = None


class Preference(Enum):
    """Why an agent is named for a contact (rules 10 and 19)."""

    UNSPECIFIED = 0
    LAST_AGENT = 1
    ACCOUNT_OWNER = 2
    NAMED = 3


class Trigger(StrEnum):
    """What led to an offer (rule 21); a text in `Explanation`."""

    AFFINITY_ENDED = "AffinityEnded"
    AGENT_AVAILABLE = "AgentAvailable"
    AGENT_BECAME_FREE = "AgentBecameFree"
    AGENT_CONFIGURED = "AgentConfigured"
    AGENT_CONNECTED = "AgentConnected"
    AGENT_REARMED = "AgentRearmed"
    CALLBACK_BEGAN = "CallbackBegan"
    CALLBACK_REACHED = "CallbackReached"
    CALLBACK_REQUESTED = "CallbackRequested"
    CHAT_PARKED = "ChatParked"
    CONNECT_FAILED = "ConnectFailed"
    CONTACT_ARRIVED = "ContactArrived"
    CONTACT_MOVED = "ContactMoved"
    CONTACT_PULLED = "ContactPulled"
    CONTACT_TRANSFERRED = "ContactTransferred"
    CUSTOMER_RETURNED = "CustomerReturned"
    DEVICE_FORGOTTEN = "DeviceForgotten"
    DEVICE_LOST = "DeviceLost"
    DEVICE_REGISTERED = "DeviceRegistered"
    DRAIN_ENDED = "DrainEnded"
    EXCLUSION_ENDED = "ExclusionEnded"
    OFFER_ENDED = "OfferEnded"
    RING_LEFT = "RingLeft"
    RING_WIDENED = "RingWidened"
    SHARING_BEGUN = "SharingBegun"
    WRAP_UP_FINISHED = "WrapUpFinished"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One agent that was considered; `not_chosen_because` is empty for the chosen one."""

    agent_id: str
    not_chosen_because: str
    idle_ms: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why this contact went to this agent; score terms in thousandths, ring 0 for who meets all it came with.

    Attributes:
        helping_queue_id: the queue whose agents help out, where the chosen one could take it only for that.
        asked_count: at how many agents it rings at once, this one included; 0 where one alone is asked.
        preference: why the chosen one was named for it; unspecified for one who was not.
    """

    policy_version: int
    trigger: str
    value_score_permille: int
    urgency_score_permille: int
    wait_score_permille: int
    waiting_count: int
    candidates: tuple[Candidate, ...]
    ring: int = 0
    helping_queue_id: str = ""
    asked_count: int = 0
    preference: Preference = Preference.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class CallIn:
    """A supervisor asked an agent who was signed out to come; `called_by` is role and id, e.g. `supervisor:us_1`."""

    called_time: datetime
    until_time: datetime
    reason: str
    called_by: str


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent as figures: absolute values after a change. What is parked stands in `parked` alone."""

    agent_id: str
    intent: Intent
    break_reason: str
    connectivity: Connectivity
    not_responding: bool
    offered: int
    connecting: int
    connected: int
    wrap_up: int
    since_time: datetime
    parked: int = 0
    device: DeviceState = DeviceState.UNSPECIFIED
    called_in: CallIn | None = None


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One queue as figures: absolute values after a change; `ringing` includes contacts that are being joined.

    Call-backs stand in their own figures, and in `connected`.
    """

    queue_id: str
    waiting: int
    ringing: int
    connected: int
    oldest_entered_time: datetime | None
    entered_total: int
    answered_total: int
    abandoned_total: int
    short_abandoned_total: int
    closed_total: int
    answered_wait_duration: timedelta
    limit_reached_total: int = 0
    flowed_out_total: int = 0
    kept_back_total: int = 0
    kept_back_duration: timedelta = timedelta(0)
    converted_total: int = 0
    callbacks_open: int = 0
    callbacks_opened_total: int = 0
    callbacks_reached_total: int = 0
    callbacks_unreached_total: int = 0
    helping_queue_id: str = ""
