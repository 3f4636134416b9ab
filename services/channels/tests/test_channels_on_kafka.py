"""Channels on a real Kafka, between scripted crm, ivr and acd: calls, chats, restarts, two replicas."""

import asyncio
import contextlib
import itertools
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from published import ledgers, read_topic
from trunkline.acd.v1 import acd_events_pb2, acd_service_pb2
from trunkline.common.v1 import common_types_pb2 as common
from trunkline.contact.v1 import contact_commands_pb2, contact_service_pb2, contact_service_pb2_grpc, contact_types_pb2
from trunkline.customer.v1 import customer_events_pb2, customer_service_pb2
from trunkline.directory.v1 import directory_events_pb2
from trunkline.directory.v1 import directory_types_pb2 as directory
from trunkline.ivr.v1 import ivr_events_pb2, ivr_service_pb2
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline.topics import TOPICS
from trunkline_channels.application.steps import ChannelsLedger
from trunkline_channels.bootstrap import bootstrap
from trunkline_channels.settings import ChannelsSettings
from trunkline_core.errors import Rejection, Transient
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.ports import free_port
from trunkline_ledger.core.records import MARKER_TYPE
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_platform.command_streams import CommandStreamServer
from trunkline_platform.commands import CommandClient, new_command_id
from trunkline_platform.credentials import Credentials, Forbidden, Principal, Role, service_principal
from trunkline_platform.grpc_client import Channels, Method, token_metadata
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.lifecycle import Process, running
from trunkline_platform.peers import PeerClient
from trunkline_platform.sealing import Sealer
from trunkline_platform.webhooks import signed
from waiting import PATIENCE_S, until
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SECRET = "not secret, but at least 32 bytes long"
TENANT = "tn_demo"
GATEWAY = Principal(TENANT, "gateway:gw_1", frozenset({Role.GATEWAY}))
AGENT = Principal(TENANT, "agent:ag_li", frozenset({Role.AGENT}))
SESSION = contact_service_pb2.DESCRIPTOR.services_by_name["ContactSessionService"].methods_by_name["Session"]
COMMANDS = contact_service_pb2.DESCRIPTOR.services_by_name["ContactCommandService"]
State = contact_types_pb2.ContactState
Request = contact_service_pb2.SessionRequest
AREAS = {
    "acd.events.v1": acd_events_pb2.AcdEvent,
    "ivr.events.v1": ivr_events_pb2.IvrEvent,
    "customer.events.v1": customer_events_pb2.CustomerEvent,
    "directory.events.v1": directory_events_pb2.DirectoryEvent,
}


