"""Timers against the broker's clock: never early (ledger rule 15); how late is told, net of time without an owner.

A timer's command says when it was due: its id is `timer/<key>/<due>`. Must not: know a service's timers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trunkline_testkit.checker.log import EffectiveEvent, LedgerLog
from trunkline_testkit.checker.outages import outages, ownerless_ms
from trunkline_testkit.checker.violation import Violation

LEASE_GRACE_MS: Final = 10_000
_PREFIX: Final = "timer/"


@dataclass(frozen=True, slots=True)
class Fired:
    """A timer that fired. `key` names it; times are Unix milliseconds by the broker."""

    event: EffectiveEvent
    key: str
    due_ms: float

    @property
    def late_ms(self) -> float:
        """How long after its time it was appended; below zero for early."""
        return self.event.record.append_ms - self.due_ms


def fired_timers(log: LedgerLog) -> Iterator[Fired]:
    """Yield each timer's command that led to something."""
    for event in log.events:
        if event.command is not None and event.command.command_id.startswith(_PREFIX):
            key, _, due = event.command.command_id.removeprefix(_PREFIX).rpartition("/")
            yield Fired(event, key, datetime.fromisoformat(due).timestamp() * 1000)


def early_timers(log: LedgerLog) -> Iterator[Violation]:
    """No timer takes effect before it is due; the broker writes whole milliseconds."""
    for fired in fired_timers(log):
        if fired.late_ms <= -1:
            yield Violation("TimerEarly", fired.key, f"{-fired.late_ms:.0f} ms")


def short_leases(log: LedgerLog) -> Iterator[Violation]:
    """An offer that rang when an epoch began rings for at least 10 s from then."""
    began: dict[tuple[str, int], int] = {}
    rang: dict[tuple[str, int], int] = {}
    epochs = {(begin.record.topic, begin.record.partition, begin.marker.epoch): begin for begin in log.epochs}
    for event in log.events:
        if event.area != "acd":
            continue
        place = (event.record.topic, event.record.partition)
        begin = epochs.get((*place, event.record.epoch or 0))
        if begin is not None:
            began[place] = begin.record.append_ms
        if event.name == "ContactOffered":
            rang[event.event.contact_id, event.event.offer_no] = event.record.append_ms
        elif event.name == "OfferEnded" and event.command and event.command.command_id.startswith(_PREFIX):
            offer = (event.event.contact_id, event.event.offer_no)
            offered, epoch_ms = rang.get(offer, 0), began.get(place, 0)
            if offered < epoch_ms and event.record.append_ms + 1 < epoch_ms + LEASE_GRACE_MS:
                detail = f"{event.record.append_ms - epoch_ms} ms after its epoch began"
                yield Violation("LeaseNotExtended", event.event.contact_id, detail)


def lateness_ms(log: LedgerLog) -> list[float]:
    """Return how late each timer was, without the time in which its partition had no owner."""
    gaps = outages(log)
    found = []
    for fired in fired_timers(log):
        record = fired.event.record
        gap = ownerless_ms(gaps, record.topic, record.partition, int(fired.due_ms), record.append_ms)
        found.append(max(0.0, fired.late_ms - gap))
    return found
