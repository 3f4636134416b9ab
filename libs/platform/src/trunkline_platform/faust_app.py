"""Faust apps that derive tables and public topics from ledgers, at least once and idempotently (ledger rule 4).

Owns: the epoch filter in front of every handler, the positions from which a partition goes on, acknowledged sends.
Must not: decide anything, or know an event. Handlers are plain functions: decode, `table.put`, `app.publish`.

How nothing is lost: the position of a partition is an (offset, epoch) pair in a row of a table of its own. It is
written only after everything that was sent for the records before it is acknowledged, and reading goes on from it,
never from the group's commits. What was sent after it is sent again: absolute values, each with its source.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import TopicPartition
from faust.types import TP
from trunkline.topics import Topic
from trunkline_core.errors import Misconfigured, Poison
from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.records import OWN_TYPES, Record, dead_letter_headers, read_headers
from trunkline_ledger.kafka.bounds import close_within
from trunkline_ledger.kafka.reader import EffectiveRecord, Position
from trunkline_ledger.kafka.topics import ask, ensure_topics

from trunkline_platform.faust_progress import Offsets, until_still
from trunkline_platform.faust_publisher import Publisher
from trunkline_platform.faust_safety import Row, SafeApp, SafeTable, build_app

log = logging.getLogger(__name__)

SETTLE_S: Final = 0.5
ACKNOWLEDGE_WITHIN_S: Final = 30.0
STOP_S: Final = 10.0
GAP_WITHIN_S: Final = 15.0
ASK_AGAIN_S: Final = 0.05
STALL_S: Final = 60.0
LOOK_S: Final = 1.0
MAX_UNSETTLED: Final = 5_000

Handler = Callable[[EffectiveRecord], None]
Headers = Mapping[str, bytes]


class LiveFailure(Exception):
    """The app cannot go on without perhaps losing something: the process must end and start again."""


class LiveTable:
    """A table of bytes by key, partitioned as its source. Values are absolute: the newest replaces the others."""

    def __init__(self, table: SafeTable) -> None:
        self._table = table

    def put(self, source: EffectiveRecord, key: bytes, value: bytes) -> bool:
        """Write the value that `source` gave; False when the row already stems from this or a later record."""
        record = source.record
        assert record.epoch is not None
        return self.put_row(record.partition, key, Row(record.offset, record.epoch, value))

    def put_row(self, partition: int, key: bytes, row: Row) -> bool:
        """Write the row unless the present one is as new."""
        if not row.is_newer_than(self._table.row(key)):
            return False
        self._table.write(partition, key, row)
        return True

    def get(self, key: bytes) -> bytes | None:
        """Return the value, None where there is none."""
        row = self.row(key)
        return row.value if row else None

    def row(self, key: bytes) -> Row | None:
        """Return value and source."""
        return self._table.row(key)

    def items(self) -> list[tuple[bytes, bytes]]:
        """Return all rows of the partitions that this process has."""
        return [(key, Row.decode(row).value) for key, row in self._table.items()]


class LedgerSource:
    """One ledger topic as an app reads it. Counts what it met; a metrics adapter reads the counters."""

    def __init__(self, app: "LiveApp", topic: str, handle: Handler, dlq_topic: str | None) -> None:
        self.topic = topic
        self.effective_records = 0
        self.void_records = 0
        self.dead_letters = 0
        self._app = app
        self._handle = handle
        self._dlq_topic = dlq_topic
        self._rows = app.table(f"{topic}-positions")
        self._positions: dict[int, Position] = {}
        self._filters: dict[int, EpochFilter] = {}
        self._unsettled: set[int] = set()
        self._open: set[int] = set()
        self._gaps: dict[int, float] = {}

    def saved_position(self, partition: int) -> Position:
        """Return the pair that the position's row says."""
        row = self._rows.row(_position_key(partition))
        return Position(row.offset, row.epoch) if row else Position()

    def reopen(self, partition: int) -> int:
        """Go back to the saved position and take nothing until `resume`; return its offset."""
        position = self._positions[partition] = self.saved_position(partition)
        self._filters[partition] = EpochFilter(position.epoch)
        self._unsettled.discard(partition)
        self._gaps.pop(partition, None)
        self._open.discard(partition)
        return position.offset

    def resume(self, partition: int) -> None:
        """Take records again."""
        self._open.add(partition)

    def reading(self) -> dict[int, int]:
        """Return the next offset of each partition that was opened, also of one that went to another process since."""
        return {partition: self._positions[partition].offset for partition in self._open}

    def take(self, record: Record) -> None:
        """Judge the next record and handle it if it takes effect.

        Raises: LiveFailure after records were missing for 15 s; whatever the handler raises besides poison.
        """
        if record.partition not in self._open or not self._is_next(record):
            return
        epochs = self._filters[record.partition]
        verdict = epochs.admit(record)
        after = Position(record.offset + 1, epochs.epoch)
        if verdict is Verdict.VOID:
            self.void_records += 1
        elif record.type not in OWN_TYPES:
            self.effective_records += 1
            self._handle_or_bury(EffectiveRecord(record, after))
        self._positions[record.partition] = after
        self._unsettled.add(record.partition)

    def _is_next(self, record: Record) -> bool:
        """Records of a ledger have no gaps: one that is too early is a leftover of the time before a seek."""
        expected = self._positions[record.partition].offset
        if record.offset <= expected:
            self._gaps.pop(record.partition, None)
            return record.offset == expected
        now = asyncio.get_running_loop().time()
        if now - self._gaps.setdefault(record.partition, now) > GAP_WITHIN_S:
            raise LiveFailure(f"{self.topic}/{record.partition} came from {record.offset}, {expected} is missing")
        return False

    def _handle_or_bury(self, effective: EffectiveRecord) -> None:
        try:
            self._handle(effective)
        except (Poison, ValueError) as error:
            self.dead_letters += 1
            log.error("record buried", extra={"topic": self.topic, "offset": effective.record.offset})
            if self._dlq_topic:
                self._app.publish(
                    self._dlq_topic,
                    effective.record.key,
                    effective.record.value,
                    dead_letter_headers(self.topic, effective.record, error),
                )

    def unsettled(self) -> dict[int, Position]:
        """Return positions that are not in their rows yet, and forget which."""
        found = {partition: self._positions[partition] for partition in self._unsettled}
        self._unsettled.clear()
        return found

    def settle(self, positions: Mapping[int, Position]) -> None:
        """Write positions before which everything is acknowledged."""
        for partition, position in positions.items():
            self._rows.put_row(partition, _position_key(partition), Row(position.offset, position.epoch))


