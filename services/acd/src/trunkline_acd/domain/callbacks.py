"""Call-backs: the caller hangs up, and a virtual contact keeps age and rank (rule 13).

Owns: who may be called back, how often the customer is dialled, and when. Agent first: a call-back is offered like any
contact, and only after the accept is the customer dialled. Customer first: an agent is kept in place of the offer, and
is offered it once the customer is on the line. Either way each who is dialled has an agent of its own.
Must not: know hours or who must not be called; channels looks both up before it dials, and clears or postpones.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.replacing import replace
from trunkline_core.routing import CallbackPolicy
from trunkline_core.timers import Timer

from trunkline_acd.domain import bookings, commands, handouts, limits, offers, policy, rings, timing
from trunkline_acd.domain.agents import Agent, has_room, with_work, without_work
from trunkline_acd.domain.contacts import Callback, Contact, Stage
from trunkline_acd.domain.definitions import Channel, check_id, check_reason, check_token
from trunkline_acd.domain.events import (
    CallbackAttempted,
    CallbackBegun,
    CallbackCleared,
    CallbackEnded,
    CallbackPostponed,
    CallbackReached,
    ContactEnqueued,
    Event,
    SegmentEnded,
)
from trunkline_acd.domain.explanations import explain_pull
from trunkline_acd.domain.matching import offer_contact, offer_to_agent, offered
from trunkline_acd.domain.queues import with_callback_end
from trunkline_acd.domain.skills import choices_in, requirements_in
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.steps import contact_for, is_repeated
from trunkline_acd.domain.words import CallbackOutcome, Connectivity, Intent, Ring, SegmentOutcome, Trigger

_UNREACHED = (
    CallbackOutcome.NO_ANSWER,
    CallbackOutcome.BUSY,
    CallbackOutcome.FAILED,
    CallbackOutcome.WITHDRAWN,
)


def request(domain: Domain, command: commands.RequestCallback, context: Context) -> Iterator[Event]:
    """The caller's segment ends as converted (C), and a call-back opens at the same place.

    Raises: Invalid; NotFound; Rejection, naming why the caller must go on waiting: `CallbackNotOffered`,
    `ContactNotWaiting` (it rings already), `CallbackAlreadyOpen`, `TooManyCallbacks`.
    """
    begins_time = _begins(command.not_before_time, context.now)
    if command.customer_id:
        check_id("customer_id", command.customer_id)
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    customer_id = command.customer_id or contact.customer_id
    _check_request(domain, contact, customer_id)
    yield SegmentEnded(
        contact_id=contact.contact_id,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        outcome=SegmentOutcome.CONVERTED_TO_CALLBACK,
        wait_duration=context.now - contact.entered_time,
        next_queue_id=contact.queue_id,
    )
    yield _opened(contact, command.step_no, customer_id, begins_time, context.now)
    if begins_time is None:
        yield from rings.skip_empty_rings(domain, domain.contact(contact.contact_id), contact.ring)
        yield from offer_contact(domain, contact.contact_id, Trigger.CALLBACK_REQUESTED, context)


def begin(state: AcdState, command: commands.BeginCallback, context: Context) -> Iterator[Event]:
    """Its time has come: it waits at the place that its age gives it."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.callback_key(context.tenant, command.contact_id), context):
        return
    contact = domain.contact(command.contact_id)
    yield CallbackBegun(contact.contact_id, contact.segment_no)
    yield from rings.skip_empty_rings(domain, domain.contact(contact.contact_id), contact.ring)
    yield from offer_contact(domain, contact.contact_id, Trigger.CALLBACK_BEGAN, context)


def clear(domain: Domain, command: commands.ClearCallback, context: Context) -> Iterator[Event]:
    """The customer may be dialled, unless that customer has another open call-back, which crm could not tell before.

    Raises: Invalid; NotFound; Rejection(`ContactAlreadyEnded`). A stale one changes nothing.
    """
    if command.customer_id:
        check_id("customer_id", command.customer_id)
    contact = _about_to_dial(domain, command)
    if contact is None:
        return
    customer_id = command.customer_id or contact.customer_id
    if domain.has_other_callback(contact.contact_id, customer_id):
        yield from _postponed(domain, contact, command.step_no, "already_open", None, context)
        return
    yield CallbackCleared(
        contact_id=contact.contact_id,
        step_no=command.step_no,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        agent_id=contact.agent_id,
        customer_id=customer_id,
        expires_time=context.now + policy.DIALLING,
    )


