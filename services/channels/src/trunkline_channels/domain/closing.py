"""The end of a contact: exactly one, from any state; then clean-up elsewhere; then it leaves memory.

Owns: who may end it and why, and that a closed contact leaves nothing behind in acd or ivr.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.replacing import replace

from trunkline_channels.domain import commands, monitoring, steps, timing
from trunkline_channels.domain.contact import Contact, Legs
from trunkline_channels.domain.events import (
    CallerHungUp,
    CleanUpConfirmed,
    ContactClosed,
    ContactConnected,
    ContactDropped,
    Event,
)
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import CloseReason, ContactState, StepKind


def live(state: ChannelsState, contact_id: str, tenant: str) -> Contact:
    """Return a contact that is not over. Raises: NotFound; Rejection(`ContactClosed`)."""
    contact = state.contact(contact_id, tenant)
    if contact.is_over:
        raise Rejection("ContactClosed")
    return contact


def close(state: ChannelsState, command: commands.CloseContact, context: Context) -> Iterator[Event]:
    """Customer, agent or system ends the contact."""
    contact = live(state, command.contact_id, context.tenant)
    if command.reason is CloseReason.UNSPECIFIED:
        raise Invalid("reason", "must be set")
    if command.reason is CloseReason.CUSTOMER_LEFT and contact.keeps_place:
        yield from hang_up(contact)
        return
    if command.reason is CloseReason.AGENT_ENDED:
        yield from as_connected(contact, command.agent_id)
    yield from end(state, contact.contact_id, command.reason)


def hang_up(contact: Contact) -> Iterator[Event]:
    """The caller, or the gateway with the caller's leg, is gone, and the contact goes on as a call-back."""
    if contact.is_attached:
        yield CallerHungUp(contact.contact_id)


def as_connected(contact: Contact, agent_id: str) -> Iterator[Event]:
    """Admit what the connected agent does.

    The agent hears of the connection from acd, perhaps before acd's fact arrives here; joined legs make it believable,
    so it is recorded now. Raises: Rejection(`NotConnectedToAgent`).
    """
    if not agent_id or contact.agent_id != agent_id:
        raise Rejection("NotConnectedToAgent")
    if contact.state is ContactState.CONNECTING and contact.legs is Legs.JOINED:
        yield ContactConnected(contact.contact_id, *contact.place, agent_id)
    elif contact.state is not ContactState.CONNECTED:
        raise Rejection("NotConnectedToAgent")


def end(state: ChannelsState, contact_id: str, reason: CloseReason, rule: str = "") -> Iterator[Event]:
    """Close an open contact and begin its clean-up."""
    if (contact := state.contacts.get(contact_id)) is not None:
        yield from monitoring.over(contact, "contact_ended")
    yield ContactClosed(contact_id, reason, rule)
    yield from clean_up(state, contact_id)


def clean_up(state: ChannelsState, contact_id: str) -> Iterator[Event]:
    """Have acd, then ivr, forget the contact where they may hold it."""
    contact = state.contacts.get(contact_id)
    if contact is not None and contact.clean_up is not None:
        yield from steps.begin(state, contact_id, contact.clean_up)


def expire(state: ChannelsState, command: commands.ExpireContact, context: Context) -> Iterator[Event]:
    """The customer was away or silent for too long."""
    contact = state.contact(command.contact_id, context.tenant)
    if timing.is_due(state, timing.expiry_key(command.reason, contact.contact_id), context.now):
        yield from end(state, contact.contact_id, CloseReason.INACTIVE)


def confirm_clean_up(state: ChannelsState, command: commands.RecordForgotten, context: Context) -> Iterator[Event]:
    """acd or ivr forgot the contact; go on with the other one."""
    contact = state.contact(command.contact_id, context.tenant)
    if steps.answers(contact, command.step_no, StepKind.END_AT_ACD, StepKind.END_SESSION):
        yield CleanUpConfirmed(contact.contact_id, command.step_no)
        yield from clean_up(state, contact.contact_id)


def drop(state: ChannelsState, command: commands.DropContact, context: Context) -> Iterator[Event]:
    """The contact leaves memory."""
    contact = state.contact(command.contact_id, context.tenant)
    if timing.is_due(state, timing.drop_key(contact.contact_id), context.now):
        yield ContactDropped(contact.contact_id)


def apply_closed(state: ChannelsState, contact: Contact, event: ContactClosed, context: Context) -> None:
    """Nothing is asked of anybody any more but to forget the contact."""
    closed = replace(
        contact,
        state=ContactState.CLOSED,
        others=(),
        step=None,
        prompt=None,
        answer=None,
        consultation=None,
        treatment=None,
        take_over=None,
        close_reason=event.reason,
        closed_time=context.now,
    )
    state.put(closed)
    timing.stop_watching(state, contact.contact_id)
    settle(state, closed, context)


def apply_confirmed(state: ChannelsState, contact: Contact, event: CleanUpConfirmed, context: Context) -> None:
    """One service less holds the contact."""
    step = contact.step
    if step is not None and step.step_no == event.step_no:
        forget(state, contact, step.kind, context)


def forget(state: ChannelsState, contact: Contact, kind: StepKind, context: Context) -> None:
    """Clear a clean-up step, confirmed or refused for good: either way nothing more can be done there."""
    is_acd = kind is StepKind.END_AT_ACD
    cleaned = replace(
        contact, step=None, at_acd=contact.at_acd and not is_acd, in_session=contact.in_session and is_acd
    )
    state.put(cleaned)
    settle(state, cleaned, context)


def settle(state: ChannelsState, contact: Contact, context: Context) -> None:
    """Let a closed contact leave memory once nobody holds it."""
    if contact.clean_up is None:
        timing.drop_later(state, contact, context.now)


def apply_dropped(state: ChannelsState, event: ContactDropped) -> None:
    """Row and messages are gone; the ledger keeps the history."""
    state.drop(event.contact_id)
    state.timers.cancel(timing.drop_key(event.contact_id))
