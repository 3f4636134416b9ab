"""Business hours: what makes them invalid, and whether somebody is there at a given moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from trunkline_core.errors import Invalid
from trunkline_core.ids import check_id_of

MAX_WINDOWS = 100
MAX_CLOSED_DATES = 400
MAX_MOVED_DAYS = 100
MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class HoursWindow:
    """`weekday` 1 Monday … 7 Sunday; minutes after local midnight, the closing one not included."""

    weekday: int
    opens_minute: int
    closes_minute: int


@dataclass(frozen=True, slots=True)
class MovedDay:
    """A local date (`YYYY-MM-DD`) that is worked as another weekday, as a Saturday for a holiday (调休)."""

    date: str
    weekday: int


@dataclass(frozen=True, slots=True)
class HoursDefinition:
    """When somebody is there (routing rule 17): windows of the week in an IANA zone.

    Attributes:
        closed_dates: local dates (`YYYY-MM-DD`) on which it is closed.
        moved_days: dates on which the windows of another weekday hold.
        emergency_closed: closed whatever the rest says, until a definition without it.
    """

    hours_id: str
    time_zone: str
    windows: tuple[HoursWindow, ...]
    closed_dates: tuple[str, ...]
    moved_days: tuple[MovedDay, ...] = ()
    emergency_closed: bool = False


def check_hours(hours: HoursDefinition) -> None:
    """Raises: Invalid, naming the field."""
    check_id_of("ho", "hours_id", hours.hours_id)
    if hours.time_zone not in _known_zones():
        raise Invalid("time_zone", "must be an IANA time zone such as Asia/Shanghai")
    if len(hours.windows) > MAX_WINDOWS:
        raise Invalid("windows", f"must have at most {MAX_WINDOWS} windows")
    for number, window in enumerate(hours.windows):
        _check_window(f"windows[{number}]", window)
    if len(hours.closed_dates) > MAX_CLOSED_DATES:
        raise Invalid("closed_dates", f"must have at most {MAX_CLOSED_DATES} dates")
    for number, closed_date in enumerate(hours.closed_dates):
        _check_date(f"closed_dates[{number}]", closed_date)
    _check_moved_days(hours)


def _check_moved_days(hours: HoursDefinition) -> None:
    if len(hours.moved_days) > MAX_MOVED_DAYS:
        raise Invalid("moved_days", f"must have at most {MAX_MOVED_DAYS} days")
    taken = set(hours.closed_dates)
    for number, day in enumerate(hours.moved_days):
        field = f"moved_days[{number}]"
        _check_date(f"{field}.date", day.date)
        _check_weekday(f"{field}.weekday", day.weekday)
        if day.date in taken:
            raise Invalid(f"{field}.date", "is closed, or moved already")
        taken.add(day.date)


def _check_weekday(field: str, weekday: int) -> None:
    if not 1 <= weekday <= 7:
        raise Invalid(field, "must be 1 (Monday) to 7 (Sunday)")


def _check_window(field: str, window: HoursWindow) -> None:
    _check_weekday(f"{field}.weekday", window.weekday)
    if not 0 <= window.opens_minute < MINUTES_A_DAY:
        raise Invalid(f"{field}.opens_minute", "must be 0 to 1439")
    if not window.opens_minute < window.closes_minute <= MINUTES_A_DAY:
        raise Invalid(f"{field}.closes_minute", "must be later than it opens, at most 1440")


def _check_date(field: str, value: str) -> None:
    try:
        is_date = date.fromisoformat(value).isoformat() == value
    except ValueError:
        is_date = False
    if not is_date:
        raise Invalid(field, "must be a date such as 2026-10-01")


@lru_cache(maxsize=1)
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_open(hours: HoursDefinition, now: datetime) -> bool:
    """Tell whether somebody is there at `now` (aware).

    Windows are wall-clock times of the zone: 09:00 stays 09:00 on the days when clocks change, an hour that is
    repeated counts both times, one that is skipped never comes.
    """
    local = now.astimezone(ZoneInfo(hours.time_zone))
    minute = local.hour * 60 + local.minute
    return any(window.opens_minute <= minute < window.closes_minute for window in _windows_on(hours, local.date()))


def next_opening(hours: HoursDefinition, now: datetime, within: timedelta) -> datetime | None:
    """Return the first moment after `now` (aware) at which somebody is there; None where none comes `within` that time.

    It opens at the beginning of a window, or where a clock that jumps forward skips that: right after the jump.
    """
    zone, last = ZoneInfo(hours.time_zone), now + within
    day = now.astimezone(zone).date()
    while day <= last.astimezone(zone).date():
        for moment in sorted(_edges(hours, day, zone)):
            if now < moment <= last and is_open(hours, moment):
                return moment
        day += timedelta(days=1)
    return None


def _edges(hours: HoursDefinition, day: date, zone: ZoneInfo) -> Iterator[datetime]:
    """Yield each moment of a local day at which a window may begin: one that is repeated begins twice."""
    for window in _windows_on(hours, day):
        begin = datetime.combine(day, time(*divmod(window.opens_minute, 60)), zone)
        yield from (begin.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    begin, end = (datetime.combine(day + timedelta(days=n), time(), zone).astimezone(UTC) for n in (0, 1))
    if begin.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset():
        moments = [begin + timedelta(minutes=n) for n in range((end - begin) // timedelta(minutes=1) + 1)]
        offsets = [moment.astimezone(zone).utcoffset() for moment in moments]
        yield from (later for later, one, other in zip(moments[1:], offsets, offsets[1:], strict=False) if one != other)


def _windows_on(hours: HoursDefinition, day: date) -> list[HoursWindow]:
    """Return the windows of a local day; none where it is closed."""
    name = day.isoformat()
    if hours.emergency_closed or name in hours.closed_dates:
        return []
    weekday = next((moved.weekday for moved in hours.moved_days if moved.date == name), day.isoweekday())
    return [window for window in hours.windows if window.weekday == weekday]