class Scribe:
    """Writes other services' ledgers, as their owners would."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap_servers, acks="all")
        self._number = itertools.count(1)

    async def start(self) -> None:
        await ensure_topics(self._bootstrap_servers, [TOPICS[name] for name in AREAS])
        await self._producer.start()
        for topic, partition in itertools.product(AREAS, range(4)):
            marker = Marker(epoch=1, boot_id="scribe", instance_id="scribe").SerializeToString()
            await self._producer.send_and_wait(
                topic,
                marker,
                key=b"*",
                partition=partition,
                headers=[("tl-epoch", b"1"), ("tl-type", MARKER_TYPE.encode())],
            )

    async def stop(self) -> None:
        await self._producer.stop()

    async def write(self, topic: str, key: str, field: str, happened: Any) -> None:
        metadata = common.EventMetadata(
            event_id=f"ev_{next(self._number)}", tenant_id=TENANT, stream_id=key, correlation_id=key, writer_epoch=1
        )
        event = AREAS[topic](metadata=metadata, **{field: happened})
        headers = [("tl-epoch", b"1"), ("tl-type", happened.DESCRIPTOR.full_name.encode())]
        partition = (murmur2(key.encode()) & 0x7FFFFFFF) % 4
        await self._producer.send_and_wait(
            topic, event.SerializeToString(), key=key.encode(), partition=partition, headers=headers
        )


class Centre:
    """crm, ivr and acd, as far as one contact needs them."""

    def __init__(self, scribe: Scribe) -> None:
        self.asked: defaultdict[str, list[str]] = defaultdict(list)  # kinds of commands by contact
        self.refuse: dict[str, str] = {}
        self.is_away: set[str] = set()
        self._scribe = scribe
        self._server = GrpcServer(Credentials(SECRET.encode()), "127.0.0.1", 0)
        for module, name, respond in (
            (customer_service_pb2, "Customer", self._crm),
            (ivr_service_pb2, "Ivr", self._ivr),
            (acd_service_pb2, "Acd", self._acd),
        ):
            self._server.add(self._handler(module.DESCRIPTOR.services_by_name[f"{name}CommandService"], respond))

    @property
    def address(self) -> str:
        return self._server.address

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop()

    def _handler(self, service: Any, respond: Callable[..., Any]) -> Any:
        response = Method(service.methods_by_name["Execute"]).response
        method = Method(service.methods_by_name["ExecuteStream"])

        async def execute(request: Any, principal: Principal, timeout_s: float) -> Any:
            kind = request.command.WhichOneof("command")
            command = getattr(request.command, kind)
            if kind in self.is_away:
                raise Transient("away")
            self.asked[command.contact_id].append(kind)
            if kind in self.refuse:
                raise Rejection(self.refuse[kind])
            return response(events=await respond(kind, command) or [])

        rpc = grpc.stream_stream_rpc_method_handler(
            CommandStreamServer(method, execute, Credentials(SECRET.encode())).serve,
            request_deserializer=method.request.FromString,
            response_serializer=method.response.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(method.service, {method.name: rpc})

    async def _crm(self, kind: str, command: Any) -> list[Any]:
        resolved = customer_events_pb2.ContactResolved(
            customer_id="cu_1", contact_id=command.contact_id, step_no=command.step_no
        )
        return [customer_events_pb2.CustomerEvent(contact_resolved=resolved)]

    async def _ivr(self, kind: str, command: Any) -> None:
        contact_id = command.contact_id
        if kind == "start_session":
            options = [
                directory.MenuOption(
                    option_id="person",
                    label=directory.LocalizedText(zh="人工", en="A person"),
                    digit="0",
                    keywords=["agent"],
                )
            ]
            prompt = directory.LocalizedText(zh="请选择", en="Choose")
            awaited = ivr_events_pb2.InputAwaited(
                contact_id=contact_id, node_id="menu", visit_no=1, prompt=prompt, options=options
            )
            await self._scribe.write("ivr.events.v1", contact_id, "input_awaited", awaited)
        elif kind == "advance_session":
            text = directory.LocalizedText(zh="请稍候", en="One moment")
            wish = ivr_events_pb2.PersonRequested(contact_id=contact_id, queue_id="qu_sales", text=text)
            await self._scribe.write("ivr.events.v1", contact_id, "person_requested", wish)
        else:
            ended = ivr_events_pb2.SessionEnded(contact_id=contact_id, step_no=command.step_no)
            await self._scribe.write("ivr.events.v1", contact_id, "session_ended", ended)

    async def _acd(self, kind: str, command: Any) -> None:
        contact_id, step_no = command.contact_id, command.step_no
        if kind == "enqueue_contact":
            await self._say(
                "contact_enqueued",
                acd_events_pb2.ContactEnqueued(
                    contact_id=contact_id, step_no=step_no, queue_id="qu_sales", segment_no=1
                ),
            )
            offered = acd_events_pb2.ContactOffered(
                contact_id=contact_id, queue_id="qu_sales", segment_no=1, offer_no=1, agent_id="ag_li"
            )
            await self._say("contact_offered", offered)
        elif kind == "report_connected":
            await self._say(
                "contact_connected",
                acd_events_pb2.ContactConnected(
                    contact_id=contact_id, step_no=step_no, segment_no=1, offer_no=1, agent_id="ag_li"
                ),
            )
        elif kind == "end_contact":
            await self._say(
                "contact_forgotten",
                acd_events_pb2.ContactForgotten(contact_id=contact_id, step_no=step_no, reason=command.reason),
            )

    async def accept(self, contact_id: str) -> None:
        """The agent takes the offer."""
        accepted = acd_events_pb2.OfferAccepted(contact_id=contact_id, segment_no=1, offer_no=1, agent_id="ag_li")
        await self._say("offer_accepted", accepted)

    async def _say(self, field: str, happened: Any) -> None:
        await self._scribe.write("acd.events.v1", "rd_demo", field, happened)


class Gateway:
    """A telephony gateway: keeps the newest view of each contact."""

    def __init__(self, addresses: list[str], channels: Channels, peer_id: str = "gw:1", principal: Principal = GATEWAY):
        self.views: dict[str, Any] = {}
        self.answers: dict[str, Any] = {}
        self.hello = contact_service_pb2.PeerHello(peer_id=peer_id)
        self.client = PeerClient(
            SESSION,
            addresses,
            Credentials(SECRET.encode()),
            principal,
            channels,
            greeting=lambda: [Request(hello=self.hello)],
            heartbeat=lambda: Request(heartbeat=contact_service_pb2.PeerHeartbeat()),
            on_push=self._on_push,
        )

    def _on_push(self, push: Any) -> None:
        kind = push.WhichOneof("response")
        if kind == "contact":
            known = self.views.get(push.contact.contact_id)
            if known is None or push.contact.version >= known.version:
                self.views[push.contact.contact_id] = push.contact
        else:
            self.answers[getattr(push, kind).command_id] = getattr(push, kind)

    async def ask(self, command_id: str = "", **request: Any) -> Any:
        """Send a request and wait for its answer; while nobody owns the contact's partition, send it again."""
        command_id = command_id or new_command_id()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            self.answers.pop(command_id, None)
            await until(lambda: self.client.live)
            self.client.send(Request(command_id=command_id, **request))
            answer = await until(lambda: self.answers.get(command_id))
            if getattr(answer, "code", 0) != grpc.StatusCode.UNAVAILABLE.value[0] or time.monotonic() > deadline:
                return answer
            await asyncio.sleep(0.2)

    async def seen(self, contact_id: str, state: int) -> Any:
        """Wait for a view in that state."""
        return await until(lambda: (view := self.views.get(contact_id)) is not None and view.state == state and view)

    async def call(self, address: str = "+861234", command_id: str = "", locale: str = "en") -> Any:
        """A customer calls."""
        start = contact_service_pb2.StartContact(
            entry_point_id="ep_voice", address=address, attributes={"plan": "gold"}, locale=locale
        )
        return await self.ask(command_id, start_contact=start)


