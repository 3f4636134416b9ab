"""`make demo`: replays a recorded day through the running centre, prints what came of it beside the truth.

Environment: SPEED (240), SEED (1), FROM (06:30), TO (24:00), DATA (a file of the recorded day's format).
"""

import asyncio
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from trunkline.contact.v1 import contact_service_pb2 as contact_api
from trunkline.directory.v1 import directory_service_pb2
from trunkline_analytics.domain.conservation import conservation_error
from trunkline_core.errors import Misconfigured, TrunklineError
from trunkline_launcher.layout import ROOT, Layout, default_layout, installation_secret
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Credentials, Principal, Role
from trunkline_platform.grpc_client import Channels
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.peers import PeerClient
from trunkline_platform.sealing import Sealer
from trunkline_simulation.day.plan import Caller, DayPlan, plan_day
from trunkline_simulation.day.recordings import BadRecording, read_recordings
from trunkline_simulation.day.windows import OPENING_S, parse_window

from trunkline_demo.day_clock import DayClock
from trunkline_demo.desks import AgentAtDesk, Samples
from trunkline_demo.gateway import FINISHED, Gateway
from trunkline_demo.observer import Observer
from trunkline_demo.report import Measured, json_line, print_table
from trunkline_demo.truths import Figures, summarise, truth_of
from trunkline_demo.world import World

QUIET_S = 60.0
INTERVAL_DAY_S = 900


