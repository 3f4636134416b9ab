"""What a queue remembers of its waits, and the quantiles that follow from it (rule 14).

Owns: the arithmetic of an estimate. A wait is remembered as the time that one place took at one agent:
wait × agents ÷ (contacts ahead + 1). How often P80 held decides how far up among the remembered ones the next P80 is
looked for (adaptive conformal inference, Gibbs and Candès 2021). Integers only. Must not: know contacts.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from trunkline_acd.domain import policy
from trunkline_acd.domain.words import WaitEstimate

_MILLISECOND = timedelta(milliseconds=1)
_MIDDLE_PERMILLE = 500
_HELD_PERMILLE = 800
_LOWEST_LEVEL_PERMILLE = 500
_HIGHEST_LEVEL_PERMILLE = 970


class PastWait(NamedTuple):
    """One wait: how many were ahead, and the milliseconds that each place took at one agent."""

    contacts_ahead: int
    place_ms: int


@dataclass(frozen=True, slots=True)
class WaitHistory:
    """The newest waits of a queue, the oldest of them first.

    Attributes:
        level_permille: which share of similar waits P80 must not be below, so that it holds for 80 %.
        held_total, missed_total: estimates of which it is known whether the wait was within P80.
    """

    waits: tuple[PastWait, ...] = ()
    level_permille: int = _HELD_PERMILLE
    held_total: int = 0
    missed_total: int = 0


def estimate(history: WaitHistory, ahead: int, agents: int) -> WaitEstimate:
    """Return how long a contact with so many ahead waits for so many agents; without times where nothing is known."""
    if not agents or len(history.waits) < policy.FEWEST_WAITS:
        return WaitEstimate(ahead, agents)
    similar = _most_similar(history, ahead)
    middle = similar[_number_at(_MIDDLE_PERMILLE, len(similar))]
    high = similar[_number_at(history.level_permille, len(similar))]
    return WaitEstimate(ahead, agents, _time_of(middle, ahead, agents), _time_of(max(middle, high), ahead, agents))


def with_wait(history: WaitHistory, met: WaitEstimate, wait: timedelta) -> WaitHistory:
    """Remember how long a contact waited that had met this, and be more or less careful from now on."""
    place_ms = wait // _MILLISECOND * max(1, met.agents) // (met.contacts_ahead + 1)
    waits = (*history.waits, PastWait(met.contacts_ahead, place_ms))[-policy.WAITS_REMEMBERED :]
    held, missed, level = history.held_total, history.missed_total, history.level_permille
    if met.p80_duration is None:
        return WaitHistory(waits, level, held, missed)
    if wait <= met.p80_duration:
        held, level = held + 1, level - policy.CAUTION_PERMILLE * (1000 - _HELD_PERMILLE) // 1000
    else:
        missed, level = missed + 1, level + policy.CAUTION_PERMILLE * _HELD_PERMILLE // 1000
    return WaitHistory(waits, min(max(level, _LOWEST_LEVEL_PERMILLE), _HIGHEST_LEVEL_PERMILLE), held, missed)


def _most_similar(history: WaitHistory, ahead: int) -> list[int]:
    """Return the place times of those waits whose number ahead was nearest by ratio, the shortest first."""

    def distance(past: PastWait) -> int:
        fewer, more = sorted((past.contacts_ahead + 1, ahead + 1))
        return 1000 * more // fewer

    newest_first = sorted(reversed(history.waits), key=distance)
    return sorted(past.place_ms for past in newest_first[: policy.SIMILAR_WAITS])


def _number_at(permille: int, count: int) -> int:
    """Return the index of that quantile by nearest rank, for one more wait than there are."""
    return min(count, -(-permille * (count + 1) // 1000)) - 1


def _time_of(place_ms: int, ahead: int, agents: int) -> timedelta:
    longest_ms = policy.LONGEST_DURATION // _MILLISECOND
    return min(place_ms * (ahead + 1) // agents, longest_ms) * _MILLISECOND
