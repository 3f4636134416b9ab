"""Services as several replicas: processes of their own, which a test may kill and start again.

Owns: which replica listens where, and what each knows of the others. Must not: restart anything by itself.
"""

import contextlib
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.process import ChildProcess
from trunkline_launcher.layout import GRPC_SERVICES, SERVICES, Layout, free_ports
from trunkline_ledger.core.records import MARKER_TYPE
from trunkline_testkit.checker.log import read_records
from waiting import wait_until

HEALTHY = (sys.executable, "-m")
REPLICATED_LEDGERS = {"acd": "acd.events.v1", "channels": "contact.events.v1"}
RUNTIME = "trunkline.ledger.v1."
FIGURE = r"^trunkline_ledger_{name}\{{.*\}} (\d+)"
SNAPSHOT_EVERY = 200  # so that who is killed comes back from one


class Replica:
    """One process of a service."""

    def __init__(self, service: str, number: int, layout: Layout) -> None:
        self.service = service
        self.instance_id = str(number)
        self.layout = layout
        self._child: ChildProcess | None = None

    def start(self, environment: Mapping[str, str], argv: tuple[str, ...] = HEALTHY) -> None:
        """Start it without waiting. `argv`: what runs the module that is named after the service."""
        log = self.layout.logs / f"{self.service}-{self.instance_id}.log"
        self._child = ChildProcess([*argv, f"trunkline_{self.service}"], log, env=environment)

    @property
    def is_running(self) -> bool:
        """Whether the process lives; a frozen one does."""
        return self._child is not None and self._child.is_running

    def kill(self) -> None:
        """SIGKILL."""
        self.signal(signal.SIGKILL)
        assert self._child is not None and self._child.wait(10)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, for example SIGSTOP."""
        assert self._child is not None
        self._child.signal(number)

    def terminate(self) -> None:
        """Ask it to end."""
        if self._child is not None:
            self._child.terminate()

    def stop(self) -> None:
        """Ask it to end and wait."""
        if self._child is not None:
            self._child.stop()

    def is_ready(self) -> bool:
        """Whether it says so."""
        assert self.is_running, "\n".join((f"{self.service} {self.instance_id} ended", *self.last_lines()))
        return self.says_ready()

    def says_ready(self) -> bool:
        """The same of a process that may be down for a while."""
        return self._get("/readyz") is not None

    def last_lines(self) -> list[str]:
        """Return the end of its log."""
        return [] if self._child is None else self._child.last_lines()

    def has_logged(self, words: str) -> bool:
        """Whether the log of its starts so far has these words."""
        return self._child is not None and words in self._child.log.read_text(encoding="utf-8", errors="replace")

    def owned(self) -> int:
        """Return how many partitions it decides on."""
        return self.figure("owned_partitions")

    def figure(self, name: str) -> int:
        """Return one of the ledger's metrics, 0 where nobody answers."""
        found = re.findall(FIGURE.format(name=name), self._get("/metrics") or "", re.MULTILINE)
        return sum(int(number) for number in found)

    def _get(self, path: str) -> str | None:
        try:
            answer = httpx.get(f"{self.layout.http_url(self.service)}{path}", timeout=5)
        except httpx.TransportError:
            return None
        return answer.text if answer.status_code == 200 else None


Settings = Callable[[Replica], Mapping[str, str]]
Program = Callable[[Replica], tuple[str, ...]]


class Fleet:
    """All services on one Kafka and one store; `replicas` says of which there are several.

    `settings`: what a replica is told besides, by environment; `program`: what runs its module. Asked at each start.
    """

    def __init__(
        self,
        folder: Path,
        kafka: str,
        mongo: str,
        database: str,
        replicas: Mapping[str, int],
        settings: Settings = lambda _: {},
        program: Program = lambda _: HEALTHY,
    ) -> None:
        self.layout = Layout(folder, kafka, mongo, free_ports())
        self._database = database
        self._settings = settings
        self._program = program
        self._replicas = {
            (service, number): Replica(service, number, self._layout_of(number))
            for service in SERVICES
            for number in range(1, replicas.get(service, 1) + 1)
        }

    def _layout_of(self, number: int) -> Layout:
        if number == 1:
            return self.layout
        return Layout(self.layout.data, self.layout.kafka, self.layout.mongo, free_ports())

    def all(self) -> list[Replica]:
        """Return every replica of every service."""
        return list(self._replicas.values())

    def of(self, service: str) -> list[Replica]:
        """Return a service's replicas."""
        return [replica for (name, _), replica in self._replicas.items() if name == service]

    async def busy_owner(self, service: str) -> Replica:
        """Return the replica that decides where most happens: the owner, by its marker, of the fullest partition."""
        records = await read_records(self.layout.kafka, [REPLICATED_LEDGERS[service]])
        events = Counter(record.partition for record in records if not (record.type or "").startswith(RUNTIME))
        ((partition, _),) = events.most_common(1)
        markers = [record for record in records if (record.partition, record.type) == (partition, MARKER_TYPE)]
        owner = Marker.FromString(max(markers, key=lambda record: record.epoch or 0).value).instance_id
        (found,) = [replica for replica in self.of(service) if owner == f"{service}-{replica.instance_id}"]
        return found

    def addresses(self, service: str) -> list[str]:
        """Return where a service's replicas take gRPC."""
        return [replica.layout.grpc_address(service) for replica in self.of(service)]

    def start(self) -> None:
        """Start all and wait until each is ready."""
        for replica in self._replicas.values():
            self.begin(replica)
        self.ready()

    def begin(self, replica: Replica, argv: tuple[str, ...] = ()) -> None:
        """Start one replica, without waiting. `argv`: what runs its module this time."""
        replica.start(self._environment(replica), argv or self._program(replica))

    def ready(self) -> None:
        """Wait until every replica says that it is ready."""
        for replica in self._replicas.values():
            wait_until(replica.is_ready, f"{replica.service} {replica.instance_id} is ready", 120)

    def stop(self) -> None:
        """End everything, all at the same time."""
        for replica in self._replicas.values():
            replica.terminate()
        for replica in self._replicas.values():
            replica.stop()

    def _environment(self, replica: Replica) -> dict[str, str]:
        return replica.layout.environment(replica.service) | dict(self._known(replica)) | dict(self._settings(replica))

    def _known(self, replica: Replica) -> Iterator[tuple[str, str]]:
        yield "TRUNKLINE_INSTANCE_ID", replica.instance_id
        yield "TRUNKLINE_SNAPSHOT_EVERY", str(SNAPSHOT_EVERY)
        yield "TRUNKLINE_MONGO_DATABASE", self._database
        yield "TRUNKLINE_CHANNELS_REPLICAS", ",".join(self.addresses("channels"))
        own = f"TRUNKLINE_{replica.service.upper()}"
        for other in GRPC_SERVICES:
            yield f"{own}_{other.upper()}_ADDRESSES", ",".join(self.addresses(other))
            yield f"{own}_{other.upper()}_URL", self.layout.http_url(other)


@contextlib.contextmanager
def running_fleet(folder: Path, mongo: str, database: str, settings: Settings = lambda _: {}) -> Iterator[Fleet]:
    """Two replicas of acd and channels, one of each other service, ready, on a broker of their own in `folder`."""
    broker = KafkaNode.start(folder / "kafka")
    try:
        fleet = Fleet(folder / "data", broker.bootstrap, mongo, database, {"acd": 2, "channels": 2}, settings)
        try:
            fleet.start()
            yield fleet
        finally:
            fleet.stop()
    finally:
        broker.kill()
