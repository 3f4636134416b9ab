"""Notices as they leave: ticketing in a process of its own on real Kafka, a real receiver, owners that are killed.

Ledger rule 14: at least once, always under the same key, and never because a ledger was read again.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from ledger_pens import LedgerPen
from published import ledgers
from service_processes import ServiceProcess
from trunkline.common.v1.common_types_pb2 import Sealed
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent
from trunkline.ticket.v1 import ticket_service_pb2
from trunkline.ticket.v1.ticket_commands_pb2 import ChangeTicketState, CreateTicket, TicketCommand
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.ports import free_port
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Credentials, Principal, Role
from trunkline_platform.grpc_client import Channels
from trunkline_platform.webhooks import verify
from waiting import until, until_told

SECRET = "a secret of this test, at least 32 bytes long"
HOOK_SECRETS = {"now": "n" * 32, "next": "x" * 32}
TENANT = "tn_a"
DIRECTORY = "directory.events.v1"
SEALED = Sealed(key_id="dk_1", nonce=b"0" * 12, ciphertext=b"1" * 17)
NOTICES = ("NoticeIntended", "NoticeDelayed", "NoticeDelivered", "NoticeFailed")


class Receiver:
    """An outside system. It keeps every request, and answers when `answers` lets it."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []  # of the next answers, then 200
        self.answers = asyncio.Event()
        self.answers.set()

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        await self.answers.wait()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    def of(self, ticket_id: str) -> list[dict[str, Any]]:
        """Return the notices of a ticket as they came, each signed with both secrets and under its key."""
        found = []
        for headers, body in self.requests:
            content = json.loads(body)
            for secret in HOOK_SECRETS.values():
                verify([secret.encode()], headers, body, time.time())
            assert headers["Idempotency-Key"] == content["notice_id"]
            found += [content] if content["ticket_id"] == ticket_id else []
        return found


class Ticketing(ServiceProcess):
    """The service in its process, and the directory's pen."""

    def __init__(self, folder: Path, kafka: KafkaNode, mongo_url: str, receiver_port: int) -> None:
        self.kafka = kafka.bootstrap
        self.pen = LedgerPen(kafka.bootstrap, TENANT)
        self.grpc_port = free_port()
        settings = {
            "TRUNKLINE_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "TRUNKLINE_MONGO_URL": mongo_url,
            "TRUNKLINE_MONGO_DATABASE": "notices",
            "TRUNKLINE_SECRET": SECRET,
            "TRUNKLINE_KEYSTORE": str(folder / "keys.sqlite"),
            "TRUNKLINE_SESSION_TIMEOUT_S": "2",
            "TRUNKLINE_TICKETING_GRPC_PORT": str(self.grpc_port),
            "TRUNKLINE_TICKETING_NOTICE_HOSTS": f"127.0.0.1:{receiver_port}",
            "TRUNKLINE_WEBHOOK_SECRETS": ",".join(f"{TENANT}/{name}={one}" for name, one in HOOK_SECRETS.items()),
        }
        super().__init__("ticketing", folder, settings)

    async def define_target(self, url: str, *, disabled: bool = False) -> None:
        """The directory publishes a target; it counts once ticketing took it over."""
        event = DirectoryEvent()
        target = event.notice_target_defined.notice_target
        target.target_id, target.url, target.disabled = "nt_1", url, disabled
        target.secret_names.extend(HOOK_SECRETS)
        await self.pen.write(DIRECTORY, 0, event)

        async def is_in_force() -> bool:
            return [each.target for each in await self.events("NoticeTargetPut")][-1:] == [target]

        await until_told(is_in_force)

    async def do(self, command: TicketCommand) -> list[Any]:
        channels = Channels()
        service = ticket_service_pb2.DESCRIPTOR.services_by_name["TicketCommandService"]
        client = CommandClient(service, [f"127.0.0.1:{self.grpc_port}"], Credentials(SECRET.encode()), channels)
        try:
            agent = Principal(TENANT, "agent:ag_1", frozenset({Role.AGENT}))
            return await client.execute(command, agent, timeout_s=30.0)
        finally:
            await channels.close()

    async def create(self) -> str:
        created = await self.do(TicketCommand(create_ticket=CreateTicket(subject=SEALED, contact_id="ct_1")))
        return str(created[0].ticket_created.ticket_id)

    async def events(self, *names: str) -> list[Any]:
        """Return the effective events of these names in ticketing's ledger."""
        return [each.event for each in (await ledgers(self.kafka, "ticket")).events if each.name in names]

    async def story(self, ticket_id: str) -> list[str]:
        """Return what the ledger says of a ticket's notices, in order."""
        notices = await self.events(*NOTICES)
        ids = {each.notice_id for each in notices if getattr(each, "ticket_id", "") == ticket_id}
        return [each.DESCRIPTOR.name for each in notices if each.notice_id in ids]


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaNode]:
    """A broker of this module alone: it writes in the name of the directory."""
    node = KafkaNode.start(tmp_path_factory.mktemp("kafka"))
    yield node
    node.kill()


