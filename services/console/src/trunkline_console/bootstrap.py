"""The only wiring of console."""

from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from trunkline.acd.v1 import acd_service_pb2
from trunkline.contact.v1 import contact_service_pb2
from trunkline.customer.v1 import customer_service_pb2
from trunkline.directory.v1 import directory_service_pb2, directory_service_pb2_grpc
from trunkline.ticket.v1 import ticket_service_pb2
from trunkline.topics import TOPICS
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.service import LedgerService
from trunkline_platform.commands import CommandClient
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.http import HttpServer
from trunkline_platform.keystore_choice import open_keystore
from trunkline_platform.lifecycle import Process
from trunkline_platform.replica import Replica, serve_http
from trunkline_platform.rest import create_app
from trunkline_platform.sealing import Sealer
from trunkline_platform.settings import load

from trunkline_console import metrics
from trunkline_console.adapters.acd_reads import AcdReader
from trunkline_console.adapters.contacts import ContactReader
from trunkline_console.adapters.customers import CustomerReader
from trunkline_console.adapters.live import AGENTS, QUEUES, LiveTables
from trunkline_console.adapters.passwords import PasswordChecks
from trunkline_console.adapters.rest import RestClient
from trunkline_console.adapters.seeding import Seeding
from trunkline_console.adapters.streams import TenantStreams
from trunkline_console.adapters.wire import WIRE, key_of, lane_of, stream_of
from trunkline_console.application.accounts import Accounts
from trunkline_console.application.desk_room import DeskRoom
from trunkline_console.application.owners import Owners
from trunkline_console.domain.commands import Command
from trunkline_console.domain.decider import DirectoryDecider
from trunkline_console.domain.events import Event
from trunkline_console.domain.state import Directory
from trunkline_console.entrypoints.explanations import add_explanations
from trunkline_console.entrypoints.monitoring import add_monitoring
from trunkline_console.entrypoints.pages import add_pages
from trunkline_console.entrypoints.permissions import Permissions
from trunkline_console.entrypoints.policies import PolicyDesk, add_policy_routes
from trunkline_console.entrypoints.reads import DirectoryReads
from trunkline_console.entrypoints.rest import Desktop, add_routes
from trunkline_console.entrypoints.sessions import Sessions
from trunkline_console.entrypoints.sockets import add_sockets
from trunkline_console.entrypoints.supervision import add_supervision
from trunkline_console.settings import ConsoleSettings

DirectoryLedger = Ledger[Directory, Command, Event]
DirectoryReplica = Replica[Directory, Command, Event]


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
        import_path="trunkline_console.bootstrap:ledger_service",
    )


async def bootstrap(process: Process, settings: ConsoleSettings | None = None) -> Console:
    """Start console inside `process`. Raises: Misconfigured; Transient when Kafka is away."""
    settings = settings or load(ConsoleSettings)
    replica = Replica(process, settings, ledger_service())
    keys = await open_keystore(settings)
    process.on_stop("console-keys", keys.close)
    sealer = Sealer(keys, settings.secret_bytes)
    await replica.start_ledger()
    for kind in metrics.KINDS:
        metrics.DEFINITIONS.labels(kind).set_function(partial(_count_defined, replica.ledger, kind))
    commands = directory_service_pb2.DESCRIPTOR.services_by_name["DirectoryCommandService"]
    permit = Permissions(lambda: map(replica.ledger.state, replica.ledger.partitions))
    replica.add_commands(commands, WIRE, key_of=key_of, lane_of=lane_of, permit=permit)
    reads = DirectoryReads(lambda tenant: replica.ledger.state(replica.ledger.partition_of(tenant)))
    directory_service_pb2_grpc.add_DirectoryReadServiceServicer_to_server(reads, replica.grpc.server)
    await replica.serve_grpc()
    own = _client(replica, directory_service_pb2, "DirectoryCommandService", (replica.address,))
    http = await _serve_browser(process, settings, replica, own, sealer)
    if settings.seed:
        seeding = Seeding(Path(settings.seed), replica.ledger, own, sealer)
        process.ready("console-seed", lambda: seeding.is_done)
        process.add("console-seed", seeding.run())
    return Console(replica.ledger, replica.grpc, http)


def _count_defined(ledger: DirectoryLedger, kind: str) -> int:
    return sum(metrics.count(ledger.state(number), kind) for number in ledger.partitions)


async def _serve_browser(
    process: Process,
    settings: ConsoleSettings,
    replica: DirectoryReplica,
    directory: CommandClient,
    sealer: Sealer,
) -> HttpServer:
    live = await _follow_live_topics(process, settings)
    accounts = Accounts(replica.ledger, directory, sealer, settings.secret_bytes, PasswordChecks())
    ticket_rows = RestClient(settings.ticketing_url, replica.credentials)
    customer_rows = RestClient(settings.crm_url, replica.credentials)
    process.on_stop("console-ticket-rows", ticket_rows.close)
    process.on_stop("console-customer-rows", customer_rows.close)
    streams = TenantStreams(process.add, settings, replica.credentials, replica.channels)

    customers = CustomerReader(customer_rows)
    contacts = ContactReader(settings.channels_addresses, replica.credentials, replica.channels)
    owners = Owners(contacts, customers, lambda tenant, contact_id: room.customer_of(tenant, contact_id))
    acd = _client(replica, acd_service_pb2, "AcdCommandService", settings.acd_addresses)
    commands_of_contacts = _client(replica, contact_service_pb2, "ContactCommandService", settings.channels_addresses)
    room = DeskRoom(
        streams.peer_id,
        acd,
        commands_of_contacts,
        sealer,
        settings.secret_bytes,
        customers.shown,
        streams,
        owners,
        accounts.hides_listening,
        accounts.may_monitor,
    )
    desktop = Desktop(
        settings,
        accounts,
        sealer,
        _client(replica, ticket_service_pb2, "TicketCommandService", settings.ticketing_addresses),
        _client(replica, customer_service_pb2, "CustomerCommandService", settings.crm_addresses),
        ticket_rows,
        customer_rows,
        customers,
        owners,
    )
    sessions = Sessions(accounts, secure=settings.secure_cookies)
    app = create_app("console", process)
    add_routes(app, sessions, desktop)
    add_policy_routes(app, PolicyDesk(sessions, accounts, directory))
    reader = AcdReader(settings.acd_addresses, replica.credentials, replica.channels)
    add_explanations(app, sessions, accounts, reader)
    add_supervision(app, sessions, acd, reader)
    add_monitoring(app, sessions, desktop, commands_of_contacts, reader, contacts)
    add_sockets(app, sessions, room, live, contacts)
    add_pages(app, settings.web_root, settings.channels_url)
    return serve_http(process, "console", app, settings)


async def _follow_live_topics(process: Process, settings: ConsoleSettings) -> LiveTables:
    wanted = [TOPICS[QUEUES], TOPICS[AGENTS]]  # analytics may start later than we do
    await ensure_topics(settings.kafka_bootstrap, wanted, settings.replication_factor)
    live = LiveTables(settings.kafka_bootstrap, f"console-{settings.instance_id}-live")
    process.add("console-live", live.run())
    return live


def _client(replica: DirectoryReplica, module: Any, service: str, addresses: tuple[str, ...]) -> CommandClient:
    descriptor = module.DESCRIPTOR.services_by_name[service]
    return CommandClient(descriptor, addresses, replica.credentials, replica.channels)
