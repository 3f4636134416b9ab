"""Kills and freezes replicas for a while, then compares what they acknowledged with what stands on the log.

    python libs/ledger/bench/kills.py [--seconds 60] [--replicas 2] [--brokers]

Each replica books on the partitions it owns and writes every acknowledged command to a file. Printed at the end, as one
JSON line: acknowledged, effective, lost (must be 0), twice (must be 0), kills, freezes, broker_kills.
"""

import argparse
import asyncio
import contextlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "tests" / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from accounts import JsonCodec
from test_replicas import book, make_at, uuid7
from trunkline_core.errors import TrunklineError
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.kafka.reader import Reader
from trunkline_ledger.ledger import Ledger

TOPIC = "kills.events.v1"


async def replica(bootstrap: str, name: str, journal: Path) -> None:
    ledger = make_at(bootstrap, TOPIC, name)
    with journal.open("a", buffering=1) as acknowledged:
        while True:
            with contextlib.suppress(TrunklineError):
                await ledger.start()
                break
            await asyncio.sleep(0.2)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(ledger.run())
            for number in range(8):
                tasks.create_task(client(ledger, f"account-{number}", acknowledged.write))


async def client(ledger: Ledger, account: str, acknowledge) -> None:
    while True:
        if not ledger.owns(ledger.partition_of(account)):
            await asyncio.sleep(0.02)
            continue
        command_id = uuid7()
        for _ in range(20):
            try:
                await ledger.submit(book(account, 1, command_id))
                acknowledge(command_id + "\n")
                break
            except TrunklineError:
                await asyncio.sleep(0.05)


def spawn(bootstrap: str, name: str, folder: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, __file__, "--replica", name, "--bootstrap", bootstrap, "--folder", str(folder)]
    return subprocess.Popen(command, stderr=(folder / f"{name}.log").open("ab"))


async def effective(bootstrap: str) -> list[str]:
    reader = Reader(TOPIC, bootstrap_servers=bootstrap)
    await reader.start()
    ends, found = await reader.end_offsets(), []
    while any(reader.positions()[number].offset < end for number, end in ends.items()):
        found += await reader.next_batch(0.5)
    await reader.stop()
    booked = [one for one in found if one.record.type == "test.Booked"]
    return [JsonCodec().decode_event(one.record.value)[1].causation_id for one in booked]


def torment(kafka: KafkaNode, folder: Path, names: list[str], seconds: float, brokers: bool) -> dict[str, int]:
    chance, counts = random.Random(7), {"kills": 0, "freezes": 0, "broker_kills": 0}
    children = {name: spawn(kafka.bootstrap, name, folder) for name in names}
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            time.sleep(chance.uniform(3, 6))
            name, what = chance.choice(names), chance.random()
            if brokers and what < 0.2:
                kafka.kill()
                kafka.restart()
                counts["broker_kills"] += 1
            elif what < 0.6:
                children[name].kill()
                children[name].wait()
                counts["kills"] += 1
            else:
                children[name].send_signal(signal.SIGSTOP)
                time.sleep(chance.uniform(1, 4))
                children[name].send_signal(signal.SIGCONT)
                counts["freezes"] += 1
            for other, child in children.items():
                if child.poll() is not None:
                    children[other] = spawn(kafka.bootstrap, other, folder)
    finally:
        for child in children.values():
            child.kill()
            child.wait()
    return counts


def main(seconds: float, replicas: int, brokers: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        kafka = KafkaNode.start(folder / "kafka", report=lambda _: None)
        try:
            names = [f"r{number}" for number in range(replicas)]
            counts = torment(kafka, folder, names, seconds, brokers)
            acknowledged = [line for name in names for line in (folder / f"{name}.acked").read_text().split()]
            done = asyncio.run(effective(kafka.bootstrap))
        finally:
            kafka.kill()
    lost, twice = set(acknowledged) - set(done), len(done) - len(set(done))
    print(
        json.dumps(
            {"acknowledged": len(acknowledged), "effective": len(done), "lost": len(lost), "twice": twice} | counts
        )
    )
    sys.exit(bool(lost or twice))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--replicas", type=int, default=2)
    parser.add_argument("--brokers", action="store_true", help="kill and restart the broker now and then, too")
    parser.add_argument("--replica", help=argparse.SUPPRESS)
    parser.add_argument("--bootstrap", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.replica:
        asyncio.run(replica(options.bootstrap, options.replica, options.folder / f"{options.replica}.acked"))
    else:
        main(options.seconds, options.replicas, options.brokers)
