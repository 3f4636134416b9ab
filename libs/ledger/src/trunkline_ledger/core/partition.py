"""One partition: follows the log on every replica, decides on the one that owns it (ledger rules 1–3, 5–10, 21).

Owns: whether this replica is the owner, the batch in flight, and which reply may leave when.
Must not: do I/O, read a clock, or know a service. Inputs are records, acknowledgements, time-outs and commands; what
the shell must do then stands in `Outputs`.

    standby ──own marker read──▶ open ──next_batch──▶ in flight ──acknowledged where expected──▶ open
       ▲                          │                     │  └──acknowledged further on──▶ displaced ──read back──▶ open
       └──foreign marker read─────┴──outcome unknown────┘
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from trunkline_core.errors import Invalid, Overloaded, Poison, Transient, TrunklineError
from trunkline_core.replacing import replace

from trunkline_ledger.core.alarm import Alarm, timer_ticket
from trunkline_ledger.core.batch import Batch, Outcome, Reply, Ticket
from trunkline_ledger.core.deciding import Deciding
from trunkline_ledger.core.epochs import Owner, Verdict
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.lanes import Lanes
from trunkline_ledger.core.records import Record
from trunkline_ledger.core.skips import Skips, Stop, TooNew
from trunkline_ledger.service import LedgerService, LedgerState
from trunkline_ledger.stats import LedgerStats
from trunkline_ledger.submission import Committed, Lane, NotOwner, OutcomeUnknown, ReadToken, Recorded

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")


@dataclass(slots=True)
class Outputs(Generic[E]):
    """What the shell must do now, in this order: push `effective`, tell of `opened` or `lost`, send `replies`.

    `replaced`: a newer process of the same instance began; this one must exit (rule 3). `tail_lost`: the log is shorter
    than what was read of it; read again from its start (rule 9). `read_again`: go back to `Partition.next_offset`, a
    record was let go (rule 21). `stopped`: why the partition goes no further (rule 21).
    """

    effective: list[Recorded[E]] = field(default_factory=list)
    replies: list[tuple[Ticket, Reply]] = field(default_factory=list)
    opened: bool = False
    lost: bool = False
    replaced: bool = False
    tail_lost: bool = False
    read_again: bool = False
    stopped: Poison | None = None


@dataclass(frozen=True, slots=True)
class _Displaced(Generic[E]):
    """A batch that found another's records before it and waits to be read back."""

    batch: Batch[E]
    first_offset: int

    @property
    def last_offset(self) -> int:
        return self.first_offset + len(self.batch.drafts) - 1


