"""Telling outside systems of tickets: an effect outside, intended and then delivered or given up (ledger rule 14).

Owns: who is told of what, how often it is tried and when, and that a receiver which is away costs a bounded number of
rows. Must not: send anything; the owner of the partition does (application/notices.py).
"""

from collections.abc import Iterator
from datetime import timedelta

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid
from trunkline_core.replacing import replace
from trunkline_core.webhooks import check_notice_target

from trunkline_ticketing.domain.commands import PutNoticeTarget, RecordNoticeDelivered, RecordNoticeRefused
from trunkline_ticketing.domain.events import (
    Event,
    NoticeDelayed,
    NoticeDelivered,
    NoticeFailed,
    NoticeIntended,
    NoticeTargetPut,
)
from trunkline_ticketing.domain.state import Notice, TicketingState
from trunkline_ticketing.domain.words import TicketState

MAX_ATTEMPTS = 12  # within some 66 minutes
MAX_OUTSTANDING = 5_000  # of a tenant
LONGEST_DELAY = timedelta(minutes=10)


def put_target(state: TicketingState, command: PutNoticeTarget, context: Context) -> Iterator[Event]:
    """Take over a definition; the directory bounds how many a tenant has. Raises: Invalid."""
    if command.target is None:
        raise Invalid("target", "must be set")
    check_notice_target(command.target)
    if state.target(context.tenant, command.target.target_id) != command.target:
        yield NoticeTargetPut(command.target)


def intend(
    state: TicketingState, ticket_id: str, before: TicketState, after: TicketState, context: Context
) -> Iterator[Event]:
    """Every target of the tenant is to be told of the ticket; a tenant with too many outstanding is not told."""
    ticket = state.ticket(context.tenant, ticket_id)
    for ordinal, target in enumerate(state.targets(context.tenant)):
        if target.disabled:
            continue
        notice_id = context.new_id("nc", ordinal)
        is_full = (state.outstanding.get(context.tenant) or 0) >= MAX_OUTSTANDING
        yield NoticeIntended(notice_id, target.target_id, ticket_id, ticket.contact_id, before, after)
        if is_full:
            yield NoticeFailed(notice_id, target.target_id, 0, "TooManyOutstanding")


def record_delivered(state: TicketingState, command: RecordNoticeDelivered, context: Context) -> Iterator[Event]:
    """The receiver took it; whichever attempt that was, it is over."""
    if notice := state.notice(context.tenant, command.notice_id):
        yield NoticeDelivered(command.notice_id, notice.target_id, command.attempt)


def record_refused(state: TicketingState, command: RecordNoticeRefused, context: Context) -> Iterator[Event]:
    """An attempt came to nothing: there is another one, unless it was the last, or the target is no more."""
    notice = state.notice(context.tenant, command.notice_id)
    if notice is None or command.attempt != notice.attempts + 1:
        return  # told before
    target = state.target(context.tenant, notice.target_id)
    if command.attempt >= MAX_ATTEMPTS or target is None or target.disabled:
        yield NoticeFailed(command.notice_id, notice.target_id, command.attempt, command.reason)
        return
    again = context.now + delay_after(command.attempt)
    yield NoticeDelayed(command.notice_id, notice.target_id, command.attempt, command.reason, again)


def delay_after(attempt: int) -> timedelta:
    """Return how long nothing is tried after the attempt 1, 2, 3, …: 1 s, 4 s, 16 s, …, at most 10 minutes."""
    return min(timedelta(seconds=4 ** min(attempt - 1, 9)), LONGEST_DELAY)


def apply_target_put(state: TicketingState, event: NoticeTargetPut, context: Context) -> None:
    """Put the definition in force, also for notices that are outstanding."""
    others = [each for each in state.targets(context.tenant) if each.target_id != event.target.target_id]
    state.notice_targets.put(context.tenant, tuple(sorted([*others, event.target], key=lambda each: each.target_id)))


def apply_intended(state: TicketingState, event: NoticeIntended, context: Context) -> None:
    """It is outstanding, and due at once."""
    notice = Notice(
        notice_id=event.notice_id,
        tenant=context.tenant,
        target_id=event.target_id,
        ticket_id=event.ticket_id,
        contact_id=event.contact_id,
        from_state=event.from_state,
        to_state=event.to_state,
        intended_time=context.now,
        due=context.now,
    )
    state.notices.put(event.notice_id, notice)
    state.count_outstanding(context.tenant, 1)


def apply_delayed(state: TicketingState, event: NoticeDelayed, context: Context) -> None:
    """It is due again later."""
    if notice := state.notice(context.tenant, event.notice_id):
        state.notices.put(event.notice_id, replace(notice, attempts=event.attempt, due=event.next_attempt_time))


def apply_ended(state: TicketingState, event: NoticeDelivered | NoticeFailed, context: Context) -> None:
    """It is outstanding no more."""
    if state.notice(context.tenant, event.notice_id):
        state.notices.delete(event.notice_id)
        state.count_outstanding(context.tenant, -1)
