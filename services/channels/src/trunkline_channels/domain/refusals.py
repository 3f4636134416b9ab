"""Answers to steps that say no for good.

Owns: what each refusal means: no start and no queue close the contact, a refused report or change of queue lets it wait
on, a refused transfer or consultation leaves it with its agent.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.texts import LocalizedText

from trunkline_channels.domain import callbacks, closing, commands, consultations, conversation, menus, opening, parking
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.events import CustomerIdentified, Event, StepRefused
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import CallbackState, CloseReason, StepKind

APOLOGY = LocalizedText(
    zh="很抱歉,现在无法为您接通,请稍后再试。",
    en="Sorry, we cannot take you at the moment. Please try again later.",
)
_CLOSING = (StepKind.START_SESSION, StepKind.ENQUEUE)
_MOVING = (StepKind.TRANSFER, StepKind.TAKE_OVER, *consultations.STEPS)
_LEFT_ALONE = StepKind.REPORT_CALLBACK_REACHED
_CLEANING = (StepKind.END_AT_ACD, StepKind.END_SESSION)


def refuse(state: ChannelsState, command: commands.RefuseStep, context: Context) -> Iterator[Event]:
    """A step was refused for good; one that was overtaken meanwhile changes nothing."""
    contact = state.contact(command.contact_id, context.tenant)
    step = contact.step
    if step is None or step.step_no != command.step_no:
        return
    yield StepRefused(contact.contact_id, command.step_no, command.rule)
    if step.kind is StepKind.RESOLVE_CUSTOMER:
        yield from opening.go_on(state, CustomerIdentified(contact.contact_id, ""))
    elif step.kind in _CLOSING:
        yield from conversation.tell(state, contact.contact_id, APOLOGY)
        yield from closing.end(state, contact.contact_id, CloseReason.REFUSED, command.rule)
    elif step.kind is _LEFT_ALONE:  # acd would never have anybody talk to who is on the line
        yield from closing.end(state, contact.contact_id, CloseReason.REFUSED, command.rule)
    elif step.kind is StepKind.REQUEST_CALLBACK:
        yield from callbacks.give_up_without_caller(state, contact.contact_id)
    elif step.kind is StepKind.CHANGE_QUEUE:
        yield from menus.keep_place(state, contact.contact_id)
    elif step.kind in _MOVING:
        yield from parking.resume_unanswered(state, contact.contact_id)
    elif step.kind in _CLEANING:
        yield from closing.clean_up(state, contact.contact_id)


def apply_refused(state: ChannelsState, contact: Contact, event: StepRefused, context: Context) -> None:
    """Clear the step; after a refused input the question stands open again."""
    step = contact.step
    if step is None or step.step_no != event.step_no:
        return
    if step.kind in _CLEANING:
        closing.forget(state, contact, step.kind, context)
        return
    prompt = contact.prompt
    if prompt is not None and step.kind is StepKind.ADVANCE_SESSION:
        prompt = replace(prompt, is_open=True)
    if step.kind is StepKind.REQUEST_CALLBACK:
        contact = replace(contact, callback=CallbackState.UNSPECIFIED, callback_refusal=event.rule)
    if step.kind is StepKind.TRANSFER:
        contact = replace(contact, transfer=None, transfer_refusal=event.rule)
    if step.kind is StepKind.TAKE_OVER:
        contact = replace(contact, take_over=None, take_over_refusal=event.rule)
    if step.kind in consultations.STEPS:
        contact = consultations.refused(contact, event.rule)
    in_session = contact.in_session and step.kind is not StepKind.START_SESSION
    refused = replace(contact, step=None, prompt=prompt, in_session=in_session)
    state.put(refused)
    if step.kind in _MOVING:
        parking.watch(state, refused, context)
