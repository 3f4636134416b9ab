"""The collection `customers`, written from crm's own ledger.

Texts stay sealed. An erased customer keeps nothing but that it was erased; each document carries the version up to
which it is written, so no repetition can bring back what an erasure took away.
Must not: open a text or decide anything.

`customers`: {_id, version, tenant, is_erased, name, do_not_call, identities: {…: {channel, address}}, created_time,
account_owner_id}
"""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_platform.store import RowStore, Store
from trunkline_platform.store_documents import Change, Document, merged, sealed_document, sealed_from, whole_ms

from trunkline_crm.adapters.wire import TOPIC, WIRE
from trunkline_crm.application.reading import CustomerRow, IdentityRow
from trunkline_crm.domain.events import (
    AccountOwnerSet,
    ContactResolved,
    CustomerCreated,
    CustomerErased,
    CustomerServed,
    DoNotCallSet,
    Event,
    IdentityAdded,
    ProfileChanged,
)
from trunkline_crm.domain.words import Channel

Entry = tuple[Event, Metadata]

OPENED_FIELDS: Mapping[str, frozenset[str]] = MappingProxyType({"customers": frozenset()})
"""Dotted paths of fields that hold personal data opened, because a screen searches or sorts by them. An erasure must
empty each of them; tests/integration/test_personal_data.py searches all others."""


class CustomerProjection:
    """Writes events into the collections; repeating any of them changes nothing."""

    name = "customers"
    topic = TOPIC

    def __init__(self, store: Store) -> None:
        self._customers = store.collection("customers")

    async def apply(self, records: Sequence[EffectiveRecord]) -> None:
        """Write the records' effect. Raises: Poison, Transient."""
        entries = [WIRE.decode_event(record.record.value) for record in records]
        await self._customers.bulk(list(merged(map(_change, entries))))


def _change(entry: Entry) -> Change:
    event, metadata = entry
    return event.customer_id, metadata.stream_version, {"tenant": metadata.tenant_id, **_fields(event, metadata)}


def _fields(event: Event, metadata: Metadata) -> Document:
    match event:
        case CustomerCreated():
            return {"created_time": whole_ms(metadata.event_time), "is_erased": False, "name": None}
        case ProfileChanged():
            return {"name": sealed_document(event.name)}
        case DoNotCallSet():
            return {"do_not_call": event.do_not_call}
        case CustomerErased():
            return {"is_erased": True, "name": None, "identities": {}, "account_owner_id": ""}
        case AccountOwnerSet():
            return {"account_owner_id": event.agent_id}
        case IdentityAdded():
            identity = {"channel": event.channel.name, "address": sealed_document(event.address)}
            return {f"identities.{_identity_name(event)}": identity}
        case ContactResolved() | CustomerServed():
            return {}


def _identity_name(event: IdentityAdded) -> str:
    """One name for each address of a customer; the token itself is not kept here."""
    return "i" + hashlib.sha256(f"{event.channel.name} {event.address_token}".encode()).hexdigest()[:24]


class StoredCustomers:
    """Reads the collections."""

    def __init__(self, store: RowStore) -> None:
        self._customers = store.collection("customers")

    async def customer(self, tenant: str, customer_id: str) -> CustomerRow | None:
        """Return the customer, None for an unknown, erased or another tenant's one."""
        found = await self._customers.get(customer_id)
        if found is None or found["tenant"] != tenant or found.get("is_erased", False):
            return None
        return CustomerRow(
            customer_id=customer_id,
            version=found["version"],
            name=sealed_from(found.get("name")),
            do_not_call=found.get("do_not_call", False),
            identities=tuple(
                IdentityRow(Channel[identity["channel"]], sealed_from(identity["address"]))
                for _, identity in sorted(found.get("identities", {}).items())
            ),
            account_owner_id=found.get("account_owner_id", ""),
        )
