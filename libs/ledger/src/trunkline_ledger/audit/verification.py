"""Is one partition's log what the rules promise? Read record by record from offset 0 (ledger rules 2, 6, 11–13, 15).

Owns: the checks. Keeps the newest version of each stream, a mark for each process manager and the command ids of a few
minutes, never the log. Must not: read anything itself, or fold state: `replay` does.
"""

from collections import deque
from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from google.protobuf.message import DecodeError
from trunkline.ledger.v1 import ledger_types_pb2 as wire
from trunkline_core.errors import Poison, TrunklineError
from trunkline_core.tables import Journal

from trunkline_ledger.audit.problems import Problems
from trunkline_ledger.core.alarm import TIMER_IDS
from trunkline_ledger.core.clock import BEGINNING
from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.metadata import Metadata, derive_event_id
from trunkline_ledger.core.placement import PARTITIONER
from trunkline_ledger.core.records import (
    BROADCAST_KEY,
    INPUT_SKIPPED_TYPE,
    MAX_COMMAND_BYTES,
    MAX_COMMAND_RECORDS_BYTES,
    MAX_EVENT_BYTES,
    OWN_TYPES,
    Draft,
    Record,
)
from trunkline_ledger.core.versions import Versions
from trunkline_ledger.core.window import SPAN, check_age
from trunkline_ledger.kafka.partitioner import partition_of
from trunkline_ledger.service import LedgerService

REMEMBERED: Final = timedelta(seconds=2 * SPAN.total_seconds())
"""Within ±5 minutes of its id a command may take effect, so two of one id are never further apart."""


@dataclass(slots=True)
class _Command:
    """The command whose events are being read."""

    record: wire.CommandRecord
    first: Record
    envelope: Metadata
    seen: int = 0
    size_bytes: int = 0


@dataclass(slots=True)
class PartitionReport:
    """What one partition holds. `void`: records that took no effect; `problems`: broken promises."""

    topic: str
    partition: int
    problems: Problems
    records: int = 0
    effective: int = 0
    void: int = 0
    epochs: int = 0
    commands: int = 0
    streams: int = 0


