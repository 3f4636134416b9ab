"""Who is told what when a batch is effective: watchers, those who follow ownership, and waiting callers.

Owns: the order (push, then ownership, then replies; ledger rule 8) and that one failing watcher harms nobody else.
Must not: wait for anything.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from trunkline_ledger.core.partition import Outputs
from trunkline_ledger.stats import LedgerStats
from trunkline_ledger.submission import Recorded

E = TypeVar("E")

Watcher = Callable[[int, Sequence[Recorded[E]]], None]
OwnershipCall = Callable[[int], None]

log = logging.getLogger(__name__)


class Delivery(Generic[E]):
    """The subscribers of one ledger."""

    def __init__(self, ledger: str, stats: LedgerStats) -> None:
        self._ledger = ledger
        self._stats = stats
        self._watchers: list[Watcher[E]] = []
        self._on_owned: list[OwnershipCall] = []
        self._on_lost: list[OwnershipCall] = []

    def watch(self, watcher: Watcher[E]) -> Callable[[], None]:
        """Add a watcher; return how to remove it."""
        return _add(self._watchers, watcher)

    def on_owned(self, call: OwnershipCall) -> Callable[[], None]:
        """Add; return how to remove it."""
        return _add(self._on_owned, call)

    def on_lost(self, call: OwnershipCall) -> Callable[[], None]:
        """Add; return how to remove it."""
        return _add(self._on_lost, call)

    def deliver(self, partition: int, outputs: Outputs[E]) -> None:
        """Tell everybody, then answer."""
        if outputs.effective:
            self._call(self._watchers, partition, outputs.effective)
        if outputs.lost:
            self._call(self._on_lost, partition)
        if outputs.opened:
            self._call(self._on_owned, partition)
        for ticket, reply in outputs.replies:
            ticket.reply(reply)

    def _call(self, calls: Sequence[Callable[..., None]], *arguments: Any) -> None:
        for call in tuple(calls):
            try:
                call(*arguments)
            except Exception:  # a watcher's defect must not stop the fold
                self._stats.watcher_failures += 1
                log.exception("watcher failed", extra={"ledger": self._ledger, "partition": arguments[0]})


def _add(calls: list[Any], call: Any) -> Callable[[], None]:
    calls.append(call)
    return lambda: calls.remove(call) if call in calls else None
