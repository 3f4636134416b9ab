"""A contact's row as the view that peers and desks get, with its texts opened.

Owns: the shape of the view. Must not: decide who may see it; the entry points do.
"""

from typing import Final

from trunkline.contact.v1 import contact_types_pb2 as types
from trunkline.contact.v1.contact_service_pb2 import Dial
from trunkline.directory.v1 import directory_types_pb2 as directory
from trunkline_core.flows import MenuOption
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import (
    UNKNOWN,
    AnnouncementStep,
    CallbackOfferStep,
    Figures,
    MenuStep,
    MusicStep,
    PauseStep,
    TreatmentOption,
    TreatmentStep,
    rendered,
)
from trunkline_platform.sealing import Sealer
from trunkline_platform.wire import Mapper, duration, timestamp

from trunkline_channels.adapters.enums import channel_value
from trunkline_channels.domain.contact import Consultation, Contact, Message, Monitoring, Note, Prompt, Whisper
from trunkline_channels.domain.legs import Leg, legs_of
from trunkline_channels.domain.menus import options_of
from trunkline_channels.domain.words import Channel

_TEXT = Mapper(LocalizedText, directory.LocalizedText)
_OPTION = Mapper(MenuOption, directory.MenuOption)
_OF_THE_HOUSE: Final = ("monitoring", "monitoring_end", "consultation", "consultation_refusal", "consultation_end")


async def contact_view(
    contact: Contact, sealer: Sealer, after: int, upto: int, figures: Figures = UNKNOWN, *, for_agents: bool
) -> types.ContactView:
    """Return the whole state with messages number `after + 1` to `upto`; notes and whispers only `for_agents`.

    `figures` of its wait. Raises: Transient.
    """
    view = await _whole(contact, sealer, after, upto, figures)
    if not for_agents:
        return _for_customer(view)
    view.notes.extend([await _note(note, contact, sealer) for note in contact.notes])
    view.whispers.extend([await _whisper(whisper, contact, sealer) for whisper in contact.whispers])
    if contact.consultation and contact.consultation.note:
        view.consultation.note = await sealer.open(contact.consultation.note, contact.tenant) or ""
    return view


def _for_customer(view: types.ContactView) -> types.ContactView:
    """In a chat whoever writes is somebody of the house; of a call the gateway has to know whose the legs are."""
    for message in view.messages:
        if message.author == types.Author.AUTHOR_SUPERVISOR:
            message.author = types.Author.AUTHOR_AGENT
        message.supervisor_id = ""
    if view.channel == channel_value(Channel.CHAT):
        for name in _OF_THE_HOUSE:
            view.ClearField(name)
    return view


async def _whole(contact: Contact, sealer: Sealer, after: int, upto: int, figures: Figures) -> types.ContactView:
    return types.ContactView(
        contact_id=contact.contact_id,
        version=contact.version,
        state=types.ContactState.Value(f"CONTACT_STATE_{contact.state.name}"),
        channel=channel_value(contact.channel),
        customer_id=contact.customer_id,
        queue_id=contact.queue_id,
        agent_id=contact.agent_id,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        prompt=_prompt(contact.prompt),
        close_reason=types.CloseReason.Value(f"CLOSE_REASON_{contact.close_reason.name}"),
        opened_time=timestamp(contact.opened_time),
        messages=[await _message(message, contact, sealer) for message in contact.messages[after:upto]],
        gathered={name: await sealer.open(text, contact.tenant) or "" for name, text in contact.gathered},
        locale=contact.locale,
        callback=types.CallbackState.Value(f"CALLBACK_STATE_{contact.callback.name}"),
        callback_refusal=contact.callback_refusal,
        transfer_queue_id=contact.transfer.queue_id if contact.transfer else "",
        transfer_refusal=contact.transfer_refusal,
        consultation=_consultation(contact.consultation),
        consultation_refusal=contact.consultation_refusal,
        consultation_end=contact.consultation_end,
        legs=[_leg(leg) for leg in legs_of(contact)],
        treatment=_treatment(contact, figures),
        monitoring=_monitoring(contact.monitoring),
        monitoring_end=contact.monitoring_end,
        taking_over_agent_id=contact.takes_over.agent_id if contact.takes_over else "",
        take_over_refusal=contact.take_over_refusal,
    )


async def dial_order(contact: Contact, sealer: Sealer) -> Dial:
    """Return the order to dial the customer of a call-back, with the address opened. Raises: Transient."""
    return Dial(
        contact_id=contact.contact_id,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        agent_id=contact.agent_id,
        address=await sealer.open(contact.address, contact.tenant) or "",
        customer_first=contact.dials_first,
    )


def gone_view(contact_id: str, version: int) -> types.ContactView:
    """Return the view of a contact that is over and left memory: nothing more is known of it."""
    return types.ContactView(contact_id=contact_id, version=version, state=types.ContactState.CONTACT_STATE_CLOSED)


