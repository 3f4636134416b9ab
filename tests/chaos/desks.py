"""A load process: a console's side of all agents' desks, over gRPC and without browsers.

Owns: what an agent does next. One offer in thirty is left to ring, one in forty declined, every tenth wrap-up left to
its timer. Must not: judge.

`python -m chaos.desks ORDER.json`: SIGTERM sends everybody home; prints one JSON line of counts.
"""

import asyncio
import json
import random
import signal
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from trunkline.acd.v1 import acd_commands_pb2 as acd
from trunkline.acd.v1 import acd_service_pb2
from trunkline.acd.v1.acd_types_pb2 import AgentView, Connectivity, Intent, WorkState
from trunkline.contact.v1 import contact_commands_pb2 as contact
from trunkline.contact.v1 import contact_service_pb2
from trunkline.contact.v1.contact_types_pb2 import CloseReason
from trunkline_launcher.layout import installation_secret
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Credentials, Principal, Role, service_principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.peers import PeerClient
from trunkline_testkit.checker import ClientJournal

from chaos.asking import Asking, Done
from chaos.work_orders import Shop, WorkOrder

SESSION = acd_service_pb2.DESCRIPTOR.services_by_name["AgentSessionService"].methods_by_name["Session"]
ATTEMPT_S = 4.0
LOOK_S = 5.0
AFTER_ACTION_S = 0.5
TALK_S = 2.0
LEAVES_WITHIN_S = 60.0
Action = Callable[[], Any]


class Wires:
    """Where commands go."""

    def __init__(self, order: WorkOrder, channels: Channels) -> None:
        self.credentials = Credentials(installation_secret(Path(order.data)).encode())
        self._acd = (acd_service_pb2, "AcdCommandService", order.acd)
        self._contact = (contact_service_pb2, "ContactCommandService", order.channels)
        self._channels = channels

    def acd(self) -> CommandClient:
        """Return a client of acd that begins at some replica."""
        return self._client(*self._acd)

    def contact(self) -> CommandClient:
        """The same for channels."""
        return self._client(*self._contact)

    def _client(self, module: Any, service: str, addresses: tuple[str, ...]) -> CommandClient:
        first = random.randrange(len(addresses))
        turned = addresses[first:] + addresses[:first]
        return CommandClient(module.DESCRIPTOR.services_by_name[service], turned, self.credentials, self._channels)


class Desk:
    """One agent at work."""

    def __init__(
        self, agent_id: str, tenant_id: str, peer_id: str, wires: Wires, asking: Asking, chance: random.Random
    ) -> None:
        self.view = AgentView(agent_id=agent_id)
        self.is_leaving = False
        self._moved = asyncio.Event()
        self._agent_id, self._peer_id = agent_id, peer_id
        self._principal = Principal(tenant_id, f"agent:{agent_id}", frozenset({Role.AGENT}))
        self._acd, self._contact = wires.acd(), wires.contact()
        self._asking, self._chance = asking, chance
        self._session_id = ""
        self._done: set[tuple[str, str, int]] = set()
        self._talking: set[asyncio.Task[None]] = set()

    def see(self, view: AgentView) -> None:
        """Take a newer state."""
        if view.version >= self.view.version:
            self.view = view
            self._moved.set()

    async def work(self) -> None:
        """Work until leaving, then finish what is at hand and close the desk."""
        while not (self.is_leaving and not self.view.work and self.view.intent == Intent.INTENT_OFFLINE):
            self._moved.clear()
            action = self._next()
            if action:
                await action()
            with suppress(TimeoutError):  # an action is seen done in the next view
                await asyncio.wait_for(self._moved.wait(), AFTER_ACTION_S if action else LOOK_S)
        await self._tell("close_agent_session", session_id=self._session_id)

    def leave(self) -> None:
        """Take nothing more."""
        self.is_leaving = True
        self._moved.set()

    def _next(self) -> Action | None:
        view = self.view
        if view.connectivity != Connectivity.CONNECTIVITY_CONNECTED and not self.is_leaving:
            return self._open
        if view.intent != (wanted := self._intent()):
            return lambda: self._tell("set_intent", intent=wanted)
        if view.not_responding and not self.is_leaving:
            return lambda: self._tell("rearm_agent")
        return next((action for item in view.work if (action := self._on(item))), None)

    def _intent(self) -> Any:
        return Intent.INTENT_OFFLINE if self.is_leaving else Intent.INTENT_AVAILABLE

    async def _open(self) -> None:
        self._session_id = f"ds-{uuid.uuid4().hex[:16]}"
        await self._tell("open_agent_session", peer_id=self._peer_id, session_id=self._session_id)

    def _on(self, item: Any) -> Action | None:
        key = (WorkState.Name(item.state), item.contact_id, item.offer_no)
        if key in self._done:
            return None
        self._done.add(key)
        about = {"contact_id": item.contact_id}
        dice = self._chance.random()
        match item.state:
            case WorkState.WORK_STATE_OFFERED if dice < 1 / 30:
                return None
            case WorkState.WORK_STATE_OFFERED if dice < 1 / 30 + 1 / 40:
                return lambda: self._tell("decline_offer", offer_no=item.offer_no, **about)
            case WorkState.WORK_STATE_OFFERED:
                return lambda: self._tell("accept_offer", offer_no=item.offer_no, **about)
            case WorkState.WORK_STATE_CONNECTED:
                return lambda: self._talk(item.contact_id)
            case WorkState.WORK_STATE_WRAP_UP if dice > 0.1:
                return lambda: self._tell("finish_wrap_up", wrap_up_code="resolved", **about)
        return None

    async def _talk(self, contact_id: str) -> None:
        task = asyncio.create_task(self._end_after_talk(contact_id), name="talk")
        self._talking.add(task)
        task.add_done_callback(self._talking.discard)

    async def _end_after_talk(self, contact_id: str) -> None:
        await asyncio.sleep(self._chance.expovariate(1 / TALK_S))
        reason = CloseReason.CLOSE_REASON_AGENT_ENDED
        close = contact.CloseContact(contact_id=contact_id, reason=reason, agent_id=self._agent_id)
        command = contact.ContactCommand(close_contact=close)
        await self._asking.ask("close_contact", contact_id, lambda key: self._send(self._contact, command, key))

    async def _tell(self, kind: str, **fields: Any) -> None:
        command = acd.AcdCommand()
        getattr(command, kind).SetInParent()
        for name, value in {"agent_id": self._agent_id, **fields}.items():
            setattr(getattr(command, kind), name, value)
        contact_id = fields.get("contact_id", "")
        await self._asking.ask(kind, contact_id, lambda key: self._send(self._acd, command, key))

    async def _send(self, client: CommandClient, command: Any, command_id: str) -> Done:
        events = await client.execute(command, self._principal, command_id=command_id, timeout_s=ATTEMPT_S)
        return Done(events=len(events))


