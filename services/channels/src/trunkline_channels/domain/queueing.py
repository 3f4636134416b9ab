"""What acd says of a contact that waits for a person: queued, offered, accepted, returned, connected.

Owns: that the newest (segment, offer) never goes back, and that a contact is joined with one agent only.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.replacing import replace
from trunkline_core.texts import LocalizedText

from trunkline_channels.domain import (
    callbacks,
    closing,
    commands,
    connecting,
    conversation,
    dialling,
    menus,
    monitoring,
    notes,
    timing,
    transfers,
    treatments,
)
from trunkline_channels.domain.contact import Contact, Legs, Offer, without_step
from trunkline_channels.domain.events import (
    ConnectRequested,
    ContactConnected,
    ContactOffered,
    ContactQueued,
    ContactReturned,
    ContactWrappedUp,
    Event,
)
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import CallbackState, Channel, CloseReason, ContactState, Parking, StepKind

AGENT_GONE = LocalizedText(
    zh="很抱歉,与客服的连接已中断,请重新联系我们。",
    en="Sorry, the connection to our agent was lost. Please contact us again.",
)
NOBODY_FREE = LocalizedText(
    zh="很抱歉,目前没有客服可以接待您,请稍后再试。",
    en="Sorry, nobody could take you in time. Please try again later.",
)
_RINGING = (ContactState.OFFERED, ContactState.CONNECTING)
_BEFORE_ENTRY = (
    StepKind.ENQUEUE,
    StepKind.TRANSFER,
    StepKind.PARK,
    StepKind.RESUME,
    StepKind.ASK_WAIT,
    StepKind.CHANGE_QUEUE,
)
_WHILE_WAITING = (StepKind.ASK_WAIT, StepKind.CHANGE_QUEUE)  # what they ask for is moot once an agent accepted
_REPORTS = (
    StepKind.REPORT_CONNECTED,
    StepKind.REPORT_CONNECT_FAILED,
    StepKind.REPORT_CALLBACK_RESULT,
    StepKind.CHECK_CUSTOMER,
    StepKind.CLEAR_CALLBACK,
    StepKind.POSTPONE_CALLBACK,
    StepKind.REPORT_CALLBACK_REACHED,
)


def record_enqueued(state: ChannelsState, command: commands.RecordEnqueued, context: Context) -> Iterator[Event]:
    """acd took the contact in, for the first time or again: then its agent has given it on."""
    contact = state.contact(command.contact_id, context.tenant)
    is_given_on = contact.state is ContactState.CONNECTED
    if (contact.wants_agent or is_given_on) and command.segment_no > contact.segment_no:
        yield from monitoring.over(contact, "given_on")
        yield ContactQueued(contact.contact_id, command.queue_id, command.segment_no, command.parking_duration)
        if is_given_on:
            yield from notes.hand_on(contact, contact.agent_id, contact.transfer.note if contact.transfer else None)
            yield from conversation.tell(state, contact.contact_id, transfers.PASSED_ON)
        yield from menus.changed(state, contact, command.step_no)


def record_offered(state: ChannelsState, command: commands.RecordOffered, context: Context) -> Iterator[Event]:
    """acd offered the contact to an agent."""
    contact = state.contact(command.contact_id, context.tenant)
    if contact.wants_agent and (command.segment_no, command.offer_no) > contact.newest_place:
        place = (command.segment_no, command.offer_no)
        yield ContactOffered(contact.contact_id, *place, command.agent_id, command.ring_all)


def record_accepted(state: ChannelsState, command: commands.RecordAccepted, context: Context) -> Iterator[Event]:
    """The agent accepted: the peer joins the legs; of a chat there is nothing to join but what channels holds.

    The customer of a call-back is dialled before, once that is cleared.
    """
    contact = state.contact(command.contact_id, context.tenant)
    if not _is_next(contact, command, ContactState.OFFERED):
        return
    place = (command.segment_no, command.offer_no)
    if contact.callback is CallbackState.OPEN:
        yield from dialling.begin(state, contact, command, context)
        return
    yield ConnectRequested(contact.contact_id, *place, command.agent_id)
    if contact.channel is Channel.CHAT:
        yield from connecting.join(state, contact.contact_id, *place)


def record_dialled(state: ChannelsState, command: commands.RecordCallbackDialled, context: Context) -> Iterator[Event]:
    """acd keeps an agent for a call-back: its customer is dialled first, once that is cleared."""
    contact = state.contact(command.contact_id, context.tenant)
    if contact.callback is CallbackState.OPEN and _is_next(contact, command):
        yield from dialling.begin(state, contact, command, context)


def record_offer_ended(state: ChannelsState, command: commands.RecordOfferEnded, context: Context) -> Iterator[Event]:
    """The offer, or the joining, came to nothing."""
    contact = state.contact(command.contact_id, context.tenant)
    numbers = [offer.offer_no for offer in contact.live_offers]
    if command.segment_no == contact.segment_no and command.offer_no in numbers:
        yield ContactReturned(contact.contact_id, command.segment_no, command.offer_no)
        if len(numbers) == 1:
            yield from callbacks.give_up_without_caller(state, contact.contact_id)


def record_connected(state: ChannelsState, command: commands.RecordConnected, context: Context) -> Iterator[Event]:
    """acd booked the connection: it is the truth, whoever it is with."""
    contact = state.contact(command.contact_id, context.tenant)
    if _is_next(contact, command, *_RINGING):
        yield ContactConnected(contact.contact_id, command.segment_no, command.offer_no, command.agent_id)


def record_agent_lost(state: ChannelsState, command: commands.RecordAgentLost, context: Context) -> Iterator[Event]:
    """The connected agent's desk is gone for good: nobody answers any more, so the contact is over."""
    contact = state.contact(command.contact_id, context.tenant)
    if contact.state is ContactState.CONNECTED and contact.agent_id == command.agent_id:
        yield from conversation.tell(state, contact.contact_id, AGENT_GONE)
        yield from closing.end(state, contact.contact_id, CloseReason.AGENT_LOST)