@pytest.fixture(scope="module")
def receiver_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def ticketing(
    kafka: KafkaNode, mongo_url: str, receiver_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ticketing]:
    running = Ticketing(tmp_path_factory.mktemp("ticketing"), kafka, mongo_url, receiver_port)
    yield running
    running.kill()


@pytest.fixture
async def receiver(receiver_port: int) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/hooks", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", receiver_port).start()
    yield receiver
    receiver.answers.set()
    await runner.cleanup()


@pytest.fixture
async def told(ticketing: Ticketing, receiver_port: int) -> Ticketing:
    """Ticketing with one target, the receiver."""
    await ticketing.ready()
    await ticketing.define_target(f"http://127.0.0.1:{receiver_port}/hooks")
    return ticketing


async def test_a_ticket_that_is_created_and_moved_is_told_once_each_and_not_again_when_the_ledger_is_read_again(
    told: Ticketing, receiver: Receiver
) -> None:
    ticket_id = await told.create()
    await until_told(lambda: has_story(told, ticket_id, "NoticeIntended", "NoticeDelivered"))
    await told.do(TicketCommand(change_ticket_state=ChangeTicketState(ticket_id=ticket_id, state=3)))  # type: ignore[arg-type]
    await until_told(lambda: has_story(told, ticket_id, *["NoticeIntended", "NoticeDelivered"] * 2))
    told.kill()
    told.start()
    await told.ready()
    other = await told.create()  # sent after everything that reading the ledger could have led to
    await until_told(lambda: has_story(told, other, "NoticeIntended", "NoticeDelivered"))
    first, second = receiver.of(ticket_id)
    assert (first["kind"], first["from_state"], first["to_state"]) == ("ticket_created", "", "OPEN")
    assert (second["kind"], second["from_state"], second["to_state"]) == ("ticket_state_changed", "OPEN", "RESOLVED")
    assert (first["tenant_id"], first["contact_id"]) == (TENANT, "ct_1")
    assert first["notice_id"] != second["notice_id"]


async def test_what_was_sent_and_not_recorded_before_the_owner_was_killed_is_sent_again_under_the_same_key(
    told: Ticketing, receiver: Receiver
) -> None:
    receiver.answers.clear()
    ticket_id = await told.create()
    await until(lambda: len(receiver.requests) == 1)
    told.kill()  # the receiver has it, the ledger does not know
    receiver.answers.set()
    assert await told.story(ticket_id) == ["NoticeIntended"]
    told.start()
    await until_told(lambda: has_story(told, ticket_id, "NoticeIntended", "NoticeDelivered"))
    first, second = receiver.of(ticket_id)
    assert first == second


async def test_a_refused_notice_is_tried_again_under_the_same_key(told: Ticketing, receiver: Receiver) -> None:
    receiver.statuses = [500, 302]
    ticket_id = await told.create()
    delays = ["NoticeDelayed", "NoticeDelayed"]
    await until_told(lambda: has_story(told, ticket_id, "NoticeIntended", *delays, "NoticeDelivered"))
    first, second, third = receiver.of(ticket_id)
    assert first == second == third
    (delivered,) = [each for each in await told.events("NoticeDelivered") if each.notice_id == first["notice_id"]]
    assert delivered.attempt == 3
    reasons = [each.reason for each in await told.events("NoticeDelayed") if each.notice_id == first["notice_id"]]
    assert reasons == ["Status500", "Status302"]


async def test_an_address_of_this_machine_that_no_setting_allows_is_never_reached(
    ticketing: Ticketing, receiver: Receiver, receiver_port: int
) -> None:
    await ticketing.ready()
    await ticketing.define_target(f"http://localhost:{receiver_port}/hooks")
    ticket_id = await ticketing.create()
    await until_told(lambda: has_begun(ticketing, ticket_id, "NoticeIntended", "NoticeDelayed"))
    assert {each.reason for each in await ticketing.events("NoticeDelayed")} >= {"AddressRefused"}
    await ticketing.define_target("https://shop.invalid/", disabled=True)
    await until_told(lambda: has_ended(ticketing, ticket_id, "NoticeFailed"))
    assert receiver.requests == []


async def has_story(ticketing: Ticketing, ticket_id: str, *names: str) -> bool:
    return await ticketing.story(ticket_id) == list(names)


async def has_begun(ticketing: Ticketing, ticket_id: str, *names: str) -> bool:
    return (await ticketing.story(ticket_id))[: len(names)] == list(names)


async def has_ended(ticketing: Ticketing, ticket_id: str, name: str) -> bool:
    return name in await ticketing.story(ticket_id)
