"""A few seeds of what `make sim` plays, and that a seed gives the same history each time.

Ledger rules 1 to 3, 5 to 13, 15 and 19, by the log and by what clients were told.
"""

import os
import subprocess
import sys

import planted_bugs
import pytest
from decider_alone import REPLAYED_EVERY, play_alone
from selftest import SOUGHT
from simulate import WORLDS, play, play_death
from trunkline_testkit.simulation.room import Outcome

SEEDS = 4


def told(outcome: Outcome) -> str:
    return f"make sim SEED={outcome.plan.seed}: {[violation.rule for violation in outcome.violations]}"


@pytest.mark.parametrize("world", WORLDS)
def test_under_faults_nothing_is_lost_nothing_is_done_twice_and_all_replicas_agree(world):
    for seed in range(SEEDS):
        outcome = play(world, seed)
        assert not outcome.violations, told(outcome)
        assert outcome.counted > 0, "the seed carried no load"


def test_an_owner_may_die_in_any_step_of_its_tasks():
    for step in range(0, 600, 121):
        assert not play_death(step).violations, f"step {step}"


def test_the_rules_of_routing_alone_keep_every_promise_and_can_be_taken_back():
    offers, violations = play_alone(REPLAYED_EVERY, 2_000)
    assert not violations
    assert offers >= 2_000


@pytest.mark.parametrize("world", WORLDS)
def test_the_same_seed_gives_the_same_history(world):
    """Also in another process, whose sets of strings have another order than in this one."""
    assert history_elsewhere(world, 7, hash_seed="1") == play(world, 7).history()


def test_planted_bugs_are_found_and_without_them_nothing_is():
    """All of them: `make sim-selftest`."""
    bugs = ("reply_before_append", "window_not_read")
    assert elsewhere("-m", "selftest", *bugs).count("found by") == len(bugs)


def test_every_planted_bug_is_sought():
    assert SOUGHT.keys() == planted_bugs.BUGS.keys()


def history_elsewhere(world: str, seed: int, hash_seed: str) -> str:
    return elsewhere("-c", f"import simulate; print(simulate.play({world!r}, {seed}).history())", hash_seed=hash_seed)


def elsewhere(*arguments: str, hash_seed: str = "0") -> str:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
