"""What others want of routing. Field for field the messages of `acd_commands.proto`."""

from dataclasses import dataclass
from datetime import datetime

from trunkline_core.routing import AgentDefinition, QueueDefinition, SkillChoice, SkillRequirement

from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.words import CallbackOutcome, Intent, Preference


@dataclass(frozen=True, slots=True)
class PutQueue:
    """Take over a queue definition."""

    queue: QueueDefinition | None


@dataclass(frozen=True, slots=True)
class PutPolicy:
    """Take over a version of the tenant's routing policy: the queues that change."""

    version: int
    queues: tuple[QueueDefinition, ...]


@dataclass(frozen=True, slots=True)
class PutAgent:
    """Take over an agent definition."""

    agent: AgentDefinition | None


@dataclass(frozen=True, slots=True)
class PutWrapUpCode:
    """Take over a wrap-up code of the tenant."""

    wrap_up_code: str


@dataclass(frozen=True, slots=True)
class EnqueueContact:
    """A contact wants a person."""

    contact_id: str
    step_no: int
    queue_id: str
    channel: Channel
    value_permille: int
    urgency_permille: int
    requirements: tuple[SkillRequirement, ...]
    customer_id: str = ""
    choices: tuple[SkillChoice, ...] = ()
    preferred_agent_id: str = ""
    preference: Preference = Preference.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class EndContact:
    """The contact is over: `customer_left`, `agent_ended`, `peer_lost`, `reconciled` or `system`."""

    contact_id: str
    step_no: int
    reason: str


@dataclass(frozen=True, slots=True)
class TransferContact:
    """The agent gives the connected contact on to a queue, there to a preferred agent where one is named.

    With `insist` that very agent is meant: one who cannot take it soon is a refusal.
    """

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str
    queue_id: str
    preferred_agent_id: str = ""
    insist: bool = False


@dataclass(frozen=True, slots=True)
class ChangeQueue:
    """The customer who waits in that segment chose another queue."""

    contact_id: str
    step_no: int
    segment_no: int
    queue_id: str


@dataclass(frozen=True, slots=True)
class ParkContact:
    """The customer of a connected chat is silent: it stays with its agent and uses no units."""

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ResumeContact:
    """The customer of a parked chat wrote again."""

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ConsultAgent:
    """The agent asks a colleague about the connected call."""

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str
    colleague_id: str


@dataclass(frozen=True, slots=True)
class ReportConsultationConnected:
    """The colleague's leg is up."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class ReportConsultationFailed:
    """The colleague's leg could not be joined: `busy`, `unreachable`, `failed` or `timeout`."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int
    reason: str


@dataclass(frozen=True, slots=True)
class MergeConsultation:
    """Customer, agent and colleague talk together from now on."""

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class CompleteConsultation:
    """The agent leaves, the colleague has the contact."""

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class EndConsultation:
    """The agent who asked, or the colleague, ends the consultation."""

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class ReportConnected:
    """The legs are joined."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class ReportConnectFailed:
    """The legs could not be joined: `busy`, `unreachable`, `failed` or `timeout`."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int
    reason: str


@dataclass(frozen=True, slots=True)
class RequestCallback:
    """The caller who waits wants to be called back, not before a time where one is said."""

    contact_id: str
    step_no: int
    customer_id: str
    not_before_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReportCallbackResult:
    """The customer of a call-back was not reached, or must not be dialled (withdrawn, with a reason)."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int
    outcome: CallbackOutcome
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ClearCallback:
    """Hours and do-not-call let the customer be dialled now; `customer_id` is empty for an unknown one."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int
    customer_id: str


