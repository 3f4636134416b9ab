"""The read models of customers and their contacts: written in any batches and repeated, read by pages."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline.common.v1.common_types_pb2 import Sealed as SealedMessage
from trunkline.contact.v1 import contact_events_pb2
from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline_core.errors import Invalid, NotFound, Poison
from trunkline_core.sealed import Sealed
from trunkline_crm.adapters.contacts import ContactProjection, StoredContacts
from trunkline_crm.adapters.customers import CustomerProjection, StoredCustomers
from trunkline_crm.adapters.wire import WIRE
from trunkline_crm.application.reading import CustomerReading
from trunkline_crm.domain.events import (
    AccountOwnerSet,
    ContactResolved,
    CustomerCreated,
    CustomerErased,
    Event,
    IdentityAdded,
    ProfileChanged,
)
from trunkline_crm.domain.words import Channel
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import Record
from trunkline_ledger.kafka.reader import EffectiveRecord, Position
from trunkline_testkit.twins.store import MemoryStore

T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)
TENANT = "tn_demo"


def sealed(text: str) -> Sealed:
    return Sealed("dk_1", b"n" * 12, text.encode())


async def open_text(text: Sealed, tenant: str) -> str | None:
    return text.ciphertext.decode()


class Log:
    """Records of two ledgers, as projections get them."""

    def __init__(self) -> None:
        self.customers: list[EffectiveRecord] = []
        self.contacts: list[EffectiveRecord] = []
        self._versions: dict[str, int] = {}

    def write(self, *events: Event) -> "Log":
        for event in events:
            offset, version = len(self.customers), self._next(event.customer_id)
            metadata = Metadata(f"ev_{offset}", event.customer_id, version, T0, TENANT, "system", "", "", 1, False, b"")
            value = WIRE.encode_event(event, metadata)
            self.customers.append(_effective(offset, value, WIRE.event_type(event)))
        return self

    def contact(self, what: str, contact_id: str, **fields: Any) -> "Log":
        """Write one of channels' events, e.g. `ContactOpened`, ten seconds after the one before."""
        offset, version = len(self.contacts), self._next(contact_id)
        happened = getattr(contact_events_pb2, what)(contact_id=contact_id, **fields)
        name = next(f.name for f in ContactEvent.DESCRIPTOR.fields if f.message_type is happened.DESCRIPTOR)
        event = ContactEvent(**{name: happened})
        event.metadata.tenant_id, event.metadata.stream_version = TENANT, version
        event.metadata.event_time.FromDatetime(T0 + timedelta(seconds=10 * offset))
        self.contacts.append(_effective(offset, event.SerializeToString(), happened.DESCRIPTOR.full_name))
        return self

    def _next(self, stream: str) -> int:
        version = self._versions[stream] = self._versions.get(stream, 0) + 1
        return version


def _effective(offset: int, value: bytes, kind: str) -> EffectiveRecord:
    return EffectiveRecord(Record(0, offset, b"", value, T0, 1, kind), Position(offset + 1, 1))


def reading(store: MemoryStore) -> CustomerReading:
    return CustomerReading(StoredCustomers(store), StoredContacts(store), open_text)


async def projected(log: Log) -> CustomerReading:
    store = MemoryStore()
    await CustomerProjection(store).apply(log.customers)
    await ContactProjection(store).apply(log.contacts)
    return reading(store)


def known(customer_id: str = "cu_1") -> tuple[Event, ...]:
    return (
        CustomerCreated(customer_id),
        IdentityAdded(customer_id, Channel.CHAT, "token.1", sealed("visitor 7")),
        ContactResolved(customer_id, "ct_1", 1),
        ProfileChanged(customer_id, sealed("李雷")),
    )


def note(log: Log, contact_id: str, text: str) -> Log:
    body = SealedMessage(key_id="dk_1", nonce=b"n" * 12, ciphertext=text.encode())
    return log.contact("NoteHandedOn", contact_id, agent_id="ag_1", note=body)


