"""Kafka is away for 30 s, once killed and once frozen: the whole centre refuses, loses nothing and heals by itself.

The store is away: reads are refused, commands go on (keys lie in a file). STORE_AWAY_S=600 lets that last ten minutes.
"""

import asyncio
import contextlib
import itertools
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from callers import Answer, Callers, callers_of
from desk_sockets import DeskClient, cookie_header, desk_of, logged_in
from gateways import Gateway, gateway_of
from launched_centre import LaunchedCentre
from published import fold_of, ledgers, wrong_journal_records, wrong_live_rows
from trunkline.acd.v1.acd_commands_pb2 import AcdCommand, SetIntent
from trunkline.acd.v1.acd_types_pb2 import Intent
from trunkline.common.v1.common_types_pb2 import Channel, Sealed
from trunkline.contact.v1 import contact_service_pb2 as contact_api
from trunkline.contact.v1.contact_types_pb2 import ContactState
from trunkline.customer.v1.customer_commands_pb2 import CustomerCommand, ResolveCustomer
from trunkline.directory.v1.directory_commands_pb2 import DefineWrapUpCode, DirectoryCommand
from trunkline.directory.v1.directory_types_pb2 import LocalizedText, WrapUpCodeDefinition
from trunkline.ticket.v1.ticket_commands_pb2 import CreateTicket, TicketCommand
from trunkline_core.errors import Transient
from trunkline_core.ids import contact_prefix
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.store import MongoStore
from trunkline_launcher.layout import SERVICES, Layout, installation_secret
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Credentials, Principal, Role, service_principal
from trunkline_testkit.checker import ClientJournal, check, read_journal
from waiting import until_nothing_is_wrong
from websockets.asyncio.client import connect

TENANT = "tn_demo"
AGENT = Principal(TENANT, "agent:ag_wang", frozenset({Role.AGENT}))
ADMIN = Principal(TENANT, "admin:us_admin", frozenset({Role.ADMIN}))
AWAY_S = 30.0
STORE_AWAY_S = float(os.environ.get("STORE_AWAY_S", "15"))
PATIENCE_S = 90.0
SEALED = Sealed(key_id="k_none", nonce=b"0" * 12, ciphertext=b"1" * 17)

