"""The folded half of a partition: what the log says so far, the same on every replica (ledger rules 2, 12, 13, 15, 21).

Owns: the service's state, stream versions, deduplication window and manager marks, all in one journal; the current
epoch; log time; the next offset to read. All of it is in `contents` or in a snapshot's manifest (rule 16).
Must not: decide anything, or know whether this replica is the owner.
"""

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import Generic, TypeVar

from trunkline.ledger.v1 import ledger_types_pb2 as wire
from trunkline_core.decider import Context
from trunkline_core.errors import Poison

from trunkline_ledger.core.clock import LogClock
from trunkline_ledger.core.commands import source_of
from trunkline_ledger.core.contents import Contents
from trunkline_ledger.core.digest import digest_of
from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.marks import Marks
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import INPUT_SKIPPED_TYPE, RECORD_SKIPPED_TYPE, Record
from trunkline_ledger.core.versions import Versions
from trunkline_ledger.core.window import Window
from trunkline_ledger.service import LedgerService, LedgerState
from trunkline_ledger.submission import Recorded

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")

LEASE_GRACE = timedelta(seconds=10)


@dataclass(slots=True)
class _Reading(Generic[E]):
    """The command whose events are being read; `missing` of them were let go by an operator."""

    record: wire.CommandRecord
    tenant: str
    events: list[Recorded[E]] = field(default_factory=list)
    missing: int = 0

    @property
    def is_whole(self) -> bool:
        return len(self.events) + self.missing >= self.record.event_count


class Fold(Generic[S, C, E]):
    """One partition's log, folded; the records at the offsets `let_go` are passed over (rule 21)."""

    def __init__(self, service: LedgerService[S, C, E], number: int) -> None:
        self._service = service
        self._number = number
        self.state: S = service.new_state()
        self.journal = self.state.journal
        self.versions = Versions(self.journal)
        self.window: Window[E] = Window(self.journal)
        self.marks = Marks(self.journal)
        self.epochs = EpochFilter()
        self.clock = LogClock()
        self.next_offset = 0
        self.let_go: Set[int] = frozenset()
        self._reading: _Reading[E] | None = None

    @property
    def contents(self) -> Contents:
        """All tables: what a snapshot holds."""
        roots = {"state": self.state, "versions": self.versions, "window": self.window, "marks": self.marks}
        return Contents(SimpleNamespace(**roots))

    @property
    def is_between_commands(self) -> bool:
        """Whether all events of the newest command were read."""
        return self._reading is None

    def digest(self) -> str:
        """Return the same 64 digits on every replica that read as far, by whatever way (ledger rule 16).

        Meant for a state that nothing is in flight on: on the owner, inside a watcher or `Ledger.read`.
        """
        marker = self.epochs.marker
        marked = b"" if marker is None else marker.SerializeToString(deterministic=True)
        position = (self.next_offset, self.epochs.epoch, marked, self.clock.last_event_time)
        return digest_of(self.contents, *position)

    def take_in(self, record: Record, effective: list[Recorded[E]]) -> Verdict:
        """Judge the next record and apply it; an event is added to `effective`.

        Raises: Poison for a valid record that cannot be applied (rule 21); it is then as if it had not been read.
        """
        verdict = self.epochs.admit(record)
        if verdict is Verdict.EFFECTIVE and record.offset in self.let_go:
            self._pass_over()
        elif verdict is Verdict.EFFECTIVE:
            self._apply_whole(record, effective)
        elif verdict is Verdict.MARKER:
            self._begin_epoch(record)
        self.next_offset = record.offset + 1
        self.journal.commit()
        return verdict

    def _begin_epoch(self, record: Record) -> None:
        """A valid marker gives every live lease its grace (rule 15); a command never straddles one (rule 6)."""
        self._reading = None
        self.clock.saw(record.append_time)
        self.state.timers.grant_grace(self.clock.last_event_time + LEASE_GRACE)

    def _pass_over(self) -> None:
        """An event that was let go still belongs to its command, whose other events and whose mark stay."""
        reading = self._reading
        if reading is not None:
            reading.missing += 1
            self._finish_whole(reading)

    def _apply_whole(self, record: Record, effective: list[Recorded[E]]) -> None:
        reading, read = self._reading, len(self._reading.events) if self._reading else 0
        time = self.clock.last_event_time
        try:
            if record.type == INPUT_SKIPPED_TYPE:
                self.marks.advance(source_of(wire.ManagerInputSkipped.FromString(record.value).source))
            elif record.type != RECORD_SKIPPED_TYPE:
                effective.append(self._apply(record))
        except Exception as error:  # whatever a codec or a rule raises stops this partition, never the process
            self.journal.rollback()
            self._reading, self.clock.last_event_time = reading, time
            if reading is not None:
                del reading.events[read:]
            where = f"offset {record.offset} of {self._service.topic}/{self._number}"
            raise Poison(f"{where} cannot be applied: {type(error).__name__}") from error

    def _apply(self, record: Record) -> Recorded[E]:
        event, metadata = self._service.codec.decode_event(record.value)
        reading = self._command_of(metadata)
        recorded = Recorded(event, metadata, self._number, record.offset, record.key.decode())
        self._evolve(event, metadata, reading.record.command_id)
        reading.events.append(recorded)
        self._finish_whole(reading)
        return recorded

    def _command_of(self, metadata: Metadata) -> _Reading[E]:
        if metadata.command:
            record = wire.CommandRecord.FromString(metadata.command)
            self._reading = _Reading(record, metadata.tenant_id)
        if self._reading is None:
            raise Poison("an event without a command before it")
        return self._reading

    def _evolve(self, event: E, metadata: Metadata, command_id: str) -> None:
        """Evolve with the context that the owner decided with, so that every replica comes to the same state."""
        context = Context(metadata.event_time, metadata.tenant_id, metadata.actor, command_id)
        self._service.decider.evolve(self.state, event, context)
        self.note_version(event, metadata)
        self.clock.saw(metadata.event_time)

    def note_version(self, event: E, metadata: Metadata) -> None:
        """The stream has this version now; a stream that is over leaves memory in time."""
        is_last = self._service.is_last(event)
        self.versions.advance(metadata.stream_id, metadata.stream_version, metadata.event_time, is_last=is_last)

    def _finish_whole(self, reading: _Reading[E]) -> None:
        if not reading.is_whole:
            return
        record = reading.record
        if record.payload_hash:
            key = (reading.tenant, record.principal, record.command_id)
            now = reading.events[-1].metadata.event_time
            self.window.remember(key, record.payload_hash, tuple(reading.events), now)
        if record.HasField("source"):
            self.marks.advance(source_of(record.source))
        self._reading = None