@pytest.fixture(scope="module")
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker of our own: scripted services write ledgers that the real ones could not fold."""
    node = KafkaNode.start(tmp_path_factory.mktemp("channels-kafka"))
    yield node
    node.kill()


class World:
    """One test's services, around channels."""

    def __init__(self, kafka: KafkaNode, folder: Path) -> None:
        self.kafka = kafka
        self.folder = folder
        self.scribe = Scribe(kafka.bootstrap)
        self.centre = Centre(self.scribe)
        self.channels = Channels()
        self.credentials = Credentials(SECRET.encode())
        self.tasks: list[asyncio.Task[None]] = []

    def settings(self, number: int = 1, ports: tuple[int, int] = (0, 0), **more: Any) -> ChannelsSettings:
        return ChannelsSettings(
            kafka_bootstrap=self.kafka.bootstrap,
            secret=SECRET,
            keystore=str(self.folder / "keys.sqlite"),
            instance_id=str(number),
            session_timeout_s=1.0,
            grpc_port=ports[0],
            http_port=ports[1],
            crm_addresses=self.centre.address,
            ivr_addresses=self.centre.address,
            acd_addresses=self.centre.address,
            widget_origins="https://shop.example",
            **more,
        )

    @contextlib.asynccontextmanager
    async def replica(self, settings: ChannelsSettings) -> AsyncIterator[ChannelsLedger]:
        ledgers: list[ChannelsLedger] = []

        async def start(process: Process) -> None:
            ledgers.append(await bootstrap(process, settings))

        async with running("channels", start):
            yield ledgers[0]

    async def gateway(self, *addresses: str, **more: Any) -> Gateway:
        gateway = Gateway(list(addresses), self.channels, **more)
        self.tasks.append(asyncio.create_task(gateway.client.run()))
        return gateway

    async def define(self) -> None:
        for entry_point_id, channel in (("ep_voice", common.CHANNEL_VOICE), ("ep_chat", common.CHANNEL_CHAT)):
            definition = directory.EntryPointDefinition(
                entry_point_id=entry_point_id, name="x", channel=channel, flow_id="fl_menu"
            )
            defined = directory_events_pb2.EntryPointDefined(entry_point=definition)
            await self.scribe.write("directory.events.v1", TENANT, "entry_point_defined", defined)


@pytest.fixture
async def world(own_kafka: KafkaNode, tmp_path: Path) -> AsyncIterator[World]:
    world = World(own_kafka, tmp_path)
    await world.scribe.start()
    await world.centre.start()
    await world.define()
    yield world
    for task in world.tasks:
        task.cancel()
    await asyncio.gather(*world.tasks, return_exceptions=True)
    await world.channels.close()
    await world.centre.stop()
    await world.scribe.stop()


async def called(gateway: Gateway) -> str:
    """Wait until channels knows the entry points, and call."""
    async with asyncio.timeout(30):
        while True:
            answer = await gateway.call()
            if answer.DESCRIPTOR.name == "RequestDone":
                return str(answer.contact_id)
            assert answer.reason in ("entry_point", "Transient", "NotOwner"), answer
            await asyncio.sleep(0.2)


async def test_a_call_from_ring_to_wrap_up_and_after_a_restart(world: World) -> None:
    grpc_port, http_port = free_port(), free_port()
    address = f"127.0.0.1:{grpc_port}"
    settings = world.settings(ports=(grpc_port, http_port))
    gateway = await world.gateway(address)
    async with world.replica(settings):
        contact_id = await called(gateway)
        view = await gateway.seen(contact_id, State.CONTACT_STATE_SELF_SERVICE)
        assert (view.prompt.node_id, view.customer_id) == ("menu", "cu_1")
        pressed = contact_service_pb2.CustomerInput(contact_id=contact_id, text="0")
        assert (await gateway.ask(customer_input=pressed)).contact_id == contact_id
        await gateway.seen(contact_id, State.CONTACT_STATE_OFFERED)
        await world.centre.accept(contact_id)
        view = await gateway.seen(contact_id, State.CONTACT_STATE_CONNECTING)
        joined = contact_service_pb2.LegConnected(
            contact_id=contact_id, segment_no=view.segment_no, offer_no=view.offer_no
        )
        await gateway.ask(leg_connected=joined)
        assert (await gateway.seen(contact_id, State.CONTACT_STATE_CONNECTED)).agent_id == "ag_li"

        await write_as_agent(world, address, contact_id, "Hello from the desk")

    async with world.replica(settings):
        view = await read(world, address, contact_id)
        assert view.state == State.CONTACT_STATE_CONNECTED
        assert [message.text for message in view.messages] == ["One moment", "Hello from the desk"]
        left = contact_service_pb2.CustomerLeft(contact_id=contact_id)
        await gateway.ask(customer_left=left)
        view = await gateway.seen(contact_id, State.CONTACT_STATE_CLOSED)
        assert view.close_reason == contact_types_pb2.CLOSE_REASON_CUSTOMER_LEFT
        await until(lambda: "end_session" in world.centre.asked[contact_id])
        refused = await gateway.ask(customer_left=left)
        assert refused.reason == "ContactClosed"
    assert world.centre.asked[contact_id] == [
        "resolve_customer",
        "start_session",
        "advance_session",
        "enqueue_contact",
        "report_connected",
        "end_contact",
        "end_session",
    ]


