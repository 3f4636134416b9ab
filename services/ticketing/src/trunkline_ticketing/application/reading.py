"""Tickets as people read them: rows of the read model with their texts opened, page by page.

Owns: pages, and that a text of an erased person reads as empty. Must not: know the store or HTTP.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from trunkline_core.errors import NotFound
from trunkline_core.sealed import Sealed
from trunkline_platform.paging import Place, check_limit, read_cursor, write_cursor

from trunkline_ticketing.domain.words import TicketState

NOTES_OF_A_PAGE = 1_000
NOTES_OF_A_TICKET = 1_000

Open = Callable[[Sealed, str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class TicketRow:
    """One ticket of the read model; the subject is sealed."""

    ticket_id: str
    state: TicketState
    subject: Sealed | None
    contact_id: str
    customer_id: str
    created_time: datetime


@dataclass(frozen=True, slots=True)
class NoteRow:
    """One note of the read model; the body is sealed."""

    note_id: str
    ticket_id: str
    body: Sealed | None
    author: str
    written_time: datetime


@dataclass(frozen=True, slots=True)
class NoteView:
    """One note, opened."""

    note_id: str
    body: str
    author: str
    written_time: datetime


@dataclass(frozen=True, slots=True)
class TicketView:
    """One ticket, opened, with its notes, the oldest first."""

    row: TicketRow
    subject: str
    notes: tuple[NoteView, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Some tickets, the newest first; `next` is empty on the last page."""

    items: tuple[TicketView, ...]
    next: str


class TicketRows(Protocol):
    """The read model."""

    async def page(self, tenant: str, state: TicketState | None, after: Place | None, limit: int) -> list[TicketRow]:
        """Return at most `limit` tickets behind `after`, the newest first."""
        ...

    async def ticket(self, tenant: str, ticket_id: str) -> TicketRow | None: ...

    async def notes(self, tenant: str, ticket_ids: Sequence[str], limit: int) -> list[NoteRow]:
        """Return the newest `limit` notes of these tickets, the oldest of them first."""
        ...


class TicketReading:
    """Answers questions about tickets."""

    def __init__(self, rows: TicketRows, open_text: Open) -> None:
        self._rows = rows
        self._open = open_text

    async def page(self, tenant: str, state: TicketState | None, cursor: str, limit: int) -> Page:
        """Return one page. Raises: Invalid for a limit or a cursor that is none; Transient."""
        check_limit(limit)
        rows = await self._rows.page(tenant, state, read_cursor(cursor), limit + 1)
        shown = rows[:limit]
        notes = await self._rows.notes(tenant, [row.ticket_id for row in shown], NOTES_OF_A_PAGE) if shown else []
        items = [await self._view(tenant, row, notes) for row in shown]
        return Page(tuple(items), write_cursor(_place(shown[-1])) if len(rows) > limit else "")

    async def ticket(self, tenant: str, ticket_id: str) -> TicketView:
        """Return one ticket. Raises: NotFound, Transient."""
        row = await self._rows.ticket(tenant, ticket_id)
        if row is None:
            raise NotFound("ticket", ticket_id)
        return await self._view(tenant, row, await self._rows.notes(tenant, [ticket_id], NOTES_OF_A_TICKET))

    async def _view(self, tenant: str, row: TicketRow, notes: Sequence[NoteRow]) -> TicketView:
        own = [note for note in notes if note.ticket_id == row.ticket_id]
        opened = [
            NoteView(note.note_id, await self._text(tenant, note.body), note.author, note.written_time) for note in own
        ]
        return TicketView(row, await self._text(tenant, row.subject), tuple(opened))

    async def _text(self, tenant: str, sealed: Sealed | None) -> str:
        return (await self._open(sealed, tenant) if sealed else None) or ""


def _place(row: TicketRow) -> Place:
    return Place(row.created_time, row.ticket_id)
