"""The only wiring of ticketing: its ledger, its command server, its read model and the REST over it, its notices."""

from dataclasses import dataclass
from importlib.metadata import version

from trunkline.ticket.v1 import ticket_service_pb2
from trunkline.topics import TOPICS
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.managers import ManagerRunner
from trunkline_ledger.service import LedgerService
from trunkline_platform.generations import LiveGeneration
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.http import HttpServer
from trunkline_platform.keystore_choice import open_keystore
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export
from trunkline_platform.outside import OutsidePosts
from trunkline_platform.read_models import ReadModel
from trunkline_platform.replica import Replica, export_until_end, serve_http
from trunkline_platform.rest import create_app
from trunkline_platform.sealing import Sealer
from trunkline_platform.settings import load
from trunkline_platform.store import Store
from trunkline_platform.store_mongo import MongoStore
from trunkline_platform.webhooks import WebhookSecrets

from trunkline_ticketing.adapters import wire
from trunkline_ticketing.adapters.directory import TOPIC as DIRECTORY_TOPIC
from trunkline_ticketing.adapters.directory import directory_manager
from trunkline_ticketing.adapters.notice_posts import NoticePosts
from trunkline_ticketing.adapters.read_model import StoredTickets, TicketProjection
from trunkline_ticketing.application.notices import NoticeRunner, TicketLedger
from trunkline_ticketing.application.reading import TicketReading
from trunkline_ticketing.domain.commands import Command
from trunkline_ticketing.domain.decider import TicketingDecider
from trunkline_ticketing.domain.events import Event
from trunkline_ticketing.domain.state import TicketingState
from trunkline_ticketing.entrypoints.permissions import permit
from trunkline_ticketing.entrypoints.rest import routes
from trunkline_ticketing.metrics import TicketingMetrics
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
    import_path="trunkline_ticketing.bootstrap:SERVICE",
)


@dataclass(frozen=True)
class Ticketing:
    """The running parts, for tests and for processes that hold several services."""

    ledger: TicketLedger
    grpc: GrpcServer
    http: HttpServer


async def bootstrap(process: Process, settings: TicketingSettings | None = None) -> Ticketing:
    """Start ticketing inside the process. Raises: Misconfigured; Transient when a broker or the store is away."""
    settings = settings or load(TicketingSettings)
    replica = Replica(process, settings, SERVICE)
    store = MongoStore(settings.mongo_url.get_secret_value(), settings.mongo_database)
    process.on_stop("ticketing-store", store.close)
    keys = await open_keystore(settings)
    process.on_stop("ticketing-keys", keys.close)
    app = create_app("Trunkline ticketing", process)
    tickets = StoredTickets(LiveGeneration(store, TicketProjection.name))
    reading = TicketReading(tickets, Sealer(keys, settings.secret_bytes).open)
    app.include_router(routes(reading, replica.credentials))
    http = serve_http(process, "ticketing", app, settings)
    notices = NoticeRunner(replica.ledger, _notice_posts(process, settings))
    await replica.start_ledger()
    projection = await _start_projection(process, settings, store)
    await _start_notices(process, settings, replica.ledger, notices)
    export_until_end(process, "ticketing-metrics", export(TicketingMetrics(replica.ledger, projection, notices)))
    commands = ticket_service_pb2.DESCRIPTOR.services_by_name["TicketCommandService"]
    replica.add_commands(commands, wire.WIRE, key_of=wire.key_of, lane_of=wire.lane_of, permit=permit)
    await replica.serve_grpc()
    return Ticketing(replica.ledger, replica.grpc, http)


async def _start_projection(process: Process, settings: TicketingSettings, store: Store) -> ReadModel:
    await ensure_topics(settings.kafka_bootstrap, [TOPICS[DLQ_TOPIC]], settings.replication_factor)
    tickets = ReadModel(TicketProjection, store, bootstrap_servers=settings.kafka_bootstrap, dlq_topic=DLQ_TOPIC)
    process.add("ticketing-projection", tickets.run())
    return tickets


def _notice_posts(process: Process, settings: TicketingSettings) -> NoticePosts:
    posts = OutsidePosts(settings.notice_hosts)
    process.on_stop("ticketing-posts", posts.close)
    return NoticePosts(posts, WebhookSecrets(settings.webhook_secrets.get_secret_value()))


async def _start_notices(
    process: Process, settings: TicketingSettings, ledger: TicketLedger, notices: NoticeRunner
) -> None:
    """Follow the directory and send what is outstanding; the console may start later than we do."""
    await ensure_topics(settings.kafka_bootstrap, [TOPICS[DIRECTORY_TOPIC]], settings.replication_factor)
    process.add("ticketing-directory", ManagerRunner(ledger, [directory_manager()], settings.kafka_bootstrap).run())
    process.add("ticketing-notices", notices.run())
