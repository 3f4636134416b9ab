"""What a customer who waits chooses of the queue's menu (routing rule 18).

Owns: who has which choices and until when, and what each leads to: a call-back, another queue, a text, the end. A
choice moves nothing by itself: acd says whether the other queue takes the contact, and until then it waits on.
Must not: keep a contact from an agent; a choice after the accept is refused.
"""

from collections.abc import Iterator
from typing import assert_never

from trunkline_core import treatments as definitions
from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import UNKNOWN, Figures, TreatmentAction, TreatmentOption

from trunkline_channels.domain import callbacks, closing, commands, conversation, policy, steps
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.events import Event, TreatmentAnnounced, TreatmentOptionChosen
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Channel, CloseReason, ContactState, StepKind

CHANGED = LocalizedText(
    zh="已为您转到所选的队列,请稍候。",
    en="You are in the queue that you chose now. One moment, please.",
)
NOT_CHANGED = LocalizedText(
    zh="很抱歉,暂时无法将您转到所选的队列。您的位置保持不变,请稍候。",
    en="Sorry, you cannot be moved to the queue that you chose just now. You keep your place.",
)


def options_of(contact: Contact) -> tuple[TreatmentOption, ...]:
    """Return what the customer may choose now; who was called back has no menu."""
    is_offered = contact.is_treated and not contact.is_called_back and not contact.is_by_messages
    playing = contact.treatment if is_offered else None
    options = playing.definition.options if playing else ()
    return tuple(o for o in options if contact.can_be_called_back or o.action is not TreatmentAction.CALLBACK)


def takes_option(contact: Contact, option_id: str, text: str) -> str:
    """Return the key of the option that a button or a caller's key takes, empty for none: a chat's words are words."""
    pressed = option_id if contact.channel is Channel.CHAT else option_id or text
    return pressed if _option(contact, pressed) else ""


def choose(state: ChannelsState, command: commands.ChooseTreatmentOption, context: Context) -> Iterator[Event]:
    """The customer chose.

    Raises: Rejection(`ContactClosed`, `InputNotAwaited` for what is not offered, also after the accept,
    `ChoiceUnderWay`, `TooManyChoices`, `RingsAlready`, `CallbackNotPossible`).
    """
    contact = closing.live(state, command.contact_id, context.tenant)
    option = _option(contact, command.digit)
    if option is None:
        raise Rejection("InputNotAwaited")
    if contact.is_on_its_way:
        raise Rejection("ChoiceUnderWay")
    if contact.choices >= policy.MAX_CHOICES:
        raise Rejection("TooManyChoices")
    if option.action is TreatmentAction.QUEUE and contact.state is not ContactState.QUEUED:
        raise Rejection("RingsAlready")
    yield TreatmentOptionChosen(contact.contact_id, contact.segment_no, option.digit, option.action, option.queue_id)
    yield from _carried_out(state, contact.contact_id, option, context)


def is_asked_for(contact: Contact, step_no: int) -> bool:
    """Tell whether acd is asked in that step for what a chosen text says."""
    return contact.treatment is not None and contact.treatment.asked_step_no == step_no


def answer(state: ChannelsState, contact: Contact, figures: Figures) -> Iterator[Event]:
    """Say the text for which acd was asked, with what is known."""
    option = _option(contact, contact.treatment.asked_digit) if contact.treatment else None
    assert option is not None, "whoever does not wait any more asks no more"
    yield from _say(state, contact, option, figures)


def keep_place(state: ChannelsState, contact_id: str) -> Iterator[Event]:
    """acd does not let the contact change its queue: say so, unless an agent has it meanwhile."""
    contact = state.contacts.get(contact_id)
    if contact is not None and contact.is_treated:
        yield from conversation.tell(state, contact_id, NOT_CHANGED)


def changed(state: ChannelsState, contact: Contact, step_no: int) -> Iterator[Event]:
    """acd has it in a queue: say so where the customer chose that; the contact is as it was before."""
    if steps.answers(contact, step_no, StepKind.CHANGE_QUEUE):
        yield from conversation.tell(state, contact.contact_id, CHANGED)


def apply_chosen(state: ChannelsState, contact: Contact, event: TreatmentOptionChosen) -> None:
    """Count it, and remember what follows."""
    playing, option = contact.treatment, _option(contact, event.digit)
    if playing is not None and option is not None and _needs_figures(option):
        playing = replace(playing, asked_digit=event.digit, asked_step_no=contact.step_no + 1)
    wanted = event.queue_id or contact.wanted_queue_id
    state.put(replace(contact, treatment=playing, choices=contact.choices + 1, wanted_queue_id=wanted))


def _carried_out(state: ChannelsState, contact_id: str, option: TreatmentOption, context: Context) -> Iterator[Event]:
    match option.action:
        case TreatmentAction.CALLBACK:
            yield from callbacks.request(state, commands.RequestCallback(contact_id, None), context)
        case TreatmentAction.QUEUE:
            yield from steps.begin(state, contact_id, StepKind.CHANGE_QUEUE)
        case TreatmentAction.ANNOUNCE:
            yield from _announced(state, contact_id, option)
        case TreatmentAction.END:
            yield from closing.end(state, contact_id, CloseReason.CUSTOMER_LEFT)
        case TreatmentAction.UNSPECIFIED:
            return
        case _:
            assert_never(option.action)


def _announced(state: ChannelsState, contact_id: str, option: TreatmentOption) -> Iterator[Event]:
    contact = state.contacts.get(contact_id)
    assert contact is not None, "it was there a moment ago"
    if _needs_figures(option):
        yield from steps.begin(state, contact_id, StepKind.ASK_WAIT)
    else:
        yield from _say(state, contact, option, UNKNOWN)


def _say(state: ChannelsState, contact: Contact, option: TreatmentOption, figures: Figures) -> Iterator[Event]:
    assert contact.treatment is not None
    step_no = contact.treatment.definition.menu_step
    yield TreatmentAnnounced(contact.contact_id, contact.segment_no, step_no, option.digit)
    said = definitions.rendered(option.text, figures) if option.text else None
    yield from conversation.tell(state, contact.contact_id, said)


def _needs_figures(option: TreatmentOption) -> bool:
    return option.text is not None and definitions.tells_figures(option.text)


def _option(contact: Contact, digit: str) -> TreatmentOption | None:
    return next((option for option in options_of(contact) if option.digit == digit), None)
