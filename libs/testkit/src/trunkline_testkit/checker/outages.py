"""When a partition had nobody who decides, as the log tells it.

Owns: the gap before each marker, and how long the replacement of a dead owner took. Must not: call it right or wrong.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from trunkline_testkit.checker.log import EpochBegin, LedgerLog


@dataclass(frozen=True, slots=True)
class Outage:
    """From the last record of one epoch to the marker of the next, Unix milliseconds."""

    topic: str
    partition: int
    began_ms: int
    ended_ms: int


@dataclass(frozen=True, slots=True)
class Death:
    """An owner was killed. `instance_id` as in markers, e.g. `acd-2`."""

    topic: str
    instance_id: str
    at_ms: int


def outages(log: LedgerLog) -> list[Outage]:
    """Return the gap before each marker."""
    return [
        Outage(begin.record.topic, begin.record.partition, begin.silent_since_ms, begin.record.append_ms)
        for begin in log.epochs
    ]


def ownerless_ms(gaps: Iterable[Outage], topic: str, partition: int, began_ms: int, ended_ms: int) -> int:
    """Return how much of [began, ended) the partition was without an owner."""
    return sum(
        max(0, min(gap.ended_ms, ended_ms) - max(gap.began_ms, began_ms))
        for gap in gaps
        if (gap.topic, gap.partition) == (topic, partition)
    )


def failovers_ms(log: LedgerLog, deaths: Sequence[Death]) -> list[int]:
    """Return how long each partition of a dead owner had none: from the kill to the next marker."""
    return [waited for death in deaths for waited in _failovers_of(log, death)]


def _failovers_of(log: LedgerLog, death: Death) -> Iterator[int]:
    by_place: dict[int, list[EpochBegin]] = {}
    for begin in log.epochs:
        if begin.record.topic == death.topic:
            by_place.setdefault(begin.record.partition, []).append(begin)
    for begins in by_place.values():
        before = [begin for begin in begins if begin.record.append_ms <= death.at_ms]
        after = [begin for begin in begins if begin.record.append_ms > death.at_ms]
        if before and after and before[-1].marker.instance_id == death.instance_id:
            yield after[0].record.append_ms - death.at_ms
