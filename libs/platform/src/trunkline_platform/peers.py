"""Peers: gateways, chat edges and consoles that hold one `Session` stream to every replica of a service.

Owns: who was heard when, who counts as lost, and on the other side one living stream per replica.
Must not: know messages; heartbeats are not events, only the loss of a peer is a command.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

import grpc
from trunkline_core.errors import Transient, TrunklineError
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import Lane, Submission

from trunkline_platform.credentials import TOKEN_KEY, Credentials, Principal
from trunkline_platform.errors_grpc import error_from_rpc
from trunkline_platform.grpc_client import Channels, Method
from trunkline_platform.logs import get_logger

log = get_logger(__name__)

S = TypeVar("S")
C = TypeVar("C")

SILENCE_S: Final = 10.0
HEARTBEAT_S: Final = 3.0
LOOK_S: Final = 1.0
MAX_UNSENT: Final = 1_000
BACK_OFF_S: Final = (0.1, 0.2, 0.5, 1.0)


class PeerRegistry:
    """When this replica last heard each peer, in monotonic seconds."""

    def __init__(self) -> None:
        self._heard: dict[str, float] = {}

    def heard(self, peer_id: str, now_s: float | None = None) -> None:
        """A hello, a heartbeat or any other request of the peer arrived."""
        self._heard[peer_id] = time.monotonic() if now_s is None else now_s

    def lost(self, known: Iterable[str], now_s: float, opened_s: float) -> set[str]:
        """Return which of the peers that a partition's rows refer to are lost.

        A peer is lost after 10 s of silence, and never within 10 s of `opened_s`, when this replica took the partition
        over: the peer may have talked to the owner before.
        """
        if now_s - opened_s < SILENCE_S:
            return set()
        return {peer_id for peer_id in known if now_s - self._heard.get(peer_id, opened_s) >= SILENCE_S}

    def forget_silent(self, now_s: float) -> None:
        """Drop peers that have been silent for so long that `lost` says the same without them."""
        self._heard = {peer_id: at for peer_id, at in self._heard.items() if now_s - at < SILENCE_S}


class PeerWatch(Generic[S, C]):
    """Submits the loss of peers for the partitions that this replica owns."""

    def __init__(
        self,
        ledger: Ledger[Any, C, Any],
        registry: PeerRegistry,
        *,
        peers_of: Callable[[S], Iterable[tuple[str, str]]],
        lose: Callable[[str, str], tuple[str, C]],
    ) -> None:
        """Watch over a ledger's peers.

        Args:
            peers_of: `state → (tenant, peer_id)` of all live rows that refer to a peer; read once a second.
            lose: `(tenant, peer_id) → (record key, command)`; the command must end every reference, or it is repeated.
        """
        self._ledger = ledger
        self._registry = registry
        self._peers_of = peers_of
        self._lose = lose
        self._opened: dict[int, float] = {}
        ledger.on_owned(self._on_owned)
        ledger.on_lost(self._on_lost)

    async def run(self) -> None:
        """Look once a second until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_s = time.monotonic()
            for partition, opened_s in list(self._opened.items()):
                try:
                    await self._look(partition, opened_s, now_s)
                except TrunklineError as error:
                    log.info("lost peer not booked", extra={"partition": partition, "reason": type(error).__name__})
            self._registry.forget_silent(now_s)

    async def _look(self, partition: int, opened_s: float, now_s: float) -> None:
        known = set(await self._ledger.read(partition, lambda state: list(self._peers_of(state))))
        lost = self._registry.lost({peer_id for _, peer_id in known}, now_s, opened_s)
        for tenant, peer_id in sorted(known):
            if peer_id in lost:
                key, command = self._lose(tenant, peer_id)
                await self._ledger.submit(_loss(partition, key, tenant, command))

    def _on_owned(self, partition: int) -> None:
        self._opened[partition] = time.monotonic()

    def _on_lost(self, partition: int) -> None:
        self._opened.pop(partition, None)


def _loss(partition: int, key: str, tenant: str, command: C) -> Submission[C]:
    return Submission(
        command=command,
        key=key,
        partition=partition,
        command_id=f"lose-peer/{uuid.uuid4().hex}",
        tenant=tenant,
        actor="system",
        lane=Lane.INTERNAL,
    )