@dataclass(frozen=True, slots=True)
class PostponeCallback:
    """The customer of a call-back must not be dialled before that time."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int
    reason: str
    until_time: datetime | None


@dataclass(frozen=True, slots=True)
class ReportCallbackReached:
    """The customer who was dialled first is on the line."""

    contact_id: str
    step_no: int
    segment_no: int
    offer_no: int


@dataclass(frozen=True, slots=True)
class WithdrawCallback:
    """The call-back is not wanted any more."""

    contact_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PullContact:
    """A supervisor gives a contact that waits or rings to an agent."""

    contact_id: str
    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class TakeOverContact:
    """A supervisor takes a connected contact from its agent, and another agent has it at once."""

    contact_id: str
    step_no: int
    segment_no: int
    agent_id: str
    to_agent_id: str
    supervisor_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RequeueContact:
    """A supervisor takes a contact that waits or rings to a queue; empty for the one it is in."""

    contact_id: str
    queue_id: str
    reason: str
    agent_id: str = ""


@dataclass(frozen=True, slots=True)
class CloseWaitingContact:
    """A supervisor closes a contact that waits or rings; a call-back is withdrawn."""

    contact_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class AcceptOffer:
    """The agent takes the contact."""

    agent_id: str
    contact_id: str
    offer_no: int


@dataclass(frozen=True, slots=True)
class DeclineOffer:
    """The agent does not take the contact."""

    agent_id: str
    contact_id: str
    offer_no: int


@dataclass(frozen=True, slots=True)
class FinishWrapUp:
    """The wrap-up is done; the code is empty for none."""

    agent_id: str
    contact_id: str
    wrap_up_code: str


@dataclass(frozen=True, slots=True)
class ExtendWrapUp:
    """The wrap-up needs more time."""

    agent_id: str
    contact_id: str


@dataclass(frozen=True, slots=True)
class UnparkContact:
    """The agent takes a parked chat up again."""

    agent_id: str
    contact_id: str


@dataclass(frozen=True, slots=True)
class SetIntent:
    """The agent, or a supervisor, changes what the agent does: now, or when the work at hand is done."""

    agent_id: str
    intent: Intent
    break_reason: str
    when_free: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RearmAgent:
    """A not responding agent is back: one click."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class OpenAgentSession:
    """A desk of the agent connected; a newer one replaces an older one."""

    agent_id: str
    peer_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class CloseAgentSession:
    """The desk of the agent is gone; another desk than the current one changes nothing."""

    agent_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class LosePeer:
    """A console is gone with all its desks, or is there without those of `agent_ids`, where it names some."""

    peer_id: str
    agent_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportDevices:
    """What changed at the telephones that a gateway has: at most 100 agents in all, none twice."""

    peer_id: str
    registered_agent_ids: tuple[str, ...] = ()
    lost_agent_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoseGateway:
    """A gateway is gone with all telephones registered there, or has those of `agent_ids` no more, if it names some."""

    peer_id: str
    agent_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForgetDevice:
    """No gateway speaks for this agent's telephone any more."""

    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class CallInAgent:
    """A supervisor asks an agent who is signed out to come."""

    agent_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class EndCallIn:
    """The agent has read that a supervisor called, or a supervisor, with a reason, takes it back."""

    agent_id: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ExpireCallIn:
    """Timer: an agent who was called in did not come for too long."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class ExpireOffer:
    """Timer: an offer rang long enough."""

    contact_id: str
    offer_no: int


@dataclass(frozen=True, slots=True)
class ExpireConsultation:
    """Timer: a consultation rang, or its leg was being joined, for long enough."""

    contact_id: str
    offer_no: int


@dataclass(frozen=True, slots=True)
class ExpireConnecting:
    """Timer: joining took too long."""

    contact_id: str
    offer_no: int


@dataclass(frozen=True, slots=True)
class ExpireWrapUp:
    """Timer: a timed wrap-up is over."""

    agent_id: str
    contact_id: str


@dataclass(frozen=True, slots=True)
class ExpireGrace:
    """Timer: a lost desk did not come back."""

    agent_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class EndExclusion:
    """Timer: an exclusion after a miss is over."""

    contact_id: str
    agent_id: str


@dataclass(frozen=True, slots=True)
class DropTombstone:
    """Timer: the oldest tombstone of the routing domain is old enough."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class RelaxContact:
    """Timer: the contact has waited until its next ring; `ring` is the one before."""

    contact_id: str
    ring: int


@dataclass(frozen=True, slots=True)
class ReachLongestWait:
    """Timer: the contact has waited for as long as its queue lets it."""

    contact_id: str
    segment_no: int


@dataclass(frozen=True, slots=True)
class ClearUnstaffedQueue:
    """Timer: nobody has been signed in for the queue for too long."""

    queue_id: str


@dataclass(frozen=True, slots=True)
class RefreshSkills:
    """Timer: a skill of the agent begins or ceases to hold."""

    agent_id: str


@dataclass(frozen=True, slots=True)
class CheckOverflow:
    """Timer: a contact of the queue may have waited so long that some flow out."""

    queue_id: str


@dataclass(frozen=True, slots=True)
class EndAffinity:
    """Timer: the contact was held for one agent for long enough, or its customer waited so for room there."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class BeginCallback:
    """Timer: the time of a call-back has come."""

    contact_id: str


@dataclass(frozen=True, slots=True)
class HandOutChats:
    """Timer: what more agents may take than before is handed out, some at a time; first it was chats after a drain."""

    routing_domain_id: str


TimerCommand = (
    ExpireOffer
    | ExpireConnecting
    | ExpireConsultation
    | ExpireWrapUp
    | ExpireGrace
    | EndExclusion
    | DropTombstone
    | RelaxContact
    | ReachLongestWait
    | ClearUnstaffedQueue
    | RefreshSkills
    | CheckOverflow
    | EndAffinity
    | HandOutChats
    | BeginCallback
    | ExpireCallIn
)

AgentCommand = (
    AcceptOffer
    | DeclineOffer
    | FinishWrapUp
    | ExtendWrapUp
    | UnparkContact
    | SetIntent
    | RearmAgent
    | OpenAgentSession
    | CloseAgentSession
    | EndCallIn
)

ConsultationCommand = (
    ConsultAgent
    | ReportConsultationConnected
    | ReportConsultationFailed
    | MergeConsultation
    | CompleteConsultation
    | EndConsultation
)

DeviceCommand = ReportDevices | LoseGateway | ForgetDevice

CallbackCommand = (
    RequestCallback | ClearCallback | PostponeCallback | ReportCallbackReached | ReportCallbackResult | WithdrawCallback
)

SupervisorCommand = PullContact | RequeueContact | CloseWaitingContact | CallInAgent

Command = (
    PutQueue
    | PutPolicy
    | PutAgent
    | PutWrapUpCode
    | EnqueueContact
    | EndContact
    | TransferContact
    | ChangeQueue
    | ParkContact
    | ResumeContact
    | ConsultationCommand
    | TakeOverContact
    | ReportConnected
    | ReportConnectFailed
    | CallbackCommand
    | LosePeer
    | DeviceCommand
    | SupervisorCommand
    | AgentCommand
    | TimerCommand
)
