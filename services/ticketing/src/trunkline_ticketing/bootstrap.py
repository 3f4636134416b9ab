"""The only wiring of ticketing: its ledger, its command server, its read model and the REST over it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from trunkline.ticket.v1 import ticket_service_pb2
from trunkline.topics import TOPICS
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.projection import ProjectionRunner
from trunkline_ledger.service import LedgerService
from trunkline_platform.commands import CommandServer
from trunkline_platform.credentials import Credentials
from trunkline_platform.grpc_client import Channels
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.http import HttpServer, create_app
from trunkline_platform.keystore import KeyStore, KeyWrap, SqliteKeyStore
from trunkline_platform.keystore_mongo import MongoKeyStore
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export_ledger
from trunkline_platform.sealing import Sealer
from trunkline_platform.settings import load
from trunkline_platform.store import Positions, Store
from trunkline_platform.store_mongo import MongoStore

from trunkline_ticketing import metrics
from trunkline_ticketing.adapters import wire
from trunkline_ticketing.adapters.read_model import StoredTickets, TicketProjection
from trunkline_ticketing.application.reading import TicketReading
from trunkline_ticketing.domain.commands import Command
from trunkline_ticketing.domain.decider import TicketingDecider
from trunkline_ticketing.domain.events import Event
from trunkline_ticketing.domain.state import TicketingState
from trunkline_ticketing.entrypoints.permissions import permit
from trunkline_ticketing.entrypoints.rest import routes
from trunkline_ticketing.settings import TicketingSettings

DLQ_TOPIC = "ticketing.dlq.v1"

SERVICE: LedgerService[TicketingState, Command, Event] = LedgerService(
    name="ticketing",
    topic=wire.TOPIC,
    decider=TicketingDecider(),
    new_state=TicketingState,
    codec=wire.WIRE,
    decider_version=version("trunkline-ticketing"),
    stream_of=wire.stream_of,
)

TicketLedger = Ledger[TicketingState, Command, Event]


@dataclass(frozen=True)
class Ticketing:
    """The running parts, for tests and for processes that hold several services."""

    ledger: TicketLedger
    grpc: GrpcServer
    http: HttpServer


async def bootstrap(process: Process, settings: TicketingSettings | None = None) -> Ticketing:
    """Start ticketing inside the process. Raises: Misconfigured; Transient when a broker or the store is away."""
    settings = settings or load(TicketingSettings)
    credentials, channels = Credentials(settings.secret_bytes), Channels()
    process.on_stop("ticketing-channels", channels.close)
    store = MongoStore(settings.mongo_url.get_secret_value(), settings.mongo_database)
    process.on_stop("ticketing-store", store.close)
    keys = await open_keys(settings, store)
    process.on_stop("ticketing-keys", keys.close)
    reading = TicketReading(StoredTickets(store), Sealer(keys, settings.secret_bytes).open)
    http = _start_http(process, settings, reading, credentials)
    grpc = GrpcServer(credentials, settings.bind_host, settings.grpc_port)
    ledger = Ledger(
        SERVICE,
        bootstrap_servers=settings.kafka_bootstrap,
        instance_id=f"ticketing-{settings.instance_id}",
        address=settings.address(grpc.port),
        settings=settings.ledger_settings(),
    )
    await _start_ledger(process, settings, ledger)
    await _start_projection(process, settings, ledger, store)
    grpc.add(_command_server(settings, ledger, grpc, credentials, channels).handler())
    await grpc.start()
    process.on_stop("ticketing-grpc", grpc.stop)
    await grpc.set_serving(True)
    return Ticketing(ledger, grpc, http)


async def open_keys(settings: TicketingSettings, store: Store) -> KeyStore:
    """Open the installation's key store. Raises: Misconfigured, Transient."""
    wrap = KeyWrap(settings.secret_bytes)
    path = settings.keystore_path
    return SqliteKeyStore(path, wrap) if path else await MongoKeyStore.open(store, wrap)


async def _start_ledger(process: Process, settings: TicketingSettings, ledger: TicketLedger) -> None:
    await ledger.start()
    process.add("ticketing-ledger", ledger.run())
    process.on_stop("ticketing-ledger", ledger.stop)
    process.ready("ticketing-ledger", ledger.is_caught_up)
    process.ready("ticketing-owners", ledger.is_served)
    _export(process, export_ledger(ledger))


async def _start_projection(process: Process, settings: TicketingSettings, ledger: TicketLedger, store: Store) -> None:
    shape = settings.ledger_settings()
    await ensure_topics(settings.kafka_bootstrap, [TOPICS[DLQ_TOPIC]], shape.replication_factor)
    runner = ProjectionRunner(
        TicketProjection(store), Positions(store), bootstrap_servers=settings.kafka_bootstrap, dlq_topic=DLQ_TOPIC
    )
    process.add("ticketing-projection", runner.run())
    _export(process, metrics.export(ledger, runner))


def _start_http(
    process: Process, settings: TicketingSettings, reading: TicketReading, credentials: Credentials
) -> HttpServer:
    app = create_app("Trunkline ticketing", process)
    app.include_router(routes(reading, credentials))
    http = HttpServer(app, settings.bind_host, settings.http_port)
    process.add("ticketing-http", http.run())
    process.on_stop("ticketing-http", http.stop)
    return http


def _command_server(
    settings: TicketingSettings, ledger: TicketLedger, grpc: GrpcServer, credentials: Credentials, channels: Channels
) -> CommandServer[Command, Event]:
    return CommandServer(
        ticket_service_pb2.DESCRIPTOR.services_by_name["TicketCommandService"],
        ledger,
        wire.WIRE,
        key_of=wire.key_of,
        lane_of=wire.lane_of,
        credentials=credentials,
        channels=channels,
        secret=settings.secret_bytes,
        address=settings.address(grpc.port),
        permit=permit,
    )


def _export(process: Process, stop: Callable[[], None]) -> None:
    async def close() -> None:
        stop()

    process.on_stop("ticketing-metrics", close)
