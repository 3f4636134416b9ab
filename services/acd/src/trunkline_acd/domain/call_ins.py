"""Calling in an agent who is signed out: a supervisor asks, and the desk says so once the agent logs in (rule 20).

Owns: who can be called in, and how it ends: the agent came, has read it, did not come for too long, or it was taken
back. One at a time for each agent. Must not: make anybody available, nor send anything; whoever does reads the rows.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, policy, timing
from trunkline_acd.domain.agents import is_signed_in
from trunkline_acd.domain.definitions import check_reason
from trunkline_acd.domain.events import AgentCalledIn, CallInEnded, Event
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.words import CallIn, CallInEndReason, Connectivity, Intent


def call_in(domain: Domain, command: commands.CallInAgent, context: Context) -> Iterator[Event]:
    """Ask the agent to come; of one who is called in already nothing changes, neither who asked nor until when.

    Raises: Invalid; NotFound; Rejection(`AgentSignedIn`) for one who is there, or away from the desk for a moment.
    """
    check_reason(command.reason)
    agent = domain.agent(command.agent_id)
    if is_signed_in(agent):
        raise Rejection("AgentSignedIn")
    if agent.called_in is None:
        yield AgentCalledIn(agent.agent_id, command.reason, context.actor, context.now + policy.CALL_IN_LIFE)


def end(domain: Domain, command: commands.EndCallIn, context: Context) -> Iterator[Event]:
    """The agent has read it, or whoever supervises takes it back; nothing happens where it is over. Raises: Invalid."""
    is_dismissed = context.actor == f"agent:{command.agent_id}"
    if not is_dismissed:
        check_reason(command.reason)
    if domain.agent(command.agent_id).called_in is None:
        return
    if is_dismissed:
        yield CallInEnded(command.agent_id, CallInEndReason.DISMISSED)
    else:
        yield CallInEnded(command.agent_id, CallInEndReason.TAKEN_BACK, command.reason)


def expire(state: AcdState, command: commands.ExpireCallIn, context: Context) -> Iterator[Event]:
    """The agent did not come for too long."""
    if timing.is_due(state, timing.call_in_key(context.tenant, command.agent_id), context):
        yield CallInEnded(command.agent_id, CallInEndReason.EXPIRED)


def note_arrival(domain: Domain, agent_id: str) -> Iterator[Event]:
    """Whoever is available at a desk has come; to be asked when a desk connected or an intent changed."""
    agent = domain.agent(agent_id)
    is_there = agent.connectivity is Connectivity.CONNECTED and agent.intent is Intent.AVAILABLE
    if agent.called_in and is_there:
        yield CallInEnded(agent_id, CallInEndReason.CAME_IN)


def apply_called_in(state: AcdState, event: AgentCalledIn, context: Context) -> None:
    """Remember it until its time is over."""
    domain = state.domain(context.tenant)
    called_in = CallIn(context.now, event.until_time, event.reason, event.called_by)
    domain.put_agent(replace(domain.agent(event.agent_id), called_in=called_in), context.now)
    key = timing.call_in_key(context.tenant, event.agent_id)
    state.timers.set(Timer(key, event.until_time, context.tenant, commands.ExpireCallIn(event.agent_id)))


def apply_ended(state: AcdState, event: CallInEnded, context: Context) -> None:
    """Forget it."""
    domain = state.domain(context.tenant)
    domain.put_agent(replace(domain.agent(event.agent_id), called_in=None), context.now)
    state.timers.cancel(timing.call_in_key(context.tenant, event.agent_id))
