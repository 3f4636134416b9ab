"""How long nobody decides after the death of an owner, and while an owner ends in order.

    python libs/ledger/bench/failover.py [--kills 100] [--restarts 20] [--session-s 2]

Three replicas of the accounts ledger, one partition. The owner books all the time and writes each acknowledged command
to a file with its time. Outage of a kill: from SIGKILL to the next owner's first acknowledgement; of a restart in
order: from the last acknowledgement of one owner to the first of the next. One JSON line a figure: name, value, unit.
Exit code 1 when an acknowledged command is not on the log, or one is there twice.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from kills import effective
from test_replicas import book, make_at, uuid7
from trunkline_core.errors import TrunklineError
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.ledger import Ledger

TOPIC = "kills.events.v1"
NAMES = ("r0", "r1", "r2")
PATIENCE_S = 60.0
BETWEEN_S = 0.01
AT_WORK = 20
"""Acknowledgements of an owner before it is killed."""


async def replica(bootstrap: str, name: str, journal: Path, session_s: float) -> None:
    """Run one replica until SIGTERM; it says `ready`, then one line for each acknowledged command."""
    settings = LedgerSettings(session_timeout_s=session_s, partitions=1)
    ledger = make_at(bootstrap, TOPIC, name, settings)
    asked_to_end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_end.set)
    with journal.open("a", buffering=1) as lines:
        await ledger.start()
        running = asyncio.create_task(ledger.run())
        while not ledger.is_caught_up():
            await asyncio.sleep(0.02)
        lines.write("ready\n")
        booking = asyncio.create_task(book_on(ledger, lines.write))
        await asyncio.wait([running, booking, asyncio.create_task(asked_to_end.wait())], return_when="FIRST_COMPLETED")
        await ledger.stop()


async def book_on(ledger: Ledger, write) -> None:
    """Book as fast as answers come while this replica is the owner."""
    while True:
        command_id = uuid7()
        await asyncio.sleep(BETWEEN_S)
        if ledger.owns(0):
            with contextlib.suppress(TrunklineError):
                await ledger.submit(book("a", 1, command_id))
                write(f"{command_id} {time.time_ns()}\n")


class Journal:
    """What one replica wrote so far, over all its starts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._acked: list[tuple[str, int]] = []
        self._starts = 0

    def acked(self) -> list[tuple[str, int]]:
        """Return what was acknowledged: command id and Unix time in ns."""
        self._go_on()
        return self._acked

    def starts(self) -> int:
        """Return how often it was ready."""
        self._go_on()
        return self._starts

    def _go_on(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as lines:
            lines.seek(self._read)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self._take(line.decode().split())

    def _take(self, words: list[str]) -> None:
        if len(words) == 2:
            self._acked.append((words[0], int(words[1])))
        else:
            self._starts += 1


class Replicas:
    """The three processes and what they wrote."""

    def __init__(self, bootstrap: str, folder: Path, session_s: float) -> None:
        self._arguments = ["--bootstrap", bootstrap, "--folder", str(folder), "--session-s", str(session_s)]
        self._folder = folder
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.journals = {name: Journal(folder / f"{name}.acked") for name in NAMES}

    def start(self, name: str) -> None:
        """Start one (again)."""
        with (self._folder / f"{name}.log").open("ab") as log:
            command = [sys.executable, __file__, "--replica", name, *self._arguments]
            self._children[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def acked(self, name: str) -> list[tuple[str, int]]:
        """Return what one acknowledged."""
        return self.journals[name].acked()

    def owner(self) -> str:
        """Return who acknowledged last."""
        return max(NAMES, key=lambda name: max((at for _, at in self.acked(name)[-1:]), default=0))

    def end(self, name: str, number: signal.Signals) -> int:
        """Send a signal, wait for the end; return when it was sent, Unix time in ns."""
        at = time.time_ns()
        self._children[name].send_signal(number)
        self._children[name].wait(PATIENCE_S)
        return at

    def stop(self) -> None:
        """Kill all."""
        for child in self._children.values():
            child.kill()
            child.wait()


def wait_until(holds, what: str) -> None:
    """Raises: TimeoutError."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def outage_ms(replicas: Replicas, number: signal.Signals) -> float:
    """End the owner with a signal and return how long nobody acknowledged; all three are back afterwards."""
    owner = replicas.owner()
    begun = len(replicas.acked(owner))
    wait_until(lambda: len(replicas.acked(owner)) >= begun + AT_WORK, f"{owner} is at work")
    others = {name: len(replicas.acked(name)) for name in NAMES if name != owner}
    starts = replicas.journals[owner].starts()
    began = replicas.end(owner, number)
    if number is signal.SIGTERM:
        began = replicas.acked(owner)[-1][1]
    wait_until(lambda: any(len(replicas.acked(name)) > count for name, count in others.items()), "another one owns")
    ended = min(replicas.acked(name)[count][1] for name, count in others.items() if len(replicas.acked(name)) > count)
    replicas.start(owner)
    wait_until(lambda: replicas.journals[owner].starts() > starts, f"{owner} is back")
    return (ended - began) / 1e6


def figures(name: str, outages: Sequence[float]) -> Iterator[dict[str, object]]:
    """Yield median and maximum."""
    yield {"name": f"{name}_ms_p50", "value": round(statistics.median(outages)), "unit": "ms"}
    yield {"name": f"{name}_ms_max", "value": round(max(outages)), "unit": "ms"}
    yield {"name": f"{name}_count", "value": len(outages), "unit": "1"}


def measure(folder: Path, kills: int, restarts: int, session_s: float) -> int:
    """Print the figures; return the exit code."""
    kafka = KafkaNode.start(folder / "kafka", report=lambda _: None)
    replicas = Replicas(kafka.bootstrap, folder, session_s)
    try:
        for name in NAMES:
            replicas.start(name)
        wait_until(lambda: all(replicas.journals[name].starts() for name in NAMES), "all are ready")
        wait_until(lambda: replicas.acked(replicas.owner()), "somebody owns")
        killed = [outage_ms(replicas, signal.SIGKILL) for _ in range(kills)]
        ended = [outage_ms(replicas, signal.SIGTERM) for _ in range(restarts)]
        replicas.stop()
        done = asyncio.run(effective(kafka.bootstrap))
    finally:
        replicas.stop()
        kafka.kill()
    acked = {command_id for name in NAMES for command_id, _ in replicas.acked(name)}
    lost, twice = len(acked - set(done)), len(done) - len(set(done))
    for line in [
        *figures("failover", killed),
        *figures("planned_restart", ended),
        {"name": "acknowledged", "value": len(acked), "unit": "1"},
        {"name": "lost", "value": lost, "unit": "1"},
        {"name": "twice", "value": twice, "unit": "1"},
    ]:
        print(json.dumps(line), flush=True)
    return int(lost > 0 or twice > 0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--session-s", type=float, default=2.0)
    parser.add_argument("--replica", help=argparse.SUPPRESS)
    parser.add_argument("--bootstrap", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.replica:
        journal = options.folder / f"{options.replica}.acked"
        asyncio.run(replica(options.bootstrap, options.replica, journal, options.session_s))
    else:
        with tempfile.TemporaryDirectory() as place:
            sys.exit(measure(Path(place), options.kills, options.restarts, options.session_s))
