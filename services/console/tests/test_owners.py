"""Nothing is sealed before it is known whose it is: tickets and notes over REST, messages of desks."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any, ClassVar

import httpx
import pytest
from trunkline.acd.v1 import acd_service_pb2 as acd
from trunkline.acd.v1.acd_types_pb2 import AgentView, WorkItem
from trunkline.contact.v1 import contact_service_pb2 as contact
from trunkline.contact.v1.contact_types_pb2 import ContactView
from trunkline.ticket.v1.ticket_events_pb2 import TicketEvent
from trunkline_console.application.desk_room import DeskRoom
from trunkline_console.application.desks import Desk
from trunkline_console.application.owners import KnownContact, Owners
from trunkline_console.entrypoints.rest import Desktop, add_routes
from trunkline_core.errors import Invalid, NotFound, Rejection, Transient
from trunkline_core.sealed import Sealed
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Principal, Role
from trunkline_platform.lifecycle import Process
from trunkline_platform.rest import create_app

TENANT, SECRET = "tn_1", b"s" * 32
AGENT = Principal(TENANT, "agent:ag_li", frozenset({Role.AGENT}))
NEW, RINGING, OLD, STRANGE = "ct_a_new", "ct_a_ringing", "ct_a_old", "ct_a_strange"


class Sealing:
    """Remembers for whom a key was needed."""

    def __init__(self) -> None:
        self.owners: list[str] = []

    async def seal(self, owner: str, tenant: str, text: str) -> Sealed:
        self.owners.append(owner)
        return Sealed("key", b"nonce", text.encode())


class Commands:
    """Another service's commands."""

    def __init__(self) -> None:
        self.done: list[Any] = []

    async def execute(self, command: Any, principal: Principal, **options: Any) -> list[Any]:
        self.done.append(command)
        event = TicketEvent()
        event.ticket_created.ticket_id = "tk_1"
        return [event]


class Channels:
    """Contacts that live."""

    contacts: ClassVar = {NEW: KnownContact("", "ag_li"), RINGING: KnownContact("cu_known", "ag_wang")}

    async def get(self, tenant: str, contact_id: str) -> KnownContact:
        if tenant != TENANT or contact_id not in self.contacts:
            raise NotFound("contact", contact_id)
        return self.contacts[contact_id]


class Crm:
    """Customers; cu_erased was one."""

    is_away = False
    behind = 0  # how often a customer that was made a moment ago is not there yet

    async def pass_time(self, pause_s: float) -> None:
        self.behind -= 1

    async def require(self, principal: Principal, customer_id: str) -> None:
        if self.is_away:
            raise Transient("crm is away")
        if self.behind > 0 or customer_id != "cu_known" or principal.tenant != TENANT:
            raise NotFound("customer", customer_id)

    async def of_contact(self, principal: Principal, contact_id: str) -> str:
        if contact_id != OLD:
            raise NotFound("contact", contact_id)
        return "cu_known"


class Rows:
    """Tickets; subject and notes are left out."""

    rows: ClassVar = {
        "tk_known": {"customer_id": "cu_known", "contact_id": RINGING},
        "tk_erased": {"customer_id": "cu_erased", "contact_id": STRANGE},
        "tk_late": {"customer_id": "", "contact_id": OLD},
        "tk_stranger": {"customer_id": "", "contact_id": STRANGE},
        "tk_own": {"customer_id": "", "contact_id": ""},
    }

    async def get(self, path: str, principal: Principal, query: Any = None) -> Any:
        ticket_id = path.rsplit("/", 1)[-1]
        if ticket_id not in self.rows:
            raise NotFound("row", ticket_id)
        return self.rows[ticket_id]


class Site:
    """console's REST with everything behind it played."""

    def __init__(self) -> None:
        self.sealing, self.ticketing, self.crm = Sealing(), Commands(), Crm()
        self.at_desks: dict[str, str] = {}
        owners = Owners(Channels(), self.crm, lambda _, contact_id: self.at_desks.get(contact_id), self.crm.pass_time)
        settings: Any = SimpleNamespace(secret_bytes=SECRET)
        played: dict[str, Any] = {"sealer": self.sealing, "ticketing": self.ticketing, "crm": self.ticketing}
        desktop = Desktop(
            settings=settings,
            accounts=None,  # type: ignore[arg-type]
            ticket_rows=Rows(),  # type: ignore[arg-type]
            customer_rows=Rows(),  # type: ignore[arg-type]
            customers=self.crm,  # type: ignore[arg-type]
            owners=owners,
            **played,
        )
        account = SimpleNamespace(principal=lambda: AGENT)
        self.app = create_app("console", Process("console"))
        add_routes(self.app, SimpleNamespace(account=lambda _: account), desktop)  # type: ignore[arg-type]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(site.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as browser:
        yield browser


def ticket(**fields: str) -> dict[str, str]:
    return {"subject": "lost parcel", "command_id": new_command_id()} | fields


