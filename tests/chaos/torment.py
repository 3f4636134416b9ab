"""When which fault strikes: drawn from one seeded generator, each struck and written down with its times.

Owns: the order of faults and their log. Must not: know what a fault does.
"""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from chaos.faults import FAULTS, Fault
from chaos.scene import Scene

AT_ONCE = 2
BETWEEN_S = (2.0, 8.0)


@dataclass(frozen=True, slots=True)
class Struck:
    """One fault that struck. Times are Unix milliseconds, the brokers' clock."""

    name: str
    touches: tuple[str, ...]
    began_ms: int
    ended_ms: int
    what: str


def deck(chance: random.Random, faults: Sequence[Fault]) -> list[Fault]:
    """Return all faults in a drawn order: a long run meets each before one comes again."""
    return chance.sample(faults, len(faults))


class Torment:
    """Strikes for a while."""

    def __init__(self, scene: Scene, log: Path) -> None:
        self.struck: list[Struck] = []
        self._scene = scene
        self._log = log
        self._chance = random.Random(f"{scene.orders.seed}/faults")
        wanted = scene.orders.faults
        self._faults = [each for each in FAULTS if each.can_strike(scene) and (not wanted or each.name in wanted)]
        self._check_names(wanted)
        self._deck: list[Fault] = []

    def _check_names(self, wanted: Sequence[str]) -> None:
        """Raises: SystemExit for a fault that does not exist or cannot strike here."""
        missing = sorted(set(wanted) - {fault.name for fault in self._faults})
        if missing:
            raise SystemExit(f"CHAOS_FAULTS names {', '.join(missing)}, which cannot strike in this run.")

    async def run(self, minutes: float) -> None:
        """Strike until the time is over, then wait until everything is whole again."""
        until = time.monotonic() + minutes * 60
        async with asyncio.TaskGroup() as group:
            running: dict[asyncio.Task[None], Fault] = {}
            while time.monotonic() < until:
                await asyncio.sleep(self._chance.uniform(*BETWEEN_S))
                running = {task: fault for task, fault in running.items() if not task.done()}
                if len(running) < AT_ONCE and (fault := self._next(list(running.values()))):
                    chance = random.Random(self._chance.random())
                    running[group.create_task(self._strike(fault, chance), name=fault.name)] = fault

    def _next(self, running: Sequence[Fault]) -> Fault | None:
        """Return the next fault that touches nothing which is broken already."""
        if not self._deck:
            self._deck = deck(self._chance, self._faults)
        broken = {thing for fault in running for thing in fault.touches}
        found = next((fault for fault in self._deck if not fault.touches & broken), None)
        if found is not None:
            self._deck.remove(found)
        return found

    async def _strike(self, fault: Fault, chance: random.Random) -> None:
        began = time.time_ns() // 1_000_000
        self._write({"fault": fault.name, "began_ms": began})
        what = await fault.strike(self._scene, chance)
        struck = Struck(fault.name, tuple(sorted(fault.touches)), began, time.time_ns() // 1_000_000, what)
        self.struck.append(struck)
        self._write(asdict(struck))

    def _write(self, line: object) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        print(json.dumps(line), flush=True)

    def counts(self) -> Counter[str]:
        """Return how often each fault struck."""
        return Counter(struck.name for struck in self.struck)
