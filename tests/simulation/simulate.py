"""make sim: seeds until there were enough offers; the last line is one JSON object.

    make sim                         all of it: 1,000,000 offers through the rules alone, 100,000 through the runtime
    make sim SEED=17                 one seed again, with what happened in it
    make sim DEATH=17                the owner dies in that step again
    make sim OFFERS=1000 DECIDER_OFFERS=0

Owns: how the work is spread over processes, what is printed, and the exit code: 1 when a rule was broken or too little
was played.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from multiprocessing import get_context

from acd_world import AcdWorld
from bank_world import BankWorld
from decider_alone import play_alone
from trunkline_testkit.checker.rules import Violation
from trunkline_testkit.simulation.faults import Fault
from trunkline_testkit.simulation.history import tell
from trunkline_testkit.simulation.room import Outcome, Plan, World, draw_plan, simulate
from trunkline_testkit.simulation.shrinking import shrink

WORLDS: dict[str, tuple[Callable[[], World], int]] = {"acd": (AcdWorld, 70), "bank": (BankWorld, 7)}
"""Name → what makes the world, and how much it plays a seed."""
DEATH, DECIDER = "the owner dies in a step", "the rules alone"
BANK_EVERY = 3
"""The bank, which has no offers, is played under each third seed."""
SEEDS_A_JOB = 6
OFFERS_A_JOB = 5_000
DEATHS_A_JOB = 50
DEATHS = 600
FULL_OFFERS = 100_000
MIN_SEEDS = 1_000
"""With the full number of offers."""
SHRINK_S = 60.0
PROGRESS_S = 15.0


@dataclass(frozen=True, slots=True)
class Found:
    """A broken rule: in which world of which seed."""

    world: str
    seed: int
    violation: Violation


@dataclass(slots=True)
class Played:
    """What came of a job, or of all so far."""

    seeds: int = 0
    offers: int = 0
    decider_offers: int = 0
    deaths: int = 0
    bookings: int = 0
    faults: int = 0
    found: tuple[Found, ...] = ()

    def add(self, other: "Played") -> None:
        self.seeds += other.seeds
        self.offers += other.offers
        self.decider_offers += other.decider_offers
        self.deaths += other.deaths
        self.bookings += other.bookings
        self.faults += other.faults
        self.found += other.found


def make_ready() -> None:
    """Collect garbage seldom: a seed makes many objects that live until its end, and all go then."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def play_seeds(first: int, count: int) -> Played:
    """Play the contact centre under some seeds, and the bank under some of them."""
    played = Played(seeds=count)
    for seed in range(first, first + count):
        for name in WORLDS if seed % BANK_EVERY == 0 else ("acd",):
            played.add(came_of(name, play(name, seed)))
    return played


def came_of(name: str, outcome: Outcome) -> Played:
    """Return what came of one world under one seed."""
    return Played(
        offers=outcome.counted if name == "acd" else 0,
        bookings=outcome.counted if name == "bank" else 0,
        faults=len(outcome.plan.faults),
        found=tuple(Found(name, outcome.plan.seed, violation) for violation in outcome.violations),
    )


def play_deaths(first: int, count: int) -> Played:
    """Let the owner die in its first step after a moment, in its second, and so on: at every await."""
    played = Played(deaths=count)
    for step in range(first, first + count):
        violations = play_death(step).violations
        played.found += tuple(Found(DEATH, step, violation) for violation in violations)
    return played


def play_death(step: int) -> Outcome:
    """Play a short day at the bank in which the owner dies in that step, and its successor as well."""
    faults = (Fault(11.0, "death in a step", step, 1.0), Fault(15.5, "death in a step", step, 1.0))
    return simulate(Plan(step % 7, 2, 1, faults, 3), BankWorld())


def play_decider(seed: int, offers: int) -> Played:
    """Play acd's rules alone."""
    count, violations = play_alone(seed, offers)
    return Played(decider_offers=count, found=tuple(Found(DECIDER, seed, violation) for violation in violations))


def play(name: str, seed: int) -> Outcome:
    """Play one world under one seed."""
    make, size = WORLDS[name]
    return simulate(draw_plan(seed, size=size), make())


def play_all(first: int, offers: int, decider_offers: int, processes: int) -> Played:
    """Play until there were enough offers over enough seeds, or a rule was broken."""
    total, begin, said_at = Played(), time.monotonic(), 0.0
    with ProcessPoolExecutor(processes, get_context("spawn"), make_ready) as pool:
        jobs = _jobs(pool, first, total, offers, decider_offers)
        running = {job for _, job in zip(range(2 * processes), jobs, strict=False)}
        while running:
            done, running = wait(running, timeout=PROGRESS_S, return_when=FIRST_COMPLETED)
            for job in done:
                total.add(job.result())
                if not total.found and (following := next(jobs, None)) is not None:
                    running.add(following)
            if time.monotonic() - said_at > PROGRESS_S:
                said_at = time.monotonic()
                _say(total, said_at - begin)
    return total


