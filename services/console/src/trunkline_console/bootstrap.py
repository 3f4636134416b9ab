"""The only wiring of console."""

import logging
import uuid
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trunkline.acd.v1 import acd_service_pb2
from trunkline.contact.v1 import contact_service_pb2
from trunkline.customer.v1 import customer_service_pb2
from trunkline.directory.v1 import directory_service_pb2
from trunkline.ticket.v1 import ticket_service_pb2
from trunkline.topics import TOPICS
from trunkline_core.errors import Rejection, Transient, TrunklineError
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.service import LedgerService
from trunkline_platform.commands import CommandClient, CommandServer
from trunkline_platform.credentials import Credentials, Forbidden, Principal, Role, service_principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.http import HttpServer, create_app
from trunkline_platform.keystore_choice import open_keystore
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export_ledger
from trunkline_platform.peers import PeerClient
from trunkline_platform.sealing import Sealer
from trunkline_platform.settings import load

from trunkline_console import metrics
from trunkline_console.adapters.live import AGENTS, QUEUES, LiveTables
from trunkline_console.adapters.passwords import is_password
from trunkline_console.adapters.rest import RestClient
from trunkline_console.adapters.seeds import read_seed, seed_commands
from trunkline_console.adapters.wire import WIRE, key_of, lane_of, stream_of
from trunkline_console.application.accounts import Accounts
from trunkline_console.application.desk_room import DeskRoom
from trunkline_console.application.desks import Desks
from trunkline_console.domain.commands import Command
from trunkline_console.domain.decider import DirectoryDecider
from trunkline_console.domain.events import Event
from trunkline_console.domain.state import Directory
from trunkline_console.entrypoints.pages import add_pages
from trunkline_console.entrypoints.rest import Desktop, add_routes
from trunkline_console.entrypoints.sessions import Sessions
from trunkline_console.entrypoints.sockets import add_sockets
from trunkline_console.settings import ConsoleSettings

log = logging.getLogger(__name__)

DirectoryLedger = Ledger[Directory, Command, Event]


@dataclass(frozen=True, slots=True)
class Console:
    """A running console, for tests."""

    ledger: DirectoryLedger
    grpc: GrpcServer
    http: HttpServer


def ledger_service() -> LedgerService[Directory, Command, Event]:
    """Return the directory as its ledger sees it."""
    return LedgerService(
        name="console",
        topic="directory.events.v1",
        decider=DirectoryDecider(),
        new_state=Directory,
        codec=WIRE,
        decider_version=version("trunkline-console"),
        stream_of=stream_of,
    )


async def bootstrap(process: Process, settings: ConsoleSettings | None = None) -> Console:
    """Start console inside `process`. Raises: Misconfigured; Transient when Kafka is away."""
    settings = settings or load(ConsoleSettings)
    credentials, channels = Credentials(settings.secret_bytes), Channels()
    process.on_stop("console-channels", channels.close)
    sealer = Sealer(await open_keystore(settings), settings.secret_bytes)
    grpc = GrpcServer(credentials, settings.bind_host, settings.grpc_port)
    ledger = await _start_ledger(process, settings, settings.address(grpc.port))
    commands = CommandServer(
        directory_service_pb2.DESCRIPTOR.services_by_name["DirectoryCommandService"],
        ledger,
        WIRE,
        key_of=key_of,
        lane_of=lane_of,
        credentials=credentials,
        channels=channels,
        secret=settings.secret_bytes,
        address=settings.address(grpc.port),
        permit=permit,
    )
    grpc.add(commands.handler())
    await grpc.start()
    await grpc.set_serving(True)
    process.on_stop("console-grpc", grpc.stop)
    http = await _serve_browser(process, settings, ledger, sealer, credentials, channels)
    if settings.seed:
        own = _client(
            directory_service_pb2, "DirectoryCommandService", (settings.address(grpc.port),), credentials, channels
        )
        seeding = Seeding(settings, ledger, own, sealer)
        process.ready("console-seed", lambda: seeding.is_done)
        process.add("console-seed", seeding.run())
    return Console(ledger, grpc, http)


def permit(command: Command, principal: Principal) -> None:
    """Raises: Forbidden. Administrators, and this installation's own services, define things."""
    principal.require(Role.ADMIN, Role.SERVICE)


async def _start_ledger(process: Process, settings: ConsoleSettings, address: str) -> DirectoryLedger:
    ledger: DirectoryLedger = Ledger(
        ledger_service(),
        bootstrap_servers=settings.kafka_bootstrap,
        instance_id=f"console-{settings.instance_id}",
        address=address,
        settings=settings.ledger_settings(),
    )
    await ledger.start()
    process.on_stop("console-ledger", ledger.stop)
    process.add("console-ledger", ledger.run())
    process.ready("console-ledger", ledger.is_caught_up)
    process.ready("console-owners", ledger.is_served)
    export_ledger(ledger)
    for kind in metrics.KINDS:
        metrics.DEFINITIONS.labels(kind).set_function(partial(_count_defined, ledger, kind))
    return ledger


def _count_defined(ledger: DirectoryLedger, kind: str) -> int:
    return sum(metrics.count(ledger.state(number), kind) for number in ledger.partitions)