def console_peer_id(boot: int) -> str:
    """Return how the peer ids of a start of the desks begin."""
    return f"console-chaos-{boot}-"


class Floor:
    """All desks of one tenant and their streams."""

    def __init__(self, shop: Shop, order: WorkOrder, wires: Wires, asking: Asking, channels: Channels) -> None:
        chance = random.Random(f"{order.seed}/desks/{order.boot}/{shop.tenant_id}")
        peer_id = console_peer_id(order.boot) + uuid.uuid4().hex[:12]
        make = lambda agent_id: Desk(agent_id, shop.tenant_id, peer_id, wires, asking, chance)  # noqa: E731
        self.desks = {agent_id: make(agent_id) for agent_id in shop.agent_ids}
        hello = acd_service_pb2.SessionRequest(hello=acd_service_pb2.PeerHello(peer_id=peer_id))
        watch = acd_service_pb2.WatchAgents(agent_ids=shop.agent_ids)
        self.peer = PeerClient(
            SESSION,
            order.acd,
            wires.credentials,
            service_principal("console", shop.tenant_id),
            channels,
            greeting=lambda: [hello, acd_service_pb2.SessionRequest(watch_agents=watch)],
            heartbeat=lambda: acd_service_pb2.SessionRequest(heartbeat=acd_service_pb2.PeerHeartbeat()),
            on_push=lambda push: self.desks[push.agent.agent_id].see(push.agent),
        )


async def main(order: WorkOrder) -> None:
    """Work until SIGTERM."""
    enough, channels = asyncio.Event(), Channels()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, enough.set)
    wires = Wires(order, channels)
    with ClientJournal(Path(order.journal)) as journal:
        asking = Asking(journal, random.Random(f"{order.seed}/desks/{order.boot}"))
        asking.obey_signals()
        floors = [Floor(shop, order, wires, asking, channels) for shop in order.shops]
        desks = [desk for floor in floors for desk in floor.desks.values()]
        streams = [asyncio.create_task(floor.peer.run(), name="console") for floor in floors]
        working = [asyncio.create_task(desk.work(), name="agent") for desk in desks]
        try:
            stopping = asyncio.create_task(enough.wait(), name="until-sigterm")
            await asyncio.wait([stopping, *working], return_when=asyncio.FIRST_COMPLETED)
            for task in working:
                if task.done():
                    task.result()  # a defect of this driver must not look like agents who have nothing to do
            await _go_home(desks, working)
        finally:
            for task in (*streams, *working):
                task.cancel()
            await asyncio.gather(*streams, *working, return_exceptions=True)
            await channels.close()
    print(json.dumps(asking.counts()), flush=True)


async def _go_home(desks: list[Desk], working: list[asyncio.Task[None]]) -> None:
    for desk in desks:
        desk.leave()
    _, late = await asyncio.wait(working, timeout=LEAVES_WITHIN_S)
    for task in late:
        task.cancel()


if __name__ == "__main__":
    asyncio.run(main(WorkOrder.read(Path(sys.argv[1]))))
