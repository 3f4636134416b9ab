"""`make chaos`: CHAOS_MINUTES, CHAOS_SEED, CHAOS_BROKERS, CHAOS_RATE, CHAOS_AGENTS, CHAOS_FAULTS, CHAOS_FOLDER,
CHAOS_EVIDENCE.

Prints each fault as it strikes and, as the last line, one JSON object of figures. Exit code 1 for a broken promise, and
for a run that carried no load.
"""

import asyncio
import json
import sys

from chaos.clock import install_library
from chaos.faults import STEP_CLOCK
from chaos.folders import clean_environment, run_folder
from chaos.orders import read_orders
from chaos.runs import run, say


def main() -> None:
    """Run once."""
    orders = read_orders()
    if not orders.faults or STEP_CLOCK in orders.faults:
        install_library(say)
    clean_environment()
    with run_folder() as folder:
        outcome = asyncio.run(run(orders, folder))
    for reason in outcome.reasons:
        say(reason)
    print(json.dumps(outcome.figures), flush=True)
    sys.exit(1 if outcome.reasons else 0)


if __name__ == "__main__":
    main()
