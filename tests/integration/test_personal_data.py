"""Personal data on a whole centre: nowhere in clear, opened in the store only where marked, and gone after an erasure.

One customer calls, one chats, one writes through a messenger's web hook, a fourth stays: unique words go through every
front door, also in requests that are refused; then everything that the centre wrote is searched, snapshots included.
An erasure must leave the figures and the fourth customer.
"""

import asyncio
import base64
import contextlib
import json
import sqlite3
import time
import urllib.parse
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from callers import callers_of
from desk_sockets import DeskClient, cookie_header, desk_of, logged_in
from gateways import Gateway, gateway_of
from published import read_topic
from sealed_texts import sealed_texts
from traces import Trace, Traces, documents_of, files_of, new_phone, new_text, new_word
from trunkline.contact.v1 import contact_service_pb2 as contact_api
from trunkline.contact.v1.contact_types_pb2 import ContactState, ContactView
from trunkline.customer.v1.customer_commands_pb2 import CustomerCommand, EraseCustomer
from trunkline.directory.v1.directory_commands_pb2 import DefineHook, DirectoryCommand
from trunkline.directory.v1.directory_types_pb2 import HookDefinition
from trunkline_core.sealed import Sealed
from trunkline_crm.adapters import contacts, customers
from trunkline_launcher.layout import SERVICES, Layout, installation_secret
from trunkline_ledger.kafka.snapshots import snapshot_topic
from trunkline_ledger.kafka.topics import describe_topic
from trunkline_ledger.snapshot_maker import Request, make
from trunkline_operator.ledgers import LEDGERS as SERVICES_BY_LEDGER
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Credentials, Principal, Role, service_principal
from trunkline_platform.grpc_client import Channels, Method
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.sealing import Sealer
from trunkline_platform.webhooks import signed
from trunkline_testkit.checker.log import LEDGERS
from trunkline_ticketing.adapters import read_model
from visitors import Visitor
from waiting import until_told
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

TENANT = "tn_demo"
SUPERVISED = ("supervisor's whisper", "supervisor's message")
PATIENCE_S = 120.0
MARKED: Mapping[str, frozenset[str]] = {**customers.OPENED_FIELDS, **contacts.OPENED_FIELDS, **read_model.OPENED_FIELDS}
READ = Method(contact_api.DESCRIPTOR.services_by_name["ContactReadService"].methods_by_name["GetContact"])
SUPERVISOR = Principal(TENANT, "supervisor:us_zhao", frozenset({Role.SUPERVISOR}))
HOOK = "hk_messenger"
LEDGER_SERVICES: Mapping[str, str] = {topic: service.import_path for topic, service in SERVICES_BY_LEDGER.items()}
"""Whose rules fold which ledger, as owners tell the makers of their snapshots."""


# -- the customers ------------------------------------------------------------------------------------------------


@dataclass
class Person:
    """A customer: what only this one has, and under which ids the centre knows it.

    crm has 150 ms to say who comes in. `unresolved` are contacts that went on without an answer and were ended at once;
    an erasure reaches them too, whether or not crm heard of them later.
    """

    name: str
    address: str
    words: dict[str, str] = field(default_factory=dict)
    contact_ids: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    ticket_ids: list[str] = field(default_factory=list)
    customer_id: str = ""
    page: str = ""

    @classmethod
    def new(cls, name: str, address: str) -> "Person":
        """Return somebody unknown."""
        kinds = (
            "name",
            "gathered text",
            "chat text",
            "agent's message",
            *SUPERVISED,
            "handed note",
            "ticket subject",
            "ticket note",
        )
        return cls(name, address, {kind: new_text() for kind in kinds})

    @property
    def values(self) -> dict[str, str]:
        """What must not be found."""
        own = {"address": self.address, **self.words}
        return {f"{kind} of the {self.name}": value for kind, value in own.items()}

    @property
    def conversation(self) -> set[str]:
        """Which of the values a contact holds; tickets and customers keep their words elsewhere."""
        elsewhere = ("name", "ticket subject", "ticket note")
        return self.values.keys() - {f"{kind} of the {self.name}" for kind in elsewhere}

    def traces(self) -> Traces:
        """Return a search for this person."""
        return Traces(self.values)


