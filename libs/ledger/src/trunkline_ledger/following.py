"""The fold task of one replica: reads every record of the topic into the partitions' cores, for as long as it lives.

Owns: the group-less consumer (ledger rule 1), its reconnection with the fold kept (rule 3), and when the fold is so far
that this replica may ask for partitions.
"""

import asyncio
import gc
import logging
from collections.abc import Sequence
from itertools import groupby
from typing import Generic, TypeVar

from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError

from trunkline_ledger.core.records import Record
from trunkline_ledger.log_client import LogTail
from trunkline_ledger.replica import BackOff, Replica
from trunkline_ledger.service import LedgerState

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")

ENDS_ARE_FRESH_S = 2.0
OWN_PACE_S = 0.02
"""Pause after reading back only what we wrote ourselves: a fetch for each batch would cost more than it tells."""
LOST = (OffsetOutOfRangeError, NoOffsetForPartitionError)

log = logging.getLogger(__name__)


class Following(Generic[S, C, E]):
    """Feeds the cores of one replica."""

    def __init__(self, replica: Replica[S, C, E]) -> None:
        self._replica = replica
        self._tail = self._new_tail()
        self._ends: dict[int, int] = {}
        self._connected_at = 0.0
        self._lost_once: set[int] = set()
        self._is_frozen = False

    async def connect(self) -> None:
        """Connect where the fold stands; partitions that the topic was given later are nobody's (rule 22).

        Raises: KafkaError, TimeoutError.
        """
        offsets = {number: hosted.core.next_offset for number, hosted in self._replica.hosted.items()}
        numbers = await self._tail.start(offsets, only=offsets)
        self._ends = await self._tail.end_offsets(numbers)
        self._connected_at = self._replica.monotonic_s()

    async def run(self) -> None:
        """Follow until cancelled."""
        back_off = BackOff()
        while True:
            try:
                await self._follow(back_off)
            except LOST as error:
                self._suspect(error)
                await back_off.wait()
            except (KafkaError, OSError, TimeoutError) as error:
                await self._reconnect(error, back_off)

    async def close(self) -> None:
        """Disconnect."""
        await self._tail.stop()

    async def _follow(self, back_off: BackOff) -> None:
        while True:
            await self._go_back()
            records = await self._tail.next_records(1.0)
            if records:
                back_off.reset()
                self._lost_once.clear()
                is_new = self._take_in(records)
                await asyncio.sleep(0 if is_new else OWN_PACE_S)  # 0: a long replay must not starve the loop
            if not self._replica.is_caught_up and self._reached_ends():
                await self._look_again()

    def _take_in(self, records: Sequence[Record]) -> bool:
        """Return whether there was anything that our own acknowledgements had not told."""
        replica = self._replica
        is_new = any(record.offset >= replica.hosted[record.partition].core.next_offset for record in records)
        for number, group in groupby(records, lambda record: record.partition):
            if number not in replica.to_read_again:
                replica.emit(number, replica.hosted[number].core.take_in(group, replica.monotonic_s()))
        return is_new

    async def _go_back(self) -> None:
        """Read again from where the folds stand that were dropped, or let a record go."""
        for number in sorted(self._replica.to_read_again):
            self._tail.seek(number, self._replica.hosted[number].core.next_offset)
            self._replica.to_read_again.discard(number)
            self._replica.is_caught_up = False
            self._ends |= await self._tail.end_offsets([number])

    def _reached_ends(self) -> bool:
        hosted = self._replica.hosted
        return all(
            hosted[number].core.poison is not None or hosted[number].core.next_offset >= end
            for number, end in self._ends.items()
        )

    async def _look_again(self) -> None:
        """The ends of the start are reached; after a long replay they are history, and new ones count (rule 1).

        Raises: Misconfigured when keys are not where this version looks for them (rule 22).
        """
        reached = self._ends
        for number in self._replica.hosted:
            self._replica.check_placement(number)
        if self._replica.monotonic_s() - self._connected_at > ENDS_ARE_FRESH_S:
            self._connected_at = self._replica.monotonic_s()
            self._ends = await self._tail.end_offsets(list(reached))
        lag = max((end - reached[number] for number, end in self._ends.items()), default=0)
        if lag < self._replica.settings.join_lag:
            self._settle_memory()
            self._replica.is_caught_up = True
            for hosted in self._replica.hosted.values():  # who waits to read need not wait for the next record
                hosted.progress.notify()

    def _settle_memory(self) -> None:
        """Once: what was read now lives long, and no collection need look at it again.

        A full one would walk every row, in pauses that grow with the state and that the owner's commands would feel.
        """
        if not self._is_frozen and self._replica.settings.freezes_memory:
            self._is_frozen = True
            gc.collect()
            gc.freeze()

    def _suspect(self, error: KafkaError) -> None:
        """An offset beyond the end: rebuild, but only when it happens twice; a new leader may lag for a moment."""
        for place in error.args[0] if error.args and isinstance(error.args[0], dict) else ():
            if place.partition in self._lost_once:
                self._lost_once.discard(place.partition)
                self._replica.rebuild(place.partition)
            else:
                self._lost_once.add(place.partition)
                self._tail.seek(place.partition, self._replica.hosted[place.partition].core.next_offset)

    async def _reconnect(self, error: Exception, back_off: BackOff) -> None:
        """Build the client anew and keep the fold."""
        log.warning("fold interrupted", extra=self._about(reason=type(error).__name__))
        self._replica.stats.reconnects += 1
        while True:
            await back_off.wait()
            await self._tail.stop()
            self._tail = self._new_tail()
            try:
                await self.connect()
                return
            except (KafkaError, OSError, TimeoutError):
                continue

    def _new_tail(self) -> LogTail:
        replica = self._replica
        client_id = f"{replica.instance_id}-fold"
        return replica.client.new_tail(replica.service.topic, client_id, replica.settings.fetch_max_wait_ms)

    def _about(self, **more: object) -> dict[str, object]:
        return {"ledger": self._replica.service.name, **more}
