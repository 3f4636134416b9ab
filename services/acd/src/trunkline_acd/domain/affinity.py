"""Affinity: for a while a contact is kept for one agent, whom its customer knows (rule 10).

Owns: whether a contact is held when it enters, and when it is let go. Who cannot take it soon does not hold it: signed
out or about to, blocked, without the skills or the channel, or just passed on it.
Must not: know who had a customer last; its caller says so.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.routing import QueueDefinition
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, parking, policy, timing
from trunkline_acd.domain.agents import Agent, is_staying, is_unreachable
from trunkline_acd.domain.capacity import takes
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import AffinityEnded, ContactEnqueued, Event
from trunkline_acd.domain.matching import offer_contact
from trunkline_acd.domain.skills import RequirementSet, meets
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.words import Trigger


def held_until(
    domain: Domain,
    queue: QueueDefinition,
    agent_id: str,
    channel: Channel,
    requirements: RequirementSet,
    now: datetime,
) -> datetime | None:
    """Return until when a contact that enters now is held for the agent; None when it is not."""
    agent = domain.agents.get(agent_id)
    if queue.affinity_duration <= timedelta(0) or agent is None or not _can_take(agent, channel, requirements):
        return None
    if domain.held.size(agent_id) >= policy.MAX_HELD_PER_AGENT:
        return None
    return now + queue.affinity_duration


def end(state: AcdState, command: commands.EndAffinity, context: Context) -> Iterator[Event]:
    """The contact was held for long enough: anybody may have it; what rings goes on."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.affinity_key(context.tenant, command.contact_id), context):
        return
    contact = domain.contact(command.contact_id)
    if contact.stage is Stage.CONNECTED:
        yield from parking.give_back(domain, contact, context)
    else:
        yield from _let_go(domain, contact, context)


def let_go_of(domain: Domain, agent_id: str, context: Context) -> Iterator[Event]:
    """Let go what is held for an agent who cannot take it now; to be asked when the agent or an offer changed."""
    for contact in domain.held_for(agent_id):
        agent = domain.agent(agent_id)
        if contact.stage is Stage.CONNECTED:
            continue
        if agent_id in contact.excluded or not _can_take(agent, contact.channel, contact.wanted):
            yield from _let_go(domain, contact, context)
    yield from parking.let_go_of(domain, agent_id, context)


def apply_ended(state: AcdState, event: AffinityEnded, context: Context) -> None:
    """Put the contact into its line, if it waits."""
    domain = state.domain(context.tenant)
    domain.put_contact(replace(domain.contact(event.contact_id), held_for=""))
    state.timers.cancel(timing.affinity_key(context.tenant, event.contact_id))


def set_timer(state: AcdState, tenant: str, event: ContactEnqueued) -> None:
    """Start the contact's affinity."""
    if event.held_until_time:
        key = timing.affinity_key(tenant, event.contact_id)
        state.timers.set(Timer(key, event.held_until_time, tenant, commands.EndAffinity(event.contact_id)))


def _can_take(agent: Agent, channel: Channel, requirements: RequirementSet) -> bool:
    is_able = takes(agent.definition, channel) and not is_unreachable(agent, channel)
    return is_staying(agent) and is_able and meets(agent.profile, requirements)


def _let_go(domain: Domain, contact: Contact, context: Context) -> Iterator[Event]:
    yield AffinityEnded(contact.contact_id, contact.segment_no, contact.held_for)
    yield from offer_contact(domain, contact.contact_id, Trigger.AFFINITY_ENDED, context)
