"""One replay: callers, agents and observer around one running centre, from its tenant to what was measured.

Owns: the order of a run, and that a caller or agent who fails is told and stops nobody else. Must not: print figures.
"""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import aiohttp
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from trunkline.contact.v1 import contact_service_pb2 as contact_api
from trunkline.directory.v1 import directory_service_pb2
from trunkline_analytics.domain.conservation import conservation_error
from trunkline_core.errors import Misconfigured, Transient, TrunklineError
from trunkline_launcher.layout import Layout, installation_secret
from trunkline_ledger.kafka.bounds import end_tasks
from trunkline_ledger.kafka.client import KafkaClient
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Credentials, Principal, Role
from trunkline_platform.grpc_client import Channels
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.peers import PeerClient
from trunkline_platform.sealing import Sealer
from trunkline_simulation.day.plan import Caller, DayPlan
from trunkline_simulation.day.windows import OPENING_S

from trunkline_demo.day_clock import DayClock
from trunkline_demo.desks import AgentAtDesk, Samples
from trunkline_demo.gateway import FINISHED, Call, Gateway
from trunkline_demo.ledgers import LedgerGrowth, ledger_ends
from trunkline_demo.observer import Observer
from trunkline_demo.outcomes import Outcomes, count_outcomes
from trunkline_demo.report import Measured, Troubles
from trunkline_demo.world import World

QUIET_S = 60.0
PROBE_S = 60.0
INTERVAL_DAY_S = 900


