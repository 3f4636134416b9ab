"""Sessions that ended before their time, because their user logged out.

Owns: how many are remembered, and when one is forgotten. Must not: know cookies, or sessions that merely ran out.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from trunkline_core.replacing import replace

LIFETIME: Final = timedelta(hours=12)
MAX_ENDED: Final = 32
NEVER: Final = datetime.min.replace(tzinfo=UTC)
SKEW: Final = timedelta(minutes=5)  # between the clocks of replicas


@dataclass(frozen=True, slots=True)
class EndedSessions:
    """What a user logged out of.

    Attributes:
        ended: when each began and its id, the oldest first, at most `MAX_ENDED`.
        all_until: every session that began until then is over: what stands for ended ones that had no room.
    """

    ended: tuple[tuple[datetime, str], ...] = ()
    all_until: datetime = NEVER

    def has(self, session_id: str, begun: datetime) -> bool:
        """Tell whether the session ended before its time."""
        return begun <= self.all_until or (begun, session_id) in self.ended

    def plus(self, session_id: str, begun: datetime, now: datetime) -> "EndedSessions":
        """Remember one more, and forget those that would have run out by now.

        Whoever logs in and out all day must not fill the memory: beyond the bound the oldest sessions end together.
        """
        kept = sorted({(begun, session_id), *(entry for entry in self.ended if entry[0] + LIFETIME > now)})
        more = len(kept) - MAX_ENDED
        if more <= 0:
            return replace(self, ended=tuple(kept))
        return EndedSessions(tuple(kept[more:]), max(self.all_until, kept[more - 1][0]))
