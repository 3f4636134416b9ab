"""make sim-selftest: each planted bug must break a rule within a bounded number of seeds, and nothing but the bug does.

Owns: in which world a bug shows, and by which rules it counts as found. The bugs are those of `planted_bugs`.

`python -m selftest [BUG…]` prints a line a bug; exit code 1 when one was not found.
"""

import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import Final

import planted_bugs
from simulate import WORLDS
from trunkline_testkit.simulation.faults import USUAL
from trunkline_testkit.simulation.room import Plan, draw_plan, simulate

MAX_SEEDS = 200


@dataclass(frozen=True, slots=True)
class Sought:
    """How a bug shows.

    Attributes:
        world: where it is sought.
        rules: broken by the bug, and by nothing else under these faults.
        kinds: faults that bring it out, drawn like any others.
        replicas: how many there are; as drawn when None.
    """

    world: str
    rules: frozenset[str]
    kinds: tuple[str, ...] = USUAL
    replicas: int | None = None


def _in(world: str, *rules: str, kinds: tuple[str, ...] = USUAL, replicas: int | None = None) -> Sought:
    return Sought(world, frozenset(rules), kinds, replicas)


DIFFERS: Final = ("FoldDiffers", "VersionInversion", "VersionGap", "RepeatedEventId", "CommandEffectiveTwice")
OUTCOMES: Final = ("lost append", "late append", "lost answer", "answer without offset")

SOUGHT: Final = {
    "reply_before_append": _in("bank", "AcknowledgedCommandLost"),
    "no_contiguity_check": _in("bank", *DIFFERS, "AcknowledgedCommandLost", kinds=(*OUTCOMES, "freeze", "cut")),
    "lower_offset_taken_for_an_echo": _in("bank", "FoldDiffers", kinds=("lost tail", "late reading"), replicas=1),
    "epoch_ignored": _in("bank", "FoldDiffers", "MirrorDiffers"),
    "late_own_marker_accepted": _in("bank", *DIFFERS, kinds=("late append", "rebalance", "stale proposal")),
    "reader_without_epoch": _in("bank", "MirrorDiffers", "FoldDiffers"),
    "command_split": _in("acd", "CommandSplit"),
    "rejection_released_early": _in("bank", "RefusedForNothing", "RefusedCommandEffective"),
    "refusal_unproven": _in("bank", "RefusedForNothing", kinds=("late reading", "stale proposal")),
    "push_before_append": _in("bank", "PushedWithoutEffect"),
    "unknown_outcome_not_taken_back": _in("bank", "FoldDiffers", "VersionGap", kinds=OUTCOMES),
    "unknown_outcome_in_the_same_epoch": _in("bank", *DIFFERS, kinds=OUTCOMES),
    "window_evicting": _in("bank", "CommandEffectiveTwice"),
    "window_not_read": _in("bank", "CommandEffectiveTwice"),
    "snapshot_without_window": _in("bank", "CommandEffectiveTwice", "FoldDiffers"),
    "watermark_forgotten": _in("bank", "CommandEffectiveTwice"),
    "timer_early": _in("bank", "TimerEarly"),
    "lease_not_extended": _in("acd", "LeaseNotExtended"),
    "read_without_waiting": _in("bank", "ReadTooOld"),
    "tenant_check_missing": _in("acd", "WrongTenant"),
    "delayed_connect_accepted": _in("acd", "ConnectedByAnotherOffer"),
    "hang_up_before_enqueue_ignored": _in("acd", "EnqueuedAfterItsEnd"),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a bug was found, by which rule at which seed."""

    bug: str
    rule: str
    seed: int

    def __str__(self) -> str:
        return f"{self.bug}: found by {self.rule} at seed {self.seed}" if self.rule else f"{self.bug}: NOT FOUND"


def seek(bug: str) -> Verdict:
    """Play with the bug planted until it is found. The process is spoilt afterwards."""
    sought = SOUGHT[bug]
    planted_bugs.BUGS[bug]()
    make, size = WORLDS[sought.world]
    for seed in range(1, MAX_SEEDS + 1):
        outcome = simulate(plan_of(seed, size, sought), make())
        for violation in outcome.violations:
            if violation.rule in sought.rules:
                return Verdict(bug, violation.rule, seed)
    return Verdict(bug, "", MAX_SEEDS)


def happens_without(found: Verdict) -> bool:
    """Tell whether the rule is broken under that seed without the bug too."""
    sought = SOUGHT[found.bug]
    make, size = WORLDS[sought.world]
    violations = simulate(plan_of(found.seed, size, sought), make()).violations
    return any(violation.rule in sought.rules for violation in violations)


def plan_of(seed: int, size: int, sought: Sought) -> Plan:
    """Return the plan under which a bug is sought."""
    plan = draw_plan(seed, size=size, kinds=sought.kinds)
    return plan if sought.replicas is None else replace(plan, replicas=sought.replicas)


def seek_all(bugs: Sequence[str]) -> bool:
    """Seek each in a process of its own; print as they are found. Return whether all were, and by their bug alone."""
    verdicts = []
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
        for verdict in pool.map(seek, bugs):
            print(verdict, flush=True)
            verdicts.append(verdict)
        found = [verdict for verdict in verdicts if verdict.rule]
        blamed = [verdict for verdict, happens in zip(found, pool.map(happens_without, found), strict=True) if happens]
    for verdict in blamed:
        print(f"{verdict.bug}: {verdict.rule} is broken at seed {verdict.seed} without it too", flush=True)
    return len(found) == len(bugs) and not blamed


def main(bugs: Sequence[str]) -> int:
    """Return the exit code."""
    if unknown := set(bugs) - SOUGHT.keys():
        sys.exit(f"no such bug: {', '.join(sorted(unknown))}")
    return 0 if seek_all(bugs or list(SOUGHT)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
