"""`events` are the records that a run wrote: no markers, no void records, nobody else's, nothing from before."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import pytest
from aiokafka.errors import KafkaConnectionError
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.common.v1.common_types_pb2 import EventMetadata
from trunkline.ledger.v1.ledger_types_pb2 import ManagerInputSkipped, ManagerSource
from trunkline.topics import TOPICS
from trunkline_core.errors import Transient
from trunkline_demo.ledgers import LEDGERS, Ends, LedgerGrowth
from trunkline_ledger.core.records import INPUT_SKIPPED_TYPE, MARKER_TYPE, RECORD_SKIPPED_TYPE, Record

TOPIC, RUN = "acd.events.v1", "tn_day_1"


class Log:
    """One ledger in memory, as the ports see it; the others are empty."""

    def __init__(self, partitions: int = 1) -> None:
        self.records: dict[int, list[Record]] = {number: [] for number in range(partitions)}
        self.read: list[int] = []
        self.fails = False

    def append(
        self, value: bytes, kind: str | None = "AgentSignedIn", epoch: int | None = 1, partition: int = 0
    ) -> None:
        log = self.records[partition]
        log.append(Record(partition, len(log), b"rd", value, datetime.now(UTC), epoch, kind))

    def event(self, tenant: str = RUN, epoch: int | None = 1, partition: int = 0) -> None:
        event = AcdEvent(metadata=EventMetadata(tenant_id=tenant))
        self.append(event.SerializeToString(), epoch=epoch, partition=partition)

    def skipped(self, offset: int, topic: str = TOPIC) -> None:
        source = ManagerSource(topic=topic, partition=0, offset=offset)
        self.append(ManagerInputSkipped(source=source, rule="Nothing").SerializeToString(), INPUT_SKIPPED_TYPE)

    async def ends(self) -> Ends:
        ours = {number: len(records) for number, records in self.records.items()}
        return {topic: ours if topic == TOPIC else {0: 0} for topic in LEDGERS}

    def new_tail(self, topic: str, client_id: str) -> "LogReader":
        return LogReader(self, topic)


class LogReader:
    """Hands out one record at a time."""

    def __init__(self, log: Log, topic: str) -> None:
        self._log, self._topic = log, topic
        self._positions: dict[int, int] = {}

    async def start(
        self, offsets: Mapping[int, int] | None = None, *, only: Collection[int] | None = None
    ) -> list[int]:
        self._positions = dict(offsets or {})
        return sorted(self._positions)

    def seek(self, partition: int, offset: int) -> None:
        self._positions[partition] = offset

    async def next_records(self, timeout_s: float) -> list[Record]:
        if self._log.fails:
            raise KafkaConnectionError
        assert self._topic == TOPIC, "an empty ledger is not read"
        for number, position in self._positions.items():
            if position < len(self._log.records[number]):
                self._positions[number] += 1
                self._log.read.append(position)
                return [self._log.records[number][position]]
        raise TimeoutError

    async def end_offsets(self, partitions: list[int]) -> dict[int, int]:
        raise NotImplementedError

    async def stop(self) -> None:
        pass


async def begun(log: Log) -> LedgerGrowth:
    growth = LedgerGrowth(RUN, log.ends, log.new_tail)
    await growth.begin()
    return growth


async def test_the_tenants_records_of_all_partitions_are_counted() -> None:
    log = Log(partitions=2)
    growth = await begun(log)
    log.event(partition=0)
    log.event(partition=1)
    log.event(partition=1)
    assert await growth.count() == 3


async def test_markers_and_other_tenants_do_not_count() -> None:
    log = Log()
    growth = await begun(log)
    for kind in (MARKER_TYPE, RECORD_SKIPPED_TYPE):  # whatever they hold
        log.append(AcdEvent(metadata=EventMetadata(tenant_id=RUN)).SerializeToString(), kind)
    log.event("tn_demo")
    log.event()
    assert await growth.count() == 1


async def test_what_a_replaced_owner_wrote_does_not_count() -> None:
    log = Log()
    growth = await begun(log)
    log.append(b"", MARKER_TYPE, epoch=2)
    log.event(epoch=1)
    log.event(epoch=None)
    log.event(epoch=2)
    assert await growth.count() == 1


async def test_an_input_that_led_to_nothing_counts_when_it_was_the_runs() -> None:
    log = Log()
    growth = await begun(log)
    log.skipped(1)  # told before its input is read: ledgers are read one after the other
    log.event()
    log.event("tn_demo")
    log.skipped(2)
    log.skipped(1, "contact.events.v1")
    assert await growth.count() == 2


async def test_what_stood_there_before_is_not_even_read() -> None:
    log = Log()
    log.event()
    log.event()
    growth = await begun(log)
    log.event()
    assert await growth.count() == 1
    assert log.read == [2]


async def test_kafka_that_goes_away_is_one_sentence() -> None:
    log = Log()
    growth = await begun(log)
    log.event()
    log.fails = True
    with pytest.raises(Transient, match=r"^Kafka does not hand out the ledger acd\.events\.v1: "):
        await growth.count()


def test_every_ledger_of_the_catalogue_is_counted() -> None:
    assert set(LEDGERS) == {name for name in TOPICS if name.endswith(".events.v1")}
