"""Keys of the partition's timers, and when a timer's command is really due.

Owns: that a timer's command from anywhere does nothing before its time. Tenants share a partition: keys carry theirs.
"""

from trunkline_core.decider import Context

from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.state import AcdState


def offer_key(tenant: str, contact_id: str) -> str:
    """Lease of the contact's live offer."""
    return f"offer/{tenant}/{contact_id}"


def connecting_key(tenant: str, contact_id: str) -> str:
    """Limit of the contact's joining."""
    return f"connecting/{tenant}/{contact_id}"


def exclusion_key(tenant: str, contact_id: str, agent_id: str) -> str:
    """End of the time for which the agent is not offered the contact."""
    return f"exclusion/{tenant}/{contact_id}/{agent_id}"


def wrap_up_key(tenant: str, agent_id: str, contact_id: str) -> str:
    """End of a timed wrap-up."""
    return f"wrap_up/{tenant}/{agent_id}/{contact_id}"


def grace_key(tenant: str, agent_id: str) -> str:
    """End of the time in which a lost desk may come back."""
    return f"grace/{tenant}/{agent_id}"


def tombstone_key(tenant: str) -> str:
    """End of the oldest tombstone: one timer for all of a tenant."""
    return f"tombstone/{tenant}"


def is_due(state: AcdState, key: str, context: Context) -> bool:
    """Tell whether that timer is pending and its time has come."""
    timer = state.timers.get(key)
    return timer is not None and timer.due <= context.now


def cancel_offer(state: AcdState, tenant: str, contact_id: str) -> None:
    """Stop the lease and the limit of joining."""
    state.timers.cancel(offer_key(tenant, contact_id))
    state.timers.cancel(connecting_key(tenant, contact_id))


def cancel_exclusions(state: AcdState, tenant: str, contact: Contact) -> None:
    """Stop all exclusions of the contact."""
    for agent_id in contact.excluded:
        state.timers.cancel(exclusion_key(tenant, contact.contact_id, agent_id))
