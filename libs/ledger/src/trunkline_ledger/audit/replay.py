"""Deciding a recorded log again: each stored command, at its time, on the state as it was (ledger rule 11).

Owns: that what the rules say today is compared byte for byte with what stands on the log, envelopes included; the state
then follows the log, so that one difference does not cause the next. Must not: read anything itself.

A refusal left no record, so it is not decided again. Another version of the rules may say something else: that is a
difference, and a problem only where the marker names our version.
"""

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from google.protobuf.message import DecodeError
from trunkline.ledger.v1 import ledger_types_pb2 as wire
from trunkline_core.decider import Context
from trunkline_core.errors import Poison, TrunklineError

from trunkline_ledger.audit.problems import Problems
from trunkline_ledger.core.alarm import NEVER
from trunkline_ledger.core.batch import Batch, Ticket
from trunkline_ledger.core.commands import source_of
from trunkline_ledger.core.deciding import Deciding
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import MARKER_TYPE, OWN_TYPES, Draft, Record
from trunkline_ledger.service import LedgerService, LedgerState
from trunkline_ledger.stats import LedgerStats
from trunkline_ledger.submission import Submission

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")


@dataclass(slots=True)
class ReplayReport:
    """What came of one partition.

    Attributes:
        commands: decided again.
        different: of them, those that today's rules decide otherwise; `problems` holds those of our own version.
        first_difference: where and how, with the versions of the rules; empty where there is none.
        digest: hash of the state at the end.
    """

    topic: str
    partition: int
    problems: Problems
    records: int = 0
    commands: int = 0
    different: int = 0
    first_difference: str = ""
    digest: str = ""


