"""What becomes of snapshots where an operator let a record go (ledger rules 16 and 21); no Kafka."""

from collections.abc import Mapping

import pytest
from accounts import Freeze, bank_service
from log import Log, Replica, uuid7
from trunkline.ledger.v1.ledger_types_pb2 import RecordSkipped
from trunkline_core.errors import Poison
from trunkline_ledger import snapshot_maker
from trunkline_ledger.core.partition import Outputs, Partition
from trunkline_ledger.core.records import RECORD_SKIPPED_TYPE, Draft, Record
from trunkline_ledger.kafka.client import KafkaClient
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.replica import Replica as Shell
from trunkline_ledger.snapshot_maker import Request, _follow
from trunkline_ledger.stats import LedgerStats

REQUEST = Request("", "bank.events.v1", "t1", 0, "", "maker", 1)


class Tail:
    """Reads a log in memory, two records at a time."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._offset = 0

    async def start(self, offsets: Mapping[int, int], only: list[int]) -> None:
        (self._offset,) = (offsets[number] for number in only)

    async def end_offsets(self, partitions: list[int]) -> dict[int, int]:
        return {0: len(self._log.records)}

    async def next_records(self, timeout_s: float) -> list[Record]:
        found = self._log.records[self._offset : self._offset + 2]
        assert found, "it would wait for ever"
        self._offset += len(found)
        return found

    def seek(self, partition: int, offset: int) -> None:
        self._offset = offset

    async def stop(self) -> None: ...


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    log = Log()
    monkeypatch.setattr(snapshot_maker, "Tail", lambda *_: Tail(log))
    return log


def core_at(replica: Replica) -> Partition:
    """Return a core that begins where the replica stands, as from a snapshot."""
    core = Partition(bank_service(schema_version=2), 0, "maker", "", LedgerStats())
    core.begin_from(replica.core.fold)
    return core


def let_go(log: Log, offset: int) -> None:
    skip = RecordSkipped(offset=offset).SerializeToString()
    log.append([Draft(b"*", skip, 1, RECORD_SKIPPED_TYPE)])


async def test_a_base_that_holds_what_was_let_go_is_left_for_the_start_of_the_log(log: Log) -> None:
    owner = Replica(log, "r1", schema=2, written=2).take_over()
    owner.book("a", 5)
    owner.submit(Freeze("a"), uuid7(2))
    owner.commit()
    core = core_at(owner)
    let_go(log, len(log.records) - 1)
    begun_at, last = await _follow(REQUEST, core)
    assert (begun_at, last, core.fold.state.balances.get("a")) == (0, log.records[-1], 5)


async def test_poison_that_was_let_go_is_passed_over(log: Log) -> None:
    owner = Replica(log, "r1", schema=2).take_over()
    core = core_at(owner)
    let_go(log, log.append([Draft(b"a", b"garbage", 1, "test.Booked")]))
    begun_at, last = await _follow(REQUEST, core)
    assert (begun_at, last, core.next_offset) == (1, log.records[-1], len(log.records))


async def test_poison_that_nobody_let_go_makes_no_snapshot(log: Log) -> None:
    core = core_at(Replica(log, "r1", schema=2).take_over())
    for _ in range(2):
        log.append([Draft(b"a", b"garbage", 1, "test.Booked")])
    with pytest.raises(Poison):
        await _follow(REQUEST, core)


def test_after_reading_again_from_the_start_a_new_snapshot_is_due() -> None:
    """The newest one holds what was let go; each start would read the whole log until there is another."""
    client = KafkaClient("nowhere:1")
    shell = Shell(bank_service(), LedgerSettings(), client=client, instance_id="r1", boot_id="1", address="")
    shell.host(0)
    shell.snapshots[0] = 70_000
    shell.emit(0, Outputs(read_again=True))
    assert (shell.to_read_again, shell.snapshots) == ({0}, {})
