"""What must hold after a simulated run, by the log and by what clients were told.

Owns: the rules of the ledger that need the log's times or the replicas' folds; the others are the checker's.
Must not: read a replica for what is effective: that is judged here from the log alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from trunkline.ledger.v1.ledger_types_pb2 import CommandRecord
from trunkline_ledger.core.alarm import TIMER_IDS
from trunkline_ledger.core.contents import Contents
from trunkline_ledger.core.epochs import Verdict
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.records import MARKER_TYPE, Record
from trunkline_ledger.service import LedgerService

from trunkline_testkit.checker.log import EffectiveEvent, LedgerLog, LogRecord
from trunkline_testkit.checker.violation import Violation
from trunkline_testkit.simulation.log import SimulatedCluster

LATE: Final = timedelta(seconds=2)
MILLISECOND: Final = timedelta(milliseconds=1)
"""Append times are whole milliseconds."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A time in which a partition had nobody who could decide on it."""

    begin: datetime
    end: datetime


def judged(cluster: SimulatedCluster, services: Iterable[LedgerService[Any, Any, Any]]) -> LedgerLog:
    """Return all ledgers, judged by the checker's own epoch logic and decoded by the services' codecs."""
    by_topic = {service.topic: service for service in services}
    areas = {topic: service.name for topic, service in by_topic.items()}
    return LedgerLog.of(_records(cluster, by_topic), areas, _Decoder(by_topic))


def _records(cluster: SimulatedCluster, topics: Iterable[str]) -> Iterator[LogRecord]:
    for topic in topics:
        for partition in cluster.topics.get(topic, ()):
            for one in partition.records:
                yield LogRecord(topic, one.partition, one.offset, one.value, one.epoch, one.type)


class _Decoder:
    """Decodes effective events as their services do."""

    def __init__(self, services: Mapping[str, LedgerService[Any, Any, Any]]) -> None:
        self._services = services

    def __call__(self, record: LogRecord, area: str) -> EffectiveEvent | None:
        event, metadata = self._services[record.topic].codec.decode_event(record.value)
        command = CommandRecord.FromString(metadata.command) if metadata.command else None
        envelope: Any = metadata
        return EffectiveEvent(record, area, type(event).__name__, envelope, event, command)


# folds


def reference_fold(
    service: LedgerService[Any, Any, Any], number: int, records: Sequence[Record], log: LedgerLog
) -> Fold[Any, Any, Any]:
    """Return the fold of what the checker holds to be effective, and of nothing else."""
    fold: Fold[Any, Any, Any] = Fold(service, number)
    fold.let_go = {offset for topic, partition, offset in log.let_go if (topic, partition) == (service.topic, number)}
    effective, epoch = log.effective_places | log.let_go, 0
    for record in records:
        if record.type == MARKER_TYPE and record.epoch is not None and record.epoch > epoch:
            epoch = record.epoch
        elif (service.topic, number, record.offset) not in effective:
            continue
        if fold.take_in(record, []) is Verdict.VOID:
            raise AssertionError("the ledger holds a record to be void that the checker holds to be effective")
    fold.next_offset = len(records)
    return fold


def differing_folds(
    place: str, reference: Fold[Any, Any, Any], folds: Mapping[str, Fold[Any, Any, Any]]
) -> list[Violation]:
    """Every replica's fold is that of the log (ledger rules 2, 7 and 16)."""
    expected = reference.digest()
    return [
        Violation("FoldDiffers", f"{place} on {name}", _first_difference(reference, fold))
        for name, fold in folds.items()
        if fold.digest() != expected
    ]


def picture(contents: Contents) -> dict[str, list[str]]:
    """Return all tables as texts, by their path; an empty one is left out."""
    tables = {".".join(path): sorted(map(repr, table.items())) for path, table in contents.tables()}
    return {path: rows for path, rows in tables.items() if rows}


def _first_difference(reference: Fold[Any, Any, Any], fold: Fold[Any, Any, Any]) -> str:
    expected, actual = picture(reference.contents), picture(fold.contents)
    for path in sorted(expected.keys() | actual.keys()):
        log, replica = set(expected.get(path, ())), set(actual.get(path, ()))
        if log != replica:
            return f"{path}: only the log has {sorted(log - replica)[:1]}, only the replica {sorted(replica - log)[:1]}"
    position = (reference.epochs.epoch, reference.next_offset, reference.clock.last_event_time)
    return f"the log is at {position}, the replica {fold.epochs.epoch, fold.next_offset, fold.clock.last_event_time}"


def wrong_pushes(
    process: str, place: tuple[str, int], pushed: Sequence[tuple[int, str]], log: LedgerLog
) -> Iterator[Violation]:
    """Watchers were told each effective event once, in order, and nothing else, as far as they came (ledger rule 8).

    From where the process began to read, which may be after a snapshot.
    """
    effective = [
        (event.record.offset, event.metadata.event_id)
        for event in log.events
        if (event.record.topic, event.record.partition) == place and event.record.offset >= pushed[0][0]
    ]
    for number, told in enumerate(pushed):
        expected = effective[number] if number < len(effective) else "no more"
        if told != expected:
            detail = f"number {number}: {told}, the log has {expected}"
            yield Violation("PushedWithoutEffect", f"{place[0]}/{place[1]} on {process}", detail)
            return


# time


def wrong_timers(
    log: LedgerLog,
    records: Mapping[tuple[str, int, int], Record],
    ownerless: Mapping[tuple[str, int], Sequence[Interval]],
) -> Iterator[Violation]:
    """A timer fires never early, and at most 2 s late net of the time in which nobody decided (ledger rule 15)."""
    for event in log.events:
        if event.command is None or not event.command.command_id.startswith(TIMER_IDS):
            continue
        place = (event.record.topic, event.record.partition, event.record.offset)
        due, at = datetime.fromisoformat(event.command.command_id.rsplit("/", 1)[1]), records[place].append_time
        if at + MILLISECOND < due:
            yield Violation("TimerEarly", event.command.command_id, f"at {at}")
        late = at - due - _overlap(due, at, ownerless.get(place[:2], ()))
        if late > LATE:
            yield Violation("TimerLate", event.command.command_id, f"{late} too late at {at}")


def unfired_timers(
    place: tuple[str, int], fold: Fold[Any, Any, Any], now: datetime, ownerless: Sequence[Interval]
) -> Iterator[Violation]:
    """No timer is left that should have fired."""
    for timer in fold.state.timers.values():
        if now - timer.due - _overlap(timer.due, now, ownerless) > LATE:
            yield Violation("TimerNeverFired", timer.key, f"due {timer.due} in {place[0]}/{place[1]}")


def _overlap(begin: datetime, end: datetime, intervals: Sequence[Interval]) -> timedelta:
    found = timedelta(0)
    for one in intervals:
        found += max(timedelta(0), min(end, one.end) - max(begin, one.begin))
    return found
