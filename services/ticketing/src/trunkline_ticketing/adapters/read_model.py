"""The read model of tickets in the document store: written from the ledger's events, read by pages.

Owns: the collections `tickets` and `ticket_notes`. Texts stay sealed; the only thing searched by is the state.
Must not: open a text or decide anything.

`tickets`: {_id, version, tenant, state, subject, contact_id, customer_id, created_time}
`ticket_notes`: {_id, tenant, ticket_id, body, author, written_time}
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_platform.paging import Place, behind, newest_first
from trunkline_platform.store import RowStore, Store, Upsert
from trunkline_platform.store_documents import Change, Document, merged, sealed_document, sealed_from, whole_ms

from trunkline_ticketing.adapters.wire import TOPIC, WIRE
from trunkline_ticketing.application.reading import NoteRow, TicketRow
from trunkline_ticketing.domain.events import Event, NoteAdded, TicketCreated, TicketEvent, TicketStateChanged
from trunkline_ticketing.domain.words import TicketState

OPENED_FIELDS: Mapping[str, frozenset[str]] = MappingProxyType({"tickets": frozenset(), "ticket_notes": frozenset()})
"""Dotted paths of fields that hold personal data opened, because a screen searches or sorts by them. An erasure must
empty each of them; tests/integration/test_personal_data.py searches all others."""


class TicketProjection:
    """Writes events into the collections; repeating any of them changes nothing."""

    name = "tickets"
    topic = TOPIC

    def __init__(self, store: Store) -> None:
        self._tickets = store.collection("tickets")
        self._notes = store.collection("ticket_notes")
        self._is_prepared = False

    async def _prepare(self) -> None:
        """Make the indexes before the first write; the store may be away when the service starts."""
        if self._is_prepared:
            return
        await self._tickets.ensure_index([("tenant", 1), *newest_first("created_time")])
        await self._tickets.ensure_index([("tenant", 1), ("state", 1), *newest_first("created_time")])
        await self._notes.ensure_index([("ticket_id", 1), ("written_time", 1)])
        self._is_prepared = True

    async def apply(self, records: Sequence[EffectiveRecord]) -> None:
        """Write the records' effect. Raises: Poison, Transient."""
        await self._prepare()
        entries = [WIRE.decode_event(record.record.value) for record in records]
        notes = [_note(event, metadata) for event, metadata in entries if isinstance(event, NoteAdded)]
        if notes:
            await self._notes.bulk(notes)
        await self._tickets.bulk(list(merged(_changes(entries))))


def _changes(entries: Sequence[tuple[Event, Metadata]]) -> Iterator[Change]:
    """Return what changes tickets; notices of that change none."""
    for event, metadata in entries:
        if isinstance(event, TicketEvent):
            yield event.ticket_id, metadata.stream_version, _fields(event, metadata)


def _fields(event: TicketEvent, metadata: Metadata) -> Document:
    match event:
        case TicketCreated():
            return {
                "tenant": metadata.tenant_id,
                "state": TicketState.OPEN.name,
                "subject": sealed_document(event.subject),
                "contact_id": event.contact_id,
                "customer_id": event.customer_id,
                "created_time": whole_ms(metadata.event_time),
            }
        case TicketStateChanged():
            return {"tenant": metadata.tenant_id, "state": event.to_state.name}
        case NoteAdded():
            return {"tenant": metadata.tenant_id}


def _note(event: NoteAdded, metadata: Metadata) -> Upsert:
    fields = {
        "tenant": metadata.tenant_id,
        "ticket_id": event.ticket_id,
        "body": sealed_document(event.body),
        "author": metadata.actor,
        "written_time": whole_ms(metadata.event_time),
    }
    return Upsert(event.note_id, {"$set": fields})


class StoredTickets:
    """Reads the collections (a `TicketRows`)."""

    def __init__(self, store: RowStore) -> None:
        self._tickets = store.collection("tickets")
        self._notes = store.collection("ticket_notes")

    async def page(self, tenant: str, state: TicketState | None, after: Place | None, limit: int) -> list[TicketRow]:
        query: Document = {"tenant": tenant, "created_time": {"$exists": True}} | behind(after, "created_time")
        if state is not None:
            query["state"] = state.name
        found = await self._tickets.find(query, sort=newest_first("created_time"), limit=limit)
        return [_ticket_row(document) for document in found]

    async def ticket(self, tenant: str, ticket_id: str) -> TicketRow | None:
        document = await self._tickets.get(ticket_id)
        if document is None or document["tenant"] != tenant or "created_time" not in document:
            return None
        return _ticket_row(document)

    async def notes(self, tenant: str, ticket_ids: Sequence[str], limit: int) -> list[NoteRow]:
        query = {"tenant": tenant, "ticket_id": {"$in": list(ticket_ids)}}
        found = await self._notes.find(query, sort=newest_first("written_time"), limit=limit)
        return [_note_row(document) for document in reversed(found)]


def _ticket_row(document: Document) -> TicketRow:
    return TicketRow(
        ticket_id=document["_id"],
        state=TicketState[document["state"]],
        subject=sealed_from(document["subject"]),
        contact_id=document["contact_id"],
        customer_id=document["customer_id"],
        created_time=document["created_time"],
    )


def _note_row(document: Document) -> NoteRow:
    return NoteRow(
        note_id=document["_id"],
        ticket_id=document["ticket_id"],
        body=sealed_from(document["body"]),
        author=document["author"],
        written_time=document["written_time"],
    )
