"""gRPC of channels: the contact API of gateways, chat edges and watchers, and reading one contact.

Owns: one stream's requests, answers and pushes. Must not: contain a rule; the application does what is asked.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from trunkline.contact.v1 import contact_service_pb2 as wire
from trunkline.contact.v1.contact_service_pb2_grpc import ContactReadServiceServicer, ContactSessionServiceServicer
from trunkline.contact.v1.contact_types_pb2 import ContactView, WhisperView
from trunkline_core.errors import Invalid, NotFound, Overloaded, Rejection, Transient, TrunklineError
from trunkline_core.ids import check_id
from trunkline_ledger.submission import ReadToken
from trunkline_platform.credentials import Principal, Role, service_principal
from trunkline_platform.errors_grpc import code_of
from trunkline_platform.grpc_server import current_principal
from trunkline_platform.logs import get_logger
from trunkline_platform.peers import Peer, PeerSession
from trunkline_platform.reads import OwnerReads
from trunkline_platform.sealing import Sealer
from trunkline_platform.wire import duration

from trunkline_channels.adapters.views import contact_view, dial_order, gone_view
from trunkline_channels.application.hub import Gone, Hub, Subscriber, Telling, part_of
from trunkline_channels.application.peers import Peers
from trunkline_channels.application.reasons import reason_of
from trunkline_channels.application.reception import Arrival, Reception
from trunkline_channels.application.steps import ChannelsLedger
from trunkline_channels.application.waits import WaitFigures
from trunkline_channels.domain import commands
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.identity import partition_token
from trunkline_channels.domain.peers import is_anothers
from trunkline_channels.domain.words import CloseReason

log = get_logger(__name__)

MAX_WATCHED = 10_000
REQUESTS_AT_ONCE = 256
OUTGOING = 256
CHAT_EDGE = service_principal("channels", "").actor
_SEES_ALL = frozenset({Role.SUPERVISOR, Role.ADMIN, Role.SERVICE})


class ContactSessions(ContactSessionServiceServicer):
    """Streams of peers."""

    def __init__(self, reception: Reception, hub: Hub, peers: Peers, sealer: Sealer, figures: WaitFigures) -> None:
        self._reception = reception
        self._hub = hub
        self._peers = peers
        self._sealer = sealer
        self._figures = figures

    async def Session(
        self, request_iterator: AsyncIterator[wire.SessionRequest], context: Any
    ) -> AsyncIterator[wire.SessionResponse]:
        """Serve one peer until it goes."""
        principal = current_principal()
        principal.require(Role.GATEWAY, Role.SERVICE)
        hello = await _hello(request_iterator)
        known, peer = _held(hello), Peer(principal.tenant, hello.peer_id)
        peer_session = self._peers.registry.greet(peer, principal.actor, hello.boot_id, known)
        _hear_of(self._peers, principal, hello)
        subscriber = await self._hub.subscribe(principal.tenant, hello.peer_id, known)
        telling = (subscriber, self._reception, self._hub, self._sealer, self._figures)
        session = _Session(principal, peer_session, self._peers, *telling)
        try:
            async for response in session.serve(request_iterator):
                yield response
        finally:
            self._hub.unsubscribe(subscriber)


async def _hello(requests: AsyncIterator[wire.SessionRequest]) -> wire.PeerHello:
    async for request in requests:
        if request.WhichOneof("request") == "hello":
            return request.hello
        break
    raise Invalid("request", "the first must be hello")


def _held(said: wire.PeerHello | wire.PeerHeartbeat) -> dict[str, int] | None:
    """Return the versions of the contacts that the peer has, None where it does not say. Raises: Invalid."""
    if not said.HasField("held"):
        return None
    if len(said.held.contacts) > MAX_WATCHED:
        raise Invalid("held.contacts", f"must be at most {MAX_WATCHED}")
    for contact in said.held.contacts:
        partition_token(contact.contact_id)
    return {contact.contact_id: contact.version for contact in said.held.contacts}


def _hear_of(peers: Peers, principal: Principal, said: wire.PeerHello | wire.PeerHeartbeat) -> None:
    """Note whose pages a console has; a gateway has none. Raises: Invalid."""
    if len(said.supervisor_ids) > MAX_WATCHED:
        raise Invalid("supervisor_ids", f"must be at most {MAX_WATCHED}")
    if principal.is_service:
        peers.hear_of(principal.tenant, said.supervisor_ids)


class _Session:
    """One stream: reads requests, answers them in order per contact, and pushes views."""

    def __init__(
        self,
        principal: Principal,
        peer: PeerSession,
        peers: Peers,
        subscriber: Subscriber,
        reception: Reception,
        hub: Hub,
        sealer: Sealer,
        figures: WaitFigures,
    ) -> None:
        self._principal = principal
        self._peer = peer
        self._peer_id = peer.peer.peer_id
        self._peers = peers
        self._subscriber = subscriber
        self._reception = reception
        self._hub = hub
        self._sealer = sealer
        self._figures = figures
        self._outgoing: asyncio.Queue[wire.SessionResponse | None] = asyncio.Queue(OUTGOING)
        self._slots = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._turns: dict[str, asyncio.Task[None]] = {}

    async def serve(self, requests: AsyncIterator[wire.SessionRequest]) -> AsyncIterator[wire.SessionResponse]:
        """Yield answers and pushes until the peer has no more requests."""
        tasks = [
            asyncio.create_task(self._read(requests), name=f"session-read-{self._peer_id}"),
            asyncio.create_task(self._push(), name=f"session-push-{self._peer_id}"),
        ]
        for task in tasks:
            task.add_done_callback(lambda _: self._end())
        try:
            while (response := await self._outgoing.get()) is not None:
                yield response
            for task in tasks:
                if task.done() and not task.cancelled():
                    task.result()
        finally:
            for task in (*tasks, *self._turns.values()):
                task.cancel()
            await asyncio.gather(*tasks, *self._turns.values(), return_exceptions=True)

    def _end(self) -> None:
        """Make the stream end even where the queue is full: what is in it is not needed any more."""
        while self._outgoing.full():
            self._outgoing.get_nowait()
        self._outgoing.put_nowait(None)

    async def _push(self) -> None:
        while True:
            telling = await self._subscriber.next()
            if isinstance(telling, Telling) and is_anothers(telling.contact, self._principal.actor):
                continue  # it goes by the peer id of a gateway that is gone: neither views nor numbers are for it
            if isinstance(telling, Gone):
                view = gone_view(telling.contact_id, telling.version)
            else:
                view = await self._view(telling)
            await self._outgoing.put(wire.SessionResponse(contact=view))
            if isinstance(telling, Telling) and self._is_to_dial(telling.contact):
                await self._order_to_dial(telling.contact)

    async def _order_to_dial(self, contact: Contact) -> None:
        """Not where the attempt may be over: on a slow stream a newer state waits, and says whether to dial still."""
        order = await dial_order(contact, self._sealer)
        if not self._subscriber.has_more_of(contact.contact_id):
            await self._outgoing.put(wire.SessionResponse(dial=order))

    async def _view(self, telling: Telling) -> ContactView:
        """Gateways and chat edges are the customer's side, also an edge that only watches what another one holds."""
        contact, after, upto = telling.contact, telling.after, telling.upto
        is_customers = contact.peer_id == self._peer_id or self._principal.actor == CHAT_EDGE
        for_agents = Role.SERVICE in self._principal.roles and not is_customers
        figures = self._figures.of(contact)
        return await contact_view(contact, self._sealer, after, upto, figures, for_agents=for_agents)

    def _is_to_dial(self, contact: Contact) -> bool:
        """Only the gateway that brought the caller dials; whoever watches sees no address."""
        return contact.is_to_dial and contact.peer_id == self._peer_id

    async def _read(self, requests: AsyncIterator[wire.SessionRequest]) -> None:
        async for request in requests:
            kind = request.WhichOneof("request")
            self._peer.heard(_held(request.heartbeat) if kind == "heartbeat" else None)
            match kind:
                case "heartbeat":
                    _hear_of(self._peers, self._principal, request.heartbeat)
                case "hello":
                    continue
                case "watch_contacts":
                    await self._watch(request)
                case None:
                    continue  # a request of a newer version
                case _:
                    await self._begin(request, kind)
        await asyncio.gather(*self._turns.values())

    async def _watch(self, request: wire.SessionRequest) -> None:
        contact_ids = request.watch_contacts.contact_ids
        try:
            self._principal.require(Role.SERVICE)  # a gateway is told of its own contacts and of no others
            if len(contact_ids) > MAX_WATCHED:
                raise Invalid("contact_ids", f"must be at most {MAX_WATCHED}")
            for contact_id in contact_ids:
                partition_token(contact_id)
            await self._hub.watch(self._subscriber, contact_ids)
        except TrunklineError as error:
            await self._outgoing.put(_refused(request.command_id, error))

    async def _begin(self, request: wire.SessionRequest, kind: str) -> None:
        """Answer without holding up other contacts; requests of one contact keep their order."""
        await self._slots.acquire()
        contact_id = getattr(getattr(request, kind), "contact_id", request.command_id)
        before = self._turns.get(contact_id)
        task = asyncio.create_task(self._answer(request, kind, before), name=f"session-request-{kind}")
        self._turns[contact_id] = task
        task.add_done_callback(lambda done: self._finish(contact_id, done))

    def _finish(self, contact_id: str, task: asyncio.Task[None]) -> None:
        self._slots.release()
        if self._turns.get(contact_id) is task:
            del self._turns[contact_id]

    async def _answer(self, request: wire.SessionRequest, kind: str, before: asyncio.Task[None] | None) -> None:
        if before is not None:
            await asyncio.wait([before])
        try:
            contact_id = await self._carry_out(request, kind)
            response = wire.SessionResponse(done=wire.RequestDone(command_id=request.command_id, contact_id=contact_id))
        except TrunklineError as error:
            response = _refused(request.command_id, error)
        except Exception:  # the stream's supervisor: one request's defect must not end all other calls of a gateway
            log.exception("request failed", extra={"kind": kind})
            response = _refused(request.command_id, Rejection("Defect"))
        await self._outgoing.put(response)

    async def _carry_out(self, request: wire.SessionRequest, kind: str) -> str:
        """Do what is asked and return the contact it was about. Services only watch. Raises: TrunklineError."""
        self._principal.require(Role.GATEWAY)
        check_id("command_id", request.command_id)
        caller, command_id = self._principal, request.command_id
        if kind == "start_contact":
            start = request.start_contact
            arrival = Arrival(
                entry_point_id=start.entry_point_id,
                address=start.address,
                attributes=dict(start.attributes),
                locale=start.locale or "en",
                peer_id=self._peer_id,
            )
            return await self._reception.start(arrival, caller, command_id)
        if kind == "customer_input":
            given = request.customer_input
            await self._reception.take_input(
                given.contact_id, given.option_id, given.text, caller, command_id, given.node_id
            )
            return given.contact_id
        command = _command(request, kind)
        await self._reception.pass_on(command, caller, command_id)
        return command.contact_id


