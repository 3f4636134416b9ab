"""Wrap-up after a contact: keeps its channel's units until the agent or the timer ends it (rule 5).

Whether it also keeps other channels out, as its contact did, is the queue's policy when it begins.

Owns: that a wrap-up outlives its contact, keyed by (agent, contact), and ends with a code of the tenant or none: events
keep it in clear, so it must not be a text about somebody.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace
from trunkline_core.routing import WrapUpMode
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, timing
from trunkline_acd.domain.agents import Agent, Work, with_idle_reset, with_work, without_work
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.events import ContactEnqueued, ContactReleased, Event, WrapUpExtended, WrapUpFinished
from trunkline_acd.domain.matching import offer_to_agent
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.words import Connectivity, Trigger, WorkState


def finish(domain: Domain, command: commands.FinishWrapUp, context: Context) -> Iterator[Event]:
    """The agent has wrapped up.

    Raises: NotFound; Rejection(`NotInWrapUp`), or (`UnknownWrapUpCode`) for what is no code of the tenant, or none yet:
    a code that was defined a moment ago is refused until the directory's event is here, and may be tried again.
    """
    if command.wrap_up_code and command.wrap_up_code not in domain.wrap_up_codes:
        raise Rejection("UnknownWrapUpCode")
    agent = domain.agent(command.agent_id)
    if not _is_wrapping_up(agent, command.contact_id):
        raise Rejection("NotInWrapUp")
    yield WrapUpFinished(command.contact_id, agent.agent_id, command.wrap_up_code, by_timer=False)
    yield from offer_to_agent(domain, agent.agent_id, Trigger.WRAP_UP_FINISHED, context)


def extend(domain: Domain, command: commands.ExtendWrapUp, context: Context) -> Iterator[Event]:
    """The agent needs more time.

    Raises: NotFound; Rejection(`NotInWrapUp`), or (`WrapUpNotExtendable`): without a timer, or extended often enough.
    """
    agent = domain.agent(command.agent_id)
    work = agent.work_on(command.contact_id)
    if work is None or not _is_wrapping_up(agent, command.contact_id):
        raise Rejection("NotInWrapUp")
    if work.expires_time is None or not extensions_left(domain, work):
        raise Rejection("WrapUpNotExtendable")
    extension = domain.queue(work.queue_id).definition.wrap_up_extension_duration
    yield WrapUpExtended(command.contact_id, agent.agent_id, max(work.expires_time, context.now) + extension)


def extensions_left(domain: Domain, work: Work) -> int:
    """Return how often the end of a timed wrap-up may still be put off, 0 for other work."""
    if work.state is not WorkState.WRAP_UP or work.expires_time is None:
        return 0
    return max(0, domain.queue(work.queue_id).definition.max_wrap_up_extensions - work.extensions)


def expire(state: AcdState, command: commands.ExpireWrapUp, context: Context) -> Iterator[Event]:
    """A timed wrap-up is over."""
    domain = state.domain(context.tenant)
    if timing.is_due(state, timing.wrap_up_key(context.tenant, command.agent_id, command.contact_id), context):
        yield WrapUpFinished(command.contact_id, command.agent_id, "", by_timer=True)
        yield from offer_to_agent(domain, command.agent_id, Trigger.WRAP_UP_FINISHED, context)


def released(domain: Domain, contact: Contact, context: Context) -> ContactReleased:
    """Return the end of the agent segment; nobody wraps up a chat that was parked at a desk that is gone."""
    definition = domain.queue(contact.queue_id).definition
    is_gone = domain.agent(contact.agent_id).connectivity is Connectivity.DISCONNECTED
    wrap_up = definition.wrap_up_mode is not WrapUpMode.NONE and not is_gone
    is_timed = wrap_up and definition.wrap_up_mode is WrapUpMode.TIMED
    expires_time = context.now + definition.wrap_up_duration if is_timed else None
    return replace(unwrapped(domain, contact, context), wrap_up=wrap_up, wrap_up_expires_time=expires_time)


def unwrapped(domain: Domain, contact: Contact, context: Context) -> ContactReleased:
    """Return the end of an agent segment after which nothing is wrapped up."""
    work = domain.agent(contact.agent_id).work_on(contact.contact_id)
    return ContactReleased(
        contact_id=contact.contact_id,
        agent_id=contact.agent_id,
        queue_id=contact.queue_id,
        wrap_up=False,
        wrap_up_expires_time=None,
        parked_duration=work.parked_for(context.now) if work else timedelta(0),
        segment_no=contact.segment_no,
    )


def excluded_at_entry(known: Contact | None, event: ContactEnqueued) -> frozenset[str]:
    """Return who is not offered a contact that enters: whoever gave it on just now, or wraps it up (rule 19)."""
    if known is None:
        return frozenset()
    return known.wrapped_up_by | ({event.transferred_by_agent_id} if event.excluded_until_time else frozenset())


def lost(domain: Domain, contact: Contact, context: Context) -> ContactReleased:
    """Return the end of an agent segment whose desk did not come back: no wrap-up, and channels ends the contact."""
    return replace(unwrapped(domain, contact, context), desk_lost=True)


def apply_released(state: AcdState, event: ContactReleased, context: Context) -> None:
    """Turn the connection into a wrap-up, or give its units back; idle time starts anew.

    A parked chat had no units and took nobody's time: its wrap-up has none, and idle time runs on.
    """
    domain, now = state.domain(context.tenant), context.now
    contact, agent = domain.contact(event.contact_id), domain.agent(event.agent_id)
    by = {event.agent_id} if event.wrap_up else frozenset()
    ended = replace(contact, stage=Stage.ENDED, wrapped_up_by=contact.wrapped_up_by | by, held_for="")
    domain.put_contact(ended)
    state.timers.cancel(timing.affinity_key(context.tenant, event.contact_id))
    connected = agent.work_on(event.contact_id)
    left = without_work(agent, event.contact_id, now)
    if connected and not connected.parked_since:
        left = with_idle_reset(left, now)
    if event.wrap_up and connected:
        expires_time = event.wrap_up_expires_time
        frees = domain.queue(event.queue_id).definition.wrap_up_frees_exclusion
        wrap_up = replace(connected, state=WorkState.WRAP_UP, since_time=now, expires_time=expires_time)
        left = with_work(left, replace(wrap_up, frees_exclusion=frees, waits_since=None), now)
        _set_timer(state, event.agent_id, event.contact_id, expires_time, context)
    domain.put_agent(left, now)


def apply_finished(state: AcdState, event: WrapUpFinished, context: Context) -> None:
    """Give the units back; a contact that was given on may be offered to this agent again."""
    domain, now = state.domain(context.tenant), context.now
    domain.put_agent(without_work(domain.agent(event.agent_id), event.contact_id, now), now)
    contact = domain.contacts.get(event.contact_id)
    if contact and event.agent_id in contact.wrapped_up_by:
        done = {event.agent_id}
        left = contact.wrapped_up_by - done
        domain.put_contact(replace(contact, wrapped_up_by=left, excluded=contact.excluded - done))
    state.timers.cancel(timing.wrap_up_key(context.tenant, event.agent_id, event.contact_id))


def apply_extended(state: AcdState, event: WrapUpExtended, context: Context) -> None:
    """Let it end later."""
    domain, now = state.domain(context.tenant), context.now
    agent = domain.agent(event.agent_id)
    if work := agent.work_on(event.contact_id):
        longer = replace(work, expires_time=event.expires_time, extensions=work.extensions + 1)
        domain.put_agent(with_work(agent, longer, now), now)
        _set_timer(state, event.agent_id, event.contact_id, event.expires_time, context)


def _is_wrapping_up(agent: Agent, contact_id: str) -> bool:
    work = agent.work_on(contact_id)
    return work is not None and work.state is WorkState.WRAP_UP


def _set_timer(state: AcdState, agent_id: str, contact_id: str, due: datetime | None, context: Context) -> None:
    if due:
        key = timing.wrap_up_key(context.tenant, agent_id, contact_id)
        state.timers.set(Timer(key, due, context.tenant, commands.ExpireWrapUp(agent_id, contact_id)))
