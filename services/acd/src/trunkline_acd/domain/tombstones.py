"""What is left of a contact that is over: it refuses late and repeated steps for a day.

Owns: how long and how many; beyond the bound the oldest goes early, which is counted. One timer serves a whole tenant.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from trunkline_core.decider import Context
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, policy, timing
from trunkline_acd.domain.contacts import Tombstone
from trunkline_acd.domain.events import ContactForgotten, Event, TombstoneDropped
from trunkline_acd.domain.state import AcdState, Domain

DROPPED_EARLY = "tombstones dropped early"

_NEXT_PORTION = timedelta(seconds=1)


def forget(domain: Domain, command: commands.EndContact) -> Iterator[Event]:
    """Forget the contact; where the partition remembers too many, drop the tenant's oldest."""
    yield ContactForgotten(command.contact_id, command.step_no, command.reason)
    if domain.tombstone_count() > policy.MAX_TOMBSTONES:
        for oldest in list(islice(domain.oldest_tombstones(), 1)):
            yield TombstoneDropped(oldest.contact_id)


def drop(state: AcdState, context: Context) -> Iterator[Event]:
    """Drop what is old enough, a bounded number at a time."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.tombstone_key(context.tenant), context):
        return
    oldest = islice(domain.oldest_tombstones(), policy.TOMBSTONES_PER_COMMAND)
    for contact_id in [tombstone.contact_id for tombstone in oldest if tombstone.dropped_time <= context.now]:
        yield TombstoneDropped(contact_id)


def apply_forgotten(state: AcdState, event: ContactForgotten, context: Context) -> None:
    """Put a tombstone in the contact's place."""
    domain = state.domain(context.tenant)
    if event.contact_id in domain.contacts:
        domain.delete_contact(event.contact_id)
    dropped_time = context.now + policy.TOMBSTONE_LIFE
    number = domain.next_number("tombstone")
    domain.put_tombstone(Tombstone(event.contact_id, event.step_no, number, dropped_time))
    _set_timer(state, domain, context.now)


def apply_dropped(state: AcdState, event: TombstoneDropped, context: Context) -> None:
    """Forget the contact for good."""
    domain = state.domain(context.tenant)
    tombstone = domain.tombstones.get(event.contact_id)
    if tombstone and tombstone.dropped_time > context.now:
        domain.next_number(DROPPED_EARLY)
    domain.delete_tombstone(event.contact_id)
    _set_timer(state, domain, context.now)


def _set_timer(state: AcdState, domain: Domain, now: datetime) -> None:
    key = timing.tombstone_key(domain.tenant)
    oldest = next(domain.oldest_tombstones(), None)
    if oldest is None:
        state.timers.cancel(key)
        return
    due = oldest.dropped_time if oldest.dropped_time > now else now + _NEXT_PORTION
    pending = state.timers.get(key)
    if pending is None or pending.due != due:
        state.timers.set(Timer(key, due, domain.tenant, commands.DropTombstone(oldest.contact_id)))
