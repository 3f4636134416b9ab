"""The only wiring of ivr: its ledger, its command server, and the directory's publications."""

from dataclasses import dataclass
from importlib.metadata import version

from trunkline.ivr.v1 import ivr_service_pb2, ivr_service_pb2_grpc
from trunkline.topics import TOPICS
from trunkline_ledger.kafka.topics import ensure_topics
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.managers import ManagerRunner
from trunkline_ledger.service import LedgerService
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.http import HttpServer, health_app
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export
from trunkline_platform.replica import Replica, export_until_end, serve_http
from trunkline_platform.settings import load

from trunkline_ivr.adapters import directory, wire
from trunkline_ivr.domain.commands import Command
from trunkline_ivr.domain.decider import IvrDecider
from trunkline_ivr.domain.events import Event
from trunkline_ivr.domain.state import IvrState
from trunkline_ivr.entrypoints.grpc import IvrReads
from trunkline_ivr.entrypoints.permissions import permit
from trunkline_ivr.metrics import IvrMetrics
from trunkline_ivr.settings import IvrSettings

SERVICE: LedgerService[IvrState, Command, Event] = LedgerService(
    name="ivr",
    topic=wire.TOPIC,
    decider=IvrDecider(),
    new_state=IvrState,
    codec=wire.WIRE,
    decider_version=version("trunkline-ivr"),
    stream_of=wire.stream_of,
    correlation_of=wire.correlation_of,
    is_last=wire.is_last,
    # 2: a flow's node asks for choices (routing rule 6): a reader of 1 would send contacts on without them, to agents
    # who lack the skills
    schema_version=2,
    written_version=2,
    import_path="trunkline_ivr.bootstrap:SERVICE",
)


@dataclass(frozen=True)
class Ivr:
    """The running parts, for tests and for processes that hold several services."""

    ledger: Ledger[IvrState, Command, Event]
    grpc: GrpcServer
    http: HttpServer


async def bootstrap(process: Process, settings: IvrSettings | None = None) -> Ivr:
    """Start ivr inside the process. Raises: Misconfigured; Transient when no broker is up."""
    settings = settings or load(IvrSettings)
    replica = Replica(process, settings, SERVICE)
    http = serve_http(process, "ivr", health_app(process), settings)
    commands = ivr_service_pb2.DESCRIPTOR.services_by_name["IvrCommandService"]
    replica.add_commands(commands, wire.WIRE, key_of=wire.key_of, lane_of=wire.lane_of, permit=permit)
    ivr_service_pb2_grpc.add_IvrReadServiceServicer_to_server(IvrReads(replica.ledger), replica.grpc.server)
    sources = [TOPICS[directory.TOPIC]]  # the console may start later than we do
    await ensure_topics(settings.kafka_bootstrap, sources, settings.replication_factor)
    await replica.start_ledger()
    definitions = ManagerRunner(replica.ledger, [directory.DEFINITIONS], settings.kafka_bootstrap)
    process.add("ivr-definitions", definitions.run())
    export_until_end(process, "ivr-metrics", export(IvrMetrics(replica.ledger)))
    await replica.serve_grpc()
    return Ivr(replica.ledger, replica.grpc, http)