async def replay(plan: DayPlan, speed: float, layout: Layout, console: Console) -> Measured:
    """Replay the plan through a running centre. Raises: TrunklineError; KafkaError or ClientError when it goes away."""
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
        self._growth = LedgerGrowth(
            self._world.tenant,
            lambda: ledger_ends(layout.kafka_bootstrap),
            KafkaClient(layout.kafka_bootstrap).new_tail,
        )
        self._desks: list[AgentAtDesk] = []
        self._errors: list[Exception] = []

    async def play(self) -> Measured:
        """Replay and return what was measured. Raises: what `replay` does."""
        try:
            async with AsyncExitStack() as opened, asyncio.TaskGroup() as group:
                return await self._play(opened, group)
        except ExceptionGroup as failed:
            raise _first_of(failed) from failed

    async def _play(self, opened: AsyncExitStack, group: asyncio.TaskGroup) -> Measured:
        """What is `opened` is closed after the tasks of `group` have ended; one of them that fails ends the run."""
        began = time.monotonic()
        opened.push_async_callback(self._channels.close)
        await self._note_ledgers()
        await self._define_world()
        opened.push_async_callback(self._observer.stop)
        await self._observer.start()
        start_at = datetime.now(UTC)
        background = [group.create_task(self._observer.run(), name="demo-observer")]
        background.append(group.create_task(self._peer().run(), name="demo-gateway"))
        await self._probe()
        clock = DayClock(self._start_s(), self._world.speed)
        await self._open_desks(clock, opened)
        background += [group.create_task(desk.listen(), name="demo-desk") for desk in self._desks]
        await asyncio.sleep(1.0)
        clock.start()
        await self._play_callers(clock, group)
        await self._let_finish()
        wall_s = time.monotonic() - began
        await end_tasks(background)
        return await self._measure(start_at, wall_s)

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

    async def _note_ledgers(self) -> None:
        """Before the first command, so that everything the run's tenant writes is counted."""
        try:
            await self._growth.begin()
        except Transient as error:
            kafka = self._layout.kafka_bootstrap
            raise Misconfigured(f"Kafka does not answer at {kafka}: start the centre with `make run` first.") from error

    async def _define_world(self) -> None:
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

    async def _probe(self) -> None:
        """Wait until the tenant's entry point, flow and agents are known everywhere: one call that hangs up."""
        probe = Caller(-1, 0, 0, False, self._plan.types[0], False, 0, 0, False)
        try:
            async with asyncio.timeout(PROBE_S):
                call = await self._taken(probe)
                while not call.node_id:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise Misconfigured(
                f"The centre took no call of the demo's tenant within {PROBE_S:g} s: see the logs of channels and ivr."
            ) from None
        await self._gateway.leave(call)
        await asyncio.sleep(1.0)

    async def _taken(self, probe: Caller) -> Call:
        while (call := await self._gateway.start(probe)) is None:
            await asyncio.sleep(0.2)
        return call

    def _start_s(self) -> float:
        """Idle time before the first who wants a person is jumped over."""
        first = min((caller.enqueue_s for caller in self._plan.callers if caller.wants_person), default=OPENING_S)
        begins = min([first, *(agent.duty_from_s for agent in self._plan.agents)])
        return max(self._plan.window.warm_up_from_s, begins - 60)

    async def _open_desks(self, clock: DayClock, opened: AsyncExitStack) -> None:
        for agent in self._plan.agents:
            session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
            await opened.enter_async_context(session)
            desk = AgentAtDesk(agent, self._world, clock, self._gateway.calls, self._samples)
            await desk.connect(session, self._layout.http_url("console"))
            self._desks.append(desk)

    async def _play_callers(self, clock: DayClock, group: asyncio.TaskGroup) -> None:
        start_s = self._start_s()
        working = [group.create_task(self._keep(desk.work(start_s)), name="demo-agent") for desk in self._desks]
        calls: list[asyncio.Task[None]] = []
        with Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total} callers"),
            TimeElapsedColumn(), console=self._console,
        ) as progress:  # fmt: skip
            bar = progress.add_task(f"{self._plan.window} at {self._world.speed:g}×", total=len(self._plan.callers))
            for caller in self._plan.callers:
                await clock.until(caller.arrival_s)
                calls.append(group.create_task(self._keep(self._gateway.play(caller, clock)), name="demo-caller"))
                progress.advance(bar)
            await asyncio.gather(*calls)
        await self._until_quiet()
        for task in working:
            task.cancel()

    async def _keep(self, work: Awaitable[None]) -> None:
        """Supervise one caller or agent: the others go on without it, and the report says so."""
        try:
            await work
        except Exception as error:
            self._errors.append(error)

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

    async def _measure(self, start_at: datetime, wall_s: float) -> Measured:
        facts = self._observer.facts
        lost = sum(facts.ends[contact_id] != 1 for contact_id in self._gateway.acknowledged)
        callers = {contact_id: call.caller for contact_id, call in self._gateway.calls.items()}
        outcomes = count_outcomes(callers, facts, self._world.speed)
        return Measured(
            figures=outcomes.figures,
            lost=lost,
            connected_twice=len(facts.connected_twice),
            conservation_error=conservation_error(
                facts.segments, facts.waiting, start_at, timedelta(seconds=INTERVAL_DAY_S / self._world.speed)
            ),
            offer_ms=self._samples.offer_ms,
            ring_ms=self._samples.ring_ms,
            live_lag_ms=facts.live_lag_ms,
            events=await self._growth.count(),
            wall_s=wall_s,
            speed=self._world.speed,
            troubles=self._troubles(outcomes),
        )

    def _troubles(self, outcomes: Outcomes) -> Troubles:
        return Troubles(
            refused=outcomes.refused,
            closed_by_system=outcomes.closed_by_system,
            failed_to_start=self._gateway.failed_to_start,
            unanswered=self._gateway.unanswered,
            desk_refusals=tuple(rule for desk in self._desks for rule in desk.refusals),
            errors=(*self._errors, *(error for desk in self._desks for error in desk.errors)),
        )


def _first_of(failed: ExceptionGroup[Exception]) -> Exception:
    """Return the first failure itself: what follows it is its consequence."""
    first = failed.exceptions[0]
    return _first_of(first) if isinstance(first, ExceptionGroup) else first
