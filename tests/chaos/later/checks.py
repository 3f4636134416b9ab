"""Whether a later release took over as it should: judged from the log alone.

Owns: which events of today are tallied, and that from the first marker of the later release on each of them is, without
a gap, and nobody else owns. Must not: ask a service.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from trunkline_testkit.checker import LedgerLog, Violation
from trunkline_testkit.checker.log import EffectiveEvent, EpochBegin

from chaos.later.events import NAME
from chaos.later.rules import SCHEMA

VERSION_MARK = "+chaos."
"""What every version of a later release has, and none of today's."""

Place = tuple[str, int]


def tallied(log: LedgerLog) -> Counter[str]:
    """Return how many events of the new type took effect, by area."""
    return Counter(event.area for event in log.events if event.name == NAME)


def wrong_upgrades(log: LedgerLog) -> Iterator[Violation]:
    """Yield owners who should have stood aside, and tallies that are missing, wrong, or of nothing."""
    begins = _begins(log.epochs)
    yield from _old_owners(log.epochs, begins)
    partitions: dict[Place, _Tallies] = {}
    for event in log.events:
        tallies = partitions.setdefault(_place(event), _Tallies(begins.get(_place(event))))
        yield from tallies.take(event)
    for tallies in partitions.values():
        yield from tallies.missing()


def _begins(epochs: list[EpochBegin]) -> dict[Place, int]:
    """Return where the first marker stands that demands a reader of the later release."""
    found: dict[Place, int] = {}
    for begin in epochs:
        if begin.marker.min_reader >= SCHEMA:
            found.setdefault(_place(begin), begin.record.offset)
    return found


def _old_owners(epochs: list[EpochBegin], begins: dict[Place, int]) -> Iterator[Violation]:
    for begin in epochs:
        since, version = begins.get(_place(begin)), begin.marker.decider_version
        is_later = VERSION_MARK in version
        if since is not None and begin.record.offset >= since and not is_later:
            yield Violation("OldOwner", begin.marker.instance_id, f"version {version} at {_where(begin)}")


@dataclass(slots=True)
class _Tallies:
    """One partition's. `begins`: from which offset on there must be tallies, None for never."""

    begins: int | None
    _counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _owed: EffectiveEvent | None = None

    def take(self, event: EffectiveEvent) -> Iterator[Violation]:
        if event.name == NAME:
            yield from self._tally(event)
            return
        yield from self.missing()
        if _subject(event) and self.begins is not None and event.record.offset > self.begins:
            self._owed = event

    def _tally(self, event: EffectiveEvent) -> Iterator[Violation]:
        owed, self._owed = self._owed, None
        subject_id, count = event.event.subject_id, event.event.count
        if owed is None or subject_id != _subject(owed):
            yield Violation("TalliedForNothing", subject_id, f"at {_where(event)}")
        if count != self._counts[subject_id] + 1:
            detail = f"{count} after {self._counts[subject_id]} at {_where(event)}"
            yield Violation("WrongTally", subject_id, detail)
        self._counts[subject_id] = count

    def missing(self) -> Iterator[Violation]:
        owed, self._owed = self._owed, None
        if owed is not None:
            yield Violation("NotTallied", _subject(owed), f"{owed.name} at {_where(owed)}")


def _subject(event: EffectiveEvent) -> str:
    """Return whose tally the event must raise, empty for none."""
    match event.area, event.name:
        case "acd", "WrapUpFinished":
            return str(event.event.agent_id)
        case "contact", "ContactClosed":
            return event.metadata.tenant_id
        case _:
            return ""


def _place(found: EffectiveEvent | EpochBegin) -> Place:
    return found.record.topic, found.record.partition


def _where(found: EffectiveEvent | EpochBegin) -> str:
    return "/".join(map(str, (*_place(found), found.record.offset)))
