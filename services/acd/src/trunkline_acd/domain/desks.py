"""Desks and what agents want: connectivity and intent are different things (rule 1).

Owns: sessions, the grace after a lost desk, intent, re-arming. Losing a desk never changes what the agent wants.
"""

from collections.abc import Iterator
from itertools import islice

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.replacing import replace
from trunkline_core.timers import Timer

from trunkline_acd.domain import callbacks, commands, consultations, joining, offers, policy, timing
from trunkline_acd.domain.agents import Agent, Work
from trunkline_acd.domain.contacts import Offer
from trunkline_acd.domain.definitions import check_break_reason, check_id, check_token
from trunkline_acd.domain.events import (
    AgentDisconnected,
    AgentNotResponding,
    AgentRearmed,
    AgentSessionLost,
    AgentSessionOpened,
    ConsultationEnded,
    Event,
    IntentChanged,
    NextIntentSet,
    OfferEnded,
    WrapUpFinished,
)
from trunkline_acd.domain.limits import take_back
from trunkline_acd.domain.matching import offer_to_agent
from trunkline_acd.domain.misses import excluded_until
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.words import Connectivity, Intent, Trigger, WorkState


def set_intent(domain: Domain, command: commands.SetIntent, context: Context) -> Iterator[Event]:
    """Change what the agent does; an offer that rings is resolved first (rule 20), a connected contact goes on.

    Raises: Invalid; NotFound; Rejection(`AgentNotConnected`) for a supervisor who makes available who has no desk.
    """
    if command.intent is Intent.UNSPECIFIED:
        raise Invalid("intent", "must be set")
    check_break_reason(command.break_reason)
    check_token("reason", command.reason)
    agent, is_forced = domain.agent(command.agent_id), context.actor.startswith("supervisor:")
    if is_forced and command.intent is Intent.AVAILABLE:
        yield from _make_ready(agent)
    break_reason = command.break_reason if command.intent is Intent.BREAK else ""
    if (command.intent, break_reason) == (agent.intent, agent.break_reason):
        yield from _drop_next_intent(agent, command.reason)
        yield from offer_to_agent(domain, agent.agent_id, Trigger.AGENT_AVAILABLE, context)
        return
    if command.when_free and agent.at_hand:
        yield from _set_next_intent(agent, command.intent, break_reason, command.reason)
        return
    ringing = [] if command.intent is Intent.AVAILABLE else _works(agent, WorkState.OFFERED)
    for work in ringing:
        yield _resolved(domain, work, agent.agent_id, is_forced, context)
    yield IntentChanged(agent.agent_id, command.intent, break_reason, command.reason)
    for work in ringing:
        yield from take_back(domain, work.contact_id, Trigger.OFFER_ENDED, context)
    yield from offer_to_agent(domain, agent.agent_id, Trigger.AGENT_AVAILABLE, context)


def take_next_intent(domain: Domain, agent_id: str, context: Context) -> Iterator[Event]:
    """Change to what the agent wanted next, once no work is left."""
    agent = domain.agents.get(agent_id)
    if agent and agent.next_intent is not Intent.UNSPECIFIED and not agent.at_hand:
        yield IntentChanged(agent.agent_id, agent.next_intent, agent.next_break_reason)
        yield from offer_to_agent(domain, agent.agent_id, Trigger.AGENT_AVAILABLE, context)


def rearm(domain: Domain, command: commands.RearmAgent, context: Context) -> Iterator[Event]:
    """A not responding agent is back."""
    if domain.agent(command.agent_id).not_responding:
        yield AgentRearmed(command.agent_id)
        yield from offer_to_agent(domain, command.agent_id, Trigger.AGENT_REARMED, context)


def open_session(domain: Domain, command: commands.OpenAgentSession, context: Context) -> Iterator[Event]:
    """A desk connected: a newer one replaces an older one, and ends the grace."""
    check_id("peer_id", command.peer_id)
    check_id("session_id", command.session_id)
    agent = domain.agent(command.agent_id)
    current = (agent.connectivity, agent.peer_id, agent.session_id)
    if current == (Connectivity.CONNECTED, command.peer_id, command.session_id):
        return
    yield AgentSessionOpened(agent.agent_id, command.peer_id, command.session_id)
    yield from offer_to_agent(domain, agent.agent_id, Trigger.AGENT_CONNECTED, context)


def close_session(domain: Domain, command: commands.CloseAgentSession, context: Context) -> Iterator[Event]:
    """The desk is gone; what rings keeps ringing for a page that reloads."""
    agent = domain.agent(command.agent_id)
    if agent.connectivity is Connectivity.CONNECTED and agent.session_id == command.session_id:
        yield _session_lost(agent, context)


def lose_peer(domain: Domain, command: commands.LosePeer, context: Context) -> Iterator[Event]:
    """A console is gone with all its desks of this tenant, or with some; a bounded number at a time."""
    held = (entry[-1] for entry in domain.peers.entries(command.peer_id))
    lost = (agent_id for agent_id in held if not command.agent_ids or agent_id in command.agent_ids)
    for agent_id in list(islice(lost, policy.LOST_DESKS_PER_COMMAND)):
        yield _session_lost(domain.agent(agent_id), context)


def expire_grace(state: AcdState, command: commands.ExpireGrace, context: Context) -> Iterator[Event]:
    """A lost desk did not come back: its offers go elsewhere, its wrap-ups end, its connected contacts are released.

    Parked chats stay until their customers write.
    """
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.grace_key(context.tenant, command.agent_id), context):
        return
    agent = domain.agent(command.agent_id)
    yield AgentDisconnected(agent.agent_id, agent.session_id)
    yield from _resolve_work(domain, agent, context)