def postpone(domain: Domain, command: commands.PostponeCallback, context: Context) -> Iterator[Event]:
    """The customer must not be dialled now: it rests until then, or is withdrawn where no time is said.

    Raises: Invalid; NotFound; Rejection(`ContactAlreadyEnded`). A stale one changes nothing.
    """
    check_reason(command.reason)
    if contact := _about_to_dial(domain, command):
        yield from _postponed(domain, contact, command.step_no, command.reason, command.until_time, context)


def report_reached(domain: Domain, command: commands.ReportCallbackReached, context: Context) -> Iterator[Event]:
    """The customer is on the line: it rings at the agent who was kept, else at the next, before all others.

    Also where the agent is gone and the call-back rests or waits again: whoever picked up is not left alone.

    Raises: NotFound; Rejection(`ContactAlreadyEnded`, `CallbackAlreadyReached`, `OfferNotLive`).
    """
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    _check_reached(contact, command)
    kept_id = contact.agent_id if contact.is_kept else ""
    others = () if kept_id else contact.live_offers  # it was offered by a policy that came in between
    for offer in others:
        yield offers.superseded(contact, offer, None)
    place = (contact.queue_id, contact.segment_no, command.offer_no)
    yield CallbackReached(contact.contact_id, command.step_no, *place, kept_id)
    yield from rings.skip_empty_rings(domain, domain.contact(contact.contact_id), contact.ring)
    yield from _offer_reached(domain, contact.contact_id, kept_id, context)
    freed = ([kept_id] if kept_id else []) + [offer.agent_id for offer in others]
    yield from handouts.serve_freed(domain, freed, Trigger.AGENT_BECAME_FREE, context)


def report_result(domain: Domain, command: commands.ReportCallbackResult, context: Context) -> Iterator[Event]:
    """The customer was not reached; a report about another offer than the current one changes nothing.

    Raises: Invalid, also for `reached`, which `ReportConnected` says; NotFound; Rejection(`OfferNotLive`).
    """
    if command.outcome not in _UNREACHED:
        raise Invalid("outcome", "must be no_answer, busy, failed or withdrawn")
    check_token("reason", command.reason)
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    if (command.segment_no, command.offer_no) != (contact.segment_no, contact.offer_no):
        return
    if not contact.is_to_dial or contact.stage in (Stage.OFFERED, Stage.CONNECTED):
        raise Rejection("OfferNotLive")
    if contact.stage is Stage.CONNECTING:
        yield from _attempted(domain, contact, command.step_no, command.outcome, command.reason, context)


def withdraw(domain: Domain, command: commands.WithdrawCallback, context: Context) -> Iterator[Event]:
    """Customer or supervisor does not want it any more; one that is over stays so.

    Raises: Invalid; NotFound; Rejection(`NoCallback`), or (`CallbackAlreadyReached`) while the customer is on the line.
    """
    check_token("reason", command.reason)
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    if contact.callback is None:
        raise Rejection("NoCallback")
    if contact.stage is Stage.CONNECTED or contact.callback.is_reached:
        raise Rejection("CallbackAlreadyReached")
    if contact.is_open:
        yield from withdrawn(domain, contact, command.reason, context)
        if contact.agent_id:
            yield from offer_to_agent(domain, contact.agent_id, Trigger.AGENT_BECAME_FREE, context)


def withdrawn(
    domain: Domain,
    contact: Contact,
    reason: str,
    context: Context,
    outcome: CallbackOutcome = CallbackOutcome.WITHDRAWN,
) -> Iterator[Event]:
    """End an open call-back; what rings, or is being dialled, is given back first."""
    yield from offers.rescinded(contact)
    yield _ended(domain.contact(contact.contact_id), outcome, reason, context)