async def _serve_browser(
    process: Process,
    settings: ConsoleSettings,
    ledger: DirectoryLedger,
    sealer: Sealer,
    credentials: Credentials,
    channels: Channels,
) -> HttpServer:
    live = await _follow_live_topics(process, settings)
    accounts = Accounts(ledger, sealer, settings.secret_bytes, is_password)
    ticket_rows, customer_rows = (
        RestClient(settings.ticketing_url, credentials),
        RestClient(settings.crm_url, credentials),
    )
    process.on_stop("console-ticket-rows", ticket_rows.close)
    process.on_stop("console-customer-rows", customer_rows.close)
    streams = TenantStreams(process, settings, credentials, channels)

    async def find_customer(tenant: str, customer_id: str) -> dict[str, Any] | None:
        try:
            found = await customer_rows.get(f"/customers/{customer_id}", service_principal("console", tenant))
        except TrunklineError:
            return None  # the desk shows the contact without it
        newest = [row["contact_id"] for row in found.get("contacts") or []]
        return {"name": found.get("name"), "contacts": found.get("contact_count", len(newest)), "newest": newest}

    room = DeskRoom(
        streams.peer_id,
        _client(acd_service_pb2, "AcdCommandService", settings.acd_addresses, credentials, channels),
        _client(contact_service_pb2, "ContactCommandService", settings.channels_addresses, credentials, channels),
        sealer,
        settings.secret_bytes,
        find_customer,
        streams,
    )
    desktop = Desktop(
        settings,
        accounts,
        sealer,
        _client(ticket_service_pb2, "TicketCommandService", settings.ticketing_addresses, credentials, channels),
        _client(customer_service_pb2, "CustomerCommandService", settings.crm_addresses, credentials, channels),
        ticket_rows,
        customer_rows,
        lambda tenant, contact_id: room.desks_of(tenant).customer_of(contact_id) if contact_id else "",
    )
    sessions = Sessions(accounts, secure=settings.secure_cookies)
    app = create_app("console", process)
    add_routes(app, sessions, desktop)
    add_sockets(app, sessions, room, live)
    add_pages(app, settings.web_root)
    http = HttpServer(app, settings.bind_host, settings.http_port)
    process.add("console-http", http.run())
    process.on_stop("console-http", http.stop)
    return http


async def _follow_live_topics(process: Process, settings: ConsoleSettings) -> LiveTables:
    how = settings.ledger_settings()
    wanted = [TOPICS[QUEUES], TOPICS[AGENTS]]  # analytics may start later than we do
    await ensure_topics(settings.kafka_bootstrap, wanted, how.replication_factor)
    live = LiveTables(settings.kafka_bootstrap, f"console-{settings.instance_id}-live")
    process.add("console-live", live.run())
    return live


def _client(
    module: Any, service: str, addresses: tuple[str, ...], credentials: Credentials, channels: Channels
) -> CommandClient:
    return CommandClient(module.DESCRIPTOR.services_by_name[service], addresses, credentials, channels)


class TenantStreams:
    """Opens the streams of one tenant's desks, to every replica of acd and channels."""

    def __init__(
        self, process: Process, settings: ConsoleSettings, credentials: Credentials, channels: Channels
    ) -> None:
        self.peer_id = f"console-{settings.instance_id}-{uuid.uuid4().hex[:12]}"
        self._process = process
        self._settings = settings
        self._credentials = credentials
        self._channels = channels

    def __call__(self, tenant: str, desks: Desks) -> None:
        """Start the streams and connect them with the desks."""
        acd = self._peer(tenant, acd_service_pb2, "AgentSessionService", self._settings.acd_addresses)
        contacts = self._peer(tenant, contact_service_pb2, "ContactSessionService", self._settings.channels_addresses)
        acd_client = acd(lambda: [desks.agents_watched()], desks.on_agent)
        contact_client = contacts(lambda: [desks.contacts_watched()], desks.on_contact)
        desks.tell_acd, desks.tell_channels = acd_client.broadcast, contact_client.broadcast
        self._process.add(f"console-acd-{tenant}", acd_client.run())
        self._process.add(f"console-channels-{tenant}", contact_client.run())

    def _peer(self, tenant: str, module: Any, service: str, addresses: tuple[str, ...]) -> Any:
        def make(watching: Any, on_push: Any) -> PeerClient:
            hello = module.SessionRequest(hello=module.PeerHello(peer_id=self.peer_id))
            return PeerClient(
                module.DESCRIPTOR.services_by_name[service].methods_by_name["Session"],
                addresses,
                self._credentials,
                service_principal("console", tenant),
                self._channels,
                greeting=lambda: [hello, *watching()],
                heartbeat=lambda: module.SessionRequest(heartbeat=module.PeerHeartbeat()),
                on_push=on_push,
            )

        return make


class Seeding:
    """Applies the seed file once the directory can take commands."""

    def __init__(
        self, settings: ConsoleSettings, ledger: DirectoryLedger, client: CommandClient, sealer: Sealer
    ) -> None:
        self.is_done = False
        self._path = Path(settings.seed)
        self._ledger = ledger
        self._client = client
        self._sealer = sealer

    async def run(self) -> None:
        """Send every command; what is unchanged changes nothing. Raises: Misconfigured for a wrong file."""
        content = read_seed(self._path)
        tenant = content["tenant"]["tenant_id"]
        principal = Principal(tenant, "service:seed", frozenset({Role.ADMIN}))
        users = self._ledger.state(self._ledger.partition_of(tenant)).users
        async for command in seed_commands(content, self._sealer, lambda user: users.find(tenant, user) is not None):
            await self._send(command, principal)
        self.is_done = True
        log.info("seed applied", extra={"seed": self._path.name})

    async def _send(self, command: Any, principal: Principal) -> None:
        while True:
            try:
                await self._client.execute(command, principal, timeout_s=10.0)
                return
            except Transient:
                continue  # no owner yet, or Kafka is away: the process is not ready until it is done
            except (Rejection, Forbidden) as refusal:
                log.error("seed refused", extra={"rule": str(refusal)})
                return
