"""The whole current state of one agent, as its desk sees it.

Owns: `AgentView` and `WorkItem`, field for field the messages of `acd_types.proto`. Must not: change state.
"""

from dataclasses import dataclass
from datetime import datetime

from trunkline_acd.domain import timing
from trunkline_acd.domain.agents import Agent, Work
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.state import AcdState
from trunkline_acd.domain.words import CallIn, Connectivity, DeviceState, Explanation, Intent, Preference, WorkState
from trunkline_acd.domain.wrap_ups import extensions_left


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One piece of an agent's work."""

    contact_id: str
    queue_id: str
    segment_no: int
    offer_no: int
    channel: Channel
    state: WorkState
    since_time: datetime
    expires_time: datetime | None
    entered_time: datetime
    extensions_left: int
    callback: bool
    asked_by: str
    parked_time: datetime | None
    customer_waits_time: datetime | None
    preference: Preference
    callback_reached: bool


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent at log time `now_time`; `version` grows with every change; the explanation is the newest offer's.

    Attributes:
        outpaced_contact_id, outpaced_offer_no: the newest offer that another agent accepted first; unset before.
        taken_contact_id, taken_by_agent_id: what a supervisor took from the agent last, and who got it; unset before.
        called_in: that a supervisor asked the agent to come; None for one who is not called in.
        session_id: the desk that the agent has or had last.
    """

    agent_id: str
    version: int
    intent: Intent
    break_reason: str
    connectivity: Connectivity
    not_responding: bool
    work: tuple[WorkItem, ...]
    since_time: datetime
    now_time: datetime
    explanation: Explanation | None
    next_intent: Intent
    outpaced_contact_id: str
    outpaced_offer_no: int
    device: DeviceState
    taken_contact_id: str
    taken_by_agent_id: str
    called_in: CallIn | None
    session_id: str


def agent_view(state: AcdState, tenant: str, agent_id: str, now: datetime) -> AgentView | None:
    """Return the view of an agent, or None where the tenant has no such agent."""
    agent = state.domain(tenant).agents.get(agent_id)
    if agent is None:
        return None
    return AgentView(
        agent_id=agent.agent_id,
        version=agent.version,
        intent=agent.intent,
        break_reason=agent.break_reason,
        connectivity=agent.connectivity,
        not_responding=agent.not_responding,
        work=tuple(_work_item(state, tenant, agent, work) for work in agent.work),
        since_time=agent.since_time,
        now_time=now,
        explanation=_newest_explanation(agent),
        next_intent=agent.next_intent,
        outpaced_contact_id=agent.outpaced.contact_id if agent.outpaced else "",
        outpaced_offer_no=agent.outpaced.offer_no if agent.outpaced else 0,
        device=agent.device,
        taken_contact_id=agent.taken.contact_id if agent.taken else "",
        taken_by_agent_id=agent.taken.by_agent_id if agent.taken else "",
        called_in=agent.called_in,
        session_id=agent.session_id,
    )


def _work_item(state: AcdState, tenant: str, agent: Agent, work: Work) -> WorkItem:
    contact = state.domain(tenant).contacts.get(work.contact_id)
    return WorkItem(
        contact_id=work.contact_id,
        queue_id=work.queue_id,
        segment_no=work.segment_no,
        offer_no=work.offer_no,
        channel=work.channel,
        state=work.state,
        since_time=work.since_time,
        expires_time=_expires(state, tenant, agent, work),
        entered_time=work.entered_time,
        extensions_left=extensions_left(state.domain(tenant), work),
        callback=work.callback,
        asked_by=work.asked_by,
        parked_time=work.parked_since,
        customer_waits_time=work.waits_since,
        preference=contact.preference_for(agent.agent_id) if contact else Preference.UNSPECIFIED,
        callback_reached=work.callback_reached,
    )


def _expires(state: AcdState, tenant: str, agent: Agent, work: Work) -> datetime | None:
    """Return when it runs out: the timer knows, because a new owner extends leases (ledger rule 15)."""
    timer = state.timers.get(_timer_key(state, tenant, agent, work))
    return timer.due if timer else work.expires_time


def _timer_key(state: AcdState, tenant: str, agent: Agent, work: Work) -> str:
    match work.state:
        case WorkState.OFFERED | WorkState.CONNECTING if work.asked_by:
            return timing.consultation_key(tenant, work.contact_id)
        case WorkState.OFFERED:
            return timing.lease_key(tenant, state.domain(tenant).contact(work.contact_id), work.offer_no)
        case WorkState.CONNECTING:
            return timing.connecting_key(tenant, work.contact_id)
        case WorkState.WRAP_UP:
            return timing.wrap_up_key(tenant, agent.agent_id, work.contact_id)
        case _:
            return ""


def _newest_explanation(agent: Agent) -> Explanation | None:
    ringing = [work for work in agent.work if work.state is WorkState.OFFERED and not work.asked_by]
    return max(ringing, key=lambda work: work.since_time).explanation if ringing else None