def a_whole_contact(log: Log, contact_id: str = "ct_1") -> Log:
    log.contact("ContactOpened", contact_id, channel=2, entry_point_id="ep_1")
    log.contact("CustomerIdentified", contact_id, customer_id="cu_1")
    log.contact("StepBegun", contact_id, step_no=2, kind="start_session")
    log.contact("ContactQueued", contact_id, queue_id="qu_1", segment_no=1)
    log.contact("ContactConnected", contact_id, agent_id="ag_1", segment_no=1)
    note(log, contact_id, "asks for a refund")
    log.contact("ContactClosed", contact_id, reason=2)
    return log.contact("ContactWrappedUp", contact_id, agent_id="ag_1", wrap_up_code="resolved")


async def test_a_customer_is_read_with_name_address_and_history() -> None:
    view = await (await projected(a_whole_contact(Log().write(*known())))).customer(TENANT, "cu_1", "", 10)
    assert (view.name, view.version, view.contact_count, view.next) == ("李雷", 4, 1, "")
    assert [(identity.channel, identity.address) for identity in view.identities] == [(Channel.CHAT, "visitor 7")]
    (contact,) = view.contacts
    assert (contact.channel, contact.queue_id, contact.agent_id) == ("CHAT", "qu_1", "ag_1")
    assert (contact.wrap_up_code, contact.close_reason) == ("resolved", "AGENT_ENDED")
    assert (contact.opened_time, contact.closed_time) == (T0, T0 + timedelta(seconds=60))


async def test_a_contact_that_was_handed_over_is_that_of_the_colleague() -> None:
    log = Log().write(*known()).contact("ContactOpened", "ct_1", channel=1)
    log.contact("CustomerIdentified", "ct_1", customer_id="cu_1")
    log.contact("ContactConnected", "ct_1", agent_id="ag_1", segment_no=1)
    log.contact("ConsultationCompleted", "ct_1", agent_id="ag_2", left_agent_id="ag_1", segment_no=1, offer_no=2)
    (contact,) = (await (await projected(log)).customer(TENANT, "cu_1", "", 10)).contacts
    assert contact.agent_id == "ag_2"


async def test_notes_for_the_next_agent_stand_in_the_history_the_oldest_first() -> None:
    log = note(a_whole_contact(Log().write(*known())), "ct_1", "wants it by Friday")
    view = await (await projected(log)).customer(TENANT, "cu_1", "", 10)
    assert [(one.agent_id, one.text) for one in view.notes["ct_1"]] == [
        ("ag_1", "asks for a refund"),
        ("ag_1", "wants it by Friday"),
    ]


async def test_a_note_whose_key_is_destroyed_is_not_shown() -> None:
    async def open_nothing(text: Sealed, tenant: str) -> str | None:
        return None

    store, log = MemoryStore(), a_whole_contact(Log().write(*known()))
    await CustomerProjection(store).apply(log.customers)
    await ContactProjection(store).apply(log.contacts)
    destroyed = CustomerReading(StoredCustomers(store), StoredContacts(store), open_nothing)
    assert (await destroyed.customer(TENANT, "cu_1", "", 10)).notes == {"ct_1": ()}


async def test_a_customer_is_read_with_the_owner_of_the_account() -> None:
    log = Log().write(*known(), AccountOwnerSet("cu_1", "ag_wu"))
    assert (await (await projected(log)).customer(TENANT, "cu_1", "", 10)).account_owner_id == "ag_wu"


async def test_a_contact_that_was_taken_over_is_that_of_who_got_it() -> None:
    log = Log().write(*known()).contact("ContactOpened", "ct_1", channel=1)
    log.contact("CustomerIdentified", "ct_1", customer_id="cu_1")
    log.contact("ContactConnected", "ct_1", agent_id="ag_1", segment_no=1)
    log.contact("ContactTakenOver", "ct_1", agent_id="ag_3", left_agent_id="ag_1", segment_no=1, offer_no=2)
    (contact,) = (await (await projected(log)).customer(TENANT, "cu_1", "", 10)).contacts
    assert contact.agent_id == "ag_3"


async def test_a_running_contact_has_no_end_yet() -> None:
    log = Log().write(*known()).contact("ContactOpened", "ct_1", channel=1)
    log.contact("CustomerIdentified", "ct_1", customer_id="cu_1")
    (contact,) = (await (await projected(log)).customer(TENANT, "cu_1", "", 10)).contacts
    assert (contact.channel, contact.closed_time, contact.agent_id) == ("VOICE", None, "")