@dataclass
class Story:
    """A centre through which four customers went. `waiting`: a contact that is in the queue, if one is."""

    layout: Layout
    caller: Person
    chatter: Person
    messenger: Person
    bystander: Person
    waiting: str = ""

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody."""
        return (*self.erased, self.bystander)

    @property
    def erased(self) -> tuple[Person, ...]:
        """Who wants to be forgotten."""
        return (self.caller, self.chatter, self.messenger)

    def traces(self) -> Traces:
        """Return a search for everybody."""
        return Traces({name: value for person in self.people for name, value in person.values.items()})


@pytest.fixture(scope="module")
def story(centre: Layout) -> Story:
    """Drive all four customers through everything."""
    story = Story(
        centre,
        Person.new("caller", new_phone()),
        Person.new("chatter", new_word()),
        Person.new("messenger", new_phone()),
        Person.new("bystander", new_word()),
    )
    asyncio.run(tell(story))
    return story


async def tell(story: Story) -> None:
    """Who stays comes first: a centre just started may look up its first customers too slowly."""
    url = story.layout.http_url("console")
    await define_hook(story.layout)
    async with desk_of(url, "li") as desk, gateway_of(story.layout, TENANT) as gateway:
        assert (await desk.send("intent", intent="AVAILABLE"))["type"] == "done"
        for person in (story.bystander, story.chatter):
            await a_whole_chat(story, person, desk)
        await a_whole_call(story.caller, gateway, desk)
        await a_whole_exchange(story, story.messenger, desk)
        for person in story.people:
            await profile_and_ticket(person, desk)
            await refused_requests(story.layout, person, gateway, desk)
            await refused_deliveries(story.layout, person)
        assert (await desk.send("intent", intent="OFFLINE"))["type"] == "done"
    await until_told(lambda: everything_is_shown(story), "the read models have caught up")


async def a_whole_chat(story: Story, person: Person, desk: DeskClient) -> None:
    """Menu, question, agent, both write, ticket during the conversation, end."""
    with await known_page(story.layout, person) as page:
        await connected(page, person, desk)
        await converse(page, person, desk)
        await supervise(story.layout, page, person)
        await hand_on(page.contact_id, person, desk)
        person.ticket_ids.append(await a_ticket(desk.rest, person, contact_id=page.contact_id))
        await hang_up(desk, page.contact_id)


async def known_page(layout: Layout, person: Person) -> "Page":
    """Open chats until crm answered in time; leave the others."""
    while True:
        page = await asyncio.to_thread(Page.open, layout, person)
        await asyncio.to_thread(page.wait_for, lambda contact: contact["state"] not in ("", "OPENED"))
        view = await read_contact(layout, page.contact_id)
        if view.customer_id:
            person.customer_id = view.customer_id
            person.contact_ids.append(page.contact_id)
            return page
        with page:
            person.unresolved.append(page.contact_id)
            page.leave()
            await asyncio.to_thread(page.wait_for, lambda contact: contact["state"] == "CLOSED")


async def connected(page: "Page", person: Person, desk: DeskClient) -> None:
    """Through the menu to the agent, who sees what the customer said to the menu."""
    await asyncio.to_thread(page.ask_for_a_person, person.words["gathered text"])
    await accept(desk, page.contact_id)
    shown = await desk.until(lambda: (desk.contacts.get(page.contact_id) or {}).get("gathered"))
    assert shown == {"topic": person.words["gathered text"]}


async def converse(page: "Page", person: Person, desk: DeskClient) -> None:
    """Both write, and each reads what the other wrote."""
    await asyncio.to_thread(page.say, person.words["chat text"])
    await desk.until(lambda: person.words["chat text"] in json.dumps(desk.contacts, ensure_ascii=False))
    text = person.words["agent's message"]
    answer = await desk.send("message", contact_id=page.contact_id, text=text)
    assert answer["type"] == "done", answer
    await asyncio.to_thread(page.wait_for, lambda _: text in page.texts)


async def supervise(layout: Layout, page: "Page", person: Person) -> None:
    """A supervisor with an open wall whispers to the agent and writes to the customer, who reads the one alone."""
    url, modes = layout.http_url("console"), dict(zip(SUPERVISED, ("WHISPER", "BARGE"), strict=True))
    async with logged_in(url, "zhao") as rest:
        wall = f"{url.replace('http', 'ws', 1)}/wall/ws"
        async with connect(wall, additional_headers=cookie_header(rest), open_timeout=PATIENCE_S):
            for kind, mode in modes.items():
                for path, form in (
                    ("monitor", {"mode": mode, "reason": "coaching"}),
                    ("supervisor-message", {"mode": mode, "text": person.words[kind]}),
                ):
                    form["command_id"] = new_command_id()
                    answer = await rest.post(f"/api/contacts/{page.contact_id}/{path}", json=form)
                    assert answer.status_code == 200, answer.text
            await asyncio.to_thread(page.wait_for, lambda _: person.words[SUPERVISED[1]] in page.texts)
            assert person.words[SUPERVISED[0]] not in json.dumps([page.texts, page.contact])


def unsupervised(person: Person) -> None:
    """Nobody whispers or writes in this one's contacts."""
    for kind in SUPERVISED:
        person.words.pop(kind)


async def a_whole_call(person: Person, gateway: Gateway, desk: DeskClient) -> None:
    """As the chat, over the contact API; an agent's message can be written to a caller too."""
    contact_id = await known_caller(person, gateway)
    await gateway.until(contact_id, lambda view: view.prompt.node_id == "menu")
    await gateway.ask(customer_input=contact_api.CustomerInput(contact_id=contact_id, text="2"))
    await gateway.until(contact_id, lambda view: view.prompt.node_id == "topic")
    said = contact_api.CustomerInput(contact_id=contact_id, text=person.words["gathered text"])
    await gateway.ask(customer_input=said)
    await accept(desk, contact_id)
    await desk.send("message", contact_id=contact_id, text=person.words["agent's message"])
    await desk.until(lambda: person.words["gathered text"] in json.dumps(desk.contacts, ensure_ascii=False))
    await hand_on(contact_id, person, desk)
    await hang_up(desk, contact_id)
    person.words.pop("chat text")  # callers do not write
    unsupervised(person)
    # The console knows the contact no more: the subject is sealed for the contact, whose keys are erased all the same.
    person.ticket_ids.append(await a_ticket(desk.rest, person, contact_id=contact_id))


async def known_caller(person: Person, gateway: Gateway) -> str:
    """Call until crm answered in its 150 ms; who calls unresolved hangs up."""
    while True:
        contact_id = (await gateway.start("ep_demo_voice", person.address)).contact_id
        view = await gateway.until(contact_id, lambda view: view.state != ContactState.CONTACT_STATE_OPENED)
        if view.customer_id:
            person.customer_id = view.customer_id
            person.contact_ids.append(contact_id)
            return str(contact_id)
        person.unresolved.append(contact_id)
        await gateway.ask(customer_left=contact_api.CustomerLeft(contact_id=contact_id))


