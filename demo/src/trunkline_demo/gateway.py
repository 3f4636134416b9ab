"""Callers as a telephony gateway would bring them: over the gRPC contact API (docs/demo-day.md, Callers).

Owns: starting, pressing, hanging up and joining legs, each with its own command id, repeated until answered.
Must not: know agents.
"""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from trunkline.contact.v1 import contact_service_pb2 as api
from trunkline.contact.v1.contact_types_pb2 import ContactState, ContactView
from trunkline_core.errors import Transient
from trunkline_platform.commands import new_command_id
from trunkline_platform.peers import PeerClient
from trunkline_simulation.day.plan import Caller

from trunkline_demo.day_clock import DayClock
from trunkline_demo.world import ROUTE, World, route_of

REPEAT_S = 2.0
REPEATS = 15
MENU_S = 60.0
FINISHED = (ContactState.CONTACT_STATE_CLOSED,)
SERVED = (ContactState.CONTACT_STATE_CONNECTING, ContactState.CONTACT_STATE_CONNECTED)


@dataclass
class Call:
    """One caller in play. `asked_monotonic` is when the request for a person was sent."""

    caller: Caller
    contact_id: str = ""
    asked_monotonic: float | None = None
    state: int = 0
    version: int = 0
    joined: tuple[int, int] = (0, 0)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    node_id: str = ""


class Gateway:
    """All calls of a run. `failed_to_start` counts callers, `unanswered` requests of any kind."""

    def __init__(self, world: World) -> None:
        self.calls: dict[str, Call] = {}
        self.acknowledged: set[str] = set()
        self.failed_to_start = 0
        self.unanswered = 0
        self.peer: PeerClient | None = None
        self._world = world
        self._joining: set[asyncio.Task[Any]] = set()
        self._early: dict[str, ContactView] = {}
        self._answers: dict[str, asyncio.Future[Any]] = {}

    def watching(self) -> list[Any]:
        """Return the request that asks again for every call still in play, after a stream broke."""
        live = [contact_id for contact_id, call in self.calls.items() if call.state not in FINISHED]
        return [api.SessionRequest(watch_contacts=api.WatchContacts(contact_ids=live))] if live else []

    def on_push(self, response: api.SessionResponse) -> None:
        """Take what channels says."""
        match response.WhichOneof("response"):
            case "done":
                self._answer(response.done.command_id, response.done)
            case "refused":
                self._answer(response.refused.command_id, response.refused)
            case "contact":
                call = self.calls.get(response.contact.contact_id)
                if call is None:
                    self._early[response.contact.contact_id] = response.contact
                else:
                    self._see(call, response.contact)

    def _answer(self, command_id: str, answer: Any) -> None:
        waiting = self._answers.get(command_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    def _see(self, call: Call, view: ContactView) -> None:
        if view.version < call.version:
            return
        call.version, call.state, call.node_id = view.version, view.state, view.prompt.node_id
        place = (view.segment_no, view.offer_no)
        if view.state == ContactState.CONTACT_STATE_CONNECTING and place > call.joined:
            call.joined = place
            legs = api.LegConnected(contact_id=call.contact_id, segment_no=place[0], offer_no=place[1])
            task = asyncio.create_task(self._ask(leg_connected=legs), name="demo-legs")
            self._joining.add(task)
            task.add_done_callback(self._joining.discard)
        call.moved.set()

    async def play(self, caller: Caller, clock: DayClock) -> None:
        """Play one caller from the menu to the end. Raises: Transient when the menu does not come."""
        call = await self.start(caller)
        if call is None:
            self.failed_to_start += 1
            return
        await clock.until(caller.enqueue_s)
        if not caller.wants_person:
            await self.leave(call)
            return
        await self._hear_menu(call)
        if call.state in FINISHED:
            return
        call.asked_monotonic = time.monotonic()
        pressed = api.CustomerInput(contact_id=call.contact_id, text="1", node_id=call.node_id)
        await self._ask(customer_input=pressed)
        await self._wait_for_an_agent(call, clock)

    async def start(self, caller: Caller) -> Call | None:
        """Bring a caller in; None when the product refused or did not answer."""
        start = api.StartContact(
            entry_point_id=self._world.entry_point,
            address=f"{self._world.run}-{caller.number:05d}",
            attributes={ROUTE: route_of(caller.type, caller.is_urgent)},
            locale="en",
        )
        done = await self._ask(start_contact=start)
        if done is None or not getattr(done, "contact_id", ""):
            return None
        call = self.calls[done.contact_id] = Call(caller, done.contact_id)
        self.acknowledged.add(done.contact_id)
        if early := self._early.pop(done.contact_id, None):
            self._see(call, early)
        return call

    async def leave(self, call: Call) -> None:
        """The caller hangs up."""
        await self._ask(customer_left=api.CustomerLeft(contact_id=call.contact_id))

    async def _hear_menu(self, call: Call) -> None:
        """Wait for it; who hears nothing for so long hangs up, so that the call has its end. Raises: Transient."""
        try:
            async with asyncio.timeout(MENU_S):
                await self._until(call, lambda: bool(call.node_id))
        except TimeoutError:
            await self.leave(call)
            raise Transient(f"the menu did not come within {MENU_S:g} s") from None

    async def _wait_for_an_agent(self, call: Call, clock: DayClock) -> None:
        """Hang up when patience ends before somebody answers."""
        assert call.asked_monotonic is not None
        patience_wall_s = call.caller.patience_s / clock.speed
        left_s = call.asked_monotonic + patience_wall_s - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, left_s)):
                await self._until(call, lambda: call.state in SERVED or call.state in FINISHED)
        except TimeoutError:
            await self.leave(call)

    async def _until(self, call: Call, predicate: Any) -> None:
        while not predicate() and call.state not in FINISHED:
            call.moved.clear()
            await call.moved.wait()

    async def _ask(self, **request: Any) -> Any:
        """Send a request and return its answer, repeating with the same id; None after half a minute of silence."""
        assert self.peer is not None
        command_id = new_command_id()
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[command_id] = waiting
        try:
            for _ in range(REPEATS):
                try:
                    self.peer.send(api.SessionRequest(command_id=command_id, **request))
                    answer = await asyncio.wait_for(asyncio.shield(waiting), REPEAT_S)
                except (Transient, TimeoutError):
                    await asyncio.sleep(0.1)
                    continue
                if not answer.DESCRIPTOR.fields_by_name.get("retry_duration") or not answer.HasField("retry_duration"):
                    return answer
                waiting = self._answers[command_id] = asyncio.get_running_loop().create_future()
                await asyncio.sleep(answer.retry_duration.ToMilliseconds() / 1000)
            self.unanswered += 1
            return None
        finally:
            self._answers.pop(command_id, None)
