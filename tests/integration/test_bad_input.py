"""Bad input at the real edges of a running centre: refused by name, and nothing else is disturbed."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from callers import Callers, callers_of
from chat_sockets import chat_of, open_session
from desk_sockets import OWN_PAGE, DeskClient, desk_of, logged_in
from gateways import Gateway, gateway_of
from own_tenants import OwnTenant, define_tenant
from published import fold_of, ledgers, live_rows, read_topic, wrong_journal_records, wrong_live_rows
from trunkline.acd.v1.acd_commands_pb2 import AcdCommand, EndContact, EnqueueContact, OpenAgentSession, SetIntent
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.acd.v1.acd_types_pb2 import Intent
from trunkline.common.v1.common_types_pb2 import Channel, Sealed
from trunkline.contact.v1 import contact_service_pb2 as contact_api
from trunkline.contact.v1.contact_commands_pb2 import AddMessage, CloseContact, ContactCommand
from trunkline.contact.v1.contact_types_pb2 import Author, CloseReason, ContactState
from trunkline.customer.v1.customer_commands_pb2 import CustomerCommand, EraseCustomer
from trunkline.directory.v1 import directory_types_pb2 as directory
from trunkline.directory.v1.directory_commands_pb2 import (
    DefineTenant,
    DefineUser,
    DefineWrapUpCode,
    DirectoryCommand,
    PublishFlow,
)
from trunkline.ticket.v1.ticket_commands_pb2 import AddNote, CreateTicket, TicketCommand
from trunkline.ticket.v1.ticket_events_pb2 import TicketEvent
from trunkline_embedded.kafka import KafkaNode
from trunkline_launcher.commands import PASSWORD
from trunkline_launcher.layout import Layout
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Credentials, Principal, Role, service_principal
from trunkline_platform.grpc_client import Method
from trunkline_platform.lifecycle import Process, running
from trunkline_platform.metrics import exposition
from trunkline_testkit.checker import check
from trunkline_testkit.checker.log import LEDGERS
from trunkline_ticketing.bootstrap import Ticketing
from trunkline_ticketing.bootstrap import bootstrap as ticketing_bootstrap
from trunkline_ticketing.settings import TicketingSettings
from waiting import until_nothing_is_wrong
from websockets.exceptions import ConnectionClosed

NOBODY = "tn_nobody"
NO_CONTACT = "ct_0123456789abcdef_0123456789abcdef01234567"
NOT_FOUND = 5
INVALID_ARGUMENT = 3
PATIENCE_S = 60.0
SECRET = "a secret of this test, at least 32 bytes long"
CLEAN_UPS = ("end_at_acd", "end_session")
SEALED = Sealed(key_id="k_none", nonce=b"0" * 12, ciphertext=b"1" * 17)
TEXT = directory.LocalizedText(zh="你好", en="hello")
CLOSED = ContactState.CONTACT_STATE_CLOSED
GET_CONTACT = Method(contact_api.DESCRIPTOR.services_by_name["ContactReadService"].methods_by_name["GetContact"])


@pytest.fixture(scope="module")
def shop(centre: Layout) -> OwnTenant:
    """A tenant of this module, whose agents may miss offers."""
    return define_tenant(centre, queue={"max_misses": 5})


@pytest.fixture(scope="module")
def stranger(centre: Layout) -> OwnTenant:
    """Another tenant of the same centre, with agents of the same names."""
    return define_tenant(centre, queue={"max_misses": 5})


@pytest.fixture
async def callers(centre: Layout) -> AsyncIterator[Callers]:
    async with callers_of(centre) as callers:
        yield callers


def voice(tenant: OwnTenant) -> str:
    return f"ep_demo_voice_{tenant.suffix}"


def agent(tenant: OwnTenant, login: str = "li") -> Principal:
    return Principal(tenant.tenant_id, f"agent:{tenant.agent(login)}", frozenset({Role.AGENT}))


def supervisor(tenant: OwnTenant) -> Principal:
    return Principal(tenant.tenant_id, f"supervisor:us_zhao_{tenant.suffix}", frozenset({Role.SUPERVISOR}))


def admin(tenant: OwnTenant) -> Principal:
    return Principal(tenant.tenant_id, f"admin:us_admin_{tenant.suffix}", frozenset({Role.ADMIN}))


def service(tenant: OwnTenant) -> Principal:
    return service_principal("channels", tenant.tenant_id)


def gateway_principal(tenant: OwnTenant) -> Principal:
    return Principal(tenant.tenant_id, "gateway:gw_test", frozenset({Role.GATEWAY}))


def set_intent(agent_id: str, intent: Any = Intent.INTENT_OFFLINE) -> AcdCommand:
    return AcdCommand(set_intent=SetIntent(agent_id=agent_id, intent=intent))


def enqueue(contact_id: str, queue_id: str, step_no: int = 1) -> AcdCommand:
    wanted = EnqueueContact(contact_id=contact_id, step_no=step_no, queue_id=queue_id)
    wanted.channel = Channel.CHANNEL_VOICE
    return AcdCommand(enqueue_contact=wanted)


async def connected_to_desk(gateway: Gateway, desk: DeskClient, shop: OwnTenant) -> str:
    """A call that the desk accepted and that is joined; return its id."""
    contact_id, offer_no = await ringing_at_desk(gateway, desk, shop)
    assert (await desk.send("accept", contact_id=contact_id, offer_no=offer_no))["type"] == "done"
    await desk.until(lambda: desk.work(contact_id, "CONNECTED"))
    return contact_id


async def ringing_at_desk(gateway: Gateway, desk: DeskClient, shop: OwnTenant) -> tuple[str, int]:
    """A call that rings at the desk; return its id and the number of the offer."""
    assert (await desk.send("intent", intent="AVAILABLE"))["type"] == "done"
    contact_id = (await gateway.start(voice(shop), f"+86 {new_command_id()}")).contact_id
    await gateway.ask_for_a_person(contact_id)
    offer = await desk.until(lambda: desk.work(contact_id, "OFFERED"))
    return contact_id, offer["offer_no"]


async def hang_up(gateway: Gateway, contact_id: str) -> None:
    await gateway.ask(customer_left=contact_api.CustomerLeft(contact_id=contact_id))
    await gateway.until(contact_id, lambda view: view.state == CLOSED)


async def finish(desk: DeskClient, contact_id: str) -> None:
    """End the contact and its wrap-up, so that the agent is free for the next test."""
    if desk.work(contact_id, "CONNECTED"):
        await desk.send("end", contact_id=contact_id)
    await desk.until(lambda: desk.work(contact_id, "WRAP_UP"))
    await desk.send("wrap_up", contact_id=contact_id, code="resolved")
    await desk.until(lambda: not desk.agent["work"])


# -- unknown ------------------------------------------------------------------------------------------------------


async def test_a_tenant_that_nobody_defined_finds_nothing_at_any_door(
    centre: Layout, shop: OwnTenant, callers: Callers
) -> None:
    async with gateway_of(centre, NOBODY) as gateway:
        call = await gateway.start(voice(shop), "+86 1")
    assert (call.code, call.reason) == (NOT_FOUND, "entry_point")
    nobody = Principal(NOBODY, "agent:ag_li", frozenset({Role.AGENT}))
    assert (await callers.execute("acd", set_intent(shop.agent("li")), nobody)).missing == "agent"
    define = DirectoryCommand(define_tenant=DefineTenant(tenant=directory.TenantDefinition(tenant_id=NOBODY, name="x")))
    define.define_tenant.tenant.time_zone = "UTC"
    assert (await callers.execute("console", define, admin(shop))).missing == "tenant"
    async with httpx.AsyncClient(base_url=centre.http_url("console"), headers=OWN_PAGE, timeout=60) as http:
        body = {"login": "li", "password": PASSWORD, "tenant": NOBODY}
        refused = await http.post("/api/login", json=body)
    assert (refused.status_code, refused.json()["title"]) == (401, "Unauthenticated")


async def test_a_chat_at_an_entry_point_that_is_none_or_takes_calls_is_not_found(
    centre: Layout, shop: OwnTenant
) -> None:
    for entry_point_id in ("ep_nowhere", voice(shop)):
        refused = await open_session(centre, entry_point_id)
        assert (refused.status_code, refused.json()["title"]) == (404, "NotFound"), refused.text
        assert refused.headers["content-type"] == "application/problem+json"


async def test_an_unknown_queue_takes_no_contact_and_no_flow(shop: OwnTenant, callers: Callers) -> None:
    contact_id = f"ct_{shop.suffix}_unknown_queue"
    answer = await callers.execute("acd", enqueue(contact_id, "qu_nowhere"), service(shop))
    assert (answer.code, answer.missing) == ("NOT_FOUND", "queue")
    to_nowhere = directory.FlowNode(node_id="q", step=directory.FlowStep())
    to_nowhere.step.enqueue_node.CopyFrom(directory.EnqueueNode(queue_id="qu_nowhere", text=TEXT))
    answer = await callers.execute("console", publish(shop, to_nowhere), admin(shop))
    assert (answer.code, answer.missing) == ("NOT_FOUND", "queue")


async def test_an_unknown_agent_has_no_intent_no_desk_and_no_user(shop: OwnTenant, callers: Callers) -> None:
    answer = await callers.execute("acd", set_intent("ag_nobody"), supervisor(shop))
    assert (answer.code, answer.missing) == ("NOT_FOUND", "agent")
    desk = AcdCommand(open_agent_session=OpenAgentSession(agent_id="ag_nobody", peer_id="p", session_id="s"))
    answer = await callers.execute("acd", desk, service(shop))
    assert (answer.code, answer.missing) == ("NOT_FOUND", "agent")
    user = directory.UserDefinition(user_id=f"us_x_{shop.suffix}", login_token="t", agent_id="ag_nobody", active=True)
    user.password_hash = "$argon2id$v=19$x"
    user.roles.append(directory.Role.ROLE_AGENT)
    answer = await callers.execute("console", DirectoryCommand(define_user=DefineUser(user=user)), admin(shop))
    assert (answer.code, answer.missing) == ("NOT_FOUND", "agent")


async def test_an_unknown_contact_can_be_neither_ended_written_to_nor_read(
    centre: Layout, shop: OwnTenant, callers: Callers
) -> None:
    async with gateway_of(centre, shop.tenant_id) as gateway:
        for contact_id, expected in (
            (NO_CONTACT, (NOT_FOUND, "contact")),
            ("nonsense", (INVALID_ARGUMENT, "contact_id")),
        ):
            refused = await gateway.ask(customer_left=contact_api.CustomerLeft(contact_id=contact_id))
            assert (refused.code, refused.reason) == expected
    async with desk_of(centre.http_url("console"), "li", shop.tenant_id) as desk:
        refused = await desk.send("message", contact_id=NO_CONTACT, text="hello")
        assert (refused["type"], refused["reason"]) == ("refused", "NotFound")
        assert (await desk.send("end", contact_id=NO_CONTACT))["type"] == "refused"
        for path in ("/api/tickets/tk_nothing", "/api/customers/cu_nobody"):
            assert (await desk.rest.get(path)).status_code == 404
    read = contact_api.GetContactRequest(contact_id=NO_CONTACT)
    assert (await callers.call("channels", GET_CONTACT, read, supervisor(shop))).missing == "contact"


# -- another tenant -----------------------------------------------------------------------------------------------


async def test_an_agent_of_another_tenant_finds_neither_offer_contact_agent_nor_customer(
    centre: Layout, shop: OwnTenant, stranger: OwnTenant, callers: Callers
) -> None:
    console = centre.http_url("console")
    async with (
        gateway_of(centre, shop.tenant_id) as gateway,
        desk_of(console, "li", shop.tenant_id) as desk,
        desk_of(console, "li", stranger.tenant_id) as other,
    ):
        contact_id, offer_no = await ringing_at_desk(gateway, desk, shop)
        refused = await other.send("accept", contact_id=contact_id, offer_no=offer_no)
        assert (refused["type"], refused["reason"]) == ("refused", "NotFound")
        assert (await other.send("message", contact_id=contact_id, text="mine now"))["reason"] == "NotFound"
        assert (await desk.send("accept", contact_id=contact_id, offer_no=offer_no))["type"] == "done"
        await desk.until(lambda: desk.work(contact_id, "CONNECTED") and desk.contacts[contact_id]["customer_id"])
        customer_id = desk.contacts[contact_id]["customer_id"]
        assert (await other.rest.get(f"/api/customers/{customer_id}")).status_code == 404
        ticket = await desk.rest.post("/api/tickets", json={"subject": "ours", "command_id": new_command_id()})
        await check_foreign_commands(callers, shop, stranger, contact_id, customer_id, ticket.json()["ticket_id"])
        assert not other.agent["work"] and contact_id not in other.contacts
        await finish(desk, contact_id)


async def check_foreign_commands(
    callers: Callers, shop: OwnTenant, stranger: OwnTenant, contact_id: str, customer_id: str, ticket_id: str
) -> None:
    """Each service compares the row's tenant with the caller's; another tenant's row looks like none."""
    commands = {
        "acd": set_intent(shop.agent("li")),
        "channels": ContactCommand(
            close_contact=CloseContact(contact_id=contact_id, reason=CloseReason.CLOSE_REASON_CUSTOMER_LEFT)
        ),
        "ticketing": TicketCommand(add_note=AddNote(ticket_id=ticket_id, body=SEALED)),
        "crm": CustomerCommand(erase_customer=EraseCustomer(customer_id=customer_id)),
    }
    for name, command in commands.items():
        caller = gateway_principal(stranger) if name == "channels" else service(stranger)
        answer = await callers.execute(name, command, caller)
        assert answer.code == "NOT_FOUND", (name, answer)
    read = contact_api.GetContactRequest(contact_id=contact_id)
    assert (await callers.call("channels", GET_CONTACT, read, supervisor(stranger))).code == "NOT_FOUND"
    assert (await callers.call("channels", GET_CONTACT, read, supervisor(shop))).code == "OK"


