"""Asking crm for customers. Must not: keep anything."""

from typing import Any

from trunkline_core.errors import NotFound, TrunklineError
from trunkline_platform.credentials import Principal, service_principal

from trunkline_console.adapters.rest import RestClient


class CustomerReader:
    """Reads customers over crm's REST."""

    def __init__(self, rows: RestClient) -> None:
        self._rows = rows

    async def require(self, principal: Principal, customer_id: str) -> None:
        """Raises: NotFound, also for an erased customer or another tenant's; Transient."""
        try:
            await self._rows.get(f"/customers/{customer_id}", principal)
        except NotFound:
            raise NotFound("customer", customer_id) from None

    async def of_contact(self, principal: Principal, contact_id: str) -> str:
        """Return the contact's customer. Raises: NotFound, also when the customer is not known or erased; Transient."""
        try:
            found = await self._rows.get(f"/customers/by-contact/{contact_id}", principal)
        except NotFound:
            raise NotFound("contact", contact_id) from None
        return str(found["customer_id"])

    async def shown(self, tenant: str, customer_id: str) -> dict[str, Any] | None:
        """Return what the desk shows beside a contact; None where crm does not tell: the desk goes on without it."""
        try:
            found = await self._rows.get(f"/customers/{customer_id}", service_principal("console", tenant))
        except TrunklineError:
            return None
        newest = [row["contact_id"] for row in found.get("contacts") or []]
        return {"name": found.get("name"), "contacts": found.get("contact_count", len(newest)), "newest": newest}
