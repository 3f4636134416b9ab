"""The read model of tickets: written in any batches and repeated, read by pages."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_core.errors import Invalid, NotFound, Poison
from trunkline_core.sealed import Sealed
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.reader import EffectiveRecord, Position
from trunkline_testkit.twins.store import MemoryStore
from trunkline_ticketing.adapters.read_model import StoredTickets, TicketProjection
from trunkline_ticketing.adapters.wire import WIRE
from trunkline_ticketing.application.reading import Page, TicketReading
from trunkline_ticketing.domain.events import Event, NoteAdded, TicketCreated, TicketStateChanged
from trunkline_ticketing.domain.words import TicketState

T0 = datetime(2026, 1, 5, 9, 0, 0, 123456, tzinfo=UTC)
TENANT = "tn_demo"
OPEN, IN_PROGRESS, RESOLVED = TicketState.OPEN, TicketState.IN_PROGRESS, TicketState.RESOLVED


def sealed(text: str) -> Sealed:
    return Sealed("dk_1", b"n" * 12, text.encode())


async def open_text(text: Sealed, tenant: str) -> str | None:
    """As if the key of `gone` were destroyed."""
    return None if text.ciphertext == b"gone" else text.ciphertext.decode()


class Log:
    """A ledger's records, as a projection gets them."""

    def __init__(self) -> None:
        self.records: list[EffectiveRecord] = []
        self._versions: dict[str, int] = {}

    def write(self, *events: Event, tenant: str = TENANT) -> "Log":
        for event in events:
            offset = len(self.records)
            version = self._versions[event.ticket_id] = self._versions.get(event.ticket_id, 0) + 1
            moment = T0 + timedelta(seconds=offset // 2)  # two at a time have the same one
            metadata = Metadata(
                f"ev_{offset}", event.ticket_id, version, moment, tenant, "agent:ag_1", "", "", 1, False, b""
            )
            value = WIRE.encode_event(event, metadata)
            record = Record(0, offset, b"", value, moment, 1, WIRE.event_type(event))
            self.records.append(EffectiveRecord(record, Position(offset + 1, 1)))
        return self


async def projected(records: Sequence[EffectiveRecord]) -> TicketReading:
    store = MemoryStore()
    await TicketProjection(store).apply(records)
    return TicketReading(StoredTickets(store), open_text)


def created(number: int, subject: str = "subject") -> TicketCreated:
    return TicketCreated(f"tk_{number}", f"ct_{number}", "cu_1", sealed(subject))


def ids(page: Page) -> list[str]:
    return [view.row.ticket_id for view in page.items]


async def test_a_ticket_is_read_with_its_state_texts_and_notes_in_order() -> None:
    log = Log().write(
        created(1, "late parcel"),
        NoteAdded("tk_1", "no_b", sealed("first")),
        TicketStateChanged("tk_1", OPEN, IN_PROGRESS),
        NoteAdded("tk_1", "no_a", sealed("second")),
    )
    view = await (await projected(log.records)).ticket(TENANT, "tk_1")
    assert (view.subject, view.row.state, view.row.contact_id) == ("late parcel", IN_PROGRESS, "ct_1")
    assert [(note.body, note.author) for note in view.notes] == [("first", "agent:ag_1"), ("second", "agent:ag_1")]
    assert view.row.created_time == T0.replace(microsecond=123000)


async def test_texts_of_an_erased_person_read_as_empty() -> None:
    log = Log().write(created(1, "gone"), NoteAdded("tk_1", "no_1", sealed("gone")))
    view = await (await projected(log.records)).ticket(TENANT, "tk_1")
    assert (view.subject, view.notes[0].body) == ("", "")


async def test_pages_hold_every_ticket_once_the_newest_first() -> None:
    reading = await projected(Log().write(*(created(number) for number in range(7))).records)
    found, cursor = [], ""
    while True:
        page = await reading.page(TENANT, None, cursor, 3)
        found += ids(page)
        cursor = page.next
        if not cursor:
            break
    assert found == [f"tk_{number}" for number in reversed(range(7))]


async def test_a_page_can_be_of_one_state() -> None:
    log = Log().write(created(1), created(2), TicketStateChanged("tk_1", OPEN, RESOLVED))
    reading = await projected(log.records)
    assert ids(await reading.page(TENANT, RESOLVED, "", 10)) == ["tk_1"]
    assert ids(await reading.page(TENANT, OPEN, "", 10)) == ["tk_2"]
    assert ids(await reading.page(TENANT, IN_PROGRESS, "", 10)) == []


async def test_another_tenants_tickets_are_not_found() -> None:
    reading = await projected(Log().write(created(1)).records)
    assert ids(await reading.page("tn_other", None, "", 10)) == []
    with pytest.raises(NotFound):
        await reading.ticket("tn_other", "tk_1")


@pytest.mark.parametrize(("cursor", "limit"), [("", 0), ("", 201), ("nonsense", 10), ("bm9uZQ==", 10), ("ü", 10)])
async def test_a_bad_page_is_refused(cursor: str, limit: int) -> None:
    with pytest.raises(Invalid):
        await (await projected([])).page(TENANT, None, cursor, limit)


async def test_a_record_that_cannot_be_read_is_poison() -> None:
    bad = EffectiveRecord(Record(0, 0, b"", b"\xff", T0, 1, "trunkline.ticket.v1.TicketCreated"), Position(1, 1))
    with pytest.raises(Poison):
        await TicketProjection(MemoryStore()).apply([bad])


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10)), max_size=6))
async def test_records_may_come_in_any_batches_and_again(batches: list[tuple[int, int]]) -> None:
    log = Log().write(
        created(1),
        TicketStateChanged("tk_1", OPEN, IN_PROGRESS),
        created(2),
        NoteAdded("tk_1", "no_1", sealed("one")),
        TicketStateChanged("tk_1", IN_PROGRESS, RESOLVED),
        NoteAdded("tk_2", "no_2", sealed("two")),
        TicketStateChanged("tk_2", OPEN, RESOLVED),
        TicketStateChanged("tk_1", RESOLVED, OPEN),
    )
    store = MemoryStore()
    projection = TicketProjection(store)
    position = 0
    for back, size in [*batches, (0, len(log.records))]:
        start = max(0, position - back)
        await projection.apply(log.records[start : start + size])
        position = min(len(log.records), start + size)
    reading = TicketReading(StoredTickets(store), open_text)
    expected = await (await projected(log.records)).page(TENANT, None, "", 10)
    assert await reading.page(TENANT, None, "", 10) == expected