class PartitionReplay(Generic[S, C, E]):
    """One partition, decided again; feed it every record in order, then ask for the report."""

    def __init__(
        self,
        service: LedgerService[S, C, E],
        number: int,
        until: datetime | None = None,
        let_go: Set[int] = frozenset(),
        watch: Callable[[S, C, Context, Sequence[E]], None] | None = None,
    ) -> None:
        """Begin.

        Args:
            service, number: whose ledger, and which partition.
            until: log time; what was decided later is left out.
            let_go: offsets that an operator let go.
            watch: told of each command: the state before it, which must be left as it is, and what came of it.
        """
        self._service = service
        self._number = number
        self._until = until
        self._watch = watch
        self._fold: Fold[S, C, E] = Fold(service, number)
        self._fold.let_go = let_go
        self._deciding = Deciding(service, number, self._fold, LedgerStats())
        self._report = ReplayReport(service.topic, number, Problems(f"{service.topic}/{number}"))
        self._command: wire.CommandRecord | None = None
        self._records: list[Record] = []
        self.is_over = False

    def read(self, record: Record) -> None:
        """Take in the next record; nothing happens any more once `is_over`."""
        if self.is_over:
            return
        try:
            self._read(record)
        except (Poison, DecodeError) as error:
            self.is_over = True
            self._report.problems.add("Poison", record.offset, str(error))

    def report(self) -> ReplayReport:
        """Return what came of it; call it at the end of the log."""
        if self._records and not self.is_over:
            self._report.problems.add("CommandCut", self._records[0].offset, "the log ends within a command")
        self._report.records = self._fold.next_offset
        self._report.digest = self._fold.digest()
        return self._report

    def _read(self, record: Record) -> None:
        is_gone = record.offset in self._fold.let_go
        if self._is_event(record) and (self._records or not is_gone):
            self._read_event(record)
            return
        if self._records:
            raise Poison(f"{record.type} within a command")
        if record.type == MARKER_TYPE and self._is_too_late(record.append_time):
            return
        self._fold.take_in(record, [])

    def _is_event(self, record: Record) -> bool:
        epoch = self._fold.epochs.epoch
        return record.epoch == epoch > 0 and record.type is not None and record.type not in OWN_TYPES

    def _is_too_late(self, moment: datetime) -> bool:
        self.is_over = self._until is not None and moment > self._until
        return self.is_over

    def _read_event(self, record: Record) -> None:
        """Gather the events of a command; when all are there, decide it."""
        if self._command is None:
            _, envelope = self._service.codec.decode_event(record.value)
            if self._is_too_late(envelope.event_time):
                return
            if not envelope.command:
                raise Poison("an event without a command before it")
            self._command = wire.CommandRecord.FromString(envelope.command)
        self._records.append(record)
        if len(self._records) >= self._command.event_count:
            self._decide(self._command, self._records)
            self._command, self._records = None, []

    def _decide(self, command: wire.CommandRecord, records: list[Record]) -> None:
        self._report.commands += 1
        is_whole = all(record.offset not in self._fold.let_go for record in records)
        difference = self._difference(command, records) if is_whole else ""
        if difference:
            self._note(records[0].offset, difference)
        for record in records:
            self._fold.take_in(record, [])

    def _note(self, offset: int, difference: str) -> None:
        """The same version must say the same; another may differ, and then it is told where first."""
        marker = self._fold.epochs.marker
        theirs, ours = marker.decider_version if marker else "", self._service.decider_version
        self._report.different += 1
        if theirs == ours:
            self._report.problems.add("DecidedOtherwise", offset, difference)
        if not self._report.first_difference:
            name = self._service.name
            self._report.first_difference = (
                f"decided by {name}/{theirs}, this is {name}/{ours}; first difference at offset {offset}: {difference}"
            )

    def _difference(self, command: wire.CommandRecord, records: list[Record]) -> str:
        """Return how today's decision differs from the stored one, empty when it does not; the state stays."""
        stored = [self._service.codec.decode_event(record.value) for record in records]
        batch: Batch[E] = Batch(records[0].offset, command.decided_time.ToDatetime(UTC))
        unreadable = (TrunklineError, ValueError, TypeError, LookupError)
        try:
            submission = self._submission(command, records[0].key.decode(), stored)
        except unreadable as error:
            return f"the command cannot be read: {type(error).__name__}"
        self._show(submission, batch.now, stored)
        try:
            outcome = self._deciding.outcome(Ticket(submission, 0.0, NEVER, lambda _: None), batch, 0.0)
        except unreadable as error:
            return f"the command cannot be decided: {type(error).__name__}"
        finally:
            self._fold.journal.rollback()
        if outcome.refusal is not None:
            return f"refused: {outcome.refusal}"
        return self._first_difference(batch.drafts, records)

    def _show(self, submission: Submission[C], now: datetime, stored: list[tuple[E, Metadata]]) -> None:
        if self._watch is not None:
            context = Context(now, submission.tenant, submission.actor, submission.command_id)
            self._watch(self._fold.state, submission.command, context, [event for event, _ in stored])

    def _submission(self, command: wire.CommandRecord, key: str, stored: list[tuple[E, Metadata]]) -> Submission[C]:
        first = stored[0][1]
        return Submission(
            command=self._service.codec.decode_command(command.payload),
            key=key,
            partition=self._number,
            command_id=command.command_id,
            tenant=first.tenant_id,
            actor=first.actor,
            principal=command.principal,
            payload_hash=command.payload_hash,
            correlation_id=self._correlation_of(stored),
            causation_id=first.causation_id,
            source=source_of(command.source) if command.HasField("source") else None,
        )

    def _correlation_of(self, stored: list[tuple[E, Metadata]]) -> str:
        """What the submission named shows only on an event that does not name its interaction itself."""
        named = (envelope.correlation_id for event, envelope in stored if not self._service.correlation_of(event))
        return next(named, "")

    def _first_difference(self, drafts: list[Draft], records: list[Record]) -> str:
        for number, (draft, record) in enumerate(zip(drafts, records, strict=False), 1):
            if (draft.key, draft.value, draft.type, draft.epoch) != (
                record.key,
                record.value,
                record.type,
                record.epoch,
            ):
                return f"event {number} of {len(records)}: {self._compared(draft, record)}"
        if len(drafts) != len(records):
            return f"{len(drafts)} events instead of {len(records)}"
        return ""

    def _compared(self, draft: Draft, record: Record) -> str:
        if draft.type != record.type:
            return f"{draft.type} instead of {record.type}"
        ours, our_envelope = self._service.codec.decode_event(draft.value)
        theirs, their_envelope = self._service.codec.decode_event(record.value)
        names = [*_unequal(ours, theirs), *(f"metadata.{name}" for name in _unequal(our_envelope, their_envelope))]
        return f"{record.type} differs in {', '.join(names) or 'its bytes'}"


def _unequal(ours: object, theirs: object) -> list[str]:
    """Return the names of fields with different values, never the values."""
    if not is_dataclass(ours) or type(ours) is not type(theirs):
        return ["its kind"] if ours != theirs else []
    return [field.name for field in fields(ours) if getattr(ours, field.name) != getattr(theirs, field.name)]
