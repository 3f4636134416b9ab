"""Measures one ledger on a real broker of its own; prints one JSON line a result.

    python libs/ledger/bench/append.py [--clients 16] [--seconds 5]

append_ms: one record batch, acks=all. command_ms: submit → answer, `clients` at a time. replay_events_per_s: the fold
of a cold replica. take_over_ms: from the start of a replica to owning all partitions. idle_cpu_percent: of one replica.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from accounts import Book, bank_service
from trunkline_embedded.kafka import KafkaNode
from trunkline_ledger.ledger import Ledger, LedgerSettings
from trunkline_ledger.submission import Submission
from trunkline_testkit.figures import bare_append_s, p50_p99_ms


def report(**values: object) -> None:
    print(json.dumps(values), flush=True)


def percentiles(name: str, seconds: list[float]) -> dict[str, float]:
    p50, p99 = p50_p99_ms(seconds)
    return {f"{name}_p50": round(p50, 2), f"{name}_p99": round(p99, 2)}


def ledger(kafka: KafkaNode, topic: str, name: str) -> Ledger:
    return Ledger(
        bank_service(topic),
        bootstrap_servers=kafka.bootstrap,
        instance_id=name,
        address=f"{name}:1",
        settings=LedgerSettings(session_timeout_s=3.0),
    )


async def until(predicate) -> None:
    while not predicate():
        await asyncio.sleep(0.005)


async def measure_commands(one: Ledger, clients: int, seconds: float) -> None:
    took: list[float] = []
    end = time.perf_counter() + seconds
    cpu = time.process_time()

    async def client(number: int) -> None:
        while (began := time.perf_counter()) < end:
            account = f"account-{number}"
            await one.submit(
                Submission(command=Book(account, 1), key=account, command_id=uuid4().hex, tenant="tn", actor="bench")
            )
            took.append(time.perf_counter() - began)

    await asyncio.gather(*(client(number) for number in range(clients)))
    report(
        clients=clients,
        commands_per_s=round(len(took) / seconds),
        cpu_us_a_command=round((time.process_time() - cpu) / len(took) * 1e6),
        **percentiles("command_ms", took),
    )


async def measure_idle(seconds: float) -> None:
    cpu = time.process_time()
    await asyncio.sleep(seconds)
    report(idle_cpu_percent=round((time.process_time() - cpu) / seconds * 100, 2))


async def measure_replay(kafka: KafkaNode, topic: str) -> None:
    cold = ledger(kafka, topic, "cold")
    began = time.perf_counter()
    await cold.start()
    await until(cold.is_caught_up)
    took = time.perf_counter() - began
    report(replayed=cold.stats.folded, replay_events_per_s=round(cold.stats.folded / took))
    await cold.stop()


async def main(clients: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        kafka = KafkaNode.start(Path(folder), report=lambda _: None)
        try:
            topic = "bench.events.v1"
            one = ledger(kafka, topic, "one")
            began = time.perf_counter()
            await one.start()
            started = time.perf_counter() - began
            await until(lambda: len(one.owned) == 4)
            report(start_ms=round(started * 1000), take_over_ms=round((time.perf_counter() - began) * 1000))
            await measure_idle(10.0)
            for number in (1, clients, 8 * clients):
                await measure_commands(one, number, seconds)
            await one.stop()
            await measure_replay(kafka, topic)
            for records in (1, 100):
                took = await bare_append_s(kafka.bootstrap, topic, records)
                report(records_a_batch=records, **percentiles("append_ms", took))
        finally:
            kafka.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    asyncio.run(main(options.clients, options.seconds))