async def write_as_agent(world: World, address: str, contact_id: str, text: str) -> None:
    """As console does: seal, then send the command as the agent."""
    keys = SqliteKeyStore(world.folder / "keys.sqlite", KeyWrap(SECRET.encode()))
    sealed = await Sealer(keys, SECRET.encode()).seal("cu_1", TENANT, text)
    await keys.close()
    body = common.Sealed(key_id=sealed.key_id, nonce=sealed.nonce, ciphertext=sealed.ciphertext)
    command = contact_commands_pb2.ContactCommand(
        add_message=contact_commands_pb2.AddMessage(
            contact_id=contact_id, author=contact_types_pb2.AUTHOR_AGENT, body=body, agent_id="ag_li"
        )
    )
    client = CommandClient(COMMANDS, [address], world.credentials, world.channels)
    assert [event.WhichOneof("event") for event in await client.execute(command, AGENT)] == ["message_added"]
    other = Principal(TENANT, "agent:ag_wu", frozenset({Role.AGENT}))
    with pytest.raises(Forbidden, match="only for itself"):
        await client.execute(command, other)


async def read(world: World, address: str, contact_id: str) -> Any:
    stub = contact_service_pb2_grpc.ContactReadServiceStub(world.channels.to(address))
    metadata = token_metadata(world.credentials, service_principal("console", TENANT))
    answer = await stub.GetContact(
        contact_service_pb2.GetContactRequest(contact_id=contact_id), metadata=metadata, timeout=5
    )
    return answer.contact


async def test_a_repeated_command_gets_its_first_answer_and_another_payload_a_conflict(world: World) -> None:
    grpc_port, http_port = free_port(), free_port()
    gateway = await world.gateway(f"127.0.0.1:{grpc_port}", peer_id="gw:2")
    async with world.replica(world.settings(ports=(grpc_port, http_port))):
        await called(gateway)
        command_id = new_command_id()
        first = await gateway.call("+8677", command_id)
        assert await gateway.call("+8677", command_id) == first
        conflict = await gateway.call("+8677", command_id, "zh")
        assert conflict.code == grpc.StatusCode.ABORTED.value[0]
        old = await gateway.call("+8699", new_command_id(1_700_000_000.0))
        assert old.reason == "CommandExpired"
        unknown = contact_service_pb2.StartContact(entry_point_id="ep_none", address="+861", locale="en")
        assert (await gateway.ask(start_contact=unknown)).reason == "entry_point"
        long = contact_service_pb2.CustomerInput(contact_id=first.contact_id, text="x" * 40_000)
        assert (await gateway.ask(customer_input=long)).reason == "text"


async def test_a_service_that_is_away_only_delays_the_contact_and_a_late_customer_is_still_named(world: World) -> None:
    grpc_port, http_port = free_port(), free_port()
    gateway = await world.gateway(f"127.0.0.1:{grpc_port}", peer_id="gw:3")
    world.centre.is_away |= {"resolve_customer", "start_session"}
    async with world.replica(world.settings(ports=(grpc_port, http_port))):
        contact_id = await called(gateway)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{http_port}") as client, asyncio.timeout(20):
            while (await figures(client))["step_retries_total"] == 0:
                await asyncio.sleep(0.05)
            assert (await figures(client))["contacts"] > 0
        world.centre.is_away.clear()
        view = await gateway.seen(contact_id, State.CONTACT_STATE_SELF_SERVICE)
        assert view.customer_id == ""
        resolved = customer_events_pb2.ContactResolved(customer_id="cu_late", contact_id=contact_id, step_no=1)
        await world.scribe.write("customer.events.v1", contact_id, "contact_resolved", resolved)
        await until(lambda: gateway.views[contact_id].customer_id == "cu_late")
        assert gateway.views[contact_id].state == State.CONTACT_STATE_SELF_SERVICE


async def figures(client: httpx.AsyncClient) -> dict[str, float]:
    prefix = "trunkline_channels_"
    lines = (await client.get("/metrics")).text.splitlines()
    return {
        name: float(value)
        for name, value in (line.removeprefix(prefix).split(" ") for line in lines if line.startswith(prefix))
    }


async def test_a_refused_queue_closes_the_contact_and_says_so(world: World) -> None:
    grpc_port, http_port = free_port(), free_port()
    gateway = await world.gateway(f"127.0.0.1:{grpc_port}", peer_id="gw:4")
    world.centre.refuse["enqueue_contact"] = "QueueFull"
    async with world.replica(world.settings(ports=(grpc_port, http_port))):
        contact_id = await called(gateway)
        await gateway.seen(contact_id, State.CONTACT_STATE_SELF_SERVICE)
        await gateway.ask(customer_input=contact_service_pb2.CustomerInput(contact_id=contact_id, text="agent"))
        view = await gateway.seen(contact_id, State.CONTACT_STATE_CLOSED)
        assert view.close_reason == contact_types_pb2.CLOSE_REASON_REFUSED


