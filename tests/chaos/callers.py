"""A load process: the leg gateways of all tenants and everybody who calls through them.

Owns: what a caller does next. Every eighth leaves the queue, one in thirty cannot be joined with the agent.
Must not: judge.

`python -m chaos.callers ORDER.json`: SIGTERM ends it in order, nobody new comes; prints one JSON line of counts.
"""

import asyncio
import json
import random
import signal
import sys
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trunkline.contact.v1 import contact_service_pb2 as api
from trunkline.contact.v1.contact_types_pb2 import ContactState, ContactView
from trunkline_core.errors import Rejection, Transient
from trunkline_launcher.layout import installation_secret
from trunkline_platform.credentials import Credentials, Principal, Role
from trunkline_platform.grpc_client import Channels
from trunkline_platform.peers import PeerClient
from trunkline_testkit.checker import ClientJournal

from chaos.asking import Asking, Done
from chaos.work_orders import Shop, WorkOrder

SESSION = api.DESCRIPTOR.services_by_name["ContactSessionService"].methods_by_name["Session"]
ANSWER_WITHIN_S = 5.0
STAYS_S = 120.0
GOES_WITHIN_S = 90.0
AT_ONCE = 400
RETRYABLE = frozenset({4, 8, 14})  # DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE
QUEUED, OFFERED, CONNECTING, CLOSED = (
    ContactState.Value(f"CONTACT_STATE_{name}") for name in ("QUEUED", "OFFERED", "CONNECTING", "CLOSED")
)
Place = tuple[int, str, int, int]


@dataclass(slots=True)
class Call:
    """One contact as the gateway sees it."""

    view: ContactView = field(default_factory=ContactView)
    moved: asyncio.Event = field(default_factory=asyncio.Event)

    def see(self, view: ContactView) -> None:
        """Take a newer state."""
        if view.version >= self.view.version:
            self.view = view
            self.moved.set()

    @property
    def place(self) -> Place:
        """What is answered once."""
        return self.view.state, self.view.prompt.node_id, self.view.segment_no, self.view.offer_no

    async def move(self) -> None:
        """Wait for the next state."""
        self.moved.clear()
        await self.moved.wait()


class Line:
    """One tenant's gateway."""

    def __init__(self, shop: Shop, order: WorkOrder, asking: Asking, channels: Channels) -> None:
        self.started = self.ended = self.stuck = 0
        self._shop = shop
        self._asking = asking
        self._calls: dict[str, Call] = {}
        self._answers: dict[str, asyncio.Future[Done]] = {}
        peer_id = f"gw-chaos-{order.boot}-{uuid.uuid4().hex[:8]}"
        self._peer_id = peer_id
        self.peer = PeerClient(
            SESSION,
            order.channels,
            Credentials(installation_secret(Path(order.data)).encode()),
            Principal(shop.tenant_id, f"gateway:{peer_id}", frozenset({Role.GATEWAY})),
            channels,
            greeting=lambda: [api.SessionRequest(hello=api.PeerHello(peer_id=peer_id))],
            heartbeat=lambda: api.SessionRequest(heartbeat=api.PeerHeartbeat()),
            on_push=self._on_push,
        )

    async def call(self, number: int, is_impatient: bool, is_unreachable: bool) -> None:
        """One caller from the beginning to the end."""
        start = api.StartContact(entry_point_id=self._shop.entry_point_id, address=f"+86-{number}", locale="en")
        done = await self._tell("", start_contact=start)
        if done is None:
            return
        self.started += 1
        contact_id = done.contact_id
        call = self._calls.setdefault(contact_id, Call())
        try:
            async with asyncio.timeout(STAYS_S):
                await self._stay(contact_id, call, is_impatient, is_unreachable)
        except TimeoutError:
            await self._leave(contact_id, call)
        self.ended += call.view.state == CLOSED
        del self._calls[contact_id]

    async def _stay(self, contact_id: str, call: Call, is_impatient: bool, is_unreachable: bool) -> None:
        done: set[Place] = set()
        while call.view.state != CLOSED:
            request = next_request(contact_id, call.view, is_impatient, is_unreachable)
            if request and (place := call.place) not in done:
                done.add(place)
                await self._tell(contact_id, **request)
            else:
                await call.move()

    async def _leave(self, contact_id: str, call: Call) -> None:
        """The caller has waited long enough and hangs up."""
        await self._tell(contact_id, customer_left=api.CustomerLeft(contact_id=contact_id))
        with suppress(TimeoutError):
            async with asyncio.timeout(GOES_WITHIN_S):
                while call.view.state != CLOSED:
                    await call.move()
                return
        self.stuck += 1

    async def _tell(self, contact_id: str, **request: Any) -> Done | None:
        (kind,) = request

        async def send(command_id: str) -> Done:
            answer = self._answers.setdefault(command_id, asyncio.get_running_loop().create_future())
            self.peer.send(api.SessionRequest(command_id=command_id, **request))
            try:
                return await asyncio.wait_for(asyncio.shield(answer), ANSWER_WITHIN_S)
            finally:
                if answer.done():
                    self._answers.pop(command_id, None)

        return await self._asking.ask(kind, contact_id, send)

    def _on_push(self, response: api.SessionResponse) -> None:
        match response.WhichOneof("response"):
            case "contact":
                self._calls.setdefault(response.contact.contact_id, Call()).see(response.contact)
            case "done":
                self._answer(response.done.command_id, Done(response.done.contact_id))
            case "refused":
                self._answer(response.refused.command_id, _error(response.refused))

    def _answer(self, command_id: str, answer: Done | Exception) -> None:
        waiting = self._answers.get(command_id)
        if waiting is None or waiting.done():
            return
        if isinstance(answer, Done):
            waiting.set_result(answer)
        else:
            waiting.set_exception(answer)
            waiting.exception()  # nobody may be waiting any more


