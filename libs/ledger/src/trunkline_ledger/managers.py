"""Process managers: events there become commands here, exactly once for ever (ledger rule 13).

Owns: reading foreign ledgers in order and feeding the partitions this replica owns. How far a partition was fed stands
in that partition, as its mark; here is only a cursor. Whatever goes wrong with a partition, it is fed no further, and
after a while again from its mark. Must not: know what managers do.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from aiokafka.errors import KafkaError
from trunkline_core.errors import TrunklineError

from trunkline_ledger.core.commands import NOTHING
from trunkline_ledger.core.records import BROADCAST_KEY, OWN_TYPES
from trunkline_ledger.core.skips import Skips
from trunkline_ledger.kafka.reader import EffectiveRecord, Position, Reader
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.log_client import LogClient
from trunkline_ledger.replica import BackOff
from trunkline_ledger.submission import Defect, Lane, ManagerSource, Submission

C = TypeVar("C")

log = logging.getLogger(__name__)

POLL_S = 1.0
RETRY_S = 1.0
CHECKPOINT_INPUTS = 1_000
CHECKPOINT_S = 60.0
WINDOW = 64
"""Inputs on their way to one target at a time: they share group commits, and leave room for other commands."""
ALL_ORDINALS = 2**31 - 1
"""As the ordinal of a checkpoint: whatever this input led to is done."""


@dataclass(frozen=True, slots=True)
class ManagerCommand(Generic[C]):
    """A command that an event led to. `key` None: one for each partition (definitions that stand on all of them)."""

    key: str | None
    tenant: str
    actor: str
    command: C
    correlation_id: str = ""
    causation_id: str = ""


@dataclass(frozen=True)
class ProcessManager(Generic[C]):
    """Reacts to one topic.

    Attributes:
        name: part of the mark; a manager under a new name begins at the start of the topic.
        topic: the foreign ledger.
        react: pure; returns the commands in order, none when there is nothing to do. Must know every record type or
            ignore it; what it raises stops this manager, loudly, until it is repaired or an operator lets the record
            go (rule 21).
    """

    name: str
    topic: str
    react: Callable[[EffectiveRecord], Sequence[ManagerCommand[C]]]


class ManagerRunner(Generic[C]):
    """Runs process managers for every partition of `ledger` that this replica owns; one reader a source topic."""

    def __init__(
        self,
        ledger: Ledger[Any, C, Any],
        managers: Sequence[ProcessManager[C]],
        bootstrap_servers: str,
        client: LogClient | None = None,
        *,
        pace_s: float = 0.0,
    ) -> None:
        """Prepare; connects to nothing.

        Args:
            ledger: what gets the commands.
            managers: may share sources.
            bootstrap_servers: of Kafka.
            client: the way to the sources; Kafka unless given.
            pace_s: pause between two looks at a source. Where nobody waits for what the managers bring, a pause lets
                records gather: at a few hundred a second the cost is per look, here and at the broker.
        """
        by_topic: defaultdict[str, list[ProcessManager[C]]] = defaultdict(list)
        for manager in managers:
            by_topic[manager.topic].append(manager)
        self.feeds = [
            _Feed(ledger, topic, found, bootstrap_servers, client, pace_s) for topic, found in by_topic.items()
        ]

    def has_fed(self, topic: str, source: int, offset: int, target: int) -> bool:
        """Tell whether everything below `offset` of the topic's partition `source` was applied to `target`, ours.

        False also while it cannot be told, for example after a take-over.
        """
        return any(feed.has_fed(source, offset, target) for feed in self.feeds if feed.topic == topic)

    async def run(self) -> None:
        """Feed until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for feed in self.feeds:
                tasks.create_task(feed.run(), name=f"managers-{feed.topic}")


class _Stopped(Exception):
    """A manager cannot take this record."""

    def __init__(self, effective: EffectiveRecord) -> None:
        super().__init__(f"offset {effective.record.offset} of partition {effective.record.partition}")
        self.effective = effective


@dataclass(slots=True)
class _Unrecorded:
    """Inputs of one source partition that led to nothing for one target since its mark was written."""

    source: ManagerSource
    inputs: int
    since_s: float


