"""Keys of the partition's timers, and when a timer's command is really due.

Owns: that a timer's command from anywhere does nothing before its time. Tenants share a partition: keys carry theirs.
"""

from datetime import datetime

from trunkline_core.decider import Context
from trunkline_core.timers import Timer

from trunkline_acd.domain.commands import EndExclusion
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.state import AcdState


def lease_key(tenant: str, contact: Contact, offer_no: int) -> str:
    """Lease of one of the contact's live offers: where it rings at several, each has its own."""
    key = f"offer/{tenant}/{contact.contact_id}"
    return f"{key}/{offer_no}" if contact.rings_at_all else key


def connecting_key(tenant: str, contact_id: str) -> str:
    """Limit of the contact's joining."""
    return f"connecting/{tenant}/{contact_id}"


def consultation_key(tenant: str, contact_id: str) -> str:
    """Lease of the contact's consultation, then the limit of its joining."""
    return f"consultation/{tenant}/{contact_id}"


def exclusion_key(tenant: str, contact_id: str, agent_id: str) -> str:
    """End of the time for which the agent is not offered the contact."""
    return f"exclusion/{tenant}/{contact_id}/{agent_id}"


def ring_key(tenant: str, contact_id: str) -> str:
    """When the contact has waited until its next ring."""
    return f"ring/{tenant}/{contact_id}"


def longest_wait_key(tenant: str, contact_id: str) -> str:
    """When the contact has waited for as long as its queue lets it."""
    return f"longest_wait/{tenant}/{contact_id}"


def unstaffed_key(tenant: str, queue_id: str) -> str:
    """When those who wait leave a queue for which nobody is signed in."""
    return f"unstaffed/{tenant}/{queue_id}"


def overflow_key(tenant: str, queue_id: str) -> str:
    """When a contact of the queue may have waited so long that some flow out."""
    return f"overflow/{tenant}/{queue_id}"


def affinity_key(tenant: str, contact_id: str) -> str:
    """When the contact is not held for one agent any more."""
    return f"affinity/{tenant}/{contact_id}"


def handout_key(tenant: str) -> str:
    """When what is left of a bounded step goes on: hand-outs, rings that nobody serves, rings at all."""
    return f"handout/{tenant}"


def callback_key(tenant: str, contact_id: str) -> str:
    """When the call-back waits again."""
    return f"callback/{tenant}/{contact_id}"


def wrap_up_key(tenant: str, agent_id: str, contact_id: str) -> str:
    """End of a timed wrap-up."""
    return f"wrap_up/{tenant}/{agent_id}/{contact_id}"


def grace_key(tenant: str, agent_id: str) -> str:
    """End of the time in which a lost desk may come back."""
    return f"grace/{tenant}/{agent_id}"


def call_in_key(tenant: str, agent_id: str) -> str:
    """When the agent is not called in any more."""
    return f"call_in/{tenant}/{agent_id}"


def skills_key(tenant: str, agent_id: str) -> str:
    """When a skill of the agent begins or ceases to hold."""
    return f"skills/{tenant}/{agent_id}"


def tombstone_key(tenant: str) -> str:
    """End of the oldest tombstone: one timer for all of a tenant."""
    return f"tombstone/{tenant}"


def is_due(state: AcdState, key: str, context: Context) -> bool:
    """Tell whether that timer is pending and its time has come."""
    timer = state.timers.get(key)
    return timer is not None and timer.due <= context.now


def set_exclusion(state: AcdState, tenant: str, contact_id: str, agent_id: str, until: datetime) -> None:
    """Start the time for which the agent is not offered the contact."""
    key = exclusion_key(tenant, contact_id, agent_id)
    state.timers.set(Timer(key, until, tenant, EndExclusion(contact_id, agent_id)))


def cancel_offer(state: AcdState, tenant: str, contact: Contact, offer_no: int) -> None:
    """Stop the lease of one live offer and the limit of joining; the contact is as it was when the offer was live."""
    state.timers.cancel(lease_key(tenant, contact, offer_no))
    state.timers.cancel(connecting_key(tenant, contact.contact_id))


def cancel_waiting(state: AcdState, tenant: str, contact: Contact) -> None:
    """Stop what runs while the queue segment is open: next ring, longest wait, affinity and all exclusions."""
    state.timers.cancel(longest_wait_key(tenant, contact.contact_id))
    state.timers.cancel(ring_key(tenant, contact.contact_id))
    state.timers.cancel(affinity_key(tenant, contact.contact_id))
    for agent_id in contact.excluded:
        state.timers.cancel(exclusion_key(tenant, contact.contact_id, agent_id))
