"""One service in a process of its own, told its settings by environment, as an operator runs it.

Owns: its port, its log, its start and end. Must not: know which service it is, or start what it talks to.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
from trunkline_embedded.ports import free_port
from trunkline_embedded.process import ChildProcess

PATIENCE_S = 90.0


class ServiceProcess:
    """A service that a test may kill and start again. `url` is that of its HTTP server."""

    def __init__(self, service: str, folder: Path, settings: Mapping[str, str]) -> None:
        """Start it; `ready` waits for it. `settings` are environment variables besides its HTTP port."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._argv = [sys.executable, "-m", f"trunkline_{service}"]
        self._log = folder / f"{service}.log"
        self._environment = os.environ | settings | {f"TRUNKLINE_{service.upper()}_HTTP_PORT": str(port)}
        self.start()

    def start(self) -> None:
        """Start it (again) without waiting."""
        self._child = ChildProcess(self._argv, self._log, env=self._environment)

    def stop(self) -> None:
        """Ask it to end and wait."""
        self._child.stop()

    def kill(self) -> None:
        """As a power cut of the process would."""
        self._child.kill()

    async def ready(self) -> None:
        """Wait until it says so. Raises: AssertionError with its last lines when it ended, TimeoutError."""
        async with asyncio.timeout(PATIENCE_S), httpx.AsyncClient(base_url=self.url, timeout=PATIENCE_S) as http:
            while not await _is_ready(http):
                assert self._child.is_running, self._child.last_lines()
                await asyncio.sleep(0.1)


async def _is_ready(http: httpx.AsyncClient) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await http.get("/readyz")).status_code == 200
    return False
