"""The part of the day that is replayed and the part that counts."""

import re
from dataclasses import dataclass

DAY_S = 24 * 3600
WARM_UP_S = 30 * 60
OPENING_S = 6 * 3600 + 30 * 60
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Window:
    """Callers who ask for a person in [from_s, to_s) count. Seconds of the day. Raises: ValueError when empty."""

    from_s: int = OPENING_S
    to_s: int = DAY_S

    def __post_init__(self) -> None:
        if not 0 <= self.from_s < self.to_s <= DAY_S:
            raise ValueError("FROM must be before TO, both within 00:00 and 24:00")

    def __contains__(self, second: int) -> bool:
        return self.from_s <= second < self.to_s

    def counts_in_menu(self, second: int) -> bool:
        """Whether a caller who hangs up in the menu then counts.

        A window that begins at opening time stands for the day from its first minute: before opening nobody can ask
        for a person, but 25 callers of the recorded day listened to the menu.
        """
        return second in self or (self.from_s == OPENING_S and second < OPENING_S)

    @property
    def warm_up_from_s(self) -> int:
        """Where the replay of a part of the day begins, so that its queues are not empty when counting starts."""
        return max(0, self.from_s - WARM_UP_S)

    def __str__(self) -> str:
        return f"{format_clock(self.from_s)}-{format_clock(self.to_s)}"


def parse_window(start: str, end: str) -> Window:
    """A window from two clock times "hh:mm". Raises: ValueError."""
    return Window(parse_clock(start), parse_clock(end))


def parse_clock(text: str) -> int:
    """Second of the day of "hh:mm"; 24:00 is its end. Raises: ValueError."""
    match = _CLOCK.fullmatch(text.strip())
    seconds = int(match[1]) * 3600 + int(match[2]) * 60 if match else DAY_S + 1
    if seconds > DAY_S:
        raise ValueError(f"{text!r} is not a time between 00:00 and 24:00")
    return seconds


def format_clock(second: int) -> str:
    return f"{second // 3600:02d}:{second // 60 % 60:02d}"
