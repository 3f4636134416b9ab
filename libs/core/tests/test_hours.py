"""When somebody is there next (routing rule 17)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_core.hours import HoursDefinition, HoursWindow, MovedDay, is_open, next_opening

WEEK = timedelta(days=8)
SHOP = HoursDefinition("ho_1", "Europe/Berlin", tuple(HoursWindow(day, 540, 1080) for day in range(1, 6)), ())


def berlin(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=ZoneInfo("Europe/Berlin"), fold=fold).astimezone(UTC)  # type: ignore[misc]


def test_it_opens_in_the_morning_of_the_same_day_or_of_the_next_working_one() -> None:
    assert next_opening(SHOP, berlin(2026, 1, 9, 8, 59), WEEK) == berlin(2026, 1, 9, 9)
    assert next_opening(SHOP, berlin(2026, 1, 9, 18), WEEK) == berlin(2026, 1, 12, 9)


def test_closed_dates_and_moved_days_count() -> None:
    moved = MovedDay("2026-01-10", 1)
    hours = HoursDefinition("ho_1", "Europe/Berlin", SHOP.windows, ("2026-01-12",), (moved,))
    assert next_opening(hours, berlin(2026, 1, 9, 18), WEEK) == berlin(2026, 1, 10, 9), "a Saturday worked as a Monday"
    assert next_opening(hours, berlin(2026, 1, 10, 18), WEEK) == berlin(2026, 1, 13, 9)


def test_nine_stays_nine_after_the_clock_was_changed() -> None:
    before = berlin(2026, 3, 27, 18)
    assert next_opening(SHOP, before, WEEK) == datetime(2026, 3, 30, 7, tzinfo=UTC)


@pytest.mark.parametrize("minute", [120, 150, 179])
def test_window_whose_beginning_is_skipped_opens_right_after_the_jump(minute: int) -> None:
    hours = HoursDefinition("ho_1", "Europe/Berlin", (HoursWindow(7, minute, 300),), ())
    assert next_opening(hours, berlin(2026, 3, 29, 0), WEEK) == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_window_at_a_midnight_that_is_skipped_opens_right_after_the_jump() -> None:
    """In Beirut the clock goes from Saturday 23:59 to Sunday 01:00; the Saturday has no window itself."""
    hours = HoursDefinition("ho_1", "Asia/Beirut", (HoursWindow(7, 6, 606),), ())
    jump = datetime(2011, 3, 26, 22, tzinfo=UTC)
    assert next_opening(hours, jump - timedelta(days=2), WEEK) == jump


def test_window_within_a_repeated_hour_opens_twice() -> None:
    hours = HoursDefinition("ho_1", "Europe/Berlin", (HoursWindow(7, 130, 140),), ())
    first, second = berlin(2026, 10, 25, 2, 10), berlin(2026, 10, 25, 2, 10, fold=1)
    assert next_opening(hours, berlin(2026, 10, 25, 0), WEEK) == first
    assert next_opening(hours, first + timedelta(minutes=10), WEEK) == second


@pytest.mark.parametrize(
    "hours",
    [
        HoursDefinition("ho_1", "UTC", (), ()),
        HoursDefinition("ho_1", "UTC", (HoursWindow(1, 0, 1440),), (), emergency_closed=True),
    ],
)
def test_what_never_opens_has_no_opening(hours: HoursDefinition) -> None:
    assert next_opening(hours, datetime(2026, 1, 5, tzinfo=UTC), WEEK) is None


def test_opening_behind_the_time_that_is_asked_for_is_none() -> None:
    assert next_opening(SHOP, berlin(2026, 1, 9, 18), timedelta(hours=12)) is None


WINDOWS = st.builds(
    lambda day, opens, length: HoursWindow(day, opens, min(1440, opens + length)),
    st.integers(1, 7),
    st.integers(0, 1439),
    st.integers(1, 600),
)
CHANGES = [
    datetime(2026, 3, 28, 12, tzinfo=UTC),
    datetime(2026, 10, 24, 12, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(WINDOWS, max_size=2).map(tuple),
    st.sampled_from(["Europe/Berlin", "Australia/Lord_Howe", "Asia/Shanghai", "America/New_York"]),
    st.sampled_from(CHANGES),
    st.integers(0, 36 * 60),
)
def test_it_is_the_first_minute_after_a_closed_one_at_which_somebody_is_there(windows, zone, day, minute) -> None:
    hours, now = HoursDefinition("ho_1", zone, windows, ()), day + timedelta(minutes=minute)
    minutes = [now + timedelta(minutes=n) for n in range(1, 2 * 1440)]
    if is_open(hours, now):
        return
    first = next((moment for moment in minutes if is_open(hours, moment)), None)
    assert next_opening(hours, now, timedelta(minutes=2 * 1440 - 1)) == first
