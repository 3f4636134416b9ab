"""Attended transfer and conference: the agent who has a contact asks a colleague about it (rule 19).

Owns: that a contact has one agent and at most one colleague who is asked, whose units are booked with the offer and
come back once, however it ends; who has the contact when one of them leaves. Who hears or reads whom is channels'.
Must not: end the segment that was answered once more, or count a miss: a colleague who was picked by hand says nothing
about the queues' offers.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.replacing import replace
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, named_agents, policy, timing, wrap_ups
from trunkline_acd.domain.agents import begun_work, is_unreachable, with_recent_work, with_work, without_work
from trunkline_acd.domain.contacts import Consultation, ConsultationStage, Contact, Stage
from trunkline_acd.domain.definitions import check_id, lease_of
from trunkline_acd.domain.events import (
    ConsultationAccepted,
    ConsultationCompleted,
    ConsultationConnected,
    ConsultationEnded,
    ConsultationMerged,
    ConsultationOffered,
    ContactReleased,
    Event,
)
from trunkline_acd.domain.joining import FAILURES
from trunkline_acd.domain.matching import offer_to_agent
from trunkline_acd.domain.misses import block
from trunkline_acd.domain.parked_chats import is_parked
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.steps import connected_contact, contact_for, is_repeated
from trunkline_acd.domain.words import Connectivity, ConsultationEndReason, Trigger, WorkState

_TALKING = (ConsultationStage.TALKING, ConsultationStage.CONFERENCE)


def consult(domain: Domain, command: commands.ConsultAgent, context: Context) -> Iterator[Event]:
    """Let the contact ring at the colleague, who needs room for it and no skill: whom to ask is the agent's choice.

    Raises: Invalid; NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotConnected`, `ContactParked`,
    `ConsultationUnderWay`, `AgentNotConnected`, `AgentNotReady`, `AgentHasNoRoom`, `AgentWrapsItUp`).
    """
    check_id("colleague_id", command.colleague_id)
    if command.colleague_id == command.agent_id:
        raise Invalid("colleague_id", "must be another agent")
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = connected_contact(domain, command.contact_id, command.agent_id, command.segment_no)
    if is_parked(domain, contact):
        raise Rejection("ContactParked")
    check_alone(contact)
    colleague = domain.agent(command.colleague_id)
    named_agents.check_there(colleague)
    named_agents.check_room(colleague, contact)
    yield ConsultationOffered(
        contact_id=contact.contact_id,
        step_no=command.step_no,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        offer_no=contact.next_offer_no,
        agent_id=colleague.agent_id,
        asked_by_agent_id=contact.agent_id,
        channel=contact.channel,
        expires_time=context.now + lease_of(domain.queue(contact.queue_id).definition, contact.channel),
    )


def is_asked(domain: Domain, command: commands.AcceptOffer | commands.DeclineOffer) -> bool:
    """Tell whether the agent answers a consultation that is not over."""
    contact = domain.contacts.get(command.contact_id)
    asked = contact.consultation if contact else None
    return asked is not None and (asked.agent_id, asked.offer_no) == (command.agent_id, command.offer_no)


def accept(state: AcdState, command: commands.AcceptOffer, context: Context) -> Iterator[Event]:
    """The colleague takes it; a repeated accept changes nothing, a late one is refused (`OfferNotLive`)."""
    contact = state.domain(context.tenant).contact(command.contact_id)
    if (asked := _asked(contact)).stage is ConsultationStage.OFFERED:
        _check_lease(state, contact, context)
        place = (contact.contact_id, contact.segment_no, asked.offer_no)
        yield ConsultationAccepted(*place, asked.agent_id, contact.agent_id, context.now + policy.CONNECTING)


def decline(state: AcdState, command: commands.DeclineOffer, context: Context) -> Iterator[Event]:
    """The colleague does not take it. Raises: Rejection(`OfferNotLive`) once it was taken, or the lease is over."""
    domain = state.domain(context.tenant)
    contact = domain.contact(command.contact_id)
    if _asked(contact).stage is not ConsultationStage.OFFERED:
        raise Rejection("OfferNotLive")
    _check_lease(state, contact, context)
    yield from _end(domain, contact, ConsultationEndReason.DECLINED, 0, context)


def report_connected(
    domain: Domain, command: commands.ReportConsultationConnected, context: Context
) -> Iterator[Event]:
    """The colleague's leg is up. Raises: NotFound; Rejection(`ContactAlreadyEnded`, `OfferNotLive`)."""
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    asked = contact.consultation
    if asked is None or (command.segment_no, command.offer_no) != (contact.segment_no, asked.offer_no):
        raise Rejection("OfferNotLive")
    if asked.stage in _TALKING:
        return
    if asked.stage is not ConsultationStage.CONNECTING:
        raise Rejection("OfferNotLive")
    yield ConsultationConnected(*_step(contact, command.step_no), asked.agent_id, contact.agent_id)


def report_failed(domain: Domain, command: commands.ReportConsultationFailed, context: Context) -> Iterator[Event]:
    """The colleague's leg could not be joined; a report about a consultation that is over changes nothing.

    Raises: Invalid; NotFound; Rejection(`ContactAlreadyEnded`, `OfferNotLive`).
    """
    if command.reason not in FAILURES:
        raise Invalid("reason", f"must be one of {', '.join(sorted(FAILURES))}")
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    asked = contact.consultation
    if asked is None or (command.segment_no, command.offer_no) != (contact.segment_no, asked.offer_no):
        return
    if asked.stage is not ConsultationStage.CONNECTING:
        raise Rejection("OfferNotLive")
    yield ended(contact, ConsultationEndReason.CONNECT_FAILED, command.step_no)
    colleague = domain.agent(asked.agent_id)
    if command.reason == "unreachable" and not is_unreachable(colleague, contact.channel):
        yield from block(colleague, unreachable=True)  # one that is known to be lost blocks nobody (rule 4)
    yield from offer_to_agent(domain, asked.agent_id, Trigger.OFFER_ENDED, context)


def merge(domain: Domain, command: commands.MergeConsultation, context: Context) -> Iterator[Event]:
    """All three talk. Raises: NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotConnected`, `NoConsultation`,
    `ConsultationNotAnswered`).
    """
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = connected_contact(domain, command.contact_id, command.agent_id, command.segment_no)
    asked = _answered(contact)
    if asked.stage is not ConsultationStage.CONFERENCE:
        yield ConsultationMerged(*_step(contact, command.step_no), asked.agent_id, contact.agent_id)


def complete(domain: Domain, command: commands.CompleteConsultation, context: Context) -> Iterator[Event]:
    """The agent leaves and wraps up, the colleague has the contact. Raises: as `merge`."""
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = connected_contact(domain, command.contact_id, command.agent_id, command.segment_no)
    _answered(contact)
    yield from _hand_over(contact, wrap_ups.released(domain, contact, context), command.step_no)
    yield from offer_to_agent(domain, command.agent_id, Trigger.AGENT_BECAME_FREE, context)


def end(domain: Domain, command: commands.EndConsultation, context: Context) -> Iterator[Event]:
    """The agent who asked, or the colleague, ends it, and the former keeps the contact.

    Raises: NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotConnected`, `NoConsultation`).
    """
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    if contact.consultation is None or contact.segment_no != command.segment_no:
        raise Rejection("NoConsultation")
    reasons = {
        contact.agent_id: ConsultationEndReason.CANCELLED,
        contact.consultation.agent_id: ConsultationEndReason.COLLEAGUE_LEFT,
    }
    if command.agent_id not in reasons:
        raise Rejection("ContactNotConnected")
    yield from _end(domain, contact, reasons[command.agent_id], command.step_no, context)


def expire(state: AcdState, command: commands.ExpireConsultation, context: Context) -> Iterator[Event]:
    """It rang, or its leg was being joined, for long enough."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.consultation_key(context.tenant, command.contact_id), context):
        return
    contact = domain.contact(command.contact_id)
    asked = _asked(contact)
    rang = asked.stage is ConsultationStage.OFFERED
    reason = ConsultationEndReason.EXPIRED if rang else ConsultationEndReason.CONNECT_FAILED
    if domain.agent(asked.agent_id).connectivity is not Connectivity.CONNECTED:
        reason = ConsultationEndReason.COLLEAGUE_LOST
    yield from _end(domain, contact, reason, 0, context)


def check_alone(contact: Contact) -> None:
    """Raises: Rejection(`ConsultationUnderWay`), where a colleague is asked about the contact."""
    if contact.consultation is not None:
        raise Rejection("ConsultationUnderWay")


def over(contact: Contact, reason: ConsultationEndReason) -> Iterator[ConsultationEnded]:
    """Let what may be under way end with its contact."""
    if contact.consultation is not None:
        yield ended(contact, reason)


def sent_away(contact: Contact, *, is_forced: bool) -> ConsultationEnded:
    """Return the end of what rings at a colleague who goes, or is sent away by a supervisor."""
    return ended(contact, ConsultationEndReason.SUPERSEDED if is_forced else ConsultationEndReason.DECLINED)


def colleague_lost(contact: Contact) -> ConsultationEnded:
    """Return the end of a consultation with a colleague whose desk did not come back."""
    return ended(contact, ConsultationEndReason.COLLEAGUE_LOST)


def asker_lost(domain: Domain, contact: Contact, context: Context) -> Iterator[Event]:
    """The desk of who has the call did not come back: the last one in a conference has it, any other is over."""
    asked = contact.consultation
    if asked is not None and asked.stage is ConsultationStage.CONFERENCE:
        yield from _hand_over(contact, replace(wrap_ups.lost(domain, contact, context), desk_lost=False), 0)
        return
    yield from over(contact, ConsultationEndReason.ASKER_LOST)
    yield wrap_ups.lost(domain, contact, context)
    if asked is not None:
        yield from offer_to_agent(domain, asked.agent_id, Trigger.OFFER_ENDED, context)


def ended(contact: Contact, reason: ConsultationEndReason, step_no: int = 0) -> ConsultationEnded:
    """Return the end of the contact's consultation."""
    return ConsultationEnded(*_step(contact, step_no), _asked(contact).agent_id, contact.agent_id, reason)


def apply_offered(state: AcdState, event: ConsultationOffered, context: Context) -> None:
    """Book the colleague's units and start the lease."""
    domain, now = state.domain(context.tenant), context.now
    contact = domain.contact(event.contact_id)
    asked = Consultation(event.agent_id, event.offer_no)
    domain.put_contact(replace(contact, step_no=event.step_no, consultation=asked, newest_offer_no=event.offer_no))
    begun = begun_work(event, WorkState.OFFERED, channel=event.channel, entered_time=contact.entered_time, now=now)
    work = replace(begun, expires_time=event.expires_time, asked_by=event.asked_by_agent_id)
    domain.put_agent(with_work(domain.agent(event.agent_id), work, now), now)
    _set_timer(state, event, context)


def apply_accepted(state: AcdState, event: ConsultationAccepted, context: Context) -> None:
    """Start to join the colleague's leg."""
    domain, now = state.domain(context.tenant), context.now
    _put_stage(domain, event.contact_id, ConsultationStage.CONNECTING)
    agent = domain.agent(event.agent_id)
    if offered := agent.work_on(event.contact_id):
        joining = replace(offered, state=WorkState.CONNECTING, since_time=now, expires_time=event.expires_time)
        domain.put_agent(with_work(agent, joining, now), now)
    _set_timer(state, event, context)


def apply_connected(state: AcdState, event: ConsultationConnected, context: Context) -> None:
    """The agents talk."""
    domain, now = state.domain(context.tenant), context.now
    _put_stage(domain, event.contact_id, ConsultationStage.TALKING, event.step_no)
    agent = domain.agent(event.agent_id)
    if joining := agent.work_on(event.contact_id):
        talking = replace(joining, state=WorkState.CONNECTED, since_time=now, expires_time=None)
        domain.put_agent(with_work(agent, talking, now), now)
    state.timers.cancel(timing.consultation_key(context.tenant, event.contact_id))


def apply_merged(state: AcdState, event: ConsultationMerged, context: Context) -> None:
    """All three talk."""
    _put_stage(state.domain(context.tenant), event.contact_id, ConsultationStage.CONFERENCE, event.step_no)


def apply_completed(state: AcdState, event: ConsultationCompleted, context: Context) -> None:
    """The colleague has the contact, and has had one more of late."""
    domain, now = state.domain(context.tenant), context.now
    contact, agent = domain.contact(event.contact_id), domain.agent(event.agent_id)
    domain.put_contact(
        replace(
            contact,
            stage=Stage.CONNECTED,
            step_no=max(contact.step_no, event.step_no),
            agent_id=event.agent_id,
            offer_no=event.offer_no,
            consultation=None,
        )
    )
    if talking := agent.work_on(event.contact_id):
        busier = with_recent_work(agent, talking.channel, now)
        is_callback, is_reached = contact.callback is not None, contact.is_reached
        own = replace(talking, asked_by="", since_time=now, callback=is_callback, callback_reached=is_reached)
        domain.put_agent(with_work(busier, own, now), now)


def apply_ended(state: AcdState, event: ConsultationEnded, context: Context) -> None:
    """Give the colleague's units back; what the colleague has been idle for stays: no contact of theirs ended."""
    domain, now = state.domain(context.tenant), context.now
    contact = domain.contact(event.contact_id)
    domain.put_contact(replace(contact, consultation=None, step_no=max(contact.step_no, event.step_no)))
    domain.put_agent(without_work(domain.agent(event.agent_id), event.contact_id, now), now)
    state.timers.cancel(timing.consultation_key(context.tenant, event.contact_id))


def _hand_over(contact: Contact, released: ContactReleased, step_no: int) -> Iterator[Event]:
    asked = _asked(contact)
    yield released
    yield ConsultationCompleted(
        contact_id=contact.contact_id,
        step_no=step_no,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        offer_no=asked.offer_no,
        agent_id=asked.agent_id,
        asked_by_agent_id=contact.agent_id,
    )


def _end(
    domain: Domain, contact: Contact, reason: ConsultationEndReason, step_no: int, context: Context
) -> Iterator[Event]:
    yield ended(contact, reason, step_no)
    yield from offer_to_agent(domain, _asked(contact).agent_id, Trigger.OFFER_ENDED, context)


def _asked(contact: Contact) -> Consultation:
    assert contact.consultation is not None, "only asked of a contact with a consultation"
    return contact.consultation


def _answered(contact: Contact) -> Consultation:
    if contact.consultation is None:
        raise Rejection("NoConsultation")
    if contact.consultation.stage not in _TALKING:
        raise Rejection("ConsultationNotAnswered")
    return contact.consultation


def _step(contact: Contact, step_no: int) -> tuple[str, int, int, int]:
    return contact.contact_id, step_no, contact.segment_no, _asked(contact).offer_no


def _put_stage(domain: Domain, contact_id: str, stage: ConsultationStage, step_no: int = 0) -> None:
    contact = domain.contact(contact_id)
    asked = replace(_asked(contact), stage=stage)
    domain.put_contact(replace(contact, consultation=asked, step_no=max(contact.step_no, step_no)))


def _check_lease(state: AcdState, contact: Contact, context: Context) -> None:
    """Raises: Rejection(`OfferNotLive`), where the lease is over and its timer yet to fire."""
    if timing.is_due(state, timing.consultation_key(context.tenant, contact.contact_id), context):
        raise Rejection("OfferNotLive")


def _set_timer(state: AcdState, event: ConsultationOffered | ConsultationAccepted, context: Context) -> None:
    key = timing.consultation_key(context.tenant, event.contact_id)
    command = commands.ExpireConsultation(event.contact_id, event.offer_no)
    state.timers.set(Timer(key, event.expires_time, context.tenant, command, is_lease=True))
