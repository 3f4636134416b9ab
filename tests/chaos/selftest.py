"""`make chaos-selftest`: bugs that a run on real brokers must show, each planted into every acd for a few short runs.

Owns: which fault brings a bug out and by which rules it is found. The bugs themselves are those of `planted_bugs`.

`python -m chaos.selftest [BUG…]` prints a line a run; exit code 1 when one is not found.
"""

import asyncio
import secrets
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import planted_bugs

from chaos.folders import clean_environment
from chaos.orders import Orders
from chaos.runs import Outcome, run, say


@dataclass(frozen=True, slots=True)
class Sought:
    """How a bug shows: one of these faults, and one of these rules."""

    faults: tuple[str, ...]
    rules: frozenset[str]


SOUGHT = {
    "reply_before_append": Sought(("kill-owner-acd",), frozenset({"AcknowledgedCommandLost"})),
    "lease_not_extended": Sought(("kill-owner-acd",), frozenset({"LeaseNotExtended"})),
}
ATTEMPTS = 4
"""Whether an offer rings unanswered while an owner dies is chance; one short run may not have it."""
SHORT = Orders(minutes=0.75, contacts_per_s=4.0, agents=40, settles_within_s=20.0)


async def try_out(bug: str, sought: Sought) -> Outcome:
    """Run a sick centre for a while."""
    orders = replace(SHORT, seed=secrets.randbelow(2**31), faults=sought.faults, bug=bug)
    with tempfile.TemporaryDirectory() as folder:
        return await run(orders, Path(folder))


def verdict(bug: str, sought: Sought, outcome: Outcome) -> tuple[bool, str]:
    """Return whether the bug was found, and the line that says so."""
    by = sorted({violation.rule for violation in outcome.found.violations if violation.rule in sought.rules})
    if by:
        return True, f"{bug}: found by {', '.join(by)}, seed {outcome.figures['seed']}"
    return False, f"{bug}: NOT FOUND, seed {outcome.figures['seed']}"


def _is_found(bug: str) -> bool:
    is_found, line = verdict(bug, SOUGHT[bug], asyncio.run(try_out(bug, SOUGHT[bug])))
    say(line)
    return is_found


def main(bugs: Sequence[str]) -> int:
    """Try all bugs; return the exit code."""
    unknown = set(bugs) - SOUGHT.keys()
    if unknown or SOUGHT.keys() - planted_bugs.BUGS.keys():
        sys.exit(f"no such bug: {', '.join(sorted(unknown | (SOUGHT.keys() - planted_bugs.BUGS.keys())))}")
    clean_environment()
    missed = 0
    for bug in bugs or SOUGHT:
        missed += not any(_is_found(bug) for _ in range(ATTEMPTS))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