def _command(request: wire.SessionRequest, kind: str) -> commands.EdgeCommand:
    match kind:
        case "customer_left":
            return commands.CloseContact(request.customer_left.contact_id, CloseReason.CUSTOMER_LEFT, "")
        case "leg_connected":
            joined = request.leg_connected
            return commands.ConfirmConnect(joined.contact_id, joined.segment_no, joined.offer_no, joined.monitoring_no)
        case "leg_failed":
            failed = request.leg_failed
            return commands.RefuseConnect(
                failed.contact_id, failed.segment_no, failed.offer_no, failed.reason, failed.monitoring_no
            )
        case "request_callback":
            wish = request.request_callback
            return commands.RequestCallback(wish.contact_id, _time_of(wish, "not_before_time"))
        case "withdraw_callback":
            return commands.WithdrawCallback(request.withdraw_callback.contact_id)
        case "call_result":
            result = request.call_result
            place = (result.segment_no, result.offer_no)
            return commands.ReportCallResult(result.contact_id, *place, result.outcome, result.reason)
        case _:
            raise Invalid("request", "is unknown")


def _refused(command_id: str, error: TrunklineError) -> wire.SessionResponse:
    refused = wire.RequestRefused(
        command_id=command_id,
        code=code_of(error).value[0],
        reason=reason_of(error),
        message=str(error),
    )
    if isinstance(error, Overloaded | Transient):
        refused.retry_duration.CopyFrom(duration(timedelta(seconds=error.retry_after_s)))
    return wire.SessionResponse(refused=refused)