class ChatPage:
    """A browser with the widget."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.frames: list[dict[str, Any]] = []
        self.messages: dict[int, str] = {}
        self.state: dict[str, Any] = {}
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in self.socket:
                frame = json.loads(text)
                self.frames.append(frame)
                if frame["type"] == "contact":
                    self.state = frame
                    self.messages |= {message["no"]: message["text"] for message in frame["messages"]}

    async def ask(self, **frame: Any) -> dict[str, Any]:
        command_id = new_command_id()
        await self.socket.send(json.dumps(frame | {"command_id": command_id}))
        found = await until(lambda: next((one for one in self.frames if one.get("command_id") == command_id), None))
        return dict(found)

    async def seen(self, state: str) -> dict[str, Any]:
        await until(lambda: self.state.get("state") == state)
        return self.state


async def open_chat(
    client: httpx.AsyncClient, url: str, origin: str = "https://shop.example", **more: Any
) -> httpx.Response:
    body = {"entry_point_id": "ep_chat", "locale": "en", "command_id": new_command_id()} | more
    return await client.post(f"{url}/chat/v1/sessions", json=body, headers={"origin": origin})


@contextlib.asynccontextmanager
async def chat_page(url: str, token: str) -> AsyncIterator[ChatPage]:
    address = url.replace("http", "ws") + "/chat/v1/ws"
    async with connect(address, origin="https://shop.example") as socket:  # type: ignore[arg-type]
        await socket.send(json.dumps({"type": "hello", "token": token}))
        yield ChatPage(socket)


async def opened_chat(client: httpx.AsyncClient, url: str) -> dict[str, str]:
    async with asyncio.timeout(30):
        while (answer := await open_chat(client, url)).status_code in (404, 503):
            await asyncio.sleep(0.2)
    assert answer.status_code == 200, answer.text
    assert answer.headers["access-control-allow-origin"] == "https://shop.example"
    return dict(answer.json())


async def test_a_chat_from_page_to_agent_survives_a_reload(world: World) -> None:
    grpc_port, http_port = free_port(), free_port()
    url = f"http://127.0.0.1:{http_port}"
    async with world.replica(world.settings(ports=(grpc_port, http_port))), httpx.AsyncClient() as client:
        session = await opened_chat(client, url)
        contact_id = session["contact_id"]
        async with chat_page(url, session["token"]) as page:
            frame = await page.seen("SELF_SERVICE")
            assert frame["prompt"]["options"] == [{"option_id": "person", "label": {"zh": "人工", "en": "A person"}}]
            assert (await page.ask(type="input", node_id="menu", text="x" * 32_500))["reason"] == "text"
            assert (await page.ask(type="input", node_id="menu", option_id="person"))["type"] == "done"
            await page.seen("OFFERED")
            assert (await page.ask(type="message", text="Are you there?"))["type"] == "done"
            await world.centre.accept(contact_id)
            await page.seen("CONNECTED")
            await write_as_agent(world, f"127.0.0.1:{grpc_port}", contact_id, "Yes")
            await until(lambda: len(page.messages) == 3)
        async with chat_page(url, session["token"]) as page:
            await until(lambda: page.messages == {1: "One moment", 2: "Are you there?", 3: "Yes"})
            again = await open_chat(client, url, token=session["token"], visitor=session["visitor"])
            assert again.json() == session
            answers = [await page.ask(type="message", text=str(number)) for number in range(22)]
            assert [answer["type"] for answer in answers].count("refused") > 0
            assert (await page.ask(type="leave"))["type"] == "done"
            assert (await page.seen("CLOSED"))["close_reason"] == "CUSTOMER_LEFT"
            assert (await page.ask(type="leave"))["reason"] == "ContactClosed"
        fresh = await open_chat(client, url, token=session["token"], visitor=session["visitor"])
        assert fresh.json()["contact_id"] != contact_id
        assert fresh.json()["contact_id"].split("_")[1] == contact_id.split("_")[1], "the same visitor, one partition"


async def test_pages_of_one_conversation_are_bounded_by_codes_that_the_widget_knows(world: World) -> None:
    grpc_port, http_port = free_port(), free_port()
    url = f"http://127.0.0.1:{http_port}"
    async with (
        world.replica(world.settings(ports=(grpc_port, http_port))),
        httpx.AsyncClient() as client,
        contextlib.AsyncExitStack() as stack,
    ):
        token = (await opened_chat(client, url))["token"]
        pages = [await stack.enter_async_context(chat_page(url, token)) for _ in range(4)]
        for page in pages:
            await page.seen("SELF_SERVICE")
        newest = await stack.enter_async_context(chat_page(url, token))
        await asyncio.wait_for(pages[0].socket.wait_closed(), 20)
        assert pages[0].socket.close_code == 4409
        assert (await newest.ask(type="input", node_id="menu", option_id="person"))["type"] == "done"
        for page in (*pages[1:], newest):
            await page.seen("OFFERED")
        codes = []
        for _ in range(16):
            async with chat_page(url, token) as page:
                await until(lambda page=page: page.state or page.socket.close_code)
                codes.append(page.socket.close_code)
        assert codes == [None] * 15 + [4429]


async def test_a_service_only_watches(world: World) -> None:
    grpc_port, http_port = free_port(), free_port()
    console = service_principal("console", TENANT)
    watcher = await world.gateway(f"127.0.0.1:{grpc_port}", peer_id="console:1", principal=console)
    async with world.replica(world.settings(ports=(grpc_port, http_port))):
        assert (await watcher.call()).code == grpc.StatusCode.PERMISSION_DENIED.value[0]


async def test_a_gateway_that_comes_back_is_told_what_moved_and_what_is_over(world: World) -> None:
    grpc_port, http_port = free_port(), free_port()
    address = f"127.0.0.1:{grpc_port}"
    dropped = "ct_0123456789abcdef_dropped"
    async with world.replica(world.settings(ports=(grpc_port, http_port))):
        before = await world.gateway(address, peer_id="gw:5")
        first, second = await called(before), (await before.call("+865678")).contact_id
        same = await before.seen(first, State.CONTACT_STATE_SELF_SERVICE)
        await before.seen(second, State.CONTACT_STATE_SELF_SERVICE)
        held = [
            contact_service_pb2.HeldContact(contact_id=contact_id, version=version)
            for contact_id, version in ((first, same.version), (second, 1), (dropped, 7))
        ]
        again = Gateway([address], world.channels, peer_id="gw:5")
        again.hello = contact_service_pb2.PeerHello(
            peer_id="gw:5", boot_id="2", held=contact_service_pb2.HeldContacts(contacts=held)
        )
        world.tasks.append(asyncio.create_task(again.client.run()))
        assert (await again.seen(dropped, State.CONTACT_STATE_CLOSED)).version == 8
        await again.seen(second, State.CONTACT_STATE_SELF_SERVICE)
        assert first not in again.views, "it has that version"


async def test_a_gateway_that_goes_by_the_peer_id_of_another_one_is_told_nothing_of_its_calls(world: World) -> None:
    """The other one is gone for a minute, or from this replica: its callers' numbers and words are not for this one."""
    ports = (free_port(), free_port())
    address = f"127.0.0.1:{ports[0]}"
    other = Principal(TENANT, "gateway:other", frozenset({Role.GATEWAY}))
    async with world.replica(world.settings(ports=ports)):
        first = await world.gateway(address, peer_id="gw:5")
        contact_id = await called(first)
        await first.seen(contact_id, State.CONTACT_STATE_SELF_SERVICE)
        world.tasks[-1].cancel()
    async with world.replica(world.settings(ports=ports)):
        second = await world.gateway(address, peer_id="gw:5", principal=other)
        own = (await second.call("+865678")).contact_id
        await second.seen(own, State.CONTACT_STATE_SELF_SERVICE)
        assert contact_id not in second.views


