"""What the tasks of one replica share: the partitions' cores, who waits for them, and clean supervision.

Must not: talk to Kafka.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from trunkline_core.errors import Misconfigured, Poison

from trunkline_ledger.core.partition import Outputs, Partition
from trunkline_ledger.core.placement import check_placement
from trunkline_ledger.core.skips import TooNew
from trunkline_ledger.delivery import Delivery
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.log_client import LogClient
from trunkline_ledger.progress import Progress
from trunkline_ledger.service import LedgerService, LedgerState
from trunkline_ledger.stats import LedgerStats

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")
R = TypeVar("R")

log = logging.getLogger(__name__)

BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class Replaced(Misconfigured):
    """A newer process runs under our instance id: this one must exit (ledger rule 3)."""


class BackOff:
    """Waits longer after each failure in a row."""

    def __init__(self) -> None:
        self._failures = 0

    def reset(self) -> None:
        """It worked again."""
        self._failures = 0

    async def wait(self) -> None:
        """Sleep before the next attempt."""
        await asyncio.sleep(BACK_OFF_S[min(self._failures, len(BACK_OFF_S) - 1)])
        self._failures += 1


@dataclass(slots=True)
class Hosted(Generic[S, C, E]):
    """One partition on this replica.

    Attributes:
        core: its state machine.
        wake: set when its serving task has something to look at.
        progress: tells those who wait for it to be read further, or to settle.
        append_began: monotonic time of the append on its way, None when there is none.
    """

    core: Partition[S, C, E]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    progress: Progress = field(default_factory=Progress)
    append_began: float | None = None

    async def sleep(self, at_most_s: float) -> None:
        """Wait for a command, a proposal or the time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self.wake.wait()
        self.wake.clear()

    async def until(self, predicate: Callable[[], bool], timeout_s: float) -> None:
        """Return when the predicate holds. Raises: TimeoutError."""
        await self.progress.until(predicate, timeout_s)

    async def when(self, predicate: Callable[[], bool], view: Callable[[], R], timeout_s: float) -> R:
        """Return `view()` of a moment at which the predicate held. Raises: TimeoutError."""
        return await self.progress.when(predicate, view, timeout_s)


class Replica(Generic[S, C, E]):
    """The shared part of one replica's tasks."""

    def __init__(
        self,
        service: LedgerService[S, C, E],
        settings: LedgerSettings,
        *,
        client: LogClient,
        instance_id: str,
        boot_id: str,
        address: str,
    ) -> None:
        self.service = service
        self.settings = settings
        self.client = client
        self.monotonic_s = client.monotonic_s
        self.instance_id = instance_id
        self.boot_id = boot_id
        self.address = address
        self.stats = LedgerStats()
        self.delivery: Delivery[E] = Delivery(service.name, self.stats)
        self.hosted: dict[int, Hosted[S, C, E]] = {}
        self.to_read_again: set[int] = set()
        self.snapshots: dict[int, int] = {}  # by partition: up to which offset the newest one known reaches
        self.topic_id = ""
        self.cluster_id = ""
        self.is_caught_up = False
        self.is_stopping = False
        self.replaced = asyncio.Event()

    @property
    def has_snapshots(self) -> bool:
        """Whether another process can fold this log: it must find both the log and the service."""
        return bool(self.service.import_path and self.client.bootstrap_servers)

    def host(self, number: int) -> None:
        """Begin to follow a partition."""
        core = Partition(self.service, number, self.instance_id, self.boot_id, self.stats)
        self.hosted[number] = Hosted(core)

    @property
    def is_too_old(self) -> bool:
        """Whether a newer version owns a partition and may write what this one cannot read (ledger rule 21)."""
        return any(isinstance(hosted.core.poison, TooNew) for hosted in self.hosted.values())

    def check_placement(self, number: int) -> None:
        """Raises: Misconfigured when the topic was given more partitions, or keys another place (ledger rule 22)."""
        marker = self.hosted[number].core.fold.epochs.marker
        check_placement(marker, self.service.topic, len(self.hosted))

    def emit(self, number: int, outputs: Outputs[E]) -> None:
        """Carry out what a core asks for."""
        hosted = self.hosted[number]
        self.delivery.deliver(number, outputs)
        if outputs.replaced and self.is_caught_up:  # in the history before that, a predecessor's clock may run ahead
            self.replaced.set()
        if outputs.tail_lost:
            self.rebuild(number)
        if outputs.stopped is not None:
            self._tell_stopped(number, outputs.stopped)
        if outputs.read_again:
            self._read_again(number)
        if outputs.opened or outputs.lost or outputs.read_again:
            hosted.wake.set()
        hosted.progress.notify()

    def _read_again(self, number: int) -> None:
        self.to_read_again.add(number)
        if self.hosted[number].core.next_offset == 0:  # the snapshots hold what is not true any more (rule 16)
            self.snapshots.pop(number, None)

    def rebuild(self, number: int) -> None:
        """The log lost its tail; what was read of it is not true any more (ledger rule 9): the fold begins again."""
        log.error("log lost its tail, rebuilding", extra={"ledger": self.service.name, "partition": number})
        self.emit(number, self.hosted[number].core.drop())

    def _tell_stopped(self, number: int, poison: Poison) -> None:
        """What an operator must know to upgrade this replica, or to let the record go (ledger rule 21)."""
        about = {"topic": self.service.topic, "partition": number, "offset": self.hosted[number].core.stopped_at}
        log.error("partition stopped", extra={**about, "reason": str(poison)})
