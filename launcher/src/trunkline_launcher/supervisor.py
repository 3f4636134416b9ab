"""Keeps the processes of one machine running: starts them in order, restarts what dies, stops them in reverse order."""

import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from trunkline_core.errors import Misconfigured
from trunkline_embedded.kafka import KafkaNode
from trunkline_embedded.ports import require_free
from trunkline_embedded.process import ChildProcess
from trunkline_embedded.store import MongoStore

from trunkline_launcher.layout import SERVICES, Layout, port_variable
from trunkline_launcher.readiness import missing_definitions, reasons_unready

READY_WITHIN_S: Final = 90.0
DEFINITIONS_WITHIN_S: Final = 30.0
STOP_WITHIN_S: Final = 15.0
LOOK_EVERY_S: Final = 0.5
REPORT_EVERY_S: Final = 5.0
MAX_DEATHS: Final = 5
DEATHS_WITHIN_S: Final = 120.0
MISCONFIGURED_EXIT: Final = 78
Report = Callable[[str], None]


class Server(Protocol):
    """A program that is kept running."""

    @property
    def log(self) -> Path: ...
    @property
    def is_running(self) -> bool: ...
    @property
    def returncode(self) -> int | None: ...
    def last_lines(self) -> list[str]: ...
    def bound_log(self) -> None: ...
    def restart(self) -> None: ...
    def terminate(self) -> None: ...
    def stop(self, timeout_s: float = ...) -> None: ...


class Service:
    """One service of the centre as a process of its own."""

    def __init__(self, name: str, layout: Layout) -> None:
        """Start it, without waiting."""
        self._name = name
        self._layout = layout
        self._child = self._start()

    def _start(self) -> ChildProcess:
        argv = [sys.executable, "-m", f"trunkline_{self._name}"]
        return ChildProcess(argv, self.log, env=self._layout.environment(self._name))

    @property
    def log(self) -> Path:
        return self._layout.logs / f"{self._name}.log"

    @property
    def is_running(self) -> bool:
        return self._child.is_running

    @property
    def returncode(self) -> int | None:
        return self._child.returncode

    def last_lines(self) -> list[str]:
        return self._child.last_lines()

    def bound_log(self) -> None:
        self._child.bound_log()

    def restart(self) -> None:
        """Start again, without waiting."""
        self._child.stop(STOP_WITHIN_S)
        self._child = self._start()

    def terminate(self) -> None:
        self._child.terminate()

    def stop(self, timeout_s: float = STOP_WITHIN_S) -> None:
        self._child.stop(timeout_s)


@dataclass(slots=True)
class Kept:
    """A server, and when it died lately (monotonic seconds)."""

    name: str
    server: Server
    deaths: deque[float] = field(default_factory=deque)

    def look_after(self, report: Report) -> None:
        """Start it again if it died.

        Raises: Misconfigured, with the end of its log, when it dies again and again or says that it is misconfigured.
        """
        self.server.bound_log()
        if self.server.is_running:
            return
        self._count_death()
        report(f"{self.name} ended with code {self.server.returncode}, starting it again")
        time.sleep(0.2 * len(self.deaths))
        self.server.restart()

    def _count_death(self) -> None:
        now = time.monotonic()
        self.deaths.append(now)
        while self.deaths[0] < now - DEATHS_WITHIN_S:
            self.deaths.popleft()
        if self.server.returncode == MISCONFIGURED_EXIT:
            raise Misconfigured((self.server.last_lines() or [f"{self.name} is misconfigured."])[-1])
        if len(self.deaths) > MAX_DEATHS:
            lines = [f"{self.name} keeps ending, its log {self.server.log} ends so:", *self.server.last_lines()]
            raise Misconfigured("\n".join(lines))


def require_ports(layout: Layout) -> None:
    """Check that every port can be listened on. Raises: Misconfigured with one sentence."""
    for name, port in layout.ports.items():
        if not (name == "KAFKA" and layout.kafka) and not (name == "MONGO" and layout.mongo):
            require_free(port, _user_of(name), port_variable(name))


def _user_of(name: str) -> str:
    service, _, protocol = name.partition("_")
    if not protocol:
        return {"KAFKA": "Kafka", "MONGO": "the store"}[service]
    return f"{service.lower()} ({protocol.replace('GRPC', 'gRPC')})"


class Supervisor:
    """Starts and stops everything that `make run` needs."""

    def __init__(self, layout: Layout, report: Report) -> None:
        self._layout = layout
        self._report = report
        self._servers: list[Kept] = []
        self._services: list[Kept] = []

    def start(self) -> None:
        """Start all and return when a contact can be taken. Raises: Misconfigured with one sentence."""
        self._start_servers()
        for name in SERVICES:
            self._services.append(Kept(name, Service(name, self._layout)))
        self._wait_until_ready()
        self._wait_for_definitions()

    def _start_servers(self) -> None:
        layout = self._layout
        if not layout.kafka:
            node = KafkaNode.start(layout.data / "kafka", layout.ports["KAFKA"], self._report)
            self._servers.append(Kept("Kafka", node))
            self._report("Kafka is up")
        if not layout.mongo:
            store = MongoStore.start(layout.data / "store", layout.ports["MONGO"], self._report)
            self._servers.append(Kept("the store", store))
            self._report("the store is up")

    def _wait_until_ready(self) -> None:
        """Raises: Misconfigured."""
        deadline = time.monotonic() + READY_WITHIN_S
        spoken = time.monotonic()
        waiting = list(SERVICES)
        while waiting:
            self._look_after_all()
            reasons = {name: reasons_unready(self._layout, name) for name in waiting}
            for name in [name for name in waiting if not reasons[name]]:
                waiting.remove(name)
                self._report(f"{name} is ready")
            shown = "; ".join(f"{name} ({', '.join(reasons[name])})" for name in waiting)
            if time.monotonic() > deadline:
                raise Misconfigured(f"Not ready in time: {shown}; see the logs in {self._layout.logs}.")
            if waiting and time.monotonic() - spoken > REPORT_EVERY_S:
                spoken = time.monotonic()
                self._report(f"waiting for {shown}")
            time.sleep(0.1)

    def _wait_for_definitions(self) -> None:
        """What a service refused for good must not keep the rest from running: it is named, and that is all."""
        deadline = time.monotonic() + DEFINITIONS_WITHIN_S
        while missing := missing_definitions(self._layout):
            self._look_after_all()
            if time.monotonic() > deadline:
                self._report(f"warning: {'; '.join(missing)}; see the logs in {self._layout.logs}")
                return
            time.sleep(0.1)

    def watch(self) -> None:
        """Restart what dies until interrupted. Raises: Misconfigured when something dies again and again."""
        while True:
            self._look_after_all()
            time.sleep(LOOK_EVERY_S)

    def _look_after_all(self) -> None:
        for kept in (*self._servers, *self._services):
            kept.look_after(self._report)

    def stop(self) -> None:
        """Stop services first, then the store and Kafka, so that what is in flight can land."""
        for group in (self._services, self._servers):
            deadline = time.monotonic() + STOP_WITHIN_S
            for kept in group:
                kept.server.terminate()
            for kept in group:
                kept.server.stop(max(0.0, deadline - time.monotonic()))
