"""Parking of silent chats (routing rule 2): acd is told once that a customer is silent, and once that it is back.

Both are steps, and what acd made of them comes back as facts. Of a customer who writes while the chat is about to be
parked acd is told once it is. Owns: who is silent, and since when. The timer runs only while the agent wrote last and
the chat is not parked: a message that nobody answered never parks.
Must not: know capacity; acd decides whether the chat goes on with its agent.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace

from trunkline_channels.domain import commands, steps, timing
from trunkline_channels.domain.contact import Contact, without_step
from trunkline_channels.domain.events import ContactParked, ContactResumed, CustomerReturned, Event
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Author, Channel, ContactState, Parking, StepKind

_Fact = commands.RecordParked | commands.RecordResumed | commands.RecordCustomerReturned


def park_silent(state: ChannelsState, command: commands.ParkSilentContact, context: Context) -> Iterator[Event]:
    """The customer has been silent for long enough."""
    contact = state.contact(command.contact_id, context.tenant)
    if timing.is_due(state, timing.expiry_key(timing.PARKING, contact.contact_id), context.now):
        yield from steps.begin(state, contact.contact_id, StepKind.PARK)


def resume_unanswered(state: ChannelsState, contact_id: str) -> Iterator[Event]:
    """Tell acd that the customer of a parked chat is back, unless it knows or another step is under way."""
    contact = state.contacts.get(contact_id)
    if contact and contact.parking is Parking.PARKED and contact.step is None and not contact.is_answered:
        yield from steps.begin(state, contact_id, StepKind.RESUME)


def check_at_hand(contact: Contact) -> None:
    """Raises: Rejection(`ContactParked`), because its agent may have no units for it."""
    if contact.parking is not Parking.UNSPECIFIED:
        raise Rejection("ContactParked")


def record_parked(state: ChannelsState, command: commands.RecordParked, context: Context) -> Iterator[Event]:
    """acd parked the chat; whose customer wrote meanwhile is back at once."""
    contact = state.contact(command.contact_id, context.tenant)
    if _is_current(contact, command) and contact.parking is Parking.UNSPECIFIED:
        yield ContactParked(contact.contact_id, command.segment_no, command.agent_id)
        yield from resume_unanswered(state, contact.contact_id)


def record_resumed(state: ChannelsState, command: commands.RecordResumed, context: Context) -> Iterator[Event]:
    """The chat goes on with its agent."""
    contact = state.contact(command.contact_id, context.tenant)
    if _is_current(contact, command) and contact.parking is not Parking.UNSPECIFIED:
        yield ContactResumed(contact.contact_id, command.segment_no, command.agent_id)


def record_returned(
    state: ChannelsState, command: commands.RecordCustomerReturned, context: Context
) -> Iterator[Event]:
    """The customer waits for room at the agent; that acd went on waiting is not news."""
    contact = state.contact(command.contact_id, context.tenant)
    if _is_current(contact, command) and contact.parking is Parking.PARKED:
        yield CustomerReturned(contact.contact_id, command.segment_no, command.agent_id)


def note_message(state: ChannelsState, contact: Contact, author: Author, context: Context) -> None:
    """A customer who writes is not silent; one who has an answer may be, from the last message of their own on."""
    if contact.state is not ContactState.CONNECTED:
        return
    if author is Author.CUSTOMER:
        state.put(replace(contact, heard_time=context.now))
        timing.stop_watching(state, contact.contact_id, timing.PARKING)
    elif author is Author.AGENT:
        watch(state, contact, context)


def watch(state: ChannelsState, contact: Contact, context: Context) -> None:
    """Let a chat that waits for its customer be parked in time.

    Where the answer came only after that time, the customer has had nothing to say until now: the time begins with it.
    """
    is_watched = state.timers.get(timing.expiry_key(timing.PARKING, contact.contact_id)) is not None
    if is_watched or not _may_be_parked(contact):
        return
    due = (contact.heard_time or context.now) + contact.parking_duration
    timing.watch_parking(state, contact, due if due > context.now else context.now + contact.parking_duration)


def apply_parked(state: ChannelsState, contact: Contact) -> None:
    """Remember it."""
    timing.stop_watching(state, contact.contact_id, timing.PARKING)
    state.put(replace(without_step(contact, StepKind.PARK), parking=Parking.PARKED))


def apply_resumed(state: ChannelsState, contact: Contact, context: Context) -> None:
    """Let it be parked again where its customer stays silent: the agent took it up."""
    resumed = replace(without_step(contact, StepKind.RESUME), parking=Parking.UNSPECIFIED)
    state.put(resumed)
    watch(state, resumed, context)


def apply_returned(state: ChannelsState, contact: Contact) -> None:
    """Say no more: acd knows that the customer waits."""
    state.put(replace(without_step(contact, StepKind.RESUME), parking=Parking.CUSTOMER_WAITS))


def _may_be_parked(contact: Contact) -> bool:
    is_on = contact.channel is Channel.CHAT and bool(contact.parking_duration)
    is_at_hand = contact.state is ContactState.CONNECTED and contact.parking is Parking.UNSPECIFIED
    is_talked_about = contact.consultation is not None
    return is_on and is_at_hand and not is_talked_about and contact.is_answered


def _is_current(contact: Contact, fact: _Fact) -> bool:
    """Tell whether the fact is about the agent who has it now."""
    has_it = (contact.segment_no, contact.agent_id) == (fact.segment_no, fact.agent_id)
    return contact.state is ContactState.CONNECTED and has_it
