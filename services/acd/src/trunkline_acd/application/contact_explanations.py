"""Why one contact is where it is: why these agents were asked, and why it still waits (rule 21).

Owns: `ContactExplanation`, field for field the message of `acd_types.proto`; the memory of offers that
every replica fills as it reads the ledger. Must not: change state.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trunkline_core.errors import NotFound
from trunkline_ledger.submission import Recorded

from trunkline_acd.application.desk_feed import AcdLedger
from trunkline_acd.application.domain_reads import read_domain
from trunkline_acd.domain.agents import Work
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.offer_history import ExplainedOffer, OfferHistory, OfferOutcome
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.waiting_reasons import WaitingReasons, waiting_reasons
from trunkline_acd.domain.words import WorkState


@dataclass(frozen=True, slots=True)
class ContactExplanation:
    """One contact at log time `now_time`.

    Attributes:
        queue_id, channel, entered_time: of its segment; unset for a contact that is over.
        agent_id: who has it; of several at whom it rings the one asked last; empty while it waits, and for a contact
            that is over.
        offer_count: offers there were so far; 0 where nothing is known of them.
        offers: the newest ones that are remembered, the oldest first.
        waiting: set while it waits.
        ringing_count: at how many agents it rings.
    """

    contact_id: str
    stage: Stage
    queue_id: str
    channel: Channel
    entered_time: datetime | None
    now_time: datetime
    agent_id: str
    offer_count: int
    offers: tuple[ExplainedOffer, ...]
    waiting: WaitingReasons | None
    ringing_count: int = 0


class ContactExplanations:
    """Answers for the partitions that this replica owns."""

    def __init__(self, ledger: AcdLedger) -> None:
        self._ledger = ledger
        self._history = OfferHistory()
        ledger.watch(self._on_events)

    async def explain(self, tenant: str, contact_id: str) -> ContactExplanation:
        """Return why the contact is where it is.

        Raises: NotFound; NotOwner from a replica that does not own the partition; Transient where it cannot tell now.
        """

        def view(state: AcdState, now: datetime) -> ContactExplanation:
            return explanation_of(state, tenant, contact_id, self._history.offers(tenant, contact_id), now)

        return (await read_domain(self._ledger, tenant, view))[0]

    def _on_events(self, partition: int, events: Sequence[Recorded[Any]]) -> None:
        for recorded in events:
            self._history.note(recorded.metadata.tenant_id, recorded.event, recorded.metadata.event_time)


def explanation_of(
    state: AcdState, tenant: str, contact_id: str, remembered: tuple[ExplainedOffer, ...], now: datetime
) -> ContactExplanation:
    """Return why the contact is where it is at `now`. Raises: NotFound, when nothing is known of it any more."""
    domain = state.domain(tenant)
    contact = domain.contacts.get(contact_id)
    if contact is None:
        if contact_id not in domain.tombstones and not remembered:
            raise NotFound("contact", contact_id)
        return over(contact_id, remembered, now)
    is_waiting = contact.stage is Stage.WAITING
    return ContactExplanation(
        contact_id=contact_id,
        stage=contact.stage,
        queue_id=contact.queue_id,
        channel=contact.channel,
        entered_time=contact.entered_time,
        now_time=now,
        agent_id=contact.agent_id,
        offer_count=contact.next_offer_no - 1,
        offers=remembered or _live_offers(domain, contact),
        waiting=waiting_reasons(state, tenant, contact, now) if is_waiting else None,
        ringing_count=len(contact.agent_ids) if contact.stage is Stage.OFFERED else 0,
    )


def over(contact_id: str, offers: tuple[ExplainedOffer, ...], now: datetime) -> ContactExplanation:
    """Return what is known of a contact that is over."""
    return ContactExplanation(
        contact_id=contact_id,
        stage=Stage.ENDED,
        queue_id="",
        channel=Channel.UNSPECIFIED,
        entered_time=None,
        now_time=now,
        agent_id="",
        offer_count=offers[-1].offer_no if offers else 0,
        offers=offers,
        waiting=None,
    )


def _live_offers(domain: Domain, contact: Contact) -> tuple[ExplainedOffer, ...]:
    """Return the offers that the agents' rows keep: after a start from a snapshot nothing else is known."""
    agents = filter(None, map(domain.agents.get, contact.agent_ids))
    works = ((agent.agent_id, agent.work_on(contact.contact_id)) for agent in agents)
    return tuple(_explained_offer(agent_id, work) for agent_id, work in works if work and work.explanation)


def _explained_offer(agent_id: str, work: Work) -> ExplainedOffer:
    return ExplainedOffer(
        offer_no=work.offer_no,
        segment_no=work.segment_no,
        queue_id=work.queue_id,
        agent_id=agent_id,
        offered_time=work.since_time,
        outcome=OfferOutcome.RINGING if work.state is WorkState.OFFERED else OfferOutcome.ACCEPTED,
        explanation=work.explanation,
    )
