"""One replica of a service with a ledger: what all of them start alike.

Owns: credential, connections, ledger, command server and HTTP server as parts of a process, their names, readiness and
metrics. Must not: know an area; what a service has besides, it registers in between.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from starlette.applications import Starlette
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.service import LedgerService, LedgerState
from trunkline_ledger.submission import Lane

from trunkline_platform.commands import CommandServer
from trunkline_platform.credentials import Credentials, Principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.grpc_server import GrpcServer
from trunkline_platform.http import HttpServer
from trunkline_platform.lifecycle import Process
from trunkline_platform.metrics import export_ledger
from trunkline_platform.reads import OwnerReads
from trunkline_platform.settings import ServiceSettings
from trunkline_platform.wire import EventWire

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")


class Replica(Generic[S, C, E]):
    """The parts, in the order of start: make it, watch its ledger, `start_ledger`, `add_commands`, `serve_grpc`.

    Nothing is fetched or promised before `start_ledger`. Parts are called `<service>-ledger` and so on.
    """

    def __init__(self, process: Process, settings: ServiceSettings, service: LedgerService[S, C, E]) -> None:
        """Bind the port of gRPC. Raises: Misconfigured when it is taken."""
        self._process = process
        self._settings = settings
        self._name = service.name
        self.credentials, self.channels = Credentials(settings.secret_bytes), Channels()
        process.on_stop(f"{self._name}-channels", self.channels.close)
        self.grpc = GrpcServer(self.credentials, settings.bind_host, settings.grpc_port)
        self.address = settings.address(self.grpc.port)
        self.ledger: Ledger[S, C, E] = Ledger(
            service,
            bootstrap_servers=settings.kafka_bootstrap,
            instance_id=f"{self._name}-{settings.instance_id}",
            address=self.address,
            settings=settings.ledger_settings(),
        )

    async def start_ledger(self) -> None:
        """Run the ledger until the process ends; ready means caught up, and every partition has an owner.

        Raises: Misconfigured; Transient when no broker answers.
        """
        await self.ledger.start()
        self._process.add(f"{self._name}-ledger", self.ledger.run())
        self._process.on_stop(f"{self._name}-ledger", self.ledger.stop)
        self._process.ready(f"{self._name}-ledger", self.ledger.is_caught_up)
        self._process.ready(f"{self._name}-owners", self.ledger.is_served)
        export_until_end(self._process, f"{self._name}-ledger-metrics", export_ledger(self.ledger))

    def add_commands(
        self,
        service: Any,
        wire: EventWire[C, E],
        *,
        key_of: Callable[[C, str], str],
        lane_of: Callable[[C], Lane],
        permit: Callable[[C, Principal], None] | None = None,
    ) -> CommandServer[C, E]:
        """Offer the area's commands over gRPC; for the arguments see `CommandServer`. Call before `serve_grpc`."""
        commands = CommandServer(
            service,
            self.ledger,
            wire,
            key_of=key_of,
            lane_of=lane_of,
            credentials=self.credentials,
            channels=self.channels,
            secret=self._settings.secret_bytes,
            address=self.address,
            permit=permit,
        )
        self.grpc.add(commands.handler())
        return commands

    def owner_reads(self, method: Any) -> OwnerReads:
        """Return what answers a read RPC here or by the owner; `method` is its descriptor."""
        return OwnerReads(method, self.ledger, self.credentials, self.channels, self.address)

    async def serve_grpc(self) -> None:
        """Take requests until the process ends."""
        await self.grpc.start()
        self._process.on_stop(f"{self._name}-grpc", self.grpc.stop)
        await self.grpc.set_serving(True)


def serve_http(process: Process, name: str, app: Starlette, settings: ServiceSettings) -> HttpServer:
    """Serve the app as `<name>-http` until the process ends. Raises: Misconfigured when the port is taken."""
    http = HttpServer(app, settings.bind_host, settings.http_port, settings.trusted_proxies)
    process.add(f"{name}-http", http.run())
    process.on_stop(f"{name}-http", http.stop)
    return http


def export_until_end(process: Process, name: str, stop: Callable[[], None]) -> None:
    """Stop an export of metrics when the process ends; another in the same program may begin its own."""

    async def close() -> None:
        stop()

    process.on_stop(name, close)
