"""Agents' seconds by kind, split at interval borders; occupancy and utilisation from them.

An agent has capacity units. Every signed-in second is shared out by them: the part in use is busy (talk, hold, wrap-up,
conversations), the part that rings is a class of its own, the rest is idle while the agent is available and away
otherwise. Where one piece of work excludes all others it takes the whole agent. Must not: know why units are in use.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from trunkline_analytics.domain.intervals import Interval


@dataclass(frozen=True, slots=True)
class AgentSpell:
    """One signed-in stretch [start, end) in which nothing about the agent changed.

    Attributes:
        is_available: would take more work; False on a break and while not responding.
        busy_units: in use; forced work may exceed `total_units`.
        ringing_units: reserved by offers.
        total_units: positive.
        is_exclusive: what is in use, or rings, excludes all other work (a voice call).
    """

    agent_id: str
    start: datetime
    end: datetime
    is_available: bool
    busy_units: int
    ringing_units: int
    total_units: int
    is_exclusive: bool = False

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError("a spell must not end before it starts")
        if self.total_units < 1 or self.busy_units < 0 or self.ringing_units < 0:
            raise ValueError("units must not be negative, and at least one in total")

    def busy_share(self) -> float:
        """Return the part (0–1) of the agent that is in use."""
        return 1.0 if self.is_exclusive and self.busy_units else min(1.0, self.busy_units / self.total_units)

    def ringing_share(self) -> float:
        """Return the part (0–1) of the agent that rings."""
        share = 1.0 if self.is_exclusive and self.ringing_units else self.ringing_units / self.total_units
        return min(share, 1.0 - self.busy_share())


@dataclass(frozen=True, slots=True)
class AgentSeconds:
    """Seconds of an agent, or of several, by kind; together all signed-in seconds."""

    busy_s: float = 0.0
    ringing_s: float = 0.0
    idle_s: float = 0.0
    away_s: float = 0.0

    def __add__(self, other: "AgentSeconds") -> "AgentSeconds":
        return AgentSeconds(
            self.busy_s + other.busy_s,
            self.ringing_s + other.ringing_s,
            self.idle_s + other.idle_s,
            self.away_s + other.away_s,
        )

    @property
    def signed_in_s(self) -> float:
        """All seconds."""
        return self.busy_s + self.ringing_s + self.idle_s + self.away_s

    @property
    def occupancy(self) -> float | None:
        """Busy ÷ (busy + available idle), None for neither; ringing and breaks do not count."""
        return _share(self.busy_s, self.busy_s + self.idle_s)

    @property
    def utilisation(self) -> float | None:
        """Busy ÷ signed in, None for nobody."""
        return _share(self.busy_s, self.signed_in_s)


def agent_seconds(spells: Iterable[AgentSpell], interval: Interval) -> dict[str, AgentSeconds]:
    """Return the seconds of each agent inside the interval; who was not signed in is missing."""
    found: dict[str, AgentSeconds] = defaultdict(AgentSeconds)
    for spell in spells:
        seconds = interval.overlap(spell.start, spell.end).total_seconds()
        if seconds:
            found[spell.agent_id] += _share_out(spell, seconds)
    return dict(found)


def total(seconds: Sequence[AgentSeconds]) -> AgentSeconds:
    """Return the sum, of several agents or several intervals."""
    return sum(seconds, AgentSeconds())


def _share_out(spell: AgentSpell, seconds: float) -> AgentSeconds:
    busy, ringing = spell.busy_share(), spell.ringing_share()
    rest = max(0.0, 1.0 - busy - ringing) * seconds
    return AgentSeconds(
        busy_s=busy * seconds,
        ringing_s=ringing * seconds,
        idle_s=rest if spell.is_available else 0.0,
        away_s=0.0 if spell.is_available else rest,
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
