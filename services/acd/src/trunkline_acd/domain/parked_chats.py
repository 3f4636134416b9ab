"""Parked chats at their agents (rule 2): which use no units, and whose customers have come back.

A customer who waits for room at the agent holds the chat as rule 10 holds contacts: `held_for` of a connected one.
Owns: that room goes to such a customer before anything is offered. Must not: know what begins or ends a parking.
"""

from collections.abc import Iterator
from datetime import datetime
from operator import attrgetter

from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, timing
from trunkline_acd.domain.agents import Agent, has_room, is_routable, with_work
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactEnqueued, ContactParked, ContactResumed, CustomerReturned
from trunkline_acd.domain.state import AcdState, Domain


def with_parking(domain: Domain, entered: ContactEnqueued) -> ContactEnqueued:
    """Return the entry of a chat with its queue's parking, which channels goes by; a call is never parked."""
    if entered.channel is not Channel.CHAT:
        return entered
    return replace(entered, parking_duration=domain.queue(entered.queue_id).definition.chat_parking_duration)


def take_room(domain: Domain, agent_id: str) -> Iterator[ContactResumed]:
    """Let customers who came back have what room the agent has, who waits longest first."""
    for contact in waiting_at(domain, agent_id):
        if can_resume(domain.agent(agent_id), contact):
            yield resumed(contact, 0)


def waiting_at(domain: Domain, agent_id: str) -> list[Contact]:
    """Return the parked chats whose customers wait for room at that agent, who waits longest first."""
    waiting = [work for work in domain.agent(agent_id).work if work.waits_since]
    return [domain.contact(work.contact_id) for work in sorted(waiting, key=attrgetter("waits_since", "contact_id"))]


def can_resume(agent: Agent, contact: Contact) -> bool:
    """Tell whether the chat goes on by itself now: its agent is there and has room. No drain keeps it back."""
    return is_routable(agent) and has_room(agent, contact.channel)


def resumed(contact: Contact, step_no: int) -> ContactResumed:
    """Return that the chat uses its units again."""
    return ContactResumed(contact.contact_id, step_no, contact.segment_no, contact.agent_id)


def returned(contact: Contact, step_no: int, until: datetime) -> CustomerReturned:
    """Return that the customer waits for room."""
    return CustomerReturned(contact.contact_id, step_no, contact.segment_no, contact.agent_id, until)


def is_parked(domain: Domain, contact: Contact) -> bool:
    """Tell whether the contact is a connected chat that is parked."""
    agent = domain.agents.get(contact.agent_id) if contact.stage is Stage.CONNECTED else None
    work = agent.work_on(contact.contact_id) if agent else None
    return work is not None and work.parked_since is not None


def apply_parked(state: AcdState, event: ContactParked, context: Context) -> None:
    """Give the units back."""
    domain, now = state.domain(context.tenant), context.now
    domain.put_contact(replace(domain.contact(event.contact_id), step_no=event.step_no))
    agent = domain.agent(event.agent_id)
    if connected := agent.work_on(event.contact_id):
        domain.put_agent(with_work(agent, replace(connected, parked_since=now), now), now)


def apply_resumed(state: AcdState, event: ContactResumed, context: Context) -> None:
    """Book the units again."""
    domain, now = state.domain(context.tenant), context.now
    contact, agent = domain.contact(event.contact_id), domain.agent(event.agent_id)
    domain.put_contact(replace(contact, step_no=max(contact.step_no, event.step_no), held_for=""))
    state.timers.cancel(timing.affinity_key(context.tenant, event.contact_id))
    if parked := agent.work_on(event.contact_id):
        work = replace(parked, parked_since=None, parked_before=parked.parked_for(now), waits_since=None)
        domain.put_agent(with_work(agent, work, now), now)


def apply_returned(state: AcdState, event: CustomerReturned, context: Context) -> None:
    """Hold the agent's next room for the chat, for a while."""
    domain, now = state.domain(context.tenant), context.now
    contact, agent = domain.contact(event.contact_id), domain.agent(event.agent_id)
    domain.put_contact(replace(contact, step_no=event.step_no, held_for=event.agent_id))
    if parked := agent.work_on(event.contact_id):
        domain.put_agent(with_work(agent, replace(parked, waits_since=parked.waits_since or now), now), now)
    key = timing.affinity_key(context.tenant, event.contact_id)
    command = commands.EndAffinity(event.contact_id)
    state.timers.set(Timer(key, event.held_until_time, context.tenant, command))