async def test_the_history_comes_in_pages_the_newest_first() -> None:
    log = Log().write(*known())
    for number in range(5):
        a_whole_contact(log, f"ct_{number}")
    customers = await projected(log)
    found, cursor = [], ""
    while True:
        view = await customers.customer(TENANT, "cu_1", cursor, 2)
        found += [contact.contact_id for contact in view.contacts]
        cursor = view.next
        if not cursor:
            break
    assert found == [f"ct_{number}" for number in reversed(range(5))]


async def test_a_customer_is_found_by_a_contact() -> None:
    customers = await projected(a_whole_contact(Log().write(*known())))
    assert (await customers.by_contact(TENANT, "ct_1", 10)).customer_id == "cu_1"
    for tenant, contact_id in [(TENANT, "ct_9"), ("tn_other", "ct_1")]:
        with pytest.raises(NotFound):
            await customers.by_contact(tenant, contact_id, 10)


async def test_an_unresolved_contact_has_no_customer() -> None:
    log = Log().contact("ContactOpened", "ct_1", channel=2).contact("CustomerIdentified", "ct_1", customer_id="")
    with pytest.raises(NotFound):
        await (await projected(log)).by_contact(TENANT, "ct_1", 10)


async def test_an_erased_customer_is_not_found_and_leaves_no_address() -> None:
    owned = AccountOwnerSet("cu_1", "ag_wu")
    log = a_whole_contact(Log().write(*known(), owned, CustomerErased("cu_1", ("token.1",))))
    store = MemoryStore()
    await CustomerProjection(store).apply(log.customers)
    await ContactProjection(store).apply(log.contacts)
    for tenant in (TENANT, "tn_other"):
        with pytest.raises(NotFound):
            await reading(store).customer(tenant, "cu_1", "", 10)
    left = await store.collection("customers").get("cu_1")
    assert left is not None and (left["name"], left["identities"], left["account_owner_id"]) == (None, {}, "")
    assert await store.collection("customer_contacts").count({"customer_id": "cu_1"}) == 1


async def test_another_tenants_customer_is_not_found() -> None:
    with pytest.raises(NotFound):
        await (await projected(Log().write(*known()))).customer("tn_other", "cu_1", "", 10)


@pytest.mark.parametrize(("cursor", "limit"), [("", 0), ("", 201), ("nonsense", 10)])
async def test_a_bad_page_is_refused(cursor: str, limit: int) -> None:
    with pytest.raises(Invalid):
        await (await projected(Log().write(*known()))).customer(TENANT, "cu_1", cursor, limit)


@pytest.mark.parametrize("value", [b"\xff", b""])
async def test_a_contact_record_that_cannot_be_read_is_poison(value: bytes) -> None:
    with pytest.raises(Poison):
        await ContactProjection(MemoryStore()).apply([_effective(0, value, "trunkline.contact.v1.ContactOpened")])


async def _applied(projection: Any, records: Sequence[EffectiveRecord], batches: list[tuple[int, int]]) -> None:
    position = 0
    for back, size in [*batches, (0, len(records))]:
        start = max(0, position - back)
        await projection.apply(records[start : start + size])
        position = min(len(records), start + size)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10)), max_size=6), st.booleans())
async def test_records_may_come_in_any_batches_and_again(batches: list[tuple[int, int]], is_erased: bool) -> None:
    erasure = (CustomerErased("cu_1", ("token.1",)),) if is_erased else ()
    log = a_whole_contact(a_whole_contact(Log().write(*known(), *known("cu_2"), *erasure)), "ct_2")
    store, once = MemoryStore(), MemoryStore()
    await _applied(CustomerProjection(store), log.customers, batches)
    await _applied(ContactProjection(store), log.contacts, batches)
    await CustomerProjection(once).apply(log.customers)
    await ContactProjection(once).apply(log.contacts)
    for name in ("customers", "customer_contacts"):
        found = [await each.collection(name).find({}, limit=100, sort=[("_id", 1)]) for each in (store, once)]
        assert found[0] == found[1]
