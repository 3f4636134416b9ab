"""A caller who is called back: hangs up, and the contact goes on (routing rule 13).

Owns: when the contact outlives its caller, and what dialling the customer means. acd keeps the place and the attempts.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.ids import check_token
from trunkline_core.replacing import replace

from trunkline_channels.domain import closing, commands, connecting, policy, steps
from trunkline_channels.domain.contact import Contact, Legs, without_step
from trunkline_channels.domain.events import (
    CallbackOpened,
    CallbackRequested,
    ContactReturned,
    CustomerReached,
    CustomerUnreached,
    Event,
    PeerAttached,
)
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import CallbackState, Channel, CloseReason, ContactState, StepKind


def request(state: ChannelsState, command: commands.RequestCallback, context: Context) -> Iterator[Event]:
    """Ask acd for a call-back; asking again changes nothing. Raises: Invalid; Rejection(`CallbackNotPossible`)."""
    contact = closing.live(state, command.contact_id, context.tenant)
    if contact.callback is not CallbackState.UNSPECIFIED:
        return
    is_waiting = contact.state is ContactState.QUEUED and not contact.is_on_its_way
    if not contact.can_be_called_back or not is_waiting:
        raise Rejection("CallbackNotPossible")
    if command.not_before_time and command.not_before_time - context.now > policy.LATEST_CALLBACK:
        raise Invalid("not_before_time", f"must be within {policy.LATEST_CALLBACK.days} days")
    yield CallbackRequested(contact.contact_id, command.not_before_time)
    yield from steps.begin(state, contact.contact_id, StepKind.REQUEST_CALLBACK)


def takes_offer(contact: Contact, pressed: str) -> bool:
    """Tell whether the key takes the call-back that is offered to the caller while waiting (routing rule 18)."""
    playing = contact.treatment if contact.is_treated and contact.can_be_called_back else None
    return playing is not None and pressed == playing.definition.callback_digit != ""


def withdraw(state: ChannelsState, command: commands.WithdrawCallback, context: Context) -> Iterator[Event]:
    """The customer does not want it any more: the contact is over. Raises: Rejection(`NoCallback`)."""
    contact = closing.live(state, command.contact_id, context.tenant)
    if not contact.keeps_place:
        raise Rejection("NoCallback")
    yield from closing.end(state, contact.contact_id, CloseReason.CUSTOMER_LEFT)


def report(state: ChannelsState, command: commands.ReportCallResult, context: Context) -> Iterator[Event]:
    """The gateway dialled; saying so again changes nothing. Raises: Invalid; Rejection(`ConnectNotAwaited`)."""
    contact = closing.live(state, command.contact_id, context.tenant)
    _check_result(command)
    is_current = (command.segment_no, command.offer_no) == contact.place
    if contact.dials_first or contact.callback is CallbackState.REACHED:
        yield from _report_dialled_first(state, contact, command, is_current=is_current)
        return
    said = Legs.JOINED if command.outcome == "reached" else Legs.REFUSED
    if is_current and contact.legs is said:
        return
    if not (is_current and contact.is_to_dial):
        raise Rejection("ConnectNotAwaited")
    if command.outcome == "reached":
        if not contact.is_attached:
            yield PeerAttached(contact.contact_id, contact.peer_id)
        yield from connecting.join(state, contact.contact_id, *contact.place)
    else:
        yield from _unreached(state, contact, command)


def record_opened(
    state: ChannelsState, command: commands.RecordCallbackOpened, context: Context
) -> Iterator[CallbackOpened]:
    """acd keeps the place."""
    contact = state.contact(command.contact_id, context.tenant)
    if contact.wants_agent and command.segment_no > contact.segment_no:
        yield CallbackOpened(contact.contact_id, command.queue_id, command.segment_no)


def record_ended(state: ChannelsState, command: commands.RecordCallbackEnded, context: Context) -> Iterator[Event]:
    """The customer was not reached, or does not want it any more: the contact is over."""
    contact = state.contact(command.contact_id, context.tenant)
    is_open = contact.callback in (CallbackState.OPEN, CallbackState.REACHED) and not contact.is_over
    if is_open and command.segment_no == contact.segment_no:
        yield from closing.end(state, contact.contact_id, CloseReason.CALLBACK_ENDED)


def record_reached(state: ChannelsState, command: commands.RecordCallbackReached, context: Context) -> Iterator[Event]:
    """acd has it wait before all others; who was kept is offered it."""
    contact = state.contact(command.contact_id, context.tenant)
    step = contact.step
    if step and step.kind is StepKind.REPORT_CALLBACK_REACHED and step.segment_no == command.segment_no:
        yield ContactReturned(contact.contact_id, command.segment_no, command.offer_no)


def give_up_without_caller(state: ChannelsState, contact_id: str) -> Iterator[Event]:
    """End a call that waits, whose caller hung up for a call-back that did not come about."""
    contact = state.contacts.get(contact_id)
    if contact and contact.channel is Channel.VOICE and not contact.is_attached and not contact.keeps_place:
        yield from closing.end(state, contact_id, CloseReason.CUSTOMER_LEFT)


def apply_requested(state: ChannelsState, contact: Contact, event: CallbackRequested) -> None:
    """Remember the wish."""
    asked = replace(contact, callback=CallbackState.REQUESTED, callback_not_before=event.not_before_time)
    state.put(replace(asked, callback_refusal=""))


def apply_opened(state: ChannelsState, contact: Contact, event: CallbackOpened) -> None:
    """The contact waits as a call-back."""
    state.put(
        replace(
            without_step(contact, StepKind.REQUEST_CALLBACK, StepKind.ASK_WAIT, StepKind.CHANGE_QUEUE),
            state=ContactState.QUEUED,
            queue_id=event.queue_id,
            segment_no=event.segment_no,
            offer_no=0,
            newest_offer_no=0,
            agent_id="",
            others=(),
            legs=Legs.NONE,
            callback=CallbackState.OPEN,
        )
    )


def apply_hung_up(state: ChannelsState, contact: Contact) -> None:
    """No gateway holds a leg of it."""
    state.put(replace(contact, is_attached=False))


def apply_reached(state: ChannelsState, contact: Contact, event: CustomerReached) -> None:
    """The customer waits as a caller does: whoever hangs up now, leaves."""
    waiting = replace(contact, state=ContactState.QUEUED, agent_id="", legs=Legs.NONE, callback=CallbackState.REACHED)
    state.put(replace(waiting, dials_first=False, is_cleared=False))


def apply_unreached(state: ChannelsState, contact: Contact, event: CustomerUnreached) -> None:
    """Remember what acd is to be told."""
    state.put(replace(contact, legs=Legs.REFUSED, failure=event.outcome, callback_reason=event.reason))


def _report_dialled_first(
    state: ChannelsState, contact: Contact, command: commands.ReportCallResult, *, is_current: bool
) -> Iterator[Event]:
    """The customer who was dialled first is on the line, or not; who picks up late is not left alone."""
    is_said = contact.callback is CallbackState.REACHED and command.segment_no == contact.segment_no
    if command.outcome == "reached" and is_said and command.offer_no <= contact.newest_offer_no:
        return
    if command.outcome != "reached" and is_current and contact.legs is Legs.REFUSED:
        return
    is_late = command.outcome == "reached" and contact.may_still_be_reached
    if not (is_current and (contact.is_to_dial or is_late)):
        raise Rejection("ConnectNotAwaited")
    if command.outcome != "reached":
        yield from _unreached(state, contact, command)
        return
    if not contact.is_attached:
        yield PeerAttached(contact.contact_id, contact.peer_id)
    yield CustomerReached(contact.contact_id, *contact.place)
    yield from steps.begin(state, contact.contact_id, StepKind.REPORT_CALLBACK_REACHED)


def _unreached(state: ChannelsState, contact: Contact, command: commands.ReportCallResult) -> Iterator[Event]:
    yield CustomerUnreached(contact.contact_id, *contact.place, command.outcome, command.reason)
    yield from steps.begin(state, contact.contact_id, StepKind.REPORT_CALLBACK_RESULT)


def _check_result(command: commands.ReportCallResult) -> None:
    if command.outcome not in policy.CALL_OUTCOMES:
        raise Invalid("outcome", f"must be one of {', '.join(sorted(policy.CALL_OUTCOMES))}")
    check_token("reason", command.reason)