class PartitionAudit:
    """The checks of one partition; feed it every record in order, then ask for the report."""

    def __init__(
        self,
        service: LedgerService[Any, Any, Any],
        number: int,
        partitions: int,
        let_go: Set[int] = frozenset(),
    ) -> None:
        """`let_go`: offsets that an operator let go; nothing is asked of them."""
        self._service = service
        self._number = number
        self._partitions = partitions
        self._let_go = let_go
        self._report = PartitionReport(service.topic, number, Problems(f"{service.topic}/{number}"))
        self._epochs = EpochFilter()
        self._journal = Journal()
        self._versions = Versions(self._journal)
        self._marks: dict[tuple[str, str, int], tuple[int, int]] = {}
        self._ids: set[tuple[str, str, str]] = set()
        self._ids_by_age: deque[tuple[datetime, tuple[str, str, str]]] = deque()
        self._time = BEGINNING
        self._command: _Command | None = None
        self._next_offset = 0

    def read(self, record: Record) -> None:
        """Check the next record."""
        if record.offset != self._next_offset:
            self._wrong("OffsetGap", record, f"offset {self._next_offset} was expected")
        self._next_offset = record.offset + 1
        self._report.records += 1
        match self._epochs.admit(record):
            case Verdict.VOID:
                self._report.void += 1
            case Verdict.MARKER:
                self._read_marker(record)
            case Verdict.EFFECTIVE:
                self._report.effective += 1
                if record.offset in self._let_go:
                    self._pass_over()
                else:
                    self._read_effective(record)

    def report(self) -> PartitionReport:
        """Return what was found; call it at the end of the log."""
        self._end_of_command("the log ends")
        return self._report

    def _wrong(self, rule: str, record: Record, detail: str) -> None:
        self._report.problems.add(rule, record.offset, detail)

    # markers and the ledger's own records

    def _read_marker(self, record: Record) -> None:
        marker = self._epochs.marker
        assert marker is not None
        self._end_of_command("an epoch begins")
        self._report.epochs += 1
        self._time = max(self._time, record.append_time)
        if marker.partition_count not in (0, self._partitions):
            self._wrong("PartitionCount", record, f"{marker.partition_count} in the marker, {self._partitions} now")
        if marker.partitioner not in ("", PARTITIONER):
            self._wrong("Partitioner", record, f"the marker says {marker.partitioner}")

    def _pass_over(self) -> None:
        """An event that was let go still belongs to its command (rule 21)."""
        if self._command is not None:
            self._count_event(self._command)

    def _read_effective(self, record: Record) -> None:
        try:
            if record.type == INPUT_SKIPPED_TYPE:
                self._end_of_command("a skipped input follows")
                self._advance_mark(record, wire.ManagerInputSkipped.FromString(record.value).source)
            elif record.type not in OWN_TYPES:
                event, envelope = self._service.codec.decode_event(record.value)
                self._read_event(record, event, envelope)
        except (Poison, DecodeError) as error:
            self._command = None
            self._wrong("Undecodable", record, f"type {record.type}: {type(error).__name__}")

    def _advance_mark(self, record: Record, source: wire.ManagerSource) -> None:
        """Inputs of a process manager take effect once, in order (rule 13)."""
        key, place = (source.manager, source.topic, source.partition), (source.offset, source.ordinal)
        before = self._marks.get(key)
        if before is not None and place <= before:
            self._wrong("InputTwice", record, f"input {place} of {source.manager} after {before}")
        self._marks[key] = place if before is None else max(place, before)

    # events

    def _read_event(self, record: Record, event: Any, envelope: Metadata) -> None:
        if envelope.command:
            self._begin_command(record, envelope)
        command = self._command
        if command is None:
            self._wrong("EventWithoutCommand", record, "no command stands before it")
            return
        self._check_event(record, event, envelope)
        self._check_in_command(record, envelope, command)
        is_last = self._service.is_last(event)
        self._check_stream(record, envelope, command.record.command_id, is_last=is_last)
        command.size_bytes += _size_bytes(record)
        self._count_event(command)

    def _count_event(self, command: _Command) -> None:
        command.seen += 1
        if command.seen == command.record.event_count:
            self._finish_command(command)

    def _check_event(self, record: Record, event: Any, envelope: Metadata) -> None:
        if record.type != self._service.codec.event_type(event):
            self._wrong("WrongType", record, f"the header says {record.type}")
        if envelope.stream_id != self._service.stream_of(event):
            self._wrong("WrongStream", record, "the envelope names another stream than the event")
        if envelope.writer_epoch != record.epoch:
            self._wrong("WrongEpoch", record, f"the envelope says {envelope.writer_epoch}, the header {record.epoch}")
        if envelope.event_time < self._time:
            self._wrong("TimeWentBack", record, f"{envelope.event_time.isoformat()} after {self._time.isoformat()}")
        self._time = max(self._time, envelope.event_time)
        if len(record.value) > MAX_EVENT_BYTES:
            self._wrong("TooLarge", record, f"{len(record.value)} bytes")

    def _check_in_command(self, record: Record, envelope: Metadata, command: _Command) -> None:
        """All events of a command follow each other under one key, tenant, actor and time (rule 6)."""
        if record.offset != command.first.offset + command.seen:
            self._wrong("CommandSplit", record, f"event {command.seen + 1} of the command at {command.first.offset}")
        first = command.envelope
        same = (record.key, envelope.tenant_id, envelope.actor, envelope.event_time)
        if same != (command.first.key, first.tenant_id, first.actor, first.event_time):
            self._wrong("CommandDisagrees", record, f"with the first event of its command at {command.first.offset}")

    def _check_stream(self, record: Record, envelope: Metadata, command_id: str, *, is_last: bool) -> None:
        """Versions are 1, 2, 3, …, and an event's id names its place (rule 11, ADR 0009).

        A stream that is over leaves memory after a while, as in the fold, and would begin again (rule 16).
        """
        before = self._versions.of(envelope.stream_id, envelope.event_time)
        if envelope.stream_version != before + 1:
            self._wrong("VersionGap", record, f"version {envelope.stream_version} after {before}")
        self._versions.advance(envelope.stream_id, envelope.stream_version, envelope.event_time, is_last=is_last)
        self._journal.commit()
        self._report.streams += before == 0
        stream = (envelope.stream_id, envelope.stream_version)
        derived = derive_event_id(self._service.topic, self._number, envelope.writer_epoch, command_id, stream)
        if envelope.event_id != derived:
            self._wrong("WrongEventId", record, f"{envelope.event_id} is not derived from its place")

    # commands

    def _begin_command(self, record: Record, envelope: Metadata) -> None:
        self._end_of_command("another command follows")
        command = wire.CommandRecord.FromString(envelope.command)
        self._command = _Command(command, record, envelope)
        self._report.commands += 1
        self._check_payload(record, command, envelope)
        self._check_key(record, command.command_id)
        if command.payload_hash:
            self._check_identity(record, command, envelope)
        if command.HasField("source"):
            self._advance_mark(record, command.source)

    def _check_payload(self, record: Record, command: wire.CommandRecord, envelope: Metadata) -> None:
        codec = self._service.codec
        try:
            again = codec.encode_command(codec.decode_command(command.payload))
        except (TrunklineError, ValueError, TypeError) as error:
            self._wrong("UndecodableCommand", record, type(error).__name__)
            return
        if again != command.payload:
            self._wrong("CommandNotCanonical", record, "its payload is written otherwise when it is read and written")
        if len(command.payload) > MAX_COMMAND_BYTES:
            self._wrong("TooLarge", record, f"a command of {len(command.payload)} bytes")
        if command.decided_time.ToNanoseconds() // 1000 != _microseconds(envelope.event_time):
            self._wrong("WrongTime", record, "decided at another time than its events say")

    def _check_key(self, record: Record, command_id: str) -> None:
        if record.key == BROADCAST_KEY.encode() or command_id.startswith(TIMER_IDS):
            return
        expected = partition_of(record.key, self._partitions)
        if expected != self._number:
            self._wrong("WrongPartition", record, f"its key belongs to partition {expected}")

    def _check_identity(self, record: Record, command: wire.CommandRecord, envelope: Metadata) -> None:
        """A command from outside takes effect once, near the time of its id (rule 12)."""
        key = (envelope.tenant_id, command.principal, command.command_id)
        while self._ids_by_age and self._ids_by_age[0][0] < envelope.event_time - REMEMBERED:
            self._ids.discard(self._ids_by_age.popleft()[1])
        if key in self._ids:
            self._wrong("CommandTwice", record, f"command {command.command_id}")
        self._ids.add(key)
        self._ids_by_age.append((envelope.event_time, key))
        try:
            check_age(command.command_id, envelope.event_time)
        except TrunklineError as refusal:
            self._wrong("CommandOutOfTime", record, str(refusal))

    def _finish_command(self, command: _Command) -> None:
        if command.size_bytes > MAX_COMMAND_RECORDS_BYTES:
            self._wrong("TooLarge", command.first, f"a command's records have {command.size_bytes} bytes")
        self._command = None

    def _end_of_command(self, why: str) -> None:
        if self._command is not None:
            seen, count = self._command.seen, self._command.record.event_count
            self._wrong("CommandCut", self._command.first, f"{seen} of {count} events, then {why}")
        self._command = None


def _size_bytes(record: Record) -> int:
    return Draft(record.key, record.value, record.epoch or 0, record.type or "").size_bytes


def _microseconds(moment: datetime) -> int:
    return (moment - BEGINNING) // timedelta(microseconds=1)
