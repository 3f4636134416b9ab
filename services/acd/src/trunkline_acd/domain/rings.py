"""Requirements that loosen while a contact waits: its rings (rule 7).

Owns: which rings a contact enters with, when it comes to the next, and which it skips. Steps that take nothing from
what this contact asks for are no rings of it.
"""

from collections.abc import Iterator
from itertools import islice

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace
from trunkline_core.routing import QueueDefinition
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, policy, timing
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.events import ContactRelaxed
from trunkline_acd.domain.skills import RequirementSet, choices_in, relaxed, requirements_in
from trunkline_acd.domain.state import AcdState, Domain, Loosening
from trunkline_acd.domain.words import Ring


def rings_of(queue: QueueDefinition, requirements: RequirementSet) -> tuple[Ring, ...]:
    """Return the rings of a contact that enters with these requirements; it keeps them when the queue changes.

    Raises: Rejection(`TooManyRequirements`), when they would not fit into one event.
    """
    rings: list[Ring] = []
    left = requirements
    for step in queue.relaxation:
        before, left = left, relaxed(left, step)
        if left != before:
            rings.append(Ring(step.after_duration, requirements_in(left), choices_in(left)))
    if sum(_size(ring) for ring in rings) > policy.MAX_RING_NEEDS:
        raise Rejection("TooManyRequirements")
    return tuple(rings)


def skip_empty_rings(domain: Domain, contact: Contact, ring: int) -> Iterator[ContactRelaxed]:
    """Bring the contact into `ring`, or at once into the first behind it that somebody who is signed in could serve.

    Where nobody could serve any ring, there is nothing to be gained: it stays and widens by time.
    """
    further = range(ring, len(contact.rings) + 1)
    reached = next((number for number in further if domain.is_staffed(contact.asks_in(number))), ring)
    if reached > contact.ring:
        yield ContactRelaxed(contact.contact_id, contact.segment_no, reached)


def has_empty_ring(domain: Domain) -> bool:
    """Tell whether a contact is in a ring that nobody signed in could serve any more, while a later one could be.

    To be asked when staff changed. The work grows with what is asked for, not with how many contacts ask for it.
    """
    return any(True for _ in _empty_rings(domain))


def leave_empty_rings(domain: Domain, most: int) -> Iterator[ContactRelaxed]:
    """Bring up to that many contacts out of such rings, the first first."""
    while most and (waiting := [list(islice(domain.loosening.entries(key), most)) for key in _empty_rings(domain)]):
        for _, contact_id in min(waiting):  # the order of keys is no part of the state
            contact = domain.contact(contact_id)
            yield from skip_empty_rings(domain, contact, contact.ring)
            most -= 1


def apply_relaxed(state: AcdState, event: ContactRelaxed, context: Context) -> None:
    """Move the contact to the line of what it asks for now."""
    domain = state.domain(context.tenant)
    contact = replace(domain.contact(event.contact_id), ring=event.ring)
    domain.put_contact(contact)
    set_timer(state, context.tenant, contact)


def set_timer(state: AcdState, tenant: str, contact: Contact) -> None:
    """Start the time until the next ring; without one there is nothing to wait for."""
    key = timing.ring_key(tenant, contact.contact_id)
    if contact.ring == len(contact.rings):
        state.timers.cancel(key)
        return
    due = contact.entered_time + contact.rings[contact.ring].after_duration
    state.timers.set(Timer(key, due, tenant, commands.RelaxContact(contact.contact_id, contact.ring)))


def _empty_rings(domain: Domain) -> Iterator[Loosening]:
    for loosening in domain.loosening:
        if not domain.is_staffed(loosening[0]) and any(map(domain.is_staffed, loosening[1:])):
            yield loosening


def _size(ring: Ring) -> int:
    terms = sum(len(option.terms) for choice in ring.choices for option in choice.conjunctions)
    return len(ring.requirements) + terms
