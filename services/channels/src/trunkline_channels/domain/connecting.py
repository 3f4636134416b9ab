"""Joining the legs of customer and agent, and telling acd how it went.

Owns: that only the newest accepted offer is joined, and once: a late answer is refused.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.replacing import replace

from trunkline_channels.domain import closing, commands, policy, steps
from trunkline_channels.domain.contact import Contact, Legs
from trunkline_channels.domain.events import Event, LegsJoined, LegsRefused
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import ContactState, StepKind


def confirm(state: ChannelsState, command: commands.ConfirmConnect, context: Context) -> Iterator[Event]:
    """The peer joined the legs; saying so again changes nothing. Raises: Rejection(`ConnectNotAwaited`)."""
    contact = closing.live(state, command.contact_id, context.tenant)
    if _legs_of(contact, command) is Legs.JOINED:
        return
    _check_awaited(contact, command)
    if contact.is_about_to_dial and (contact.dials_first or not contact.is_cleared):
        raise Rejection("ConnectNotAwaited")  # the agent is only kept, or nobody may be dialled yet
    yield from join(state, contact.contact_id, command.segment_no, command.offer_no)


def refuse(state: ChannelsState, command: commands.RefuseConnect, context: Context) -> Iterator[Event]:
    """The peer could not join the legs. Raises: Rejection(`ConnectNotAwaited`)."""
    contact = closing.live(state, command.contact_id, context.tenant)
    if command.reason not in policy.LEG_FAILURES:
        raise Invalid("reason", f"must be one of {', '.join(sorted(policy.LEG_FAILURES))}")
    if _legs_of(contact, command) is Legs.REFUSED:
        return
    _check_awaited(contact, command)
    yield LegsRefused(contact.contact_id, command.segment_no, command.offer_no, command.reason)
    yield from steps.begin(state, contact.contact_id, StepKind.REPORT_CONNECT_FAILED)


def join(state: ChannelsState, contact_id: str, segment_no: int, offer_no: int) -> Iterator[Event]:
    """The legs are joined: report it."""
    yield LegsJoined(contact_id, segment_no, offer_no)
    yield from steps.begin(state, contact_id, StepKind.REPORT_CONNECTED)


def apply_joined(state: ChannelsState, contact: Contact, _: LegsJoined) -> None:
    """Remember the peer's answer."""
    state.put(replace(contact, legs=Legs.JOINED))


def apply_refused(state: ChannelsState, contact: Contact, event: LegsRefused) -> None:
    """Remember the peer's answer."""
    state.put(replace(contact, legs=Legs.REFUSED, failure=event.reason))


def _legs_of(contact: Contact, command: commands.ConfirmConnect | commands.RefuseConnect) -> Legs:
    """What is known of the legs of exactly that offer."""
    return contact.legs if (command.segment_no, command.offer_no) == contact.place else Legs.NONE


def _check_awaited(contact: Contact, command: commands.ConfirmConnect | commands.RefuseConnect) -> None:
    if contact.state is not ContactState.CONNECTING or _legs_of(contact, command) is not Legs.AWAITED:
        raise Rejection("ConnectNotAwaited")