class PeerClient:
    """A peer's side: one stream to each replica, kept alive; whatever any replica pushes goes to one callback.

    Every replica pushes for the partitions it owns. Pushes carry whole states with versions: the receiver keeps the
    highest of each id.
    """

    def __init__(
        self,
        method: Any,
        addresses: Sequence[str],
        credentials: Credentials,
        principal: Principal,
        channels: Channels,
        *,
        greeting: Callable[[], Sequence[Any]],
        heartbeat: Callable[[], Any],
        on_push: Callable[[Any], None],
        on_connected: Callable[[str], None] | None = None,
    ) -> None:
        """Prepare a peer.

        Args:
            method: protobuf's descriptor of the bidirectional `Session` RPC.
            greeting: request messages that open each stream, also again: hello, then the present watch set.
            heartbeat: request message sent after 3 s without another one.
            on_push: called with each response message; must be quick and not raise.
            on_connected: called with the replica's address after its first answer or heartbeat went through.
        """
        self._method = Method(method)
        self._credentials = credentials
        self._principal = principal
        self._channels = channels
        self._greeting = greeting
        self._heartbeat = heartbeat
        self._on_push = on_push
        self._on_connected = on_connected or _ignore
        self._addresses = list(dict.fromkeys(addresses))
        self._unsent: dict[str, asyncio.Queue[Any]] = {}
        self._turn = 0

    @property
    def live(self) -> list[str]:
        """Addresses of replicas to which a stream is open."""
        return list(self._unsent)

    def send(self, request: Any) -> None:
        """Send on one of the open streams, the next one each time, so that a repetition takes another way.

        Raises: Transient when no stream is open or takes more.
        """
        streams = list(self._unsent.values())
        for offset in range(len(streams)):
            stream = streams[(self._turn + offset) % len(streams)]
            if not stream.full():
                self._turn += offset + 1
                stream.put_nowait(request)
                return
        raise Transient("no replica is connected", retry_after_s=0.2)

    def broadcast(self, request: Any) -> None:
        """Send on every open stream, for example a new watch set; the others get it from `greeting`."""
        for stream in self._unsent.values():
            with contextlib.suppress(asyncio.QueueFull):  # a stream that is so far behind breaks and greets again
                stream.put_nowait(request)

    async def run(self) -> None:
        """Keep all streams alive until cancelled."""
        async with asyncio.TaskGroup() as group:
            for address in self._addresses:
                group.create_task(self._keep(address), name=f"peer-{address}")

    async def _keep(self, address: str) -> None:
        attempt = 0
        while True:
            began = time.monotonic()
            try:
                await self._stream(address)
            except grpc.aio.AioRpcError as error:
                log.info("stream lost", extra={"replica": address, "reason": type(error_from_rpc(error)).__name__})
            attempt = 0 if time.monotonic() - began > SILENCE_S else attempt + 1
            await asyncio.sleep(BACK_OFF_S[min(attempt, len(BACK_OFF_S) - 1)])

    async def _stream(self, address: str) -> None:
        open_stream: Any = self._channels.to(address).stream_stream(
            self._method.path,
            request_serializer=self._method.request.SerializeToString,
            response_deserializer=self._method.response.FromString,
        )
        call = open_stream(metadata=((TOKEN_KEY, self._credentials.issue(self._principal)),))
        writing = asyncio.create_task(self._write(call, address), name=f"peer-write-{address}")
        try:
            async for response in call:
                self._on_push(response)
        finally:
            self._unsent.pop(address, None)
            call.cancel()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _write(self, call: Any, address: str) -> None:
        """Greet, then send what is asked for, or a heartbeat."""
        try:
            await call.wait_for_connection()
            unsent = self._unsent[address] = asyncio.Queue(MAX_UNSENT)
            for request in self._greeting():
                await call.write(request)
            self._on_connected(address)
            while True:
                await call.write(await self._next(unsent))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass  # the stream is over; the reading side learns why and begins again
        except Exception as error:  # a callback's defect: end the stream, or it would stay without heartbeats
            log.error("peer cannot write", extra={"replica": address}, exc_info=error)
            await call.done_writing()

    async def _next(self, unsent: "asyncio.Queue[Any]") -> Any:
        try:
            return await asyncio.wait_for(unsent.get(), HEARTBEAT_S)
        except TimeoutError:
            return self._heartbeat()


def _ignore(address: str) -> None:
    """Nobody wants to know."""
