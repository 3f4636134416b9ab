"""From a plan that fails to a smaller one that fails alike: fewer faults, less load, by running it again and again.

Must not: take longer than it is given.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from trunkline_testkit.simulation.room import Outcome, Plan

Run = Callable[[Plan], Outcome]


def shrink(outcome: Outcome, run: Run, within_s: float) -> Outcome:
    """Return the outcome of the smallest plan found that breaks the same rule as `outcome` first does."""
    rule, until_s = outcome.violations[0].rule, time.monotonic() + within_s
    best, is_smaller = outcome, True
    while is_smaller:
        is_smaller = False
        for plan in _smaller(best.plan):
            if time.monotonic() > until_s:
                return best
            found = run(plan)
            if any(violation.rule == rule for violation in found.violations):
                best, is_smaller = found, True
                break
    return best


def _smaller(plan: Plan) -> Iterator[Plan]:
    """Yield plans with half of the faults, half of the load, then with one fault less each."""
    faults, half = plan.faults, len(plan.faults) // 2
    if half:
        yield replace(plan, faults=faults[:half])
        yield replace(plan, faults=faults[half:])
    if plan.size > 1:
        yield replace(plan, size=plan.size // 2)
    for number in range(len(faults)):
        yield replace(plan, faults=faults[:number] + faults[number + 1 :])
    if plan.size > 1:
        yield replace(plan, size=plan.size - 1)
    if plan.replicas > 2:
        yield replace(plan, replicas=2)
