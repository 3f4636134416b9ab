"""Everything the driver must play: callers with their patience and service, agents with their duty and pauses.

Owns: the seeded draws; each depends on (seed, caller) only, so that the order of play does not matter.
Must not: know the product or a clock. Times are seconds of the day, durations are day-seconds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from trunkline_simulation.day.recordings import Recording
from trunkline_simulation.day.staff import Agent, roster_agents
from trunkline_simulation.day.windows import Window
from trunkline_simulation.patience import PatienceCurve, draw_patience, estimate_patience
from trunkline_simulation.service_times import ServiceTimes
from trunkline_simulation.streams import stream

MAX_PATIENCE_S = 1_238
HEAD_START_S = 90
URGENT_PRIORITY = 2
WITHOUT_PATIENCE_DATA = "TT"


@dataclass(frozen=True, slots=True)
class CallbackWish:
    """A caller asks to be called back after so long a wait, where the queue offers it.

    Attributes:
        picks_up_at: the attempt that reaches the customer, from 1; 0 for none.
        rings_s: how long it rings, whether somebody picks up or not.
    """

    after_s: int
    picks_up_at: int
    rings_s: int


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller to be played.

    Attributes:
        number: 0, 1, 2, … in order of arrival.
        arrival_s: enters the menu.
        menu_s: stays in the menu.
        wants_person: goes on to a queue; False hangs up in the menu.
        type: of question; one queue each.
        is_urgent: priority 2, a head start of 90 s.
        patience_s: leaves the queue after this wait.
        service_s: length of the conversation when answered.
        counts: asks for a person inside the window; False for warm-up and menu-only callers.
        counts_in_menu: hangs up in the menu and counts as such.
        callback: None for who does not want one, as everybody of a recorded day.
    """

    number: int
    arrival_s: int
    menu_s: int
    wants_person: bool
    type: str
    is_urgent: bool
    patience_s: int
    service_s: int
    counts: bool
    counts_in_menu: bool = False
    callback: CallbackWish | None = None

    @property
    def enqueue_s(self) -> int:
        """When the caller asks for a person."""
        return self.arrival_s + self.menu_s


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A day, or a part of it with its warm-up.

    Attributes:
        callers: in order of arrival.
        agents: by name, with the pauses they owe (`staff.pause_due`); some may have left before the window begins.
        window: which of the callers count.
    """

    callers: tuple[Caller, ...]
    agents: tuple[Agent, ...]
    window: Window

    @property
    def types(self) -> tuple[str, ...]:
        """Types of question, sorted; one queue and one skill each."""
        asked = {caller.type for caller in self.callers if caller.wants_person}
        return tuple(sorted(asked | {skill for agent in self.agents for skill in agent.skills}))


def plan_day(day: Sequence[Recording], window: Window, seed: int) -> DayPlan:
    """Draw patience and service for the callers of the window and its warm-up."""
    asked = [row for row in day if row.enqueue_s is not None]
    draws = _Draws(asked, seed)
    callers = tuple(
        _plan_caller(number, row, draws, window) for number, row in enumerate(day) if _is_played(row, window)
    )
    return DayPlan(callers, tuple(_without_past(agent, window) for agent in roster_agents(day)), window)


def _without_past(agent: Agent, window: Window) -> Agent:
    """Drop the pauses of before the warm-up: they are not owed to a run that begins later."""
    pauses = tuple(pause for pause in agent.pauses if pause.start_s >= window.warm_up_from_s)
    return replace(agent, pauses=pauses)


def _played_at(row: Recording) -> int:
    return row.arrival_s + row.menu_s


def _is_played(row: Recording, window: Window) -> bool:
    is_in_menu = row.enqueue_s is None and window.counts_in_menu(_played_at(row))
    return is_in_menu or window.warm_up_from_s <= _played_at(row) < window.to_s


def _plan_caller(number: int, row: Recording, draws: "_Draws", window: Window) -> Caller:
    wants_person = row.enqueue_s is not None
    return Caller(
        number=number,
        arrival_s=row.arrival_s,
        menu_s=row.menu_s,
        wants_person=wants_person,
        type=row.type,
        is_urgent=row.priority == URGENT_PRIORITY,
        patience_s=draws.patience(row) if wants_person else 0,
        service_s=draws.service(row) if wants_person else 0,
        counts=wants_person and _played_at(row) in window,
        counts_in_menu=not wants_person and window.counts_in_menu(_played_at(row)),
    )


class _Draws:
    """Patience by priority from Kaplan–Meier curves, service from the type's served calls."""

    def __init__(self, asked: Iterable[Recording], seed: int) -> None:
        self._seed = seed
        rows = list(asked)
        self._curves = {urgent: patience_of(rows, urgent) for urgent in (False, True)}
        self._services = ServiceTimes((row.type, row.service_s) for row in rows if row.is_served)

    def patience(self, row: Recording) -> int:
        """Whoever hung up had exactly that patience; whoever was served would have waited longer."""
        if not row.is_served:
            return row.waited_s
        curve = self._curves[row.priority == URGENT_PRIORITY]
        return draw_patience(curve, stream(self._seed, "patience", row.line), row.waited_s, MAX_PATIENCE_S)

    def service(self, row: Recording) -> int:
        """The recorded length; drawn from the same type where there is none."""
        if row.is_served and row.service_s > 0:
            return row.service_s
        return self._services.draw(row.type, stream(self._seed, "service", row.line))


def patience_of(rows: Iterable[Recording], is_urgent: bool) -> PatienceCurve:
    """Return the patience of callers of priority 2, or of all others; those who were called (TT) say nothing of it."""
    known = [
        row for row in rows if (row.priority == URGENT_PRIORITY) == is_urgent and row.type != WITHOUT_PATIENCE_DATA
    ]
    return estimate_patience(
        left_s=(row.waited_s for row in known if not row.is_served),
        served_s=(row.waited_s for row in known if row.is_served),
    )
