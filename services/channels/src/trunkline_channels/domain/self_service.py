"""The flow's side of a contact: what ivr says and asks, what the customer answers, and how it ends.

Owns: that a question is answered once, and that facts of a session that is over change nothing.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.replacing import replace
from trunkline_core.sealed import Sealed

from trunkline_channels.domain import checks, closing, commands, conversation, policy, steps, timing
from trunkline_channels.domain.contact import Answer, Contact, Prompt, Wish, without_step
from trunkline_channels.domain.events import Event, InputGiven, PersonRequested, PromptShown, TextGathered
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import CloseReason, ContactState, StepKind

_SESSION_STEPS = (StepKind.START_SESSION, StepKind.ADVANCE_SESSION)


def give_input(state: ChannelsState, command: commands.GiveInput, context: Context) -> Iterator[Event]:
    """The customer answered. Raises: Rejection(`InputNotAwaited`) when nothing, or something else, was asked."""
    contact = closing.live(state, command.contact_id, context.tenant)
    prompt = contact.prompt
    if prompt is None or not prompt.is_open or prompt.node_id != command.node_id:
        raise Rejection("InputNotAwaited")
    _check_answer(prompt, command)
    yield InputGiven(contact.contact_id, command.node_id, command.option_id, command.text)
    yield from steps.begin(state, contact.contact_id, StepKind.ADVANCE_SESSION)


def record_text(state: ChannelsState, command: commands.RecordText, context: Context) -> Iterator[Event]:
    """The flow said something."""
    contact = state.contact(command.contact_id, context.tenant)
    if contact.in_self_service:
        yield from conversation.tell(state, contact.contact_id, command.text)


def record_prompt(state: ChannelsState, command: commands.RecordPrompt, context: Context) -> Iterator[Event]:
    """The flow asks; an older question changes nothing."""
    contact = state.contact(command.contact_id, context.tenant)
    newest = contact.prompt.visit_no if contact.prompt else 0
    if contact.in_self_service and command.visit_no > newest:
        yield PromptShown(contact.contact_id, command.node_id, command.visit_no, command.prompt, command.options)


def record_gathered(state: ChannelsState, command: commands.RecordGathered, context: Context) -> Iterator[Event]:
    """The flow kept a text for the agent."""
    contact = state.contact(command.contact_id, context.tenant)
    text = command.text
    if not contact.is_over and text is not None and _has_room_for(contact, command.attribute, text):
        yield TextGathered(contact.contact_id, command.attribute, text)


def record_person_requested(
    state: ChannelsState, command: commands.RecordPersonRequested, context: Context
) -> Iterator[Event]:
    """The flow is done: the customer wants a person."""
    contact = state.contact(command.contact_id, context.tenant)
    if not contact.in_self_service:
        return
    yield from conversation.tell(state, contact.contact_id, command.text)
    yield PersonRequested(
        contact.contact_id,
        command.queue_id,
        command.value_permille,
        command.urgency_permille,
        command.requirements,
        command.choices,
    )
    yield from steps.begin(state, contact.contact_id, StepKind.ENQUEUE)


def record_completed(
    state: ChannelsState, command: commands.RecordSelfServiceCompleted, context: Context
) -> Iterator[Event]:
    """The flow is done: nobody is needed."""
    contact = state.contact(command.contact_id, context.tenant)
    if contact.in_self_service:
        yield from conversation.tell(state, contact.contact_id, command.text)
        yield from closing.end(state, contact.contact_id, CloseReason.SELF_SERVICE_COMPLETED)


def apply_prompt(state: ChannelsState, contact: Contact, event: PromptShown) -> None:
    """Show the question; whatever was asked of ivr before is answered by it."""
    prompt = Prompt(event.node_id, event.visit_no, event.prompt, event.options)
    state.put(replace(without_step(contact, *_SESSION_STEPS), state=ContactState.SELF_SERVICE, prompt=prompt))


def apply_input(state: ChannelsState, contact: Contact, event: InputGiven, context: Context) -> None:
    """The question is answered."""
    prompt = replace(contact.prompt, is_open=False) if contact.prompt else None
    state.put(replace(contact, prompt=prompt, answer=Answer(event.node_id, event.option_id, event.text)))
    timing.watch_silence(state, contact, context.now)


def apply_gathered(state: ChannelsState, contact: Contact, event: TextGathered) -> None:
    """Keep the text under its name."""
    others = tuple(pair for pair in contact.gathered if pair[0] != event.attribute)
    state.put(replace(contact, gathered=(*others, (event.attribute, event.text))))


def apply_person_requested(state: ChannelsState, contact: Contact, event: PersonRequested) -> None:
    """From now on the customer waits for us."""
    wish = Wish(event.queue_id, event.value_permille, event.urgency_permille, event.requirements, event.choices)
    done = without_step(contact, *_SESSION_STEPS)
    state.put(replace(done, wish=wish, prompt=None, answer=None, queue_id=event.queue_id))
    timing.stop_watching(state, contact.contact_id, timing.SILENT)


def _has_room_for(contact: Contact, attribute: str, text: Sealed) -> bool:
    names = {name for name, _ in contact.gathered} | {attribute}
    fits = contact.gathered_bytes + len(text.ciphertext) <= policy.MAX_GATHERED_BYTES
    return fits and len(names) <= policy.MAX_GATHERED


def _check_answer(prompt: Prompt, command: commands.GiveInput) -> None:
    if command.text is not None:
        checks.checked("text", command.text)
    if command.option_id and command.option_id not in {option.option_id for option in prompt.options}:
        raise Invalid("option_id", "is not among the options")
    if not prompt.options and command.text is None:
        raise Invalid("text", "must be set")