@pytest.mark.parametrize(
    ("fields", "status", "detail"),
    [
        ({"customer_id": "cu_nobody"}, 404, "unknown customer cu_nobody"),
        ({"customer_id": "cu_erased"}, 404, "unknown customer cu_erased"),
        ({"contact_id": STRANGE}, 404, f"unknown contact {STRANGE}"),
        ({"contact_id": STRANGE, "customer_id": "cu_known"}, 404, f"unknown contact {STRANGE}"),
        ({"contact_id": RINGING, "customer_id": "cu_other"}, 422, "customer_id: is not the customer of the contact"),
        ({"contact_id": NEW, "customer_id": "cu_erased"}, 404, "unknown customer cu_erased"),
        ({"command_id": "x"}, 422, "command_id: must be a UUID of version 7"),
        ({"subject": " \n "}, 422, "subject: must not be blank"),
        ({"subject": "two\nlines"}, 422, "subject: must not have control characters"),
        ({"subject": "bell\x07"}, 422, "subject: must not have control characters"),
    ],
)
async def test_a_ticket_about_nobody_is_refused_and_leaves_no_key(
    site: Site, browser: httpx.AsyncClient, fields: dict[str, str], status: int, detail: str
) -> None:
    refused = await browser.post("/api/tickets", json=ticket(**fields))
    assert (refused.status_code, refused.json()["detail"]) == (status, detail)
    assert (site.sealing.owners, site.ticketing.done) == ([], [])


@pytest.mark.parametrize(
    ("fields", "owner", "customer_id"),
    [
        ({}, TENANT, ""),
        ({"customer_id": "cu_known"}, "cu_known", "cu_known"),
        ({"contact_id": NEW}, NEW, ""),
        ({"contact_id": NEW, "customer_id": "cu_known"}, "cu_known", "cu_known"),
        ({"contact_id": RINGING}, "cu_known", "cu_known"),
        ({"contact_id": OLD}, "cu_known", "cu_known"),
    ],
)
async def test_a_ticket_is_the_customers_else_the_contacts_else_the_tenants(
    site: Site, browser: httpx.AsyncClient, fields: dict[str, str], owner: str, customer_id: str
) -> None:
    assert (await browser.post("/api/tickets", json=ticket(subject="  lost parcel ", **fields))).status_code == 200
    created = site.ticketing.done[0].create_ticket
    assert (site.sealing.owners, created.customer_id) == ([owner], customer_id)
    assert created.subject.ciphertext == b"lost parcel"


async def test_the_contact_at_the_agents_desk_needs_nobody_elsewhere_to_know_it(
    site: Site, browser: httpx.AsyncClient
) -> None:
    site.at_desks, site.crm.is_away = {STRANGE: ""}, True
    assert (await browser.post("/api/tickets", json=ticket(contact_id=STRANGE))).status_code == 200
    site.at_desks = {STRANGE: "cu_known"}
    assert (await browser.post("/api/tickets", json=ticket(contact_id=STRANGE))).status_code == 503
    assert site.sealing.owners == [STRANGE]


async def test_a_customer_whom_crm_made_a_moment_ago_gets_the_ticket_and_an_erased_one_does_not(
    site: Site, browser: httpx.AsyncClient
) -> None:
    site.crm.behind = 2
    assert (await browser.post("/api/tickets", json=ticket(contact_id=RINGING))).status_code == 200
    site.at_desks = {RINGING: "cu_erased"}
    assert (await browser.post("/api/tickets", json=ticket(contact_id=RINGING))).status_code == 404
    assert site.sealing.owners == ["cu_known"]


@pytest.mark.parametrize(
    ("ticket_id", "status", "owners"),
    [
        ("tk_known", 200, ["cu_known"]),
        ("tk_late", 200, ["cu_known"]),
        ("tk_stranger", 200, [STRANGE]),
        ("tk_own", 200, [TENANT]),
        ("tk_erased", 404, []),
        ("tk_nothing", 404, []),
    ],
)
async def test_a_note_belongs_to_the_tickets_customer_and_none_is_kept_for_an_erased_one(
    site: Site, browser: httpx.AsyncClient, ticket_id: str, status: int, owners: list[str]
) -> None:
    note = {"body": "called back\n\ttwice", "command_id": new_command_id()}
    answer = await browser.post(f"/api/tickets/{ticket_id}/notes", json=note)
    assert (answer.status_code, site.sealing.owners) == (status, owners)


@pytest.mark.parametrize("wrong", [{"command_id": "x"}, {"body": " "}, {"body": "bell\x07"}, {"body": "del\x7f"}])
async def test_a_wrong_note_or_name_leaves_no_key(
    site: Site, browser: httpx.AsyncClient, wrong: dict[str, str]
) -> None:
    [field] = wrong
    note = {"body": "called back", "command_id": new_command_id()} | wrong
    refused = await browser.post("/api/tickets/tk_known/notes", json=note)
    assert (refused.status_code, refused.json()["field"]) == (422, field)
    name = {"name" if key == "body" else key: value for key, value in note.items()}
    assert (await browser.put("/api/customers/cu_known", json=name)).status_code == 422
    assert site.sealing.owners == []


