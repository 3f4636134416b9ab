"""When a snapshot is made, and the process that makes it (ledger rule 16).

Owns: that the owner of a partition has one made after so many records, one at a time a replica; the life of the helper
process. Must not: fold, read or write a snapshot in this process: its loop belongs to the commands.
"""

import asyncio
import json
import logging
import os
import subprocess
import sys
from typing import Any, Final

from trunkline_ledger.replica import Replica

LOOK_S: Final = 1.0
RETRY_S: Final = 60.0
TIMEOUT_S: Final = 3_600.0  # from the first record on it makes some millions in a quarter of an hour
MAKER: Final = "trunkline_ledger.snapshot_maker"
KEPT_VARIABLES: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR")
"""All that the helper inherits of our environment, which holds secrets."""

log = logging.getLogger(__name__)


class Snapshotting:
    """The snapshots of one replica."""

    def __init__(self, replica: Replica[Any, Any, Any]) -> None:
        self._replica = replica
        self._again_at: dict[int, float] = {}

    async def run(self) -> None:
        """Look once a second until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if (number := self._due()) is not None:
                await self._make(number)

    def _due(self) -> int | None:
        """Return the owned partition that is furthest beyond its snapshot, if that is far enough."""
        replica, now = self._replica, self._replica.monotonic_s()
        behind = {
            number: hosted.core.next_offset - replica.snapshots.get(number, 0)
            for number, hosted in replica.hosted.items()
            if hosted.core.is_open and self._again_at.get(number, 0.0) <= now
        }
        number = max(behind, key=behind.__getitem__, default=None)
        is_wanted = number is not None and behind[number] >= replica.settings.snapshot_every
        return number if is_wanted and replica.has_snapshots and not replica.is_stopping else None

    async def _make(self, number: int) -> None:
        about = {"ledger": self._replica.service.name, "partition": number}
        made = await self._result_of_helper(number)
        if "next_offset" not in made:
            self._replica.stats.snapshots_failed += 1
            self._again_at[number] = self._replica.monotonic_s() + RETRY_S
            log.warning("snapshot failed", extra={**about, "reason": made.get("failed", "the process ended")})
            return
        self._replica.snapshots[number] = made["next_offset"]
        self._replica.stats.snapshots_made += made["is_new"]
        log.info("snapshot made", extra={**about, **made})

    async def _result_of_helper(self, number: int) -> dict[str, Any]:
        """Return what the helper says at its end; it ends with us, which it may at any time."""
        helper = _Helper()
        try:
            async with asyncio.timeout(TIMEOUT_S):
                line = await asyncio.to_thread(helper.run, json.dumps(self._request(number)))
            return dict(json.loads(line or "{}"))
        except (TimeoutError, OSError, RuntimeError, ValueError) as error:  # RuntimeError: no thread can be started
            return {"failed": type(error).__name__}
        finally:
            helper.end()

    def _request(self, number: int) -> dict[str, object]:
        replica = self._replica
        return {
            "service": replica.service.import_path,
            "topic": replica.service.topic,
            "topic_id": replica.topic_id,
            "partition": number,
            "bootstrap_servers": replica.client.bootstrap_servers,
            "client_id": f"{replica.instance_id}-snapshot-maker",
            "at_least": replica.settings.snapshot_every,
        }


class _Helper:
    """One process, watched by a thread.

    By `subprocess`, which spawns with vfork. An event loop may fork instead; gRPC's fork handlers, which are known to
    hang a process, would then run in this one.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._is_over = False

    def run(self, request: str) -> str:
        """Return the one line that the helper answers. Raises: OSError."""
        command = [sys.executable, "-m", MAKER]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=helper_environment(), text=True) as self._process:
            if self._is_over:
                self._process.kill()
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.write(f"{request}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
            self._process.wait()
        return line

    def end(self) -> None:
        """Kill it where it still runs."""
        self._is_over = True
        if self._process is not None:
            self._process.kill()


def helper_environment() -> dict[str, str]:
    """Return what the helper inherits, and where it finds what this process has imported."""
    kept = {name: value for name in KEPT_VARIABLES if (value := os.environ.get(name)) is not None}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