# -- late ---------------------------------------------------------------------------------------------------------


async def test_an_accept_that_comes_after_the_offer_ended_is_refused_and_connects_nobody(
    centre: Layout, shop: OwnTenant
) -> None:
    async with (
        gateway_of(centre, shop.tenant_id) as gateway,
        desk_of(centre.http_url("console"), "li", shop.tenant_id) as desk,
    ):
        contact_id, offer_no = await ringing_at_desk(gateway, desk, shop)
        assert (await desk.send("decline", contact_id=contact_id, offer_no=offer_no))["type"] == "done"
        late = await desk.send("accept", contact_id=contact_id, offer_no=offer_no)
        assert (late["type"], late["reason"], late["retry_after_s"]) == ("refused", "OfferNotLive", None)
        view = await gateway.until(contact_id, lambda view: view.state == ContactState.CONTACT_STATE_QUEUED)
        assert view.agent_id == ""
        await hang_up(gateway, contact_id)
        assert (await desk.send("accept", contact_id=contact_id, offer_no=offer_no))["type"] == "refused"
        assert not desk.agent["work"]


async def test_hanging_up_before_the_queue_ends_the_contact_and_a_late_enqueue_is_refused(
    centre: Layout, shop: OwnTenant, callers: Callers
) -> None:
    async with gateway_of(centre, shop.tenant_id) as gateway:
        contact_id = (await gateway.start(voice(shop), f"+86 {new_command_id()}")).contact_id
        await gateway.until(contact_id, lambda view: view.prompt.node_id == "menu")
        await hang_up(gateway, contact_id)
    end = AcdCommand(end_contact=EndContact(contact_id=contact_id, step_no=90, reason="customer_left"))
    assert (await callers.execute("acd", end, service(shop))).code == "OK"
    for step_no in (2, 91):  # one that was under way, and one that nobody should send any more
        late = await callers.execute("acd", enqueue(contact_id, shop.support, step_no), service(shop))
        assert (late.code, late.reason) == ("FAILED_PRECONDITION", "ContactAlreadyEnded")


