"""Commands over gRPC to a real acd on a Kafka of its own; prints one JSON line a figure: name, value, unit.

    python launcher/bench/commands.py [--replicas 1 2] [--rates 50 200 1000] [--seconds 10]

append_ms_p50/p99: one bare append of one record, as the limit. command_ms_p50/p99@RATE: from the call to the durable
answer, sent at fixed times whatever the answers take (open loop); commands_unanswered@RATE: those that were given up
after 5 s. max_commands_per_s: 64 callers that each wait for their answer (closed loop). Broker, replicas and this load
share the machine. With two replicas the calls go to either in turn, so that half of them are forwarded by one hop; the
names then end in /2.
"""

import argparse
import asyncio
import contextlib
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import cycle
from pathlib import Path

import psutil
from acd_replicas import COMMANDS, cpu_s, report, report_percentiles, start_replicas, wait_ready
from trunkline.acd.v1.acd_commands_pb2 import AcdCommand, PutAgent, SetIntent
from trunkline.acd.v1.acd_types_pb2 import Intent
from trunkline.directory.v1.directory_types_pb2 import AgentDefinition
from trunkline_core.errors import Overloaded, Transient
from trunkline_embedded.kafka import KafkaNode
from trunkline_launcher.layout import installation_secret
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Credentials, Principal, Role
from trunkline_platform.grpc_client import Channels
from trunkline_testkit.figures import bare_append_s

AGENTS, TENANTS, CALLERS = 320, 16, 64

Send = Callable[[], Awaitable[None]]


class Agents:
    """Agents of several tenants who change their break for ever, each caller after the other."""

    def __init__(self, clients: list[CommandClient]) -> None:
        self._clients = cycle(clients)
        self._ids = [(f"tn_bench{number % TENANTS}", f"ag_bench_{number}") for number in range(AGENTS)]
        self._turns = self._commands()

    async def define(self) -> None:
        for tenant, agent_id in self._ids:
            agent = AgentDefinition(agent_id=agent_id, chat_capacity=1)
            principal = Principal(tenant, "service:bench", frozenset({Role.SERVICE}))
            await next(self._clients).execute(AcdCommand(put_agent=PutAgent(agent=agent)), principal)

    async def send(self) -> None:
        command, principal = next(self._turns)
        await next(self._clients).execute(command, principal)

    def _commands(self) -> Iterator[tuple[AcdCommand, Principal]]:
        for reason in cycle(("lunch", "training")):
            for tenant, agent_id in self._ids:
                intent = SetIntent(agent_id=agent_id, intent=Intent.INTENT_BREAK, break_reason=reason)
                principal = Principal(tenant, f"agent:{agent_id}", frozenset({Role.AGENT}))
                yield AcdCommand(set_intent=intent), principal


async def measure_rate(send: Send, rate: int, seconds: float, suffix: str) -> None:
    """Open loop: late answers do not slow the sender down, so beyond what the machine can do some never come."""
    took: list[float] = []

    async def one(due: float) -> None:
        with contextlib.suppress(Transient, Overloaded):
            await send()
            took.append(time.perf_counter() - due)

    begin = time.perf_counter()
    async with asyncio.TaskGroup() as calls:
        for number in range(int(rate * seconds)):
            due = begin + number / rate
            if (wait_s := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait_s)
            calls.create_task(one(due))
    report(f"commands_unanswered@{rate}{suffix}", int(rate * seconds) - len(took), "1")
    report_percentiles("command_ms", f"@{rate}{suffix}", took)


async def measure_most(send: Send, seconds: float, suffix: str, parts: dict[str, list[psutil.Process]]) -> None:
    """Closed loop; beside the rate what a command costs each part of the machine."""
    before = {name: cpu_s(processes) for name, processes in parts.items()}
    done, end = 0, time.perf_counter() + seconds

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await send()
            done += 1

    await asyncio.gather(*(caller() for _ in range(CALLERS)))
    report(f"max_commands_per_s{suffix}", done / seconds, "1/s")
    for name, processes in parts.items():
        report(f"cpu_us_a_command_of_{name}{suffix}", (cpu_s(processes) - before[name]) / done * 1e6, "us")


async def measure(folder: Path, kafka: KafkaNode, count: int, rates: list[int], seconds: float) -> None:
    layouts, children = start_replicas(folder, kafka, count)
    channels, suffix = Channels(), f"/{count}" if count > 1 else ""
    try:
        for layout in layouts:
            await asyncio.to_thread(wait_ready, layout)
        addresses = [layout.grpc_address("acd") for layout in layouts]
        credentials = Credentials(installation_secret(folder).encode())
        agents = Agents([CommandClient(COMMANDS, [address], credentials, channels) for address in addresses])
        await agents.define()
        if count == 1:
            report_percentiles("append_ms", "", await bare_append_s(kafka.bootstrap, "acd.events.v1"))
        for rate in rates:
            await measure_rate(agents.send, rate, seconds, suffix)
        replicas = [psutil.Process(child.pid) for child in children]
        parts = {"caller": [psutil.Process()], "acd": replicas, "kafka": [psutil.Process(kafka.pid)]}
        await measure_most(agents.send, seconds, suffix, parts)
    finally:
        await channels.close()
        for child in children:
            child.terminate()
        for child in children:
            child.stop()


def main(counts: list[int], rates: list[int], seconds: float) -> None:
    with tempfile.TemporaryDirectory() as place:
        kafka = KafkaNode.start(Path(place) / "kafka", report=lambda _: None)
        try:
            for count in counts:
                asyncio.run(measure(Path(place), kafka, count, rates, seconds))
        finally:
            kafka.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rates", type=int, nargs="+", default=[50, 200, 1000])
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    main(options.replicas, options.rates, options.seconds)
