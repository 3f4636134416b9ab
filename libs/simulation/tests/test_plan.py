"""The plan of a day: who comes, how patient they are, and how long they talk."""

from dataclasses import replace
from pathlib import Path

import pytest
from trunkline_simulation.day.plan import MAX_PATIENCE_S, plan_day
from trunkline_simulation.day.recordings import Recording, read_recordings
from trunkline_simulation.day.windows import Window, parse_window

DATA = Path(__file__).parents[3] / "data" / "anonymous-bank-1999-08-01.csv"


@pytest.fixture(scope="module")
def day() -> tuple[Recording, ...]:
    return read_recordings(DATA)


def test_callers_come_in_order_of_arrival_and_the_warm_up_does_not_count(day: tuple[Recording, ...]) -> None:
    plan = plan_day(day, parse_window("09:00", "11:00"), 1)
    arrivals = [caller.arrival_s for caller in plan.callers]
    assert arrivals == sorted(arrivals)
    early = [caller for caller in plan.callers if caller.enqueue_s < plan.window.from_s]
    assert early
    assert not any(caller.counts or caller.counts_in_menu for caller in early)
    assert min(caller.enqueue_s for caller in early) >= plan.window.warm_up_from_s


def test_outbound_callers_draw_their_patience_but_do_not_shape_it(day: tuple[Recording, ...]) -> None:
    without = tuple(row if row.type != "TT" else replace(row, waited_s=row.waited_s + 500) for row in day)
    before, after = (plan_day(rows, Window(), 1).callers for rows in (day, without))
    assert any(caller.type == "TT" for caller in before)
    for one, other in zip(before, after, strict=True):
        if one.type != "TT":
            assert one.patience_s == other.patience_s


def test_every_draw_belongs_to_its_caller_and_not_to_the_window(day: tuple[Recording, ...]) -> None:
    whole = {caller.number: caller for caller in plan_day(day, Window(), seed=1).callers}
    part = plan_day(day, parse_window("09:00", "11:00"), seed=1)
    assert part.callers
    for caller in part.callers:
        assert (caller.patience_s, caller.service_s) == (
            whole[caller.number].patience_s,
            whole[caller.number].service_s,
        )
    assert sum(caller.counts for caller in part.callers) == 431


def test_another_seed_draws_otherwise_and_the_same_seed_the_same(day: tuple[Recording, ...]) -> None:
    assert plan_day(day, Window(), 1) == plan_day(day, Window(), 1)
    assert plan_day(day, Window(), 1) != plan_day(day, Window(), 2)


def test_drawn_patience_is_bounded_and_service_is_never_nothing(day: tuple[Recording, ...]) -> None:
    for caller in plan_day(day, Window(), 1).callers:
        if caller.wants_person:
            row = day[caller.number]
            assert row.waited_s <= caller.patience_s <= (MAX_PATIENCE_S if row.is_served else row.waited_s)
            assert caller.service_s > 0


def test_a_part_of_the_day_owes_no_pause_of_before_its_warm_up(day: tuple[Recording, ...]) -> None:
    plan = plan_day(day, parse_window("09:00", "11:00"), 1)
    assert min(pause.start_s for agent in plan.agents for pause in agent.pauses) >= 8 * 3600 + 30 * 60
