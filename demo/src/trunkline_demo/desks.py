"""Agents as their desks would work: log-in and the desk's WebSocket (docs/demo-day.md, Agents and Pauses).

Owns: accepting at once, serving, wrap-up, owed pauses. Must not: know patience.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import aiohttp
from trunkline_core.errors import Misconfigured, Transient
from trunkline_platform.commands import new_command_id
from trunkline_simulation.day.staff import Agent, Pause, next_pause_s, pause_due

from trunkline_demo.day_clock import DayClock
from trunkline_demo.gateway import Call
from trunkline_demo.world import World

HEADERS = {"X-Trunkline": "1"}
CONNECT_S = 30.0
MAX_WORDS = 200


class Samples:
    """Latencies in milliseconds."""

    def __init__(self) -> None:
        self.offer_ms: list[float] = []
        self.ring_ms: list[float] = []


class AgentAtDesk:
    """One agent, from log-in to the end of duty.

    Attributes:
        refusals: rules by which the product refused what the desk sent.
        errors: what conversations ended with that did not come to their end.
    """

    def __init__(
        self, agent: Agent, world: World, clock: DayClock, calls: Mapping[str, Call], samples: Samples
    ) -> None:
        self._agent = agent
        self._world = world
        self._clock = clock
        self._calls = calls
        self._samples = samples
        self._taken = 0
        self._seen: set[tuple[str, int]] = set()
        self._work: dict[str, str] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._on_break = False
        self._freed_monotonic = 0.0
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._is_leaving = False
        self.refusals: list[str] = []
        self.errors: list[Exception] = []

    async def connect(self, session: aiohttp.ClientSession, url: str) -> None:
        """Log in and open the desk. Raises: Misconfigured when the console refuses or does not answer."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._log_in(session, url)
                self._socket = await session.ws_connect(f"{url}/desk/ws", heartbeat=20)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            reason = f"{type(error).__name__} at the log-in of {self._agent.name}"
            raise Misconfigured(f"The console at {url} does not answer ({reason}): see its log.") from error

    async def _log_in(self, session: aiohttp.ClientSession, url: str) -> None:
        login = {"tenant": self._world.tenant, "login": self._agent.name, "password": self._world.password}
        async with session.post(f"{url}/api/login", json=login, headers=HEADERS) as answer:
            if answer.status != 200:
                words = " ".join((await answer.text()).split())[:MAX_WORDS]
                raise Misconfigured(f"The console refuses the log-in of {self._agent.name}: {answer.status} {words}")

    async def listen(self) -> None:
        """Follow the desk until `finish` closes it. Raises: Transient when somebody else does."""
        assert self._socket is not None
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                frame = json.loads(message.data)
                if frame["type"] == "agent":
                    await self._see(frame["agent"], frame["owner_latency_ms"])
                elif frame["type"] == "refused":
                    self.refusals.append(frame["reason"])
        if not self._is_leaving:
            raise Transient(f"The console closed the desk of {self._agent.name}: see its log.")

    async def work(self, from_s: float) -> None:
        """Be available while on duty; take the pauses that fall due while idle."""
        await self._clock.until(max(self._agent.duty_from_s, from_s))
        await self._be_available()
        while self._clock.now_s() < self._agent.duty_to_s:
            due_s = next_pause_s(self._agent, self._taken)
            wake_s = min(self._agent.duty_to_s, due_s if due_s is not None else self._agent.duty_to_s)
            await self._clock.until(wake_s)
            if self._clock.now_s() >= self._agent.duty_to_s:
                break
            if self._work or self._on_break:
                await asyncio.sleep(0.01)  # owed: taken when the contact is wrapped up
            elif pause := self._next_pause():
                await self._take_break(pause)
        await self._send("intent", intent="OFFLINE")

    async def finish(self) -> None:
        """End what is being served and leave."""
        self._is_leaving = True
        if self._serving:
            await asyncio.wait(self._serving)
        if self._socket is not None:
            await self._socket.close()

    async def _see(self, view: dict[str, Any], owner_latency_ms: float | None) -> None:
        work = {item["contact_id"]: item for item in view["work"]}
        self._work = {contact_id: item["state"] for contact_id, item in work.items()}
        for contact_id, item in work.items():
            offer = (contact_id, item["offer_no"])
            if item["state"] == "OFFERED" and offer not in self._seen:
                self._seen.add(offer)
                self._measure(contact_id, owner_latency_ms)
                await self._send("accept", contact_id=contact_id, offer_no=item["offer_no"])
                self._begin(contact_id)

    def _measure(self, contact_id: str, owner_latency_ms: float | None) -> None:
        if owner_latency_ms is not None:
            self._samples.offer_ms.append(owner_latency_ms)
        call = self._calls.get(contact_id)
        asked = call.asked_monotonic if call else None
        if asked is not None:
            sent = max(asked, self._freed_monotonic)
            self._samples.ring_ms.append((time.monotonic() - sent) * 1000)

    def _begin(self, contact_id: str) -> None:
        task = asyncio.create_task(self._serve(contact_id, self._clock.now_s()), name="demo-serve")
        self._serving.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        self._serving.discard(task)
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self.errors.append(error)

    async def _serve(self, contact_id: str, accepted_s: float) -> None:
        """Service counts from acceptance; what ends before that is a caller who left while it rang."""
        if not await self._until(contact_id, "CONNECTED"):
            return
        call = self._calls.get(contact_id)
        await self._clock.until(accepted_s + (call.caller.service_s if call else 60))
        if self._work.get(contact_id) == "CONNECTED":
            await self._send("end", contact_id=contact_id)
        if await self._until(contact_id, "WRAP_UP"):
            await self._wrap_up(contact_id)

    async def _until(self, contact_id: str, state: str) -> bool:
        """Wait until this piece of work is in the state; False when it is gone or nothing happens for 20 s."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            present = self._work.get(contact_id)
            if present == state:
                return True
            if present is None and (contact_id, state) != (contact_id, "WRAP_UP"):
                return False
            await asyncio.sleep(0.005)
        return False

    async def _wrap_up(self, contact_id: str) -> None:
        """A short pause owed now is played as wrap-up, a longer one as a break."""
        pause = self._next_pause() if self._clock.now_s() < self._agent.duty_to_s else None
        if pause is not None and pause.is_wrap_up:
            await self._clock.pass_by(pause.length_s)
        elif pause is not None:
            self._on_break = True
            await self._send("intent", intent="BREAK", break_reason="short")
        self._freed_monotonic = time.monotonic()
        await self._send("wrap_up", contact_id=contact_id, code="")
        if pause is not None and not pause.is_wrap_up:
            await self._clock.pass_by(pause.length_s)
            self._on_break = False
            await self._be_available()

    async def _take_break(self, pause: Pause) -> None:
        self._on_break = True
        await self._send("intent", intent="BREAK", break_reason="short")
        await self._clock.pass_by(pause.length_s)
        self._on_break = False
        await self._be_available()

    async def _be_available(self) -> None:
        if self._clock.now_s() < self._agent.duty_to_s:
            self._freed_monotonic = time.monotonic()
            await self._send("intent", intent="AVAILABLE")

    def _next_pause(self) -> Pause | None:
        pause = pause_due(self._agent, self._taken, self._clock.now_s())
        if pause is not None:
            self._taken += 1
        return pause

    async def _send(self, kind: str, **fields: Any) -> None:
        assert self._socket is not None
        if not self._socket.closed:
            await self._socket.send_json({"type": kind, "command_id": new_command_id(), **fields})