async def define_hook(layout: Layout) -> None:
    """Let a messenger bring messages of the tenant's customers."""
    hook = HookDefinition(hook_id=HOOK, entry_point_id="ep_demo_chat", secret_names=["messenger"])
    command = DirectoryCommand(define_hook=DefineHook(hook=hook))
    async with callers_of(layout) as callers:
        answer = await callers.execute("console", command, service_principal("console", TENANT))
    assert answer.code == "OK", answer


async def a_whole_exchange(story: Story, person: Person, desk: DeskClient) -> None:
    """As the chat, brought by a messenger: an outside system that names its customer with each message."""
    contact_id = await known_exchange(story, person, desk)
    shown = await desk.until(lambda: (desk.contacts.get(contact_id) or {}).get("gathered"))
    assert shown == {"name": person.words["name"], "topic": person.words["gathered text"]}
    answer = await desk.send("message", contact_id=contact_id, text=person.words["agent's message"])
    assert answer["type"] == "done", answer
    await hand_on(contact_id, person, desk)
    unsupervised(person)
    person.ticket_ids.append(await a_ticket(desk.rest, person, contact_id=contact_id))
    await hang_up(desk, contact_id)


async def known_exchange(story: Story, person: Person, desk: DeskClient) -> str:
    """Write until crm answered in its 150 ms; only the agent can end the others."""
    while True:
        contact_id = await ask_by_messenger(story.layout, person)
        await accept(desk, contact_id)
        if contact_id in person.contact_ids:
            return contact_id
        await hang_up(desk, contact_id)


async def ask_by_messenger(layout: Layout, person: Person) -> str:
    """Write, go through the menu into the queue, and note whether crm knew who it is."""
    first = new_command_id()
    taken = await delivered(layout, person, text=person.words["chat text"], delivery_id=first)
    changed = await deliver(layout, person, text=person.words["gathered text"], delivery_id=first)
    assert (changed.status_code, changed.json()["title"]) == (409, "Conflict")
    for node_id, text in (("menu", "2"), ("topic", person.words["gathered text"])):
        await until_asked(layout, taken, node_id)
        assert await delivered(layout, person, text=text) == taken
    view = await read_contact(layout, taken)
    person.customer_id = view.customer_id or person.customer_id
    (person.contact_ids if view.customer_id else person.unresolved).append(taken)
    return taken


async def until_asked(layout: Layout, contact_id: str, node_id: str) -> None:
    """Wait until the flow wants an answer at this node."""

    async def is_asked() -> bool:
        return bool((await read_contact(layout, contact_id)).prompt.node_id == node_id)

    await until_told(is_asked, f"the flow asks at {node_id}")


async def delivered(layout: Layout, person: Person, **fields: object) -> str:
    """Bring a message until it is taken; return its contact. Channels hears a moment later of a new hook."""
    fields = {"delivery_id": new_command_id(), **fields}

    async def taken() -> str:
        answer = await deliver(layout, person, **fields)
        assert answer.status_code in (200, 404, 503), answer.text
        return str(answer.json().get("contact_id", ""))

    return await until_told(taken, "the hook takes the message")


async def deliver(layout: Layout, person: Person, **fields: object) -> httpx.Response:
    """Bring a message once. `fields`: in place of what a good messenger writes."""
    usual = {"delivery_id": new_command_id(), "conversation_id": person.address, "name": person.words["name"]}
    return await post_to_hook(layout, json.dumps({**usual, "text": person.words["gathered text"], **fields}).encode())


async def post_to_hook(layout: Layout, body: bytes, hook: str = HOOK, forged: str = "") -> httpx.Response:
    """Post, signed with the secret that the centre knows, or with another one."""
    known = layout.environment("channels")["TRUNKLINE_WEBHOOK_SECRETS"].rpartition("=")[2]
    headers = signed([(forged or known).encode()], int(time.time()), body)
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        return await http.post(f"{layout.http_url('channels')}/hooks/v1/{TENANT}/{hook}", content=body, headers=headers)


async def accept(desk: DeskClient, contact_id: str) -> None:
    """Take the contact as soon as it rings."""
    offer = await desk.until(lambda: desk.work(contact_id, "OFFERED"), PATIENCE_S)
    assert (await desk.send("accept", contact_id=contact_id, offer_no=offer["offer_no"]))["type"] == "done"
    await desk.until(lambda: desk.work(contact_id, "CONNECTED"))


async def hand_on(contact_id: str, person: Person, desk: DeskClient) -> None:
    """The agent gives it on with a note and, once wrapped up, has it again: nobody else is there."""
    note = person.words["handed note"]
    given = await desk.send("transfer", contact_id=contact_id, queue_id="qu_support", note=note)
    assert given["type"] == "done", given
    await desk.until(lambda: desk.work(contact_id, "WRAP_UP"))
    assert (await desk.send("wrap_up", contact_id=contact_id, code="resolved"))["type"] == "done"
    await accept(desk, contact_id)
    shown = await desk.until(lambda: (desk.contacts.get(contact_id) or {}).get("notes"))
    assert [one["text"] for one in shown] == [note]


async def hang_up(desk: DeskClient, contact_id: str) -> None:
    """The agent ends it and wraps up."""
    assert (await desk.send("end", contact_id=contact_id))["type"] == "done"
    await desk.until(lambda: desk.work(contact_id, "WRAP_UP"))
    assert (await desk.send("wrap_up", contact_id=contact_id, code="resolved"))["type"] == "done"
    await desk.until(lambda: desk.work(contact_id, "WRAP_UP") is None)


async def a_ticket(rest: httpx.AsyncClient, person: Person, contact_id: str) -> str:
    """Open a ticket with one click."""
    form = {"contact_id": contact_id, "subject": person.words["ticket subject"], "command_id": new_command_id()}
    answer = await rest.post("/api/tickets", json=form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["ticket_id"])


