"""Read models: effective events are written to a store, at least once and idempotently (ledger rule 17).

Owns: positions saved after the bulk is confirmed, the dead-letter topic, patience while the store is away.
Must not: know the store's product or what a projection keeps.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from trunkline_core.errors import Poison, Transient

from trunkline_ledger.core.records import OWN_TYPES, dead_letter_headers
from trunkline_ledger.kafka.bounds import close_within
from trunkline_ledger.kafka.reader import EffectiveRecord, Position, Reader

log = logging.getLogger(__name__)

RETRY_S = 1.0
BURY_S = 30.0
CLOSE_S = 5.0
PACE_S = 0.2
"""Pause after each bulk, so that a busy topic fills the next one: a store's cost is per bulk, not per document."""


class ProjectionStore(Protocol):
    """Where positions are kept, beside the read model."""

    async def load_positions(self, projection: str, topic: str) -> Mapping[int, Position]:
        """Return the next position of each partition that has one. Raises: Transient."""
        ...

    async def save_positions(self, projection: str, topic: str, positions: Mapping[int, Position]) -> None:
        """Remember the next position of each partition given. Raises: Transient."""
        ...


class Projection(Protocol):
    """One read model of one topic."""

    name: str
    topic: str

    async def apply(self, records: Sequence[EffectiveRecord]) -> None:
        """Write the records' effect; repeating it changes nothing. Raises: Poison, ValueError, Transient."""
        ...


class ProjectionRunner:
    """Runs one projection until cancelled; what it cannot handle goes to `dlq_topic` and it goes on.

    `positions`: how far each partition is written, records without effect included.
    """

    def __init__(
        self, projection: Projection, store: ProjectionStore, *, bootstrap_servers: str, dlq_topic: str
    ) -> None:
        self.dead_letters = 0
        self.positions: Mapping[int, Position] = {}
        self._projection = projection
        self._store = store
        self._bootstrap_servers = bootstrap_servers
        self._dlq_topic = dlq_topic
        self._reader: Reader | None = None
        self._producer: AIOKafkaProducer | None = None

    async def run(self) -> None:
        """Read, apply, save the position; begin again at the saved position after any trouble."""
        while True:
            try:
                await self._open()
                while True:
                    await self._step()
                    await asyncio.sleep(PACE_S)
            except (KafkaError, OSError, TimeoutError, Transient) as error:
                log.warning("projection waits", extra=self._about(reason=type(error).__name__))
            except Exception:  # a defect or a driver's own error: nothing is skipped, the same records are tried again
                log.exception("projection failed", extra=self._about())
            finally:
                await self._close()
            await asyncio.sleep(RETRY_S)

    def _about(self, **more: object) -> dict[str, object]:
        return {"projection": self._projection.name, **more}

    async def _open(self) -> None:
        start = await self._store.load_positions(self._projection.name, self._projection.topic)
        self._reader = Reader(
            self._projection.topic,
            bootstrap_servers=self._bootstrap_servers,
            start=start,
            client_id=f"projection-{self._projection.name}",
        )
        await self._reader.start()

    async def _close(self) -> None:
        if self._reader is not None:
            await self._reader.stop()
        if self._producer is not None:
            await close_within(self._producer.stop(), CLOSE_S)
        self._reader, self._producer = None, None

    async def _step(self) -> None:
        assert self._reader is not None
        records = await self._reader.next_batch(1.0)
        reached = self._reader.positions()
        if records:
            await self._apply([record for record in records if record.record.type not in OWN_TYPES])
            positions = {record.record.partition: record.position_after for record in records}
            await self._store.save_positions(self._projection.name, self._projection.topic, positions)
        self.positions = reached

    async def _apply(self, records: Sequence[EffectiveRecord]) -> None:
        """Apply; when that fails halve until the one record that cannot be handled is alone."""
        if not records:
            return
        try:
            await self._projection.apply(records)
        except (Poison, ValueError, LookupError, TypeError) as error:
            if len(records) == 1:
                await self._bury(records[0], error)
                return
            middle = len(records) // 2
            await self._apply(records[:middle])
            await self._apply(records[middle:])

    async def _bury(self, effective: EffectiveRecord, error: Exception) -> None:
        """Send a copy to the dead-letter topic with the reason and where it came from."""
        record = effective.record
        headers = dead_letter_headers(self._projection.topic, record, error)
        headers["tl-projection"] = self._projection.name.encode()
        async with asyncio.timeout(BURY_S):
            if self._producer is None:
                self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap_servers, acks="all")
                await self._producer.start()
            await self._producer.send_and_wait(
                self._dlq_topic, value=record.value, key=record.key, headers=list(headers.items())
            )
        self.dead_letters += 1
        log.error("record buried", extra={"projection": self._projection.name, "offset": record.offset})
