"""Numbered steps of a contact's saga: repeated ones change nothing, lower ones are stale."""

from trunkline_core.errors import NotFound, Rejection

from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.state import Domain


def is_repeated(domain: Domain, contact_id: str, step_no: int) -> bool:
    """Tell whether this very step was done already. Raises: Rejection(`StaleStep`) for a lower one."""
    known = domain.contacts.get(contact_id) or domain.tombstones.get(contact_id)
    if known is None or step_no > known.step_no:
        return False
    if step_no < known.step_no:
        raise Rejection("StaleStep")
    return True


def contact_for(domain: Domain, contact_id: str, rule_when_over: str) -> Contact:
    """Return the contact. Raises: Rejection(rule_when_over) for one that is over, NotFound for an unknown one."""
    if contact := domain.contacts.get(contact_id):
        return contact
    if contact_id in domain.tombstones:
        raise Rejection(rule_when_over)
    raise NotFound("contact", contact_id)


def connected_contact(domain: Domain, contact_id: str, agent_id: str, segment_no: int) -> Contact:
    """Return the contact that this agent has connected.

    Raises: NotFound; Rejection(`ContactAlreadyEnded`, `ContactNotConnected`).
    """
    contact = contact_for(domain, contact_id, "ContactAlreadyEnded")
    if contact.stage is not Stage.CONNECTED or (contact.agent_id, contact.segment_no) != (agent_id, segment_no):
        raise Rejection("ContactNotConnected")
    return contact