def apply_intent_changed(state: AcdState, event: IntentChanged, context: Context) -> None:
    """Remember what the agent wants."""
    agent = state.domain(context.tenant).agent(event.agent_id)
    changed = replace(agent, intent=event.intent, break_reason=event.break_reason)
    _put(state, replace(changed, next_intent=Intent.UNSPECIFIED, next_break_reason=""), context)


def apply_next_intent_set(state: AcdState, event: NextIntentSet, context: Context) -> None:
    """Remember what the agent will want."""
    domain = state.domain(context.tenant)
    agent = domain.agent(event.agent_id)
    domain.put_agent(replace(agent, next_intent=event.intent, next_break_reason=event.break_reason), context.now)


def apply_opened(state: AcdState, event: AgentSessionOpened, context: Context) -> None:
    """Connect the desk."""
    agent = state.domain(context.tenant).agent(event.agent_id)
    connected = replace(agent, connectivity=Connectivity.CONNECTED, peer_id=event.peer_id, session_id=event.session_id)
    _put(state, connected, context)
    state.timers.cancel(timing.grace_key(context.tenant, event.agent_id))


def apply_lost(state: AcdState, event: AgentSessionLost, context: Context) -> None:
    """Start the grace; a new owner extends it, because the desk had nowhere to come back to."""
    agent = state.domain(context.tenant).agent(event.agent_id)
    _put(state, replace(agent, connectivity=Connectivity.GRACE), context)
    key = timing.grace_key(context.tenant, event.agent_id)
    command = commands.ExpireGrace(event.agent_id, event.session_id)
    state.timers.set(Timer(key, event.grace_expires_time, context.tenant, command, is_lease=True))


def apply_disconnected(state: AcdState, event: AgentDisconnected, context: Context) -> None:
    """No desk any more."""
    agent = state.domain(context.tenant).agent(event.agent_id)
    _put(state, replace(agent, connectivity=Connectivity.DISCONNECTED), context)
    state.timers.cancel(timing.grace_key(context.tenant, event.agent_id))


def apply_not_responding(state: AcdState, event: AgentNotResponding, context: Context) -> None:
    """Block the agent until re-armed."""
    agent = state.domain(context.tenant).agent(event.agent_id)
    _put(state, replace(agent, not_responding=True, unreachable=event.unreachable), context)


def apply_rearmed(state: AcdState, event: AgentRearmed, context: Context) -> None:
    """Unblock the agent and start counting misses anew."""
    agent = state.domain(context.tenant).agent(event.agent_id)
    _put(state, replace(agent, not_responding=False, unreachable=False, misses=0), context)


def _put(state: AcdState, agent: Agent, context: Context) -> None:
    state.domain(context.tenant).put_agent(replace(agent, since_time=context.now), context.now)


def _set_next_intent(agent: Agent, intent: Intent, break_reason: str, reason: str) -> Iterator[Event]:
    if (intent, break_reason) != (agent.next_intent, agent.next_break_reason):
        yield NextIntentSet(agent.agent_id, intent, break_reason, reason)


def _drop_next_intent(agent: Agent, reason: str) -> Iterator[Event]:
    """The agent goes on as before after all."""
    if agent.next_intent is not Intent.UNSPECIFIED:
        yield NextIntentSet(agent.agent_id, Intent.UNSPECIFIED, "", reason)


def _make_ready(agent: Agent) -> Iterator[Event]:
    """Who is made available has a desk, and is not blocked any more."""
    if agent.connectivity is not Connectivity.CONNECTED:
        raise Rejection("AgentNotConnected")
    if agent.not_responding:
        yield AgentRearmed(agent.agent_id)


def _resolved(
    domain: Domain, work: Work, agent_id: str, is_forced: bool, context: Context
) -> OfferEnded | ConsultationEnded:
    """Return the end of what rings at an agent who goes; what was held for that agent is let go."""
    contact, offer = domain.contact(work.contact_id), Offer(work.offer_no, agent_id)
    if work.asked_by:
        return consultations.sent_away(contact, is_forced=is_forced)
    if not is_forced:
        return offers.declined(domain, contact, offer, context.now)
    until = excluded_until(domain, contact, context.now) if contact.held_for else None
    return offers.superseded(contact, offer, until)


def _session_lost(agent: Agent, context: Context) -> AgentSessionLost:
    return AgentSessionLost(agent.agent_id, agent.session_id, context.now + policy.DESK_GRACE)


def _resolve_work(domain: Domain, agent: Agent, context: Context) -> Iterator[Event]:
    for work in agent.work:
        match work.state:
            case WorkState.OFFERED | WorkState.CONNECTING | WorkState.CONNECTED if work.asked_by:
                yield consultations.colleague_lost(domain.contact(work.contact_id))
            case WorkState.OFFERED:
                yield offers.lost(domain.contact(work.contact_id), Offer(work.offer_no, agent.agent_id))
            case WorkState.CONNECTING if work.callback and not work.callback_reached:
                yield from callbacks.lose_agent(domain, domain.contact(work.contact_id), context)
            case WorkState.CONNECTING:
                yield joining.connect_lost(domain.contact(work.contact_id))
            case WorkState.CONNECTED if work.parked_since:
                continue  # nobody waits for an answer; when the customer writes, somebody else takes it
            case WorkState.CONNECTED:
                yield from consultations.asker_lost(domain, domain.contact(work.contact_id), context)
            case WorkState.WRAP_UP:
                yield WrapUpFinished(work.contact_id, agent.agent_id, "", by_timer=True)
            case WorkState.UNSPECIFIED:
                continue
    for work in agent.work:
        yield from take_back(domain, work.contact_id, Trigger.OFFER_ENDED, context)


def _works(agent: Agent, state: WorkState) -> list[Work]:
    return [work for work in agent.work if work.state is state]
