"""What a user may set for one replay, and the day and plan that follow from it.

Owns: reading the environment; a wrong value is one sentence that names its setting. Must not: start anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from trunkline_core.errors import Misconfigured
from trunkline_launcher.layout import ROOT
from trunkline_simulation.day.plan import DayPlan, plan_day
from trunkline_simulation.day.recordings import Recording, read_recordings
from trunkline_simulation.day.windows import Window, parse_clock

DAY: Final = ROOT / "data" / "anonymous-bank-1999-08-01.csv"
MAX_SPEED: Final = 1_000


@dataclass(frozen=True, slots=True)
class Settings:
    """One replay. `speed`: day-seconds that pass in a second."""

    speed: float = 240.0
    seed: int = 1
    window: Window = field(default_factory=Window)
    data: Path = DAY

    @property
    def is_whole_recorded_day(self) -> bool:
        """Tell whether it is the day of `data/` from opening time on, of which a simulation is committed."""
        return self.window == Window() and self.data.resolve() == DAY.resolve()


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return what SPEED, SEED, FROM, TO and DATA say; an empty one is not set. Raises: Misconfigured."""
    return Settings(
        speed=_speed(environment.get("SPEED") or "240"),
        seed=_seed(environment.get("SEED") or "1"),
        window=_window(environment.get("FROM") or "06:30", environment.get("TO") or "24:00"),
        data=Path(environment.get("DATA") or DAY),
    )


def read_plan(settings: Settings) -> tuple[Sequence[Recording], DayPlan]:
    """Return the recorded day and what is played of it. Raises: Misconfigured for no such day, and for nobody in it."""
    try:
        day = read_recordings(settings.data)
        plan = plan_day(day, settings.window, settings.seed)
    except OSError as error:
        raise Misconfigured(f"DATA: {settings.data} cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise Misconfigured(f"DATA: {settings.data} is no recorded day ({error}).") from error
    if not any(caller.counts for caller in plan.callers):
        raise Misconfigured(f"Nobody asks for a person in {settings.window}: choose another FROM or TO.")
    return day, plan


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1 <= speed <= MAX_SPEED:
        raise Misconfigured(f"SPEED must be a number from 1 to {MAX_SPEED}, not {text!r}.")
    return speed


def _seed(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Misconfigured(f"SEED must be a whole number, not {text!r}.") from None


def _window(start: str, end: str) -> Window:
    from_s, to_s = _clock("FROM", start), _clock("TO", end)
    if from_s >= to_s:
        raise Misconfigured(f"FROM must be before TO, and {start} is not before {end}.")
    return Window(from_s, to_s)


def _clock(name: str, text: str) -> int:
    try:
        return parse_clock(text)
    except ValueError:
        raise Misconfigured(f"{name} must be a time from 00:00 to 24:00, not {text!r}.") from None