def main() -> int:
    console = Console(stderr=False)
    try:
        speed = float(os.environ.get("SPEED", "240"))
        if not 1 <= speed <= 1_000:
            raise ValueError("SPEED must be 1 to 1000")
        seed = int(os.environ.get("SEED", "1"))
        window = parse_window(os.environ.get("FROM", "06:30"), os.environ.get("TO", "24:00"))
        path = Path(os.environ.get("DATA") or ROOT / "data" / "anonymous-bank-1999-08-01.csv")
        day = read_recordings(path)
        run = asyncio.run(replay(plan_day(day, window, seed), speed, default_layout(), console))
    except (ValueError, OSError, BadRecording, TrunklineError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    print_table(run, truth_of(day, window), console)
    print(json_line(run))
    return 0


async def replay(plan: DayPlan, speed: float, layout: Layout, console: Console) -> Measured:
    """Replay the plan through a running centre."""
    return await Run(plan, speed, layout, console).play()


class Run:
    """One replay."""

    def __init__(self, plan: DayPlan, speed: float, layout: Layout, console: Console) -> None:
        self._plan = plan
        self._layout = layout
        self._console = console
        self._world = World(plan, speed)
        self._credentials = Credentials(installation_secret(layout.data).encode())
        self._channels = Channels()
        self._gateway = Gateway(self._world)
        self._samples = Samples()
        self._observer = Observer(layout.kafka_bootstrap, self._world.tenant)
        self._desks: list[AgentAtDesk] = []

    async def play(self) -> Measured:
        """Replay and return what was measured. Raises: Misconfigured when the centre does not answer."""
        began = time.monotonic()
        await self._prepare()
        background = [asyncio.create_task(self._observer.run(), name="demo-observer")]
        background.append(asyncio.create_task(self._peer().run(), name="demo-gateway"))
        start_at = datetime.now(UTC)
        try:
            await self._probe()
            await self._play_all(DayClock(self._start_s(), self._world.speed), background)
            return await self._measure(start_at, began)
        finally:
            for task in background:
                task.cancel()
            await self._observer.stop()
            await self._channels.close()

    def _peer(self) -> PeerClient:
        method = contact_api.DESCRIPTOR.services_by_name["ContactSessionService"].methods_by_name["Session"]
        hello = contact_api.SessionRequest(hello=contact_api.PeerHello(peer_id=f"demo-{self._world.run}"))
        self._gateway.peer = PeerClient(
            method,
            [self._layout.grpc_address("channels")],
            self._credentials,
            Principal(self._world.tenant, "gateway:demo", frozenset({Role.GATEWAY})),
            self._channels,
            greeting=lambda: [hello, *self._gateway.watching()],
            heartbeat=lambda: contact_api.SessionRequest(heartbeat=contact_api.PeerHeartbeat()),
            on_push=self._gateway.on_push,
        )
        return self._gateway.peer

    async def _prepare(self) -> None:
        """Write the tenant; stand at the ends of the public topics before anything happens."""
        service = directory_service_pb2.DESCRIPTOR.services_by_name["DirectoryCommandService"]
        directory = CommandClient(service, [self._layout.grpc_address("console")], self._credentials, self._channels)
        admin = Principal(self._world.tenant, "service:demo", frozenset({Role.ADMIN}))
        secret = installation_secret(self._layout.data).encode()
        sealer = Sealer(SqliteKeyStore(self._layout.data / "keys.sqlite", KeyWrap(secret)), secret)
        try:
            for command in self._world.commands(sealer):
                await directory.execute(command, admin, timeout_s=10.0)
        except TrunklineError as error:
            if error.retryable:
                raise Misconfigured("The centre does not answer: start it with `make run` first.") from error
            raise
        await self._observer.start()

    async def _probe(self) -> None:
        """Wait until the tenant's entry point, flow and agents are known everywhere: one call that hangs up."""
        probe = Caller(-1, 0, 0, False, self._plan.types[0], False, 0, 0, False)
        for _ in range(100):
            call = await self._gateway.start(probe)
            if call is not None:
                break
            await asyncio.sleep(0.2)
        else:
            raise Misconfigured("The centre does not take calls for the demo's tenant.")
        async with asyncio.timeout(20):
            while not call.node_id:
                await asyncio.sleep(0.02)
        await self._gateway.leave(call)
        await asyncio.sleep(1.0)

    def _start_s(self) -> float:
        """Idle time before the first who wants a person is jumped over."""
        first = min((caller.enqueue_s for caller in self._plan.callers if caller.wants_person), default=OPENING_S)
        return max(
            self._plan.window.warm_up_from_s, min(first, *(agent.duty_from_s for agent in self._plan.agents)) - 60
        )

    async def _play_all(self, clock: DayClock, background: list[asyncio.Task[Any]]) -> None:
        url = self._layout.http_url("console")
        sessions = [aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) for _ in self._plan.agents]
        try:
            for agent, session in zip(self._plan.agents, sessions, strict=True):
                desk = AgentAtDesk(agent, self._world, clock, self._gateway.calls, self._samples)
                await desk.connect(session, url)
                background.append(asyncio.create_task(desk.listen(), name="demo-desk"))
                self._desks.append(desk)
            await asyncio.sleep(1.0)
            clock.start()
            await self._play_callers(clock)
            await self._let_finish()
        finally:
            for session in sessions:
                await session.close()

    async def _play_callers(self, clock: DayClock) -> None:
        working = [asyncio.create_task(desk.work(self._start_s()), name="demo-agent") for desk in self._desks]
        calls: list[asyncio.Task[None]] = []
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} callers"),
            TimeElapsedColumn(), console=self._console,
        ) as progress:  # fmt: skip
            bar = progress.add_task(f"{self._plan.window} at {self._world.speed:g}×", total=len(self._plan.callers))
            for caller in self._plan.callers:
                await clock.until(caller.arrival_s)
                calls.append(asyncio.create_task(self._gateway.play(caller, clock), name="demo-caller"))
                progress.advance(bar)
            await asyncio.wait(calls)
        await self._until_quiet()
        for task in working:
            task.cancel()

    async def _until_quiet(self) -> None:
        """Wait until every call is over, or nothing has happened for a minute."""
        deadline = time.monotonic() + QUIET_S
        before = -1
        while True:
            live = sum(call.state not in FINISHED for call in self._gateway.calls.values())
            if live == 0 or time.monotonic() > deadline:
                return
            if live != before:
                before, deadline = live, time.monotonic() + QUIET_S
            await asyncio.sleep(0.1)

    async def _let_finish(self) -> None:
        for desk in self._desks:
            await desk.finish()
        await self._until_told()
        await asyncio.sleep(1.0)  # what was told twice must have its chance to be seen

    async def _until_told(self) -> None:
        """Wait until the journal told every end, or nothing new for a minute."""
        ends, told = self._observer.facts.ends, -1
        deadline = time.monotonic() + QUIET_S
        while time.monotonic() < deadline and not all(ends[contact_id] for contact_id in self._gateway.acknowledged):
            if ends.total() != told:
                told, deadline = ends.total(), time.monotonic() + QUIET_S
            await asyncio.sleep(0.1)

    async def _measure(self, start_at: datetime, began: float) -> Measured:
        facts = self._observer.facts
        lost = sum(facts.ends[contact_id] != 1 for contact_id in self._gateway.acknowledged)
        return Measured(
            figures=self._figures(),
            lost=lost,
            connected_twice=len(facts.connected_twice),
            conservation_error=conservation_error(
                facts.segments, facts.waiting, start_at, timedelta(seconds=INTERVAL_DAY_S / self._world.speed)
            ),
            offer_ms=self._samples.offer_ms,
            ring_ms=self._samples.ring_ms,
            live_lag_ms=facts.live_lag_ms,
            events=await self._observer.count_events(),
            wall_s=time.monotonic() - began,
            speed=self._world.speed,
        )

    def _figures(self) -> Figures:
        facts, calls = self._observer.facts, self._gateway.calls
        counted = [contact_id for contact_id, call in calls.items() if call.caller.counts]
        waits = [facts.waits_s[contact_id] * self._world.speed for contact_id in counted if contact_id in facts.waits_s]
        menu = sum(call.caller.counts_in_menu for call in calls.values())
        return summarise(len(counted), len(counted) - len(waits), menu, waits)


if __name__ == "__main__":
    sys.exit(main())
