"""The life of an offer: created, then accepted, declined, expired, rescinded or superseded.

Owns: rules 3 and 4 as long as it rings. One live offer per contact and agent; of several the first accept wins, and
whoever comes late is refused.
"""

from collections.abc import Iterator
from datetime import datetime

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection
from trunkline_core.replacing import replace

from trunkline_acd.domain import commands, handouts, policy, timing
from trunkline_acd.domain.contacts import Contact, Offer, Stage
from trunkline_acd.domain.events import Event, ExclusionEnded, OfferAccepted, OfferEnded
from trunkline_acd.domain.limits import rematch
from trunkline_acd.domain.matching import offer_contact
from trunkline_acd.domain.misses import block_after_misses, excluded_until
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.steps import contact_for
from trunkline_acd.domain.words import Connectivity, OfferEndReason, Trigger


def accept(state: AcdState, command: commands.AcceptOffer, context: Context) -> Iterator[Event]:
    """The agent takes the contact; a repeated accept changes nothing, a late one is refused.

    Where it rings at several, the first accept in the log decides: in the same step all others end, nobody's miss.
    """
    domain = state.domain(context.tenant)
    agent = domain.agent(command.agent_id)
    contact = contact_for(domain, command.contact_id, "OfferNotLive")
    has_it = (contact.offer_no, contact.agent_id) == (command.offer_no, agent.agent_id)
    if has_it and contact.stage in (Stage.CONNECTING, Stage.CONNECTED):
        return
    offer = _ringing(state, contact, command, context)
    others = [other for other in contact.live_offers if other != offer]
    for other in others:
        yield outpaced(contact, other, agent.agent_id)
    expires_time = context.now + (policy.DIALLING if contact.is_to_dial else policy.CONNECTING)
    place = (contact.contact_id, contact.segment_no, offer.offer_no)
    yield OfferAccepted(*place, agent.agent_id, expires_time, _hours_of(domain, contact))
    yield from handouts.serve_freed(domain, [other.agent_id for other in others], Trigger.AGENT_BECAME_FREE, context)


def decline(state: AcdState, command: commands.DeclineOffer, context: Context) -> Iterator[Event]:
    """The agent does not take the contact: nobody's miss, but this agent is not asked again at once."""
    domain = state.domain(context.tenant)
    agent = domain.agent(command.agent_id)
    contact = contact_for(domain, command.contact_id, "OfferNotLive")
    yield declined(domain, contact, _ringing(state, contact, command, context), context.now)
    yield from rematch(domain, contact, agent.agent_id, Trigger.OFFER_ENDED, context)


def expire(state: AcdState, command: commands.ExpireOffer, context: Context) -> Iterator[Event]:
    """The lease ran out: a miss, unless the desk was lost or a new owner has just begun (rule 4)."""
    domain = state.domain(context.tenant)
    offer = _due_offer(state, domain.contacts.get(command.contact_id), command.offer_no, context)
    if offer is None:
        return
    contact = domain.contact(command.contact_id)
    if domain.agent(offer.agent_id).connectivity is not Connectivity.CONNECTED:
        yield lost(contact, offer)
    else:
        is_miss = not state.timers.is_in_grace(context.now)
        until = excluded_until(domain, contact, context.now) if is_miss else None
        yield _ended(contact, offer, OfferEndReason.EXPIRED, is_miss, until)
        yield from block_after_misses(domain, contact, offer.agent_id)
    yield from rematch(domain, contact, offer.agent_id, Trigger.OFFER_ENDED, context)


def end_exclusion(state: AcdState, command: commands.EndExclusion, context: Context) -> Iterator[Event]:
    """An agent who missed or declined the contact may be asked again."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.exclusion_key(context.tenant, command.contact_id, command.agent_id), context):
        return
    yield ExclusionEnded(command.contact_id, command.agent_id)
    yield from offer_contact(domain, command.contact_id, Trigger.EXCLUSION_ENDED, context)


def declined(domain: Domain, contact: Contact, offer: Offer, now: datetime) -> OfferEnded:
    """Return the end of an offer that the agent did not want."""
    return _ended(contact, offer, OfferEndReason.DECLINED, False, excluded_until(domain, contact, now))


def rescinded(contact: Contact) -> Iterator[OfferEnded]:
    """Yield the ends of the live offers of a contact whose caller left: nobody's misses."""
    for offer in contact.live_offers:
        yield _ended(contact, offer, OfferEndReason.RESCINDED, False, None)


def lost(contact: Contact, offer: Offer) -> OfferEnded:
    """Return the end of an offer whose desk is gone: nobody's miss."""
    return _ended(contact, offer, OfferEndReason.AGENT_LOST, False, None)


def device_lost(contact: Contact, offer: Offer) -> OfferEnded:
    """Return the end of an offer at an agent whose telephone is gone: nobody's miss."""
    return _ended(contact, offer, OfferEndReason.DEVICE_LOST, False, None)


def superseded(contact: Contact, offer: Offer, until: datetime | None) -> OfferEnded:
    """Return the end of an offer for a supervisor, or a customer who was reached, wants otherwise: nobody's miss."""
    return _ended(contact, offer, OfferEndReason.SUPERSEDED, False, until)


def outpaced(contact: Contact, offer: Offer, accepted_by_agent_id: str) -> OfferEnded:
    """Return the end of an offer of which another one was accepted first: nobody's miss."""
    ended = _ended(contact, offer, OfferEndReason.SUPERSEDED, False, None)
    return replace(ended, accepted_by_agent_id=accepted_by_agent_id)


def _hours_of(domain: Domain, contact: Contact) -> str:
    """Return within which hours its customer is dialled now: those of the policy in force, else of the one it knew."""
    offered = domain.queue(contact.queue_id).definition.callback
    if contact.callback is None or not contact.is_to_dial:
        return ""
    return offered.hours_id if offered else contact.callback.hours_id


def _ringing(
    state: AcdState, contact: Contact, command: commands.AcceptOffer | commands.DeclineOffer, context: Context
) -> Offer:
    """Return the offer that the agent answers.

    Raises: Rejection(`OfferNotLive`) where it does not ring any more, or its lease is over and the timer yet to fire.
    """
    offer = Offer(command.offer_no, command.agent_id)
    if contact.stage is not Stage.OFFERED or offer not in contact.live_offers:
        raise Rejection("OfferNotLive")
    if timing.is_due(state, timing.lease_key(context.tenant, contact, offer.offer_no), context):
        raise Rejection("OfferNotLive")
    return offer


def _due_offer(state: AcdState, contact: Contact | None, offer_no: int, context: Context) -> Offer | None:
    """Return the ringing offer of that number whose lease is over."""
    if contact is None or contact.stage is not Stage.OFFERED:
        return None
    found = next((offer for offer in contact.live_offers if offer.offer_no == offer_no), None)
    is_due = found and timing.is_due(state, timing.lease_key(context.tenant, contact, offer_no), context)
    return found if is_due else None


def _ended(contact: Contact, offer: Offer, reason: OfferEndReason, is_miss: bool, until: datetime | None) -> OfferEnded:
    return OfferEnded(
        contact_id=contact.contact_id,
        segment_no=contact.segment_no,
        offer_no=offer.offer_no,
        agent_id=offer.agent_id,
        reason=reason,
        counts_as_miss=is_miss,
        excluded_until_time=until,
    )
