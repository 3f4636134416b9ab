"""The only wiring of acd: which parts there are and in which order they start and stop."""

from dataclasses import dataclass
from importlib.metadata import version

from trunkline.topics import TOPICS
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.managers import ManagerRunner
from trunkline_ledger.service import LedgerService
from trunkline_platform.commands import CommandServer
from trunkline_platform.credentials import Credentials
from trunkline_platform.grpc_client import Channels
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.http import HttpServer, create_app
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export_ledger
from trunkline_platform.peers import PeerRegistry, PeerWatch
from trunkline_platform.settings import load

from trunkline_acd.adapters.directory import TOPIC as DIRECTORY_TOPIC
from trunkline_acd.adapters.directory import directory_manager
from trunkline_acd.adapters.wire import CODEC, COMMAND_SERVICE, correlation_of, is_ignorable, key_of, lane_of, stream_of
from trunkline_acd.application.consoles import console_lost, consoles_of
from trunkline_acd.application.desk_feed import AcdLedger, DeskFeed
from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.decider import AcdDecider
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.state import AcdState
from trunkline_acd.entrypoints.grpc import AgentSessions, permit, register_sessions
from trunkline_acd.metrics import RoutingMetrics
from trunkline_acd.settings import AcdSettings

TOPIC = "acd.events.v1"


@dataclass(frozen=True, slots=True)
class Acd:
    """A running acd, for tests and for whoever shares its process."""

    ledger: AcdLedger
    grpc: GrpcServer
    http: HttpServer


def ledger_service() -> LedgerService[AcdState, Command, Event]:
    """Return acd as its ledger sees it."""
    return LedgerService(
        name="acd",
        topic=TOPIC,
        decider=AcdDecider(),
        new_state=AcdState,
        codec=CODEC,
        decider_version=version("trunkline-acd"),
        stream_of=stream_of,
        correlation_of=correlation_of,
        is_ignorable=is_ignorable,
    )


async def bootstrap(process: Process, settings: AcdSettings | None = None) -> Acd:
    """Start acd inside `process`. Raises: Misconfigured; Transient when Kafka is away."""
    settings = settings or load(AcdSettings)
    credentials, channels = Credentials(settings.secret_bytes), Channels()
    process.on_stop("acd-channels", channels.close)
    http = _serve_http(process, settings)
    grpc = GrpcServer(credentials, settings.bind_host, settings.grpc_port)
    address = settings.address(grpc.port)
    ledger: AcdLedger = Ledger(
        ledger_service(),
        bootstrap_servers=settings.kafka_bootstrap,
        instance_id=f"acd-{settings.instance_id}",
        address=address,
        settings=settings.ledger_settings(),
    )
    feed, consoles = DeskFeed(ledger), PeerRegistry()
    watch = PeerWatch(ledger, consoles, peers_of=consoles_of, lose=console_lost)
    commands = CommandServer(
        COMMAND_SERVICE,
        ledger,
        CODEC,
        key_of=key_of,
        lane_of=lane_of,
        credentials=credentials,
        channels=channels,
        secret=settings.secret_bytes,
        address=address,
        permit=permit,
    )
    grpc.add(commands.handler())
    register_sessions(grpc, AgentSessions(feed, consoles))
    await _start_ledger(process, settings, ledger)
    process.add("acd-directory", ManagerRunner(ledger, [directory_manager()], settings.kafka_bootstrap).run())
    process.add("acd-consoles", watch.run())
    _export(process, ledger, RoutingMetrics(ledger))
    await _serve_grpc(process, grpc)
    return Acd(ledger, grpc, http)


async def _start_ledger(process: Process, settings: AcdSettings, ledger: AcdLedger) -> None:
    topics = settings.ledger_settings()
    directory = [TOPICS[DIRECTORY_TOPIC]]  # the console may start later than we do
    await ensure_topics(settings.kafka_bootstrap, directory, topics.replication_factor)
    await ledger.start()
    process.add("acd-ledger", ledger.run())
    process.on_stop("acd-ledger", ledger.stop)
    process.ready("acd-ledger", ledger.is_caught_up)
    process.ready("acd-owners", ledger.is_served)


async def _serve_grpc(process: Process, grpc: GrpcServer) -> None:
    await grpc.start()
    process.on_stop("acd-grpc", grpc.stop)
    await grpc.set_serving(True)


def _serve_http(process: Process, settings: AcdSettings) -> HttpServer:
    http = HttpServer(create_app("acd", process), settings.bind_host, settings.http_port)
    process.add("acd-http", http.run())
    process.on_stop("acd-http", http.stop)
    return http


def _export(process: Process, ledger: AcdLedger, metrics: RoutingMetrics) -> None:
    metrics.register()
    stop_export = export_ledger(ledger)

    async def stop() -> None:
        metrics.unregister()
        stop_export()

    process.on_stop("acd-metrics", stop)