async def test_bad_chat_openings_are_named(world: World) -> None:
    grpc_port, http_port = free_port(), free_port()
    url = f"http://127.0.0.1:{http_port}"
    async with world.replica(world.settings(ports=(grpc_port, http_port))), httpx.AsyncClient() as client:
        await opened_chat(client, url)
        assert (await open_chat(client, url, origin="https://evil.example")).status_code == 403
        assert (await open_chat(client, url, entry_point_id="ep_none")).status_code == 404
        assert (await open_chat(client, url, entry_point_id="ep_voice")).status_code == 404
        missing = await client.post(f"{url}/chat/v1/sessions", json={}, headers={"origin": "https://shop.example"})
        assert missing.json()["field"] == "entry_point_id"
        bad_id = await open_chat(client, url, command_id="not a uuid")
        assert (bad_id.status_code, bad_id.json()["field"]) == (422, "command_id")
        preflight = await client.options(f"{url}/chat/v1/sessions", headers={"origin": "https://shop.example"})
        assert preflight.headers["access-control-allow-methods"] == "POST"
        async with chat_page(url, "forged.token") as page:
            await page.socket.wait_closed()
            assert page.socket.close_code == 4401


async def test_two_replicas_serve_pages_of_each_others_contacts_and_take_over(world: World) -> None:
    ports = [free_port() for _ in range(4)]
    addresses = f"127.0.0.1:{ports[0]},127.0.0.1:{ports[2]}"
    first = world.settings(1, (ports[0], ports[1]), replicas=addresses)
    second = world.settings(2, (ports[2], ports[3]), replicas=addresses)
    urls = [f"http://127.0.0.1:{ports[1]}", f"http://127.0.0.1:{ports[3]}"]
    async with httpx.AsyncClient() as client, contextlib.AsyncExitStack() as stack:
        left = await stack.enter_async_context(world.replica(first))
        await opened_chat(client, urls[0])
        async with world.replica(second) as right:
            await until(lambda: left.owned and right.owned and len(left.owned | right.owned) == 4)
            sessions = [await opened_chat(client, urls[0])]
            while not any(right.owns(partition_of(left, one)) for one in sessions):
                sessions.append(await opened_chat(client, urls[0]))
            pages = [await stack.enter_async_context(chat_page(urls[0], one["token"])) for one in sessions]
            for page in pages:
                await page.seen("SELF_SERVICE")
            other = await stack.enter_async_context(chat_page(urls[1], sessions[-1]["token"]))
            await other.seen("SELF_SERVICE")
            assert (await other.ask(type="message", text="Hello?"))["type"] == "done"
            await until(lambda: "Hello?" in pages[-1].messages.values())
        for page in pages:  # the second replica is gone: its partitions come to the first
            answer = await page.ask(type="input", node_id="menu", option_id="person")
            while answer["type"] == "refused" and answer["retry_after_s"] is not None:
                await asyncio.sleep(0.1)
                answer = await page.ask(type="input", node_id="menu", option_id="person")
            await page.seen("OFFERED")