def fail_attempt(domain: Domain, contact: Contact, context: Context, step_no: int = 0) -> Iterator[Event]:
    """Nobody said in time what became of the dialling, or the agent's desk is gone: an attempt, nobody's miss.

    None where nobody was dialled yet: who clears it was away.
    """
    if not (contact.callback and contact.callback.is_cleared):
        yield from _postponed(domain, contact, step_no, "not_cleared", context.now + policy.DIALLING, context)
        return
    yield from _attempted(domain, contact, step_no, CallbackOutcome.FAILED, "", context)


def lose_agent(domain: Domain, contact: Contact, context: Context) -> Iterator[Event]:
    """The desk of who accepted it, or is kept for it, is gone while the customer is dialled."""
    if contact.is_kept:
        yield from lose_kept(domain, contact, "agent_lost", context)
    else:
        yield from fail_attempt(domain, contact, context)


def lose_kept(domain: Domain, contact: Contact, reason: str, context: Context) -> Iterator[Event]:
    """Who is kept cannot take the customer any more: no attempt, and the agent is free.

    So it stays open for a customer who picks up all the same, and it rests for as long as that may happen. One whom the
    telephone may have rung at is not rung up again before the time between attempts.
    """
    offered = domain.queue(contact.queue_id).definition.callback
    is_dialled = contact.callback is not None and contact.callback.is_cleared
    rest = max(policy.DIALLING, offered.retry_after_duration) if is_dialled and offered else policy.DIALLING
    yield from _postponed(domain, contact, 0, reason, context.now + rest, context)


def apply_begun(state: AcdState, event: CallbackBegun, context: Context) -> None:
    """Put it back in its line."""
    domain = state.domain(context.tenant)
    contact = domain.contact(event.contact_id)
    state.timers.cancel(timing.callback_key(context.tenant, event.contact_id))
    domain.put_contact(replace(contact, stage=Stage.WAITING, callback=_resting_until(contact, None)))


def apply_cleared(state: AcdState, event: CallbackCleared, context: Context) -> None:
    """Keep whose it is, and begin the time of dialling now."""
    domain = state.domain(context.tenant)
    contact, agent = domain.contact(event.contact_id), domain.agent(event.agent_id)
    callback = replace(contact.callback or Callback(), is_cleared=True)
    domain.put_contact(replace(contact, step_no=event.step_no, customer_id=event.customer_id, callback=callback))
    if dialling := agent.work_on(event.contact_id):
        work = replace(dialling, expires_time=event.expires_time)
        domain.put_agent(with_work(agent, work, context.now), context.now)
    bookings.limit_joining(state, context.tenant, event.contact_id, event.offer_no, event.expires_time)


def apply_reached(state: AcdState, event: CallbackReached, context: Context) -> None:
    """Put it before all others; who was kept is given back. From now on its customer holds on (rule 16)."""
    domain = state.domain(context.tenant)
    contact = domain.contact(event.contact_id)
    callback = replace(contact.callback or Callback(), begins_time=None, reached_time=context.now, is_kept=False)
    waiting = replace(contact, stage=Stage.WAITING, agent_id="", step_no=event.step_no, reserved=0, callback=callback)
    reached = replace(waiting, longest_wait=domain.queue(contact.queue_id).definition.longest_wait)
    domain.put_contact(reached)
    limits.set_timer(state, context.tenant, reached)
    if event.agent_id:
        _give_back(state, contact, event.agent_id, context)
    state.timers.cancel(timing.callback_key(context.tenant, event.contact_id))


def apply_postponed(state: AcdState, event: CallbackPostponed, context: Context) -> None:
    """Give the agent's units back, and let the call-back rest."""
    domain = state.domain(context.tenant)
    contact = domain.contact(event.contact_id)
    resting = replace(
        contact,
        stage=Stage.SCHEDULED,
        agent_id="",
        step_no=max(contact.step_no, event.step_no),
        callback=_resting_until(contact, event.next_attempt_time),
    )
    domain.put_contact(resting)
    _give_back(state, contact, event.agent_id, context)
    set_timer(state, context.tenant, resting)


