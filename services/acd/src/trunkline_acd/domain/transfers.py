"""Transfers: an agent gives a connected contact on to a queue, and to a preferred agent there (rule 19).

Owns: that the agent's segment ends with a wrap-up and the next queue segment opens in one step, or nothing changes; for
whom it is held there; and that who gave the contact on is not offered it while wrapping it up, or for the time after a
miss.
Must not: end the segment that was answered once more.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace

from trunkline_acd.domain import affinity, commands, consultations, moves, named_agents, policy, timing, wrap_ups
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.definitions import check_id
from trunkline_acd.domain.events import ContactEnqueued, Event
from trunkline_acd.domain.matching import offer_to_agent
from trunkline_acd.domain.queues import Queue
from trunkline_acd.domain.skills import needs_in
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.steps import connected_contact, is_repeated
from trunkline_acd.domain.words import Preference, Trigger


def transfer(domain: Domain, command: commands.TransferContact, context: Context) -> Iterator[Event]:
    """The contact waits in that queue with its age; the agent wraps up.

    Raises: Invalid; NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotConnected`, `ConsultationUnderWay`), or
    naming why the queue does not take it in, or an agent who is insisted on cannot: then it stays connected.
    """
    check_id("queue_id", command.queue_id)
    if command.preferred_agent_id or command.insist:
        check_id("preferred_agent_id", command.preferred_agent_id)
    if is_repeated(domain, command.contact_id, command.step_no):
        return
    contact = connected_contact(domain, command.contact_id, command.agent_id, command.segment_no)
    consultations.check_alone(contact)
    queue = domain.queue(command.queue_id)
    moves.check_open(domain, contact, queue, context.now)
    if command.insist:
        _check_meant(domain, contact, queue, command.preferred_agent_id)
    released = wrap_ups.released(domain, contact, context)
    entered = _entered(domain, contact, queue, command, context)
    if not released.wrap_up:
        entered = replace(entered, excluded_until_time=_excluded_until(queue, context))
    yield released
    yield from moves.let_in(domain, entered, Trigger.CONTACT_TRANSFERRED, context)
    yield from offer_to_agent(domain, contact.agent_id, Trigger.AGENT_BECAME_FREE, context)


def set_timer(state: AcdState, tenant: str, event: ContactEnqueued) -> None:
    """Start the time for which the agent is not offered the contact again."""
    if event.excluded_until_time:
        timing.set_exclusion(state, tenant, event.contact_id, event.transferred_by_agent_id, event.excluded_until_time)


def _entered(
    domain: Domain, contact: Contact, queue: Queue, command: commands.TransferContact, context: Context
) -> ContactEnqueued:
    return replace(
        moves.next_segment(contact, queue),
        step_no=command.step_no,
        transferred_by_agent_id=contact.agent_id,
        preferred_agent_id=command.preferred_agent_id,
        preference=Preference.NAMED if command.preferred_agent_id else Preference.UNSPECIFIED,
        held_until_time=_held_until(domain, contact, queue, command, context),
    )


def _check_meant(domain: Domain, contact: Contact, queue: Queue, agent_id: str) -> None:
    named_agents.check_soon(domain.agent(agent_id), contact, needs_in(queue.definition, contact.own_requirements))
    if domain.held.size(agent_id) >= policy.MAX_HELD_PER_AGENT:
        raise Rejection("AgentHasNoRoom")


def _held_until(
    domain: Domain, contact: Contact, queue: Queue, command: commands.TransferContact, context: Context
) -> datetime | None:
    preferred_agent_id = command.preferred_agent_id
    if preferred_agent_id in contact.wrapped_up_by | {contact.agent_id}:
        return None  # that agent is not offered it: held for them, the customer would only wait
    if command.insist and queue.definition.affinity_duration <= timedelta(0):
        return context.now + policy.NAMED_HOLD
    needs = needs_in(queue.definition, contact.own_requirements)
    return affinity.held_until(domain, queue.definition, preferred_agent_id, contact.channel, needs, context.now)


def _excluded_until(queue: Queue, context: Context) -> datetime | None:
    duration = queue.definition.miss_exclusion_duration
    return context.now + duration if duration > timedelta(0) else None