async def test_hanging_up_while_the_contact_is_on_its_way_to_the_queue_leaves_nobody_in_it(
    centre: Layout, shop: OwnTenant
) -> None:
    async with gateway_of(centre, shop.tenant_id) as gateway:
        callers = [(await gateway.start(voice(shop), f"+86 {new_command_id()}")).contact_id for _ in range(8)]
        await asyncio.gather(*(leave_on_the_way(gateway, contact_id) for contact_id in callers))
        for contact_id in callers:
            await gateway.until(contact_id, lambda view: view.state == CLOSED)
    await until_nothing_is_wrong(
        lambda: not_cleaned_up(centre, callers), "acd confirmed the end of every contact", PATIENCE_S
    )
    log = await ledgers(centre.kafka_bootstrap)
    row = fold_of(log)[shop.support]
    assert (row.waiting, row.ringing) == (0, 0)
    assert check(log) == []
    await until_nothing_is_wrong(
        lambda: wrong_live_rows(centre.kafka_bootstrap), "the live tables equal the fold of the ledger", PATIENCE_S
    )


async def not_cleaned_up(centre: Layout, contact_ids: Sequence[str]) -> list[str]:
    """Return the clean-ups of these contacts that acd or ivr has not confirmed, and contacts without any."""
    events = [event for event in (await ledgers(centre.kafka_bootstrap)).events if event.area == "contact"]
    done = {_step(event.event) for event in events if event.name in ("CleanUpConfirmed", "StepRefused")}
    begun = {_step(event.event) for event in events if event.name == "StepBegun" and event.event.kind in CLEAN_UPS}
    idle = set(contact_ids) - {contact_id for contact_id, _ in begun}
    return [*idle, *(f"{contact_id} {step_no}" for contact_id, step_no in begun - done if contact_id in contact_ids)]