def apply_attempted(state: AcdState, event: CallbackAttempted, context: Context) -> None:
    """Give the agent's units back, and let the call-back rest until its next attempt."""
    domain = state.domain(context.tenant)
    contact = domain.contact(event.contact_id)
    resting = replace(
        contact,
        stage=Stage.SCHEDULED,
        agent_id="",
        step_no=max(contact.step_no, event.step_no),
        callback=replace(_resting_until(contact, event.next_attempt_time), attempts=event.attempt),
    )
    domain.put_contact(resting)
    _give_back(state, contact, event.agent_id, context)
    set_timer(state, context.tenant, resting)


def apply_ended(state: AcdState, event: CallbackEnded, context: Context) -> None:
    """Nobody has it any more."""
    domain = state.domain(context.tenant)
    contact = domain.contact(event.contact_id)
    timing.cancel_waiting(state, context.tenant, contact)
    state.timers.cancel(timing.callback_key(context.tenant, event.contact_id))
    domain.put_contact(replace(contact, stage=Stage.ENDED, excluded=frozenset()))
    domain.queues.put(event.queue_id, with_callback_end(domain.queue(event.queue_id), reached=False))


def set_timer(state: AcdState, tenant: str, contact: Contact) -> None:
    """Start the time until a call-back waits again."""
    if contact.callback and contact.callback.begins_time:
        key = timing.callback_key(tenant, contact.contact_id)
        command = commands.BeginCallback(contact.contact_id)
        state.timers.set(Timer(key, contact.callback.begins_time, tenant, command))


def _about_to_dial(domain: Domain, command: commands.ClearCallback | commands.PostponeCallback) -> Contact | None:
    """Return the call-back of which the command names the attempt; None where it is stale."""
    if is_repeated(domain, command.contact_id, command.step_no):
        return None
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    is_current = (command.segment_no, command.offer_no) == (contact.segment_no, contact.offer_no)
    return contact if is_current and contact.is_to_dial and contact.stage is Stage.CONNECTING else None


def _check_reached(contact: Contact, command: commands.ReportCallbackReached) -> None:
    if contact.is_reached:
        raise Rejection("CallbackAlreadyReached")
    was_dialled = command.segment_no == contact.segment_no and 0 < command.offer_no <= contact.newest_offer_no
    if not (contact.callback and contact.is_open and was_dialled):
        raise Rejection("OfferNotLive")


def _offer_reached(domain: Domain, contact_id: str, kept_id: str, context: Context) -> Iterator[Event]:
    """Offer it to who was kept, also where that agent wants a break afterwards; else to whom rule 8 finds."""
    contact = domain.contact(contact_id)
    if kept_id and _can_take(agent := domain.agent(kept_id), contact):
        explanation = explain_pull(domain, contact, agent, Trigger.CALLBACK_REACHED, context.now)
        yield offered(domain, contact, agent, explanation, context)
    else:
        yield from limits.take_back(domain, contact_id, Trigger.CALLBACK_REACHED, context)


def _can_take(agent: Agent, contact: Contact) -> bool:
    """Tell whether the agent is there, and has room: a new definition may take no calls any more (rule 2)."""
    is_at_desk = agent.connectivity is Connectivity.CONNECTED and not agent.not_responding
    return is_at_desk and agent.intent is Intent.AVAILABLE and has_room(agent, contact.channel)


def _give_back(state: AcdState, contact: Contact, agent_id: str, context: Context) -> None:
    """Free the agent of a call-back as it was while the agent had it."""
    domain = state.domain(context.tenant)
    domain.put_agent(without_work(domain.agent(agent_id), contact.contact_id, context.now), context.now)
    timing.cancel_offer(state, context.tenant, contact, contact.offer_no)


def _check_request(domain: Domain, contact: Contact, customer_id: str) -> None:
    queue = domain.queue(contact.queue_id)
    offered = queue.definition.callback
    if contact.callback or domain.has_other_callback(contact.contact_id, customer_id):
        raise Rejection("CallbackAlreadyOpen")
    if offered is None or contact.channel is not Channel.VOICE:
        raise Rejection("CallbackNotOffered")
    if contact.stage is not Stage.WAITING:
        raise Rejection("ContactNotWaiting")
    if queue.callbacks_open >= offered.max_open:
        raise Rejection("TooManyCallbacks")