# -- messages -----------------------------------------------------------------------------------------------------


class Room(DeskRoom):
    """A room with one desk, of ag_li, who has the contact at the desk."""

    def __init__(self) -> None:
        self.sealing, self.sent = Sealing(), Commands()
        everything: Any = self.sealing
        owners = Owners(Channels(), Crm(), self.customer_of)
        streams = (self._nobody, self._no_streams, owners, lambda _: False, lambda *_: True)
        super().__init__("peer", everything, self.sent, everything, SECRET, *streams)  # type: ignore[arg-type]
        self.desk = Desk("ag_li", "session")
        self.desks_of(TENANT).open(self.desk)

    @staticmethod
    async def _nobody(tenant: str, customer_id: str) -> None:
        return None

    @staticmethod
    def _no_streams(tenant: str, desks: Any) -> None:
        return None

    def has_at_desk(self, contact_id: str, customer_id: str, agent_id: str = "ag_li") -> None:
        """acd and channels push the contact as work of an agent."""
        desks = self.desks_of(TENANT)
        if agent_id != self.desk.agent_id:
            desks.open(Desk(agent_id, "another"))
        work = [WorkItem(contact_id=contact_id)]
        desks.on_agent(acd.SessionResponse(agent=AgentView(agent_id=agent_id, version=1, work=work)))
        view = ContactView(contact_id=contact_id, version=1, customer_id=customer_id)
        desks.on_contact(contact.SessionResponse(contact=view))

    async def say(self, contact_id: str, command_id: str | None = None) -> None:
        frame = {"type": "message", "contact_id": contact_id, "text": "hello"}
        await self.carry_out(frame | {"command_id": command_id or new_command_id()}, self.desk, AGENT)


@pytest.fixture
async def room() -> Room:
    return Room()


async def test_a_message_is_the_customers_else_the_contacts(room: Room) -> None:
    room.has_at_desk(STRANGE, "cu_known")
    await room.say(STRANGE)
    await room.say(NEW)  # the desk came back a moment ago and was not told its work yet
    assert room.sealing.owners == ["cu_known", NEW]


async def test_a_message_to_another_agents_contact_or_to_none_leaves_no_key(room: Room) -> None:
    room.has_at_desk(STRANGE, "cu_known", "ag_wang")
    for contact_id in (STRANGE, RINGING, OLD, "ct_a_nothing"):
        with pytest.raises(NotFound, match=f"unknown contact {contact_id}"):
            await room.say(contact_id)
    assert (room.sealing.owners, room.sent.done) == ([], [])


async def test_a_colleague_who_is_asked_writes_about_whose_contact_it_is() -> None:
    class Asked(Channels):
        contacts: ClassVar = {NEW: KnownContact("cu_known", "ag_wang", colleague_id="ag_li")}

    room = Room()
    owners = Owners(Asked(), Crm(), lambda *_: None)
    assert await owners.of_message(TENANT, "ag_li", NEW) == "cu_known"
    with pytest.raises(NotFound):
        await owners.of_message(TENANT, "ag_wu", NEW)
    room.has_at_desk(STRANGE, "cu_known")
    aside = {"type": "colleague_message", "contact_id": STRANGE, "offer_no": 2, "text": "may I?"}
    await room.carry_out(aside | {"command_id": new_command_id()}, room.desk, AGENT)
    [command] = room.sent.done
    said = command.add_consultation_message
    assert (said.contact_id, said.agent_id, said.offer_no) == (STRANGE, "ag_li", 2)
    assert (room.sealing.owners, bool(said.body.ciphertext)) == (["cu_known"], True)


@pytest.mark.parametrize("command_id", ["x", "c" * 200, 7, ["id"], None], ids=str)
async def test_a_message_with_a_malformed_id_leaves_no_key(room: Room, command_id: Any) -> None:
    room.has_at_desk(STRANGE, "cu_known")
    frame = {"type": "message", "contact_id": STRANGE, "text": "hello", "command_id": command_id}
    with pytest.raises(Invalid, match="command_id"):
        await room.carry_out(frame, room.desk, AGENT)
    assert (room.sealing.owners, room.sent.done) == ([], [])


async def test_what_a_supervisor_writes_belongs_to_whose_chat_it_is_and_only_who_monitors_it_writes() -> None:
    class Monitored(Channels):
        contacts: ClassVar = {NEW: KnownContact("", "ag_li", "us_zhao"), RINGING: KnownContact("cu_known", "ag_wang")}

    owners = Owners(Monitored(), Crm(), lambda *_: None)
    assert await owners.of_supervisors_message(TENANT, "us_zhao", NEW) == NEW
    for supervisor_id, contact_id in (("us_chen", NEW), ("us_zhao", RINGING)):
        with pytest.raises(Rejection, match="NotMonitoring"):
            await owners.of_supervisors_message(TENANT, supervisor_id, contact_id)
