"""What must be true of every history of routing, by its events alone.

Owns: capacity, one offer at a time (where it rings at all, one at each agent), one accept, tenants apart, ends that
stay ends, no call to a lost telephone. Must not: use acd's state or its rules.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trunkline_acd.domain import events
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.words import OfferEndReason
from trunkline_testkit.checker.rules import Violation

GRACE_S = 10.0
ENDS_WORK = (
    events.OfferEnded,
    events.ConnectFailed,
    events.CallbackReached,
    events.CallbackPostponed,
    events.CallbackAttempted,
    events.WrapUpFinished,
)


@dataclass(slots=True)
class AcdHistory:
    """Follows the events of one log; `violations` is what was wrong."""

    violations: list[Violation] = field(default_factory=list)
    offers: int = 0
    connected: int = 0
    open_contacts: dict[str, str] = field(default_factory=dict)  # by contact: tenant
    _capacity: dict[str, int] = field(default_factory=dict)
    _work: dict[str, dict[str, Channel]] = field(default_factory=dict)  # by agent
    _parked: dict[str, Channel] = field(default_factory=dict)  # by contact
    _live: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)  # by contact and agent: offer, stage
    _ended: set[str] = field(default_factory=set)
    _telephones: dict[str, set[str]] = field(default_factory=dict)  # by agent, of whom gateways spoke: where registered

    def add(self, event: Any, tenant: str) -> None:
        """Take in the next effective event."""
        self._check_tenant(event, tenant)
        match event:
            case events.AgentConfigured(agent):
                self._capacity[agent.agent_id] = agent.chat_capacity
            case events.ContactEnqueued():
                if event.contact_id in self._ended:
                    self._wrong("EnqueuedAfterItsEnd", event.contact_id, "")
                self.open_contacts[event.contact_id] = tenant
            case events.ContactOffered():
                self._offered(event)
            case events.CallbackDialled():
                self._offered(event)
                self._move(event, "offered", "accepted")
            case events.OfferAccepted():
                if len(self._live.get(event.contact_id, ())) > 1:  # what else rings ends before, in the same command
                    self._wrong("AcceptedBesideOffers", event.contact_id, f"{self._live[event.contact_id]}")
                self._move(event, "offered", "accepted")
            case events.ContactConnected():
                self.connected += 1
                self._move(event, "accepted", "connected")
            case events.OfferEnded(reason=OfferEndReason.RESCINDED):
                live = self._live.get(event.contact_id, {})
                self._move(event, live.get(event.agent_id, (0, ""))[1], "")
            case events.OfferEnded():
                self._move(event, "offered", "")
            case events.CallbackReached(agent_id=""):
                pass
            case (
                events.ConnectFailed()
                | events.CallbackAttempted()
                | events.CallbackPostponed()
                | events.CallbackReached()
            ):
                self._move(event, "accepted", "")
            case events.DeviceRegistered():
                self._telephones.setdefault(event.agent_id, set()).add(event.peer_id)
            case events.DeviceLost():
                self._telephones[event.agent_id].discard(event.peer_id)
            case events.DeviceForgotten():
                self._telephones.pop(event.agent_id, None)
            case events.ContactForgotten():
                self._ended.add(event.contact_id)
                self.open_contacts.pop(event.contact_id, None)
                self._live.pop(event.contact_id, None)
            case events.ContactParked():
                self._parked[event.contact_id] = self._work[event.agent_id].pop(event.contact_id)
            case events.ContactResumed():
                self._work[event.agent_id][event.contact_id] = self._parked.pop(event.contact_id)
                self._check_capacity(event.agent_id)
        if isinstance(event, ENDS_WORK) or (isinstance(event, events.ContactReleased) and not event.wrap_up):
            self._work.get(event.agent_id, {}).pop(event.contact_id, None)

    def _offered(self, event: events.ContactOffered | events.CallbackDialled) -> None:
        self.offers += 1
        live = self._live.setdefault(event.contact_id, {})
        rings_at_all = isinstance(event, events.ContactOffered) and event.ring_all
        if event.agent_id in live or (live and not rings_at_all):
            self._wrong("OfferedTwice", event.contact_id, f"offer {event.offer_no} while {live}")
        live[event.agent_id] = (event.offer_no, "offered")
        work = self._work.setdefault(event.agent_id, {})
        work[event.contact_id] = event.channel
        self._check_capacity(event.agent_id)
        if event.channel is Channel.VOICE and self._telephones.get(event.agent_id) == set():
            self._wrong("OfferedToALostTelephone", event.contact_id, f"offer {event.offer_no} to {event.agent_id}")

    def _check_capacity(self, agent_id: str) -> None:
        work, capacity = self._work[agent_id], self._capacity.get(agent_id, 0)
        is_on_call = Channel.VOICE in work.values() and len(work) > 1
        if is_on_call or len(work) > capacity:
            self._wrong("AboveCapacity", agent_id, f"{len(work)} at once of {capacity}")

    def _move(self, event: Any, expected: str, after: str) -> None:
        live = self._live.setdefault(event.contact_id, {})
        if live.get(event.agent_id) != (event.offer_no, expected):
            kind = type(event).__name__
            self._wrong("OfferOutOfOrder", event.contact_id, f"{kind} of {event.offer_no} while {live}")
        if after:
            live[event.agent_id] = (event.offer_no, after)
        else:
            live.pop(event.agent_id, None)

    def _check_tenant(self, event: Any, tenant: str) -> None:
        for name in ("contact_id", "agent_id", "queue_id"):
            subject = getattr(event, name, "")
            if subject and subject.split("_")[1] != tenant[3:]:
                self._wrong("WrongTenant", subject, f"{type(event).__name__} of {tenant}")

    def _wrong(self, rule: str, subject: str, detail: str) -> None:
        self.violations.append(Violation(rule, subject, detail))


def cut_leases(history: Iterable[tuple[Any, datetime, datetime]]) -> Iterator[Violation]:
    """No offer expires within 10 s of a new epoch that found it ringing, and then as nobody's fault (ledger rule 15).

    `history`: event, its time, and the append time of its epoch's marker.
    """
    offered: dict[tuple[str, int], datetime] = {}
    for event, at, began in history:
        if isinstance(event, events.ContactOffered):
            offered[event.contact_id, event.offer_no] = at
        elif isinstance(event, events.OfferEnded) and event.reason is OfferEndReason.EXPIRED:
            since = (at - began).total_seconds()
            if offered.get((event.contact_id, event.offer_no), at) < began and since < GRACE_S:
                yield Violation("LeaseNotExtended", event.contact_id, f"expired {since:.3f} s after the epoch began")
            if event.counts_as_miss and since <= GRACE_S:
                yield Violation("MissedInGrace", event.contact_id, f"a miss {since:.3f} s after the epoch began")