def _begins(not_before_time: datetime | None, now: datetime) -> datetime | None:
    if not_before_time is None or not_before_time <= now:
        return None
    if not_before_time - now > policy.LONGEST_DURATION:
        raise Invalid("not_before_time", f"must be within {policy.LONGEST_DURATION.days} days")
    return not_before_time


def _opened(
    contact: Contact, step_no: int, customer_id: str, begins_time: datetime | None, now: datetime
) -> ContactEnqueued:
    """Return the entry of the call-back: asked for later it ages only from then, else it keeps age and rings."""
    shift = begins_time - now if begins_time else contact.entered_time - now
    return ContactEnqueued(
        contact_id=contact.contact_id,
        step_no=step_no,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no + 1,
        channel=contact.channel,
        value_permille=contact.value_permille,
        urgency_permille=contact.urgency_permille,
        requirements=requirements_in(contact.requirements),
        rings=tuple(_shifted(ring, shift) for ring in contact.rings),
        aged_since_time=begins_time or contact.aged_since_time,
        own_requirements=requirements_in(contact.own_requirements),
        customer_id=customer_id,
        choices=choices_in(contact.requirements),
        own_choices=choices_in(contact.own_requirements),
        callback=True,
        callback_begins_time=begins_time,
    )


def _shifted(ring: Ring, shift: timedelta) -> Ring:
    return replace(ring, after_duration=max(timedelta(0), ring.after_duration + shift))


def _attempted(
    domain: Domain, contact: Contact, step_no: int, outcome: CallbackOutcome, reason: str, context: Context
) -> Iterator[Event]:
    attempt = (contact.callback.attempts if contact.callback else 0) + 1
    offered = domain.queue(contact.queue_id).definition.callback
    next_time = _next_attempt(offered, attempt, context.now) if outcome is not CallbackOutcome.WITHDRAWN else None
    yield CallbackAttempted(
        contact_id=contact.contact_id,
        step_no=step_no,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        agent_id=contact.agent_id,
        attempt=attempt,
        outcome=outcome,
        next_attempt_time=next_time,
    )
    if next_time is None:
        yield _ended(domain.contact(contact.contact_id), outcome, reason, context)
    yield from offer_to_agent(domain, contact.agent_id, Trigger.AGENT_BECAME_FREE, context)


def _postponed(
    domain: Domain, contact: Contact, step_no: int, reason: str, until: datetime | None, context: Context
) -> Iterator[Event]:
    """It rests until then; without a time, or with one behind its life, it is withdrawn."""
    soonest = context.now + policy.SHORTEST_REST
    next_time = max(until, soonest) if until and until <= _dies(contact) else None
    yield CallbackPostponed(
        contact_id=contact.contact_id,
        step_no=step_no,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        agent_id=contact.agent_id,
        reason=reason,
        next_attempt_time=next_time,
    )
    if next_time is None:
        yield _ended(domain.contact(contact.contact_id), CallbackOutcome.WITHDRAWN, reason, context)
    yield from offer_to_agent(domain, contact.agent_id, Trigger.AGENT_BECAME_FREE, context)


def _dies(contact: Contact) -> datetime:
    """Return until when it may be dialled: one for later lives from the time that was asked for."""
    return max(contact.entered_time, contact.aged_since_time) + policy.CALLBACK_LIFE


def _next_attempt(offered: CallbackPolicy | None, attempt: int, now: datetime) -> datetime | None:
    """Return when to dial again; None where this was the last, or the queue calls nobody back any more."""
    return now + offered.retry_after_duration if offered and attempt < offered.max_attempts else None


def _ended(contact: Contact, outcome: CallbackOutcome, reason: str, context: Context) -> CallbackEnded:
    return CallbackEnded(
        contact_id=contact.contact_id,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        outcome=outcome,
        reason=reason,
        wait_duration=context.now - contact.entered_time,
        attempts=contact.callback.attempts if contact.callback else 0,
    )


def _resting_until(contact: Contact, begins_time: datetime | None) -> Callback:
    return replace(contact.callback or Callback(), begins_time=begins_time, is_kept=False)
