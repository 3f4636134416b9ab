"""Keeps the processes of one machine running: starts them in order, restarts what dies, stops them in reverse order."""

import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field

from trunkline_core.errors import Misconfigured
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.ports import require_free
from trunkline_embedded.process import ChildProcess
from trunkline_embedded.store import MongoStore

from trunkline_launcher.layout import SERVICES, Layout

READY_WITHIN_S = 90.0
CRASHES_BEFORE_GIVING_UP = 5
MISCONFIGURED_EXIT = 78
Report = Callable[[str], None]


@dataclass
class Supervised:
    """One service process and how often it died lately."""

    name: str
    child: ChildProcess
    crashes: int = 0
    started: float = field(default_factory=time.monotonic)


class Supervisor:
    """Starts and stops everything that `make run` needs."""

    def __init__(self, layout: Layout, report: Report) -> None:
        self._layout = layout
        self._report = report
        self._kafka: KafkaNode | None = None
        self._store: MongoStore | None = None
        self._services: dict[str, Supervised] = {}

    def start(self) -> None:
        """Start all and return when a contact can be taken. Raises: Misconfigured with one sentence."""
        for name, port in self._layout.ports.items():
            if not (name == "KAFKA" and self._layout.kafka) and not (name == "MONGO" and self._layout.mongo):
                require_free(port, name.replace("_", " ").lower(), f"TRUNKLINE_{name}_PORT")
        self._start_kafka_and_store()
        for name in SERVICES:
            self._services[name] = Supervised(name, self._start_service(name))
        self._wait_until_ready()

    def _start_kafka_and_store(self) -> None:
        if not self._layout.kafka:
            self._kafka = KafkaNode.start(self._layout.data / "kafka", self._layout.ports["KAFKA"], self._report)
        if not self._layout.mongo:
            self._store = MongoStore.start(self._layout.data / "store", self._layout.ports["MONGO"], self._report)

    def _start_service(self, name: str) -> ChildProcess:
        argv = [sys.executable, "-m", f"trunkline_{name}"]
        return ChildProcess(argv, self._layout.logs / f"{name}.log", env=self._layout.environment(name))

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        waiting = set(SERVICES)
        while waiting:
            for name in sorted(waiting):
                self._require_running(name)
                if answers(f"{self._layout.http_url(name)}/readyz"):
                    waiting.discard(name)
                    self._report(f"{name} is ready")
            if time.monotonic() > deadline:
                raise Misconfigured(f"Not ready in time: {', '.join(sorted(waiting))}; see {self._layout.logs}.")
            time.sleep(0.1)

    def _require_running(self, name: str) -> None:
        child = self._services[name].child
        if not child.is_running:
            raise Misconfigured(f"{name} ended while starting:\n{tail_of(child)}")

    def watch(self) -> None:
        """Restart what dies until interrupted. Raises: Misconfigured when something dies again and again."""
        while True:
            for supervised in self._services.values():
                if not supervised.child.is_running:
                    self._restart(supervised)
            for server in (self._kafka, self._store):
                if server is not None and not server.is_running:
                    self._report(f"{type(server).__name__} died, starting it again")
                    server.restart()
            time.sleep(0.5)

    def _restart(self, supervised: Supervised) -> None:
        lived_s = time.monotonic() - supervised.started
        supervised.crashes = 1 if lived_s > 60 else supervised.crashes + 1
        if supervised.crashes > CRASHES_BEFORE_GIVING_UP or supervised.child.returncode == MISCONFIGURED_EXIT:
            raise Misconfigured(f"{supervised.name} keeps ending:\n{tail_of(supervised.child)}")
        self._report(f"{supervised.name} ended with code {supervised.child.returncode}, starting it again")
        time.sleep(0.2 * supervised.crashes)
        supervised.child = self._start_service(supervised.name)
        supervised.started = time.monotonic()

    def stop(self) -> None:
        """Stop services first, then the store and Kafka, so that what is in flight can land."""
        for supervised in self._services.values():
            supervised.child.terminate()
        for supervised in self._services.values():
            supervised.child.stop(15)
        if self._store is not None:
            self._store.stop()
        if self._kafka is not None:
            self._kafka.stop()


def tail_of(child: ChildProcess) -> str:
    """Return the last lines of a process's log, for the error message."""
    return "\n".join(child.last_lines(20))


def answers(url: str) -> bool:
    """Tell whether a GET of `url` gives 200 within a second."""
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError, ValueError):
        return False
