"""Customers as people read them: rows of the read model with their texts opened, and their contacts page by page.

Owns: pages, and that an erased customer is not found. Must not: know the store or HTTP.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trunkline_core.errors import NotFound
from trunkline_core.sealed import Sealed
from trunkline_platform.paging import Place, check_limit, read_cursor, write_cursor

from trunkline_crm.domain.words import Channel

Open = Callable[[Sealed, str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """One address, sealed."""

    channel: Channel
    address: Sealed | None


@dataclass(frozen=True, slots=True)
class CustomerRow:
    """One customer of the read model; `version` is the stream version."""

    customer_id: str
    version: int
    name: Sealed | None
    do_not_call: bool
    identities: tuple[IdentityRow, ...]
    account_owner_id: str = ""


@dataclass(frozen=True, slots=True)
class NoteRow:
    """What an agent left for the next one, sealed."""

    agent_id: str
    written_time: datetime
    text: Sealed | None


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One contact; personal data are sealed. Ids and codes are empty, `closed_time` is None, until they are known."""

    contact_id: str
    customer_id: str
    channel: str
    opened_time: datetime
    closed_time: datetime | None
    queue_id: str
    agent_id: str
    wrap_up_code: str
    close_reason: str
    notes: tuple[NoteRow, ...] = ()


@dataclass(frozen=True, slots=True)
class IdentityView:
    """One address, opened."""

    channel: Channel
    address: str


@dataclass(frozen=True, slots=True)
class NoteView:
    """One note, opened."""

    agent_id: str
    written_time: datetime
    text: str


@dataclass(frozen=True, slots=True)
class CustomerView:
    """One customer, opened; `contacts` one page of the history, the newest first; `next` empty on the last page.

    `notes` are those of a contact of the page, the oldest first, without those that cannot be opened any more.
    """

    customer_id: str
    version: int
    name: str
    do_not_call: bool
    identities: tuple[IdentityView, ...]
    contact_count: int
    contacts: tuple[ContactRow, ...]
    next: str
    account_owner_id: str
    notes: Mapping[str, tuple[NoteView, ...]]


class CustomerRows(Protocol):
    """The read model of customers."""

    async def customer(self, tenant: str, customer_id: str) -> CustomerRow | None:
        """Return the customer, None for an unknown or erased one."""
        ...


class ContactRows(Protocol):
    """The read model of contacts."""

    async def contact(self, tenant: str, contact_id: str) -> ContactRow | None: ...

    async def contacts(self, tenant: str, customer_id: str, after: Place | None, limit: int) -> list[ContactRow]:
        """Return at most `limit` contacts behind `after`, the newest first."""
        ...

    async def contact_count(self, tenant: str, customer_id: str) -> int: ...


class CustomerReading:
    """Answers questions about customers."""

    def __init__(self, customers: CustomerRows, contacts: ContactRows, open_text: Open) -> None:
        self._customers = customers
        self._contacts = contacts
        self._open = open_text

    async def customer(self, tenant: str, customer_id: str, cursor: str, limit: int) -> CustomerView:
        """Return one customer with a page of contacts. Raises: NotFound, also when erased; Invalid; Transient."""
        check_limit(limit)
        after = read_cursor(cursor)
        row = await self._customers.customer(tenant, customer_id)
        if row is None:
            raise NotFound("customer", customer_id)
        contacts = await self._contacts.contacts(tenant, customer_id, after, limit + 1)
        shown = contacts[:limit]
        return CustomerView(
            customer_id=customer_id,
            version=row.version,
            name=await self._text(tenant, row.name),
            do_not_call=row.do_not_call,
            identities=tuple([await self._identity(tenant, identity) for identity in row.identities]),
            contact_count=await self._contacts.contact_count(tenant, customer_id),
            contacts=tuple(shown),
            next=write_cursor(_place(shown[-1])) if len(contacts) > limit else "",
            account_owner_id=row.account_owner_id,
            notes={contact.contact_id: await self._notes(tenant, contact) for contact in shown if contact.notes},
        )

    async def by_contact(self, tenant: str, contact_id: str, limit: int) -> CustomerView:
        """Return the customer behind a contact. Raises: NotFound when the contact or its customer is not known."""
        contact = await self._contacts.contact(tenant, contact_id)
        if contact is None or not contact.customer_id:
            raise NotFound("customer of contact", contact_id)
        return await self.customer(tenant, contact.customer_id, "", limit)

    async def _identity(self, tenant: str, identity: IdentityRow) -> IdentityView:
        return IdentityView(identity.channel, await self._text(tenant, identity.address))

    async def _notes(self, tenant: str, contact: ContactRow) -> tuple[NoteView, ...]:
        texts = [(note, await self._text(tenant, note.text)) for note in contact.notes]
        return tuple(NoteView(note.agent_id, note.written_time, text) for note, text in texts if text)

    async def _text(self, tenant: str, sealed: Sealed | None) -> str:
        return (await self._open(sealed, tenant) if sealed else None) or ""


def _place(row: ContactRow) -> Place:
    return Place(row.opened_time, row.contact_id)
