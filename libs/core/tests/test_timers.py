from datetime import UTC, datetime, timedelta

from trunkline_core.tables import Journal
from trunkline_core.timers import Timer, Timers

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def timer(key: str, seconds: int, is_lease: bool = False) -> Timer[str]:
    return Timer(key, NOON + timedelta(seconds=seconds), "tn_1", f"fire {key}", is_lease)


def due_keys(timers: Timers[str], seconds: int) -> list[str]:
    return [found.key for found in timers.due(NOON + timedelta(seconds=seconds))]


def test_a_timer_is_due_at_its_time_and_never_before():
    timers: Timers[str] = Timers(Journal())
    timers.set(timer("b", 20))
    timers.set(timer("a", 10))
    assert timers.next_due() == NOON + timedelta(seconds=10)
    assert due_keys(timers, 9) == []
    assert due_keys(timers, 10) == ["a"]
    assert due_keys(timers, 20) == ["a", "b"]


def test_of_many_that_are_due_the_earliest_are_told_when_no_more_are_asked_for():
    timers: Timers[str] = Timers(Journal())
    for number in range(5):
        timers.set(timer(f"t{number}", number))
    assert [found.key for found in timers.due(NOON + timedelta(seconds=9), 2)] == ["t0", "t1"]
    assert due_keys(timers, 9) == ["t0", "t1", "t2", "t3", "t4"]


def test_setting_a_key_again_replaces_its_time():
    timers: Timers[str] = Timers(Journal())
    timers.set(timer("a", 10))
    timers.set(timer("a", 30))
    assert timers.next_due() == NOON + timedelta(seconds=30)
    assert due_keys(timers, 10) == []


def test_rollback_brings_a_cancelled_timer_back_even_when_its_order_was_asked_for_meanwhile():
    journal = Journal()
    timers: Timers[str] = Timers(journal)
    timers.set(timer("a", 10))
    journal.commit()
    timers.cancel("a")
    assert timers.next_due() is None
    journal.rollback()
    assert due_keys(timers, 10) == ["a"]


def test_a_new_owner_grants_grace_to_leases_only():
    timers: Timers[str] = Timers(Journal())
    timers.set(timer("lease", 3, is_lease=True))
    timers.set(timer("long lease", 60, is_lease=True))
    timers.set(timer("limit", 3))
    timers.grant_grace(NOON + timedelta(seconds=10))
    assert due_keys(timers, 3) == ["limit"]
    assert due_keys(timers, 10) == ["limit", "lease"]
    assert timers.is_in_grace(NOON + timedelta(seconds=10))
    assert not timers.is_in_grace(NOON + timedelta(seconds=11))


def test_a_standby_that_never_asks_what_is_due_keeps_no_more_than_it_needs():
    journal = Journal()
    timers: Timers[str] = Timers(journal)
    timers.set(timer("first", 5))
    for number in range(5_000):
        timers.set(timer("a", 10 + number))
        timers.set(timer(f"b{number}", 20))
        timers.cancel(f"b{number}")
        journal.commit()
    assert len(timers._heap) < 2_000
    assert timers.next_due() == NOON + timedelta(seconds=5)
    assert due_keys(timers, 10_000) == ["first", "a"]


def test_what_is_taken_back_is_due_as_before_also_when_the_order_was_built_anew_meanwhile():
    journal = Journal()
    timers: Timers[str] = Timers(journal)
    timers.set(timer("a", 10))
    timers.set(timer("b", 20))
    journal.commit()
    timers.cancel("b")
    for number in range(3_000):
        timers.set(timer("a", 100 + number))
    journal.rollback()
    assert due_keys(timers, 10) == ["a"]
    assert due_keys(timers, 30) == ["a", "b"]
