"""A Mongo-compatible store on this machine: mongo-java-server on one H2 file. Owns its start and end, not its content.

A write is in the file before it is acknowledged, so it survives the process's kill (not the machine's power cut).
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from trunkline_core.errors import Misconfigured

from trunkline_embedded.ports import LOOPBACK, accepts, free_port, require_free
from trunkline_embedded.process import ChildProcess
from trunkline_embedded.server import Server
from trunkline_embedded.toolchain import Report, java, store_class_path

READY_WITHIN_S: Final = 60.0
HEAP: Final = ("-Xms32m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData")
NATIVE: Final = ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")  # Netty, else it warns


@dataclass(slots=True)
class MongoStore(Server):
    """One store with its data folder. Made by `start`."""

    called, log_name = "The store", "store.log"

    data: Path
    port: int
    _class_path: str
    _process: ChildProcess | None = None

    @classmethod
    def start(cls, data: Path, port: int | None = None, report: Report = print) -> "MongoStore":
        """Start the store and wait until it takes connections.

        Args:
            data: its folder, made when new; holds `store.mv` and `store.log`.
            port: on 127.0.0.1; None takes a free one.
            report: receives lines of progress while jars are fetched.

        Raises:
            Misconfigured: the port is taken, the toolchain cannot be fetched, or the store does not come up in 60 s.
        """
        if port is not None:
            require_free(port, "the store", "TRUNKLINE_MONGO_PORT")
        store = cls(data.absolute(), port or free_port(), store_class_path(report))
        store.restart()
        return store

    @property
    def url(self) -> str:
        return f"mongodb://{LOOPBACK}:{self.port}/"

    def restart(self) -> None:
        """Start again on the same data and port, stopping the store first if it runs. Waits until it serves."""
        self.stop()
        try:
            self.data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(f"The store cannot write to its data folder {self.data} ({error.strerror}).") from error
        program = ["-cp", self._class_path, "EmbeddedMongo", str(self.port), str(self.data / "store.mv"), "commit"]
        self._process = ChildProcess([java(), *HEAP, *NATIVE, *program], self.log)
        try:
            self._wait_ready()
        except BaseException:
            self.kill()
            raise

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not accepts(self.port):  # it listens last, after the file is open
            if not self.is_running:
                raise self._failure("stopped while starting")
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready after {READY_WITHIN_S:.0f} s")
            time.sleep(0.05)
