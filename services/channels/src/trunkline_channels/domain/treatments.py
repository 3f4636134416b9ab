"""What plays while a contact waits (routing rule 18): which treatment it has, and when a chat gets its announcements.

Owns: that a contact keeps the treatment with which it entered, that it plays only while the contact waits, and that a
chat is told at most every 30 s and 20 times a wait. To a caller the gateway plays it; what it is comes with the view.
Must not: know place or wait; acd is asked, and what it says comes back as a command.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from trunkline_core import treatments as definitions
from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.treatments import UNKNOWN, Figures, QueueTreatment

from trunkline_channels.domain import commands, conversation, menus, policy, steps, timing
from trunkline_channels.domain.contact import Contact, Treatment, without_step
from trunkline_channels.domain.events import ContactEvent, Event, StepBegun, TextShown, TreatmentAnnounced, TreatmentPut
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Channel, StepKind


class Due(NamedTuple):
    """The next announcement of a chat: when, and which step of the treatment, from 1."""

    time: datetime
    step_no: int


def put(state: ChannelsState, command: commands.PutTreatments, context: Context) -> Iterator[TreatmentPut]:
    """Take over what plays in these queues; the directory has checked it."""
    for wanted in command.treatments:
        if state.treatments.get((context.tenant, wanted.queue_id)) != wanted.treatment:
            yield TreatmentPut(wanted.queue_id, wanted.treatment)


def announce(state: ChannelsState, command: commands.AnnounceTreatment, context: Context) -> Iterator[Event]:
    """An announcement is due; where it says place or wait, acd is asked first."""
    contact = state.contact(command.contact_id, context.tenant)
    due = _due(contact)
    if due is None or not timing.is_due(state, timing.expiry_key(timing.ANNOUNCING, contact.contact_id), context.now):
        return
    text = definitions.text_of(_definition(contact).steps[due.step_no - 1])
    if text and definitions.tells_figures(text):
        yield from steps.begin(state, contact.contact_id, StepKind.ASK_WAIT)
    else:
        yield from _say(state, contact, due, UNKNOWN)


def record_wait(state: ChannelsState, command: commands.RecordWait, context: Context) -> Iterator[Event]:
    """acd said what it knows of the wait, perhaps nothing: the announcement is made with that."""
    contact = state.contact(command.contact_id, context.tenant)
    if not steps.answers(contact, command.step_no, StepKind.ASK_WAIT):
        return
    figures = Figures(command.position, command.wait_duration)
    if menus.is_asked_for(contact, command.step_no):
        yield from menus.answer(state, contact, figures)
    else:
        due = _due(without_step(contact, StepKind.ASK_WAIT))
        assert due is not None, "whoever does not wait any more asks no more"
        yield from _say(state, contact, due, figures)


def begun(state: ChannelsState, tenant: str, queue_id: str, now: datetime) -> Treatment | None:
    """Return what plays to a contact that enters the queue now."""
    definition = state.treatments.get((tenant, queue_id))
    return Treatment(definition, began_time=now) if definition else None


def is_announcing(contact: Contact, event: ContactEvent) -> bool:
    """Tell whether the event is only about an announcement; the contact is as it left it."""
    match event:
        case TreatmentAnnounced():
            return True
        case TextShown():
            return contact.is_treated
        case StepBegun():
            return event.kind == StepKind.ASK_WAIT.value
        case _:
            return False


def follow(state: ChannelsState, contact_id: str) -> None:
    """Let the timer of the next announcement follow the row: the only place that sets or cancels it."""
    contact = state.contacts.get(contact_id)
    due = _due(contact) if contact else None
    if contact and due:
        timing.watch_announcing(state, contact, due.time)
    else:
        timing.stop_watching(state, contact_id, timing.ANNOUNCING)


def apply_put(state: ChannelsState, event: TreatmentPut, context: Context) -> None:
    """Let it play to whoever enters from now on."""
    key = (context.tenant, event.queue_id)
    if event.treatment:
        state.treatments.put(key, event.treatment)
    else:
        state.treatments.delete(key)


def apply_announced(state: ChannelsState, contact: Contact, event: TreatmentAnnounced, context: Context) -> None:
    """Count it; what the customer chose is none of those that are told in their turn."""
    playing = contact.treatment
    if playing is None or event.digit:
        state.put(without_step(contact, StepKind.ASK_WAIT))
        return
    counted = replace(
        playing, announced=playing.announced + 1, step_no=event.treatment_step, announced_time=context.now
    )
    state.put(replace(without_step(contact, StepKind.ASK_WAIT), treatment=counted))


def _say(state: ChannelsState, contact: Contact, due: Due, figures: Figures) -> Iterator[Event]:
    yield TreatmentAnnounced(contact.contact_id, contact.segment_no, due.step_no)
    text = definitions.text_of(_definition(contact).steps[due.step_no - 1])
    said = definitions.rendered(text, figures) if text else None
    yield from conversation.tell(state, contact.contact_id, said)


def _due(contact: Contact) -> Due | None:
    """Return the next announcement of a chat with a page, None where none follows or acd is being asked for it."""
    playing = contact.treatment if contact.is_treated else None
    is_asked = contact.step is not None and contact.step.kind is StepKind.ASK_WAIT
    if playing is None or contact.channel is not Channel.CHAT or contact.is_by_messages or is_asked:
        return None
    following = definitions.next_announcement(playing.definition, playing.step_no)
    if following is None or playing.announced >= policy.MAX_ANNOUNCEMENTS:
        return None
    step_no, gap = following
    if playing.announced_time is None:
        return Due(playing.began_time + gap, step_no)
    return Due(playing.announced_time + max(gap, policy.ANNOUNCEMENTS_APART), step_no)


def _definition(contact: Contact) -> QueueTreatment:
    assert contact.treatment is not None
    return contact.treatment.definition
