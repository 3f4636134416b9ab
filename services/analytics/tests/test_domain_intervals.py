"""Intervals: days when clocks change, zones that skip a midnight, plain lengths."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_analytics.domain.intervals import Interval, cut_day, cut_evenly, first_moment, interval_at

ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Africa/Cairo", "Asia/Kathmandu"]
T0 = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zone", "minutes", "number"),
    [
        (date(2026, 7, 1), "Asia/Shanghai", 15, 96),
        (date(2026, 7, 1), "Asia/Shanghai", 30, 48),
        (date(2026, 3, 29), "Europe/Berlin", 15, 92),
        (date(2026, 10, 25), "Europe/Berlin", 15, 100),
        (date(2026, 10, 25), "Europe/Berlin", 30, 50),
        (date(2026, 10, 4), "Australia/Lord_Howe", 15, 94),
        (date(2026, 4, 5), "Australia/Lord_Howe", 15, 98),
        (date(2026, 4, 5), "Australia/Lord_Howe", 30, 49),
        (date(2026, 3, 8), "America/Havana", 15, 92),  # midnight itself is skipped
        (date(2026, 11, 1), "America/Havana", 15, 100),  # midnight comes twice
        (date(2011, 12, 30), "Pacific/Apia", 15, 0),  # a day that never was
    ],
)
def test_a_local_day_has_as_many_intervals_as_it_has_real_time(day, zone, minutes, number):
    intervals = cut_day(day, zone, minutes)
    assert len(intervals) == number
    assert all(interval.end - interval.start == timedelta(minutes=minutes) for interval in intervals)


def test_a_day_begins_at_local_midnight():
    assert first_moment(date(2026, 1, 5), "Asia/Shanghai") == datetime(2026, 1, 4, 16, tzinfo=UTC)


@given(st.sampled_from(ZONES), st.dates(date(2000, 1, 1), date(2035, 1, 1)), st.sampled_from([15, 30]))
def test_intervals_of_two_days_join_without_gap_or_overlap(zone, day, minutes):
    intervals = [*cut_day(day, zone, minutes), *cut_day(day + timedelta(days=1), zone, minutes)]
    assert all(before.end == after.start for before, after in pairwise(intervals))


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    st.sampled_from([15, 30]),
)
def test_the_interval_of_a_moment_is_the_one_of_its_day_that_contains_it(zone, at, minutes):
    found = interval_at(at, zone, minutes)
    assert at in found
    assert found in cut_day(at.astimezone(ZoneInfo(zone)).date(), zone, minutes)


@given(st.integers(0, 100_000), st.integers(1, 5_000))
def test_a_plain_length_cuts_until_the_last_moment_is_inside(until_s, length_s):
    until = T0 + timedelta(seconds=until_s)
    intervals = cut_evenly(T0, until, timedelta(seconds=length_s))
    assert intervals[0].start == T0
    assert until in intervals[-1]
    assert all(before.end == after.start for before, after in pairwise(intervals))


def test_an_interval_knows_how_much_of_a_stretch_lies_in_it():
    interval = Interval(T0, T0 + timedelta(minutes=15))
    assert interval.overlap(T0 - timedelta(hours=1), T0 + timedelta(minutes=5)) == timedelta(minutes=5)
    assert interval.overlap(T0 + timedelta(hours=1), T0 + timedelta(hours=2)) == timedelta()


def test_lengths_that_are_not_defined_are_refused():
    with pytest.raises(ValueError, match="15 or 30"):
        cut_day(date(2026, 1, 5), "UTC", 20)
    with pytest.raises(ValueError, match="positive"):
        cut_evenly(T0, T0, timedelta())