Send = Callable[[str, int], Awaitable[Answer]]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker of this module alone, because it is taken away."""
    node = KafkaNode.start(tmp_path_factory.mktemp("kafka"))
    yield node
    node.kill()


@pytest.fixture(scope="module")
def running(broker: KafkaNode, mongo: MongoStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaunchedCentre]:
    """A whole centre on that broker, kept running by the launcher as `make run` does."""
    centre = LaunchedCentre(tmp_path_factory.mktemp("centre"), broker.bootstrap, mongo.url, "kafka_away")
    try:
        centre.ready()
        yield centre
    finally:
        centre.stop()


@dataclass
class Journalled:
    """One client: one command after the other, each repeated under its id until it is answered for good."""

    kind: str
    send: Send
    journal: ClientJournal
    is_told_events: bool
    acked: list[tuple[float, float]] = field(default_factory=list)
    """When each acknowledged command was sent for the first time, and when it was acknowledged."""
    refused: list[tuple[float, Answer]] = field(default_factory=list)

    is_over: bool = False

    async def run(self) -> None:
        """Send until told to stop; the command that is under way is still brought to its end."""
        for number in itertools.count():
            if self.is_over:
                return
            command_id = new_command_id()
            self.journal.sent(command_id, self.kind)
            sent_at = time.monotonic()
            while (answer := await self.send(command_id, number)).code != "OK":
                self.refused.append((time.monotonic(), answer))
                assert answer.code == "UNAVAILABLE" and answer.retry_after_s is not None, (self.kind, answer)
                await asyncio.sleep(answer.retry_after_s)
            self.journal.acked(command_id, self.kind, events=len(answer.events) if self.is_told_events else None)
            self.acked.append((sent_at, time.monotonic()))
            await asyncio.sleep(0.1)  # the pace of a client, not a wait for anything


def clients(journal: ClientJournal, callers: Callers, gateway: Gateway, run: str) -> list[Journalled]:
    """One client of each ledger that takes commands from outside."""

    async def start_contact(command_id: str, number: int) -> Answer:
        try:
            said = await gateway.start("ep_demo_voice", f"+86-{run}-{number}", command_id=command_id, within_s=30)
        except Transient as error:  # our own side: no stream is open
            return Answer("UNAVAILABLE", retry_after_s=error.retry_after_s)
        if isinstance(said, contact_api.RequestDone):
            return Answer("OK")
        code = "UNAVAILABLE" if said.code == 14 else str(said)
        retry_after_s = said.retry_duration.ToTimedelta().total_seconds() if said.HasField("retry_duration") else None
        return Answer(code, retry_after_s=retry_after_s)

    def execute(service: str, principal: Principal, command: Callable[[int], Any]) -> Send:
        return lambda command_id, number: callers.execute(service, command(number), principal, command_id)

    def set_intent(number: int) -> AcdCommand:
        intent = Intent.INTENT_BREAK if number % 2 else Intent.INTENT_OFFLINE
        return AcdCommand(set_intent=SetIntent(agent_id="ag_wang", intent=intent, break_reason="short" * (number % 2)))

    def create_ticket(number: int) -> TicketCommand:
        return TicketCommand(create_ticket=CreateTicket(customer_id=f"cu_{run}", subject=SEALED))

    def define_code(number: int) -> DirectoryCommand:
        code = WrapUpCodeDefinition(code=run, name=LocalizedText(zh=f"{number}", en=f"{number}"))
        return DirectoryCommand(define_wrap_up_code=DefineWrapUpCode(wrap_up_code=code))

    def resolve(number: int) -> CustomerCommand:
        token = f"{run}-{number}"
        asked = ResolveCustomer(contact_id=f"{contact_prefix(token)}{number}", step_no=1, address=SEALED)
        asked.channel, asked.address_token = Channel.CHANNEL_VOICE, token
        return CustomerCommand(resolve_customer=asked)

    sends = {
        "StartContact": start_contact,
        "SetIntent": execute("acd", AGENT, set_intent),
        "CreateTicket": execute("ticketing", AGENT, create_ticket),
        "DefineWrapUpCode": execute("console", ADMIN, define_code),
        "ResolveCustomer": execute("crm", service_principal("channels", TENANT), resolve),
    }
    return [Journalled(kind, send, journal, send is not start_contact) for kind, send in sends.items()]


@contextlib.asynccontextmanager
async def killed(server: KafkaNode | MongoStore) -> AsyncIterator[None]:
    """SIGKILL, and a new start on the same data: connections break at once."""
    server.kill()
    try:
        yield
    finally:  # or what fails here takes the next test with it
        await asyncio.to_thread(server.restart)  # the desk's socket answers its pings meanwhile


@contextlib.asynccontextmanager
async def frozen(broker: KafkaNode) -> AsyncIterator[None]:
    """SIGSTOP: connections stay open and nothing is answered."""
    broker.pause()
    try:
        yield
    finally:
        broker.resume()


@contextlib.asynccontextmanager
async def busy(working: Sequence[Journalled]) -> AsyncIterator[None]:
    """The clients send until the end of the block; what one of them finds wrong fails the test."""
    async with asyncio.TaskGroup() as group:
        for client in working:
            group.create_task(client.run(), name=client.kind)
        try:
            yield
        finally:
            for client in working:
                client.is_over = True


@contextlib.asynccontextmanager
async def crew(
    layout: Layout, journal_path: Path, run: str
) -> AsyncIterator[tuple[Sequence[Journalled], Gateway, DeskClient]]:
    """The clients that will be busy, a gateway and Li's desk."""
    with ClientJournal(journal_path) as journal:
        async with (
            callers_of(layout) as callers,
            gateway_of(layout, TENANT) as gateway,
            desk_of(layout.http_url("console"), "li") as desk,
        ):
            yield clients(journal, callers, gateway, run), gateway, desk


