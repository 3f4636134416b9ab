"""The only wiring of ivr: its ledger, its command server, and the directory's publications."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from trunkline.ivr.v1 import ivr_service_pb2
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
from trunkline_platform.settings import load

from trunkline_ivr import metrics
from trunkline_ivr.adapters import directory, wire
from trunkline_ivr.domain.commands import Command
from trunkline_ivr.domain.decider import IvrDecider
from trunkline_ivr.domain.events import Event
from trunkline_ivr.domain.state import IvrState
from trunkline_ivr.entrypoints.permissions import permit
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
    credentials, channels = Credentials(settings.secret_bytes), Channels()
    process.on_stop("ivr-channels", channels.close)
    http = HttpServer(create_app("Trunkline ivr", process), settings.bind_host, settings.http_port)
    process.add("ivr-http", http.run())
    process.on_stop("ivr-http", http.stop)
    grpc = GrpcServer(credentials, settings.bind_host, settings.grpc_port)
    address = settings.address(grpc.port)
    ledger = Ledger(
        SERVICE,
        bootstrap_servers=settings.kafka_bootstrap,
        instance_id=f"ivr-{settings.instance_id}",
        address=address,
        settings=settings.ledger_settings(),
    )
    commands = CommandServer(
        ivr_service_pb2.DESCRIPTOR.services_by_name["IvrCommandService"],
        ledger,
        wire.WIRE,
        key_of=wire.key_of,
        lane_of=wire.lane_of,
        credentials=credentials,
        channels=channels,
        secret=settings.secret_bytes,
        address=address,
        permit=permit,
    )
    await _start_ledger(process, settings, ledger)
    grpc.add(commands.handler())
    await grpc.start()
    process.on_stop("ivr-grpc", grpc.stop)
    await grpc.set_serving(True)
    return Ivr(ledger, grpc, http)


async def _start_ledger(process: Process, settings: IvrSettings, ledger: Ledger[IvrState, Command, Event]) -> None:
    sources = [TOPICS[directory.TOPIC]]
    ledger_settings = settings.ledger_settings()
    await ensure_topics(settings.kafka_bootstrap, sources, ledger_settings.replication_factor)
    await ledger.start()
    process.add("ivr-ledger", ledger.run())
    process.on_stop("ivr-ledger", ledger.stop)
    process.ready("ivr-ledger", ledger.is_caught_up)
    process.ready("ivr-owners", ledger.is_served)
    definitions = ManagerRunner(ledger, [directory.DEFINITIONS], settings.kafka_bootstrap)
    process.add("ivr-definitions", definitions.run())
    _export(process, export_ledger(ledger))
    _export(process, metrics.export(ledger))


def _export(process: Process, stop: Callable[[], None]) -> None:
    async def close() -> None:
        stop()

    process.on_stop("ivr-metrics", close)