class _Feed(Generic[C]):
    """The managers of one source topic."""

    def __init__(
        self,
        ledger: Ledger[Any, C, Any],
        topic: str,
        managers: Sequence[ProcessManager[C]],
        bootstrap_servers: str,
        client: LogClient | None,
        pace_s: float,
    ) -> None:
        self.topic = topic
        self._pace_s = pace_s
        self._ledger = ledger
        self._managers = managers
        self._reader = Reader(
            topic, bootstrap_servers=bootstrap_servers, client_id=f"{ledger.instance_id}-{topic}", client=client
        )
        self._fed: set[int] = set()  # targets that have everything the cursor has passed
        self._passed: dict[int, int] = {}  # below which offset of a source everything was handed over
        self._again_at: dict[int, float] = {}
        self._unrecorded: dict[tuple[str, int, int], _Unrecorded] = {}
        self._handed_over: dict[tuple[str, int, int], ManagerSource] = {}  # the newest of each manager and target
        self._stopped_at: EffectiveRecord | None = None
        self._let_go: set[tuple[int, int]] = set()
        ledger.on_lost(self._stop_feeding)

    async def run(self) -> None:
        """Follow the topic until cancelled."""
        back_off = BackOff()
        try:
            while True:
                try:
                    await self._reader.start()
                    await self._look_for_skip()
                    self._begin()
                    while True:
                        await self._step()
                        back_off.reset()
                        if self._pace_s:
                            await asyncio.sleep(self._pace_s)
                except (KafkaError, OSError, TimeoutError) as error:
                    log.warning("source lost", extra={"topic": self.topic, "reason": type(error).__name__})
                except _Stopped as stop:  # nothing is skipped that nobody let go: the same input is tried again
                    self._stopped_at = stop.effective
                    self._ledger.stats.manager_failures += 1
                    log.exception("manager failed", extra={"topic": self.topic, "input": str(stop)})
                except Exception:  # a defect of ours
                    self._ledger.stats.manager_failures += 1
                    log.exception("manager failed", extra={"topic": self.topic})
                await back_off.wait()
                await self._reader.renew()
        finally:
            await self._reader.stop()

    def has_fed(self, source: int, offset: int, target: int) -> bool:
        """See ManagerRunner."""
        return target in self._fed and self._passed.get(source, 0) >= offset

    async def _look_for_skip(self) -> None:
        """Look behind the record that a manager stopped at, as far as a skip of it may stand."""
        stopped, self._stopped_at = self._stopped_at, None
        if stopped is None:
            return
        number, offset = stopped.record.partition, stopped.record.offset
        skips = Skips(offset)
        self._reader.seek(number, Position(offset, stopped.position_after.epoch))
        end = (await self._reader.end_offsets())[number]
        while skips.reaches(offset) and self._reader.positions()[number].offset < end:
            for effective in await self._reader.next_batch(POLL_S):
                if effective.record.partition == number:
                    skips.take_in(effective.record, effective.verdict)
        self._let_go |= {(number, found) for found in skips.offsets if found >= offset}

    def _begin(self) -> None:
        """Nobody is fed: each target goes on from its mark."""
        self._fed.clear()
        self._passed.clear()
        self._unrecorded.clear()
        self._handed_over.clear()

    async def _step(self) -> None:
        self._take_up_targets()
        if not self._fed:
            await asyncio.sleep(0.1)
            return
        await self._feed(await self._reader.next_batch(POLL_S))
        self._passed = {source: position.offset for source, position in self._reader.positions().items()}

    # where to read

    def _stop_feeding(self, target: int) -> None:
        self._fed.discard(target)
        for memory in (self._unrecorded, self._handed_over):
            for key in [key for key in memory if key[1] == target]:
                del memory[key]

    def _stall(self, target: int) -> None:
        self._stop_feeding(target)
        self._again_at[target] = self._ledger.monotonic_s() + RETRY_S

    def _take_up_targets(self) -> None:
        """A partition we come to own, or that had trouble, may have seen less than we have read: back to its mark."""
        now = self._ledger.monotonic_s()
        fresh = {target for target in self._ledger.owned - self._fed if self._again_at.get(target, 0.0) <= now}
        for source, position in self._reader.positions().items():
            begins = (self._go_on_from_mark(manager, target, source) for manager in self._managers for target in fresh)
            lowest = min(begins, key=lambda begin: begin.offset, default=position)
            if lowest.offset < position.offset or (fresh and not self._fed):
                self._passed[source] = lowest.offset
                self._reader.seek(source, lowest)
        self._fed |= fresh

    def _go_on_from_mark(self, manager: ProcessManager[C], target: int, source: int) -> Position:
        """Return where the mark stands. What is handed over next follows it: a mark may still be taken back."""
        mark = self._ledger.mark(target, manager.name, self.topic, source)
        if mark is None:
            return Position(0, 0)
        marked = ManagerSource(manager.name, self.topic, source, mark.offset, mark.epoch, mark.ordinal)
        self._handed_over[manager.name, target, source] = marked
        return Position(mark.offset, mark.epoch)

    # what was read

    async def _feed(self, records: Sequence[EffectiveRecord]) -> None:
        """Hand the commands over: in order for each target, different targets at the same time."""
        work: defaultdict[int, list[Submission[C]]] = defaultdict(list)
        for record in records:
            for manager in self._managers:
                for submission in self._submissions(manager, record):
                    assert submission.partition is not None
                    work[submission.partition].append(submission)
        for submission in self._checkpoints():
            assert submission.partition is not None
            work[submission.partition].append(submission)
        await asyncio.gather(*(self._submit_all(target, submissions) for target, submissions in work.items()))

    def _submissions(self, manager: ProcessManager[C], record: EffectiveRecord) -> Iterator[Submission[C]]:
        commands = self._reaction(manager, record)
        concerned: set[int] = set()
        for ordinal, command in enumerate(commands):
            source = self._source(manager, record, ordinal)
            for target in self._targets(command):
                concerned.add(target)
                follows = self._follow(target, source)
                if not self._is_applied(target, source):
                    yield _submission(command, source, follows, target)
        for target in self._fed:
            self._note(manager, target, record, is_recorded=target in concerned)

    def _reaction(self, manager: ProcessManager[C], effective: EffectiveRecord) -> Sequence[ManagerCommand[C]]:
        record = effective.record
        if record.type in OWN_TYPES or (record.partition, record.offset) in self._let_go:
            return ()
        try:
            return manager.react(effective)
        except Exception as error:
            raise _Stopped(effective) from error

    def _targets(self, command: ManagerCommand[C]) -> list[int]:
        if command.key is None:
            return sorted(self._fed)
        target = self._ledger.partition_of(command.key)
        return [target] if target in self._fed else []

    def _source(self, manager: ProcessManager[C], record: EffectiveRecord, ordinal: int) -> ManagerSource:
        place, epoch = record.record, record.position_after.epoch
        return ManagerSource(manager.name, self.topic, place.partition, place.offset, epoch, ordinal)

    def _follow(self, target: int, source: ManagerSource) -> ManagerSource | None:
        """Return the input that goes to the target before this one."""
        key = (source.manager, target, source.partition)
        before = self._handed_over.get(key)
        self._handed_over[key] = source
        return before

    def _is_applied(self, target: int, source: ManagerSource) -> bool:
        return self._ledger.core(target).fold.marks.is_applied(source)

    # inputs that concern nobody here do not write a record each

    def _note(self, manager: ProcessManager[C], target: int, record: EffectiveRecord, is_recorded: bool) -> None:
        key = (manager.name, target, record.record.partition)
        if is_recorded:
            self._unrecorded.pop(key, None)
            return
        source = self._source(manager, record, ALL_ORDINALS)
        before = self._unrecorded.get(key)
        if before is None:
            self._unrecorded[key] = _Unrecorded(source, 1, self._ledger.monotonic_s())
        else:
            before.source, before.inputs = source, before.inputs + 1

    def _checkpoints(self) -> Iterator[Submission[C]]:
        """Advance marks that stayed behind, so that the next owner does not read everything again."""
        now = self._ledger.monotonic_s()
        for key, unrecorded in list(self._unrecorded.items()):
            if unrecorded.inputs >= CHECKPOINT_INPUTS or now - unrecorded.since_s >= CHECKPOINT_S:
                del self._unrecorded[key]
                nothing: ManagerCommand[Any] = ManagerCommand(None, "", "system", NOTHING)
                follows = self._follow(key[1], unrecorded.source)
                if not self._is_applied(key[1], unrecorded.source):
                    yield _submission(nothing, unrecorded.source, follows, key[1])

    # handing over

    async def _submit_all(self, target: int, submissions: Sequence[Submission[C]]) -> None:
        """In order, a window at a time: after one without an answer nothing is sent before the mark is read again."""
        for begin in range(0, len(submissions), WINDOW):
            if target not in self._fed:
                return
            window = submissions[begin : begin + WINDOW]
            if not all(await asyncio.gather(*(self._submit(submission) for submission in window))):
                self._stall(target)
                return

    async def _submit(self, submission: Submission[C]) -> bool:
        """Return whether the input is done with: applied, or refused for good, which the ledger records."""
        assert submission.source is not None
        try:
            await self._ledger.submit(submission)
        except TrunklineError as refusal:
            assert submission.partition is not None
            is_done = self._is_applied(submission.partition, submission.source)
            self._tell(refusal, is_done, {"manager": submission.source.manager, "input": submission.command_id})
            return is_done
        return True

    def _tell(self, refusal: TrunklineError, is_done: bool, about: dict[str, object]) -> None:
        about["reason"] = str(refusal)
        if refusal.retryable:
            log.info("input waits", extra=about)
        elif isinstance(refusal, Defect):
            log.error("input stopped by a defect", extra=about, exc_info=refusal.__cause__)
        elif is_done:
            log.info("input refused", extra=about)
        else:  # the broker takes no record about it: it is tried again, and what comes after it waits
            self._ledger.stats.manager_failures += 1
            log.error("input refused by the broker", extra=about)


def _submission(
    command: ManagerCommand[C], source: ManagerSource, follows: ManagerSource | None, target: int
) -> Submission[C]:
    return Submission(
        command=command.command,
        key=BROADCAST_KEY if command.key is None else command.key,
        partition=target,
        command_id=f"{source.manager}/{source.topic}/{source.partition}/{source.offset}/{source.ordinal}",
        tenant=command.tenant,
        actor=command.actor,
        lane=Lane.INTERNAL,
        correlation_id=command.correlation_id,
        causation_id=command.causation_id,
        source=source,
        follows=follows,
    )
