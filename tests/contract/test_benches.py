"""Every benchmark still starts: nothing else imports them, and what they import moves on."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BENCHES = sorted(
    path.relative_to(ROOT) for part in ("launcher", "libs/*", "services/*") for path in ROOT.glob(f"{part}/bench/*.py")
)


def test_there_are_benchmarks():
    assert len(BENCHES) > 10


@pytest.mark.parametrize("bench", BENCHES, ids=str)
def test_a_benchmark_finds_what_it_imports_and_says_what_it_takes(bench):
    found = subprocess.run([sys.executable, bench, "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
