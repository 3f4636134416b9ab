"""The life of an offer: created, then accepted, declined, expired, rescinded or superseded.

Owns: rules 3 and 4 as long as it rings. One live offer per contact; whoever comes late is refused.
"""

from collections.abc import Iterator
from datetime import datetime

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection

from trunkline_acd.domain import commands, policy, timing
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.events import Event, ExclusionEnded, OfferAccepted, OfferEnded
from trunkline_acd.domain.limits import rematch
from trunkline_acd.domain.matching import offer_contact
from trunkline_acd.domain.misses import block_after_misses, excluded_until
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.steps import contact_for
from trunkline_acd.domain.words import Connectivity, OfferEndReason


def accept(domain: Domain, command: commands.AcceptOffer, context: Context) -> Iterator[Event]:
    """The agent takes the contact; a repeated accept changes nothing, a late one is refused."""
    agent = domain.agent(command.agent_id)
    contact = contact_for(domain, command.contact_id, "OfferNotLive")
    is_theirs = (contact.agent_id, contact.offer_no) == (agent.agent_id, command.offer_no)
    if is_theirs and contact.stage in (Stage.CONNECTING, Stage.CONNECTED):
        return
    if not is_theirs or contact.stage is not Stage.OFFERED:
        raise Rejection("OfferNotLive")
    expires_time = context.now + (policy.DIALLING if contact.callback else policy.CONNECTING)
    yield OfferAccepted(contact.contact_id, contact.segment_no, contact.offer_no, agent.agent_id, expires_time)


def decline(domain: Domain, command: commands.DeclineOffer, context: Context) -> Iterator[Event]:
    """The agent does not take the contact: nobody's miss, but this agent is not asked again at once."""
    agent = domain.agent(command.agent_id)
    contact = contact_for(domain, command.contact_id, "OfferNotLive")
    is_theirs = (contact.agent_id, contact.offer_no) == (agent.agent_id, command.offer_no)
    if not is_theirs or contact.stage is not Stage.OFFERED:
        raise Rejection("OfferNotLive")
    yield declined(domain, contact, context.now)
    yield from rematch(domain, contact, agent.agent_id, "OfferEnded", context)


def expire(state: AcdState, command: commands.ExpireOffer, context: Context) -> Iterator[Event]:
    """The lease ran out: a miss, unless the desk was lost or a new owner has just begun (rule 4)."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.offer_key(context.tenant, command.contact_id), context):
        return
    contact = domain.contact(command.contact_id)
    agent = domain.agent(contact.agent_id)
    if agent.connectivity is not Connectivity.CONNECTED:
        yield lost(contact)
    else:
        is_miss = not state.timers.is_in_grace(context.now)
        until = excluded_until(domain, contact, context.now) if is_miss else None
        yield _ended(contact, OfferEndReason.EXPIRED, is_miss, until)
        yield from block_after_misses(domain, contact)
    yield from rematch(domain, contact, agent.agent_id, "OfferEnded", context)


def end_exclusion(state: AcdState, command: commands.EndExclusion, context: Context) -> Iterator[Event]:
    """An agent who missed or declined the contact may be asked again."""
    domain = state.domain(context.tenant)
    if not timing.is_due(state, timing.exclusion_key(context.tenant, command.contact_id, command.agent_id), context):
        return
    yield ExclusionEnded(command.contact_id, command.agent_id)
    yield from offer_contact(domain, command.contact_id, "ExclusionEnded", context)


def declined(domain: Domain, contact: Contact, now: datetime) -> OfferEnded:
    """Return the end of an offer that the agent did not want."""
    return _ended(contact, OfferEndReason.DECLINED, False, excluded_until(domain, contact, now))


def rescinded(contact: Contact) -> OfferEnded:
    """Return the end of an offer whose caller left: nobody's miss."""
    return _ended(contact, OfferEndReason.RESCINDED, False, None)


def lost(contact: Contact) -> OfferEnded:
    """Return the end of an offer whose desk is gone: nobody's miss."""
    return _ended(contact, OfferEndReason.AGENT_LOST, False, None)


def superseded(contact: Contact, until: datetime | None) -> OfferEnded:
    """Return the end of an offer that a supervisor ended: nobody's miss."""
    return _ended(contact, OfferEndReason.SUPERSEDED, False, until)


def _ended(contact: Contact, reason: OfferEndReason, is_miss: bool, until: datetime | None) -> OfferEnded:
    return OfferEnded(
        contact_id=contact.contact_id,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        agent_id=contact.agent_id,
        reason=reason,
        counts_as_miss=is_miss,
        excluded_until_time=until,
    )
