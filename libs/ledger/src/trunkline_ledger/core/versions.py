"""Stream versions: 1, 2, 3, … per aggregate without gaps. Must not: know what an aggregate is.

An aggregate that is over leaves memory 7 days after its last event (ledger rule 16), far later than anything about it
comes late. An event after that would begin again at 1.
"""

from datetime import datetime, timedelta

from trunkline_core.fading import FadingTable
from trunkline_core.tables import Journal, Table

ENDED_LIFE = timedelta(days=7)
MAX_ENDED = 200_000


class Versions:
    """The newest version of each stream of one partition."""

    def __init__(self, journal: Journal) -> None:
        self._newest: Table[str, int] = Table(journal)
        self._ended: FadingTable[str, int] = FadingTable(journal, ENDED_LIFE, MAX_ENDED)

    def __len__(self) -> int:
        return len(self._newest) + len(self._ended)

    def of(self, stream_id: str, now: datetime) -> int:
        """Return the newest version, 0 for a stream without events, or that is over and forgotten."""
        return self._newest.get(stream_id) or self._ended.get(stream_id, now) or 0

    def advance(self, stream_id: str, version: int, now: datetime, *, is_last: bool) -> None:
        """Record an event of the stream at log time `now`; after the last one some may still be late."""
        if not is_last and self._ended.get(stream_id, now) is None:
            self._newest.put(stream_id, version)
            return
        if stream_id in self._newest:
            self._newest.delete(stream_id)
        self._ended.put(stream_id, version, now)
