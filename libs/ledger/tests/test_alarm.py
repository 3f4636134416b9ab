from datetime import UTC, datetime, timedelta

import pytest
from trunkline_core.tables import Journal
from trunkline_core.timers import Timer, Timers
from trunkline_ledger.core import alarm as alarms
from trunkline_ledger.core.alarm import STUCK_RETRY_S, Alarm, timer_ticket

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def timers(monkeypatch: pytest.MonkeyPatch) -> Timers[str]:
    """Ten that are due; three may be on their way at a time."""
    monkeypatch.setattr(alarms, "AT_ONCE", 3)
    timers: Timers[str] = Timers(Journal())
    for number in range(10):
        timers.set(Timer(f"t{number}", NOON + timedelta(seconds=number), "tn_1", "fire"))
    return timers


def keys(found: list[Timer[str]]) -> list[str]:
    return [timer.key for timer in found]


def test_so_many_are_on_their_way_at_a_time_and_all_come_in_order(timers):
    alarm, seen = Alarm(), []
    while found := alarm.due(timers, LATER, 0.0):
        assert alarm.due(timers, LATER, 0.0) == []
        seen += keys(found)
        for timer in found:
            timers.cancel(timer.key)
            assert alarm.settled(timer_ticket(timer, 0, 0.0), timers, 0.0)
    assert seen == [f"t{number}" for number in range(10)]


def test_one_that_settles_makes_room_for_one(timers):
    alarm = Alarm()
    first, *_ = alarm.due(timers, LATER, 0.0)
    timers.cancel(first.key)
    alarm.settled(timer_ticket(first, 0, 0.0), timers, 0.0)
    assert keys(alarm.due(timers, LATER, 0.0)) == ["t3"]


def test_stuck_ones_keep_nobody_waiting_and_are_tried_again_later(timers):
    alarm = Alarm()
    for timer in alarm.due(timers, LATER, 0.0):
        assert not alarm.settled(timer_ticket(timer, 0, 0.0), timers, 0.0)
    assert keys(alarm.due(timers, LATER, 1.0)) == ["t3", "t4", "t5"]
    alarm.reset()
    for timer in alarm.due(timers, LATER, 0.0):
        alarm.settled(timer_ticket(timer, 0, 0.0), timers, 0.0)
    assert keys(alarm.due(timers, LATER, STUCK_RETRY_S)) == ["t0", "t1", "t2"]


def test_one_whose_command_was_taken_back_is_due_as_before(timers):
    alarm = Alarm()
    for timer in alarm.due(timers, LATER, 0.0):
        alarm.taken_back(timer_ticket(timer, 0, 0.0))
    assert keys(alarm.due(timers, LATER, 0.0)) == ["t0", "t1", "t2"]
