"""acd's rules, as they are, give what Erlang's formulas say, and planted bugs do not.

Smaller systems and fewer arrivals than `make bench-erlang` plays, under fixed seeds, since one set of seeds in a
hundred misses a figure by chance; the first set that was tried did, and a queue of a few lines missed it alike. So each
caller is also compared with such a queue, which is the sharper test.
"""

import heapq
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest
from trunkline_acd.domain import matching
from trunkline_acd.domain.words import SegmentOutcome
from trunkline_acd.simulation.agreement import (
    Comparison,
    System,
    calls_of,
    compare,
    leaving,
    loss,
    measure,
    play,
    waiting,
)

ARRIVALS = 200
SYSTEMS = (loss(1.2, 2), waiting(1.2, 2), leaving(2.2, 2))


def comparisons(system: System, seeds: int) -> Iterator[Comparison]:
    return compare(system, [measure(system, ARRIVALS, seed) for seed in range(101, 101 + seeds)])


def reference(system: System, seed: int) -> Iterator[tuple[bool, float]]:
    """Yield (answered, wait in seconds) of each caller: first come first served, whoever is free first takes."""
    free_s = [0.0] * system.agents
    for call in islice(calls_of(system, seed), ARRIVALS):
        wait_s = max(0.0, free_s[0] - call.enters_s)
        if call.patience_s is not None and wait_s > call.patience_s:
            yield False, call.patience_s
        else:
            heapq.heapreplace(free_s, call.enters_s + wait_s + call.service_s)
            yield True, wait_s


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_the_rules_agree_with_the_formulas(system: System) -> None:
    found = list(comparisons(system, seeds=10))
    assert len(found) == len(system.expected)
    assert [one for one in found if not one.agrees] == []


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_every_caller_waits_exactly_as_long_as_first_come_first_served_says(system: System) -> None:
    stays = [
        (stay.outcome is SegmentOutcome.ANSWERED, stay.wait / timedelta(seconds=1))
        for stay in play(system, ARRIVALS, seed=1)
    ]
    assert stays == [(answered, pytest.approx(wait_s, abs=1e-3)) for answered, wait_s in reference(system, seed=1)]


def test_rules_that_forget_who_waits_do_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """One agent is offered new callers only."""
    original = matching.best_contact

    def best_contact(domain: Any, agent: Any, now: Any) -> Any:
        return None if agent.agent_id == "ag_0" else original(domain, agent, now)

    monkeypatch.setattr(matching, "best_contact", best_contact)
    assert not all(one.agrees for one in comparisons(waiting(1.2, 2), seeds=6))


@pytest.mark.parametrize("system", [loss(1.2, 2), leaving(2.2, 2)], ids=lambda system: system.name)
def test_rules_that_leave_an_agent_out_do_not_agree(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    original = matching.best_agent

    def best_agent(domain: Any, contact: Any, now: Any) -> Any:
        found = original(domain, contact, now)
        return None if found and found.agent_id == "ag_0" else found

    monkeypatch.setattr(matching, "best_agent", best_agent)
    assert not all(one.agrees for one in comparisons(system, seeds=6))
