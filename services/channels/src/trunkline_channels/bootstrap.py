"""The only wiring of channels: which part is made of which, and in what order they start and stop."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from trunkline.acd.v1 import acd_service_pb2
from trunkline.contact.v1 import contact_service_pb2, contact_service_pb2_grpc
from trunkline.customer.v1 import customer_service_pb2
from trunkline.ivr.v1 import ivr_service_pb2
from trunkline.topics import TOPICS
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.managers import ManagerRunner
from trunkline_ledger.service import LedgerService
from trunkline_platform.commands import CommandClient, CommandServer
from trunkline_platform.credentials import Credentials
from trunkline_platform.grpc_client import Channels
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.http import HttpServer, create_app
from trunkline_platform.keystore_choice import open_keystore
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export_ledger
from trunkline_platform.sealing import Sealer
from trunkline_platform.settings import load

from trunkline_channels import metrics
from trunkline_channels.adapters.chat_frames import view_of
from trunkline_channels.adapters.chat_tickets import SignedTickets
from trunkline_channels.adapters.facts import managers
from trunkline_channels.adapters.orders import LocalCommander
from trunkline_channels.adapters.streams import TenantStreams
from trunkline_channels.adapters.targets import ServiceTargets
from trunkline_channels.adapters.widget_origins import WidgetOrigins
from trunkline_channels.adapters.wire import TOPIC, WIRE, correlation_of, key_of, lane_of, stream_of
from trunkline_channels.application.chat import ChatEdge
from trunkline_channels.application.hub import Hub
from trunkline_channels.application.peers import Peers
from trunkline_channels.application.reception import Reception
from trunkline_channels.application.steps import ChannelsLedger, StepRunner
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.decider import ChannelsDecider
from trunkline_channels.domain.events import Event
from trunkline_channels.domain.state import ChannelsState
from trunkline_channels.entrypoints.grpc import ContactReads, ContactSessions
from trunkline_channels.entrypoints.http import add_chat
from trunkline_channels.entrypoints.permissions import permit
from trunkline_channels.settings import ChannelsSettings

SOURCES = ("acd.events.v1", "ivr.events.v1", "directory.events.v1")
SERVICE: LedgerService[ChannelsState, Command, Event] = LedgerService(
    name="channels",
    topic=TOPIC,
    decider=ChannelsDecider(),
    new_state=ChannelsState,
    codec=WIRE,
    decider_version=version("trunkline-channels"),
    stream_of=stream_of,
    correlation_of=correlation_of,
)


async def bootstrap(process: Process, settings: ChannelsSettings | None = None) -> ChannelsLedger:
    """Start one replica, register what ends it, and return its ledger. Raises: Misconfigured, Transient."""
    settings = settings or load(ChannelsSettings)
    secret = settings.secret_bytes
    credentials, channels = Credentials(secret), Channels()
    process.on_stop("channels", channels.close)
    keys = await open_keystore(settings)
    process.on_stop("keys", keys.close)
    sealer = Sealer(keys, secret)

    app = create_app("channels", process)
    http = HttpServer(app, settings.bind_host, settings.http_port)
    grpc = GrpcServer(credentials, settings.bind_host, settings.grpc_port)
    address = settings.address(grpc.port)

    ledger = await start_ledger(process, settings, address)
    commands = CommandServer(
        contact_service_pb2.DESCRIPTOR.services_by_name["ContactCommandService"],
        ledger,
        WIRE,
        key_of=key_of,
        lane_of=lane_of,
        credentials=credentials,
        channels=channels,
        secret=secret,
        address=address,
        permit=permit,
    )
    reception = Reception(ledger, LocalCommander(commands), sealer)
    hub, peers = Hub(ledger), Peers(ledger)
    targets = ServiceTargets(
        CommandClient(_of(customer_service_pb2, "Customer"), settings.crm_addresses, credentials, channels),
        CommandClient(_of(ivr_service_pb2, "Ivr"), settings.ivr_addresses, credentials, channels),
        CommandClient(_of(acd_service_pb2, "Acd"), settings.acd_addresses, credentials, channels),
    )
    steps = StepRunner(ledger, targets)
    process.add("steps", steps.run())
    process.add("peers", peers.run())
    process.add("managers", ManagerRunner(ledger, managers(), settings.kafka_bootstrap).run())

    grpc.add(commands.handler())
    sessions = ContactSessions(reception, hub, peers, sealer)
    contact_service_pb2_grpc.add_ContactSessionServiceServicer_to_server(sessions, grpc.server)
    contact_service_pb2_grpc.add_ContactReadServiceServicer_to_server(ContactReads(ledger, sealer), grpc.server)
    await grpc.start()
    await grpc.set_serving(True)
    process.on_stop("grpc", grpc.stop)

    edge = chat_edge(process, settings, ledger, reception, credentials, channels, address)
    origins = WidgetOrigins(settings.kafka_bootstrap, settings.everywhere, settings.instance_id)
    process.add("origins", origins.run())
    add_chat(app, edge, origins)
    process.add("http", http.run())
    process.on_stop("http", http.stop)
    _export(process, metrics.export(ledger, steps, edge), export_ledger(ledger))
    return ledger


async def start_ledger(process: Process, settings: ChannelsSettings, address: str) -> ChannelsLedger:
    """Start the ledger, and see that the topics that the process managers read exist. Raises: Transient."""
    ledger_settings = settings.ledger_settings()
    sources = [TOPICS[name] for name in SOURCES]
    await ensure_topics(settings.kafka_bootstrap, sources, ledger_settings.replication_factor)
    ledger: ChannelsLedger = Ledger(
        SERVICE,
        bootstrap_servers=settings.kafka_bootstrap,
        instance_id=settings.instance_id,
        address=address,
        settings=ledger_settings,
    )
    await ledger.start()
    process.add("ledger", ledger.run())
    process.on_stop("ledger", ledger.stop)
    process.ready("ledger", ledger.is_caught_up)
    process.ready("owners", ledger.is_served)
    return ledger


def chat_edge(
    process: Process,
    settings: ChannelsSettings,
    ledger: ChannelsLedger,
    reception: Reception,
    credentials: Credentials,
    channels: Channels,
    address: str,
) -> ChatEdge:
    """Make the chat edge, one more peer of all replicas."""
    peer_id = f"chat:{settings.instance_id}:{ledger.boot_id}"

    def on_push(push: contact_service_pb2.SessionResponse) -> None:
        if (view := view_of(push)) is not None:
            edge.on_view(view)

    streams = TenantStreams(peer_id, settings.replicas or (address,), credentials, channels, on_push)
    edge = ChatEdge(reception, SignedTickets(settings.secret_bytes), streams, peer_id, settings.sessions_per_ip)
    process.add("chat-streams", streams.run())
    process.add("chat", edge.run())
    return edge


def _of(module: Any, area: str) -> Any:
    return module.DESCRIPTOR.services_by_name[f"{area}CommandService"]


def _export(process: Process, *stops: Callable[[], None]) -> None:
    async def stop() -> None:
        for one in stops:
            one()

    process.on_stop("metrics", stop)
