"""Words that commands, events and rows share. Field for field the types of `contact_types.proto`."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from trunkline_core.treatments import QueueTreatment


class Channel(Enum):
    """Kind of channel a contact came through."""

    UNSPECIFIED = 0
    VOICE = 1
    CHAT = 2


class ContactState(Enum):
    """Where a contact stands."""

    UNSPECIFIED = 0
    OPENED = 1
    SELF_SERVICE = 2
    QUEUED = 3
    OFFERED = 4
    CONNECTING = 5
    CONNECTED = 6
    CLOSED = 7


class CloseReason(Enum):
    """Why a contact is over."""

    UNSPECIFIED = 0
    CUSTOMER_LEFT = 1
    AGENT_ENDED = 2
    SELF_SERVICE_COMPLETED = 3
    PEER_LOST = 4
    REFUSED = 5
    INACTIVE = 6
    AGENT_LOST = 7
    RECONCILED = 8
    LIMIT_REACHED = 9
    CALLBACK_ENDED = 20
    SUPERVISOR = 170


class CallbackState(Enum):
    """Whether the customer is called back; unspecified: no."""

    UNSPECIFIED = 0
    REQUESTED = 1
    OPEN = 2
    REACHED = 110


class DialAnswer(Enum):
    """What crm says of a customer who is to be dialled; unspecified: nothing in time."""

    UNSPECIFIED = 0
    MAY_BE_CALLED = 1
    DO_NOT_CALL = 2


class Parking(Enum):
    """Whether a connected chat is parked (routing rule 2); unspecified: it is not."""

    UNSPECIFIED = 0
    PARKED = 1
    CUSTOMER_WAITS = 2


class ConsultationState(Enum):
    """How far a consultation is; unspecified: there is none."""

    UNSPECIFIED = 0
    REQUESTED = 1
    OFFERED = 2
    CONNECTING = 3
    TALKING = 4
    CONFERENCE = 5


class Party(Enum):
    """Whom the agent talks to in a consultation; the other one is on hold."""

    UNSPECIFIED = 0
    CUSTOMER = 1
    COLLEAGUE = 2


class MonitoringMode(Enum):
    """Whom a supervisor hears who monitors a contact, and who hears the supervisor; in a chat hearing is reading."""

    UNSPECIFIED = 0
    LISTEN = 1
    WHISPER = 2
    BARGE = 3


class Author(Enum):
    """Who wrote a message."""

    UNSPECIFIED = 0
    CUSTOMER = 1
    AGENT = 2
    SYSTEM = 3
    SUPERVISOR = 150


class StepKind(StrEnum):
    """What the saga may ask of another service."""

    RESOLVE_CUSTOMER = "resolve_customer"
    START_SESSION = "start_session"
    ADVANCE_SESSION = "advance_session"
    ENQUEUE = "enqueue"
    REPORT_CONNECTED = "report_connected"
    REPORT_CONNECT_FAILED = "report_connect_failed"
    TRANSFER = "transfer"
    PARK = "park"
    RESUME = "resume"
    CONSULT = "consult"
    REPORT_CONSULTATION_CONNECTED = "report_consultation_connected"
    REPORT_CONSULTATION_FAILED = "report_consultation_failed"
    MERGE_CONSULTATION = "merge_consultation"
    COMPLETE_CONSULTATION = "complete_consultation"
    CANCEL_CONSULTATION = "cancel_consultation"
    LEAVE_CONSULTATION = "leave_consultation"
    TAKE_OVER = "take_over"
    REQUEST_CALLBACK = "request_callback"
    CHANGE_QUEUE = "change_queue"
    ASK_WAIT = "ask_wait"
    REPORT_CALLBACK_RESULT = "report_callback_result"
    CHECK_CUSTOMER = "check_customer"
    CLEAR_CALLBACK = "clear_callback"
    POSTPONE_CALLBACK = "postpone_callback"
    REPORT_CALLBACK_REACHED = "report_callback_reached"
    END_AT_ACD = "end_at_acd"
    END_SESSION = "end_session"


@dataclass(frozen=True, slots=True)
class TreatmentOfQueue:
    """What plays in a queue; None: nothing."""

    queue_id: str
    treatment: QueueTreatment | None


@dataclass(frozen=True, slots=True)
class EntryPointDefinition:
    """Where customers come in: one widget, one telephone number."""

    entry_point_id: str
    name: str
    channel: Channel
    flow_id: str