def _jobs(
    pool: ProcessPoolExecutor, first: int, total: Played, offers: int, decider_offers: int
) -> Iterator["Future[Played]"]:
    """Yield jobs of each kind in turn, for as long as it is needed."""
    seed, begun = first, 0
    for step in range(0, DEATHS if offers >= FULL_OFFERS else 0, DEATHS_A_JOB):
        yield pool.submit(play_deaths, step, DEATHS_A_JOB)
    while True:
        needs_seeds = total.offers < offers or (offers >= FULL_OFFERS and total.seeds < MIN_SEEDS)
        needs_rules = begun < decider_offers
        if needs_seeds:
            yield pool.submit(play_seeds, seed, SEEDS_A_JOB)
            seed += SEEDS_A_JOB
        if needs_rules:
            yield pool.submit(play_decider, first + begun // OFFERS_A_JOB, min(OFFERS_A_JOB, decider_offers))
            begun += OFFERS_A_JOB
        if not needs_seeds and not needs_rules:
            return


def _say(total: Played, wall_s: float) -> None:
    print(
        f"{wall_s:6.0f} s: {total.seeds} seeds, {total.faults} faults, {total.offers} offers, {total.bookings} booked; "
        f"{total.deaths} steps to die in; rules alone {total.decider_offers} offers; {len(total.found)} violations",
        file=sys.stderr,
        flush=True,
    )


def explain(found: Found, within_s: float = SHRINK_S) -> Iterator[str]:
    """Yield the seed, the broken rule, the smallest history that breaks it, and how to run it again."""
    yield f"{found.world}, {'step' if found.world == DEATH else 'seed'} {found.seed}: {_line(found.violation)}"
    yield f"again: make sim {'DEATH' if found.world == DEATH else 'SEED'}={found.seed}"
    if found.world == DECIDER:
        return
    make = BankWorld if found.world == DEATH else WORLDS[found.world][0]
    outcome = play_death(found.seed) if found.world == DEATH else play(found.world, found.seed)
    smallest = shrink(outcome, lambda plan: simulate(plan, make()), within_s) if outcome.violations else outcome
    yield f"smallest history found ({len(smallest.plan.faults)} faults, {smallest.plan.replicas} replicas):"
    yield from tell(smallest, [hosting.service for hosting in make().hostings()])
    for violation in smallest.violations[:5]:
        yield _line(violation)


def _line(violation: Violation) -> str:
    return f"{violation.rule} of {violation.subject}: {violation.detail}"


def play_one(seed: int) -> Played:
    """Play all of one seed and print which history it has."""
    played = Played(seeds=1)
    for name in WORLDS:
        outcome = play(name, seed)
        print(f"history {name} {outcome.history()}")
        played.add(came_of(name, outcome))
    played.add(play_decider(seed, OFFERS_A_JOB))
    return played


def _first_of_each(found: Sequence[Found]) -> list[Found]:
    firsts: dict[tuple[str, int], Found] = {}
    for one in found:
        firsts.setdefault((one.world, one.seed), one)
    return list(firsts.values())


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    begin = time.monotonic()
    if options.seed is not None:
        total = play_one(options.seed)
    elif options.death is not None:
        total = play_deaths(options.death, 1)
    else:
        total = play_all(options.first, options.offers, options.decider_offers, options.processes)
    for found in _first_of_each(total.found)[:3]:
        print("\n".join(explain(found)), flush=True)
    counts = asdict(total) | {"violations": len(total.found), "wall_s": round(time.monotonic() - begin, 1)}
    del counts["found"]
    print(json.dumps(counts))
    is_all = options.seed is None and options.death is None
    is_enough = total.offers >= options.offers and total.decider_offers >= options.decider_offers
    return 1 if total.found or (is_all and not is_enough) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make sim", description="Simulate the ledger's runtime.")
    parser.add_argument("--seed", type=int, help="play this seed only and tell what happened")
    parser.add_argument("--death", type=int, help="let the owner die in this step only and tell what happened")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--offers", type=int, default=100_000, help="through the whole runtime, with faults")
    parser.add_argument("--decider-offers", type=int, default=1_000_000, help="through acd's rules alone")
    parser.add_argument("--processes", type=int, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(main())