async def all_acknowledged(working: Sequence[Journalled], since: float) -> None:
    """Wait until each client had several commands acknowledged after that moment."""

    async def still_waiting() -> list[str]:
        slow = [client for client in working if sum(at > since for _, at in client.acked) < 3]
        return [f"{client.kind}: acknowledged {client.acked[-1:]}, refused {client.refused[-1:]}" for client in slow]

    await until_nothing_is_wrong(still_waiting, "each client is acknowledged", PATIENCE_S)


@pytest.mark.timeout(420)
@pytest.mark.parametrize("outage", [killed, frozen])
async def test_kafka_away_for_thirty_seconds_is_refused_loses_nothing_and_heals_by_itself(
    running: LaunchedCentre, broker: KafkaNode, outage: Any, tmp_path: Path
) -> None:
    layout, console = running.layout, running.layout.http_url("console")
    async with crew(layout, tmp_path / "journal", outage.__name__) as (working, gateway, desk):
        await desk.send("intent", intent="AVAILABLE")
        async with busy(working):
            await all_acknowledged(working, since=0.0)
            async with outage(broker):
                away_at = time.monotonic()
                doors = await every_front_door_refuses(layout, desk)
                await asyncio.sleep(away_at + AWAY_S - time.monotonic())  # how long Kafka is away is the test's input
                back_at = time.monotonic()
            await all_acknowledged(working, since=time.monotonic())
        check_refusals(working, away_at, back_at)
        await the_same_requests_succeed(layout, doors)
        contact_id = await a_call_reaches_the_desk(gateway, desk, outage.__name__)
        await everybody_leaves(gateway)
        await until_nothing_is_wrong(lambda: unready(layout), "every service is ready", PATIENCE_S)
        await until_nothing_is_wrong(
            lambda: not_shown(layout, desk, broker, contact_id), "every read model has it all", PATIENCE_S
        )
    log = await ledgers(broker.bootstrap)
    assert check(log, read_journal(tmp_path / "journal"), is_final=True) == []
    await until_nothing_is_wrong(
        lambda: wrong_live_rows(broker.bootstrap), "the live tables equal the fold of the ledger", PATIENCE_S
    )
    await until_nothing_is_wrong(
        lambda: wrong_journal_records(broker.bootstrap), "the public journal is complete", PATIENCE_S
    )
    await until_nothing_is_wrong(
        lambda: wrong_wall(console, broker), "the wall shows the fold of the ledger", PATIENCE_S
    )
    assert running.is_running, running.said()


@pytest.mark.timeout(420 + 2 * STORE_AWAY_S)
async def test_the_store_away_refuses_reads_stops_no_command_loses_nothing_and_read_models_catch_up(
    running: LaunchedCentre, broker: KafkaNode, mongo: MongoStore, tmp_path: Path
) -> None:
    layout = running.layout
    async with crew(layout, tmp_path / "journal", "store") as (working, gateway, desk):
        async with busy(working):
            await all_acknowledged(working, since=0.0)
            async with killed(mongo):
                listed = await desk.rest.get("/api/tickets", timeout=PATIENCE_S)
                assert (listed.status_code, int(listed.headers["retry-after"]) >= 1) == (503, True), listed.text
                await asyncio.sleep(STORE_AWAY_S)  # how long it is away is the test's input
                await all_acknowledged(working, since=time.monotonic())
            await all_acknowledged(working, since=time.monotonic())
        contact_id = await a_call_reaches_the_desk(gateway, desk, "store")
        await everybody_leaves(gateway)
        await until_nothing_is_wrong(lambda: unready(layout), "every service is ready", PATIENCE_S)
        await until_nothing_is_wrong(
            lambda: not_shown(layout, desk, broker, contact_id),
            "every read model has it all",
            PATIENCE_S + STORE_AWAY_S,  # they take in what came meanwhile
        )
    log = await ledgers(broker.bootstrap)
    assert check(log, read_journal(tmp_path / "journal"), is_final=True) == []
    assert running.is_running, running.said()


