"""Timers of a contact: away, silent, to be parked, to be told something, a supervisor to join, to be dropped.

Each one's command leads to an event that cancels it. Must not: count silence while the customer waits for us: a silent
customer in a queue is a patient one.
"""

from datetime import datetime

from trunkline_core.timers import Timer

from trunkline_channels.domain import policy
from trunkline_channels.domain.commands import (
    AnnounceTreatment,
    DropContact,
    ExpireContact,
    ExpireMonitoring,
    ParkSilentContact,
)
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import Channel

DETACHED = "detached"
SILENT = "silent"
PARKING = "parking"
ANNOUNCING = "announcing"
JOINING = "joining"
REASONS = frozenset({DETACHED, SILENT, PARKING, ANNOUNCING, JOINING})


def expiry_key(reason: str, contact_id: str) -> str:
    """Return the key of a timer of a contact that is not over."""
    return f"{reason}/{contact_id}"


def drop_key(contact_id: str) -> str:
    """Return the key of the timer that drops a closed contact."""
    return f"drop/{contact_id}"


def is_due(state: ChannelsState, key: str, now: datetime) -> bool:
    """Tell whether the timer is still set and due."""
    timer = state.timers.get(key)
    return timer is not None and timer.due <= now


def watch_detached(state: ChannelsState, contact: Contact, now: datetime) -> None:
    """Give the customer's page time to come back; a new owner gives it more (ledger rule 15)."""
    key = expiry_key(DETACHED, contact.contact_id)
    command = ExpireContact(contact.contact_id, DETACHED)
    state.timers.set(Timer(key, now + policy.DETACHED_LIFE, contact.tenant, command, is_lease=True))


def watch_silence(state: ChannelsState, contact: Contact, now: datetime) -> None:
    """Count the silence of a chat from now on; a call has no silence."""
    if contact.channel is Channel.CHAT:
        key = expiry_key(SILENT, contact.contact_id)
        command = ExpireContact(contact.contact_id, SILENT)
        state.timers.set(Timer(key, now + policy.SILENT_LIFE, contact.tenant, command))


def watch_parking(state: ChannelsState, contact: Contact, due: datetime) -> None:
    """Let the chat be parked then."""
    key = expiry_key(PARKING, contact.contact_id)
    state.timers.set(Timer(key, due, contact.tenant, ParkSilentContact(contact.contact_id)))


def watch_announcing(state: ChannelsState, contact: Contact, due: datetime) -> None:
    """Let the chat be told then."""
    key = expiry_key(ANNOUNCING, contact.contact_id)
    known = state.timers.get(key)
    if known is None or known.due != due:
        state.timers.set(Timer(key, due, contact.tenant, AnnounceTreatment(contact.contact_id)))


def watch_joining(state: ChannelsState, contact: Contact, monitoring_no: int, now: datetime) -> None:
    """Let the supervisor's leg come up in time; a new owner gives it more (ledger rule 15)."""
    command = ExpireMonitoring(contact.contact_id, monitoring_no)
    due = now + policy.MONITORING_JOIN
    state.timers.set(Timer(expiry_key(JOINING, contact.contact_id), due, contact.tenant, command, is_lease=True))


def stop_watching(state: ChannelsState, contact_id: str, *reasons: str) -> None:
    """Stop waiting for the customer."""
    for reason in reasons or sorted(REASONS):
        state.timers.cancel(expiry_key(reason, contact_id))


def drop_later(state: ChannelsState, contact: Contact, now: datetime) -> None:
    """Let a closed contact that nobody holds any more leave memory in a while."""
    closed_time = contact.closed_time or now
    due = max(now, closed_time + policy.CLOSED_LIFE)
    state.timers.set(Timer(drop_key(contact.contact_id), due, contact.tenant, DropContact(contact.contact_id)))
