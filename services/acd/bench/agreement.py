"""Whether the routing rules agree with Erlang B, C and A: a table, then one JSON line; exit code 1 where they do not.

Run: python services/acd/bench/agreement.py [--arrivals 100000] [--seeds 20] [--system "Erlang C"]
The formulas' values must lie within the 99 % interval over the seeds; the first 10 % of callers of each run warm it up.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from functools import partial

from trunkline_acd.simulation.agreement import Comparison, System, compare, measure, systems
from trunkline_simulation.replications import replicate

COLUMNS = "{:10} {:12} {:>10} {:>10} {:>8} {:>9}  {}"


def main() -> int:
    """Compare, print, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arrivals", type=int, default=100_000, help="callers in each run (100000)")
    parser.add_argument("--seeds", type=int, default=20, help="runs of each system (20)")
    parser.add_argument("--system", choices=[system.name for system in systems()], help="only this one")
    options = parser.parse_args()
    if options.seeds < 2 or options.arrivals < 100:
        parser.error("an interval needs at least 2 seeds and 100 arrivals")
    chosen = [system for system in systems() if options.system in (None, system.name)]
    found: list[Comparison] = []
    print(COLUMNS.format("system", "figure", "formula", "simulated", "± 99 %", "off by", ""), flush=True)
    for system in chosen:
        rows = list(run(system, options.arrivals, options.seeds))
        print_rows(rows)
        found += rows
    agreeing = sum(row.agrees for row in found)
    print(json.dumps({"figures": len(found), "agree": agreeing, "arrivals": options.arrivals, "seeds": options.seeds}))
    return int(agreeing < len(found))


def run(system: System, arrivals: int, seeds: int) -> Iterator[Comparison]:
    """Return the comparisons of one system; says how far it is."""

    def say(done: int) -> None:
        print(f"{system.name}: {done} of {seeds} runs", file=sys.stderr, flush=True)

    return compare(system, replicate(partial(measure, system, arrivals), range(1, seeds + 1), say))


def print_rows(rows: list[Comparison]) -> None:
    """Print the figures of a system beside the formulas."""
    for row in rows:
        measured = row.measured
        off = f"{100 * (measured.mean / row.expected - 1):+.2f} %"
        values = (f"{value:.4f}" for value in (row.expected, measured.mean, measured.half_width or 0.0))
        print(COLUMNS.format(row.system, row.figure, *values, off, "agrees" if row.agrees else "DIFFERS"), flush=True)


if __name__ == "__main__":
    sys.exit(main())
