"""The connected agent asks a colleague about a contact: attended transfer and conference (routing rule 19).

Owns: what is asked of acd, and whom the agent of a call talks to meanwhile. Who is asked, who has the contact and when
it is over are acd's facts; until one arrives everybody hears whom they heard before.
Must not: know legs; `legs` says what the gateway does, and a chat has none.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.ids import check_id
from trunkline_core.replacing import replace

from trunkline_channels.domain import closing, commands, monitoring, notes, parking, policy, steps, take_overs, timing
from trunkline_channels.domain.contact import Consultation, Contact, Legs, without_step
from trunkline_channels.domain.events import (
    ConsultationAccepted,
    ConsultationCompleted,
    ConsultationConnected,
    ConsultationEnded,
    ConsultationLegJoined,
    ConsultationLegRefused,
    ConsultationMerged,
    ConsultationOffered,
    ConsultationRequested,
    ConsultationSwapped,
    Event,
)
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Channel, ConsultationState, ContactState, Party, StepKind

STEPS = (
    StepKind.CONSULT,
    StepKind.REPORT_CONSULTATION_CONNECTED,
    StepKind.REPORT_CONSULTATION_FAILED,
    StepKind.MERGE_CONSULTATION,
    StepKind.COMPLETE_CONSULTATION,
    StepKind.CANCEL_CONSULTATION,
    StepKind.LEAVE_CONSULTATION,
)
_TALKING = (ConsultationState.TALKING, ConsultationState.CONFERENCE)


def request(state: ChannelsState, command: commands.ConsultAgent, context: Context) -> Iterator[Event]:
    """Ask acd to let the contact ring at a colleague; asking for the same one again changes nothing.

    Raises: Invalid; NotFound; Rejection(`ContactClosed`, `NotConnectedToAgent`, `ContactParked`,
    `ConsultationUnderWay`, `TransferUnderWay`, `TakeOverUnderWay`).
    """
    contact = closing.live(state, command.contact_id, context.tenant)
    check_id("colleague_id", command.colleague_id)
    if command.colleague_id == command.agent_id:
        raise Invalid("colleague_id", "must be another agent")
    notes.check(command.note)
    yield from closing.as_connected(contact, command.agent_id)
    parking.check_at_hand(contact)
    if contact.transfer is not None:
        raise Rejection("TransferUnderWay")
    take_overs.check_none(contact)
    if contact.consultation is not None:
        if contact.consultation.agent_id == command.colleague_id:
            return
        raise Rejection("ConsultationUnderWay")
    yield ConsultationRequested(contact.contact_id, command.agent_id, command.colleague_id, note=command.note)
    yield from steps.begin(state, contact.contact_id, StepKind.CONSULT)


def talk_to(state: ChannelsState, command: commands.TalkTo, context: Context) -> Iterator[Event]:
    """Swap. Raises: Invalid; NotFound; Rejection(`ContactClosed`, `NotConnectedToAgent`, `NoConsultation`,
    `ConsultationNotAnswered`, `InConference`), or (`SwapNeedsCall`): in a chat each message says for whom it is.
    """
    contact, asked = _answered(state, command, context)
    if contact.channel is not Channel.VOICE:
        raise Rejection("SwapNeedsCall")
    if command.party is Party.UNSPECIFIED:
        raise Invalid("party", "must be set")
    if asked.state is ConsultationState.CONFERENCE:
        raise Rejection("InConference")
    if asked.talks_to is not command.party:
        yield ConsultationSwapped(contact.contact_id, contact.segment_no, asked.offer_no, command.party)


def merge(state: ChannelsState, command: commands.MergeConsultation, context: Context) -> Iterator[Event]:
    """Ask acd for a conference. Raises: NotFound; Rejection(`ContactClosed`, `NotConnectedToAgent`, `NoConsultation`,
    `ConsultationNotAnswered`, `ConsultationChanging`).
    """
    contact, asked = _answered(state, command, context)
    if asked.state is not ConsultationState.CONFERENCE:
        yield from _begin(state, contact, StepKind.MERGE_CONSULTATION)


def complete(state: ChannelsState, command: commands.CompleteConsultation, context: Context) -> Iterator[Event]:
    """Ask acd to give the contact to the colleague. Raises: as `merge`."""
    contact, _ = _answered(state, command, context)
    yield from _begin(state, contact, StepKind.COMPLETE_CONSULTATION)


def leave(state: ChannelsState, command: commands.LeaveConsultation, context: Context) -> Iterator[Event]:
    """Ask acd to end it, as the agent who has the contact or as the colleague.

    Raises: NotFound; Rejection(`ContactClosed`, `NotConnectedToAgent`, `NoConsultation`, `ConsultationChanging`).
    """
    contact = closing.live(state, command.contact_id, context.tenant)
    asked = contact.consultation
    if asked is None:
        raise Rejection("NoConsultation")
    if command.agent_id == asked.agent_id and asked.state in _TALKING:
        yield from _begin(state, contact, StepKind.LEAVE_CONSULTATION)
    elif command.agent_id == contact.agent_id:
        yield from _begin(state, contact, StepKind.CANCEL_CONSULTATION)
    else:
        raise Rejection("NotConnectedToAgent")


def is_of_leg(state: ChannelsState, command: commands.ConfirmConnect | commands.RefuseConnect) -> bool:
    """Tell whether the gateway speaks of the colleague's leg."""
    contact = state.contacts.get(command.contact_id)
    asked = contact.consultation if contact else None
    return asked is not None and asked.offer_no > 0 and asked.offer_no == command.offer_no