def _step(event: Any) -> tuple[str, int]:
    return event.contact_id, event.step_no


async def leave_on_the_way(gateway: Gateway, contact_id: str) -> None:
    """Answer the last question and hang up without waiting for what comes of it."""
    await gateway.until(contact_id, lambda view: view.prompt.node_id == "menu")
    await gateway.ask(customer_input=contact_api.CustomerInput(contact_id=contact_id, text="2"))
    await gateway.until(contact_id, lambda view: view.prompt.node_id == "topic")
    answer = gateway.ask(customer_input=contact_api.CustomerInput(contact_id=contact_id, text="my parcel"))
    await asyncio.gather(answer, gateway.ask(customer_left=contact_api.CustomerLeft(contact_id=contact_id)))


# -- duplicates ---------------------------------------------------------------------------------------------------


async def test_a_repeated_command_gets_its_first_answer_from_every_service(
    centre: Layout, shop: OwnTenant, callers: Callers
) -> None:
    for name, command, principal in repeatable(shop):
        command_id = new_command_id()
        first, again = [await callers.execute(name, command, principal, command_id) for _ in range(2)]
        assert (first.code, again) == ("OK", first), name
        assert [event.metadata.event_id for event in first.events], name
    async with gateway_of(centre, shop.tenant_id) as gateway:
        command_id = new_command_id()
        calls = [await gateway.start(voice(shop), "+86 twice", command_id=command_id) for _ in range(2)]
        assert calls[0].contact_id == calls[1].contact_id != ""
        await hang_up(gateway, calls[0].contact_id)
    command_id = new_command_id()
    chats = [(await open_session(centre, shop.entry_point, command_id)).json() for _ in range(2)]
    assert chats[0]["contact_id"] == chats[1]["contact_id"]
    async with logged_in(centre.http_url("console"), "li", shop.tenant_id) as rest:
        form = {"subject": "lost", "command_id": new_command_id()}
        tickets = [(await rest.post("/api/tickets", json=form)).json()["ticket_id"] for _ in range(2)]
        assert tickets[0] == tickets[1]


