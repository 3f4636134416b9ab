"""What the source states about the day, and an independent simulation of its plan that comes out like it."""

from pathlib import Path
from statistics import mean

import pytest
from trunkline_demo.reference import WHOLE_DAY, simulate, spreads_of
from trunkline_demo.truths import truth_of
from trunkline_simulation.day.plan import plan_day
from trunkline_simulation.day.recordings import Recording, read_recordings
from trunkline_simulation.day.windows import OPENING_S, Window, parse_window

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


def test_the_simulated_figures_beside_a_run_are_those_of_thirty_seeds(day: tuple[Recording, ...]) -> None:
    found = spreads_of([simulate(plan_day(day, Window(), seed)) for seed in range(1, 31)])
    assert {name: (round(middle, 1), round(spread, 1)) for name, (middle, spread) in found.items()} == WHOLE_DAY