def _error(refused: api.RequestRefused) -> Exception:
    if refused.code in RETRYABLE:
        return Transient("try again", retry_after_s=refused.retry_duration.ToMilliseconds() / 1000 or 0.2)
    return Rejection(refused.reason)


def next_request(contact_id: str, view: ContactView, is_impatient: bool, is_unreachable: bool) -> dict[str, Any] | None:
    """Return what the caller, or the gateway for it, says at this place; None: wait."""
    place: dict[str, Any] = {"contact_id": contact_id}
    offer: dict[str, Any] = place | {"segment_no": view.segment_no, "offer_no": view.offer_no}
    if view.prompt.node_id == "menu":
        return {"customer_input": api.CustomerInput(text="2", node_id="menu", **place)}
    if view.prompt.node_id == "topic":
        return {"customer_input": api.CustomerInput(text="my parcel", node_id="topic", **place)}
    if view.state in (QUEUED, OFFERED) and is_impatient:
        return {"customer_left": api.CustomerLeft(**place)}
    if view.state == CONNECTING and is_unreachable and view.offer_no == 1:
        return {"leg_failed": api.LegFailed(reason="busy", **offer)}
    if view.state == CONNECTING:
        return {"leg_connected": api.LegConnected(**offer)}
    return None


async def bring_in(lines: list[Line], order: WorkOrder, chance: random.Random, enough: asyncio.Event) -> dict[str, int]:
    """Let callers come at the rate of the order until it is enough, and wait until the last one is gone."""
    calls: set[asyncio.Task[None]] = set()
    turned_away = number = 0
    due = asyncio.get_running_loop().time()
    while not enough.is_set():
        due += chance.expovariate(order.contacts_per_s)
        with suppress(TimeoutError):
            await asyncio.wait_for(enough.wait(), max(0.0, due - asyncio.get_running_loop().time()))
        number += 1
        if len(calls) >= AT_ONCE:
            turned_away += 1
            continue
        who = 10_000_000 * order.boot + number
        call = chance.choice(lines).call(who, number % 8 == 0, number % 30 == 0)
        task = asyncio.create_task(call, name=f"call-{number}")
        calls.add(task)
        task.add_done_callback(calls.discard)
    if calls:
        await asyncio.wait(calls)
    return {"turned_away": turned_away}


async def main(order: WorkOrder) -> None:
    """Call until SIGTERM."""
    chance, enough, channels = random.Random(f"{order.seed}/callers/{order.boot}"), asyncio.Event(), Channels()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, enough.set)
    with ClientJournal(Path(order.journal)) as journal:
        asking = Asking(journal, chance)
        asking.obey_signals()
        lines = [Line(shop, order, asking, channels) for shop in order.shops]
        streams = [asyncio.create_task(line.peer.run(), name="gateway") for line in lines]
        try:
            counts = await bring_in(lines, order, chance, enough)
        finally:
            for stream in streams:
                stream.cancel()
            await asyncio.gather(*streams, return_exceptions=True)
            await channels.close()
    for name in ("started", "ended", "stuck"):
        counts[name] = sum(getattr(line, name) for line in lines)
    print(json.dumps(asking.counts() | counts), flush=True)


if __name__ == "__main__":
    asyncio.run(main(WorkOrder.read(Path(sys.argv[1]))))