async def test_the_same_id_with_another_payload_is_a_conflict_everywhere(
    centre: Layout, shop: OwnTenant, callers: Callers
) -> None:
    for (name, command, principal), (_, other, _) in zip(repeatable(shop), repeatable(shop), strict=True):
        command_id = new_command_id()
        assert (await callers.execute(name, command, principal, command_id)).code == "OK", name
        assert (await callers.execute(name, other, principal, command_id)).code == "ABORTED", name
    async with logged_in(centre.http_url("console"), "li", shop.tenant_id) as rest:
        form = {"subject": "lost", "command_id": new_command_id()}
        assert (await rest.post("/api/tickets", json=form)).status_code == 200
        conflict = await rest.post("/api/tickets", json=form | {"subject": "found"})
        assert (conflict.status_code, conflict.json()["title"]) == (409, "Conflict")
    async with chat_of(centre, shop.entry_point) as chat:
        command_id = new_command_id()
        menu = (await chat.until(lambda contact: contact["prompt"]))["prompt"]["node_id"]
        assert (await chat.send("input", command_id, node_id=menu, option_id="order"))["type"] == "done"
        assert (await chat.send("input", command_id, node_id=menu, option_id="sales"))["reason"] == "Conflict"
        await chat.send("leave")


@pytest.mark.parametrize(
    "age_s, expected",
    [
        (600.0, ("FAILED_PRECONDITION", "CommandExpired", "")),
        (-600.0, ("INVALID_ARGUMENT", "Invalid", "command_id")),
        (None, ("INVALID_ARGUMENT", "Invalid", "command_id")),
    ],
    ids=["ten minutes old", "ten minutes ahead", "no UUID of version 7"],
)
async def test_an_id_whose_time_cannot_be_trusted_is_refused_by_every_service(
    centre: Layout, shop: OwnTenant, callers: Callers, age_s: float | None, expected: tuple[str, str, str]
) -> None:
    def command_id() -> str:
        return "no-uuid" if age_s is None else new_command_id(time.time() - age_s)

    for name, command, principal in repeatable(shop):
        answer = await callers.execute(name, command, principal, command_id())
        assert (answer.code, answer.reason, answer.field) == expected, name
    async with logged_in(centre.http_url("console"), "li", shop.tenant_id) as rest:
        refused = await rest.post("/api/tickets", json={"subject": "lost", "command_id": command_id()})
        assert refused.status_code == (409 if age_s == 600.0 else 422)
        assert refused.json().get("rule" if age_s == 600.0 else "field") in ("CommandExpired", "command_id")


def repeatable(shop: OwnTenant) -> list[tuple[str, Any, Principal]]:
    """One command for each ledger that takes them from outside; each call gives other payloads that do something."""
    name = new_command_id()
    number = 1 + int(name[-6:], 16) % 1_000_000
    intent = SetIntent(agent_id=shop.agent("wang"), intent=Intent.INTENT_BREAK, break_reason=f"r{number}")
    code = directory.WrapUpCodeDefinition(code="resolved", name=directory.LocalizedText(zh=f"{number}", en=f"{number}"))
    return [
        ("acd", AcdCommand(set_intent=intent), agent(shop, "wang")),
        (
            "ticketing",
            TicketCommand(create_ticket=CreateTicket(customer_id=f"cu_{number}", subject=SEALED)),
            agent(shop),
        ),
        ("console", DirectoryCommand(define_wrap_up_code=DefineWrapUpCode(wrap_up_code=code)), admin(shop)),
    ]


# -- closed -------------------------------------------------------------------------------------------------------


async def test_nobody_can_write_to_a_contact_that_is_closed(centre: Layout, shop: OwnTenant, callers: Callers) -> None:
    async with chat_of(centre, shop.entry_point) as chat:
        await chat.until(lambda contact: contact["prompt"])
        assert (await chat.send("leave"))["type"] == "done"
        await chat.until(lambda contact: contact["state"] == "CLOSED")
        refused = await chat.send("message", text="one more thing")
        assert (refused["type"], refused["reason"]) == ("refused", "ContactClosed")
        contact_id = chat.contact_id
    async with desk_of(centre.http_url("console"), "li", shop.tenant_id) as desk:
        assert (await desk.send("message", contact_id=contact_id, text="too late"))["type"] == "refused"
    message = AddMessage(contact_id=contact_id, author=Author.AUTHOR_CUSTOMER, body=SEALED)
    page = Principal(shop.tenant_id, "customer", frozenset())
    answer = await callers.execute("channels", ContactCommand(add_message=message), page)
    assert (answer.code, answer.reason) == ("FAILED_PRECONDITION", "ContactClosed")
    answer = await callers.execute("channels", ContactCommand(add_message=message), gateway_principal(shop))
    assert answer.code == "NOT_FOUND", "a gateway did not bring it"