async def _message(message: Message, contact: Contact, sealer: Sealer) -> types.MessageView:
    body = message.body
    if isinstance(body, LocalizedText):
        text = body.zh if contact.locale == "zh" else body.en
    else:
        text = await sealer.open(body, contact.tenant) or ""
    return types.MessageView(
        message_no=message.message_no,
        author=types.Author.Value(f"AUTHOR_{message.author.name}"),
        text=text,
        sent_time=timestamp(message.sent_time),
        agent_id=message.agent_id,
        supervisor_id=message.supervisor_id,
    )


async def _whisper(whisper: Whisper, contact: Contact, sealer: Sealer) -> types.WhisperView:
    return types.WhisperView(
        whisper_no=whisper.whisper_no,
        supervisor_id=whisper.supervisor_id,
        agent_id=whisper.agent_id,
        text=await sealer.open(whisper.body, contact.tenant) or "",
        sent_time=timestamp(whisper.sent_time),
        after_message_no=whisper.after_message_no,
        colleague_id=whisper.colleague_id,
        author_agent_id=whisper.author_agent_id,
    )


async def _note(note: Note, contact: Contact, sealer: Sealer) -> types.NoteView:
    return types.NoteView(
        agent_id=note.agent_id,
        text=await sealer.open(note.text, contact.tenant) or "",
        written_time=timestamp(note.written_time),
    )


def _consultation(asked: Consultation | None) -> types.ConsultationView | None:
    if asked is None:
        return None
    return types.ConsultationView(
        agent_id=asked.agent_id,
        offer_no=asked.offer_no,
        state=types.ConsultationState.Value(f"CONSULTATION_STATE_{asked.state.name}"),
        talks_to=types.Party.Value(f"PARTY_{asked.talks_to.name}"),
    )


def _treatment(contact: Contact, figures: Figures) -> types.TreatmentView | None:
    """A chat reads its announcements among the messages: it has the choices alone, if any."""
    playing = contact.treatment if contact.is_treated else None
    options = [_option(option) for option in options_of(contact)]
    if playing is None:
        return None
    if contact.channel is not Channel.VOICE:
        return types.TreatmentView(options=options) if options else None
    definition, wait = playing.definition, figures.wait_duration
    return types.TreatmentView(
        steps=[_treatment_step(step, contact, figures) for step in definition.steps],
        repeat_from_step=definition.repeat_from_step,
        began_time=timestamp(playing.began_time),
        callback_digit=definition.callback_digit if contact.can_be_called_back else "",
        position=figures.position,
        wait_duration=duration(wait) if wait is not None else None,
        options=options,
    )


def _option(option: TreatmentOption) -> types.TreatmentOptionView:
    action = directory.TreatmentAction.Value(f"TREATMENT_ACTION_{option.action.name}")
    return types.TreatmentOptionView(digit=option.digit, label=_TEXT.to_message(option.label), action=action)


def _treatment_step(step: TreatmentStep, contact: Contact, figures: Figures) -> types.TreatmentStepView:
    match step:
        case CallbackOfferStep() if not contact.can_be_called_back:
            return types.TreatmentStepView()  # nothing is said; the numbers of the others stay
        case MenuStep() if contact.is_called_back:
            return types.TreatmentStepView()
        case MusicStep():
            return types.TreatmentStepView(media=step.media, for_duration=duration(step.for_duration))
        case PauseStep():
            return types.TreatmentStepView(for_duration=duration(step.for_duration))
        case AnnouncementStep() | CallbackOfferStep() | MenuStep():
            said = rendered(step.text, figures)
            return types.TreatmentStepView(text=said.zh if contact.locale == "zh" else said.en)


def _monitoring(now: Monitoring | None) -> types.MonitoringView | None:
    if now is None:
        return None
    return types.MonitoringView(
        monitoring_no=now.monitoring_no,
        supervisor_id=now.supervisor_id,
        agent_id=now.agent_id,
        mode=types.MonitoringMode.Value(f"MONITORING_MODE_{now.mode.name}"),
        reason=now.reason,
        is_joined=now.is_joined,
    )


def _leg(leg: Leg) -> types.LegView:
    return types.LegView(
        role=types.LegRole.Value(f"LEG_ROLE_{leg.role.name}"),
        agent_id=leg.agent_id,
        offer_no=leg.offer_no,
        mode=types.LegMode.Value(f"LEG_MODE_{leg.mode.name}"),
        supervisor_id=leg.supervisor_id,
        monitoring_no=leg.monitoring_no,
    )


def _prompt(prompt: Prompt | None) -> types.PromptView | None:
    if prompt is None or not prompt.is_open:
        return None
    return types.PromptView(
        node_id=prompt.node_id,
        prompt=_TEXT.to_message(prompt.text) if prompt.text else None,
        options=[_OPTION.to_message(option) for option in prompt.options],
    )
