"""A read model that can be built anew while it is read: it runs the projection into the generations there are.

Owns: the steps of a rebuild, which any replica may take, and the leave of writers that no longer know where they are.
Must not: know what a read model holds.

Nobody reads an older state after a newer one: before the swap every replica writes each record into the next generation
first and into the live one second, for long enough that each has noticed; and the swap waits until everything that was
on the log by then stands in the next generation (ADR 0018).
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import KafkaError
from trunkline_core.errors import Transient
from trunkline_ledger.kafka.bounds import end_tasks
from trunkline_ledger.kafka.reader import EffectiveRecord, Position, Reader
from trunkline_ledger.projection import Projection, ProjectionRunner

from trunkline_platform.generations import Generation, Phase, Pointer, Pointers
from trunkline_platform.store import Positions, Store

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
LEASE_S: Final = 3.0
"""Who could not read the pointer for so long stops writing: others may have moved on."""
SETTLE_S: Final = 15.0
"""Longer than a look, a lease and asking for the log's ends: then every replica writes into both, or not at all."""
GRACE_S: Final = 30.0
"""A read that began before the swap is over by then."""
END_S: Final = 12.0  # longer than a runner takes to close its clients
NEARLY: Final = 1_000  # records behind the end, as for a replica that joins (ledger rule 1)

MakeProjection = Callable[[Store], Projection]
Writing = tuple[int, ...]
"""The generations that one runner writes, the one to be written first in front."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the steps take, in seconds; tests have no patience."""

    look_s: float = LOOK_S
    lease_s: float = LEASE_S
    settle_s: float = SETTLE_S
    grace_s: float = GRACE_S


class ReadModel:
    """Runs one projection until cancelled, whatever its pointer says."""

    def __init__(
        self, make: MakeProjection, store: Store, *, bootstrap_servers: str, dlq_topic: str, pace: Pace | None = None
    ) -> None:
        """`make` builds the projection on a store; it may be built several times."""
        self._make = make
        self._store = store
        self._bootstrap_servers = bootstrap_servers
        self._dlq_topic = dlq_topic
        self._pace = pace or Pace()
        projection = make(store)
        self.name, self._topic = projection.name, projection.topic
        self._pointers = Pointers(store)
        self._running: dict[Writing, tuple[ProjectionRunner, asyncio.Task[None]]] = {}
        self._buried = 0
        self._pointer = Pointer(self.name)
        self._read_at = time.monotonic()
        self._since = self._read_at
        self._goal: Mapping[int, int] | None = None

    @property
    def dead_letters(self) -> int:
        """Records sent to the dead-letter topic by this process."""
        return self._buried + sum(runner.dead_letters for runner, _ in self._running.values())

    async def run(self) -> None:
        """Follow the pointer until cancelled. Raises: what a runner failed with."""
        try:
            while True:
                self._check_running()
                await self._look()
                await asyncio.sleep(self._pace.look_s)
        finally:
            await self._keep_only(())

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(self._pace.lease_s):
                self._note(await self._pointers.get(self.name))
            await self._keep_only(writings(self._pointer))
            self._begin_missing()
            await self._advance()
        except (Transient, KafkaError, OSError, TimeoutError) as error:
            if time.monotonic() - self._read_at > self._pace.lease_s:
                await self._keep_only(())
            log.info("read model waits", extra={"projection": self.name, "reason": type(error).__name__})

    def _note(self, pointer: Pointer) -> None:
        self._read_at = time.monotonic()
        if pointer != self._pointer:
            log.info("read model", extra={"projection": self.name, "phase": pointer.phase.value, "live": pointer.live})
            self._pointer, self._since, self._goal = pointer, self._read_at, None

    # who writes

    async def _keep_only(self, wanted: Sequence[Writing]) -> None:
        ended = [writing for writing in self._running if writing not in wanted]
        await end_tasks((self._running[writing][1] for writing in ended), again_after_s=END_S)
        for writing in ended:
            runner, _ = self._running.pop(writing)
            self._buried += runner.dead_letters

    def _begin_missing(self) -> None:
        for writing in writings(self._pointer):
            if writing not in self._running:
                runner = self._runner(writing)
                self._running[writing] = runner, asyncio.create_task(runner.run(), name=f"{self.name}-{writing}")

    def _check_running(self) -> None:
        """A runner goes on until it is cancelled: one that ended by itself did so by a defect, which is raised."""
        for _, task in self._running.values():
            if task.done():
                task.result()

    def _runner(self, writing: Writing) -> ProjectionRunner:
        projections = [self._make(Generation(self._store, number)) for number in writing]
        return ProjectionRunner(
            _InOrder(projections),
            GenerationPositions(self._store, writing),
            bootstrap_servers=self._bootstrap_servers,
            dlq_topic=self._dlq_topic,
        )

    # the steps of a rebuild

    async def _advance(self) -> None:
        pointer, waited_s = self._pointer, time.monotonic() - self._since
        match pointer.phase:
            case Phase.FILLING if self._is_within(NEARLY, await self._ends()):
                await self._pointers.move(pointer, pointer.caught_up())
            case Phase.BOTH if waited_s > self._pace.settle_s:
                self._goal = self._goal or await self._ends()
                if self._is_within(0, self._goal):
                    await self._pointers.move(pointer, pointer.swapped())
            case Phase.LIVE if pointer.retired is not None and waited_s > self._pace.grace_s:
                await self._drop(pointer.retired)
                await self._pointers.move(pointer, pointer.cleared())

    def _is_within(self, distance: int, ends: Mapping[int, int]) -> bool:
        """Whether the next generation, as far as we write it, is at most so many records behind these offsets."""
        runner, _ = self._running[writings(self._pointer)[0]]
        reached = runner.positions
        return sum(max(0, end - reached.get(number, Position()).offset) for number, end in ends.items()) <= distance

    async def _ends(self) -> Mapping[int, int]:
        reader = Reader(self._topic, bootstrap_servers=self._bootstrap_servers, client_id=f"read-model-{self.name}")
        try:
            async with asyncio.timeout(self._pace.lease_s):
                await reader.start()
                return await reader.end_offsets()
        finally:
            await reader.stop()

    async def _drop(self, number: int) -> None:
        generation = Generation(self._store, number)
        self._make(generation)  # it asks for its collections, so that they are known
        await generation.drop()
        await Positions(self._store).forget(_positions_name(self.name, number), self._topic)


