"""Before the customer of a call-back is dialled: hours, do-not-call, and whether it is the only one (routing rule 13).

Owns: the order in which that is found out, the cheapest first: the hours are known here, crm says whether the customer
may be called, and acd, which has all call-backs of the tenant, clears the attempt. Must not: dial; while crm does not
answer nobody is dialled either.
"""

from collections.abc import Iterator
from datetime import datetime

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid
from trunkline_core.hours import check_hours, is_open, next_opening
from trunkline_core.replacing import replace

from trunkline_channels.domain import commands, policy, steps
from trunkline_channels.domain.contact import Contact, Legs, without_step
from trunkline_channels.domain.events import (
    CallbackCleared,
    ConnectRequested,
    CustomerIdentified,
    DiallingPostponed,
    Event,
    HoursPut,
)
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import DialAnswer, StepKind


def put_hours(state: ChannelsState, command: commands.PutHours, context: Context) -> Iterator[Event]:
    """Take over business hours. Raises: Invalid."""
    if command.hours is None:
        raise Invalid("hours", "must be set")
    check_hours(command.hours)
    if state.hours.get((context.tenant, command.hours.hours_id)) != command.hours:
        yield HoursPut(command.hours)


def begin(
    state: ChannelsState,
    contact: Contact,
    command: commands.RecordAccepted | commands.RecordCallbackDialled,
    context: Context,
) -> Iterator[Event]:
    """An agent accepted the call-back, or is kept for it: look at the hours, then ask crm."""
    is_first = isinstance(command, commands.RecordCallbackDialled)
    place = (command.segment_no, command.offer_no)
    yield ConnectRequested(contact.contact_id, *place, command.agent_id, checks_first=True, customer_first=is_first)
    if command.hours_id and not _is_open(state, command.hours_id, context):
        yield from _postpone(state, contact.contact_id, "closed", _opens(state, command.hours_id, context))
    else:
        yield from steps.begin(state, contact.contact_id, StepKind.CHECK_CUSTOMER)


def record_check(state: ChannelsState, command: commands.RecordDialCheck, context: Context) -> Iterator[Event]:
    """crm answered, or did not in time: then it is asked again in a while."""
    contact = state.contact(command.contact_id, context.tenant)
    if not steps.answers(contact, command.step_no, StepKind.CHECK_CUSTOMER):
        return
    if command.customer_id and not contact.customer_id:
        yield CustomerIdentified(contact.contact_id, command.customer_id)
    match command.answer:
        case DialAnswer.MAY_BE_CALLED if contact.customer_id not in ("", command.customer_id):
            # only an erasure frees an address: the wish not to be called went with it, and so did the number
            yield from _postpone(state, contact.contact_id, "customer_erased", None)
        case DialAnswer.MAY_BE_CALLED:
            yield from steps.begin(state, contact.contact_id, StepKind.CLEAR_CALLBACK)
        case DialAnswer.DO_NOT_CALL:
            yield from _postpone(state, contact.contact_id, "do_not_call", None)
        case DialAnswer.UNSPECIFIED:
            until = context.now + policy.ANSWER_REST
            yield from _postpone(state, contact.contact_id, "customer_unanswered", until)


def record_cleared(state: ChannelsState, command: commands.RecordCallbackCleared, context: Context) -> Iterator[Event]:
    """acd found no other call-back of the customer: the gateway dials."""
    contact = state.contact(command.contact_id, context.tenant)
    is_current = (command.segment_no, command.offer_no) == contact.place
    if is_current and contact.is_about_to_dial and not contact.is_cleared:
        yield CallbackCleared(contact.contact_id, *contact.place)


def apply_hours_put(state: ChannelsState, event: HoursPut, context: Context) -> None:
    """Put the definition in force."""
    state.hours.put((context.tenant, event.hours.hours_id), event.hours)


def apply_postponed(state: ChannelsState, contact: Contact, event: DiallingPostponed) -> None:
    """Remember what acd is to be told; nobody is dialled for this accept any more."""
    state.put(replace(contact, legs=Legs.REFUSED, callback_reason=event.reason, rests_until=event.until_time))


def apply_cleared(state: ChannelsState, contact: Contact) -> None:
    """Let the gateway dial."""
    state.put(replace(without_step(contact, StepKind.CLEAR_CALLBACK), is_cleared=True))


def _is_open(state: ChannelsState, hours_id: str, context: Context) -> bool:
    """Hours that nobody defined are closed, as in a flow."""
    hours = state.hours.get((context.tenant, hours_id))
    return hours is not None and is_open(hours, context.now)


def _opens(state: ChannelsState, hours_id: str, context: Context) -> datetime | None:
    """Return when to look again; None where it does not open while a call-back lives."""
    hours = state.hours.get((context.tenant, hours_id))
    if hours is None or hours.emergency_closed:  # either may change at any time
        return context.now + policy.HOURS_REST
    return next_opening(hours, context.now, policy.OPENS_WITHIN)


def _postpone(state: ChannelsState, contact_id: str, reason: str, until: datetime | None) -> Iterator[Event]:
    contact = state.contacts.get(contact_id)
    assert contact is not None, "it was accepted just now"
    yield DiallingPostponed(contact_id, *contact.place, reason, until)
    yield from steps.begin(state, contact_id, StepKind.POSTPONE_CALLBACK)