async def profile_and_ticket(person: Person, desk: DeskClient) -> None:
    """The name into the profile, a note onto the ticket."""
    form = {"name": person.words["name"], "command_id": new_command_id()}
    answer = await desk.rest.put(f"/api/customers/{person.customer_id}", json=form)
    assert answer.status_code == 200, answer.text
    note = {"body": person.words["ticket note"], "command_id": new_command_id()}
    await until_told(
        lambda: _is_ok(desk.rest.post(f"/api/tickets/{person.ticket_ids[0]}/notes", json=note)), "the note is written"
    )


async def _is_ok(answer: Awaitable[httpx.Response]) -> bool:
    return (await answer).status_code == 200


async def refused_requests(layout: Layout, person: Person, gateway: Gateway, desk: DeskClient) -> None:
    """Requests that fail carry the same words; what is written about a failure must not."""
    texts, unknown = person.words, person.contact_ids[0][:-4] + "none"
    long_text = texts["agent's message"] + "x" * 32_768
    refusals = [
        await gateway.start("ep_nowhere", person.address),
        await gateway.start("ep_demo_voice", person.address + "x" * 300),
        await gateway.ask(customer_input=contact_api.CustomerInput(contact_id=unknown, text=texts["gathered text"])),
        await gateway.ask(customer_input=contact_api.CustomerInput(contact_id=unknown, text=long_text)),
        await gateway.ask(customer_input=contact_api.CustomerInput(contact_id=person.address, text=texts["name"])),
    ]
    assert all(isinstance(said, contact_api.RequestRefused) for said in refusals), refusals
    closed = person.contact_ids[0]
    for frame in ({"contact_id": closed, "text": texts["agent's message"]}, {"contact_id": closed, "text": long_text}):
        assert (await desk.send("message", **frame))["type"] == "refused"
    assert (await desk.send(texts["name"], text=texts["agent's message"]))["type"] == "refused"
    await desk.send_raw(texts["ticket note"])
    await sockets_with_queries(layout, person)
    await refused_forms(layout, person, desk.rest)


async def sockets_with_queries(layout: Layout, person: Person) -> None:
    """Sockets that are opened and closed again: a server may write down what they ask for."""
    query = urllib.parse.urlencode({"token": person.words["name"], "q": person.address})
    for service, path in (("channels", "chat/v1/ws"), ("console", "desk/ws"), ("console", "wall/ws")):
        address = f"{layout.http_url(service).replace('http', 'ws', 1)}/{path}?{query}"
        async with connect(address, open_timeout=PATIENCE_S) as socket:
            with contextlib.suppress(ConnectionClosed):  # console closes it first: nobody is logged in
                await socket.send(json.dumps({"type": person.words["name"]}))
            await socket.wait_closed()


async def refused_forms(layout: Layout, person: Person, rest: httpx.AsyncClient) -> None:
    """As above, by REST."""
    texts, customer, ticket = person.words, f"/api/customers/{person.customer_id}", person.ticket_ids[0]
    log_in = {"login": person.address, "password": texts["name"]}
    contested = new_command_id()
    await rest.put(customer, json={"name": texts["name"], "command_id": contested})
    requests = [
        rest.put(customer, json={"name": texts["name"] * 50, "command_id": new_command_id()}),
        rest.put(customer, json={"name": texts["name"], texts["name"]: 1}),
        rest.put(customer, json={"name": texts["ticket subject"], "command_id": contested}),
        rest.put(customer, json={"name": texts["name"], "command_id": texts["name"]}),
        rest.put(customer, content=texts["name"].encode()),
        rest.put(f"/api/customers/{person.address.lstrip('+')}", json={"name": "n", "command_id": new_command_id()}),
        rest.post(f"/api/tickets/{ticket}/notes", json={"body": texts["ticket note"] * 1000, "command_id": "c"}),
        rest.post(f"/api/tickets/{ticket}/state", json={"state": texts["ticket note"], "command_id": "c"}),
        rest.post("/api/tickets", json={"contact_id": person.address, "subject": "s", "command_id": new_command_id()}),
        rest.post("/api/tickets", json={"customer_id": texts["name"], "subject": "s", "command_id": new_command_id()}),
        rest.post("/api/login", json=log_in),
        rest.get(f"/api/customers/{person.address.lstrip('+')}"),
        rest.get(f"/api/tickets/{texts['ticket subject']}"),
        rest.get("/api/tickets", params={"cursor": texts["ticket subject"], "state": texts["name"]}),
        rest.get("/api/tickets", params={"cursor": texts["ticket subject"]}),
        rest.post(f"{layout.http_url('channels')}/chat/v1/sessions", json={"visitor": texts["name"]}),
    ]
    for request in requests:
        answer = await request
        assert 400 <= answer.status_code < 600, (answer.request.url, answer.status_code)


async def refused_deliveries(layout: Layout, person: Person) -> None:
    """As above, by the messenger's web hook."""
    texts, said = person.words, json.dumps({"text": person.words["gathered text"], "name": person.words["name"]})
    wrong: list[dict[str, object]] = [
        {"conversation_id": person.address * 20},
        {"name": texts["name"] * 20},
        {"text": texts["gathered text"] + "x" * 32_000},
        {"text": [texts["gathered text"]]},
        {"locale": texts["name"]},
        {"delivery_id": texts["name"]},
        {"delivery_id": new_command_id(time.time() - 400)},
    ]
    answers = [await deliver(layout, person, **fields) for fields in wrong]
    answers += [
        await post_to_hook(layout, said.encode()),
        await post_to_hook(layout, said[:-1].encode()),
        await post_to_hook(layout, said.encode(), hook="hk_none"),
        await post_to_hook(layout, said.encode(), hook=person.address.lstrip("+")),
        await post_to_hook(layout, said.encode(), forged=texts["name"]),
    ]
    refused = [answer.status_code for answer in answers]
    assert refused == [422] * 6 + [409, 422, 422, 404, 404, 401], refused