def record_limit_reached(
    state: ChannelsState, command: commands.RecordLimitReached, context: Context
) -> Iterator[Event]:
    """A limit of the queue was reached, and no other queue comes next: the contact is over."""
    contact = state.contact(command.contact_id, context.tenant)
    yield from _let_go(state, contact, command.segment_no, CloseReason.LIMIT_REACHED)


def record_closed(
    state: ChannelsState, command: commands.RecordWaitingContactClosed, context: Context
) -> Iterator[Event]:
    """A supervisor closed the contact while it waited; of a call-back its end says it."""
    contact = state.contact(command.contact_id, context.tenant)
    if contact.callback is not CallbackState.OPEN:
        yield from _let_go(state, contact, command.segment_no, CloseReason.SUPERVISOR)


def record_wrap_up(state: ChannelsState, command: commands.RecordWrapUp, context: Context) -> Iterator[Event]:
    """The agent wrapped up, perhaps long after the contact left memory: the history tells it all the same."""
    if command.contact_id in state.contacts:
        state.contact(command.contact_id, context.tenant)
    yield ContactWrappedUp(command.contact_id, command.agent_id, command.wrap_up_code)


def apply_queued(state: ChannelsState, contact: Contact, event: ContactQueued, context: Context) -> None:
    """The contact waits; a customer who was called back is a caller now, and a silent one is patient again."""
    is_given_on = contact.state is ContactState.CONNECTED
    if is_given_on:
        timing.stop_watching(state, contact.contact_id, timing.SILENT, timing.PARKING)
    state.put(
        replace(
            without_step(contact, *_BEFORE_ENTRY),
            state=ContactState.QUEUED,
            queue_id=event.queue_id,
            segment_no=event.segment_no,
            offer_no=0,
            newest_offer_no=0,
            agent_id="",
            others=(),
            legs=Legs.NONE,
            callback=CallbackState.UNSPECIFIED if is_given_on or contact.is_called_back else contact.callback,
            transfer=None,
            consultation=None,
            parking=Parking.UNSPECIFIED,
            parking_duration=event.parking_duration,
            treatment=treatments.begun(state, contact.tenant, event.queue_id, context.now),
        )
    )


