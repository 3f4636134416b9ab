"""A telephony gateway: brings callers over the contact API's stream, as a product of somebody else would.

Owns: one stream, its requests and their answers, the newest view of each contact, what plays to who waits.
Must not: repeat anything by itself.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any, NamedTuple

from trunkline.contact.v1 import contact_service_pb2 as api
from trunkline.contact.v1.contact_types_pb2 import (
    Author,
    CallbackState,
    ContactState,
    ContactView,
    LegMode,
    TreatmentView,
)
from trunkline_launcher.layout import Layout, installation_secret
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Credentials, Principal, Role
from trunkline_platform.grpc_client import Channels
from trunkline_platform.peers import PeerClient

PATIENCE_S = 60.0
SPOKEN_S = 60.0
"""How long it says a text; far longer than joining may take."""
SESSION = api.DESCRIPTOR.services_by_name["ContactSessionService"].methods_by_name["Session"]


class Gateway:
    """All calls of one start of a gateway. Legs join as soon as an agent accepts, unless `joins` is false."""

    def __init__(self, name: str = "gw_test", *, joins: bool = True) -> None:
        self.name = name
        self.boot_id = new_command_id()
        self.calls: set[str] = set()  # what it has, as long as the view is not of one that is over
        self.views: dict[str, ContactView] = {}
        self.dials: dict[str, api.Dial] = {}  # the newest order to dial the customer of each call-back
        self.peer: PeerClient | None = None
        self._joins = joins
        self.brought_up: list[Leg] = []
        self._starting: set[str] = set()
        self._answers: dict[str, asyncio.Future[Any]] = {}
        self._moved = asyncio.Event()
        self._players: dict[str, Player] = {}
        self._told: dict[str, list[str]] = {}

    async def ask(self, *, command_id: str = "", within_s: float = PATIENCE_S, **request: Any) -> Any:
        """Send one request; return RequestDone or RequestRefused. Raises: Transient without a stream, TimeoutError."""
        assert self.peer is not None
        command_id = command_id or new_command_id()
        if "start_contact" in request:
            self._starting.add(command_id)
        answer = self._answers[command_id] = asyncio.get_running_loop().create_future()
        try:
            self.peer.send(api.SessionRequest(command_id=command_id, **request))
            return await asyncio.wait_for(answer, within_s)
        finally:
            self._answers.pop(command_id, None)

    async def start(self, entry_point_id: str, address: str, **more: Any) -> Any:
        """Bring a caller in; return the answer."""
        return await self.ask(
            start_contact=api.StartContact(entry_point_id=entry_point_id, address=address, locale="en"), **more
        )

    async def until(
        self, contact_id: str, holds: Callable[[ContactView], object], within_s: float = PATIENCE_S
    ) -> ContactView:
        """Wait until the contact is as wanted; return it. Raises: TimeoutError."""
        async with asyncio.timeout(within_s):
            while contact_id not in self.views or not holds(self.views[contact_id]):
                self._moved.clear()
                await self._moved.wait()
        return self.views[contact_id]

    async def until_dialled(self, contact_id: str, after_offer: int = 0, within_s: float = PATIENCE_S) -> api.Dial:
        """Wait for the order to dial the customer, newer than that offer; return it. Raises: TimeoutError."""
        async with asyncio.timeout(within_s):
            while contact_id not in self.dials or self.dials[contact_id].offer_no <= after_offer:
                self._moved.clear()
                await self._moved.wait()
        return self.dials[contact_id]

    async def say_how_it_went(self, dial: api.Dial, outcome: str) -> Any:
        """Answer an order to dial."""
        place = {"contact_id": dial.contact_id, "segment_no": dial.segment_no, "offer_no": dial.offer_no}
        return await self.ask(call_result=api.CallResult(**place, outcome=outcome))

    async def ask_for_a_person(self, contact_id: str) -> None:
        """Go through the demo's menu, as `menu` and `gather` want it, into the support queue."""
        await self.until(contact_id, lambda view: view.prompt.node_id == "menu")
        await self.ask(customer_input=api.CustomerInput(contact_id=contact_id, text="2", node_id="menu"))
        await self.until(contact_id, lambda view: view.prompt.node_id == "topic")
        await self.ask(customer_input=api.CustomerInput(contact_id=contact_id, text="my parcel", node_id="topic"))

    def hush(self) -> None:
        """Stop all that plays."""
        for player in self._players.values():
            player.take(None)

    def greeting(self) -> list[Any]:
        """Say who it is and what it has, when a stream begins anew."""
        hello = api.PeerHello(peer_id=self.name, boot_id=self.boot_id, held=self._held())
        return [api.SessionRequest(hello=hello)]

    def heartbeat(self) -> Any:
        """Say what it has."""
        return api.SessionRequest(heartbeat=api.PeerHeartbeat(held=self._held()))

    def _held(self) -> api.HeldContacts:
        known = ((contact_id, self.views.get(contact_id)) for contact_id in sorted(self.calls))
        live = [
            api.HeldContact(contact_id=contact_id, version=view.version if view else 0)
            for contact_id, view in known
            if view is None or view.state != ContactState.CONTACT_STATE_CLOSED
        ]
        return api.HeldContacts(contacts=live)

    def on_push(self, response: Any) -> None:
        """Take what channels says."""
        kind = response.WhichOneof("response")
        if kind == "contact":
            self._see(response.contact)
            return
        if kind == "dial":
            self.dials[response.dial.contact_id] = response.dial
            self._moved.set()
            return
        said = getattr(response, kind)
        if kind == "done" and said.command_id in self._starting:
            self.calls.add(said.contact_id)
        waiting = self._answers.get(said.command_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(said)

    def _see(self, view: ContactView) -> None:
        known = self.views.get(view.contact_id)
        if known is None or view.version >= known.version:
            self.views[view.contact_id] = view
            self._player(view).take(view.treatment if view.HasField("treatment") else None)
        told = [message.text for message in view.messages if message.author == Author.AUTHOR_SYSTEM]
        self._told.setdefault(view.contact_id, []).extend(told)
        for leg in _to_bring_up(view) if self._joins else ():
            self._join(leg)
        self._moved.set()

    def heard(self, contact_id: str) -> list[str]:
        """Return what the caller heard while waiting: media, texts, and `cut` for what was not played to its end."""
        player = self._players.get(contact_id)
        return list(player.heard) if player else []

    def told(self, contact_id: str) -> list[str]:
        """Return what the flow and the system had said to the caller."""
        return list(self._told.get(contact_id, ()))

    def _player(self, view: ContactView) -> "Player":
        return self._players.setdefault(view.contact_id, Player(self._moved.set))

    def _join(self, leg: "Leg") -> None:
        """Bridge the leg; not while something plays, which would be heard by both."""
        if leg not in self.brought_up and not self._players[leg.contact_id].plays:
            self.brought_up.append(leg)
            assert self.peer is not None
            up = api.LegConnected(**leg._asdict())
            self.peer.send(api.SessionRequest(command_id=new_command_id(), leg_connected=up))


class Player:
    """Plays a treatment to one caller, step by step, until it is over or taken away."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        self.heard: list[str] = []
        self._on_change = on_change
        self._treatment: TreatmentView | None = None
        self._playing: asyncio.Task[None] | None = None

    @property
    def plays(self) -> bool:
        """Whether the caller hears something now."""
        return self._playing is not None and not self._playing.done()

    def take(self, treatment: TreatmentView | None) -> None:
        """Begin, go on with other figures, or cut."""
        self._treatment = treatment
        if treatment is not None and self._playing is None:
            self._playing = asyncio.create_task(self._play(), name="gateway-player")
        elif treatment is None and self._playing is not None:
            if self.plays:
                self._hear("cut")
                self._playing.cancel()
            self._playing = None

    async def _play(self) -> None:
        number = 1
        while (treatment := self._treatment) and number <= len(treatment.steps):
            step = treatment.steps[number - 1]
            if step.media or step.text:
                self._hear(step.media or step.text)
            await asyncio.sleep(SPOKEN_S if step.text else step.for_duration.ToTimedelta().total_seconds())
            number = number + 1 if number < len(treatment.steps) else treatment.repeat_from_step or number + 1

    def _hear(self, what: str) -> None:
        self.heard.append(what)
        self._on_change()


class Leg(NamedTuple):
    """A leg that a gateway brings up: an agent's by its offer, a supervisor's by the monitoring."""

    contact_id: str
    segment_no: int
    offer_no: int
    monitoring_no: int = 0


def _to_bring_up(view: ContactView) -> list[Leg]:
    """Return whose legs are to be brought up: of who accepted, of the colleague who is asked, of a supervisor."""
    place = (view.contact_id, view.segment_no)
    if view.state == ContactState.CONTACT_STATE_CONNECTING:  # the customer of a call-back is dialled before
        return [Leg(*place, view.offer_no)] if view.callback != CallbackState.CALLBACK_STATE_OPEN else []
    wanted = [leg for leg in view.legs if leg.mode == LegMode.LEG_MODE_CONNECT]
    return [Leg(*place, leg.offer_no, leg.monitoring_no) for leg in wanted]


def hears(view: ContactView) -> dict[str, set[str]]:
    """Return whom everybody on a connected call hears: agents and supervisors by id, `customer`, or `music` alone for
    who is held. A supervisor who is an agent goes by the agent's id.
    """
    legs = {leg.agent_id or leg.supervisor_id or "customer": leg for leg in view.legs}
    modes = {who: leg.mode for who, leg in legs.items() if leg.mode != LegMode.LEG_MODE_CONNECT}
    bridged = {who for who, mode in modes.items() if mode == LegMode.LEG_MODE_BRIDGED}
    whispers = {who for who, mode in modes.items() if mode == LegMode.LEG_MODE_WHISPERING}
    heard = {who: {"music"} if mode == LegMode.LEG_MODE_HELD else bridged - {who} for who, mode in modes.items()}
    return heard | {view.agent_id: heard[view.agent_id] | whispers} if whispers else heard


@contextlib.asynccontextmanager
async def gateway_of(
    layout: Layout,
    tenant: str,
    name: str = "gw_test",
    *,
    joins: bool = True,
    addresses: Sequence[str] = (),
    has: Collection[str] = (),
) -> AsyncIterator[Gateway]:
    """A gateway of the tenant, connected until the end of the block, when it dies without a word.

    Args:
        addresses: of channels, where it has several replicas.
        has: calls that an earlier start of it had and that it has kept.
    """
    gateway, channels = Gateway(name, joins=joins), Channels()
    gateway.calls.update(has)
    gateway.peer = PeerClient(
        SESSION,
        addresses or [layout.grpc_address("channels")],
        Credentials(installation_secret(layout.data).encode()),
        Principal(tenant, f"gateway:{name}", frozenset({Role.GATEWAY})),
        channels,
        greeting=gateway.greeting,
        heartbeat=gateway.heartbeat,
        on_push=gateway.on_push,
    )
    running = asyncio.create_task(gateway.peer.run(), name="gateway")
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not gateway.peer.live:
                await asyncio.sleep(0.02)
        yield gateway
    finally:
        running.cancel()
        gateway.hush()
        await asyncio.gather(running, return_exceptions=True)
        await channels.close()
