"""Contacts through a real acd on a Kafka of its own; prints one JSON line a figure: name, value, unit.

    python launcher/bench/contacts.py [--rates 20 40 60 80 100 …] [--seconds 10] [--agents 200] [--live 100000]

Each contact is enqueued, offered, accepted, joined, ended and wrapped up; contacts come at fixed times whatever the
answers take (open loop). acd_offer_ms_p50/p99@RATE: from the time at which a contact was due until the offer is at the
agent's desk, over acd's stream to consoles. acd_unfinished@RATE: contacts that were not through 5 s after the last.
acd_max_contacts_per_s: the highest rate with an offer p99 of at most 250 ms at which, and below which, all were
through. append_ms_p50/p99: one bare append of one record. Broker, acd and this load share the machine; one tenant,
hence one partition and one writer. cpu_us_a_contact_of_…: what a contact costs each of them at the highest rate tried.

With --live N: as many contacts wait, and a tenth as many agents are signed in but on a break. live_100k_rss_mb (named
after N): acd's resident memory then; live_100k_recovery_s: from the start of a killed acd until it is ready again, with
a snapshot.
"""

import argparse
import asyncio
import contextlib
import tempfile
import time
from itertools import cycle
from pathlib import Path

import psutil
from acd_replicas import COMMANDS, cpu_s, report, report_percentiles, start_replicas, wait_ready
from google.protobuf.duration_pb2 import Duration
from trunkline.acd.v1 import acd_commands_pb2 as pb
from trunkline.acd.v1 import acd_service_pb2
from trunkline.acd.v1.acd_types_pb2 import AgentView, Intent, WorkState
from trunkline.common.v1.common_types_pb2 import Channel
from trunkline.directory.v1.directory_types_pb2 import AgentDefinition, LocalizedText, QueueDefinition, WrapUpMode
from trunkline_core.errors import TrunklineError
from trunkline_embedded.kafka import KafkaNode
from trunkline_launcher.layout import Layout, installation_secret
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Credentials, Principal, Role, service_principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.peers import PeerClient
from trunkline_testkit.figures import bare_append_s, p50_p99_ms

TENANT = "tn_bench"
RATES = [20, 40, 60, 80, 100, 120, 140, 160, 200, 240, 280, 320]
P99_MS, LATE_S, CALLERS, QUEUES, QUEUE_SIZE = 250.0, 5.0, 64, 20, 10_000
DESKS = 5_000  # agents of one console: as many as one stream may watch
SERVICE = service_principal("bench", TENANT)
SECOND = Duration(seconds=1)


def agent_id(number: int) -> str:
    return f"ag_bench_{number}"


def console_id(number: int) -> str:
    """Return the id of the console at which that agent works."""
    return f"bench-{number // DESKS}"


def queue_definition(number: int) -> QueueDefinition:
    long = Duration(seconds=3600)
    return QueueDefinition(
        queue_id=f"qu_bench_{number}",
        name=LocalizedText(zh="测试", en="Bench"),
        target_wait_duration=SECOND,
        voice_lease_duration=long,
        chat_lease_duration=long,
        miss_exclusion_duration=SECOND,
        max_misses=1,
        wrap_up_mode=WrapUpMode.WRAP_UP_MODE_UNTIMED,
        wrap_up_duration=SECOND,
        short_abandon_duration=SECOND,
        max_waiting=QUEUE_SIZE,
    )


