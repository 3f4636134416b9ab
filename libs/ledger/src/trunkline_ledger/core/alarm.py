"""Timers of an owned partition on their way to becoming commands (ledger rule 15).

Owns: which due timers were submitted already, and how many may be at a time. A timer's command must lead to an event
that cancels or replaces the timer; one that does not is counted and tried again only after `STUCK_RETRY_S`, so that it
can't spin.
Must not: read a clock, or change a timer.
"""

from datetime import datetime
from typing import Any

from trunkline_core.timers import Timer, Timers

from trunkline_ledger.core.batch import Ticket
from trunkline_ledger.submission import Lane, Submission

STUCK_RETRY_S = 30.0
AT_ONCE = 1_000  # timers on their way as commands; the rest is still due a moment later, and need not be looked at
NEVER = float("inf")
TIMER_IDS = "timer/"  # how the id of a timer's command begins; its record stands on its own partition, whatever its key

Fired = tuple[str, datetime]
"""Key and due time of a timer that was submitted."""


class Alarm:
    """What became of the timers that fell due in this epoch."""

    def __init__(self) -> None:
        self._submitted: set[Fired] = set()
        self._again_at: dict[Fired, float] = {}  # of those that are stuck

    def due(self, timers: Timers[Any], now: datetime, monotonic_s: float) -> list[Timer[Any]]:
        """Return the timers to submit now, never one before it is due; each is then waited for."""
        room = AT_ONCE - len(self._submitted)
        if room <= 0:
            return []
        candidates = timers.due(now, AT_ONCE + len(self._again_at))  # enough, however many of them are passed over
        found = [timer for timer in candidates if self._is_new((timer.key, timer.due), monotonic_s)][:room]
        self._submitted.update((timer.key, timer.due) for timer in found)
        return found

    def _is_new(self, fired: Fired, monotonic_s: float) -> bool:
        return fired not in self._submitted and self._again_at.get(fired, 0.0) <= monotonic_s

    def settled(self, ticket: Ticket, timers: Timers[Any], monotonic_s: float) -> bool:
        """Note that the timer's command was carried out; return False when the timer is still set as it was."""
        if ticket.timer is None:
            return True
        self._submitted.discard(ticket.timer)
        pending = timers.get(ticket.timer[0])
        if pending is not None and pending.due == ticket.timer[1]:
            self._again_at[ticket.timer] = monotonic_s + STUCK_RETRY_S
            return False
        self._again_at.pop(ticket.timer, None)
        return True

    def taken_back(self, ticket: Ticket) -> None:
        """The command did not take effect: its timer is due as before."""
        if ticket.timer is not None:
            self._submitted.discard(ticket.timer)

    def reset(self) -> None:
        """The epoch is over."""
        self._submitted.clear()
        self._again_at.clear()


def timer_ticket(timer: Timer[Any], partition: int, monotonic_s: float) -> Ticket:
    """Return the internal command of a due timer; nobody waits for its answer."""
    submission: Submission[Any] = Submission(
        command=timer.command,
        key=timer.key,
        partition=partition,
        command_id=f"{TIMER_IDS}{timer.key}/{timer.due.isoformat()}",
        tenant=timer.tenant,
        actor="system",
        lane=Lane.INTERNAL,
    )
    return Ticket(submission, monotonic_s, NEVER, lambda _: None, timer=(timer.key, timer.due))
