"""What three services say of the same contacts, and where they contradict each other (ADR 0017).

channels' contact is the truth that acd and ivr follow by numbered steps. A contact with an outstanding step is on its
way and contradicts nobody. Owns: which contradictions there are, and what becomes of a contact that is contradicted.
Must not: know how long one lasted or how others are asked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from trunkline_core.decider import Context

from trunkline_channels.domain import closing, commands, conversation, refusals
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.events import Event
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.domain.words import CallbackState, CloseReason, ContactState


class Difference(StrEnum):
    """How channels and another service differ about a contact."""

    ORPHAN_AT_ACD = "OrphanAtAcd"  # acd has a contact that is over, or that channels does not know
    ORPHAN_AT_IVR = "OrphanAtIvr"
    UNKNOWN_AT_ACD = "UnknownAtAcd"  # channels has a contact in a queue or with an agent, acd does not
    OTHER_AT_ACD = "OtherAtAcd"  # both have it, at different places
    UNKNOWN_AT_IVR = "UnknownAtIvr"  # channels has a contact in self-service, ivr does not


class Stage(StrEnum):
    """Where acd has a contact."""

    WAITING = "waiting"
    OFFERED = "offered"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    ENDED = "ended"
    SCHEDULED = "scheduled"


@dataclass(frozen=True, slots=True)
class AtAcd:
    """A contact that acd has; every change of it shows in one of the fields."""

    step_no: int
    stage: Stage
    segment_no: int
    offer_no: int
    agent_id: str


@dataclass(frozen=True, slots=True)
class AtIvr:
    """A session that runs at ivr."""

    step_no: int
    visit_no: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference about one contact. Two equal ones, a while apart, say that nothing moved between them.

    `version` is channels' `moved_version`, 0 where channels does not know the contact; `there` is what the other
    service has, if any.
    """

    difference: Difference
    contact_id: str
    version: int
    there: AtAcd | AtIvr | None


_STAGES = {
    ContactState.QUEUED: Stage.WAITING,
    ContactState.OFFERED: Stage.OFFERED,
    ContactState.CONNECTING: Stage.CONNECTING,
    ContactState.CONNECTED: Stage.CONNECTED,
}


def differences_with_acd(contacts: Mapping[str, Contact], there: Mapping[str, AtAcd]) -> Iterator[Finding]:
    """Compare all contacts of one tenant and partition with what acd has of them."""
    for contact_id, found in there.items():
        contact = contacts.get(contact_id)
        if contact is None or (contact.is_over and not contact.at_acd):
            yield Finding(Difference.ORPHAN_AT_ACD, contact_id, _version(contact), found)
    for contact in contacts.values():
        if contact.is_over or contact.is_on_its_way or contact.wish is None:
            continue
        at_acd = there.get(contact.contact_id)
        if at_acd is None:
            yield Finding(Difference.UNKNOWN_AT_ACD, contact.contact_id, contact.moved_version, None)
        elif not _agree(contact, at_acd):
            yield Finding(Difference.OTHER_AT_ACD, contact.contact_id, contact.moved_version, at_acd)


def differences_with_ivr(contacts: Mapping[str, Contact], there: Mapping[str, AtIvr]) -> Iterator[Finding]:
    """Compare all contacts of one tenant and partition with the sessions that run at ivr."""
    for contact_id, found in there.items():
        contact = contacts.get(contact_id)
        if contact is None or (contact.is_over and not contact.in_session):
            yield Finding(Difference.ORPHAN_AT_IVR, contact_id, _version(contact), found)
    for contact in contacts.values():
        if contact.in_self_service and contact.step is None and contact.contact_id not in there:
            yield Finding(Difference.UNKNOWN_AT_IVR, contact.contact_id, contact.moved_version, None)


def reconcile(state: ChannelsState, command: commands.ReconcileContact, context: Context) -> Iterator[Event]:
    """End a contact that is contradicted, unless it moved since it was compared."""
    contact = state.contact(command.contact_id, context.tenant)
    if contact.moved_version != command.version or contact.is_over or contact.is_on_its_way:
        return
    yield from conversation.tell(state, contact.contact_id, refusals.APOLOGY)
    yield from closing.end(state, contact.contact_id, CloseReason.RECONCILED, command.difference)


def _version(contact: Contact | None) -> int:
    return contact.moved_version if contact is not None else 0


def _agree(contact: Contact, at_acd: AtAcd) -> bool:
    is_held = contact.state is not ContactState.QUEUED
    same_place = not is_held or contact.place == (at_acd.segment_no, at_acd.offer_no)
    same_agent = contact.agent_id == at_acd.agent_id
    return _is_same_stage(contact, at_acd.stage) and same_place and same_agent


def _is_same_stage(contact: Contact, stage: Stage) -> bool:
    if stage is Stage.SCHEDULED:  # a call-back that was asked for later, or between two attempts
        return contact.state is ContactState.QUEUED and contact.callback is CallbackState.OPEN
    return _STAGES.get(contact.state) is stage
