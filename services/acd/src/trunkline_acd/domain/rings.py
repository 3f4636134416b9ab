"""Requirements that loosen while a contact waits: its rings (rule 7).

Owns: which rings a contact enters with, when it comes to the next, and which it skips. Steps that take nothing from
what this contact asks for are no rings of it.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace
from trunkline_core.routing import QueueDefinition
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, policy, timing
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.events import ContactRelaxed
from trunkline_acd.domain.skills import RequirementSet, choices_in, relaxed, requirements_in
from trunkline_acd.domain.state import AcdState, Domain
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


def _size(ring: Ring) -> int:
    terms = sum(len(option.terms) for choice in ring.choices for option in choice.conjunctions)
    return len(ring.requirements) + terms