def confirm_leg(state: ChannelsState, command: commands.ConfirmConnect, context: Context) -> Iterator[Event]:
    """The colleague's leg is up; saying so again changes nothing. Raises: Rejection(`ConnectNotAwaited`)."""
    contact, asked = _of_leg(state, command, context)
    if asked.leg is Legs.JOINED:
        return
    _check_awaited(asked)
    yield from _join(state, contact, asked.offer_no)


def refuse_leg(state: ChannelsState, command: commands.RefuseConnect, context: Context) -> Iterator[Event]:
    """The colleague's leg failed. Raises: Invalid; Rejection(`ConnectNotAwaited`)."""
    contact, asked = _of_leg(state, command, context)
    if command.reason not in policy.LEG_FAILURES:
        raise Invalid("reason", f"must be one of {', '.join(sorted(policy.LEG_FAILURES))}")
    if asked.leg is Legs.REFUSED:
        return
    _check_awaited(asked)
    yield ConsultationLegRefused(contact.contact_id, contact.segment_no, asked.offer_no, command.reason)
    yield from steps.begin(state, contact.contact_id, StepKind.REPORT_CONSULTATION_FAILED)


def record(state: ChannelsState, command: commands.RecordConsultation, context: Context) -> Iterator[Event]:
    """acd says how far it is; what was said before, or of another one, changes nothing."""
    contact = state.contact(command.contact_id, context.tenant)
    if contact.state is not ContactState.CONNECTED or command.segment_no != contact.segment_no:
        return
    asked, place = contact.consultation, (contact.contact_id, command.segment_no, command.offer_no)
    is_current = asked is not None and asked.offer_no == command.offer_no
    before = asked.state.value if asked and is_current else 0
    match command.state:
        case ConsultationState.OFFERED if (command.segment_no, command.offer_no) > contact.newest_place:
            yield from monitoring.step_aside(contact, command.agent_id)
            yield ConsultationOffered(*place, command.agent_id)
        case ConsultationState.CONNECTING if before == ConsultationState.OFFERED.value:
            yield ConsultationAccepted(*place, command.agent_id)
            if contact.channel is Channel.CHAT:
                yield from _join(state, contact, command.offer_no)
        case ConsultationState.TALKING if 0 < before < ConsultationState.TALKING.value:
            yield ConsultationConnected(*place, command.agent_id)
        case ConsultationState.CONFERENCE if 0 < before < ConsultationState.CONFERENCE.value:
            yield ConsultationMerged(*place, command.agent_id)


def record_completed(
    state: ChannelsState, command: commands.RecordConsultationCompleted, context: Context
) -> Iterator[Event]:
    """The colleague has the contact."""
    contact = state.contact(command.contact_id, context.tenant)
    is_here = contact.state is ContactState.CONNECTED and command.segment_no == contact.segment_no
    if is_here and command.offer_no > contact.offer_no:
        place = (contact.contact_id, command.segment_no, command.offer_no)
        note = contact.consultation.note if contact.consultation else None
        yield from monitoring.step_aside(contact, command.agent_id)
        yield ConsultationCompleted(*place, command.agent_id, contact.agent_id)
        yield from notes.hand_on(contact, contact.agent_id, note)


def record_ended(state: ChannelsState, command: commands.RecordConsultationEnded, context: Context) -> Iterator[Event]:
    """It is over."""
    contact = state.contact(command.contact_id, context.tenant)
    asked = contact.consultation
    if asked is not None and (command.segment_no, command.offer_no) == (contact.segment_no, asked.offer_no):
        place = (contact.contact_id, command.segment_no, command.offer_no)
        yield ConsultationEnded(*place, asked.agent_id, command.reason)


def is_merged_in(contact: Contact, agent_id: str) -> bool:
    """Tell whether this is the colleague of a conference, who talks to the customer as the agent does."""
    asked = contact.consultation
    return asked is not None and asked.state is ConsultationState.CONFERENCE and asked.agent_id == agent_id


def refused(contact: Contact, rule: str) -> Contact:
    """Return the row after acd refused a step; what acd never had is gone, what it has no more ends by its fact."""
    asked = contact.consultation
    is_gone = asked is not None and asked.state is ConsultationState.REQUESTED
    return replace(contact, consultation=None if is_gone else asked, consultation_refusal=rule)


def apply_requested(state: ChannelsState, contact: Contact, event: ConsultationRequested) -> None:
    """Remember who is asked."""
    asked = Consultation(event.colleague_id, note=event.note)
    state.put(replace(contact, consultation=asked, consultation_refusal="", consultation_end=""))


