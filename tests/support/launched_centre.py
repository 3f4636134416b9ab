"""A whole centre as `make run` starts it: the launcher in a process of its own, which restarts what dies.

Owns: its ports, its folder, its database, its end. Must not: start Kafka; the test owns the broker it takes away.
"""

import os
import sys
from pathlib import Path

from trunkline_embedded.process import ChildProcess
from trunkline_launcher.layout import Layout, free_ports, port_variable
from waiting import wait_until

READY_WITHIN_S = 120.0
STOP_WITHIN_S = 60.0


class LaunchedCentre:
    """One running installation."""

    def __init__(self, folder: Path, kafka: str, mongo: str, database: str) -> None:
        """Start; `ready` waits for it."""
        self.layout = Layout(data=folder, kafka=kafka, mongo=mongo, ports=free_ports())
        settings = {
            "TRUNKLINE_DATA": str(folder),
            "TRUNKLINE_KAFKA_BOOTSTRAP": kafka,
            "TRUNKLINE_MONGO_URL": mongo,
            "TRUNKLINE_MONGO_DATABASE": database,
            "TRUNKLINE_ANALYTICS_WORK_DIR": str(folder / "faust"),
        }
        settings |= {port_variable(name): str(port) for name, port in self.layout.ports.items()}
        argv = [sys.executable, "-m", "trunkline_launcher", "run"]
        self._child = ChildProcess(argv, folder / "launcher.log", env=os.environ | settings)

    @property
    def is_running(self) -> bool:
        """Whether the launcher still keeps everything running."""
        return self._child.is_running

    def said(self) -> str:
        """Return what the launcher printed."""
        return self._child.log.read_text(encoding="utf-8", errors="replace")

    def ready(self) -> None:
        """Wait until a contact can be taken."""
        wait_until(lambda: "READY after" in self.said() or not self.is_running, "the centre is ready", READY_WITHIN_S)
        assert self.is_running, self.said()

    def stop(self) -> None:
        """End everything, as Ctrl-C does."""
        self._child.stop(STOP_WITHIN_S)
