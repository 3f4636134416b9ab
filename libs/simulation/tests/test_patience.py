"""Patience is estimated from those who left and from those of whom we only know that they would have stayed longer."""

from random import Random

import pytest
from trunkline_simulation.patience import draw_patience, estimate_patience


def test_patience_is_the_product_limit_estimate() -> None:
    curve = estimate_patience(left_s=[10, 30], served_s=[20, 40])  # by hand: 1 - 1/4, then times 1 - 1/2
    assert (curve.survive(9), curve.survive(10), curve.survive(30)) == (1.0, 0.75, 0.375)


def test_a_drawn_patience_exceeds_the_wait_already_borne() -> None:
    curve = estimate_patience(left_s=[10, 30, 50], served_s=[20, 40])
    drawn = {draw_patience(curve, Random(seed), exceeding_s=10, limit_s=60) for seed in range(200)}
    assert drawn == {30, 50}


def test_who_is_served_in_the_second_in_which_another_leaves_was_still_at_risk() -> None:
    curve = estimate_patience(left_s=[10, 10], served_s=[10, 20])  # 2 of 4, not 2 of 3
    assert curve.survive(10) == 0.5


def test_the_curve_ends_with_the_last_who_left_and_states_what_is_beyond() -> None:
    curve = estimate_patience(left_s=[10, 30], served_s=[20, 40])
    assert (curve.times_s[-1], curve.tail) == (30, 0.375)
    assert estimate_patience(left_s=[], served_s=[20]).tail == 1.0
    assert estimate_patience(left_s=[20], served_s=[10]).tail == 0.0
    drawn = [draw_patience(curve, Random(seed), exceeding_s=30, limit_s=60) for seed in range(20)]
    assert set(drawn) == {60}


def test_censored_waits_do_not_shorten_the_patience_that_is_estimated() -> None:
    random = Random(1)
    callers = [(random.expovariate(1 / 100), random.expovariate(1 / 60)) for _ in range(20_000)]
    left = [int(patience) for patience, offered in callers if patience <= offered]
    served = [int(offered) for patience, offered in callers if patience > offered]
    curve = estimate_patience(left, served)
    assert curve.survive(99) == pytest.approx(0.368, abs=0.02)  # e⁻¹
    naive = estimate_patience(left, [])
    assert naive.survive(99) < 0.1
