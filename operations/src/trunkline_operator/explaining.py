"""`trunkline explain`: why a contact went to an agent, or why it still waits, in plain words (routing rule 21).

Owns: finding all offers of a contact in acd's ledger; the running acd is asked only why it waits now.
Must not: have words of its own.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from trunkline.acd.v1.acd_types_pb2 import ContactExplanation as Explained
from trunkline_acd.adapters.wire import CODEC, CONTACT_EXPLANATION
from trunkline_acd.application.contact_explanations import ContactExplanation, over
from trunkline_acd.bootstrap import TOPIC
from trunkline_acd.domain import events
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.offer_history import ExplainedOffer, OfferHistory, OfferOutcome
from trunkline_console.adapters.acd_reads import AcdReader
from trunkline_console.application.explaining import Names, facts_json, sentences
from trunkline_console.application.explanation_words import Language
from trunkline_core.errors import Misconfigured, Poison, TrunklineError
from trunkline_ledger.audit.stored import RecordSource
from trunkline_platform.credentials import Credentials, service_principal
from trunkline_platform.grpc_client import Channels

from trunkline_operator.effective import effective_records
from trunkline_operator.installation import Installation
from trunkline_operator.tailing import UNPRINTABLE, line_of

MAX_OFFERS: Final = 1_000
AskAcd = Callable[[str, str], Awaitable[Explained]]


class Trail:
    """What the ledger says of one contact of one tenant."""

    def __init__(self, tenant: str, contact_id: str) -> None:
        self.tenant = tenant
        self._contact_id = contact_id
        self._history = OfferHistory(max_offers=MAX_OFFERS)
        self._now = over(contact_id, (), datetime.min)

    def note(self, event: Event, event_time: datetime) -> None:
        """Take an event of this contact."""
        self._history.note(self.tenant, event, event_time)
        match event:
            case events.ContactEnqueued():
                entered = replace(self._now, stage=Stage.WAITING, entered_time=event_time)
                self._now = replace(entered, queue_id=event.queue_id, channel=event.channel)
            case events.ContactOffered():
                self._now = replace(self._now, stage=Stage.OFFERED, agent_id=event.agent_id, offer_count=event.offer_no)
            case events.CallbackDialled():
                kept = replace(self._now, stage=Stage.CONNECTING, agent_id=event.agent_id)
                self._now = replace(kept, offer_count=event.offer_no)
            case events.CallbackReached():
                self._now = replace(self._now, stage=Stage.WAITING, agent_id="")
            case events.OfferAccepted():
                self._now = replace(self._now, stage=Stage.CONNECTING, agent_id=event.agent_id)
            case events.ContactConnected():
                self._now = replace(self._now, stage=Stage.CONNECTED)
            case events.ConsultationCompleted() | events.ContactTakenOver():
                handed_over = replace(self._now, stage=Stage.CONNECTED, agent_id=event.agent_id)
                self._now = replace(handed_over, queue_id=event.queue_id)
            case events.OfferEnded() | events.ConnectFailed() | events.CallbackAttempted() | events.CallbackPostponed():
                self._now = self._rings_on() or replace(self._now, stage=Stage.WAITING, agent_id="")
            case events.CallbackEnded() | events.SegmentEnded() | events.ContactReleased() | events.ContactForgotten():
                self._now = replace(over(self._contact_id, (), event_time), offer_count=self._now.offer_count)
            case _:
                pass

    def explanation(self, now: datetime) -> ContactExplanation:
        """Return what is known of the contact, without why it waits."""
        offers = self._history.offers(self.tenant, self._contact_id)
        return replace(self._now, offers=offers, now_time=now, ringing_count=len(_ringing(offers)))

    def _rings_on(self) -> ContactExplanation | None:
        """Return the contact at the agents who have it ringing still, if any: each offer ends for itself."""
        left = _ringing(self._history.offers(self.tenant, self._contact_id))
        return replace(self._now, agent_id=left[-1].agent_id) if left else None


def _ringing(offers: Iterable[ExplainedOffer]) -> list[ExplainedOffer]:
    return [offer for offer in offers if offer.outcome is OfferOutcome.RINGING]


async def explain(
    source: RecordSource,
    contact_id: str,
    tenant: str,
    language: Language,
    now: datetime,
    ask: AskAcd,
    *,
    only_json: bool,
) -> None:
    """Print why the contact is where it is.

    Args:
        source: where acd's ledger is.
        contact_id: the contact.
        tenant: whose; empty for whoever has a contact of that id.
        language: of the sentences.
        now: the time of this machine.
        ask: asks the running acd by tenant and contact; may fail.
        only_json: print one JSON object instead of sentences.

    Raises: Misconfigured, when the ledger has no such contact, or those of several tenants.
    """
    trail = await _trail(source, contact_id, tenant)
    found: Explained = CONTACT_EXPLANATION.to_message(trail.explanation(now))
    if trail.explanation(now).stage is not Stage.ENDED:
        found = await _with_present(found, trail.tenant, ask)
    said = sentences(found, language, Names(), is_complete=True)
    if only_json:
        print(line_of({"facts": facts_json(found), "sentences": said}), flush=True)
    else:
        print("\n".join(UNPRINTABLE.sub("?", sentence) for sentence in said), flush=True)


async def ask_acd(installation: Installation, tenant: str, contact_id: str) -> Explained:
    """Ask the running acd. Raises: TrunklineError; OSError where no centre has run here."""
    channels = Channels()
    try:
        credentials = Credentials(installation.secret.read_text(encoding="utf-8").encode())
        reader = AcdReader(installation.acd_addresses, credentials, channels)
        return await reader.explanation(service_principal("operator", tenant), contact_id)
    finally:
        await channels.close()


async def _with_present(found: Explained, tenant: str, ask: AskAcd) -> Explained:
    """Let acd say where the contact stands now; its offers are the ledger's, which forgets none."""
    try:
        present = await ask(tenant, found.contact_id)
    except (TrunklineError, OSError):
        return found
    del present.offers[:]
    present.offers.extend(found.offers)
    return present


async def _trail(source: RecordSource, contact_id: str, tenant: str) -> Trail:
    trails: dict[str, Trail] = {}
    async for record in effective_records(source, TOPIC):
        if contact_id.encode() in record.value:
            _note(trails, contact_id, record.value)
    wanted = {name: trail for name, trail in trails.items() if tenant in ("", name)}
    if not wanted:
        raise Misconfigured(f"The ledger of acd has no contact {json.dumps(contact_id)}.")
    if len(wanted) > 1:
        raise Misconfigured(f"Several tenants have such a contact: say --tenant {' or '.join(sorted(wanted))}.")
    return next(iter(wanted.values()))


def _note(trails: dict[str, Trail], contact_id: str, value: bytes) -> None:
    """What cannot be read says nothing of a contact; `ledger verify` tells of it."""
    try:
        event, metadata = CODEC.decode_event(value)
    except Poison:
        return
    concerned: Any = event
    if getattr(concerned, "contact_id", "") == contact_id:
        trail = trails.setdefault(metadata.tenant_id, Trail(metadata.tenant_id, contact_id))
        trail.note(event, metadata.event_time)