def apply_offered(state: ChannelsState, contact: Contact, event: ContactOffered | ConnectRequested) -> None:
    """Somebody has the contact ringing, or has taken it."""
    is_offered = isinstance(event, ContactOffered)
    rung = without_step(contact, StepKind.ENQUEUE, *(() if is_offered else _WHILE_WAITING), *_REPORTS)
    state.put(
        replace(
            rung,
            state=ContactState.OFFERED if is_offered else ContactState.CONNECTING,
            segment_no=event.segment_no,
            offer_no=event.offer_no,
            newest_offer_no=_newest_with(contact, event),
            agent_id=event.agent_id,
            others=_ringing_beside(contact, event) if isinstance(event, ContactOffered) else (),
            legs=Legs.NONE if is_offered else Legs.AWAITED,
            failure="",
            is_cleared=isinstance(event, ConnectRequested) and not event.checks_first,
            dials_first=isinstance(event, ConnectRequested) and event.customer_first,
        )
    )


def apply_returned(state: ChannelsState, contact: Contact, event: ContactReturned) -> None:
    """The contact waits on, or rings on at the others; a report about that offer is moot."""
    left = tuple(offer for offer in contact.live_offers if offer.offer_no != event.offer_no)
    if left:
        last = left[-1]
        state.put(replace(contact, offer_no=last.offer_no, agent_id=last.agent_id, others=left[:-1]))
        return
    waiting = without_step(contact, *_REPORTS)
    state.put(replace(waiting, state=ContactState.QUEUED, agent_id="", legs=Legs.NONE, failure=""))


def apply_connected(state: ChannelsState, contact: Contact, event: ContactConnected, context: Context) -> None:
    """Agent and customer are joined."""
    joined = replace(
        without_step(contact, StepKind.ENQUEUE, *_WHILE_WAITING, *_REPORTS),
        state=ContactState.CONNECTED,
        segment_no=event.segment_no,
        offer_no=event.offer_no,
        newest_offer_no=_newest_with(contact, event),
        agent_id=event.agent_id,
        others=(),
        legs=Legs.JOINED,
        heard_time=context.now,
        treatment=None,
    )
    state.put(joined)
    timing.watch_silence(state, joined, context.now)


def _let_go(state: ChannelsState, contact: Contact, segment_no: int, reason: CloseReason) -> Iterator[Event]:
    """Nobody takes whoever waits in that segment: the customer is told, and it is over."""
    if contact.wants_agent and segment_no == contact.segment_no:
        yield from conversation.tell(state, contact.contact_id, NOBODY_FREE)
        yield from closing.end(state, contact.contact_id, reason)


def _ringing_beside(contact: Contact, event: ContactOffered) -> tuple[Offer, ...]:
    is_same = contact.state is ContactState.OFFERED and contact.segment_no == event.segment_no
    return contact.live_offers if event.ring_all and is_same else ()


def _newest_with(contact: Contact, event: ContactOffered | ConnectRequested | ContactConnected) -> int:
    segment_no, newest = contact.newest_place
    return max(newest, event.offer_no) if segment_no == event.segment_no else event.offer_no


def _is_next(
    contact: Contact,
    fact: commands.RecordAccepted | commands.RecordCallbackDialled | commands.RecordConnected,
    *states: ContactState,
) -> bool:
    """Whether the fact belongs to an offer that stands in one of `states`, or to a newer one."""
    place = (fact.segment_no, fact.offer_no)
    is_live = fact.segment_no == contact.segment_no and Offer(fact.offer_no, fact.agent_id) in contact.live_offers
    return (is_live and contact.state in states) or (contact.wants_agent and place > contact.newest_place)
