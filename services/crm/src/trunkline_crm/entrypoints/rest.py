"""Reading customers over REST, for console: the caller's credential stands in the header `tl-token`.

Owns: paths, parameters and the JSON of answers. Must not: take a tenant from anywhere but the credential.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from trunkline_platform.credentials import Credentials, Principal
from trunkline_platform.paging import MAX_PAGE
from trunkline_platform.rest import caller_of

from trunkline_crm.application.reading import ContactRow, CustomerReading, CustomerView, NoteView
from trunkline_crm.entrypoints.permissions import permit_reading

PAGE = 50


class IdentityBody(BaseModel):
    """One address of the customer."""

    channel: Literal["VOICE", "CHAT"]
    address: str


class NoteBody(BaseModel):
    """What an agent who gave the contact on left for the next one."""

    agent_id: str
    written: datetime
    text: str


class ContactBody(BaseModel):
    """One contact; ids and codes are empty, `closed` null, until they are known."""

    contact_id: str
    channel: str
    opened: datetime
    closed: datetime | None
    queue_id: str
    agent_id: str
    wrap_up_code: str
    close_reason: str
    notes: list[NoteBody]


class CustomerBody(BaseModel):
    """One customer; `version` goes back with an edit; `next` is the cursor of older contacts, null when none.

    `account_owner_id` is the agent whose account it is, empty for nobody's.
    """

    customer_id: str
    version: int
    name: str
    do_not_call: bool
    identities: list[IdentityBody]
    contact_count: int
    contacts: list[ContactBody]
    next: str | None
    account_owner_id: str


def routes(reading: CustomerReading, credentials: Credentials) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    caller = Annotated[Principal, Depends(caller_of(credentials, permit_reading))]
    page_size = Annotated[int, Query(ge=1, le=MAX_PAGE)]

    @router.get("/customers/by-contact/{contact_id}")
    async def by_contact(principal: caller, contact_id: str, limit: page_size = PAGE) -> CustomerBody:
        return _body(await reading.by_contact(principal.tenant, contact_id, limit))

    @router.get("/customers/{customer_id}")
    async def customer(
        principal: caller,
        customer_id: str,
        cursor: Annotated[str, Query(max_length=512)] = "",
        limit: page_size = PAGE,
    ) -> CustomerBody:
        return _body(await reading.customer(principal.tenant, customer_id, cursor, limit))

    return router


def _body(view: CustomerView) -> CustomerBody:
    return CustomerBody.model_validate(
        {
            "customer_id": view.customer_id,
            "version": view.version,
            "name": view.name,
            "do_not_call": view.do_not_call,
            "identities": [
                {"channel": identity.channel.name, "address": identity.address} for identity in view.identities
            ],
            "contact_count": view.contact_count,
            "contacts": [_contact(row, view.notes.get(row.contact_id, ())) for row in view.contacts],
            "next": view.next or None,
            "account_owner_id": view.account_owner_id,
        }
    )


def _contact(row: ContactRow, notes: Sequence[NoteView]) -> dict[str, Any]:
    return {
        "contact_id": row.contact_id,
        "channel": row.channel,
        "opened": row.opened_time,
        "closed": row.closed_time,
        "queue_id": row.queue_id,
        "agent_id": row.agent_id,
        "wrap_up_code": row.wrap_up_code,
        "close_reason": row.close_reason,
        "notes": [{"agent_id": note.agent_id, "written": note.written_time, "text": note.text} for note in notes],
    }