class Load:
    """Callers, a gateway that joins at once, and agents who take what rings at once and finish it."""

    def __init__(self, commands: CommandClient) -> None:
        self._commands = commands
        self._due: dict[str, float] = {}
        self._seen: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()
        self.offer_s: list[float] = []
        self.finished = 0

    async def define(self, agents: int, intent: Intent) -> None:
        """Define queues and agents; the agents sit at their desks."""
        for number in range(QUEUES):
            await self._do(pb.AcdCommand(put_queue=pb.PutQueue(queue=queue_definition(number))))
        await in_parallel([self._sign_in(number, intent) for number in range(agents)])

    async def _sign_in(self, number: int, intent: Intent) -> None:
        agent = AgentDefinition(agent_id=agent_id(number), chat_capacity=1)
        session = pb.OpenAgentSession(agent_id=agent.agent_id, peer_id=console_id(number), session_id=f"se_{number}")
        await self._do(pb.AcdCommand(put_agent=pb.PutAgent(agent=agent)))
        await self._do(pb.AcdCommand(open_agent_session=session))
        await self._do(pb.AcdCommand(set_intent=pb.SetIntent(agent_id=agent.agent_id, intent=intent)))

    async def enqueue(self, contact_id: str, queue_no: int, due: float) -> None:
        """A contact comes; it was due at that time of the performance counter."""
        self._due[contact_id] = due
        queue_id = f"qu_bench_{queue_no}"
        contact = pb.EnqueueContact(contact_id=contact_id, step_no=1, queue_id=queue_id, channel=Channel.CHANNEL_VOICE)
        await self._do(pb.AcdCommand(enqueue_contact=contact))

    def on_push(self, response: acd_service_pb2.SessionResponse) -> None:
        """A desk gets its state: take what rings."""
        for work in response.agent.work:
            if work.state == WorkState.WORK_STATE_OFFERED and work.contact_id not in self._seen:
                self._seen.add(work.contact_id)
                self.offer_s.append(time.perf_counter() - self._due[work.contact_id])
                task = asyncio.create_task(self._serve(response.agent, work.contact_id, work.segment_no, work.offer_no))
                self._work.add(task)
                task.add_done_callback(self._work.discard)

    async def _serve(self, agent: AgentView, contact_id: str, segment_no: int, offer_no: int) -> None:
        by = Principal(TENANT, f"agent:{agent.agent_id}", frozenset({Role.AGENT}))
        ids = {"contact_id": contact_id, "offer_no": offer_no}
        joined = pb.ReportConnected(step_no=2, segment_no=segment_no, **ids)
        ended = pb.EndContact(contact_id=contact_id, step_no=3, reason="customer_left")
        wrapped_up = pb.FinishWrapUp(agent_id=agent.agent_id, contact_id=contact_id)
        with contextlib.suppress(TrunklineError):  # an overload; the contact is one that was not through
            await self._do(pb.AcdCommand(accept_offer=pb.AcceptOffer(agent_id=agent.agent_id, **ids)), by)
            await self._do(pb.AcdCommand(report_connected=joined))
            await self._do(pb.AcdCommand(end_contact=ended))
            await self._do(pb.AcdCommand(finish_wrap_up=wrapped_up), by)
            self.finished += 1

    async def _do(self, command: pb.AcdCommand, principal: Principal = SERVICE) -> None:
        await self._commands.execute(command, principal)


async def in_parallel(work: list) -> None:
    """Await all, so many at a time."""
    turns = iter(work)

    async def caller() -> None:
        for one in turns:
            await one

    await asyncio.gather(*(caller() for _ in range(CALLERS)))


@contextlib.asynccontextmanager
async def console(layout: Layout, load: Load, numbers: range, credentials: Credentials, channels: Channels):
    """Hold the stream of those agents' desks as a console does."""
    held = acd_service_pb2.HeldAgents(agent_ids=[agent_id(number) for number in numbers])
    hello = acd_service_pb2.PeerHello(peer_id=console_id(numbers.start), held=held)
    watch = acd_service_pb2.WatchAgents(agent_ids=held.agent_ids)
    peer = PeerClient(
        acd_service_pb2.DESCRIPTOR.services_by_name["AgentSessionService"].methods_by_name["Session"],
        [layout.grpc_address("acd")],
        credentials,
        SERVICE,
        channels,
        greeting=lambda: [
            acd_service_pb2.SessionRequest(hello=hello),
            acd_service_pb2.SessionRequest(watch_agents=watch),
        ],
        heartbeat=lambda: acd_service_pb2.SessionRequest(heartbeat=acd_service_pb2.PeerHeartbeat()),
        on_push=load.on_push,
    )
    running = asyncio.create_task(peer.run())
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def measure_rate(load: Load, rate: int, seconds: float, numbers: cycle) -> bool:
    """Send at that rate; tell whether all were through and offered in time."""
    load.offer_s, load.finished = [], 0
    count, began = int(rate * seconds), time.perf_counter()

    async def one(number: int, due: float) -> None:
        with contextlib.suppress(TrunklineError):
            await load.enqueue(f"ct_{rate}_{number}", next(numbers), due)

    async with asyncio.TaskGroup() as calls:
        for number in range(count):
            due = began + number / rate
            if (wait_s := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait_s)
            calls.create_task(one(number, due))
    end = time.perf_counter() + LATE_S
    while load.finished < count and time.perf_counter() < end:
        await asyncio.sleep(0.05)
    report(f"acd_unfinished@{rate}", count - load.finished, "contacts")
    report_percentiles("acd_offer_ms", f"@{rate}", load.offer_s)
    return load.finished == count and p50_p99_ms(load.offer_s)[1] <= P99_MS


