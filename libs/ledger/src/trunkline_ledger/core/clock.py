"""Log time of one partition (ledger rule 15).

now = broker append time of the owner's marker + monotonic time since it was acknowledged or read, whichever was first,
never below the last event's.
Must not: read a clock; monotonic seconds are handed in.
"""

from datetime import UTC, datetime, timedelta

BEGINNING = datetime.fromtimestamp(0, UTC)
"""1970: what append times count from."""


class LogClock:
    """The clock of one partition; a standby's stands at the last event."""

    def __init__(self) -> None:
        self.last_event_time = BEGINNING
        self._base: tuple[datetime, float] | None = None

    def start(self, marker_append_time: datetime, monotonic_s: float) -> None:
        """Run from our own marker on; `monotonic_s` is the earliest time at which it was known to stand on the log."""
        self._base = (marker_append_time, monotonic_s)

    def stop(self) -> None:
        """We own the partition no more."""
        self._base = None

    def saw(self, event_time: datetime) -> None:
        """Never go below this time."""
        self.last_event_time = max(self.last_event_time, event_time)

    def now(self, monotonic_s: float) -> datetime:
        """Return the log time."""
        if self._base is None:
            return self.last_event_time
        append_time, since = self._base
        return max(append_time + timedelta(seconds=monotonic_s - since), self.last_event_time)