def writings(pointer: Pointer) -> tuple[Writing, ...]:
    """What is to be written; where a generation is being built, that comes first."""
    match pointer.phase:
        case Phase.LIVE:
            return ((pointer.live,),)
        case Phase.FILLING:
            assert pointer.next is not None
            return ((pointer.next,), (pointer.live,))
        case Phase.BOTH:
            assert pointer.next is not None
            return ((pointer.next, pointer.live),)


class _InOrder:
    """Several generations of one projection as one: a record is in the first before it is in the second."""

    def __init__(self, projections: Sequence[Projection]) -> None:
        self.name, self.topic = projections[0].name, projections[0].topic
        self._projections = projections

    async def apply(self, records: Sequence[EffectiveRecord]) -> None:
        for projection in self._projections:
            await projection.apply(records)


class GenerationPositions:
    """Positions of several generations that are written together: the lowest is where to go on."""

    def __init__(self, store: Store, writing: Writing) -> None:
        self._positions = Positions(store)
        self._writing = writing

    async def load_positions(self, projection: str, topic: str) -> Mapping[int, Position]:
        """Return, of each partition that all generations have a position of, the lowest."""
        found = [await self._positions.load_positions(_positions_name(projection, n), topic) for n in self._writing]
        known = set[int].intersection(*(set(positions) for positions in found))
        return {number: min((one[number] for one in found), key=lambda at: at.offset) for number in sorted(known)}

    async def save_positions(self, projection: str, topic: str, positions: Mapping[int, Position]) -> None:
        """Remember the next position of each partition given, for all of them."""
        for number in self._writing:
            await self._positions.save_positions(_positions_name(projection, number), topic, positions)


def _positions_name(projection: str, generation: int) -> str:
    return f"{projection}.g{generation}" if generation else projection