def partition_of(ledger: ChannelsLedger, session: dict[str, str]) -> int:
    return ledger.partition_of(session["contact_id"].split("_")[1])


async def test_a_lost_gateway_loses_its_calls_and_no_chats(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trunkline_platform.peers.SILENCE_S", 1.0)
    grpc_port, http_port = free_port(), free_port()
    url = f"http://127.0.0.1:{http_port}"
    gateway = await world.gateway(f"127.0.0.1:{grpc_port}", peer_id="gw:lost")
    service = service_principal("console", TENANT)
    watcher = await world.gateway(f"127.0.0.1:{grpc_port}", peer_id="console:1", principal=service)
    stranger = await world.gateway(f"127.0.0.1:{grpc_port}", peer_id="gw:other")
    async with (
        world.replica(world.settings(ports=(grpc_port, http_port))),
        httpx.AsyncClient() as client,
    ):
        contact_id = await called(gateway)
        await gateway.seen(contact_id, State.CONTACT_STATE_SELF_SERVICE)
        watched = contact_service_pb2.WatchContacts(contact_ids=[contact_id])
        watcher.client.send(Request(watch_contacts=watched))
        await watcher.seen(contact_id, State.CONTACT_STATE_SELF_SERVICE)
        assert (await stranger.ask(watch_contacts=watched)).reason == "Forbidden"
        assert contact_id not in stranger.views
        other = Principal(TENANT, "gateway:gw_2", frozenset({Role.GATEWAY}))
        thief = await world.gateway(f"127.0.0.1:{grpc_port}", peer_id="gw:lost", principal=other)
        session = await opened_chat(client, url)
        world.tasks.pop(0).cancel()  # the gateway dies without a word
        view = await watcher.seen(contact_id, State.CONTACT_STATE_CLOSED)
        assert view.close_reason == contact_types_pb2.CLOSE_REASON_PEER_LOST
        assert not thief.views, "a peer id is its first actor's: nobody else hears of its calls or keeps them alive"
        async with chat_page(url, session["token"]) as page:
            await page.seen("SELF_SERVICE")


# -- web hooks ----------------------------------------------------------------------------------------------------

HOOK_SECRETS = {"now": "n" * 32, "next": "x" * 32}
HOOK_PATH = f"/hooks/v1/{TENANT}/hk_shop"


class Sender:
    """An outside system that brings messages to replicas of channels."""

    def __init__(self, client: httpx.AsyncClient, *urls: str) -> None:
        self._client = client
        self._urls = itertools.cycle(urls)

    async def post(
        self, body: bytes | AsyncIterator[bytes], headers: dict[str, str], path: str = HOOK_PATH
    ) -> httpx.Response:
        return await self._client.post(next(self._urls) + path, content=body, headers=headers, timeout=60)

    async def deliver(self, secret: str = "now", path: str = HOOK_PATH, **content: Any) -> httpx.Response:
        """Sign and post; anything that is given replaces what a good sender says."""
        body = json.dumps(
            {"delivery_id": new_command_id(), "conversation_id": "+86 138", "text": "x"} | content
        ).encode()
        return await self.post(body, signed([HOOK_SECRETS[secret].encode()], int(time.time()), body), path)

    async def until_known(self) -> None:
        """Wait until every replica knows the hook on every partition; a refused text changes nothing."""
        customers = [f"+86 {number}" for number in range(80)]  # some of each partition at each replica
        async with asyncio.timeout(60):
            while {(await self.deliver(text="", conversation_id=each)).status_code for each in customers} != {422}:
                await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def hooked(world: World, replicas: int = 1) -> AsyncIterator[Sender]:
    """Replicas with a hook, and who sends to them in turn."""
    secrets = ",".join(f"{TENANT}/{name}={secret}" for name, secret in HOOK_SECRETS.items())
    ports = [(free_port(), free_port()) for _ in range(replicas)]
    hook = directory.HookDefinition(hook_id="hk_shop", entry_point_id="ep_chat", secret_names=HOOK_SECRETS)
    defined = directory_events_pb2.HookDefined(hook=hook)
    await world.scribe.write("directory.events.v1", TENANT, "hook_defined", defined)
    async with contextlib.AsyncExitStack() as stack:
        for number, (grpc_port, http_port) in enumerate(ports, 1):
            settings = world.settings(number, ports=(grpc_port, http_port), webhook_secrets=secrets)
            await stack.enter_async_context(world.replica(settings))
        client = await stack.enter_async_context(httpx.AsyncClient(limits=httpx.Limits(max_connections=100)))
        sender = Sender(client, *(f"http://127.0.0.1:{http_port}" for _, http_port in ports))
        await sender.until_known()
        yield sender


async def test_a_delivery_that_comes_fifty_times_at_once_is_one_message_and_gets_fifty_equal_answers(
    world: World,
) -> None:
    customer = f"+86 {new_command_id()}"
    async with hooked(world, replicas=2) as sender:
        content = {"delivery_id": new_command_id(), "conversation_id": customer, "text": "Where is it?", "name": "Li"}
        secrets = itertools.cycle(HOOK_SECRETS)  # while a secret is changed both are good
        answers = await asyncio.gather(*(sender.deliver(next(secrets), **content) for _ in range(50)))
        assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
        contact_id = answers[0].json()["contact_id"]
        assert (await sender.deliver(conversation_id=customer, text="Hello?")).json() == {"contact_id": contact_id}
        assert (await sender.deliver(**content)).json() == {"contact_id": contact_id}
        changed = await sender.deliver(**content | {"text": "Where are they?"})
        assert (changed.status_code, changed.json()["title"]) == (409, "Conflict")
    log = await ledgers(world.kafka.bootstrap, "contact")
    token = contact_id.split("_")[1]
    told = [each.name for each in log.events if token in each.metadata.stream_id]
    assert (told.count("ContactOpened"), told.count("TextGathered")) == (1, 1)
    assert told.count("MessageAdded") + told.count("InputGiven") == 2  # the flow may have asked meanwhile
    records = b"".join(each.value for each in await read_topic(world.kafka.bootstrap, "contact.events.v1"))
    assert b"Where is it?" not in records and customer.encode() not in records


async def test_messages_of_a_hook_reach_the_agent_and_answer_the_flow(world: World) -> None:
    customer = f"+86 {new_command_id()}"
    async with hooked(world) as sender:
        contact_id = (await sender.deliver(conversation_id=customer, text="Hello")).json()["contact_id"]
        await until(lambda: "start_session" in world.centre.asked[contact_id])
        async with asyncio.timeout(30):
            while "advance_session" not in world.centre.asked[contact_id]:
                await sender.deliver(conversation_id=customer, text="an agent, please")
                await asyncio.sleep(0.1)
        await until(lambda: "enqueue_contact" in world.centre.asked[contact_id])
        await world.centre.accept(contact_id)
        await until(lambda: "report_connected" in world.centre.asked[contact_id])


async def test_bad_deliveries_are_refused_by_name_and_change_nothing(world: World) -> None:
    async with hooked(world) as sender:
        before = len((await ledgers(world.kafka.bootstrap, "contact")).events)
        body = json.dumps({"delivery_id": new_command_id(), "conversation_id": "c", "text": "x"}).encode()
        now, secret = int(time.time()), HOOK_SECRETS["now"].encode()
        good = signed([secret], now, body)
        assert await refusal(sender.post(body, {})) == (401, "Unauthenticated", "")
        assert await refusal(sender.post(body + b" ", good)) == (401, "Unauthenticated", "")
        assert await refusal(sender.post(body, signed([b"w" * 32], now, body))) == (401, "Unauthenticated", "")
        for stale in (now - 301, now + 360):  # the test may take a while itself
            assert await refusal(sender.post(body, signed([secret], stale, body))) == (401, "Unauthenticated", "")
        for path in ("/hooks/v1/tn_demo/hk_none", "/hooks/v1/tn_other/hk_shop"):
            assert await refusal(sender.deliver(path=path)) == (404, "NotFound", "")
        for wrong in (b"", b"not json", b"[]", b"\xff", b'{"text": "\\ud800"}', b"[" * 100_000):
            answer = await refusal(sender.post(wrong, signed([secret], now, wrong)))
            assert answer == (422, "Invalid", "body"), wrong[:20]
        for field, value in BAD_FIELDS:
            assert await refusal(sender.deliver(**{field: value})) == (422, "Invalid", field), value
        old = await sender.deliver(delivery_id=new_command_id(time.time() - 400))
        assert (old.status_code, old.json()["rule"]) == (409, "CommandExpired")
        huge = b"x" * (2**20 + 1)
        assert (await sender.post(huge, signed([secret], now, huge))).status_code == 413
        assert (await sender.post(in_parts(huge), signed([secret], now, huge))).status_code == 413
        assert len((await ledgers(world.kafka.bootstrap, "contact")).events) == before


BAD_FIELDS = [
    ("delivery_id", "not a uuid"), ("delivery_id", 5), ("delivery_id", "x" * 200),
    ("delivery_id", new_command_id(time.time() + 3_600)),
    ("conversation_id", ""), ("conversation_id", "x" * 201), ("conversation_id", "a\x00b"), ("conversation_id", None),
    ("text", ""), ("text", "  "), ("text", "a\x00b"), ("text", "x" * 32_000), ("text", ["x"]),
    ("name", "x" * 257), ("name", None), ("locale", "fr"),
]  # fmt: skip


async def in_parts(body: bytes) -> AsyncIterator[bytes]:
    """A body whose length is not announced."""
    for begin in range(0, len(body), 65_536):
        yield body[begin : begin + 65_536]


async def refusal(answer: Any) -> tuple[int, str, str]:
    """Return the status of the answer, the kind of its problem and the field that it names."""
    refused = await answer
    assert refused.headers["content-type"] == "application/problem+json", refused.text
    return refused.status_code, refused.json()["title"], refused.json().get("field", "")
