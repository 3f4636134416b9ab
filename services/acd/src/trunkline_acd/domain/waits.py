"""How long a contact will wait (rule 14): learned from those who came before it into the same queue.

Owns: what a contact meets at its entrance, and when it is known how long one waited. Whoever leaves is followed, as if
still in its place, until it would have rung: without those only the short waits would be known.
Must not: influence who gets whom.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from trunkline_core.decider import Context
from trunkline_core.replacing import replace

from trunkline_acd.domain import policy, rings
from trunkline_acd.domain.agents import Agent, has_room
from trunkline_acd.domain.contacts import Contact, Stage, line_place, rank
from trunkline_acd.domain.entering import contact_of
from trunkline_acd.domain.events import (
    CallbackDialled,
    ContactConnected,
    ContactEnqueued,
    ContactOffered,
    QueueConfigured,
    SegmentEnded,
)
from trunkline_acd.domain.followed import Followed
from trunkline_acd.domain.matching import best_agent
from trunkline_acd.domain.positions import contacts_ahead, eligible_profiles
from trunkline_acd.domain.queues import Queue
from trunkline_acd.domain.skills import needs_in
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.wait_histories import WaitHistory, estimate, with_wait
from trunkline_acd.domain.words import SegmentOutcome, WaitEstimate


@dataclass(frozen=True, slots=True)
class WaitView:
    """A contact's wait at one moment.

    Attributes:
        position: 1 is next, 0 does not wait.
        estimate: what it has before it from now on; None where it does not wait.
    """

    position: int
    estimate: WaitEstimate | None


def with_estimate(domain: Domain, entered: ContactEnqueued, now: datetime) -> ContactEnqueued:
    """Return the entry with what the contact meets, where its queue estimates and nobody is free."""
    if not domain.queue(entered.queue_id).definition.estimates_waits or entered.held_until_time:
        return entered
    contact = _about_to_enter(domain, entered, now)
    for skipped in rings.skip_empty_rings(domain, contact, 0):
        contact = replace(contact, ring=skipped.ring)
    return entered if best_agent(domain, contact, now) else replace(entered, estimate=_estimate(domain, contact, now))


def would_be_served(domain: Domain, entered: ContactEnqueued, now: datetime) -> bool:
    """Tell whether somebody would be free for a contact that entered like this now."""
    return best_agent(domain, _about_to_enter(domain, entered, now), now) is not None


def expected_wait(domain: Domain, queue: Queue) -> timedelta | None:
    """Return what half of those who enter now would not wait for longer than, behind those who wait already.

    Served by the queue's own agents; None where nothing is known.
    """
    history = domain.wait_histories.get(queue.queue_id) or WaitHistory()
    return estimate(history, queue.waiting, domain.staff_for((needs_in(queue.definition, ()),))).p50_duration


def wait_view(domain: Domain, contact_id: str, now: datetime) -> WaitView:
    """Return where the contact stands at that moment. Raises: NotFound."""
    contact = domain.contact(contact_id)
    if contact.stage is not Stage.WAITING:
        return WaitView(0, None)
    found = _estimate(domain, contact, now)
    return WaitView(found.contacts_ahead + 1, found)


def learn_from_answer(state: AcdState, event: ContactConnected, context: Context) -> None:
    """A contact that had to wait is answered: its wait is known. To be asked before the contact is put."""
    domain = state.domain(context.tenant)
    contact = domain.contact(event.contact_id)
    if contact.estimate:
        _remember(domain, Followed(contact, context.now), context.now)


def follow(state: AcdState, event: SegmentEnded, context: Context) -> None:
    """A contact leaves that had to wait: go on as if it stayed. To be asked before the contact is put."""
    domain = state.domain(context.tenant)
    contact = domain.contact(event.contact_id)
    estimates = domain.queue(contact.queue_id).definition.estimates_waits
    if not estimates or contact.estimate is None or event.outcome is SegmentOutcome.CLOSED_BY_SYSTEM:
        return
    domain.follow(Followed(replace(contact, excluded=frozenset()), context.now))
    if domain.followed_count(event.queue_id) > policy.MAX_FOLLOWED:
        domain.unfollow(domain.first_followed(event.queue_id))


def learn_from_offer(state: AcdState, event: ContactOffered | CallbackDialled, context: Context) -> None:
    """An agent gets a contact: whoever left and would have gone before it would ring now, or have rung since the agent
    became idle. To be asked before the agent is put."""
    domain = state.domain(context.tenant)
    agent, contact = domain.agent(event.agent_id), domain.contact(event.contact_id)
    overtaken = _overtaken(domain, agent, contact, context.now)
    for followed in sorted(overtaken, key=lambda one: one.contact.order):  # the order of lines is no part of the state
        domain.unfollow(followed)
        rings_at = max(followed.left_time, agent.idle_since or context.now)
        _remember(domain, followed, rings_at)


def note_definition(state: AcdState, event: QueueConfigured, context: Context) -> None:
    """Those who left are not followed under another order of serving; a queue that does not estimate forgets."""
    domain, queue_id = state.domain(context.tenant), event.queue.queue_id
    while domain.followed_count(queue_id):
        domain.unfollow(domain.first_followed(queue_id))
    if not event.queue.estimates_waits and queue_id in domain.wait_histories:
        domain.wait_histories.delete(queue_id)


def _about_to_enter(domain: Domain, entered: ContactEnqueued, now: datetime) -> Contact:
    return contact_of(domain, entered, domain.last_number("order") + 1, now)


def _estimate(domain: Domain, contact: Contact, now: datetime) -> WaitEstimate:
    agents = sum(eligible_profiles(domain, contact).values())
    history = domain.wait_histories.get(contact.queue_id) or WaitHistory()
    return estimate(history, contacts_ahead(domain, contact, now), agents)


def _remember(domain: Domain, followed: Followed, served_time: datetime) -> None:
    contact = followed.contact
    if contact.estimate is None or not domain.queue(contact.queue_id).definition.estimates_waits:
        return
    history = domain.wait_histories.get(contact.queue_id) or WaitHistory()
    wait = served_time - contact.entered_time
    domain.wait_histories.put(contact.queue_id, with_wait(history, contact.estimate, wait))


def _overtaken(domain: Domain, agent: Agent, contact: Contact, now: datetime) -> Iterator[Followed]:
    """Iterate over those who left, whom the agent could have served, and who would have gone before the contact."""
    definition = domain.queue(contact.queue_id).definition
    taken = rank(line_place(contact, definition), definition, now)
    was_idle = agent.idle_since is not None and agent.idle_since < now  # then it had taken whoever was there before
    for line in domain.served_in(domain.followed_lines, agent.profile):
        if not has_room(agent, line.channel):
            continue
        queue = domain.queue(line.queue_id).definition
        for place in domain.followed_lines.entries(line):
            if not was_idle and rank(place, queue, now) >= taken:
                break
            yield domain.followed_at(place.order)
