"""A supervisor's hand on a contact that waits or rings: to an agent, to a queue, or its end (rule 20).

Owns: that what rings is superseded first, and that who decided and why stands in an event of its own. A pull goes
before order, exclusions and holds; it never books more than the agent has room for.
Must not: touch a contact that an agent has accepted.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import attrgetter

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection

from trunkline_acd.domain import callbacks, commands, handouts, limits, moves, named_agents, offers, policy
from trunkline_acd.domain.agents import Agent, Work
from trunkline_acd.domain.contacts import Contact, Offer, Stage
from trunkline_acd.domain.definitions import check_id, check_reason
from trunkline_acd.domain.events import (
    AffinityEnded,
    ContactPulled,
    ContactRequeued,
    Event,
    SegmentEnded,
    WaitingContactClosed,
)
from trunkline_acd.domain.explanations import explain_pull
from trunkline_acd.domain.matching import offered
from trunkline_acd.domain.misses import excluded_until
from trunkline_acd.domain.skills import meets_one
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.steps import contact_for
from trunkline_acd.domain.words import SegmentOutcome, Trigger, WorkState


def pull(domain: Domain, command: commands.PullContact, context: Context) -> Iterator[Event]:
    """Offer the contact to that agent alone now; one that rings there already goes on ringing.

    Raises: Invalid; NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotWaiting`, `AgentNotConnected`,
    `AgentNotReady`, `AgentLacksSkills`, `AgentHasNoRoom`, `AgentWrapsItUp`).
    """
    check_id("agent_id", command.agent_id)
    contact = _in_line(domain, command.contact_id, command.reason)
    agent, ringing_at = domain.agent(command.agent_id), contact.agent_ids
    if agent.agent_id in ringing_at:
        return
    _check_able(domain, agent, contact)
    yield ContactPulled(contact.contact_id, contact.segment_no, agent.agent_id, command.reason)
    if contact.held_for:
        yield AffinityEnded(contact.contact_id, contact.segment_no, contact.held_for)
    for offer in contact.live_offers:
        yield offers.superseded(contact, offer, None)
    contact = domain.contact(contact.contact_id)
    explanation = explain_pull(domain, contact, agent, Trigger.CONTACT_PULLED, context.now)
    yield offered(domain, contact, agent, explanation, context)
    yield from handouts.serve_freed(domain, ringing_at, Trigger.OFFER_ENDED, context)


def requeue(domain: Domain, command: commands.RequeueContact, context: Context) -> Iterator[Event]:
    """Take the contact to that queue with its age; without a queue, from the agent at whom it rings, who is not asked
    again soon: from the one who is named, or from all of several. Where it is already nothing changes.

    Raises: Invalid; NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotWaiting`, `OfferNotLive`, `CallbackStays`,
    `ContactOverLimit`), or naming why the other queue does not take it in.
    """
    contact = _in_line(domain, command.contact_id, command.reason)
    if command.agent_id and command.agent_id not in contact.agent_ids:
        raise Rejection("OfferNotLive")
    if not command.queue_id:
        taken = [offer for offer in contact.live_offers if command.agent_id in ("", offer.agent_id)]
        yield from _take_from_agents(domain, contact, taken, command.reason, context)
        return
    check_id("queue_id", command.queue_id)
    queue = domain.queue(command.queue_id)
    if queue.queue_id == contact.queue_id:
        return
    if contact.callback:
        raise Rejection("CallbackStays")
    moves.check_open(domain, contact, queue, context.now)
    yield ContactRequeued(contact.contact_id, contact.segment_no, queue.queue_id, command.reason)
    for offer in contact.live_offers:
        yield offers.superseded(contact, offer, None)
    yield moves.flowed_out(contact, queue.queue_id, context.now)
    # before the contact comes back in: those who wait go first
    yield from handouts.serve_freed(domain, contact.agent_ids, Trigger.OFFER_ENDED, context)
    yield from moves.enter(domain, contact, queue, context)


def close(domain: Domain, command: commands.CloseWaitingContact, context: Context) -> Iterator[Event]:
    """End the segment of a contact that waits or rings, as closed by the system; a call-back is withdrawn.

    Raises: Invalid; NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotWaiting`), or (`CallbackAlreadyReached`)
    while the customer of a call-back is on the line.
    """
    contact = _in_line(domain, command.contact_id, command.reason)
    ringing_at = contact.agent_ids
    if contact.callback and contact.callback.is_reached:
        raise Rejection("CallbackAlreadyReached")
    yield WaitingContactClosed(contact.contact_id, contact.segment_no, command.reason)
    for offer in contact.live_offers:
        yield offers.superseded(contact, offer, None)
    contact = domain.contact(contact.contact_id)
    if contact.callback:
        yield from callbacks.withdrawn(domain, contact, command.reason, context)
    else:
        wait = context.now - contact.entered_time
        outcome = SegmentOutcome.CLOSED_BY_SYSTEM
        yield SegmentEnded(contact.contact_id, contact.queue_id, contact.segment_no, outcome, wait)
    yield from handouts.serve_freed(domain, ringing_at, Trigger.OFFER_ENDED, context)


def waiting_in(domain: Domain, queue_id: str, count: int) -> list[Contact]:
    """Return the first contacts of a queue: those that ring, callers who wait, who was called back and is on the line,
    call-backs that wait; each the oldest first. Raises: NotFound.
    """
    domain.queue(queue_id)
    shelves = (domain.ages, domain.reached, domain.callbacks)
    waiting = (place[-1] for shelf in shelves for place in shelf.entries(queue_id))
    return [domain.contact(contact_id) for contact_id in islice(chain(_ringing_in(domain, queue_id), waiting), count)]


def connected_at(domain: Domain, agent_id: str) -> list[Work]:
    """Return the agent's own connected contacts, parked ones among them, the oldest first. Raises: NotFound."""
    own = [work for work in domain.agent(agent_id).work if work.state is WorkState.CONNECTED and not work.asked_by]
    return sorted(own, key=attrgetter("since_time", "contact_id"))


def _ringing_in(domain: Domain, queue_id: str) -> Iterable[str]:
    works = (work for agent in domain.agents.values() for work in agent.work)
    offered = (work for work in works if work.state is WorkState.OFFERED and not work.asked_by)
    ringing = [work for work in offered if work.queue_id == queue_id]
    ordered = sorted(ringing, key=attrgetter("entered_time", "contact_id"))
    return dict.fromkeys(work.contact_id for work in ordered)  # once, also where it rings at several


def _in_line(domain: Domain, contact_id: str, reason: str) -> Contact:
    """Return a contact that waits or rings."""
    check_reason(reason)
    contact = contact_for(domain, contact_id, "ContactAlreadyEnded")
    if contact.stage not in (Stage.WAITING, Stage.OFFERED):
        raise Rejection("ContactNotWaiting")
    return contact


def _check_able(domain: Domain, agent: Agent, contact: Contact) -> None:
    named_agents.check_there(agent)
    if not meets_one(agent.profile, domain.asked_of(contact)):
        raise Rejection("AgentLacksSkills")
    named_agents.check_room(agent, contact)


def _take_from_agents(
    domain: Domain, contact: Contact, taken: Sequence[Offer], reason: str, context: Context
) -> Iterator[Event]:
    if not taken:
        return
    if contact.is_over_limit and len(taken) == len(contact.live_offers):  # it would leave, and its customer with it
        raise Rejection("ContactOverLimit")
    shortest = context.now + policy.SHORTEST_HELD_EXCLUSION  # else it would ring there again at once
    until = max(excluded_until(domain, contact, context.now) or shortest, shortest)
    yield ContactRequeued(contact.contact_id, contact.segment_no, contact.queue_id, reason)
    for offer in taken:
        yield offers.superseded(contact, offer, until)
    yield from limits.take_back(domain, contact.contact_id, Trigger.OFFER_ENDED, context)
    yield from handouts.serve_freed(domain, [offer.agent_id for offer in taken], Trigger.OFFER_ENDED, context)