def apply_offered(state: ChannelsState, contact: Contact, event: ConsultationOffered) -> None:
    """It rings there, and nothing parks the chat, also where its request is forgotten here."""
    timing.stop_watching(state, contact.contact_id, timing.PARKING)
    before = contact.consultation
    note = before.note if before is not None and before.agent_id == event.agent_id else None
    asked = Consultation(event.agent_id, event.offer_no, ConsultationState.OFFERED, note=note)
    rung = without_step(contact, StepKind.CONSULT)
    state.put(replace(rung, consultation=asked, newest_offer_no=event.offer_no))


def apply_accepted(state: ChannelsState, contact: Contact, _: ConsultationAccepted) -> None:
    """The gateway is to bring up the leg."""
    _put(state, contact, replace(_asked(contact), state=ConsultationState.CONNECTING, leg=Legs.AWAITED))


def apply_leg_joined(state: ChannelsState, contact: Contact, _: ConsultationLegJoined) -> None:
    """Remember the gateway's answer."""
    _put(state, contact, replace(_asked(contact), leg=Legs.JOINED))


def apply_leg_refused(state: ChannelsState, contact: Contact, event: ConsultationLegRefused) -> None:
    """Remember the gateway's answer."""
    _put(state, contact, replace(_asked(contact), leg=Legs.REFUSED, failure=event.reason))


def apply_connected(state: ChannelsState, contact: Contact, _: ConsultationConnected) -> None:
    """The agents talk."""
    reported = without_step(contact, StepKind.REPORT_CONSULTATION_CONNECTED, StepKind.REPORT_CONSULTATION_FAILED)
    _put(state, reported, replace(_asked(reported), state=ConsultationState.TALKING, leg=Legs.JOINED))


def apply_swapped(state: ChannelsState, contact: Contact, event: ConsultationSwapped) -> None:
    """Remember whom the agent talks to."""
    _put(state, contact, replace(_asked(contact), talks_to=event.talks_to))


def apply_merged(state: ChannelsState, contact: Contact, _: ConsultationMerged) -> None:
    """All three talk."""
    merged = without_step(contact, StepKind.MERGE_CONSULTATION)
    _put(state, merged, replace(_asked(merged), state=ConsultationState.CONFERENCE, leg=Legs.JOINED))


def apply_completed(state: ChannelsState, contact: Contact, event: ConsultationCompleted, context: Context) -> None:
    """The colleague has the contact."""
    done = without_step(contact, *STEPS)
    handed = replace(done, consultation=None, agent_id=event.agent_id, offer_no=event.offer_no)
    state.put(handed)
    parking.watch(state, handed, context)


def apply_ended(state: ChannelsState, contact: Contact, event: ConsultationEnded, context: Context) -> None:
    """Who asked keeps the contact."""
    kept = replace(without_step(contact, *STEPS), consultation=None, consultation_end=event.reason)
    state.put(kept)
    parking.watch(state, kept, context)


def _put(state: ChannelsState, contact: Contact, asked: Consultation) -> None:
    state.put(replace(contact, consultation=asked))


def _asked(contact: Contact) -> Consultation:
    assert contact.consultation is not None, "only events of a consultation change one"
    return contact.consultation


def _answered(
    state: ChannelsState,
    command: commands.TalkTo | commands.MergeConsultation | commands.CompleteConsultation,
    context: Context,
) -> tuple[Contact, Consultation]:
    contact = closing.live(state, command.contact_id, context.tenant)
    if contact.state is not ContactState.CONNECTED or contact.agent_id != command.agent_id:
        raise Rejection("NotConnectedToAgent")
    if contact.consultation is None:
        raise Rejection("NoConsultation")
    if contact.consultation.state not in _TALKING:
        raise Rejection("ConsultationNotAnswered")
    return contact, contact.consultation


def _begin(state: ChannelsState, contact: Contact, kind: StepKind) -> Iterator[Event]:
    """Ask acd, unless it is asked already; who hands the contact over has done so: nothing overtakes that."""
    step = contact.step
    if step is not None and step.kind is kind:
        return
    if step is not None and step.kind is StepKind.COMPLETE_CONSULTATION:
        raise Rejection("ConsultationChanging")
    yield from steps.begin(state, contact.contact_id, kind)


def _join(state: ChannelsState, contact: Contact, offer_no: int) -> Iterator[Event]:
    """The colleague's leg is up, or none is needed: tell acd, unless the agent is taking it back by now."""
    yield ConsultationLegJoined(contact.contact_id, contact.segment_no, offer_no)
    if contact.step is None or contact.step.kind is not StepKind.CANCEL_CONSULTATION:
        yield from steps.begin(state, contact.contact_id, StepKind.REPORT_CONSULTATION_CONNECTED)


def _of_leg(
    state: ChannelsState, command: commands.ConfirmConnect | commands.RefuseConnect, context: Context
) -> tuple[Contact, Consultation]:
    contact = closing.live(state, command.contact_id, context.tenant)
    if contact.consultation is None or command.segment_no != contact.segment_no:
        raise Rejection("ConnectNotAwaited")
    return contact, contact.consultation


def _check_awaited(asked: Consultation) -> None:
    if asked.leg is not Legs.AWAITED:
        raise Rejection("ConnectNotAwaited")
