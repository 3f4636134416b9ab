"""Calls through the whole centre; prints one JSON line a figure: name, value, unit.

    python launcher/bench/chain.py [--rates 5 10 20 30 40 60] [--seconds 20]

Starts a centre of its own on free ports and in a folder of its own. Calls come at fixed times through the gRPC contact
API as a telephony gateway would bring them, choose in a menu, and ring at desks that are open over the console's
WebSocket: gateway, channels, ivr, acd, console. Half a second in the menu, two seconds of conversation.
chain_ring_ms_p50/p99@RATE: from the key pressed until it rings at a desk. chain_unserved@RATE: calls that nobody
answered, were lost or connected twice. chain_max_contacts_per_s: the highest rate with a ring p99 of at most 250 ms at
which, and below which, all were served. Broker, store, all services and this load share the machine.
"""

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path

from rich.console import Console
from trunkline_analytics.domain.waits import find_quantile
from trunkline_demo.replay import replay
from trunkline_demo.report import Measured
from trunkline_launcher.layout import Layout, free_ports
from trunkline_launcher.supervisor import Supervisor
from trunkline_simulation.day.plan import Caller, DayPlan
from trunkline_simulation.day.staff import Agent
from trunkline_simulation.day.windows import DAY_S, Window

SPEED = 100  # a day-second is 10 ms, the finest step of a plan
OPEN_S, MENU_S, SERVICE_S = 30_000, 50, 200
SPARE_AGENTS, P99_MS, SETTLE_S = 1.5, 250.0, 3.0
QUESTION = "PS"


def report(name: str, value: float, unit: str) -> None:
    print(json.dumps({"name": name, "value": round(value, 2), "unit": unit}), flush=True)


def plan_at(rate: int, seconds: float) -> DayPlan:
    """Return calls at that rate, and half as many agents again as they need."""
    count, needed = int(rate * seconds), rate * SERVICE_S / SPEED
    callers = tuple(
        Caller(number, OPEN_S + number * SPEED // rate, MENU_S, True, QUESTION, False, 10**6, SERVICE_S, True)
        for number in range(count)
    )
    until = min(DAY_S, OPEN_S + int((seconds + 120) * SPEED))
    agents = tuple(
        Agent(f"agent{number}", frozenset({QUESTION}), OPEN_S - 100, until, ())
        for number in range(int(needed * SPARE_AGENTS) + 2)
    )
    return DayPlan(callers, agents, Window(OPEN_S, until))


def measure(run: Measured, rate: int, count: int) -> bool:
    """Print what came of one rate; tell whether it held."""
    unserved = count - run.figures.answered + run.lost + run.connected_twice
    p50, p99 = (find_quantile(run.ring_ms, part) or 0.0 for part in (0.5, 0.99))
    report(f"chain_unserved@{rate}", unserved, "contacts")
    report(f"chain_ring_ms_p50@{rate}", p50, "ms")
    report(f"chain_ring_ms_p99@{rate}", p99, "ms")
    return unserved == 0 and p99 <= P99_MS


def main(rates: list[int], seconds: float) -> None:
    """Try one rate after the other until one is too much."""
    most = 0
    with tempfile.TemporaryDirectory() as folder:
        layout = Layout(Path(folder), "", "", free_ports())
        centre = Supervisor(layout, report=lambda _: None)
        try:
            centre.start()
            for rate in sorted(rates):
                time.sleep(SETTLE_S)
                plan = plan_at(rate, seconds)
                run = asyncio.run(replay(plan, SPEED, layout, Console(quiet=True)))
                if not measure(run, rate, len(plan.callers)):
                    break
                most = rate
        finally:
            centre.stop()
    report("chain_max_contacts_per_s", most, "contacts/s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[5, 10, 20, 30, 40, 60])
    parser.add_argument("--seconds", type=float, default=20.0)
    options = parser.parse_args()
    main(options.rates, options.seconds)
