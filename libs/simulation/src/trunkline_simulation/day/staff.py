"""Who worked that day: skills, duty and the pauses between calls.

Owns: what an agent of the recorded day brings to a replay. Must not: draw random numbers or keep state of a run.
Pauses are inferred: a gap between two calls counts as a pause as long as somebody whom the agent could serve waited.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from trunkline_simulation.day.recordings import Recording

WRAP_UP_LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class Pause:
    """Owed from `start_s` (second of the day) on, for `length_s`, whenever the agent is first free."""

    start_s: int
    length_s: int

    @property
    def is_wrap_up(self) -> bool:
        """Short pauses are played as wrap-up, longer ones as a break."""
        return self.length_s <= WRAP_UP_LIMIT_S


@dataclass(frozen=True, slots=True)
class Agent:
    """One named server of the day; on duty in [duty_from_s, duty_to_s), pauses in order of their start."""

    name: str
    skills: frozenset[str]
    duty_from_s: int
    duty_to_s: int
    pauses: tuple[Pause, ...]


def pause_due(agent: Agent, taken: int, now_s: float) -> Pause | None:
    """The pause that an agent who is free now, after `taken` pauses, has to start at once."""
    if taken < len(agent.pauses) and agent.pauses[taken].start_s <= now_s:
        return agent.pauses[taken]
    return None


def next_pause_s(agent: Agent, taken: int) -> int | None:
    """When the next pause becomes owed: an idle agent has to be looked at then."""
    return agent.pauses[taken].start_s if taken < len(agent.pauses) else None


def roster_agents(recordings: Iterable[Recording]) -> tuple[Agent, ...]:
    """The agents of the day, by name. Rows without a start of service give a skill but do not shape duty."""
    rows = list(recordings)
    served: dict[str, list[Recording]] = defaultdict(list)
    for row in rows:
        if row.server is not None and row.is_served:
            served[row.server].append(row)
    waits = _index_waits(rows)
    rostered = (_roster_agent(name, calls, waits) for name, calls in sorted(served.items()))
    return tuple(agent for agent in rostered if agent is not None)


def _roster_agent(name: str, calls: Sequence[Recording], waits: Mapping[str, "_Waits"]) -> Agent | None:
    spells = sorted(
        (row.service_start_s, row.service_end_s)
        for row in calls
        if row.service_start_s is not None and row.service_end_s is not None
    )
    if not spells:
        return None
    skills = frozenset(row.type for row in calls)
    known = [waits[skill] for skill in sorted(skills) if skill in waits]
    pauses = (_infer_pause(end, start, known) for (_, end), (start, _) in pairwise(spells) if start > end)
    return Agent(
        name=name,
        skills=skills,
        duty_from_s=spells[0][0],
        duty_to_s=max(end for _, end in spells),
        pauses=tuple(pause for pause in pauses if pause),
    )


def _infer_pause(from_s: int, to_s: int, waits: Iterable["_Waits"]) -> Pause | None:
    """From the end of a call to one second after the last second of the gap in which somebody waited."""
    last = max((second for wait in waits if (second := wait.last_before(to_s)) is not None), default=None)
    return Pause(from_s, last + 1 - from_s) if last is not None and last >= from_s else None


@dataclass(frozen=True, slots=True)
class _Waits:
    """When callers of one type waited: ends of [start, end) by start, each the latest end so far."""

    starts_s: tuple[int, ...]
    latest_end_s: tuple[int, ...]

    def last_before(self, second: int) -> int | None:
        """The last second before `second` in which a caller waited."""
        index = bisect_left(self.starts_s, second)
        return min(second, self.latest_end_s[index - 1]) - 1 if index else None


def _index_waits(rows: Iterable[Recording]) -> dict[str, _Waits]:
    spans: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        if row.enqueue_s is not None and row.waited_s > 0:
            spans[row.type].append((row.enqueue_s, row.enqueue_s + row.waited_s))
    return {kind: _index_spans(sorted(found)) for kind, found in spans.items()}


def _index_spans(spans: Sequence[tuple[int, int]]) -> _Waits:
    latest, ends = 0, []
    for _, end in spans:
        latest = max(latest, end)
        ends.append(latest)
    return _Waits(tuple(start for start, _ in spans), tuple(ends))
