"""Overrides that keep Faust 0.15.3 from losing events, found by killing it.

Owns: recovery order, the newest row winning, sends whose failure is noticed, an idempotent producer, paced reading.
Must not: know what is derived. `tests/test_faust_safety.py` fails when what is overridden changes upstream.
"""

import asyncio
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import faust
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.tables.table import Table
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Producer, Transport
from faust.types import TP

_STAMP: Final = struct.Struct(">qq")
FETCH_MIN_BYTES: Final = 64 * 1024
FETCH_MAX_WAIT_MS: Final = 100


@dataclass(frozen=True, slots=True)
class Row:
    """A table row: which record of the ledger it is derived from, and the value.

    Ordered by (epoch, offset): a process that lost its partition without noticing cannot overwrite a newer row.
    """

    offset: int
    epoch: int
    value: bytes = b""

    def encode(self) -> bytes:
        return _STAMP.pack(self.epoch, self.offset) + self.value

    @classmethod
    def decode(cls, row: bytes) -> "Row":
        """Raises: struct.error for anything else."""
        epoch, offset = _STAMP.unpack_from(row)
        return cls(offset, epoch, row[_STAMP.size :])

    def is_newer_than(self, other: "Row | None") -> bool:
        """Tell whether this row may replace the other."""
        return other is None or (self.epoch, self.offset) > (other.epoch, other.offset)


class SafeRecovery(Recovery):
    """Seek while everything is paused, also the partitions without a commit; only then let records flow."""

    async def on_recovery_completed(self, generation_id: int = 0) -> None:
        app: Any = self.app
        consumer: Any = app.consumer
        await app.on_rebalance_complete.send()
        self._set_recovery_ended()
        await asyncio.gather(  # errors propagate, unlike in the original
            *(
                table.on_recovery_completed(self.actives_for_table[table], self.standbys_for_table[table])
                for table in self.tables.values()
            )
        )
        if app.consumer_generation_id != generation_id:
            return
        assigned = consumer.assignment()
        sources = {tp for tp in assigned if not self._is_changelog_tp(tp)}
        if assigned:
            timeout = app.conf.broker_request_timeout
            await self._wait(consumer.perform_seek(), timeout=timeout)
            own = app.own_offsets(sources)
            # perform_seek skips partitions whose commit is None or 0: they would keep the position of the pre-fetch
            start = {tp: own.get(tp, consumer._committed_offset.get(tp) or 0) for tp in sources}
            await self._wait(consumer.seek_wait(start), timeout=timeout)
        self.completed.set()
        app.flow_control.resume()  # clears queues while the source is still paused
        app.on_flow_resumed(sources)
        consumer.resume_partitions(sources)
        consumer.resume_flow()
        await app._fetcher.maybe_start()
        self.tables.on_actives_ready()
        if not app.assignor.assigned_standbys():
            self.tables.on_standbys_ready()
        app.on_rebalance_end()


class SafeTableManager(TableManager):
    @property
    def recovery(self) -> Recovery:
        if self._recovery is None:
            self._recovery = SafeRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


class SafeTable(Table[bytes, bytes]):
    """Keys and rows are bytes (`Row`). The writer names the partition, which is that of the source record."""

    _partition: int | None = None

    def row(self, key: bytes) -> Row | None:
        """Return the row, None where there is none."""
        row = self.data.get(key)
        return Row.decode(row) if row else None

    def write(self, partition: int, key: bytes, row: Row) -> None:
        """Replace the row, in memory and on the changelog."""
        store: Any = self.data
        store._key_partition[key] = partition  # else the row would stay when the partition goes to another process
        self._partition = partition
        self[key] = row.encode()

    def partition_for_key(self, key: Any) -> int | None:
        return self._partition

    def send_changelog(self, *args: Any, **kwargs: Any) -> Any:
        app: Any = self.app
        return app.watch_send(super().send_changelog(*args, **kwargs))  # the original only logs a failure

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        super().apply_changelog_batch(list(self._newest(batch)))

    def _newest(self, batch: Iterable[Any]) -> Iterable[Any]:
        seen: dict[bytes, Row | None] = {}
        for event in batch:
            if event.message.value is not None:
                before = seen[event.key] if event.key in seen else self.row(event.key)
                row = Row.decode(event.value)
                if not row.is_newer_than(before):
                    continue
                seen[event.key] = row
            else:
                seen[event.key] = None
            yield event


class IdempotentProducer(Producer):
    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}


class PacedConsumerThread(AIOKafkaConsumerThread):
    """Waits for some records before it answers a fetch: at a few hundred records a second the cost is per fetch."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_min_bytes, consumer._fetch_max_wait_ms = FETCH_MIN_BYTES, FETCH_MAX_WAIT_MS
        return consumer


class PacedConsumer(Consumer):
    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return PacedConsumerThread(self, loop=self.loop, beacon=self.beacon)


class SafeTransport(Transport):
    Consumer = PacedConsumer
    Producer = IdempotentProducer


class SafeApp(faust.App):
    """A Faust app with the overrides above. `build_app` sets the callables before it starts."""

    own_offsets: Callable[[set[TP]], Mapping[TP, int]]
    """Next offset to read of each source partition that our own rows know; called while everything is paused."""

    on_flow_resumed: Callable[[set[TP]], None]
    """Called when stale records are gone from every queue and none has been read from the new position yet."""

    watch_send: Callable[["asyncio.Future[Any]"], Any]
    """Told of every send; returns it."""

    def _new_transport(self) -> Transport:
        return SafeTransport(self.conf.broker_consumer, self)


def build_app(name: str, bootstrap_servers: str, data_dir: str, partitions: int) -> SafeApp:
    """Return an app with the settings that were tried; `partitions` is that of the source topics."""
    return SafeApp(
        name,
        broker=f"kafka://{bootstrap_servers.replace(',', ';kafka://')}",
        datadir=data_dir,
        store="memory://",
        key_serializer="raw",
        value_serializer="raw",
        TableManager=SafeTableManager,
        Table=SafeTable,
        cython_optimizations=True,
        processing_guarantee="at_least_once",  # exactly_once leaves outputs outside the transaction
        topic_partitions=partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        web_enabled=False,
        broker_session_timeout=6,
        broker_heartbeat_interval=1,
        broker_rebalance_timeout=10,
        broker_request_timeout=15,
        broker_max_poll_records=500,
        broker_commit_interval=1.0,
        broker_commit_every=1000,
        consumer_auto_offset_reset="earliest",
        stream_buffer_maxsize=65536,
        stream_wait_empty=False,
        producer_acks=-1,
        producer_linger=0.005,
        producer_max_batch_size=262144,
        producer_request_timeout=10,
    )
