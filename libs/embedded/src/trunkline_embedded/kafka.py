"""A real Apache Kafka on this machine: one node for development, a small cluster for tests of failures.

Owns configuration, formatting, start and end of KRaft nodes. Creates no topics. Data survive every kind of end.
"""

import base64
import socket
import struct
import time
import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from trunkline_core.errors import Misconfigured

from trunkline_embedded.aot import cached_options
from trunkline_embedded.ports import LOOPBACK, free_port, require_free
from trunkline_embedded.process import ChildProcess
from trunkline_embedded.server import Server
from trunkline_embedded.toolchain import KAFKA, Report, java, kafka_class_path

READY_WITHIN_S: Final = 60.0
PROPERTIES: Final = Path(__file__).parent / "kafka" / "single-node.properties"
FORMATTED: Final = "meta.properties"
FEATURES: Final = "bootstrap.checkpoint"
JVM: Final = (
    *("-Xms64m", "-Xmx160m", "-XX:+UseSerialGC", "-XX:-UsePerfData"),
    "-XX:TieredStopAtLevel=1",  # the second compiler takes more of two cores than it gives back
    "--sun-misc-unsafe-memory-access=allow",  # else each start logs four lines of warning
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)


@dataclass(slots=True)
class KafkaNode(Server):
    """One broker (and controller) with its data folder. Made by `start`, or by `KafkaCluster`."""

    called, log_name = "Kafka", "kafka.log"

    data: Path
    port: int
    _java: Sequence[str]
    _settings: dict[str, str] = field(default_factory=dict)
    _cluster_id: str = ""
    _process: ChildProcess | None = None

    @classmethod
    def start(cls, data: Path, port: int | None = None, report: Report = print) -> "KafkaNode":
        """Start a single node and wait until it serves clients.

        Args:
            data: its folder, made and formatted when new; holds records, configuration and `kafka.log`.
            port: for clients, on 127.0.0.1; None takes a free one.
            report: receives lines of progress while jars are fetched.

        Raises:
            Misconfigured: the port is taken, the toolchain cannot be fetched, or Kafka does not come up in 60 s.
        """
        if port is not None:
            require_free(port, "Kafka")
        node = cls(data.absolute(), port or free_port(), kafka_java(report))
        node.restart()
        return node

    @property
    def bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def restart(self) -> None:
        """Start again on the same data and port, stopping the node first if it runs. Waits until it serves."""
        self.stop()
        self.launch()
        try:
            self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def launch(self) -> None:
        """Start without waiting."""
        self.configure()
        self._process = self._run("kafka.Kafka", str(self._file))

    def wait_ready(self, brokers: int = 1, timeout_s: float = READY_WITHIN_S) -> None:
        """Wait until the node serves clients and knows `brokers` live brokers."""
        deadline = time.monotonic() + timeout_s
        while live_brokers(self.port) < brokers:
            if not self.is_running:
                raise self._failure("stopped while starting")
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready after {timeout_s:.0f} s")
            time.sleep(0.05)

    def pause(self) -> None:
        """Freeze (SIGSTOP): connections stay open, nothing is answered."""
        if self._process:
            self._process.pause()

    def resume(self) -> None:
        """Undo `pause`."""
        if self._process:
            self._process.resume()

    @property
    def _file(self) -> Path:
        return self.data / "server.properties"

    @property
    def _records(self) -> Path:
        return self.data / "records"

    def _run(self, main_class: str, *arguments: str) -> ChildProcess:
        return ChildProcess([*self._java, main_class, *arguments], self.log)

    def configure(self) -> None:
        """Write the configuration, and format the storage of a new node."""
        (controller,) = _free_ports(1, taken={self.port})
        text = PROPERTIES.read_text(encoding="utf-8").replace("CONTROLLER_PORT", str(controller))
        text = text.replace("PORT", str(self.port)).replace("DATA", str(self._records))  # last: a path may say PORT
        settings = dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
        settings |= self._settings
        try:
            self.data.mkdir(parents=True, exist_ok=True)
            _write_properties(self._file, settings)
        except OSError as error:
            raise Misconfigured(f"Kafka cannot write to its data folder {self.data} ({error.strerror}).") from error
        if not (self._records / FORMATTED).exists():
            self._format(settings["node.id"])

    def _format(self, node_id: str) -> None:
        """Make the storage of a new node: Kafka's own tool once for these jars, later from what it wrote then.

        The tool is a Java of its own, which takes a second; what it writes differs in three ids.
        """
        cluster_id, kept = self._cluster_id or new_cluster_id(), KAFKA.folder / FEATURES
        if not kept.exists():
            self._run_storage_tool(cluster_id)
            partial = kept.with_name(f"{FEATURES}-{new_cluster_id()}")
            partial.write_bytes((self._records / FEATURES).read_bytes())
            partial.rename(kept)
            return
        self._records.mkdir(exist_ok=True)
        (self._records / FEATURES).write_bytes(kept.read_bytes())
        ids = {"cluster.id": cluster_id, "directory.id": new_cluster_id(), "node.id": node_id, "version": "1"}
        _write_properties(self._records / FORMATTED, ids)

    def _run_storage_tool(self, cluster_id: str) -> None:
        arguments = ["format", "--ignore-formatted", "-t", cluster_id, "-c", str(self._file)]
        self._process = self._run("kafka.tools.StorageTool", *arguments)
        try:
            formatted = self._process.wait(READY_WITHIN_S) and self._process.returncode == 0
        finally:
            self._process.kill()
        if not formatted:
            raise self._failure("could not format its storage")


