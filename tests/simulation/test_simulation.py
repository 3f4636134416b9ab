"""A few dozen seeds of what `make sim` plays, and that a seed gives the same history each time.

Ledger rules 1 to 3, 5 to 13, 15 and 19, by the log and by what clients were told.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from decider_alone import play_alone
from simulate import WORLDS, play
from trunkline_testkit.simulation.room import Outcome

SEEDS = 12


def told(outcome: Outcome) -> str:
    return f"make sim SEED={outcome.plan.seed}: {[violation.rule for violation in outcome.violations]}"


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("first", [0, SEEDS])
def test_under_faults_nothing_is_lost_nothing_is_done_twice_and_all_replicas_agree(world, first):
    for seed in range(first, first + SEEDS):
        outcome = play(world, seed)
        assert not outcome.violations, told(outcome)
        assert outcome.counted > 0, "the seed carried no load"


def test_the_rules_of_routing_alone_keep_every_promise_and_can_be_taken_back():
    offers, violations = play_alone(1, 2_000)
    assert not violations
    assert offers >= 2_000


@pytest.mark.parametrize("world", WORLDS)
def test_the_same_seed_gives_the_same_history(world):
    """Also in another process whose sets of strings have another order."""
    assert {history_elsewhere(world, 7, hash_seed) for hash_seed in ("1", "2")} == {play(world, 7).history}


def history_elsewhere(world: str, seed: int, hash_seed: str) -> str:
    script = f"import simulate; print(simulate.play({world!r}, {seed}).history)"
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
