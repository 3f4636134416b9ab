"""What must hold after a simulated run, by the log and by what clients were told.

Owns: the rules of the ledger that need the log's times or the replicas' folds; the others are the checker's.
Must not: read a replica for what is effective: that is judged here from the log alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from trunkline.ledger.v1.ledger_types_pb2 import CommandRecord
from trunkline_core.tables import Journal, Table
from trunkline_core.timers import Timers
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
TIMER: Final = "timer/"


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
    epoch = 0
    for record in records:
        if record.type == MARKER_TYPE and record.epoch is not None and record.epoch > epoch:
            epoch = record.epoch
        elif (service.topic, number, record.offset) not in log.effective_places:
            continue
        if fold.take_in(record, []) is Verdict.VOID:
            raise AssertionError("the ledger holds a record to be void that the checker holds to be effective")
    return fold


def differing_folds(
    place: str, reference: Fold[Any, Any, Any], folds: Mapping[str, Fold[Any, Any, Any]], now: datetime
) -> list[Violation]:
    """Every replica's fold is that of the log (ledger rules 2 and 7)."""
    expected = picture(reference, now)
    found = []
    for name, fold in folds.items():
        actual = picture(fold, now)
        if actual != expected:
            found.append(Violation("FoldDiffers", f"{place} on {name}", _first_difference(expected, actual)))
    return found


def picture(fold: Fold[Any, Any, Any], now: datetime) -> dict[str, Any]:
    """Return what a fold holds as plain values; two with the same pictures decide alike from now on."""
    window = fold.window._entries
    return {
        "state": canonical(fold.state),
        "versions": canonical(fold.versions),
        "marks": canonical(fold.marks),
        "window": {key: repr(entry) for key in sorted(window._rows) if (entry := window._rows[key]).expires > now},
        "epoch": fold.epochs.epoch,
    }


_ORDERS: Final = frozenset({"_heap", "_order", "_journal", "journal"})


def canonical(value: Any) -> Any:
    """Return plain values in a fixed order; None for what holds nothing, which is no state."""
    if isinstance(value, Journal):
        return None
    if isinstance(value, Timers):
        return canonical(value._pending)
    if isinstance(value, Table):
        return canonical(value._rows)
    if isinstance(value, dict):
        pairs = ((repr(key), canonical(one)) for key, one in value.items())
        return dict(sorted((key, one) for key, one in pairs if one is not None)) or None
    if isinstance(value, list):
        return [canonical(one) for one in value] or None
    if isinstance(value, str | int | float | tuple | datetime | timedelta) or is_dataclass(value):
        return repr(value)
    if hasattr(value, "__dict__"):
        parts = {name: one for name, one in vars(value).items() if name not in _ORDERS}
        return canonical(parts) if any(not isinstance(one, str) for one in parts.values()) else None
    return repr(value)


def _first_difference(expected: Any, actual: Any, path: str = "") -> str:
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted(expected.keys() | actual.keys(), key=str):
            if expected.get(key) != actual.get(key):
                return _first_difference(expected.get(key), actual.get(key), f"{path}/{key}")
    return f"{path}: the log says {str(expected)[:300]}, the replica {str(actual)[:300]}"


# time


def wrong_timers(
    log: LedgerLog,
    records: Mapping[tuple[str, int, int], Record],
    ownerless: Mapping[tuple[str, int], Sequence[Interval]],
) -> Iterator[Violation]:
    """A timer fires never early, and at most 2 s late net of the time in which nobody decided (ledger rule 15)."""
    for event in log.events:
        if event.command is None or not event.command.command_id.startswith(TIMER):
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
