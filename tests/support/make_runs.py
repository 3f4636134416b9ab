"""`make run` as a user starts it: a process group of its own, free ports, a data folder of its own.

Owns: one run, what it printed, and what processes it left. Must not: know what a test expects.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
from trunkline_launcher.layout import Layout, default_layout, free_ports, port_variable
from waiting import wait_until

STARTS_WITHIN_S = 240.0
COMMAND = [sys.executable, "-m", "trunkline_launcher"]


def own_environment(data: Path, **more: str) -> dict[str, str]:
    """The environment of a user who set nothing but folder and ports."""
    ports = {port_variable(name): str(port) for name, port in free_ports().items()}
    return os.environ | ports | {"TRUNKLINE_DATA": str(data), "PYTHONUNBUFFERED": "1"} | more


def ask(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the launcher to its end."""
    return subprocess.run([*COMMAND, command], env=environment, capture_output=True, text=True, timeout=STARTS_WITHIN_S)


def processes_of(data: Path) -> list[psutil.Process]:
    """Everything alive that was started for this data folder, whoever its parent is now."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("TRUNKLINE_DATA") == str(data):
                found.append(process)
        except psutil.Error:
            continue
    return found


class Run:
    """One `trunkline run` with what it printed."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.layout: Layout = default_layout(environment)
        folder.mkdir(parents=True, exist_ok=True)
        self._screen = folder / f"screen-{time.monotonic_ns()}"
        with self._screen.open("w") as screen:
            self.process = subprocess.Popen(
                [*COMMAND, "run"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=screen,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def screen(self) -> str:
        return self._screen.read_text()

    def wait_until_shown(self, words: str, times: int = 1) -> None:
        def holds() -> bool:
            assert self.process.poll() is None or self.screen.count(words) >= times, self.screen
            return self.screen.count(words) >= times

        wait_until(holds, f"{words!r} is shown", STARTS_WITHIN_S)

    def end(self, number: signal.Signals) -> int:
        """Send a signal to the process group, as a terminal does, and return the exit code."""
        os.killpg(self.process.pid, number)
        return self.process.wait(60)

    def child(self, words: str) -> psutil.Process:
        """The child whose command line has these words."""
        children = psutil.Process(self.process.pid).children()
        (found,) = [child for child in children if words in " ".join(child.cmdline())]
        return found

    def discard(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