# -- free text where it would stand in clear ----------------------------------------------------------------------


async def test_free_text_is_no_wrap_up_code_and_no_break_reason(centre: Layout, shop: OwnTenant) -> None:
    async with (
        gateway_of(centre, shop.tenant_id) as gateway,
        desk_of(centre.http_url("console"), "li", shop.tenant_id) as desk,
    ):
        contact_id = await connected_to_desk(gateway, desk, shop)
        refused = await desk.send("intent", intent="BREAK", break_reason="calling Mr Li")
        assert (refused["type"], refused["reason"]) == ("refused", "break_reason")
        assert (await desk.send("end", contact_id=contact_id))["type"] == "done"
        await desk.until(lambda: desk.work(contact_id, "WRAP_UP"))
        refused = await desk.send("wrap_up", contact_id=contact_id, code="Mr Li called")
        assert (refused["type"], refused["reason"]) == ("refused", "UnknownWrapUpCode")
        assert (await desk.send("wrap_up", contact_id=contact_id, code="resolved"))["type"] == "done"


# -- too long -----------------------------------------------------------------------------------------------------


async def test_text_above_the_limit_is_refused_with_the_fields_name_at_every_edge(
    centre: Layout, shop: OwnTenant, callers: Callers
) -> None:
    async with chat_of(centre, shop.entry_point) as chat:
        await chat.until(lambda contact: contact["prompt"])
        for kind in ("message", "input"):
            refused = await chat.send(kind, text="长" * 11_000)
            assert (refused["type"], refused["reason"]) == ("refused", "text")
        assert (await chat.send("message", text="short"))["type"] == "done"
        await chat.socket.send('{"type": "message", "text": "' + "x" * 70_000 + '"}')
        with pytest.raises(ConnectionClosed) as closed:
            await chat.until(lambda _: False)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1009
    async with gateway_of(centre, shop.tenant_id) as gateway:
        for address, attributes, expected in (("1" * 257, {}, "address"), ("1", {"k": "v" * 257}, "attributes")):
            start = contact_api.StartContact(entry_point_id=voice(shop), address=address, locale="en")
            start.attributes.update(attributes)
            assert (await gateway.ask(start_contact=start)).reason == expected
    async with desk_of(centre.http_url("console"), "li", shop.tenant_id) as desk:
        refused = await desk.send("message", contact_id=NO_CONTACT, text="x" * 33_000)
        assert (refused["type"], refused["reason"]) == ("refused", "text")
        ticket = await desk.rest.post("/api/tickets", json={"subject": "x" * 8_001, "command_id": new_command_id()})
        assert (ticket.status_code, ticket.json()["field"]) == (422, "subject")
        body = await desk.rest.post("/api/tickets", content=b"x" * 300_000)
        assert (body.status_code, body.headers["content-type"]) == (413, "application/problem+json")


async def test_a_command_above_the_limit_of_a_record_is_refused_and_changes_nothing(
    shop: OwnTenant, callers: Callers
) -> None:
    long = Sealed(key_id="k_none", nonce=b"0" * 12, ciphertext=b"1" * 60_000)
    ticket = TicketCommand(create_ticket=CreateTicket(customer_id="cu_1", subject=long))
    refused = await callers.execute("ticketing", ticket, agent(shop))
    assert (refused.code, refused.reason) == ("INVALID_ARGUMENT", "Invalid")
    ticket.create_ticket.subject.ciphertext = b"1" * 2_000_000
    assert (await callers.execute("ticketing", ticket, agent(shop))).code == "RESOURCE_EXHAUSTED"


# -- malformed ----------------------------------------------------------------------------------------------------

MALFORMED = ("not json", "[1]", "null", "[" * 60_000, "{}", '{"type": 7}', '{"type": "dance"}', b"\x00\x01")
HALF_A_CHARACTER = '{"type": "message", "command_id": "x", "text": "\\ud800"}'


async def test_a_malformed_frame_of_a_chat_page_is_refused_and_the_conversation_goes_on(
    centre: Layout, shop: OwnTenant
) -> None:
    async with chat_of(centre, shop.entry_point) as chat:
        await chat.until(lambda contact: contact["prompt"])
        for frame in (*MALFORMED, HALF_A_CHARACTER):
            await chat.socket.send(frame)
            async with asyncio.timeout(PATIENCE_S):
                while (answer := json.loads(await chat.socket.recv()))["type"] == "contact":
                    pass
            assert (answer["type"], answer["reason"]) == ("refused", "type"), frame[:40]
        assert (await chat.send("message", text="still here"))["type"] == "done"
        await chat.send("leave")


async def test_what_another_service_finds_wrong_comes_back_to_the_browser_with_the_fields_name(
    centre: Layout, shop: OwnTenant
) -> None:
    async with logged_in(centre.http_url("console"), "li", shop.tenant_id) as rest:
        refused = await rest.get("/api/tickets", params={"cursor": "no cursor of ours"})
    assert (refused.status_code, refused.json().get("field")) == (422, "cursor"), refused.text


