"""The only wiring of crm: its ledger, command server, custody of keys, read models and the REST over them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from trunkline.customer.v1 import customer_service_pb2
from trunkline.topics import TOPICS
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.projection import ProjectionRunner
from trunkline_ledger.service import LedgerService
from trunkline_ledger.submission import Recorded
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

from trunkline_crm import metrics
from trunkline_crm.adapters import wire
from trunkline_crm.adapters.contacts import TOPIC as CONTACT_TOPIC
from trunkline_crm.adapters.contacts import ContactProjection, StoredContacts
from trunkline_crm.adapters.customers import CustomerProjection, StoredCustomers
from trunkline_crm.application.custody import Custody, erasure_of
from trunkline_crm.application.reading import CustomerReading
from trunkline_crm.domain.commands import Command
from trunkline_crm.domain.decider import CrmDecider
from trunkline_crm.domain.events import Event
from trunkline_crm.domain.state import CrmState, Erasure
from trunkline_crm.entrypoints.permissions import permit
from trunkline_crm.entrypoints.rest import routes
from trunkline_crm.settings import CrmSettings

DLQ_TOPIC = "crm.dlq.v1"

SERVICE: LedgerService[CrmState, Command, Event] = LedgerService(
    name="crm",
    topic=wire.TOPIC,
    decider=CrmDecider(),
    new_state=CrmState,
    codec=wire.WIRE,
    decider_version=version("trunkline-crm"),
    stream_of=wire.stream_of,
    correlation_of=wire.correlation_of,
)

CustomerLedger = Ledger[CrmState, Command, Event]


@dataclass(frozen=True)
class Crm:
    """The running parts, for tests and for processes that hold several services."""

    ledger: CustomerLedger
    grpc: GrpcServer
    http: HttpServer


async def bootstrap(process: Process, settings: CrmSettings | None = None) -> Crm:
    """Start crm inside the process. Raises: Misconfigured; Transient when a broker or the store is away."""
    settings = settings or load(CrmSettings)
    credentials, channels = Credentials(settings.secret_bytes), Channels()
    process.on_stop("crm-channels", channels.close)
    store = MongoStore(settings.mongo_url.get_secret_value(), settings.mongo_database)
    process.on_stop("crm-store", store.close)
    keys = await open_keys(settings, store)
    process.on_stop("crm-keys", keys.close)
    sealer = Sealer(keys, settings.secret_bytes)
    reading = CustomerReading(StoredCustomers(store), StoredContacts(store), sealer.open)
    http = _start_http(process, settings, reading, credentials)
    grpc = GrpcServer(credentials, settings.bind_host, settings.grpc_port)
    ledger = Ledger(
        SERVICE,
        bootstrap_servers=settings.kafka_bootstrap,
        instance_id=f"crm-{settings.instance_id}",
        address=settings.address(grpc.port),
        settings=settings.ledger_settings(),
    )
    custody = _start_custody(process, ledger, sealer)
    await _start_ledger(process, settings, ledger)
    projections = await _start_projections(process, settings, store)
    _export(process, metrics.export(ledger, custody, projections))
    grpc.add(_command_server(settings, ledger, grpc, credentials, channels).handler())
    await grpc.start()
    process.on_stop("crm-grpc", grpc.stop)
    await grpc.set_serving(True)
    return Crm(ledger, grpc, http)


async def open_keys(settings: CrmSettings, store: Store) -> KeyStore:
    """Open the installation's key store. Raises: Misconfigured, Transient."""
    wrap = KeyWrap(settings.secret_bytes)
    path = settings.keystore_path
    return SqliteKeyStore(path, wrap) if path else await MongoKeyStore.open(store, wrap)


async def _start_ledger(process: Process, settings: CrmSettings, ledger: CustomerLedger) -> None:
    await ledger.start()
    process.add("crm-ledger", ledger.run())
    process.on_stop("crm-ledger", ledger.stop)
    process.ready("crm-ledger", ledger.is_caught_up)
    process.ready("crm-owners", ledger.is_served)
    _export(process, export_ledger(ledger))


def _start_custody(process: Process, ledger: CustomerLedger, sealer: Sealer) -> Custody:
    """Watch from the first event on, hence before the ledger starts."""
    custody = Custody(sealer)

    def on_events(partition: int, events: Sequence[Recorded[Event]]) -> None:
        if ledger.owns(partition):
            custody.add(erasure for found in events if (erasure := _erasure_of(found)))

    ledger.watch(on_events)
    ledger.on_owned(lambda partition: custody.add(ledger.state(partition).erasures()))
    process.add("crm-custody", custody.run())
    return custody


def _erasure_of(found: Recorded[Event]) -> Erasure | None:
    return erasure_of(found.event, found.metadata.tenant_id, found.metadata.event_time)


async def _start_projections(process: Process, settings: CrmSettings, store: Store) -> list[ProjectionRunner]:
    shape, kafka = settings.ledger_settings(), settings.kafka_bootstrap
    topics = [TOPICS[DLQ_TOPIC], TOPICS[CONTACT_TOPIC]]  # channels may start later than we do
    await ensure_topics(kafka, topics, shape.replication_factor, shape.embedded)
    runners = [
        ProjectionRunner(projection, Positions(store), bootstrap_servers=kafka, dlq_topic=DLQ_TOPIC)
        for projection in (CustomerProjection(store), ContactProjection(store))
    ]
    for name, runner in zip(("customers", "contacts"), runners, strict=True):
        process.add(f"crm-projection-{name}", runner.run())
    return runners


def _start_http(
    process: Process, settings: CrmSettings, reading: CustomerReading, credentials: Credentials
) -> HttpServer:
    app = create_app("Trunkline crm", process)
    app.include_router(routes(reading, credentials))
    http = HttpServer(app, settings.bind_host, settings.http_port)
    process.add("crm-http", http.run())
    process.on_stop("crm-http", http.stop)
    return http


def _command_server(
    settings: CrmSettings, ledger: CustomerLedger, grpc: GrpcServer, credentials: Credentials, channels: Channels
) -> CommandServer[Command, Event]:
    return CommandServer(
        customer_service_pb2.DESCRIPTOR.services_by_name["CustomerCommandService"],
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

    process.on_stop("crm-metrics", close)