class Page(Visitor):
    """A chat page that keeps what it was shown, and its token for coming back."""

    def __init__(self, layout: Layout, token: str, contact_id: str) -> None:
        super().__init__(f"{layout.http_url('channels').replace('http', 'ws', 1)}/chat/v1/ws", token)
        self.contact_id = contact_id
        self.messages: dict[int, str] = {}

    def __enter__(self) -> "Page":
        return self

    @classmethod
    def open(cls, layout: Layout, person: Person) -> "Page":
        """Begin a conversation as this visitor."""
        form = {"entry_point_id": "ep_demo_chat", "visitor": person.address, "command_id": new_command_id()}
        answer = httpx.post(f"{layout.http_url('channels')}/chat/v1/sessions", json=form, timeout=PATIENCE_S)
        answer.raise_for_status()
        opened = answer.json()
        person.page = opened["token"]
        return cls(layout, opened["token"], opened["contact_id"])

    @property
    def texts(self) -> list[str]:
        """What stands on the page."""
        return list(self.messages.values())

    def wait_for(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """As Visitor's, and keep every message on the way."""

        def looked_at(contact: dict[str, Any]) -> bool:
            self.messages |= {message["no"]: message["text"] for message in contact.get("messages", [])}
            return holds(contact)

        return super().wait_for(looked_at)


# -- what can be read ---------------------------------------------------------------------------------------------


async def readable(layout: Layout, people: tuple[Person, ...]) -> dict[str, list[Trace]]:
    """Ask every API that tells of customers; return what each answer gave away of whom."""
    found: dict[str, list[Trace]] = {person.name: [] for person in people}
    async with contextlib.aclosing(answers(layout, people)) as answered:
        async for place, content in answered:
            for person in people:
                found[person.name] += person.traces().in_json(place, content)
    return found


async def answers(layout: Layout, people: tuple[Person, ...]) -> AsyncGenerator[tuple[str, object], None]:
    """Yield each answer of crm, ticketing, analytics, console and channels.

    Not what a chat page is shown: one conversation may open only some pages a minute; see `pages_without_words`.
    """
    headers = {"tl-token": _credentials(layout).issue(service_principal("console", TENANT))}
    async with httpx.AsyncClient(timeout=PATIENCE_S, headers=headers) as http:
        for path in service_paths(layout, people):
            yield path, (await http.get(path)).text
        for path in analytics_paths(layout):
            yield path, await told(http, path)
    for login in ("li", "zhao", "admin"):
        async with logged_in(layout.http_url("console"), login) as rest:
            for path in ("/api/me", "/api/directory", "/api/tickets", *console_paths(people)):
                yield f"{login} {path}", (await rest.get(path)).text
    async with logged_in(layout.http_url("console"), "zhao") as rest:
        for path in supervised_paths(people):
            yield path, await told(rest, path)
    for contact_id in [contact_id for person in people for contact_id in (*person.contact_ids, *person.unresolved)]:
        yield f"GetContact {contact_id}", texts_of(await read_contact(layout, contact_id))


async def told(http: httpx.AsyncClient, path: str) -> str:
    """Return an answer that must be one: what is refused tells nothing of anybody."""
    answer = await http.get(path)
    assert answer.status_code == 200, (path, answer.status_code, answer.text)
    return answer.text


def service_paths(layout: Layout, people: tuple[Person, ...]) -> list[str]:
    """What console reads of these customers."""
    crm, ticketing = layout.http_url("crm"), layout.http_url("ticketing")
    profiles = [f"{crm}/customers/{person.customer_id}" for person in people]
    asked_by = [f"{crm}/customers/by-contact/{contact_id}" for person in people for contact_id in person.contact_ids]
    tickets = [f"{ticketing}/tickets/{ticket_id}" for person in people for ticket_id in person.ticket_ids]
    return [*profiles, *asked_by, *tickets, f"{ticketing}/tickets?limit=200"]


def analytics_paths(layout: Layout) -> list[str]:
    """What analytics tells of yesterday, today and tomorrow."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    span = {"start": (today - timedelta(days=1)).isoformat(), "end": (today + timedelta(days=2)).isoformat()}
    url, query = layout.http_url("analytics"), urllib.parse.urlencode(span)
    return [f"{url}/segments?{query}", f"{url}/service-level?{query}"]


def console_paths(people: tuple[Person, ...]) -> list[str]:
    """What the browser reads of these customers."""
    tickets = [f"/api/tickets/{ticket_id}" for person in people for ticket_id in person.ticket_ids]
    return [f"/api/customers/{person.customer_id}" for person in people] + tickets


def supervised_paths(people: tuple[Person, ...]) -> list[str]:
    """What a supervisor reads besides: who waits, and why each contact went to whom."""
    ids = [contact_id for person in people for contact_id in person.contact_ids]
    reasons = [f"/api/v1/contacts/{contact_id}/explanation?lang={lang}" for contact_id in ids for lang in ("zh", "en")]
    return ["/api/queues/qu_support/waiting", "/api/queues/qu_sales/waiting", *reasons]


async def read_contact(layout: Layout, contact_id: str) -> ContactView:
    """Return a contact as channels opens it for a supervisor; an empty one when it left memory."""
    channels = Channels()
    try:
        call: Any = channels.to(layout.grpc_address("channels")).unary_unary(
            READ.path, request_serializer=READ.request.SerializeToString, response_deserializer=READ.response.FromString
        )
        metadata = (("tl-token", _credentials(layout).issue(SUPERVISOR)),)
        view: ContactView = (await call(READ.request(contact_id=contact_id), timeout=30, metadata=metadata)).contact
        return view
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.NOT_FOUND, error  # ten minutes after its end
        return ContactView()
    finally:
        await channels.close()


def texts_of(view: ContactView) -> list[str]:
    """Return what was said and whispered, and what was gathered in the menu."""
    whispers = [whisper.text for whisper in view.whispers]
    return [*(message.text for message in view.messages), *whispers, *view.gathered.values()]


def _credentials(layout: Layout) -> Credentials:
    return Credentials(installation_secret(layout.data).encode())


async def figures(story: Story) -> dict[str, object]:
    """Return what must stay: segments and service level, contacts of each customer, tickets."""
    headers = {"tl-token": _credentials(story.layout).issue(service_principal("console", TENANT))}
    tickets_path = f"{story.layout.http_url('ticketing')}/tickets?limit=200"
    async with httpx.AsyncClient(timeout=PATIENCE_S, headers=headers) as http:
        paths = (*analytics_paths(story.layout), tickets_path)
        segments, level, tickets = [json.loads(await told(http, path)) for path in paths]
    history = [document for name, document in documents_of(story.layout.mongo_url) if name == "customer_contacts"]
    states = {ticket["ticket_id"]: (ticket["state"], len(ticket["notes"])) for ticket in tickets["items"]}
    return {
        "segments": {
            (one["contact_id"], one["segment_no"]): (one["outcome"], one["closed_at"]) for one in segments["items"]
        },
        "answered": (level["segments"], level["answer_rate"], level["abandon_rate"]),
        "tickets": states,
        "contacts": {
            person.customer_id: sum(one["customer_id"] == person.customer_id for one in history)
            for person in story.people
        },
    }


async def everything_is_shown(story: Story) -> bool:
    """Whether each value can be read somewhere."""
    found = await readable(story.layout, story.people)
    return {trace.value for traces in found.values() for trace in traces} == story.traces().values.keys()


async def everything_is_counted(story: Story) -> bool:
    """Whether read models, which are a moment behind, hold all conversations."""
    now: Any = await figures(story)
    opened = {contact_id for contact_id, _ in now["segments"]}
    answered = {contact_id for (contact_id, _), (outcome, _) in now["segments"].items() if outcome == "ANSWERED"}
    return all(
        0 <= now["contacts"][person.customer_id] - len(person.contact_ids) <= len(person.unresolved)
        and opened >= {*person.contact_ids}
        and answered >= {*person.contact_ids} - {story.waiting}
        for person in story.people
    )


# -- snapshots ----------------------------------------------------------------------------------------------------


async def make_snapshots(layout: Layout) -> None:
    """Have one made of every partition as it is now; by themselves owners have that done after 50,000 records."""
    for topic, service in LEDGER_SERVICES.items():
        described = await describe_topic(layout.kafka_bootstrap, topic)
        about = (service, topic, described.topic_id)
        requests = [
            Request(*about, partition, layout.kafka_bootstrap, "snapshots-of-a-test", at_least=1)
            for partition in range(described.partitions)
        ]
        await asyncio.gather(*map(make, requests))


async def in_snapshots(layout: Layout, texts: Mapping[Sealed, str | None]) -> dict[Sealed, str | None]:
    """Return those of the sealed texts that snapshots hold."""
    topics = [snapshot_topic(topic) for topic in LEDGER_SERVICES]
    records = [record for topic in topics for record in await read_topic(layout.kafka_bootstrap, topic)]
    held = b"\n".join(record.value or b"" for record in records)
    return {sealed: text for sealed, text in texts.items() if sealed.ciphertext in held}


# -- what is sealed, and under which keys -------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def key_store(layout: Layout) -> AsyncIterator[SqliteKeyStore]:
    """The centre's own keys, opened beside it."""
    keys = SqliteKeyStore(layout.data / "keys.sqlite", KeyWrap(installation_secret(layout.data).encode()))
    try:
        yield keys
    finally:
        await keys.close()


async def opened_texts(story: Story) -> dict[Sealed, str | None]:
    """Return every sealed text of the ledgers and the journal, and what it says; None where its key is gone."""
    sealed = await sealed_texts(story.layout.kafka_bootstrap)
    async with key_store(story.layout) as keys:
        sealer = Sealer(keys, installation_secret(story.layout.data).encode())
        return {text: await sealer.open(text) for text in sealed}


def of_person(person: Person, texts: Mapping[Sealed, str | None]) -> dict[Sealed, list[str]]:
    """Return which sealed texts say something of the person, and what."""
    found = {
        sealed: [trace.value for trace in person.traces().in_bytes("", (text or "").encode())]
        for sealed, text in texts.items()
    }
    return {sealed: values for sealed, values in found.items() if values}


def said_in(texts: Mapping[Sealed, str | None], person: Person) -> set[str]:
    """Return what of the person these texts say."""
    return {value for values in of_person(person, texts).values() for value in values}


def wrapped_keys(layout: Layout, key_ids: set[str]) -> dict[str, bytes]:
    """Return the bytes of these keys as the key store's file holds them."""
    with contextlib.closing(sqlite3.connect(layout.data / "keys.sqlite")) as connection:
        rows = connection.execute("SELECT key_id, wrapped FROM data_keys").fetchall()
    return {key_id: wrapped for key_id, wrapped in rows if key_id in key_ids}


def files_with(folder: Path, contents: Mapping[str, bytes]) -> list[str]:
    """Return the files of the folder in which any of the contents stands."""
    files = {path: path.read_bytes() for path in folder.glob("keys.sqlite*")}
    return [
        f"{name} in {path.name}"
        for path, all_of_it in files.items()
        for name, part in contents.items()
        if part in all_of_it
    ]


async def in_clear(story: Story) -> list[Trace]:
    """Return each trace anywhere in the installation, fields marked in the store's schema excepted."""
    layout, traces = story.layout, story.traces()
    found = [*traces.in_folder(layout.data, without=[layout.data / "store" / "store.mv"])]
    found += await traces.in_kafka(layout.kafka_bootstrap)
    found += traces.in_metrics(layout)
    return found + [trace for trace in traces.in_store(layout.mongo_url) if not is_marked(trace.place)]


def assert_none(found: Iterable[Trace]) -> None:
    """Raises: AssertionError that names every place, value and form."""
    lines = [f"{trace.value} in {trace.place}, as {trace.form}" for trace in found]
    assert not lines, "\n".join(lines)


def is_marked(place: str) -> bool:
    """Whether a field, named `collection.dotted.path`, may hold an opened value."""
    collection, _, path = place.partition(".")
    return any(f"{path}.".startswith(f"{marked}.") for marked in MARKED.get(collection, ()))


# -- tests --------------------------------------------------------------------------------------------------------


@pytest.mark.timeout(600)
async def test_personal_data_stands_nowhere_in_clear(story: Story) -> None:
    data = story.layout.data
    searched = {path.relative_to(data).as_posix() for path in files_of(data)}
    assert {f"logs/{service}.log" for service in SERVICES} | {"kafka/kafka.log", "keys.sqlite"} <= searched
    assert any("/contact.events.v1-" in path and path.endswith(".log") for path in searched)
    assert LEDGER_SERVICES.keys() == LEDGERS.keys(), "each ledger has snapshots"
    await make_snapshots(story.layout)
    texts = await opened_texts(story)
    kept = await in_snapshots(story.layout, texts)
    for person in story.people:
        assert said_in(texts, person) == person.values.keys(), "each value went through the ledgers, sealed"
        assert said_in(kept, person) >= person.conversation, "snapshots hold whole conversations, sealed"
    assert_none(await in_clear(story))


@pytest.mark.timeout(600)
async def test_an_erased_customer_is_nowhere_to_be_read_and_figures_stay(story: Story) -> None:
    layout = story.layout
    async with desk_of(layout.http_url("console"), "li") as desk:
        assert (await desk.send("intent", intent="AVAILABLE"))["type"] == "done"
        with await known_page(layout, story.chatter) as page:  # erased in the middle of a conversation
            await connected(page, story.chatter, desk)
            await converse(page, story.chatter, desk)
            await wait_in_queue(story, desk)
            await erase_all(story)
            await pages_without_words(story, page)
            await hang_up_at_new_desk(story, page)
    await make_snapshots(layout)
    assert_none(await in_clear(story))
    for person in story.erased:
        assert_none(person.traces().in_store(layout.mongo_url))


async def wait_in_queue(story: Story, desk: DeskClient) -> None:
    """Who writes through the messenger is erased while nobody takes the contact."""
    assert (await desk.send("intent", intent="BREAK", break_reason="short"))["type"] == "done"
    story.waiting = await ask_by_messenger(story.layout, story.messenger)
    await until_told(lambda: it_waits(story), "it waits in the queue")


async def it_waits(story: Story) -> bool:
    """Whether supervisors see it in its queue."""
    async with logged_in(story.layout.http_url("console"), "zhao") as rest:
        return story.waiting in await told(rest, "/api/queues/qu_support/waiting")


async def erase_all(story: Story) -> None:
    """Erase who wants to be forgotten, and see what is gone and what stays."""
    layout = story.layout
    await until_told(lambda: everything_is_counted(story), "the figures are complete")
    await make_snapshots(layout)
    texts, before = await opened_texts(story), await figures(story)
    doomed = {sealed for person in story.erased for sealed in of_person(person, texts)}
    wrapped = wrapped_keys(layout, {sealed.key_id for sealed in doomed})
    assert files_with(layout.data, wrapped), "the keys are found while they are there"
    await nobody_else_may_erase(story)
    async with logged_in(layout.http_url("console"), "zhao") as rest:
        for person in (*story.erased, *story.erased):  # twice is as good as once
            assert (await ask_to_erase(rest, person)).status_code == 200
    await until_told(lambda: nothing_is_readable(story), "no API tells of them any more")
    await until_told(lambda: no_key_is_left(layout, wrapped), "their keys are overwritten")
    after = await opened_texts(story)
    assert {sealed for sealed in doomed if after[sealed] is not None} == set()
    await who_stays_is_whole(story, after)
    assert await it_waits(story), "its place in the queue stays"
    assert await figures(story) == before


async def ask_to_erase(rest: httpx.AsyncClient, person: Person) -> httpx.Response:
    """Ask console to erase somebody."""
    return await rest.post(f"/api/customers/{person.customer_id}/erase", json={"command_id": new_command_id()})


async def nobody_else_may_erase(story: Story) -> None:
    """Not an agent, by whichever door, and nobody of another tenant."""
    async with logged_in(story.layout.http_url("console"), "wang") as rest:
        assert (await ask_to_erase(rest, story.caller)).status_code == 403
    async with callers_of(story.layout) as callers:
        command = CustomerCommand(erase_customer=EraseCustomer(customer_id=story.caller.customer_id))
        agent = Principal(TENANT, "agent:ag_wang", frozenset({Role.AGENT}))
        stranger = Principal("tn_other", "supervisor:us_zhao", frozenset({Role.SUPERVISOR}))
        assert (await callers.execute("crm", command, agent)).code == "PERMISSION_DENIED"
        assert (await callers.execute("crm", command, stranger)).code == "NOT_FOUND"
    assert all((await readable(story.layout, story.erased)).values()), "nothing was erased"


async def nothing_is_readable(story: Story) -> bool:
    """Other processes may open a text for up to 5 s after its key was destroyed."""
    return not any((await readable(story.layout, story.erased)).values())


async def no_key_is_left(layout: Layout, wrapped: Mapping[str, bytes]) -> bool:
    """Neither as rows nor as bytes of the key store's files."""
    return not wrapped_keys(layout, set(wrapped)) and not files_with(layout.data, wrapped)


async def who_stays_is_whole(story: Story, texts: Mapping[Sealed, str | None]) -> None:
    """An erasure takes nothing from anybody else."""
    assert said_in(texts, story.bystander) == story.bystander.values.keys()
    assert said_in(await in_snapshots(story.layout, texts), story.bystander) >= story.bystander.conversation
    shown = (await readable(story.layout, (story.bystander,)))[story.bystander.name]
    assert {trace.value for trace in shown} == story.bystander.values.keys()


async def pages_without_words(story: Story, page: Page) -> None:
    """Loaded again, a page has the whole conversation without its words; that of who stays has them."""
    bystander, chatter = story.bystander, story.chatter
    with await asyncio.to_thread(Page, story.layout, bystander.page, bystander.contact_ids[-1]) as other:
        await asyncio.to_thread(other.wait_for, lambda _: bystander.words["chat text"] in other.texts)
    with await asyncio.to_thread(Page, story.layout, chatter.page, page.contact_id) as again:
        await asyncio.to_thread(again.wait_for, lambda _: again.messages.keys() >= page.messages.keys())
        assert_none(chatter.traces().in_json("page", [again.texts, again.contact]))


async def hang_up_at_new_desk(story: Story, page: Page) -> None:
    """The desk in another tab replaces the first, has the conversation without its words, and ends it.

    Then it takes who waits, of whom it is shown nothing either.
    """
    async with desk_of(story.layout.http_url("console"), "li") as desk:
        shown = await desk.until(lambda: (desk.contacts.get(page.contact_id) or {}).get("messages"))
        assert len(shown) == len(page.messages)
        await until_told(lambda: writing_is_refused(desk, page, story.chatter), "nothing is written for them any more")
        await until_told(lambda: bringing_is_refused(story), "nothing of theirs is taken any more")
        await hang_up(desk, page.contact_id)
        assert (await desk.send("intent", intent="AVAILABLE"))["type"] == "done"
        await accept(desk, story.waiting)
        await desk.until(lambda: (desk.contacts.get(story.waiting) or {}).get("messages"))
        for person in story.erased:
            assert_none(person.traces().in_json("desk", desk.contacts))
        await hang_up(desk, story.waiting)
        await desk.send("intent", intent="OFFLINE")


async def writing_is_refused(desk: DeskClient, page: Page, person: Person) -> bool:
    """A process may use a key, though nobody can open what it seals, for up to 5 s after it was destroyed."""
    answer = await desk.send("message", contact_id=page.contact_id, text=person.words["agent's message"])
    return bool(answer["type"] == "refused")


async def bringing_is_refused(story: Story) -> bool:
    """As above, of what the messenger brings."""
    answer = await deliver(story.layout, story.messenger)
    return (answer.status_code, answer.json().get("title")) == (404, "Erased")


@pytest.mark.timeout(600)
async def test_a_planted_leak_is_found_also_in_a_compressed_batch(centre: Layout) -> None:
    planted = Traces({"planted": new_text()})
    admin = AIOKafkaAdminClient(bootstrap_servers=centre.kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("planted", 1, 1)])
    await admin.close()
    value = json.dumps({"said": [planted.values["planted"]] * 100}).encode()
    async with AIOKafkaProducer(bootstrap_servers=centre.kafka_bootstrap, compression_type="gzip") as producer:
        await producer.send_and_wait("planted", value)
    assert [*planted.in_folder(centre.data)] == [], "the batch is compressed, so its bytes do not tell"
    assert {trace.place for trace in await planted.in_kafka(centre.kafka_bootstrap)} == {"planted/0/0"}


