"""The plan of a day, and an independent simulation of it that comes out like the day itself."""

from dataclasses import replace
from pathlib import Path
from statistics import mean

import pytest
from trunkline_demo.plan import MAX_PATIENCE_S, plan_day
from trunkline_demo.recordings import Recording, read_recordings
from trunkline_demo.reference import simulate
from trunkline_demo.truths import truth_of
from trunkline_demo.windows import OPENING_S, Window, parse_window

DATA = Path(__file__).parents[2] / "data" / "anonymous-bank-1999-08-01.csv"


@pytest.fixture(scope="module")
def day() -> tuple[Recording, ...]:
    return read_recordings(DATA)


def test_the_truth_of_the_day_is_what_the_source_states(day: tuple[Recording, ...]) -> None:
    truth = truth_of(day, Window())
    assert truth.mean_wait_s == pytest.approx(134.8, abs=0.5)
    assert truth.answered_within_20_s == pytest.approx(0.267, abs=0.005)
    assert truth.answer_rate == pytest.approx(0.675, abs=0.002)
    assert (truth.p50_wait_s, truth.p90_wait_s) == (96, 323)


def test_the_whole_day_counts_those_who_only_heard_the_menu_before_opening(day: tuple[Recording, ...]) -> None:
    truth = truth_of(day, Window())
    assert (truth.offered + truth.hung_up_in_menu, truth.hung_up_in_menu) == (len(day), 118)
    callers = plan_day(day, Window(), 1).callers
    assert sum(caller.counts_in_menu for caller in callers) == 118
    assert sum(caller.counts_in_menu and caller.enqueue_s < OPENING_S for caller in callers) == 25
    assert truth_of(day, parse_window("06:00", "24:00")).hung_up_in_menu == 97


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


@pytest.mark.parametrize(("window", "rate", "tolerance"), [("06:30-24:00", 0.675, 0.02), ("09:00-11:00", 0.549, 0.035)])
def test_the_simulated_day_answers_as_many_as_the_rules_were_measured_to_give(
    day: tuple[Recording, ...], window: str, rate: float, tolerance: float
) -> None:
    runs = [simulate(plan_day(day, parse_window(*window.split("-")), seed)) for seed in range(1, 6)]
    assert mean(run.answer_rate for run in runs) == pytest.approx(rate, abs=tolerance)
    for run in runs:
        assert run.answered + run.abandoned_in_queue == run.offered


def test_one_seed_of_the_simulated_day_comes_out_to_the_last_caller(day: tuple[Recording, ...]) -> None:
    run = simulate(plan_day(day, Window(), 1))
    assert (run.offered, run.answered, run.abandoned_in_queue, run.hung_up_in_menu) == (2239, 1507, 732, 118)
    assert (run.mean_wait_s, run.p50_wait_s, run.p90_wait_s) == (pytest.approx(125.49, abs=0.01), 87, 303)
