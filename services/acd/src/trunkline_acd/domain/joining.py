"""After the accept: the legs are joined, or the contact returns with place and age.

Owns: rule 3 from accepted to connected or failed.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection

from trunkline_acd.domain import callbacks, commands, timing
from trunkline_acd.domain.agents import is_unreachable
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.events import ConnectFailed, ContactConnected, Event
from trunkline_acd.domain.limits import rematch
from trunkline_acd.domain.misses import block, block_after_misses, excluded_until
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.steps import contact_for, is_repeated
from trunkline_acd.domain.words import Connectivity, Trigger


class ConnectFailure(StrEnum):
    """Why legs were not joined. Nobody reports that the agent's desk was lost: acd knows."""

    BUSY = "busy"
    UNREACHABLE = "unreachable"
    FAILED = "failed"
    TIMEOUT = "timeout"
    AGENT_LOST = "agent_lost"


FAILURES = frozenset(ConnectFailure) - {ConnectFailure.AGENT_LOST}


def report_connected(domain: Domain, command: commands.ReportConnected, context: Context) -> Iterator[Event]:
    """The legs are joined: the segment is answered."""
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = _joined_contact(domain, command)
    if contact.stage is Stage.CONNECTED:
        return
    if contact.stage is not Stage.CONNECTING or contact.is_kept:
        raise Rejection("OfferNotLive")  # who is only kept is offered it first
    yield ContactConnected(
        contact_id=contact.contact_id,
        step_no=command.step_no,
        queue_id=contact.queue_id,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        agent_id=contact.agent_id,
        wait_duration=context.now - contact.entered_time,
    )


def report_failed(domain: Domain, command: commands.ReportConnectFailed, context: Context) -> Iterator[Event]:
    """The legs could not be joined; a report about an offer that is already over changes nothing."""
    if command.reason not in FAILURES:
        raise Invalid("reason", f"must be one of {', '.join(sorted(FAILURES))}")
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    if (command.segment_no, command.offer_no) != (contact.segment_no, contact.offer_no):
        return
    if contact.stage in (Stage.OFFERED, Stage.CONNECTED):
        raise Rejection("OfferNotLive")
    if contact.is_kept:
        yield from callbacks.fail_attempt(domain, contact, context, command.step_no)
    elif contact.stage is Stage.CONNECTING:
        is_miss = not _is_known_lost(domain, contact)
        until = excluded_until(domain, contact, context.now) if is_miss else None
        yield from _fail(
            domain, _failed(contact, command.step_no, ConnectFailure(command.reason), is_miss, until), context
        )


def expire_connecting(state: AcdState, command: commands.ExpireConnecting, context: Context) -> Iterator[Event]:
    """Joining took too long: the contact is back at its place."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.connecting_key(context.tenant, command.contact_id), context):
        return
    contact = domain.contact(command.contact_id)
    if contact.is_to_dial:
        yield from callbacks.fail_attempt(domain, contact, context)
        return
    if domain.agent(contact.agent_id).connectivity is not Connectivity.CONNECTED:
        yield from _fail(domain, connect_lost(contact), context)
        return
    is_miss = not (state.timers.is_in_grace(context.now) or _is_known_lost(domain, contact))
    until = excluded_until(domain, contact, context.now) if is_miss else None
    yield from _fail(domain, _failed(contact, 0, ConnectFailure.TIMEOUT, is_miss, until), context)


def connect_lost(contact: Contact) -> ConnectFailed:
    """Return the failure of a joining whose desk is gone: nobody's miss."""
    return _failed(contact, 0, ConnectFailure.AGENT_LOST, False, None)


def _joined_contact(domain: Domain, command: commands.ReportConnected) -> Contact:
    contact = contact_for(domain, command.contact_id, "ContactAlreadyEnded")
    if (command.segment_no, command.offer_no) != (contact.segment_no, contact.offer_no):
        raise Rejection("OfferNotLive")
    return contact


def _fail(domain: Domain, failure: ConnectFailed, context: Context) -> Iterator[Event]:
    contact = domain.contact(failure.contact_id)
    yield failure
    if _is_known_lost(domain, contact):
        pass  # no call comes until the telephone is back: a block would keep out chats, too
    elif failure.reason == ConnectFailure.UNREACHABLE:
        yield from block(domain.agent(failure.agent_id), unreachable=True)
    else:
        yield from block_after_misses(domain, contact, failure.agent_id)
    yield from rematch(domain, contact, failure.agent_id, Trigger.CONNECT_FAILED, context)


def _is_known_lost(domain: Domain, contact: Contact) -> bool:
    """Tell whether the telephone of who has the contact is known to be lost: then it is nobody's miss."""
    return is_unreachable(domain.agent(contact.agent_id), contact.channel)


def _failed(
    contact: Contact, step_no: int, reason: ConnectFailure, is_miss: bool, until: datetime | None
) -> ConnectFailed:
    return ConnectFailed(
        contact_id=contact.contact_id,
        step_no=step_no,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        agent_id=contact.agent_id,
        reason=reason.value,
        counts_as_miss=is_miss,
        excluded_until_time=until,
    )
