"""Student's interval, by the tables and by counting how often it is right."""

from random import Random

import pytest
from trunkline_simulation.estimates import estimate, t_quantile


@pytest.mark.parametrize(
    ("share", "freedom", "quantile"),
    [(0.975, 1, 12.706), (0.975, 2, 4.303), (0.975, 5, 2.571), (0.975, 29, 2.045), (0.995, 19, 2.861), (0.5, 7, 0.0)],
)
def test_the_quantile_is_that_of_the_tables(share: float, freedom: int, quantile: float) -> None:
    assert t_quantile(share, freedom) == pytest.approx(quantile, abs=5e-4)


def test_an_interval_by_hand() -> None:
    found = estimate([1.0, 2.0, 3.0])
    assert (found.mean, found.spread, found.count) == (2.0, 1.0, 3)
    assert found.half_width == pytest.approx(4.303 / 3**0.5, abs=1e-3)
    assert found.contains(2.0) and found.contains(4.4) and not found.contains(4.6)


def test_one_run_has_no_interval() -> None:
    assert (estimate([5.0]).half_width, estimate([5.0]).contains(5.0)) == (None, False)
    with pytest.raises(ValueError):
        estimate([])


def test_the_interval_holds_the_truth_as_often_as_it_promises() -> None:
    random = Random(1)
    samples = ([random.gauss(10, 3) for _ in range(5)] for _ in range(2_000))
    assert sum(estimate(sample, 0.9).contains(10) for sample in samples) / 2_000 == pytest.approx(0.9, abs=0.02)
