"""Timers of one partition: commands that fall due, part of the state so that a new owner finds them.

Set and cancelled inside `evolve`; the owner submits a timer's command as an internal one when it is due.
Owns: which command is due when, and that a batch taken back takes its timers back too.
Must not: read a clock.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from trunkline_core.replacing import replace
from trunkline_core.tables import Journal, Table

C = TypeVar("C")

_UNTIL = "until"
_STALE = 1_000


@dataclass(frozen=True, slots=True)
class Timer(Generic[C]):
    """One pending timer.

    Attributes:
        key: unique in the partition, e.g. `lease/of_1`; setting the same key again replaces it.
        due: never fired before, aware UTC.
        tenant: on whose behalf the command runs.
        command: what the owner submits.
        is_lease: a new epoch grants it at least its grace, because its holder may have been unable to answer.
    """

    key: str
    due: datetime
    tenant: str
    command: C
    is_lease: bool = False


class Timers(Generic[C]):
    """Pending timers by key, cheapest first."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._pending: Table[str, Timer[C]] = Table(journal)
        self._heap: list[tuple[datetime, str]] = []  # may hold entries of replaced timers: the table decides
        self._grace: Table[str, datetime] = Table(journal)

    @property
    def grace_until(self) -> datetime | None:
        """Until when an expiry is nobody's fault, None before the first owner."""
        return self._grace.get(_UNTIL)

    def __len__(self) -> int:
        return len(self._pending)

    def get(self, key: str) -> Timer[C] | None:
        """Return the pending timer of that key, or None."""
        return self._pending.get(key)

    def values(self) -> Iterator[Timer[C]]:
        """Iterate over all pending timers."""
        return self._pending.values()

    def set(self, timer: Timer[C]) -> None:
        """Start the timer, replacing one of the same key."""
        self._keep_order_on_rollback(timer.key)
        self._pending.put(timer.key, timer)
        heapq.heappush(self._heap, (timer.due, timer.key))
        if len(self._heap) > 2 * len(self._pending) + _STALE:  # a standby never asks what is due: it would keep all
            self.reindex()

    def cancel(self, key: str) -> None:
        """Stop the timer; nothing happens where there is none."""
        if key in self._pending:
            self._keep_order_on_rollback(key)
            self._pending.delete(key)

    def next_due(self) -> datetime | None:
        """Return when the earliest pending timer falls due."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime, at_most: int | None = None) -> list[Timer[C]]:
        """Return the timers due at `now`, the earliest `at_most`; they stay pending until an event cancels them."""
        found: list[Timer[C]] = []
        while (at_most is None or len(found) < at_most) and self._is_due(now):
            timer = self._pending.get(heapq.heappop(self._heap)[1])
            if timer is not None and timer not in found[-1:]:
                found.append(timer)
        for timer in found:
            heapq.heappush(self._heap, (timer.due, timer.key))
        return found

    def grant_grace(self, until: datetime) -> None:
        """Let no lease expire before `until`: a new owner began (ledger rule 15); an expiry then is nobody's fault."""
        self._grace.put(_UNTIL, until)
        for timer in [timer for timer in self._pending.values() if timer.is_lease and timer.due < until]:
            self.set(replace(timer, due=until))

    def is_in_grace(self, now: datetime) -> bool:
        """Tell whether a new owner began so recently that an expired lease is nobody's fault."""
        until = self.grace_until
        return until is not None and now <= until

    def reindex(self) -> None:
        """Build the order anew from the table: it was loaded from a snapshot, or much of the order is stale."""
        self._heap = [(timer.due, timer.key) for timer in self._pending.values()]
        heapq.heapify(self._heap)

    def _keep_order_on_rollback(self, key: str) -> None:
        if before := self._pending.get(key):
            self._journal.record(lambda: heapq.heappush(self._heap, (before.due, before.key)))

    def _is_due(self, now: datetime) -> bool:
        first = self.next_due()
        return first is not None and first <= now

    def _drop_stale(self) -> None:
        while self._heap and not self._is_current(self._heap[0]):
            heapq.heappop(self._heap)

    def _is_current(self, entry: tuple[datetime, str]) -> bool:
        timer = self._pending.get(entry[1])
        return timer is not None and timer.due == entry[0]