@dataclass(slots=True)
class KafkaCluster:
    """Several nodes, each broker and controller; topics need 2 of their 3 replicas to take a record."""

    nodes: Sequence[KafkaNode]

    @classmethod
    def start(cls, root: Path, nodes: int = 3, report: Report = print) -> "KafkaCluster":
        """Start a cluster in `root` (one folder a node) and wait until every node knows all others.

        Raises:
            Misconfigured: as `KafkaNode.start`.
        """
        java_command = kafka_java(report)
        ports = _free_ports(2 * nodes)
        clients, controllers = ports[:nodes], ports[nodes:]
        voters = ",".join(f"{i}@{LOOPBACK}:{port}" for i, port in enumerate(controllers, 1))
        cluster_id = new_cluster_id()
        members = []
        for i, (port, controller) in enumerate(zip(clients, controllers, strict=True), 1):
            settings = _member_settings(i, port, controller, voters, replicas=min(nodes, 3))
            members.append(KafkaNode((root / f"node-{i}").absolute(), port, java_command, settings, cluster_id))
        cluster = cls(members)
        try:
            for node in members:
                node.launch()
            for node in members:
                node.wait_ready(brokers=nodes)
        except BaseException:
            cluster.kill()
            raise
        return cluster

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes)

    def stop(self) -> None:
        """Shut all nodes down; the data stay."""
        for node in self.nodes:
            node.terminate()
        for node in self.nodes:
            node.stop()

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()


def kafka_java(report: Report = print) -> Sequence[str]:
    """Return the command of Kafka's Java up to the main class; what it needs is fetched and made first.

    Raises:
        Misconfigured: the toolchain cannot be fetched, or Kafka does not come up.
    """
    program = ("-cp", kafka_class_path(report))
    return (str(java()), *JVM, *cached_options(KAFKA, lambda option: _rehearse(option, program), report), *program)


def _rehearse(option: str, program: Sequence[str]) -> None:
    with TemporaryDirectory() as folder:
        plain = (str(java()), *JVM, *program)
        node = KafkaNode(Path(folder), free_port(), plain)
        node.configure()  # without the option: formatting would write a cache of its own
        node = KafkaNode(Path(folder), node.port, (plain[0], option, *plain[1:]))
        node.restart()
        node.stop(READY_WITHIN_S)  # here the cache is written


def live_brokers(port: int, timeout_s: float = 1.0) -> int:
    """Ask a broker how many brokers it knows to be alive; 0 when it does not answer.

    Metadata request and response, version 1 (https://kafka.apache.org/protocol): int32 size, then
    api key 3, api version 1, correlation id 1, client id null, no topics; back come the id and the brokers' count.
    """
    request = struct.pack(">hhihi", 3, 1, 1, -1, 0)
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_s) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = connection.makefile("rb").read(12)
    except OSError:
        return 0
    return int(struct.unpack(">iii", answer)[2]) if len(answer) == 12 else 0


def new_cluster_id() -> str:
    """Return a cluster id as Kafka wants it: 16 random bytes, base64 without padding, no leading dash."""
    identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    return new_cluster_id() if identity.startswith("-") else identity


def _write_properties(file: Path, properties: Mapping[str, str]) -> None:
    file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()), encoding="utf-8")


def _free_ports(count: int, taken: Collection[int] = ()) -> list[int]:
    ports: list[int] = []
    while len(ports) < count:
        port = free_port()
        if port not in ports and port not in taken:
            ports.append(port)
    return ports


def _member_settings(node_id: int, port: int, controller: int, voters: str, replicas: int) -> dict[str, str]:
    return {
        "node.id": str(node_id),
        "controller.quorum.voters": voters,
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller}",
        "default.replication.factor": str(replicas),
        "min.insync.replicas": str(min(2, replicas)),
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(min(2, replicas)),
        "share.coordinator.state.topic.replication.factor": str(replicas),
        "share.coordinator.state.topic.min.isr": str(min(2, replicas)),
    }