class Partition(Generic[S, C, E]):
    """The state machine of one partition."""

    def __init__(
        self, service: LedgerService[S, C, E], number: int, instance_id: str, boot_id: str, stats: LedgerStats
    ) -> None:
        self.number = number
        self.lanes: Lanes[Ticket] = Lanes()
        self.stats = stats
        self._service = service
        self._instance_id = instance_id
        self._boot_id = boot_id
        self._begin()

    def begin_from(self, fold: Fold[S, C, E]) -> None:
        """Go on from a restored snapshot; nothing was read yet (rule 16)."""
        self._begin(fold)

    def _begin(self, fold: Fold[S, C, E] | None = None, skips: Skips | None = None) -> None:
        self.fold: Fold[S, C, E] = fold or Fold(self._service, self.number)
        self.skips = skips or Skips(self.fold.next_offset)
        self.fold.let_go = self.skips.offsets
        self.is_open = False
        self._stop: Stop | None = None
        self._is_behind = False  # the shell was asked to go back; what it read beyond may still arrive
        self._announced: int | None = None
        self._deciding = Deciding(self._service, self.number, self.fold, self.stats)
        self._alarm = Alarm()
        self._in_flight: Batch[E] | None = None
        self._displaced: _Displaced[E] | None = None
        self._arrived: list[Record] = []
        self._singly = 0  # how many more commands are decided one by one
        self._marked: tuple[int, float] | None = None

    @property
    def next_offset(self) -> int:
        """The next record to be read; everything below is in the state."""
        return self.fold.next_offset

    @property
    def owner(self) -> Owner | None:
        """Who may write according to the log, also beyond where this replica stopped."""
        return (self.fold.epochs if self._stop is None else self._stop.epochs).owner

    @property
    def poison(self) -> Poison | None:
        """Why this replica applies nothing more, None while it does."""
        return None if self._stop is None else self._stop.poison

    @property
    def stopped_at(self) -> int | None:
        """Offset of the record that this replica cannot apply, None while it applies all."""
        return None if self._stop is None else self._stop.offset

    @property
    def is_settled(self) -> bool:
        """Whether the state holds nothing but what is durable and effective."""
        return self._in_flight is None

    @property
    def is_deciding(self) -> bool:
        """Whether a batch is on its way or waits to be read back: nothing may be decided meanwhile."""
        return self._in_flight is not None or self._displaced is not None

    @property
    def may_own(self) -> bool:
        """Whether this version can apply everything that stands on the log (rule 21)."""
        return self._stop is None

    @property
    def min_reader(self) -> int:
        """The lowest schema version that the next marker demands: never lower than what may stand on the log."""
        marker = self.fold.epochs.marker
        return max(self._service.written_version, marker.min_reader if marker is not None else 0)

    def announce(self) -> int:
        """Return the epoch for a marker of ours; the partition opens at no other, also when it is all read again."""
        self._announced = self.fold.epochs.epoch + 1
        return self._announced

    # reading the log

    def take_in(self, records: Iterable[Record], monotonic_s: float) -> Outputs[E]:
        """Take in the next records of the log; what arrives while a batch is in flight waits for its fate."""
        outputs: Outputs[E] = Outputs()
        if self._in_flight is not None:
            self._arrived += records
        else:
            for record in records:
                self._read(record, monotonic_s, outputs)
        return outputs

    def _read(self, record: Record, monotonic_s: float, outputs: Outputs[E]) -> None:
        if self._stop is not None:
            self._hear(record, self._stop, outputs)
        elif record.offset < self.next_offset or (self._is_behind and record.offset > self.next_offset):
            return  # our own batch, applied when it was acknowledged; or read before the shell went back
        else:
            self._is_behind = False
            self._apply(record, monotonic_s, outputs)

    def _apply(self, record: Record, monotonic_s: float, outputs: Outputs[E]) -> None:
        try:
            verdict = self.fold.take_in(record, outputs.effective)
        except Poison as poison:
            self.stats.poisoned += 1
            self.skips.count(record.offset)
            self._stop_at(record.offset, poison, outputs)
            return
        self.stats.folded += 1
        self.stats.void_records += verdict is Verdict.VOID
        if verdict is Verdict.MARKER:
            self._follow_marker(record, monotonic_s, outputs)
        self._resolve_displaced(record.offset, verdict, outputs)
        self._let_go(self.skips.take_in(record, verdict), outputs)

    def _follow_marker(self, record: Record, monotonic_s: float, outputs: Outputs[E]) -> None:
        """An epoch began: ours, or another's, and then whoever owned the partition before stops (rule 3)."""
        owner = self.owner
        assert owner is not None, "a valid marker was just read"
        if owner.boot_id == self._boot_id and owner.epoch == self._announced:
            self._open(record, monotonic_s, outputs)
            return
        outputs.replaced |= self._is_newer_self(owner)
        self._lose(outputs)
        self._stand_aside(record, outputs)

    def _is_newer_self(self, owner: Owner | None) -> bool:
        return owner is not None and owner.instance_id == self._instance_id and owner.boot_id > self._boot_id

    def marker_acknowledged(self, offset: int, monotonic_s: float) -> None:
        """Our marker stands on the log since then at the latest: log time need not wait until it is read (rule 15)."""
        self._marked = (offset, monotonic_s)

    def _open(self, record: Record, monotonic_s: float, outputs: Outputs[E]) -> None:
        self.is_open, outputs.opened = True, True
        self.stats.takeovers += 1
        self._alarm.reset()
        offset, told_s = self._marked or (None, monotonic_s)
        self.fold.clock.start(record.append_time, told_s if offset == record.offset else monotonic_s)

    def _lose(self, outputs: Outputs[E]) -> None:
        if self.is_open:
            self.is_open, outputs.lost, outputs.opened = False, True, False
            self.stats.losses += 1
        self.fold.clock.stop()
        self._alarm.reset()
        outputs.replies += [(ticket, self._not_owner()) for ticket in self.lanes.drain()]

    # stopped, and going on (rule 21)

    def _stand_aside(self, record: Record, outputs: Outputs[E]) -> None:
        """From a marker on that demands a newer reader, records may come that this version cannot apply."""
        marker = self.fold.epochs.marker
        if marker is not None and marker.min_reader > self._service.schema_version:
            needs, reads = marker.min_reader, self._service.schema_version
            self._stop_at(
                record.offset, TooNew(f"needs a version that reads schema {needs}, this one reads {reads}"), outputs
            )

    def _stop_at(self, offset: int, poison: Poison, outputs: Outputs[E]) -> None:
        """A valid record that cannot be applied stops this partition only; what follows is listened to."""
        self._stop = Stop(poison, offset, self.fold.epochs)
        outputs.stopped = poison
        self._drop_displaced(outputs)
        self._lose(outputs)

    def _hear(self, record: Record, stop: Stop, outputs: Outputs[E]) -> None:
        verdict = stop.hear(record)
        if verdict is Verdict.MARKER and self._is_newer_self(stop.epochs.owner):
            outputs.replaced = True
        self._let_go(self.skips.take_in(record, verdict), outputs)

    def _let_go(self, offset: int | None, outputs: Outputs[E]) -> None:
        """A record was let go: one that was applied is in the state, and all must be read again without it."""
        if offset is None:
            return
        self.stats.skipped += 1
        if offset < self.next_offset:
            self._drop_displaced(outputs)
            self._lose(outputs)
            self._begin(skips=None if self.skips.begins_at else self.skips)  # after a snapshot only the start knows all
            self._go_back(outputs)
        elif self._stop is not None and offset == self._stop.offset:
            self._stop = None
            self._go_back(outputs)

    def _go_back(self, outputs: Outputs[E]) -> None:
        self._is_behind, outputs.read_again = True, True

    def _drop_displaced(self, outputs: Outputs[E]) -> None:
        """Nobody will see it read back."""
        displaced, self._displaced = self._displaced, None
        if displaced is not None:
            self._answer_all(displaced.batch, _unknown, outputs)

    def _not_owner(self) -> NotOwner:
        owner = self.owner
        return NotOwner(self.number, None if owner and owner.boot_id == self._boot_id else owner)

    # deciding

    def submit(self, ticket: Ticket) -> None:
        """Queue a command. Raises: NotOwner, Overloaded."""
        if not self.is_open:
            raise self._not_owner()
        try:
            self.lanes.put(ticket.submission.lane, ticket.submission.turn, ticket)
        except Overloaded:
            self.stats.overloaded += 1
            raise

    def queue_due_timers(self, monotonic_s: float) -> None:
        """Queue the commands of timers that are due."""
        if self.is_open and not self.is_deciding and not self.lanes.is_full(Lane.INTERNAL):
            now = self.fold.clock.now(monotonic_s)
            for timer in self._alarm.due(self.fold.state.timers, now, monotonic_s):
                self.lanes.put(Lane.INTERNAL, timer.tenant, timer_ticket(timer, self.number, monotonic_s))

    def seconds_to_next_timer(self, monotonic_s: float, at_most: float) -> float:
        """Return how long the shell may sleep; a timer that is stuck is no reason to wake up sooner."""
        due = self.fold.state.timers.next_due()
        if due is None:
            return at_most
        wait_s = (due - self.fold.clock.now(monotonic_s)).total_seconds()
        return min(wait_s, at_most) if wait_s > 0 else min(at_most, 1.0)

    def next_batch(self, monotonic_s: float) -> Batch[E] | None:
        """Decide what is queued, one command after another; None when there is nothing or a batch is on its way.

        The shell appends `drafts` and reports back by `acknowledged`, `refused` or `lost_track`. A batch without drafts
        is acknowledged where the log ends, or `unproven`: nobody else may have gone on with it when it is answered.
        """
        if not self.is_open or self.is_deciding or not len(self.lanes):
            return None
        batch: Batch[E] = Batch(self.next_offset, self.fold.clock.now(monotonic_s))
        if self._singly:
            batch.at_most, self._singly = 1, self._singly - 1
        self._in_flight = batch
        while not batch.is_full and (ticket := self.lanes.take()) is not None:
            batch.outcomes.append(self._deciding.outcome(ticket, batch, monotonic_s))
        self.stats.decided += len(batch.outcomes)
        return batch

    # the fate of a batch

    def acknowledged(self, first_offset: int, monotonic_s: float) -> Outputs[E]:
        """The batch in flight stands at `first_offset`; of one without records, the log ends there (rules 7 to 9)."""
        outputs: Outputs[E] = Outputs()
        if (batch := self._take_in_flight()) is None:
            return outputs
        if first_offset == batch.expected_offset:
            self._make_final(batch, monotonic_s, outputs)
        elif first_offset < batch.expected_offset:
            self.fold.journal.rollback()
            self._answer_all(batch, _unknown, outputs)
            outputs.tail_lost = True
            return outputs
        else:  # somebody else wrote: let the log decide
            self.fold.journal.rollback()
            self._displace(batch, first_offset, outputs)
        self._read_arrived(monotonic_s, outputs)
        return outputs

    def _displace(self, batch: Batch[E], first_offset: int, outputs: Outputs[E]) -> None:
        self.stats.displaced_batches += 1
        if batch.drafts:
            self._displaced = _Displaced(batch, first_offset)
        else:
            self._answer_all(batch, _again, outputs)

    def refused(self, monotonic_s: float) -> Outputs[E]:
        """The broker refused the batch for good: a rejection, not an unknown outcome (rule 6).

        Of several commands nobody knows whose records it was: they must be asked again, and are then decided singly.
        """
        if self._in_flight is not None and len(self._in_flight.outcomes) > 1:
            self._singly = len(self._in_flight.outcomes)
            return self._take_back(_again, monotonic_s)
        refusal = Invalid("command", "the broker refuses its records")
        return self._take_back(lambda: refusal, monotonic_s, puts_off_timers=True)

    def unproven(self, monotonic_s: float) -> Outputs[E]:
        """Nobody could tell where the log ends: the batch, which has no records, must be decided again (rule 8)."""
        return self._take_back(_again, monotonic_s, puts_off_timers=True)

    def lost_track(self, monotonic_s: float) -> Outputs[E]:
        """The outcome of the batch is unknown: take it back; nothing is decided before the next epoch (rule 10)."""
        self.stats.unknown_outcomes += 1
        outputs = self._take_back(_unknown, monotonic_s)
        self._lose(outputs)
        return outputs

    def step_down(self) -> Outputs[E]:
        """The shell failed in between and begins another epoch; who waits is told to ask again."""
        outputs: Outputs[E] = Outputs()
        self._lose(outputs)
        return outputs

    def drop(self) -> Outputs[E]:
        """Forget everything that was read: the log lost its tail; the shell reads again from the start (rule 9)."""
        outputs: Outputs[E] = Outputs()
        for batch in (self._in_flight, None if self._displaced is None else self._displaced.batch):
            if batch is not None:
                self._answer_all(batch, _unknown, outputs)
        self._lose(outputs)
        self.stats.rebuilds += 1
        self._begin()
        self._go_back(outputs)
        return outputs

    def _make_final(self, batch: Batch[E], monotonic_s: float, outputs: Outputs[E]) -> None:
        """Replies, rejections and pushes leave now that what they saw is durable (rule 8)."""
        self.fold.journal.commit()
        for offset in range(self.next_offset, batch.next_offset):
            self.skips.count(offset)
        self.fold.next_offset = batch.next_offset
        if any(outcome.is_first for outcome in batch.outcomes):  # as a standby that reads its events
            self.fold.clock.saw(batch.now)
        self.stats.batches += bool(batch.drafts)
        self.stats.appended += len(batch.drafts)
        for outcome in batch.outcomes:
            self._release(outcome, monotonic_s, outputs)

    def _release(self, outcome: Outcome[E], monotonic_s: float, outputs: Outputs[E]) -> None:
        ticket = outcome.ticket
        if outcome.is_first:
            latency_s = monotonic_s - ticket.received_monotonic
            outputs.effective += [replace(event, owner_latency_s=latency_s) for event in outcome.events]
        self._settle_timer(ticket, monotonic_s)
        outputs.replies.append((ticket, outcome.refusal or self._committed(outcome.events)))

    def _take_back(
        self, error: Callable[[], TrunklineError], monotonic_s: float, *, puts_off_timers: bool = False
    ) -> Outputs[E]:
        outputs: Outputs[E] = Outputs()
        if (batch := self._take_in_flight()) is None:
            return outputs
        self.fold.journal.rollback()
        self._answer_all(batch, error, outputs)
        if puts_off_timers:
            self._put_off_timers(batch, monotonic_s)
        self._read_arrived(monotonic_s, outputs)
        return outputs

    def _put_off_timers(self, batch: Batch[E], monotonic_s: float) -> None:
        """They lead to no event now: due again at once they would spin, and nothing else of the process would run."""
        for outcome in batch.outcomes:
            self._settle_timer(outcome.ticket, monotonic_s)

    def _settle_timer(self, ticket: Ticket, monotonic_s: float) -> None:
        self.stats.stuck_timers += not self._alarm.settled(ticket, self.fold.state.timers, monotonic_s)

    def _take_in_flight(self) -> Batch[E] | None:
        """Return the batch whose fate is known, None when the partition was dropped meanwhile (all were told)."""
        batch, self._in_flight = self._in_flight, None
        return batch

    def _read_arrived(self, monotonic_s: float, outputs: Outputs[E]) -> None:
        arrived, self._arrived = self._arrived, []
        for record in arrived:
            self._read(record, monotonic_s, outputs)

    def _committed(self, events: tuple[Recorded[E], ...]) -> Committed[E]:
        offset = events[-1].offset if events else self.next_offset - 1
        return Committed(events, ReadToken(self.number, offset, self.fold.epochs.epoch))

    def _answer_all(self, batch: Batch[E], error: Callable[[], TrunklineError], outputs: Outputs[E]) -> None:
        for outcome in batch.outcomes:
            self._alarm.taken_back(outcome.ticket)
            outputs.replies.append((outcome.ticket, error()))

    def _resolve_displaced(self, offset: int, verdict: Verdict, outputs: Outputs[E]) -> None:
        """The displaced batch was read back to its end: effective as a whole or not at all (rules 6 and 9)."""
        displaced = self._displaced
        if displaced is None or offset < displaced.last_offset:
            return
        self._displaced = None
        if verdict is not Verdict.EFFECTIVE:
            self._answer_all(displaced.batch, self._not_owner, outputs)
            return
        shift = displaced.first_offset - displaced.batch.expected_offset
        for outcome in displaced.batch.outcomes:
            self._alarm.taken_back(outcome.ticket)
            outputs.replies.append((outcome.ticket, self._read_back(outcome, shift)))

    def _read_back(self, outcome: Outcome[E], shift: int) -> Reply:
        """What saw the state of the displaced batch without being on the log must be decided again (rule 8)."""
        if not outcome.is_first:
            return _again()
        return self._committed(tuple(replace(event, offset=event.offset + shift) for event in outcome.events))


def _again() -> Transient:
    return Transient("the command must be decided again", retry_after_s=0.1)


def _unknown() -> OutcomeUnknown:
    return OutcomeUnknown("the outcome is unknown: retry with the same id")
