"""What became of the newest offers: to whom, why, and how each ended (rule 21).

Owns: a bounded memory beside the state, filled by events; the ledger has them all. Must not: be the ground of a
decision.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final

from trunkline_core.replacing import replace

from trunkline_acd.domain import policy
from trunkline_acd.domain.events import (
    CallbackAttempted,
    CallbackDialled,
    CallbackPostponed,
    CallbackReached,
    ConnectFailed,
    ContactConnected,
    ContactOffered,
    Event,
    OfferAccepted,
    OfferEnded,
)
from trunkline_acd.domain.words import Explanation, OfferEndReason

MAX_CONTACTS: Final = 5_000
MAX_OFFERS_PER_CONTACT: Final = policy.MAX_RINGING + 10  # all that ring at once, and some before them


class OfferOutcome(Enum):
    """What became of an offer."""

    UNSPECIFIED = 0
    RINGING = 1
    ACCEPTED = 2
    CONNECTED = 3
    DECLINED = 4
    EXPIRED = 5
    RESCINDED = 6
    AGENT_LOST = 7
    CONNECT_FAILED = 8
    NOT_REACHED = 9
    SUPERSEDED = 10
    OUTPACED = 11
    DEVICE_LOST = 130
    DIALLED = 110
    REACHED = 111
    POSTPONED = 112


@dataclass(frozen=True, slots=True)
class ExplainedOffer:
    """One offer of a contact, and what became of it so far."""

    offer_no: int
    segment_no: int
    queue_id: str
    agent_id: str
    offered_time: datetime
    outcome: OfferOutcome
    explanation: Explanation | None


_ENDS = {reason: OfferOutcome[reason.name] for reason in OfferEndReason}


class OfferHistory:
    """The newest offers of the contacts that were offered last: at most 30 of each of at most 5,000."""

    def __init__(self, max_contacts: int = MAX_CONTACTS, max_offers: int = MAX_OFFERS_PER_CONTACT) -> None:
        self._max_contacts = max_contacts
        self._max_offers = max_offers
        self._offers: OrderedDict[tuple[str, str], deque[ExplainedOffer]] = OrderedDict()

    def offers(self, tenant: str, contact_id: str) -> tuple[ExplainedOffer, ...]:
        """Return the contact's offers that are remembered, the oldest first."""
        return tuple(self._offers.get((tenant, contact_id), ()))

    def note(self, tenant: str, event: Event, event_time: datetime) -> None:
        """Take an event; all but those of offers are of no concern."""
        match event:
            case ContactOffered():
                self._add(tenant, event, event_time)
            case CallbackDialled():
                self._add(tenant, event, event_time)
                self._end(tenant, event.contact_id, event.offer_no, OfferOutcome.DIALLED)
            case CallbackReached():
                self._end(tenant, event.contact_id, event.offer_no, OfferOutcome.REACHED)
            case CallbackPostponed():
                self._end(tenant, event.contact_id, event.offer_no, OfferOutcome.POSTPONED)
            case OfferAccepted():
                self._end(tenant, event.contact_id, event.offer_no, OfferOutcome.ACCEPTED)
            case ContactConnected():
                self._end(tenant, event.contact_id, event.offer_no, OfferOutcome.CONNECTED)
            case ConnectFailed():
                self._end(tenant, event.contact_id, event.offer_no, OfferOutcome.CONNECT_FAILED)
            case CallbackAttempted():
                self._end(tenant, event.contact_id, event.offer_no, OfferOutcome.NOT_REACHED)
            case OfferEnded():
                outcome = OfferOutcome.OUTPACED if event.accepted_by_agent_id else _ENDS[event.reason]
                self._end(tenant, event.contact_id, event.offer_no, outcome)
            case _:
                pass

    def _add(self, tenant: str, event: ContactOffered | CallbackDialled, event_time: datetime) -> None:
        name = (tenant, event.contact_id)
        offers = self._offers.setdefault(name, deque(maxlen=self._max_offers))
        self._offers.move_to_end(name)
        while offers and offers[-1].offer_no >= event.offer_no:  # the log is read again, or its end was lost
            offers.pop()
        offers.append(
            ExplainedOffer(
                offer_no=event.offer_no,
                segment_no=event.segment_no,
                queue_id=event.queue_id,
                agent_id=event.agent_id,
                offered_time=event_time,
                outcome=OfferOutcome.RINGING,
                explanation=event.explanation,
            )
        )
        if len(self._offers) > self._max_contacts:
            self._offers.popitem(last=False)

    def _end(self, tenant: str, contact_id: str, offer_no: int, outcome: OfferOutcome) -> None:
        """An offer that is not remembered any more stays so."""
        offers = self._offers.get((tenant, contact_id))
        for number, offer in enumerate(offers or ()):
            if offers is not None and offer.offer_no == offer_no:
                offers[number] = replace(offer, outcome=outcome)
