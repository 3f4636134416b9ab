"""`make demo`: replays a recorded day through the running centre, prints what came of it beside the truth.

Environment: SPEED (240), SEED (1), FROM (06:30), TO (24:00), DATA (a file of the recorded day's format). Exit code 1:
something failed, a caller or an agent too; 130: interrupted. What a user can cause ends in one sentence.
"""

import asyncio
import logging
import os
import sys

import aiohttp
from aiokafka.errors import KafkaError
from rich.console import Console
from trunkline_core.errors import TrunklineError
from trunkline_launcher.layout import default_layout

from trunkline_demo.reference import WHOLE_DAY
from trunkline_demo.replay import replay
from trunkline_demo.report import json_line, print_table
from trunkline_demo.settings import read_plan, read_settings
from trunkline_demo.truths import truth_of

INTERRUPTED = 130  # 128 + SIGINT, as shells count


def main() -> int:
    """Replay, print, and return the exit code."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is away is told in our sentence
    try:
        return carry_out()
    except KeyboardInterrupt:
        print("demo: stopped before the end, so there are no figures.", file=sys.stderr)
        return INTERRUPTED
    except (KafkaError, aiohttp.ClientError, ConnectionError, TimeoutError) as error:
        print(f"demo: The centre went away ({type(error).__name__}): see its logs.", file=sys.stderr)
    except (TrunklineError, OSError) as error:
        print(f"demo: {error}", file=sys.stderr)
    return 1


def carry_out() -> int:
    """Replay what the environment asks for. Raises: TrunklineError, KafkaError, ClientError, OSError."""
    settings = read_settings(os.environ)
    day, plan = read_plan(settings)
    console = Console()
    run = asyncio.run(replay(plan, settings.speed, default_layout(), console))
    simulated = WHOLE_DAY if settings.is_whole_recorded_day else None
    print_table(run, truth_of(day, settings.window), console, simulated)
    print(json_line(run))
    return 1 if run.troubles.errors else 0


if __name__ == "__main__":
    sys.exit(main())
