"""The collection `customer_contacts`: one document for each contact, written from channels' ledger. Nothing personal is
opened.

Must not: keep a message, an address or anything that channels decides.

`customer_contacts`: {_id, version, tenant, customer_id, channel, opened_time, closed_time, queue_id, agent_id,
wrap_up_code, close_reason, notes: {…: {agent_id, written_time, text}}}; texts of notes stay sealed
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from google.protobuf.message import DecodeError
from trunkline.common.v1.common_types_pb2 import Channel
from trunkline.common.v1.common_types_pb2 import Sealed as SealedMessage
from trunkline.contact.v1.contact_events_pb2 import (
    ConsultationCompleted,
    ContactClosed,
    ContactConnected,
    ContactEvent,
    ContactOpened,
    ContactQueued,
    ContactTakenOver,
    ContactWrappedUp,
    CustomerIdentified,
    NoteHandedOn,
)
from trunkline.contact.v1.contact_types_pb2 import CloseReason
from trunkline_core.errors import Poison
from trunkline_core.sealed import Sealed
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_platform.paging import Place, behind, newest_first
from trunkline_platform.store import RowStore, Store
from trunkline_platform.store_documents import Change, Document, merged, sealed_document, sealed_from, whole_ms
from trunkline_platform.wire import Mapper, moment

from trunkline_crm.application.reading import ContactRow, NoteRow

TOPIC = "contact.events.v1"

_SEALED = Mapper(Sealed, SealedMessage)

OPENED_FIELDS: Mapping[str, frozenset[str]] = MappingProxyType({"customer_contacts": frozenset()})
"""Dotted paths of fields that hold personal data opened; as in customers.py."""

NOTHING_YET: Mapping[str, Any] = MappingProxyType(
    {"customer_id": "", "closed_time": None, "queue_id": "", "agent_id": "", "wrap_up_code": "", "close_reason": ""}
)


class ContactProjection:
    """Writes events into the collection; repeating any of them changes nothing."""

    name = "contacts"
    topic = TOPIC

    def __init__(self, store: Store) -> None:
        self._contacts = store.collection("customer_contacts")
        self._is_prepared = False

    async def _prepare(self) -> None:
        """Make the indexes before the first write; the store may be away when the service starts."""
        if self._is_prepared:
            return
        await self._contacts.ensure_index([("tenant", 1), ("customer_id", 1), *newest_first("opened_time")])
        self._is_prepared = True

    async def apply(self, records: Sequence[EffectiveRecord]) -> None:
        """Write the records' effect. Raises: Poison, Transient."""
        await self._prepare()
        known = [record for record in records if record.record.type in _FIELDS]
        await self._contacts.bulk(list(merged(map(_change, known))))


def _change(record: EffectiveRecord) -> Change:
    """Raises: Poison."""
    try:
        event = ContactEvent.FromString(record.record.value)
    except DecodeError as error:
        raise Poison("not a contact event") from error
    name = event.WhichOneof("event")
    if name is None or not event.HasField("metadata"):
        raise Poison("a contact event without content")
    happened = getattr(event, name)
    fields = _FIELDS[happened.DESCRIPTOR.full_name](happened, event)
    return happened.contact_id, event.metadata.stream_version, {"tenant": event.metadata.tenant_id, **fields}


def _opened(happened: ContactOpened, event: ContactEvent) -> Document:
    channel = Channel.Name(happened.channel).removeprefix("CHANNEL_")
    return {**NOTHING_YET, "channel": channel, "opened_time": whole_ms(moment(event.metadata.event_time))}


def _identified(happened: CustomerIdentified, event: ContactEvent) -> Document:
    return {"customer_id": happened.customer_id}


def _queued(happened: ContactQueued, event: ContactEvent) -> Document:
    return {"queue_id": happened.queue_id}


def _connected(happened: ContactConnected | ConsultationCompleted | ContactTakenOver, event: ContactEvent) -> Document:
    return {"agent_id": happened.agent_id}


def _wrapped_up(happened: ContactWrappedUp, event: ContactEvent) -> Document:
    return {"wrap_up_code": happened.wrap_up_code}


def _closed(happened: ContactClosed, event: ContactEvent) -> Document:
    reason = CloseReason.Name(happened.reason).removeprefix("CLOSE_REASON_")
    return {"close_reason": reason, "closed_time": whole_ms(moment(event.metadata.event_time))}


def _noted(happened: NoteHandedOn, event: ContactEvent) -> Document:
    """One name for each note of a contact: its version, padded so that names are in the order of time."""
    note = {
        "agent_id": happened.agent_id,
        "written_time": whole_ms(moment(event.metadata.event_time)),
        "text": sealed_document(_SEALED.from_message(happened.note)),
    }
    return {f"notes.n{event.metadata.stream_version:012}": note}


_FIELDS: Mapping[str | None, Callable[[Any, ContactEvent], Document]] = {
    ContactOpened.DESCRIPTOR.full_name: _opened,
    CustomerIdentified.DESCRIPTOR.full_name: _identified,
    ContactQueued.DESCRIPTOR.full_name: _queued,
    ContactConnected.DESCRIPTOR.full_name: _connected,
    ConsultationCompleted.DESCRIPTOR.full_name: _connected,
    ContactTakenOver.DESCRIPTOR.full_name: _connected,
    ContactWrappedUp.DESCRIPTOR.full_name: _wrapped_up,
    ContactClosed.DESCRIPTOR.full_name: _closed,
    NoteHandedOn.DESCRIPTOR.full_name: _noted,
}


class StoredContacts:
    """Reads the collection."""

    def __init__(self, store: RowStore) -> None:
        self._contacts = store.collection("customer_contacts")

    async def contact(self, tenant: str, contact_id: str) -> ContactRow | None:
        """Return the contact, None for an unknown or another tenant's one."""
        found = await self._contacts.get(contact_id)
        return None if found is None or found["tenant"] != tenant or "opened_time" not in found else _row(found)

    async def contacts(self, tenant: str, customer_id: str, after: Place | None, limit: int) -> list[ContactRow]:
        """Return at most `limit` contacts behind `after`, the newest first."""
        query = {"tenant": tenant, "customer_id": customer_id, "opened_time": {"$exists": True}}
        query |= behind(after, "opened_time")
        found = await self._contacts.find(query, sort=newest_first("opened_time"), limit=limit)
        return [_row(document) for document in found]

    async def contact_count(self, tenant: str, customer_id: str) -> int:
        """Return how many contacts the customer had."""
        return await self._contacts.count({"tenant": tenant, "customer_id": customer_id})


def _row(document: Document) -> ContactRow:
    return ContactRow(
        contact_id=document["_id"],
        customer_id=document["customer_id"],
        channel=document["channel"],
        opened_time=document["opened_time"],
        closed_time=document["closed_time"],
        queue_id=document["queue_id"],
        agent_id=document["agent_id"],
        wrap_up_code=document["wrap_up_code"],
        close_reason=document["close_reason"],
        notes=tuple(
            NoteRow(note["agent_id"], note["written_time"], sealed_from(note["text"]))
            for _, note in sorted(document.get("notes", {}).items())
        ),
    )
