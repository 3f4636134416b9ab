from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from make_runs import Run


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[[dict[str, str]], Run]]:
    """Start a run that is gone when the test is over."""
    runs: list[Run] = []

    def start(environment: dict[str, str]) -> Run:
        runs.append(Run(environment, tmp_path))
        return runs[-1]

    yield start
    for run in runs:
        run.discard()
