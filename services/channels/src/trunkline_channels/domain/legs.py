"""Who hears whom in a connected call: what its gateway is to do with each leg.

Owns: that at every moment the legs that are bridged hear each other, and who is on hold hears nobody; that a supervisor
hears what the agent hears, and is heard by whom the supervisor chose. Nobody else's leg differs because of that.
Must not: know how far anybody has come with it; a leg that is asked for again is there already.
"""

from dataclasses import dataclass
from enum import Enum

from trunkline_channels.domain.contact import Consultation, Contact, Legs, Monitoring
from trunkline_channels.domain.words import Channel, ConsultationState, ContactState, MonitoringMode, Party


class LegRole(Enum):
    """Whose leg it is."""

    CUSTOMER = 1
    AGENT = 2
    COLLEAGUE = 3
    SUPERVISOR = 10


class LegMode(Enum):
    """What the gateway does with it: bring it up, let it talk, put it on hold.

    LISTENING and WHISPERING hear all that are BRIDGED; the one is heard by nobody, the other by the agent.
    """

    CONNECT = 1
    BRIDGED = 2
    HELD = 3
    LISTENING = 10
    WHISPERING = 11


@dataclass(frozen=True, slots=True)
class Leg:
    """One leg; `agent_id` and `offer_no` are those of an agent, empty and 0 for the customer.

    A supervisor's has `supervisor_id` and `monitoring_no`, no offer, and the agent that the supervisor is besides.
    """

    role: LegRole
    mode: LegMode
    agent_id: str = ""
    offer_no: int = 0
    supervisor_id: str = ""
    monitoring_no: int = 0


_MONITORS = {
    MonitoringMode.UNSPECIFIED: LegMode.LISTENING,  # what a newer version added: heard by nobody
    MonitoringMode.LISTEN: LegMode.LISTENING,
    MonitoringMode.WHISPER: LegMode.WHISPERING,
    MonitoringMode.BARGE: LegMode.BRIDGED,
}


def legs_of(contact: Contact) -> tuple[Leg, ...]:
    """Return all legs of a connected call; none of any other contact, whose gateway goes on as before."""
    if contact.channel is not Channel.VOICE or contact.state is not ContactState.CONNECTED:
        return ()
    monitors = (_monitor(contact.monitoring),) if contact.monitoring is not None else ()
    return _legs_without_monitor(contact) + monitors


def _legs_without_monitor(contact: Contact) -> tuple[Leg, ...]:
    asked = contact.consultation
    customer = Leg(LegRole.CUSTOMER, LegMode.HELD if asked and _holds_customer(asked) else LegMode.BRIDGED)
    agent = Leg(LegRole.AGENT, LegMode.BRIDGED, contact.agent_id, contact.offer_no)
    if asked is None or asked.leg not in (Legs.AWAITED, Legs.JOINED):
        return customer, agent
    return customer, agent, Leg(LegRole.COLLEAGUE, _mode(asked), asked.agent_id, asked.offer_no)


def _monitor(now: Monitoring) -> Leg:
    mode = _MONITORS[now.mode] if now.is_joined else LegMode.CONNECT
    return Leg(LegRole.SUPERVISOR, mode, now.agent_id, 0, now.supervisor_id, now.monitoring_no)


def _holds_customer(asked: Consultation) -> bool:
    if asked.state in (ConsultationState.OFFERED, ConsultationState.CONNECTING):
        return True
    return asked.state is ConsultationState.TALKING and asked.talks_to is Party.COLLEAGUE


def _mode(asked: Consultation) -> LegMode:
    if asked.leg is Legs.AWAITED:
        return LegMode.CONNECT
    is_held = asked.state is ConsultationState.TALKING and asked.talks_to is Party.CUSTOMER
    return LegMode.HELD if is_held else LegMode.BRIDGED
