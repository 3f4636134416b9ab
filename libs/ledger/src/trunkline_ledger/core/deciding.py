"""One command to its outcome: deduplicated, decided, its events given their envelopes (ledger rules 6, 11–13).

Must not: append, reply, or know of other replicas. What it changes stands in the fold's journal until the batch's fate
is known.
"""

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from trunkline_core.decider import Context, execute
from trunkline_core.errors import Rejection, Transient, TrunklineError

from trunkline_ledger.core.batch import Batch, Outcome, Ticket
from trunkline_ledger.core.commands import NOTHING, command_record, input_skipped_draft
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.metadata import Metadata, derive_event_id
from trunkline_ledger.core.records import Draft, check_command_size, check_records_size
from trunkline_ledger.service import LedgerService, LedgerState
from trunkline_ledger.stats import LedgerStats
from trunkline_ledger.submission import Defect, Recorded, Submission

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")


class Deciding(Generic[S, C, E]):
    """The rules of one service at work on one partition."""

    def __init__(self, service: LedgerService[S, C, E], number: int, fold: Fold[S, C, E], stats: LedgerStats) -> None:
        self._service = service
        self._number = number
        self._fold = fold
        self._stats = stats

    def outcome(self, ticket: Ticket, batch: Batch[E], monotonic_s: float) -> Outcome[E]:
        """Carry out one command in the batch; a refused one leaves nothing but, for a manager, its mark."""
        if monotonic_s > ticket.deadline_monotonic:
            return Outcome(ticket, refusal=Transient("the deadline passed before the command was decided"))
        try:
            return self._known(ticket, batch) or self._decided(ticket, batch)
        except TrunklineError as refusal:
            return self._refused(ticket, refusal, batch)
        except Exception as error:  # a defect in one rule must not stop every other command of the partition
            self._stats.defects += 1
            defect = Defect(f"the rules failed: {type(error).__name__}")
            defect.__cause__ = error
            return Outcome(ticket, refusal=defect)

    def _refused(self, ticket: Ticket, refusal: TrunklineError, batch: Batch[E]) -> Outcome[E]:
        """A refusal that may end is no answer to a manager: it tries again; any other advances its mark (rule 13)."""
        self._stats.rejected += 1
        if not refusal.retryable:
            rule = refusal.rule if isinstance(refusal, Rejection) else type(refusal).__name__
            self._skip_input(ticket.submission, rule, batch)
        return Outcome(ticket, refusal=refusal)

    def _known(self, ticket: Ticket, batch: Batch[E]) -> Outcome[E] | None:
        """Return the first answer to a command that was carried out before, None for a new one."""
        submission = ticket.submission
        if submission.source is not None and self._fold.marks.is_applied(submission.source):
            return Outcome(ticket)
        if submission.follows is not None and not self._fold.marks.is_applied(submission.follows):
            raise Transient("an earlier input of this manager was not applied")
        if not submission.payload_hash:
            return None
        answer = self._fold.window.first_answer(_window_key(submission), submission.payload_hash)
        if answer is not None:
            return Outcome(ticket, answer)
        self._fold.window.check_new(submission.command_id, batch.now)
        return None

    def _decided(self, ticket: Ticket, batch: Batch[E]) -> Outcome[E]:
        submission = ticket.submission
        mark = self._fold.journal.mark()
        try:
            recorded, drafts = self._events(submission, batch)
        except BaseException:
            self._fold.journal.rollback(mark)
            raise
        if not drafts:
            self._skip_input(submission, "Nothing", batch)
            return Outcome(ticket)
        batch.append(drafts)
        self._remember(submission, recorded, batch)
        return Outcome(ticket, recorded, is_first=True)

    def _events(self, submission: Submission[C], batch: Batch[E]) -> tuple[tuple[Recorded[E], ...], list[Draft]]:
        if submission.command is NOTHING:
            return (), []
        payload = self._service.codec.encode_command(submission.command)
        check_command_size(len(payload))
        context = Context(batch.now, submission.tenant, submission.actor, submission.command_id)
        events = execute(self._service.decider, self._fold.state, submission.command, context)
        recorded = self._with_envelopes(events, submission, payload, batch)
        drafts = [self._draft(event) for event in recorded]
        check_records_size(drafts)
        return recorded, drafts

    def _with_envelopes(
        self, events: Sequence[E], submission: Submission[C], payload: bytes, batch: Batch[E]
    ) -> tuple[Recorded[E], ...]:
        command = command_record(submission, payload, len(events), batch.now)
        recorded = []
        for ordinal, event in enumerate(events):
            metadata = self._envelope(event, submission, batch, b"" if ordinal else command)
            recorded.append(Recorded(event, metadata, self._number, batch.next_offset + ordinal, submission.key))
        return tuple(recorded)

    def _envelope(self, event: E, submission: Submission[C], batch: Batch[E], command: bytes) -> Metadata:
        service, epoch = self._service, self._fold.epochs.epoch
        stream_id = service.stream_of(event)
        version = self._fold.versions.of(stream_id, batch.now) + 1
        metadata = Metadata(
            event_id=derive_event_id(service.topic, self._number, epoch, submission.command_id, (stream_id, version)),
            stream_id=stream_id,
            stream_version=version,
            event_time=batch.now,
            tenant_id=submission.tenant,
            actor=submission.actor,
            correlation_id=service.correlation_of(event) or submission.correlation_id,
            causation_id=submission.causation_id or submission.command_id,
            writer_epoch=epoch,
            ignorable=service.is_ignorable(event),
            command=command,
        )
        self._fold.note_version(event, metadata)
        return metadata

    def _draft(self, recorded: Recorded[E]) -> Draft:
        codec = self._service.codec
        value = codec.encode_event(recorded.event, recorded.metadata)
        return Draft(recorded.key.encode(), value, self._fold.epochs.epoch, codec.event_type(recorded.event))

    def _remember(self, submission: Submission[Any], recorded: tuple[Recorded[E], ...], batch: Batch[E]) -> None:
        if submission.payload_hash:
            self._fold.window.remember(_window_key(submission), submission.payload_hash, recorded, batch.now)
        if submission.source is not None:
            self._fold.marks.advance(submission.source)

    def _skip_input(self, submission: Submission[Any], rule: str, batch: Batch[E]) -> None:
        """A manager's input that led to nothing still advances its mark (rule 13)."""
        source = submission.source
        if source is None or self._fold.marks.is_applied(source):
            return
        self._fold.marks.advance(source)
        batch.append([input_skipped_draft(source, rule, submission.key, self._fold.epochs.epoch)])


def _window_key(submission: Submission[Any]) -> tuple[str, str, str]:
    return submission.tenant, submission.principal or submission.actor, submission.command_id