@dataclass(frozen=True)
class Doors:
    """What was asked of the browser's front doors while Kafka was away."""

    chat: dict[str, str]
    ticket: dict[str, str]


async def every_front_door_refuses(layout: Layout, desk: DeskClient) -> Doors:
    """REST with 503 and Retry-After, the desk's socket with a refusal and the time; what only reads still works."""
    doors = Doors(
        chat={"entry_point_id": "ep_demo_chat", "locale": "en", "command_id": new_command_id()},
        ticket={"subject": "lost parcel", "command_id": new_command_id()},
    )
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        chat, ticket, intent = await asyncio.gather(
            http.post(f"{layout.http_url('channels')}/chat/v1/sessions", json=doors.chat),
            desk.rest.post("/api/tickets", json=doors.ticket),
            desk.send("intent", intent="BREAK", break_reason="lunch"),
        )
    for answer in (chat, ticket):
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), answer.text
        assert int(answer.headers["retry-after"]) >= 1
    assert intent["type"] == "refused" and intent["retry_after_s"] > 0, intent
    assert (await desk.rest.get("/api/directory")).status_code == 200
    return doors


async def the_same_requests_succeed(layout: Layout, doors: Doors) -> None:
    """A refused request may be sent again under its id; the chat it opens is ended so that no contact is left."""
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        chat = await http.post(f"{layout.http_url('channels')}/chat/v1/sessions", json=doors.chat)
    assert chat.status_code == 200, chat.text
    socket_url = f"{layout.http_url('channels').replace('http', 'ws', 1)}/chat/v1/ws"
    async with connect(socket_url, open_timeout=PATIENCE_S) as socket, asyncio.timeout(PATIENCE_S):
        await socket.send(json.dumps({"type": "hello", "token": chat.json()["token"]}))
        await socket.send(json.dumps({"type": "leave", "command_id": new_command_id()}))
        while json.loads(await socket.recv()).get("state") != "CLOSED":
            pass
    async with logged_in(layout.http_url("console"), "li") as client:
        first, again = [await client.post("/api/tickets", json=doors.ticket) for _ in range(2)]
    assert (first.status_code, first.json()) == (200, again.json()), first.text


def check_refusals(working: Sequence[Journalled], away_at: float, back_at: float) -> None:
    """Each client was refused meanwhile, and nothing was acknowledged that no broker could have taken.

    What was sent while there was a broker may be durable, however late its answer arrives.
    """
    for client in working:
        assert any(away_at < at < back_at for at, _ in client.refused), client.kind
        assert not [each for each in client.acked if away_at < each[0] and each[1] < back_at], client.kind


async def a_call_reaches_the_desk(gateway: Gateway, desk: DeskClient, run: str) -> str:
    """From the menu to the agent and to the end: every service and every process manager works again."""
    await desk.send("intent", intent="AVAILABLE")
    contact_id = (await gateway.start("ep_demo_voice", f"+86-{run}-after")).contact_id
    await gateway.ask_for_a_person(contact_id)
    offer = await desk.until(lambda: desk.work(contact_id, "OFFERED"))
    assert (await desk.send("accept", contact_id=contact_id, offer_no=offer["offer_no"]))["type"] == "done"
    await desk.until(lambda: desk.work(contact_id, "CONNECTED"))
    assert (await desk.send("end", contact_id=contact_id))["type"] == "done"
    await desk.until(lambda: desk.work(contact_id, "WRAP_UP"))
    assert (await desk.send("wrap_up", contact_id=contact_id, code="resolved"))["type"] == "done"
    await gateway.until(contact_id, lambda view: view.state == ContactState.CONTACT_STATE_CLOSED)
    return str(contact_id)


