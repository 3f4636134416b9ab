"""ticketing as it runs: real Kafka and store, gRPC, REST, a restart."""

import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from trunkline.common.v1.common_types_pb2 import Sealed as SealedMessage
from trunkline.ticket.v1 import ticket_service_pb2
from trunkline.ticket.v1.ticket_commands_pb2 import TicketCommand
from trunkline_core.errors import Conflict, NotFound
from trunkline_platform.commands import CommandClient, new_command_id
from trunkline_platform.credentials import Credentials, Forbidden, Principal, Role
from trunkline_platform.grpc_client import Channels
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.lifecycle import Process
from trunkline_platform.lifecycle import running as running_process
from trunkline_platform.sealing import Sealer
from trunkline_ticketing.bootstrap import Ticketing, bootstrap
from trunkline_ticketing.settings import TicketingSettings
from waiting import until_told

SECRET = "a secret of this test, at least 32 bytes long"
CREDENTIALS = Credentials(SECRET.encode())


@pytest.fixture
def settings(bootstrap_servers: str, mongo_url: str, mongo_database: str, tmp_path: Path) -> TicketingSettings:
    return TicketingSettings(
        kafka_bootstrap=bootstrap_servers,
        mongo_url=mongo_url,
        mongo_database=mongo_database,
        secret=SECRET,
        keystore=str(tmp_path / "keys.sqlite"),
        session_timeout_s=2.0,
        grpc_port=0,
        http_port=0,
    )


@contextlib.asynccontextmanager
async def running(settings: TicketingSettings) -> AsyncIterator[Ticketing]:
    parts: list[Ticketing] = []

    async def start(process: Process) -> None:
        parts.append(await bootstrap(process, settings))

    async with running_process("ticketing", start):
        ticketing = parts[0]

        async def is_owner() -> bool:
            return ticketing.ledger.owned == set(ticketing.ledger.partitions)

        await until_told(is_owner)
        yield ticketing


@pytest.fixture
async def sealer(settings: TicketingSettings) -> AsyncIterator[Sealer]:
    keys = SqliteKeyStore(Path(settings.keystore), KeyWrap(SECRET.encode()))
    yield Sealer(keys, SECRET.encode())
    await keys.close()


class Desk:
    """An agent who works on tickets, as console does it for her."""

    def __init__(self, ticketing: Ticketing, tenant: str, channels: Channels, sealer: Sealer) -> None:
        service = ticket_service_pb2.DESCRIPTOR.services_by_name["TicketCommandService"]
        self.agent = Principal(tenant, "agent:ag_1", frozenset({Role.AGENT}))
        self._commands = CommandClient(service, [ticketing.grpc.address], CREDENTIALS, channels)
        self._http = httpx.AsyncClient(base_url=ticketing.http.url, timeout=30)
        self._sealer = sealer

    async def do(self, command: TicketCommand, command_id: str = "", **who: Principal) -> Any:
        principal = who.get("principal", self.agent)
        return await self._commands.execute(command, principal, command_id=command_id or new_command_id())

    async def create(self, subject: str, command_id: str = "", owner: str = "cu_1") -> str:
        command = TicketCommand()
        command.create_ticket.contact_id, command.create_ticket.customer_id = "ct_1", owner
        command.create_ticket.subject.CopyFrom(await self.sealed(owner, subject))
        (event,) = await self.do(command, command_id)
        return str(event.ticket_created.ticket_id)

    async def sealed(self, owner: str, text: str) -> SealedMessage:
        sealed = await self._sealer.seal(owner, self.agent.tenant, text)
        return SealedMessage(key_id=sealed.key_id, nonce=sealed.nonce, ciphertext=sealed.ciphertext)

    async def get(self, path: str, principal: Principal | None = None) -> httpx.Response:
        return await self._http.get(path, headers={"tl-token": CREDENTIALS.issue(principal or self.agent)})

    async def shown(self, path: str) -> Any:
        response = await self.get(path)
        return response.json() if response.status_code == 200 else None

    async def bare(self, path: str) -> httpx.Response:
        return await self._http.get(path)

    async def close(self) -> None:
        await self._http.aclose()


@contextlib.asynccontextmanager
async def working(ticketing: Ticketing, tenant: str, sealer: Sealer) -> AsyncIterator[Desk]:
    channels = Channels()
    desk = Desk(ticketing, tenant, channels, sealer)
    try:
        yield desk
    finally:
        await desk.close()
        await channels.close()


def moved(ticket_id: str, state: int) -> TicketCommand:
    command = TicketCommand()
    command.change_ticket_state.ticket_id, command.change_ticket_state.state = ticket_id, state  # type: ignore[assignment]
    return command


async def test_tickets_are_created_moved_noted_and_read_and_survive_a_restart(
    settings: TicketingSettings, unique_tenant: Callable[[], str], sealer: Sealer
) -> None:
    tenant = unique_tenant()
    async with running(settings) as ticketing, working(ticketing, tenant, sealer) as desk:
        ticket_id = await desk.create("late parcel")
        note = TicketCommand()
        note.add_note.ticket_id = ticket_id
        note.add_note.body.CopyFrom(await desk.sealed("cu_1", "called back"))
        await desk.do(note)
        await desk.do(moved(ticket_id, 2))

        async def is_shown() -> bool:
            found = await desk.shown(f"/tickets/{ticket_id}")
            return bool(found and found["state"] == "IN_PROGRESS" and found["notes"])

        await until_told(is_shown)
        found = (await desk.shown("/tickets?state=IN_PROGRESS"))["items"]
        assert [(item["subject"], item["notes"][0]["body"]) for item in found] == [("late parcel", "called back")]
        await _check_refusals(desk, ticket_id)
    async with running(settings) as ticketing, working(ticketing, tenant, sealer) as desk:
        assert await desk.do(moved(ticket_id, 2)) == []
        await sealer.erase("cu_1", tenant)
        found = await desk.shown(f"/tickets/{ticket_id}")
        assert found["state"] == "IN_PROGRESS" and found["subject"] == "" and found["notes"][0]["body"] == ""


async def _check_refusals(desk: Desk, ticket_id: str) -> None:
    stranger = Principal("tn_other", "agent:ag_9", frozenset({Role.AGENT}))
    gateway = Principal(desk.agent.tenant, "gateway:gw_1", frozenset({Role.GATEWAY}))
    with pytest.raises(NotFound):
        await desk.do(moved(ticket_id, 3), principal=stranger)
    with pytest.raises(Forbidden):
        await desk.do(moved(ticket_id, 3), principal=gateway)
    assert (await desk.get(f"/tickets/{ticket_id}", stranger)).status_code == 404
    assert (await desk.get("/tickets", gateway)).status_code == 403
    assert (await desk.bare("/tickets")).status_code == 401
    for path in ("/tickets?state=NONE", "/tickets?limit=201", "/tickets?cursor=x"):
        refused = await desk.get(path)
        assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert "trunkline_ticketing_dead_letters_total 0.0" in (await desk.bare("/metrics")).text


async def test_the_same_command_gets_the_same_ticket_and_another_payload_is_a_conflict(
    settings: TicketingSettings, unique_tenant: Callable[[], str], sealer: Sealer
) -> None:
    async with running(settings) as ticketing, working(ticketing, unique_tenant(), sealer) as desk:
        command_id = new_command_id()
        command = TicketCommand()
        command.create_ticket.subject.CopyFrom(await desk.sealed("cu_1", "twice"))
        first = await desk.do(command, command_id)
        assert await desk.do(command, command_id) == first
        command.create_ticket.contact_id = "ct_2"
        with pytest.raises(Conflict):
            await desk.do(command, command_id)
