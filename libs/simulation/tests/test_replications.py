"""Results come in the order of the seeds, from this process or from several."""

import pytest
from trunkline_simulation.replications import replicate


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_seeds(workers: int) -> None:
    told: list[int] = []
    assert replicate(abs, [-3, 1, -2], told.append, workers) == [3, 1, 2]
    assert told == [1, 2, 3]


def test_an_error_of_a_run_ends_all() -> None:
    with pytest.raises(TypeError):
        replicate(len, [1, 2], workers=2)  # type: ignore[arg-type]