async def everybody_leaves(gateway: Gateway) -> None:
    """Whoever is still in the menu hangs up, so that the checker may ask for exactly one end of each contact."""
    for contact_id, view in list(gateway.views.items()):
        if view.state != ContactState.CONTACT_STATE_CLOSED:
            await gateway.ask(customer_left=contact_api.CustomerLeft(contact_id=contact_id))
            await gateway.until(contact_id, lambda view: view.state == ContactState.CONTACT_STATE_CLOSED)


async def unready(layout: Layout) -> list[str]:
    """Return the services that are not ready."""
    async with httpx.AsyncClient(timeout=5) as http:
        found = []
        for service in SERVICES:
            try:
                answer = await http.get(f"{layout.http_url(service)}/readyz")
            except httpx.HTTPError as error:
                found.append(f"{service}: {type(error).__name__}")
            else:
                found += [] if answer.status_code == 200 else [f"{service}: {answer.text}"]
        return found


async def not_shown(layout: Layout, desk: DeskClient, broker: KafkaNode, contact_id: str) -> list[str]:
    """Return what the read models of tickets, customers and queue segments still lack."""
    log = await ledgers(broker.bootstrap)
    created = {event.event.ticket_id for event in log.events if event.name == "TicketCreated"}
    try:
        missing = [*created - await tickets_shown(desk.rest)]
    except httpx.HTTPStatusError as error:  # what has far to catch up says so, and when to ask again
        assert (error.response.status_code, "retry-after" in error.response.headers) == (503, True), error
        missing = [f"tickets: {error.response.text}"]
    principal = service_principal("console", TENANT)
    headers = {"tl-token": Credentials(installation_secret(layout.data).encode()).issue(principal)}
    now = datetime.now(UTC)
    span = {"start": (now - timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    async with httpx.AsyncClient(timeout=PATIENCE_S, headers=headers) as http:
        customer = await http.get(f"{layout.http_url('crm')}/customers/by-contact/{contact_id}")
        segments = await http.get(f"{layout.http_url('analytics')}/segments", params=span)
    if customer.status_code != 200 or customer.json()["contacts"][0]["wrap_up_code"] != "resolved":
        missing.append(f"customer: {customer.text}")
    ended = {(each["contact_id"], each["outcome"]) for each in segments.json().get("items", [])}
    if (contact_id, "ANSWERED") not in ended:
        missing.append(f"segment: {segments.text}")
    return missing


async def tickets_shown(rest: httpx.AsyncClient) -> set[str]:
    """Return all tickets that console lists, page by page. Raises: HTTPStatusError."""
    found: set[str] = set()
    query: dict[str, str] = {}
    while True:
        page = (await rest.get("/api/tickets", params=query)).raise_for_status().json()
        found |= {item["ticket_id"] for item in page["items"]}
        if not page["next"]:
            return found
        query = {"cursor": page["next"]}


async def wrong_wall(console: str, broker: KafkaNode) -> list[str]:
    """Return the queues whose figures on the wall are not those of the ledger."""
    socket_url = f"{console.replace('http', 'ws', 1)}/wall/ws"
    async with (
        logged_in(console, "zhao") as rest,
        connect(socket_url, additional_headers=cookie_header(rest), open_timeout=PATIENCE_S) as socket,
    ):
        frame = json.loads(await socket.recv())
    rows = fold_of(await ledgers(broker.bootstrap))
    shown = {row["queue_id"]: (row["entered_total"], row["answered_total"], row["waiting"]) for row in frame["queues"]}
    wanted = {key: (rows[key].entered_total, rows[key].answered_total, rows[key].waiting) for key in shown}
    return [f"{key}: {shown[key]} is not {wanted[key]}" for key in shown if shown[key] != wanted[key]]
