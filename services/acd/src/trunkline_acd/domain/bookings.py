"""What offers do to rows: units booked and given back, leases started and stopped.

Owns: that capacity is booked once per offer and returns exactly once.
"""

from datetime import datetime

from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, overflows, timing, vips, waits
from trunkline_acd.domain.agents import Agent, Outpaced, Work, begun_work, with_recent_work, with_work, without_work
from trunkline_acd.domain.contacts import Contact, Offer, Stage, accepted_by, kept_by, ringing_at, without_offer
from trunkline_acd.domain.events import (
    CallbackDialled,
    ConnectFailed,
    ContactConnected,
    ContactOffered,
    ExclusionEnded,
    OfferAccepted,
    OfferEnded,
)
from trunkline_acd.domain.queues import with_callback_end, with_outcome
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.words import SegmentOutcome, WorkState


def apply_offered(state: AcdState, event: ContactOffered, context: Context) -> None:
    """Book the agent's units and start the lease."""
    waits.learn_from_offer(state, event, context)
    domain, now = state.domain(context.tenant), context.now
    offer = Offer(event.offer_no, event.agent_id)
    contact = ringing_at(domain.contact(event.contact_id), offer, rings_at_all=event.ring_all)
    domain.put_contact(contact)
    begun = _begun(event, WorkState.OFFERED, contact, now)
    work = replace(begun, callback=event.callback, callback_reached=event.callback_reached)
    _book(domain, event.agent_id, work, now)
    key = timing.lease_key(context.tenant, contact, event.offer_no)
    command = commands.ExpireOffer(event.contact_id, event.offer_no)
    state.timers.set(Timer(key, event.expires_time, context.tenant, command, is_lease=True))


def apply_dialled(state: AcdState, event: CallbackDialled, context: Context) -> None:
    """Book the agent, who is kept as if the call-back had been accepted there, and start the time of dialling."""
    waits.learn_from_offer(state, event, context)
    domain, now = state.domain(context.tenant), context.now
    contact = kept_by(domain.contact(event.contact_id), Offer(event.offer_no, event.agent_id))
    domain.put_contact(contact)
    work = replace(_begun(event, WorkState.CONNECTING, contact, now), callback=True)
    _book(domain, event.agent_id, work, now)
    limit_joining(state, context.tenant, event.contact_id, event.offer_no, event.expires_time)


def apply_accepted(state: AcdState, event: OfferAccepted, context: Context) -> None:
    """Start to join; an accept clears the agent's misses."""
    domain, now = state.domain(context.tenant), context.now
    contact, agent = domain.contact(event.contact_id), domain.agent(event.agent_id)
    domain.put_contact(accepted_by(contact, Offer(event.offer_no, event.agent_id)))
    if offered := agent.work_on(event.contact_id):
        work = replace(offered, state=WorkState.CONNECTING, since_time=now, expires_time=event.expires_time)
        domain.put_agent(replace(with_work(agent, work, now), misses=0), now)
    state.timers.cancel(timing.lease_key(context.tenant, contact, event.offer_no))
    limit_joining(state, context.tenant, event.contact_id, event.offer_no, event.expires_time)


def limit_joining(state: AcdState, tenant: str, contact_id: str, offer_no: int, expires_time: datetime) -> None:
    """Start the time until joining, or dialling, is given up."""
    command = commands.ExpireConnecting(contact_id, offer_no)
    key = timing.connecting_key(tenant, contact_id)
    state.timers.set(Timer(key, expires_time, tenant, command, is_lease=True))


def apply_returned(state: AcdState, event: OfferEnded | ConnectFailed, context: Context) -> None:
    """Give the units back; the contact is at its place again, without this agent for a while, or rings on elsewhere."""
    domain, now = state.domain(context.tenant), context.now
    contact, agent = domain.contact(event.contact_id), domain.agent(event.agent_id)
    step_no = max(contact.step_no, event.step_no) if isinstance(event, ConnectFailed) else contact.step_no
    returned = replace(without_offer(contact, event.agent_id), step_no=step_no)
    if event.excluded_until_time:
        returned = replace(returned, excluded=contact.excluded | {event.agent_id})
        timing.set_exclusion(state, context.tenant, event.contact_id, event.agent_id, event.excluded_until_time)
    domain.put_contact(returned)
    if returned.stage is Stage.WAITING:
        overflows.note_waiting(state, context.tenant, returned)
    domain.put_agent(_without_offer(agent, event, now), now)
    timing.cancel_offer(state, context.tenant, contact, event.offer_no)


def apply_connected(state: AcdState, event: ContactConnected, context: Context) -> None:
    """The segment is answered; exclusions have served their purpose."""
    waits.learn_from_answer(state, event, context)
    domain, now = state.domain(context.tenant), context.now
    contact, agent = domain.contact(event.contact_id), domain.agent(event.agent_id)
    timing.cancel_waiting(state, context.tenant, contact)
    connected = replace(contact, stage=Stage.CONNECTED, step_no=event.step_no, excluded=frozenset(), held_for="")
    domain.put_contact(connected)
    queue = domain.queue(event.queue_id)
    if contact.callback:
        domain.queues.put(event.queue_id, with_callback_end(queue, reached=True))
    else:
        domain.queues.put(event.queue_id, with_outcome(queue, SegmentOutcome.ANSWERED, event.wait_duration))
        vips.count_wait(domain, contact, now)
    if joining := agent.work_on(event.contact_id):
        work = replace(joining, state=WorkState.CONNECTED, since_time=now, expires_time=None, explanation=None)
        busier = with_recent_work(agent, joining.channel, now)
        domain.put_agent(with_work(busier, work, now), now)
    timing.cancel_offer(state, context.tenant, contact, event.offer_no)


def apply_exclusion_ended(state: AcdState, event: ExclusionEnded, context: Context) -> None:
    """The agent may be asked again."""
    domain = state.domain(context.tenant)
    state.timers.cancel(timing.exclusion_key(context.tenant, event.contact_id, event.agent_id))
    if contact := domain.contacts.get(event.contact_id):
        domain.put_contact(replace(contact, excluded=contact.excluded - {event.agent_id}))


def _begun(event: ContactOffered | CallbackDialled, state: WorkState, contact: Contact, now: datetime) -> Work:
    begun = begun_work(event, state, channel=event.channel, entered_time=contact.entered_time, now=now)
    return replace(begun, expires_time=event.expires_time, explanation=event.explanation)


def _book(domain: Domain, agent_id: str, work: Work, now: datetime) -> None:
    agent = replace(domain.agent(agent_id), last_turn=domain.next_number("turn"))
    domain.put_agent(with_work(agent, work, now), now)


def _without_offer(agent: Agent, event: OfferEnded | ConnectFailed, now: datetime) -> Agent:
    left = replace(without_work(agent, event.contact_id, now), misses=agent.misses + event.counts_as_miss)
    if isinstance(event, OfferEnded) and event.accepted_by_agent_id:
        return replace(left, outpaced=Outpaced(event.contact_id, event.offer_no))
    return left