class LiveApp:
    """One Faust app of one process: sources, tables, outputs. Build it whole, then `run`."""

    def __init__(
        self, name: str, *, bootstrap_servers: str, data_dir: str, partitions: int, replication_factor: int = 1
    ) -> None:
        """Build an app.

        Args:
            partitions: of every source topic, hence of every table.
            data_dir: may be any empty folder.
            replication_factor: of the tables' changelogs when they are created.
        """
        self.partitions = partitions
        self._replication_factor = replication_factor
        self._bootstrap_servers = bootstrap_servers
        self._sources: dict[str, LedgerSource] = {}
        self._publisher = Publisher(bootstrap_servers, name)
        self._sends: set[asyncio.Future[Any]] = set()
        self._dirty = asyncio.Event()
        self._failure: BaseException | None = None
        self._failed = asyncio.Event()
        self.faust: SafeApp = build_app(name, bootstrap_servers, data_dir, partitions)
        self.faust.own_offsets = self._own_offsets
        self.faust.on_flow_resumed = self._on_flow_resumed
        self.faust.watch_send = self._watch

    @property
    def is_ready(self) -> bool:
        """True while tables are recovered and records flow."""
        return bool(self.faust.tables.actives_ready and not self.faust.rebalancing and not self._failed.is_set())

    def source(self, topic: str, handle: Handler, *, dlq_topic: str | None = None) -> LedgerSource:
        """Read a ledger topic; `handle` gets every effective event once or again, in order per partition.

        A record for which it raises Poison or ValueError goes to `dlq_topic`; anything else ends the app.
        """
        source = self._sources[topic] = LedgerSource(self, topic, handle, dlq_topic)
        channel = self.faust.topic(
            topic, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )

        async def read(stream: Any) -> None:
            async for event in stream.events():
                await self._take(source, event.message)

        self.faust.agent(channel, name=f"{self.faust.conf.id}.{topic}")(read)
        return source

    def table(self, name: str) -> LiveTable:
        """Add a table; its changelog topic is private to the app."""
        table: Any = self.faust.Table(name, key_type=bytes, value_type=bytes, partitions=self.partitions)
        return LiveTable(table)

    def publish(self, topic: str, key: bytes, value: bytes | None, headers: Headers) -> None:
        """Send a record to a public topic, with its own key; None is a tombstone."""
        self._watch(self._publisher.send(topic, key, value, headers))

    async def run(self) -> None:
        """Create the changelog topics, run until cancelled.

        Raises: LiveFailure; Misconfigured when partitions do not fit; Transient when Kafka is away at the start.
        """
        await self._prepare_topics()
        works = (
            self._publisher.run(),
            self.faust.start(),
            self._settle_always(),
            self._raise_failure(),
            self._raise_crash(),
            self._raise_stall(),
            self._raise_standstill(),
        )
        tasks = [asyncio.create_task(work, name=f"faust-{number}") for number, work in enumerate(works)]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await close_within(self.faust.stop(), STOP_S)

    def fail(self, error: BaseException) -> None:
        """End the app; positions stay where they are, so nothing is lost."""
        if self._failure is None:
            self._failure = error
        self._failed.set()

    async def _raise_failure(self) -> None:
        await self._failed.wait()
        raise LiveFailure(f"{type(self._failure).__name__}: {self._failure}") from self._failure

    async def _raise_crash(self) -> None:
        await self.faust._crashed.wait()
        raise LiveFailure(f"Faust ended: {self.faust.crash_reason!r}") from self.faust.crash_reason

    async def _raise_stall(self) -> None:
        """Faust may wait for ever for its group or its tables when a broker dies: a new start gets over that."""
        tables: Any = self.faust.tables
        left, since = -1, time.monotonic()
        while True:
            await asyncio.sleep(LOOK_S)
            found = tables.recovery.active_remaining_total()
            if self.is_ready or found != left:
                left, since = found, time.monotonic()
            elif time.monotonic() - since > STALL_S:
                raise LiveFailure(f"not ready and no nearer to it for {STALL_S:.0f} s, {left} rows left to recover")

    async def _raise_standstill(self) -> None:
        place = await until_still(self._bootstrap_servers, self._reading, STALL_S)
        raise LiveFailure(f"nothing was read for {STALL_S:.0f} s although there is something: {place}")

    def _reading(self) -> Offsets:
        """Return where each partition of this process is read; none while the group or the tables come together."""
        consumer: Any = self.faust.consumer
        own = {TopicPartition(*place) for place in consumer.assignment()} if self.is_ready else set()
        found = {TopicPartition(s.topic, n): at for s in self._sources.values() for n, at in s.reading().items()}
        return {place: at for place, at in found.items() if place in own}

    async def _take(self, source: LedgerSource, message: Any) -> None:
        if self._failed.is_set():
            return
        try:
            source.take(_record(message))
        except Exception as error:  # Faust would skip the event and go on
            log.exception("live app fails", extra={"topic": source.topic, "offset": message.offset})
            self.fail(error)
            return
        self._dirty.set()
        if len(self._sends) > MAX_UNSETTLED:
            await self._acknowledged()

    def _watch(self, send: "asyncio.Future[Any]") -> "asyncio.Future[Any]":
        self._sends.add(send)
        send.add_done_callback(self._sent)
        return send

    def _sent(self, send: "asyncio.Future[Any]") -> None:
        self._sends.discard(send)
        if send.cancelled():
            self.fail(LiveFailure("a send was cancelled"))
        elif error := send.exception():
            self.fail(error)

    async def _settle_always(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            positions = {source: source.unsettled() for source in self._sources.values()}
            await self._acknowledged()
            for source, found in positions.items():
                source.settle(found)
            await asyncio.sleep(SETTLE_S)

    async def _acknowledged(self) -> None:
        """Wait for every send so far; one that failed or takes too long ends the app instead."""
        sends = set(self._sends)
        if not sends:
            return
        _, late = await asyncio.wait(sends, timeout=ACKNOWLEDGE_WITHIN_S)
        if late:
            self.fail(LiveFailure(f"{len(late)} sends were not acknowledged in {ACKNOWLEDGE_WITHIN_S:.0f} s"))
        if self._failed.is_set():
            await asyncio.Event().wait()  # no position may be written any more

    def _own_offsets(self, partitions: set[TP]) -> dict[TP, int]:
        return {tp: self._sources[tp.topic].reopen(tp.partition) for tp in partitions if tp.topic in self._sources}

    def _on_flow_resumed(self, partitions: set[TP]) -> None:
        for tp in partitions:
            if tp.topic in self._sources:
                self._sources[tp.topic].resume(tp.partition)

    async def _prepare_topics(self) -> None:
        changelogs = [table.changelog_topic_name for table in self.faust.tables.values()]
        wanted = [_changelog(name, self.partitions) for name in changelogs]
        await ensure_topics(self._bootstrap_servers, wanted, self._replication_factor)
        for name, found in (await _partition_counts(self._bootstrap_servers, [*self._sources, *changelogs])).items():
            if found != self.partitions:
                raise Misconfigured(f"The topic {name} has {found} partitions, this app was told {self.partitions}.")


def _record(message: Any) -> Record:
    epoch, kind = read_headers(list(message.headers.items()) if isinstance(message.headers, dict) else message.headers)
    append_time = datetime.fromtimestamp(message.timestamp, UTC)
    return Record(message.partition, message.offset, message.key, message.value or b"", append_time, epoch, kind)


def _position_key(partition: int) -> bytes:
    return b"%d" % partition


def _changelog(name: str, partitions: int) -> Topic:
    return Topic(
        name=name,
        owner="analytics",
        key="table key",
        partitions=partitions,
        cleanup="compact",
        retention_ms=-1,
        public=False,
    )


async def _partition_counts(bootstrap_servers: str, topics: list[str]) -> dict[str, int]:
    """Return how many partitions each topic has. Raises: Transient when a broker does not know one within 15 s."""

    async def counts(admin: AIOKafkaAdminClient) -> dict[str, int]:
        found = await admin.describe_topics(topics)
        while any(topic["error_code"] for topic in found):  # a new topic is not known to each broker at once
            await asyncio.sleep(ASK_AGAIN_S)
            found = await admin.describe_topics(topics)
        return {topic["topic"]: len(topic["partitions"]) for topic in found}

    return await ask(bootstrap_servers, counts)
