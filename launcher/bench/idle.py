"""CPU and memory of each process of a centre that does nothing; one JSON line a process and one with the sums.

    python launcher/bench/idle.py [--seconds 60]

Starts a centre of its own on free ports and in a folder of its own, lets it settle, measures, and stops it.
cpu_percent: of one core. memory_mib: resident set; pages that processes share count in each.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import psutil
from trunkline_launcher.layout import SERVICES, Layout, free_ports
from trunkline_launcher.supervisor import Supervisor

SETTLE_S = 20.0
GOALS = {"cpu_percent": 25, "services_mib": 1536, "kafka_and_store_mib": 1024}


def report(**values: object) -> None:
    print(json.dumps(values), flush=True)


def name_of(process: psutil.Process) -> str:
    """Return the service a process runs, or which of the two servers it is."""
    command = " ".join(process.cmdline())
    found = [name for name in SERVICES if f"trunkline_{name}" in command]
    return found[0] if found else "kafka" if "kafka.Kafka" in command else "store"


def measure(seconds: float) -> None:
    """Watch all children for a while, then tell."""
    programs = [child for child in psutil.Process().children(recursive=True) if child.memory_info().rss > 2**24]
    before = [sum(program.cpu_times()[:2]) for program in programs]
    time.sleep(seconds)
    figures = {}
    for program, begun in zip(programs, before, strict=True):
        cpu = (sum(program.cpu_times()[:2]) - begun) / seconds * 100
        figures[name_of(program)] = (cpu, program.memory_info().rss / 2**20)
        report(process=name_of(program), cpu_percent=round(cpu, 1), memory_mib=round(figures[name_of(program)][1]))
    report(
        cpu_percent=round(sum(cpu for cpu, _ in figures.values()), 1),
        services_mib=round(sum(mib for name, (_, mib) in figures.items() if name in SERVICES)),
        kafka_and_store_mib=round(sum(mib for name, (_, mib) in figures.items() if name not in SERVICES)),
        goals=GOALS,
    )


def main(seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        centre = Supervisor(Layout(Path(folder), "", "", free_ports()), report=lambda _: None)
        try:
            centre.start()
            time.sleep(SETTLE_S)
            measure(seconds)
        finally:
            centre.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    main(parser.parse_args().seconds)