async def measure_most(load: Load, rates: list[int], seconds: float, parts: dict[str, list[psutil.Process]]) -> None:
    """Try one rate after the other until one is too much."""
    numbers, most, before, through = cycle(range(QUEUES)), 0, {}, 0
    for rate in sorted(rates):
        before = {name: cpu_s(processes) for name, processes in parts.items()}
        holds = await measure_rate(load, rate, seconds, numbers)
        through = load.finished
        if not holds:
            break
        most = rate
    report("acd_max_contacts_per_s", most, "contacts/s")
    for name, processes in parts.items():
        report(f"cpu_us_a_contact_of_{name}", (cpu_s(processes) - before[name]) / max(1, through) * 1e6, "us")


async def measure_live(load: Load, layout: Layout, folder: Path, kafka: KafkaNode, live: int, acd) -> None:
    """Let so many wait, then kill acd and start it again."""
    numbers = cycle(range(QUEUES))
    await in_parallel([load.enqueue(f"ct_live_{number}", next(numbers), 0.0) for number in range(live)])
    name = f"live_{live // 1000}k" if live >= 1000 else f"live_{live}"
    await asyncio.sleep(30)  # the helper's snapshot
    report(f"{name}_rss_mb", psutil.Process(acd.pid).memory_info().rss / 1e6, "MB")
    acd.kill()
    began = time.perf_counter()
    (layout,), (again,) = start_replicas(folder, kafka, 1)
    try:
        await asyncio.to_thread(wait_ready, layout)
        report(f"{name}_recovery_s", time.perf_counter() - began, "s")
    finally:
        again.stop()


async def measure(folder: Path, kafka: KafkaNode, options: argparse.Namespace) -> None:
    (layout,), (acd,) = start_replicas(folder, kafka, 1)
    channels, credentials = Channels(), Credentials(installation_secret(folder).encode())
    load = Load(CommandClient(COMMANDS, [layout.grpc_address("acd")], credentials, channels))
    try:
        await asyncio.to_thread(wait_ready, layout)
        agents, intent = options.agents, Intent.INTENT_AVAILABLE
        if options.live:
            agents, intent = options.live // 10, Intent.INTENT_BREAK
        async with contextlib.AsyncExitStack() as consoles:
            for first in range(0, agents, DESKS):
                desks = range(first, min(first + DESKS, agents))
                await consoles.enter_async_context(console(layout, load, desks, credentials, channels))
            await load.define(agents, intent)
            if options.live:
                await measure_live(load, layout, folder, kafka, options.live, acd)
                return
            report_percentiles("append_ms", "", await bare_append_s(kafka.bootstrap, "acd.events.v1"))
            pids = {"load": None, "acd": acd.pid, "kafka": kafka.pid}
            parts = {name: [psutil.Process(pid)] for name, pid in pids.items()}
            await measure_most(load, options.rates, options.seconds, parts)
    finally:
        await channels.close()
        acd.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=RATES)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--agents", type=int, default=200)
    parser.add_argument("--live", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        kafka = KafkaNode.start(Path(place) / "kafka", report=lambda _: None)
        try:
            asyncio.run(measure(Path(place), kafka, options))
        finally:
            kafka.kill()


if __name__ == "__main__":
    main()
