"""The operator's skip: a record that stopped a partition is let go by a record of its own (ledger rule 21, ADR 0013).

Owns: looking whether the skip can be valid, appending it, and reading it back. Must not: know whether the record is
really poison: only a service can tell, and a skip of a healthy record is as valid.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

from aiokafka.errors import KafkaError
from trunkline.ledger.v1.ledger_types_pb2 import RecordSkipped
from trunkline_core.errors import Conflict, Invalid, Rejection, Transient

from trunkline_ledger.core.records import BROADCAST_KEY, MARKER_TYPE, RECORD_SKIPPED_TYPE, Draft, Record
from trunkline_ledger.core.skips import MAX_FOLLOWING, Skips
from trunkline_ledger.kafka.producer import PartitionProducer
from trunkline_ledger.kafka.reader import EffectiveRecord, Position, Reader
from trunkline_ledger.log_client import AppendRefused, AppendUnknown

MAX_REASON_CHARS: Final = 500
MAX_OPERATOR_CHARS: Final = 128
APPEND_S: Final = 8.0


class RecordsFollow(Rejection):
    """Other records that count stand behind the one to be skipped; somebody may have decided on them with it in mind.

    `count`: how many. The operator who looked at them says so.
    """

    def __init__(self, count: int) -> None:
        super().__init__("RecordsFollow")
        self.count = count
        self.args = (f"{count} records that take effect follow it: say so to keep them as they are",)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A skip that every reader honours: it stands at `offset`, under `epoch`."""

    offset: int
    epoch: int


async def append_skip(
    bootstrap_servers: str,
    topic: str,
    partition: int,
    offset: int,
    reason: str,
    operator: str,
    *,
    following_count: int = 0,
    timeout_s: float = 600.0,
) -> Skipped:
    """Let a record go. The log is read from its start, so it takes as long as a start of the service.

    Args:
        bootstrap_servers: of Kafka.
        topic: the ledger.
        partition: of it.
        offset: of the record, as the log line `partition stopped` names it.
        reason: in the operator's words, 1 to 500 characters without personal data; it stays for ever.
        operator: who does it, 1 to 128 characters.
        following_count: records that count and stand behind it, where the operator looked at them; at most 4,096.
        timeout_s: of all.

    Raises:
        Invalid: names the argument, for example an offset where nothing stands that takes effect.
        Conflict: the record was skipped before.
        RecordsFollow: more or fewer records stand behind it than was said; nothing was written.
        Transient: no broker is up, or somebody wrote meanwhile and the skip is void: try again.
    """
    _check_text("reason", reason, MAX_REASON_CHARS)
    _check_text("operator", operator, MAX_OPERATOR_CHARS)
    skip = RecordSkipped(offset=offset, reason=reason, operator=operator, following_count=following_count)
    search = _Search(Reader(topic, bootstrap_servers=bootstrap_servers, client_id="trunkline-skip"), partition, offset)
    try:
        async with asyncio.timeout(timeout_s):
            await search.begin()
            search.check(following_count)
            draft = Draft(BROADCAST_KEY.encode(), skip.SerializeToString(), search.epoch, RECORD_SKIPPED_TYPE)
            written = await _append(bootstrap_servers, topic, partition, draft)
            if not await search.is_honoured(written):
                raise Transient("the log went on before the skip, which is void: try again")
            return Skipped(written, search.epoch)
    except (KafkaError, OSError, TimeoutError) as error:
        raise Transient(f"no Kafka broker answers for {topic}") from error
    finally:
        await search.end()


def _check_text(field: str, text: str, max_chars: int) -> None:
    if not 0 < len(text) <= max_chars:
        raise Invalid(field, f"must have 1 to {max_chars} characters")


async def _append(bootstrap_servers: str, topic: str, partition: int, draft: Draft) -> int:
    producer = PartitionProducer(topic, partition, bootstrap_servers, APPEND_S)
    await producer.start()
    try:
        return await producer.append([draft])
    except (AppendUnknown, AppendRefused) as error:
        raise Transient("whether the skip was written is unknown: try again") from error
    finally:
        await producer.close()


class _Search:
    """Reads one partition to its end and then on, and knows what stands behind the record that is looked for."""

    def __init__(self, reader: Reader, partition: int, offset: int) -> None:
        self.epoch = 0
        self._reader = reader
        self._partition = partition
        self._offset = offset
        self._end = 0
        self._skips = Skips()
        self._found: Record | None = None
        self._following_count = 0

    async def begin(self) -> None:
        """Read all that stands there now. Raises: KafkaError, TimeoutError, Invalid."""
        await self._reader.start()
        ends = await self._reader.end_offsets()
        if self._partition not in ends:
            raise Invalid("partition", f"must be below {len(ends)}")
        for number in ends.keys() - {self._partition}:
            self._reader.seek(number, Position(ends[number], 0))
        self._end = ends[self._partition]
        await self._read_to(self._end)

    async def end(self) -> None:
        """Disconnect."""
        await self._reader.stop()

    def check(self, following_count: int) -> None:
        """Raises: Invalid, Conflict, RecordsFollow when a skip would be void."""
        if not 0 <= self._offset < self._end:
            raise Invalid("offset", f"must be below {self._end}, where the partition ends")
        if self._found is None or self._found.type in (MARKER_TYPE, RECORD_SKIPPED_TYPE):
            raise Invalid("offset", "names no record that takes effect: nothing stops there")
        if self._offset in self._skips.offsets:
            raise Conflict("the record was skipped before")
        if self._following_count > MAX_FOLLOWING:
            raise Invalid("offset", f"lies more than {MAX_FOLLOWING} records back: only a version that reads it helps")
        if self._following_count != following_count:
            raise RecordsFollow(self._following_count)

    async def is_honoured(self, written: int) -> bool:
        """Read on until the skip at `written` is read back; tell whether it is valid."""
        await self._read_to(written + 1)
        return self._offset in self._skips.offsets

    async def _read_to(self, end: int) -> None:
        while self._reader.positions()[self._partition].offset < end:
            for effective in await self._reader.next_batch():
                if effective.record.partition == self._partition:
                    self._take_in(effective)
        self.epoch = self._reader.positions()[self._partition].epoch

    def _take_in(self, effective: EffectiveRecord) -> None:
        record = effective.record
        self._skips.take_in(record, effective.verdict)
        if record.offset == self._offset:
            self._found = record
        elif self._found is not None and record.type != RECORD_SKIPPED_TYPE:
            self._following_count += 1
