"""Who hears whom in a connected call: what its gateway is to do with each leg.

Owns: that at every moment the legs that are bridged hear each other, and all others hear nobody.
Must not: know how far anybody has come with it; a leg that is asked for again is there already.
"""

from dataclasses import dataclass
from enum import Enum

from trunkline_channels.domain.contact import Consultation, Contact, Legs
from trunkline_channels.domain.words import Channel, ConsultationState, ContactState, Party


class LegRole(Enum):
    """Whose leg it is."""

    CUSTOMER = 1
    AGENT = 2
    COLLEAGUE = 3


class LegMode(Enum):
    """What the gateway does with it: bring it up, let it talk, put it on hold."""

    CONNECT = 1
    BRIDGED = 2
    HELD = 3


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg; `agent_id` and `offer_no` are those of an agent, empty and 0 for the customer."""

    role: LegRole
    mode: LegMode
    agent_id: str = ""
    offer_no: int = 0


def legs_of(contact: Contact) -> tuple[Leg, ...]:
    """Return all legs of a connected call; none of any other contact, whose gateway goes on as before."""
    if contact.channel is not Channel.VOICE or contact.state is not ContactState.CONNECTED:
        return ()
    asked = contact.consultation
    customer = Leg(LegRole.CUSTOMER, LegMode.HELD if asked and _holds_customer(asked) else LegMode.BRIDGED)
    agent = Leg(LegRole.AGENT, LegMode.BRIDGED, contact.agent_id, contact.offer_no)
    if asked is None or asked.leg not in (Legs.AWAITED, Legs.JOINED):
        return customer, agent
    return customer, agent, Leg(LegRole.COLLEAGUE, _mode(asked), asked.agent_id, asked.offer_no)


def _holds_customer(asked: Consultation) -> bool:
    if asked.state in (ConsultationState.OFFERED, ConsultationState.CONNECTING):
        return True
    return asked.state is ConsultationState.TALKING and asked.talks_to is Party.COLLEAGUE


def _mode(asked: Consultation) -> LegMode:
    if asked.leg is Legs.AWAITED:
        return LegMode.CONNECT
    is_held = asked.state is ConsultationState.TALKING and asked.talks_to is Party.CUSTOMER
    return LegMode.HELD if is_held else LegMode.BRIDGED