# -- flows --------------------------------------------------------------------------------------------------------


def publish(shop: OwnTenant, *nodes: directory.FlowNode) -> DirectoryCommand:
    flow = directory.FlowDefinition(
        flow_id=f"fl_bad_{shop.suffix}", name="bad", start_node=nodes[0].node_id, nodes=nodes
    )
    return DirectoryCommand(publish_flow=PublishFlow(flow=flow))


def say(node_id: str, next_node: str) -> directory.FlowNode:
    step = directory.FlowStep(say_node=directory.SayNode(text=TEXT, next_node=next_node))
    return directory.FlowNode(node_id=node_id, step=step)


def leave_if_told(node_id: str, else_node: str) -> directory.FlowNode:
    branch = directory.ConditionBranch(attribute="leaves", equals="yes", next_node="bye")
    step = directory.FlowStep(condition_node=directory.ConditionNode(branches=[branch], else_node=else_node))
    return directory.FlowNode(node_id=node_id, step=step)


BYE = directory.FlowNode(node_id="bye", step=directory.FlowStep(end_node=directory.EndNode(text=TEXT)))


@pytest.mark.parametrize(
    "nodes, named",
    [
        ([say("hello", "lost"), say("lost", "")], "nodes[lost]"),
        ([say("hello", "nowhere")], "nodes[hello]"),
        ([say("one", "two"), say("two", "one")], "nodes[one]"),
        ([say("one", "two"), leave_if_told("two", "one"), BYE], "nodes[two]"),
    ],
    ids=["a dead end", "a node that does not exist", "no way out", "a cycle without a pause"],
)
async def test_a_wrong_flow_is_refused_at_publishing_with_the_nodes_name(
    shop: OwnTenant, callers: Callers, nodes: list[directory.FlowNode], named: str
) -> None:
    answer = await callers.execute("console", publish(shop, *nodes), admin(shop))
    assert (answer.code, answer.reason) == ("INVALID_ARGUMENT", "Invalid")
    assert answer.field.startswith(named), answer.field


# -- records that are none ----------------------------------------------------------------------------------------

VOID_HEADERS = {
    "none at all": [],
    "an epoch that is no number": [("tl-epoch", b"one"), ("tl-type", b"trunkline.acd.v1.RowsChanged")],
    "an epoch nobody began": [("tl-epoch", b"999999"), ("tl-type", b"trunkline.acd.v1.RowsChanged")],
    "no type": [("tl-epoch", b"1")],
}


async def test_records_without_a_valid_epoch_are_ignored_and_counted_by_every_reader(
    centre: Layout, shop: OwnTenant
) -> None:
    before = {name: await void_counts(centre, name) for name in READERS}
    await write_void_records(centre.kafka_bootstrap, f"qu_ghost_{shop.suffix}")
    written = len(VOID_HEADERS) * PARTITIONS

    async def uncounted() -> list[str]:
        missing = []
        for name, readers in READERS.items():
            counts = await void_counts(centre, name)
            missing += [f"{name} {reader}" for reader in readers if counts[reader] < before[name][reader] + written]
        return missing

    await until_nothing_is_wrong(uncounted, "each reader counts the void records", PATIENCE_S)
    async with (
        gateway_of(centre, shop.tenant_id) as gateway,
        desk_of(centre.http_url("console"), "li", shop.tenant_id) as desk,
    ):
        contact_id = await connected_to_desk(gateway, desk, shop)
        await finish(desk, contact_id)
    await until_nothing_is_wrong(
        lambda: wrong_live_rows(centre.kafka_bootstrap), "no live row stems from a void record", PATIENCE_S
    )
    await until_nothing_is_wrong(
        lambda: wrong_journal_records(centre.kafka_bootstrap), "nor does a journal record", PATIENCE_S
    )
    assert f"qu_ghost_{shop.suffix}" not in await live_rows(centre.kafka_bootstrap)
    assert check(await ledgers(centre.kafka_bootstrap)) == []


PARTITIONS = 4
READERS = {
    "acd": ('ledger_void_records_total{ledger="acd"}', 'topic="directory.events.v1"'),
    "channels": (
        'ledger_void_records_total{ledger="channels"}',
        'topic="acd.events.v1"',
        'topic="ivr.events.v1"',
        'topic="directory.events.v1"',
    ),
    "console": ('ledger_void_records_total{ledger="console"}',),
    "crm": ('ledger_void_records_total{ledger="crm"}', 'topic="contact.events.v1"', 'topic="customer.events.v1"'),
    "ivr": ('ledger_void_records_total{ledger="ivr"}', 'topic="directory.events.v1"'),
    "ticketing": (
        'ledger_void_records_total{ledger="ticketing"}',
        'topic="ticket.events.v1"',
        'topic="directory.events.v1"',
    ),
    "analytics": (
        'analytics_void_records_total{topic="acd.events.v1"}',
        'analytics_void_records_total{topic="contact.events.v1"}',
        'analytics_void_records_total{topic="ivr.events.v1"}',
        'analytics_void_records_total{topic="ticket.events.v1"}',
        'analytics_void_records_total{topic="customer.events.v1"}',
        'reader_void_records_total{reader="projection-queue-segments",topic="acd.events.v1"}',
    ),
}


