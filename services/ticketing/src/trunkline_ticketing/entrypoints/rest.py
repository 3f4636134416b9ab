"""Reading tickets over REST, for console: the caller's credential stands in the header `tl-token`.

Owns: paths, parameters and the JSON of answers. Must not: take a tenant from anywhere but the credential.
"""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from trunkline_platform.credentials import Credentials, Principal
from trunkline_platform.paging import MAX_PAGE
from trunkline_platform.rest import caller_of

from trunkline_ticketing.application.reading import TicketReading, TicketView
from trunkline_ticketing.domain.words import TicketState
from trunkline_ticketing.entrypoints.permissions import permit_reading

PAGE = 50


class NoteBody(BaseModel):
    """One note; `author` is the actor who wrote it, e.g. `agent:ag_1`."""

    note_id: str
    body: str
    author: str
    created: datetime


class TicketBody(BaseModel):
    """One ticket with its notes, the oldest first. A subject or a note of an erased person is empty."""

    ticket_id: str
    state: Literal["OPEN", "IN_PROGRESS", "RESOLVED"]
    subject: str
    contact_id: str
    customer_id: str
    created: datetime
    notes: list[NoteBody]


class PageBody(BaseModel):
    """Some tickets, the newest first; `next` is the cursor of the next page, null on the last."""

    items: list[TicketBody]
    next: str | None


def routes(reading: TicketReading, credentials: Credentials) -> APIRouter:
    """Return the routes."""
    router = APIRouter()
    caller = Annotated[Principal, Depends(caller_of(credentials, permit_reading))]

    @router.get("/tickets")
    async def page(
        principal: caller,
        state: Literal["", "OPEN", "IN_PROGRESS", "RESOLVED"] = "",
        cursor: Annotated[str, Query(max_length=512)] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = PAGE,
    ) -> PageBody:
        found = await reading.page(principal.tenant, TicketState[state] if state else None, cursor, limit)
        return PageBody(items=[_ticket_body(view) for view in found.items], next=found.next or None)

    @router.get("/tickets/{ticket_id}")
    async def ticket(principal: caller, ticket_id: str) -> TicketBody:
        return _ticket_body(await reading.ticket(principal.tenant, ticket_id))

    return router


def _ticket_body(view: TicketView) -> TicketBody:
    row = view.row
    return TicketBody.model_validate(
        {
            "ticket_id": row.ticket_id,
            "state": row.state.name,
            "subject": view.subject,
            "contact_id": row.contact_id,
            "customer_id": row.customer_id,
            "created": row.created_time,
            "notes": [
                {"note_id": note.note_id, "body": note.body, "author": note.author, "created": note.written_time}
                for note in view.notes
            ],
        }
    )