@pytest.mark.parametrize(
    "written",
    [
        lambda word: f"'{word}'".encode(),
        lambda word: word.upper().encode(),
        lambda word: f"«{word}»".encode("utf-16"),
        lambda word: f"{word}.".encode("utf-16-be"),
        *[lambda word, before=before: base64.b64encode(before * b"." + word.encode() + b"!") for before in range(4)],
        *[lambda word, before=before: base64.urlsafe_b64encode(before * b"." + word.encode()) for before in range(4)],
        lambda word: urllib.parse.quote_plus(f"?q={word}&").encode(),
        lambda word: word.encode().hex().upper().encode(),
        lambda word: json.dumps({"text": word}).encode(),
        lambda word: repr(word.encode()).encode(),
    ],
)
@pytest.mark.parametrize("new_value", [new_word, new_phone, lambda: new_text().split()[1]])
def test_the_search_knows_every_form(written: Callable[[str], bytes], new_value: Callable[[], str]) -> None:
    value = new_value()
    assert [*Traces({"value": value}).in_bytes("here", b"before " + written(value) + b" after")]
    assert not [*Traces({"value": new_value()}).in_bytes("here", b"before " + written(value) + b" after")]


def test_the_search_of_documents_names_the_field() -> None:
    word = new_word()
    document = {"_id": "cu_1", "name": word, "notes": [{"body": f"call {word}".encode()}], "by": {word: 1}}
    places = {trace.place for trace in Traces({"value": word}).in_document("customers", document)}
    assert places == {"customers.name", "customers.notes.body", f"customers.by.{word}"}