async def write_void_records(bootstrap_servers: str, queue_id: str) -> None:
    """Write what would be a change of acd's rows, were it valid, to every partition of every ledger."""
    event = AcdEvent()
    event.rows_changed.queues.add(queue_id=queue_id, waiting=7)
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all") as producer:
        for topic, partition, headers in itertools.product(LEDGERS, range(PARTITIONS), VOID_HEADERS.values()):
            value = event.SerializeToString()
            await producer.send_and_wait(topic, value, key=b"ghost", partition=partition, headers=headers)


async def void_counts(centre: Layout, name: str) -> dict[str, float]:
    """Return what a service's /metrics say, by the part of the line that names the reader; the least of several."""
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        text = (await http.get(f"{centre.http_url(name)}/metrics")).raise_for_status().text
    lines = [line for line in text.splitlines() if "void_records_total" in line and not line.startswith("#")]
    return {
        reader: min((float(line.rsplit(" ", 1)[1]) for line in lines if reader in line), default=-1e9)
        for reader in READERS[name]
    }


# -- records that only a projection cannot handle -----------------------------------------------------------------


@pytest.fixture
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker of one test: the record stays on the ledger for ever and stops its owner (ledger rule 21)."""
    node = KafkaNode.start(tmp_path_factory.mktemp("kafka"))
    yield node
    node.kill()


async def test_a_record_that_the_tickets_read_model_cannot_handle_goes_to_the_dead_letters_and_the_next_is_shown(
    apart: KafkaNode, mongo_url: str, mongo_database: str, tmp_path: Path
) -> None:
    settings = TicketingSettings(
        kafka_bootstrap=apart.bootstrap,
        mongo_url=mongo_url,
        mongo_database=mongo_database,
        secret=SECRET,
        keystore=str(tmp_path / "keys.sqlite"),
        grpc_port=0,
        http_port=0,
    )
    parts: list[Ticketing] = []

    async def start(process: Process) -> None:
        parts.append(await ticketing_bootstrap(process, settings))

    async with running("ticketing", start):
        (ticketing,) = parts
        await until_nothing_is_wrong(lambda: unowned(ticketing), "every partition is owned", PATIENCE_S)
        partition = ticketing.ledger.partition_of(NOBODY)
        owner = ticketing.ledger.owner_of(partition)
        assert owner is not None
        bad_at = await append(apart.bootstrap, partition, owner.epoch, b"\xff")
        await append(apart.bootstrap, partition, owner.epoch, ticket_created("tk_next"))
        await until_nothing_is_wrong(lambda: not_listed(ticketing, "tk_next"), "the projection goes on", PATIENCE_S)
        assert "trunkline_ticketing_dead_letters_total 1.0" in exposition().decode()
    (dead,) = await read_topic(apart.bootstrap, "ticketing.dlq.v1")
    headers = dict(dead.headers)
    assert (dead.value, headers["tl-projection"], headers["tl-reason"]) == (b"\xff", b"tickets", b"Poison")
    place = (headers["tl-source-topic"], headers["tl-source-partition"], headers["tl-source-offset"])
    assert place == (b"ticket.events.v1", b"%d" % partition, b"%d" % bad_at)


async def unowned(ticketing: Ticketing) -> set[int]:
    return set(ticketing.ledger.partitions) - ticketing.ledger.owned


async def append(bootstrap_servers: str, partition: int, epoch: int, value: bytes) -> int:
    """Write under an epoch that is in force; return the record's offset."""
    headers = [("tl-epoch", b"%d" % epoch), ("tl-type", b"trunkline.ticket.v1.TicketCreated")]
    async with AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all") as producer:
        sent = await producer.send_and_wait("ticket.events.v1", value, b"x", partition, headers=headers)
    return int(sent.offset)


def ticket_created(ticket_id: str) -> bytes:
    event = TicketEvent()
    event.metadata.tenant_id, event.metadata.stream_id, event.metadata.stream_version = NOBODY, ticket_id, 1
    event.metadata.event_time.GetCurrentTime()
    event.ticket_created.ticket_id, event.ticket_created.customer_id = ticket_id, "cu_1"
    event.ticket_created.subject.CopyFrom(SEALED)
    return event.SerializeToString()


async def not_listed(ticketing: Ticketing, ticket_id: str) -> str:
    """Return what stands there instead of the ticket."""
    token = Credentials(SECRET.encode()).issue(Principal(NOBODY, "agent:ag_1", frozenset({Role.AGENT})))
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        answer = await http.get(f"{ticketing.http.url}/tickets/{ticket_id}", headers={"tl-token": token})
    return "" if answer.status_code == 200 else answer.text
