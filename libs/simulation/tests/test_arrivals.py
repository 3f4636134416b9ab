"""Callers come as often as the rate says, by chance and each stream by itself."""

from itertools import islice, pairwise
from random import Random
from statistics import fmean, pstdev

import pytest
from trunkline_simulation.arrivals import RateCurve, poisson, rate_curve, thinned
from trunkline_simulation.service_times import ServiceTimes
from trunkline_simulation.streams import stream


def test_gaps_of_a_constant_rate_are_exponential() -> None:
    gaps = [later - early for early, later in pairwise(islice(poisson(0.5, Random(1)), 20_000))]
    assert (fmean(gaps), pstdev(gaps)) == (pytest.approx(2.0, abs=0.05), pytest.approx(2.0, abs=0.05))


def test_a_rate_curve_is_followed_step_by_step_and_ends() -> None:
    curve = RateCurve(1000.0, (0.5, 0.0, 2.0))
    runs = [list(thinned(curve, Random(seed))) for seed in range(40)]
    counts = [
        fmean(sum(step * 1000 <= second < (step + 1) * 1000 for second in run) for run in runs) for step in range(4)
    ]
    assert counts == [pytest.approx(500, abs=12), 0, pytest.approx(2000, abs=25), 0]
    assert all(run == sorted(run) for run in runs)
    assert list(thinned(RateCurve(10.0, (0.0,)), Random(1))) == []


def test_the_curve_of_a_recording_counts_its_callers() -> None:
    curve = rate_curve([1, 5, 25, 26, 27], step_s=10)
    assert curve == RateCurve(10, (0.2, 0.0, 0.3))
    assert (curve.at(9), curve.at(29), curve.at(30), curve.at(-1)) == (0.2, 0.3, 0.0, 0.0)


def test_no_rate_is_refused() -> None:
    with pytest.raises(ValueError):
        next(poisson(0.0, Random(1)))


def test_each_use_has_a_stream_of_its_own() -> None:
    assert stream(1, "patience", 7).random() == stream(1, "patience", 7).random()
    others = [stream(2, "patience", 7), stream(1, "service", 7), stream(1, "patience", 8)]
    assert len({one.random() for one in [stream(1, "patience", 7), *others]}) == 4


def test_a_service_time_is_one_that_was_recorded_for_the_type() -> None:
    times = ServiceTimes([("PS", 10), ("PS", 20), ("NE", 300), ("NE", 0)])
    random = Random(1)
    assert {times.draw("PS", random) for _ in range(50)} == {10, 20}
    assert {times.draw("NE", random) for _ in range(50)} == {300}
    assert {times.draw("IN", random) for _ in range(99)} == {10, 20, 300}
    with pytest.raises(ValueError):
        ServiceTimes([("PS", 0)]).draw("PS", random)
