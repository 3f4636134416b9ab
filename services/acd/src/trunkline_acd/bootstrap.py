"""The only wiring of acd: which parts there are and in which order they start and stop."""

from dataclasses import dataclass
from importlib.metadata import version

from trunkline.topics import TOPICS
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.managers import ManagerRunner
from trunkline_ledger.service import LedgerService
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.http import HttpServer, health_app
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export
from trunkline_platform.peers import PeerRegistry, PeerWatch
from trunkline_platform.replica import Replica, export_until_end, serve_http
from trunkline_platform.settings import load

from trunkline_acd.adapters.directory import TOPIC as DIRECTORY_TOPIC
from trunkline_acd.adapters.directory import directory_manager
from trunkline_acd.adapters.wire import (
    CODEC,
    COMMAND_SERVICE,
    correlation_of,
    is_ignorable,
    is_last,
    key_of,
    lane_of,
    stream_of,
)
from trunkline_acd.application.consoles import desks_held, desks_lost
from trunkline_acd.application.contact_explanations import ContactExplanations
from trunkline_acd.application.desk_feed import AcdLedger, DeskFeed
from trunkline_acd.application.gateways import DeviceReports, devices_held, devices_lost
from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.decider import AcdDecider
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.state import AcdState
from trunkline_acd.entrypoints.devices import Devices
from trunkline_acd.entrypoints.grpc import register
from trunkline_acd.entrypoints.permissions import permit
from trunkline_acd.entrypoints.reads import AcdReads
from trunkline_acd.entrypoints.sessions import AgentSessions
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
        is_last=is_last,
        # 2: a contact that is given on (rule 19) excludes its agent: a reader of 1 would offer it again
        # 3: a contact rings at several agents (rule 9): a reader of 2 would take the newest offer for the only one;
        # agents of another queue help out (rule 12): it would not find them eligible; a parked chat uses no units
        # (rule 2): it would not give them to anybody; a consultation books a second agent (rule 19): it would offer
        # that one more; a telephone is lost (rule 1): it would offer that agent calls; an agent is kept while a
        # customer is dialled (rule 13): it would offer that agent more
        schema_version=3,
        written_version=3,
        snapshots_since=3,  # lines know what a contact asks for itself
        import_path="trunkline_acd.bootstrap:ledger_service",
    )


async def bootstrap(process: Process, settings: AcdSettings | None = None) -> Acd:
    """Start acd inside `process`. Raises: Misconfigured; Transient when Kafka is away."""
    settings = settings or load(AcdSettings)
    replica = Replica(process, settings, ledger_service())
    ledger: AcdLedger = replica.ledger
    http = serve_http(process, "acd", health_app(process), settings)
    feed, consoles, gateways = DeskFeed(ledger), PeerRegistry(), PeerRegistry()
    console_watch = PeerWatch(ledger, consoles, held_of=desks_held, lose=desks_lost)
    gateway_watch = PeerWatch(ledger, gateways, held_of=devices_held, lose=devices_lost)
    reports = DeviceReports(ledger, gateways)
    replica.add_commands(COMMAND_SERVICE, CODEC, key_of=key_of, lane_of=lane_of, permit=permit)
    reads = AcdReads(ledger, ContactExplanations(ledger))
    register(replica.grpc, AgentSessions(feed, consoles), reads, Devices(reports, gateways))
    directory = [TOPICS[DIRECTORY_TOPIC]]  # the console may start later than we do
    await ensure_topics(settings.kafka_bootstrap, directory, settings.replication_factor)
    await replica.start_ledger()
    process.add("acd-directory", ManagerRunner(ledger, [directory_manager()], settings.kafka_bootstrap).run())
    process.add("acd-consoles", console_watch.run())
    process.add("acd-gateways", gateway_watch.run())
    process.add("acd-devices", reports.run())
    export_until_end(process, "acd-metrics", export(RoutingMetrics(ledger)))
    await replica.serve_grpc()
    return Acd(ledger, replica.grpc, http)