class ContactReads(ContactReadServiceServicer):
    """Reading one contact with its conversation."""

    def __init__(self, ledger: ChannelsLedger, sealer: Sealer, reads: OwnerReads) -> None:
        self._ledger = ledger
        self._sealer = sealer
        self._reads = reads

    async def GetContact(self, request: wire.GetContactRequest, context: Any) -> wire.GetContactResponse:
        """Return the contact, of a very long conversation the first 512 KiB; an agent sees only contacts of its own.

        Raises: NotFound, Invalid, Transient.
        """
        principal = current_principal()
        principal.require(Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.SERVICE)
        contact_id = request.contact_id
        partition = self._ledger.partition_of(partition_token(contact_id))

        async def read(token: ReadToken | None) -> wire.GetContactResponse:
            contact = await self._ledger.read(partition, lambda state: state.contacts.get(contact_id), token)
            if contact is None or not _may_see(principal, contact):
                raise NotFound("contact", contact_id)
            return await self._shown(contact, principal)

        answer: wire.GetContactResponse = await self._reads.answer(request, partition, read, context.time_remaining())
        return answer

    async def _shown(self, contact: Contact, principal: Principal) -> wire.GetContactResponse:
        view = await contact_view(contact, self._sealer, 0, part_of(contact.messages, 0), for_agents=True)
        if not principal.roles & _SEES_ALL:
            own = [whisper for whisper in view.whispers if principal.actor in _readers(whisper)]
            del view.whispers[:]
            view.whispers.extend(own)
        return wire.GetContactResponse(contact=view)


def _readers(whisper: WhisperView) -> set[str]:
    """Return the actors that may read it; no colleague reads what a supervisor whispers to the agent."""
    return {f"agent:{agent_id}" for agent_id in (whisper.agent_id, whisper.colleague_id) if agent_id}


def _may_see(principal: Principal, contact: Contact) -> bool:
    if contact.tenant != principal.tenant:
        return False
    asked = contact.consultation
    own = {*contact.agent_ids, *((asked.agent_id,) if asked and asked.offer_no else ())}
    return bool(principal.roles & _SEES_ALL) or principal.actor in {f"agent:{agent_id}" for agent_id in own}


def _time_of(request: Any, field: str) -> datetime | None:
    """Return a time, None where it is unset. Raises: Invalid, where there is no such time."""
    if not request.HasField(field):
        return None
    try:
        found: datetime = getattr(request, field).ToDatetime(tzinfo=UTC)
    except ValueError:
        raise Invalid(field, "must be a time between the years 1 and 9999") from None
    return found
