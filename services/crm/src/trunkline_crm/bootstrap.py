"""The only wiring of crm: its ledger, command server, custody of keys, read models and the REST over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from trunkline.customer.v1 import customer_service_pb2
from trunkline.topics import TOPICS
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.managers import ManagerRunner
from trunkline_ledger.service import LedgerService
from trunkline_ledger.submission import Recorded
from trunkline_platform.generations import LiveGeneration
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.http import HttpServer
from trunkline_platform.keystore_choice import open_keystore
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export
from trunkline_platform.read_models import ReadModel
from trunkline_platform.replica import Replica, export_until_end, serve_http
from trunkline_platform.rest import create_app
from trunkline_platform.sealing import Sealer
from trunkline_platform.settings import load
from trunkline_platform.store import Store
from trunkline_platform.store_mongo import MongoStore

from trunkline_crm.adapters import wire
from trunkline_crm.adapters.contacts import TOPIC as CONTACT_TOPIC
from trunkline_crm.adapters.contacts import ContactProjection, StoredContacts
from trunkline_crm.adapters.customers import CustomerProjection, StoredCustomers
from trunkline_crm.adapters.served import contact_manager
from trunkline_crm.application.custody import Custody, erasure_of
from trunkline_crm.application.reading import CustomerReading
from trunkline_crm.domain.commands import Command
from trunkline_crm.domain.decider import CrmDecider
from trunkline_crm.domain.events import Event
from trunkline_crm.domain.state import CrmState, Erasure
from trunkline_crm.entrypoints.permissions import permit
from trunkline_crm.entrypoints.rest import routes
from trunkline_crm.metrics import CrmMetrics
from trunkline_crm.settings import CrmSettings

DLQ_TOPIC = "crm.dlq.v1"
SERVED_PACE_S = 0.2
"""Who had a contact matters when the customer comes back, which takes longer."""

SERVICE: LedgerService[CrmState, Command, Event] = LedgerService(
    name="crm",
    topic=wire.TOPIC,
    decider=CrmDecider(),
    new_state=CrmState,
    codec=wire.WIRE,
    decider_version=version("trunkline-crm"),
    stream_of=wire.stream_of,
    correlation_of=wire.correlation_of,
    # 2: do-not-call, and which agents a customer knows: a reader of 1 knows none of these events, and would let
    # customers be called who must not be
    schema_version=2,
    written_version=2,
    import_path="trunkline_crm.bootstrap:SERVICE",
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
    replica = Replica(process, settings, SERVICE)
    store = MongoStore(settings.mongo_url.get_secret_value(), settings.mongo_database)
    process.on_stop("crm-store", store.close)
    keys = await open_keystore(settings)
    process.on_stop("crm-keys", keys.close)
    sealer = Sealer(keys, settings.secret_bytes)
    app = create_app("Trunkline crm", process)
    app.include_router(routes(_reading(store, sealer), replica.credentials))
    http = serve_http(process, "crm", app, settings)
    custody = _start_custody(process, replica.ledger, sealer)
    await replica.start_ledger()
    projections = await _start_projections(process, settings, store)
    served = ManagerRunner(replica.ledger, [contact_manager()], settings.kafka_bootstrap, pace_s=SERVED_PACE_S)
    process.add("crm-contacts", served.run())
    export_until_end(process, "crm-metrics", export(CrmMetrics(replica.ledger, custody, projections)))
    commands = customer_service_pb2.DESCRIPTOR.services_by_name["CustomerCommandService"]
    replica.add_commands(commands, wire.WIRE, key_of=wire.key_of, lane_of=wire.lane_of, permit=permit)
    await replica.serve_grpc()
    return Crm(replica.ledger, replica.grpc, http)


def _reading(store: Store, sealer: Sealer) -> CustomerReading:
    customers = StoredCustomers(LiveGeneration(store, CustomerProjection.name))
    return CustomerReading(customers, StoredContacts(LiveGeneration(store, ContactProjection.name)), sealer.open)


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


async def _start_projections(process: Process, settings: CrmSettings, store: Store) -> list[ReadModel]:
    shape, kafka = settings.ledger_settings(), settings.kafka_bootstrap
    topics = [TOPICS[DLQ_TOPIC], TOPICS[CONTACT_TOPIC]]  # channels may start later than we do
    await ensure_topics(kafka, topics, shape.replication_factor)
    customers = ReadModel(CustomerProjection, store, bootstrap_servers=kafka, dlq_topic=DLQ_TOPIC)
    contacts = ReadModel(ContactProjection, store, bootstrap_servers=kafka, dlq_topic=DLQ_TOPIC)
    for model in (customers, contacts):
        process.add(f"crm-projection-{model.name}", model.run())
    return [customers, contacts]
