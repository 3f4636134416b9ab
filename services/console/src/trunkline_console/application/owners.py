"""Whose a text is, looked at before it is sealed: sealing makes a key for whatever it is told is the owner, and the key
outlives a refusal.

Owns: that tickets, notes and messages are about contacts and customers of the tenant that are there. Must not: seal.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from trunkline_core.errors import Invalid, NotFound, Rejection
from trunkline_platform.credentials import Principal

PAUSES_S: Final = (0.2, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class KnownContact:
    """A contact of the tenant; ids are empty while they are not known, `supervisor_id` while nobody monitors it,
    `colleague_id` while nobody is asked about it.
    """

    customer_id: str
    agent_id: str
    supervisor_id: str = ""
    colleague_id: str = ""


class Contacts(Protocol):
    """channels: contacts that live, or ended minutes ago."""

    async def get(self, tenant: str, contact_id: str) -> KnownContact:
        """Raises: NotFound, also for another tenant's; Invalid; Transient."""
        ...


class Customers(Protocol):
    """crm: customers, and whose the contacts of all times were."""

    async def require(self, principal: Principal, customer_id: str) -> None:
        """Raises: NotFound, also for an erased customer or another tenant's; Transient."""
        ...

    async def of_contact(self, principal: Principal, contact_id: str) -> str:
        """Return the customer. Raises: NotFound, also when the customer is not known or erased; Transient."""
        ...


class Owners:
    """Finds out whose texts are."""

    def __init__(
        self,
        contacts: Contacts,
        customers: Customers,
        customer_at_desks: Callable[[str, str], str | None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`customer_at_desks(tenant, contact_id)`: as far as channels pushed the contact here, None when it did not."""
        self._contacts = contacts
        self._customers = customers
        self._customer_at_desks = customer_at_desks
        self._sleep = sleep

    async def customer_of_ticket(self, principal: Principal, contact_id: str, customer_id: str) -> str:
        """Return whom a new ticket is about, empty when the contact's customer is not known; both may be empty.

        Raises: NotFound for a contact or customer that is not there; Invalid for one that is another's; Transient.
        """
        known = await self._customer_of(principal, contact_id) if contact_id else ""
        if customer_id and known not in ("", customer_id):
            raise Invalid("customer_id", "is not the customer of the contact")
        if known:
            await self._require_soon(principal, known)
        elif customer_id:
            await self._customers.require(principal, customer_id)
        return customer_id or known

    async def _require_soon(self, principal: Principal, customer_id: str) -> None:
        """channels names a customer as soon as crm made one; what crm reads follows a moment later."""
        for pause_s in PAUSES_S:
            try:
                return await self._customers.require(principal, customer_id)
            except NotFound:
                await self._sleep(pause_s)
        await self._customers.require(principal, customer_id)

    async def _customer_of(self, principal: Principal, contact_id: str) -> str:
        """crm comes last: a contact that rings now may be new to it, and it never hears of one without a customer."""
        at_desk = self._customer_at_desks(principal.tenant, contact_id)
        if at_desk is not None:
            return at_desk
        try:
            return (await self._contacts.get(principal.tenant, contact_id)).customer_id
        except NotFound:
            return await self._customers.of_contact(principal, contact_id)

    async def of_note(self, principal: Principal, ticket: Mapping[str, Any]) -> str:
        """Return the owner of a note on a ticket that is there. Raises: NotFound for an erased customer; Transient."""
        if ticket.get("customer_id"):
            await self._customers.require(principal, ticket["customer_id"])
            return str(ticket["customer_id"])
        if not ticket.get("contact_id"):
            return principal.tenant
        try:
            return await self._customers.of_contact(principal, ticket["contact_id"])
        except NotFound:
            return str(ticket["contact_id"])  # of somebody who stayed unknown

    async def of_message(self, tenant: str, agent_id: str, contact_id: str) -> str:
        """Return the owner of an agent's message. Raises: NotFound when the contact is not this agent's; Transient."""
        contact = await self._contacts.get(tenant, contact_id)
        if agent_id not in (contact.agent_id, contact.colleague_id):
            raise NotFound("contact", contact_id)
        return contact.customer_id or contact_id

    async def of_supervisors_message(self, tenant: str, supervisor_id: str, contact_id: str) -> str:
        """Return the owner of what a supervisor writes in a chat.

        Raises: Rejection(`NotMonitoring`) when the supervisor does not monitor it; NotFound; Transient.
        """
        contact = await self._contacts.get(tenant, contact_id)
        if contact.supervisor_id != supervisor_id:
            raise Rejection("NotMonitoring")
        return contact.customer_id or contact_id
