"""Peers: gateways, chat edges and consoles that hold one `Session` stream to every replica of a service.

Owns: who was heard when and what it says it has, who and what counts as lost, and on the other side one living stream
per replica. Must not: know messages; heartbeats are not events, only a loss is a command.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

import grpc
from trunkline_core.errors import Invalid, Rejection, Transient, TrunklineError
from trunkline_core.ids import check_id
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import Lane, Submission

from trunkline_platform.credentials import TOKEN_KEY, Credentials, Forbidden, Principal
from trunkline_platform.errors_grpc import error_from_rpc
from trunkline_platform.grpc_client import Channels, Method
from trunkline_platform.logs import get_logger

log = get_logger(__name__)

S = TypeVar("S")
C = TypeVar("C")

SILENCE_S: Final = 10.0
BOUND_S: Final = 60.0  # longer than it takes to lose a silent peer: nobody inherits what it held
HEARTBEAT_S: Final = 3.0
LOOK_S: Final = 1.0
DEAF_S: Final = 5.0  # with the heartbeat before it still less than the silence
LOST_AT_ONCE: Final = 100  # all records of one command lie in one batch (ledger rule 6)
MAX_BOOT_ID: Final = 64
MAX_UNSENT: Final = 1_000
BACK_OFF_S: Final = (0.1, 0.2, 0.5, 1.0)


class Peer(NamedTuple):
    """Who holds something. Two tenants' peers of the same name are two."""

    tenant: str
    peer_id: str


class PeerSession:
    """One start of a peer's process, over all its streams to this replica; made by `PeerRegistry.greet`."""

    def __init__(self, registry: "PeerRegistry", peer: Peer, actor: str, boot_id: str) -> None:
        self._registry = registry
        self.peer = peer
        self.actor = actor
        self.boot_id = boot_id
        self.heard_s = 0.0
        self.held: frozenset[str] | None = None

    def heard(self, held: Iterable[str] | None = None, now_s: float | None = None) -> None:
        """The peer said something, perhaps what it has now. Raises: Rejection(`PeerReplaced`); Forbidden."""
        self._registry.admit(self)
        self.heard_s = time.monotonic() if now_s is None else now_s
        if held is not None:
            self.held = frozenset(held)


class PeerRegistry:
    """When this replica last heard each peer, in monotonic seconds, and what the peer said it has."""

    def __init__(self) -> None:
        self._sessions: dict[Peer, PeerSession] = {}

    def greet(
        self,
        peer: Peer,
        actor: str,
        boot_id: str = "",
        held: Iterable[str] | None = None,
        now_s: float | None = None,
    ) -> PeerSession:
        """A stream of the peer began; return its session, the same for all streams of one start of its process.

        Args:
            actor: from the credential. The peer id stays its own until a minute after its last word.
            boot_id: sorts by time; what an older start held and `held` does not name is lost after 10 s.
            held: ids of what the peer has; None where it does not say.

        Raises: Invalid; Forbidden when another actor has the peer id; Rejection(`PeerReplaced`) for an older start.
        """
        _check_greeting(peer, boot_id, held)
        known = self._sessions.get(peer)
        is_same = known is not None and (known.actor, known.boot_id) == (actor, boot_id)
        session = known if known is not None and is_same else PeerSession(self, peer, actor, boot_id)
        session.heard(held, now_s)
        return session

    def admit(self, session: PeerSession) -> None:
        """Take the session as the peer's, unless it is not. Raises: Rejection(`PeerReplaced`); Forbidden."""
        known = self._sessions.get(session.peer)
        if known is not None and known is not session:
            if known.actor != session.actor:
                raise Forbidden("the peer id is another actor's")
            if known.boot_id > session.boot_id:
                raise Rejection("PeerReplaced")
        self._sessions[session.peer] = session

    def lost(self, known: Iterable[Peer], now_s: float, opened_s: float) -> set[Peer]:
        """Return which of the peers that a partition's rows refer to are lost.

        A peer is lost after 10 s of silence, and never within 10 s of `opened_s`, when this replica took the partition
        over: the peer may have talked to the owner before.
        """
        if now_s - opened_s < SILENCE_S:
            return set()
        return {peer for peer in known if now_s - self._heard_s(peer, opened_s) >= SILENCE_S}

    def there(self, now_s: float) -> list[PeerSession]:
        """Return the sessions of peers that are not silent and said what they have."""
        return [
            session
            for session in self._sessions.values()
            if session.held is not None and now_s - session.heard_s < SILENCE_S
        ]

    def unnamed(self, peer: Peer, ids: Iterable[str]) -> list[str]:
        """Return which of the ids the peer does not name; none where it does not say what it has."""
        session = self._sessions.get(peer)
        held = None if session is None else session.held
        return [] if held is None else [row_id for row_id in ids if row_id not in held]

    def was_deaf(self, now_s: float) -> None:
        """Nothing was heard for a while because nobody listened here: every silence begins anew."""
        for session in self._sessions.values():
            session.heard_s = max(session.heard_s, now_s)

    def forget_silent(self, now_s: float) -> None:
        """Drop peers that have been silent for so long that `lost` says the same without them."""
        self._sessions = {peer: found for peer, found in self._sessions.items() if now_s - found.heard_s < BOUND_S}

    def _heard_s(self, peer: Peer, opened_s: float) -> float:
        session = self._sessions.get(peer)
        return opened_s if session is None else session.heard_s


class PeerWatch(Generic[S, C]):
    """Submits the loss of peers, and of what they have no more, for the partitions that this replica owns."""

    def __init__(
        self,
        ledger: Ledger[Any, C, Any],
        registry: PeerRegistry,
        *,
        held_of: Callable[[S], Mapping[Peer, Collection[str]]],
        lose: Callable[[Peer, tuple[str, ...]], tuple[str, C]],
    ) -> None:
        """Watch over a ledger's peers.

        Args:
            held_of: `state → ids by peer` of all live rows that refer to a peer; read once a second.
            lose: `(peer, ids) → (record key, command)`, at most 100 ids, none for all that the peer holds; the command
                must end every reference, or it is repeated.
        """
        self._ledger = ledger
        self._registry = registry
        self._held_of = held_of
        self._lose = lose
        self._opened: dict[int, float] = {}
        self._interrupted: dict[int, tuple[float, float]] = {}  # since when it was ours, and until when
        self._looking: set[int] = set()
        self._unnamed: dict[int, dict[tuple[Peer, str], float]] = {}  # since when, by partition
        ledger.on_owned(self._on_owned)
        ledger.on_lost(self._on_lost)

    async def run(self) -> None:
        """Look once a second until cancelled; a partition that does not answer holds up no other."""
        before_s = time.monotonic()
        async with asyncio.TaskGroup() as looks:
            while True:
                await asyncio.sleep(LOOK_S)
                now_s = time.monotonic()
                if now_s - before_s >= DEAF_S:
                    self._was_deaf(now_s)
                before_s = now_s
                for partition in sorted(self._opened.keys() - self._looking):
                    self._looking.add(partition)
                    look = self._look_or_tell(partition, self._opened[partition], now_s)
                    looks.create_task(look, name=f"peers-look-{partition}")
                self._registry.forget_silent(now_s)

    def _was_deaf(self, now_s: float) -> None:
        """The process stood still: what was said meanwhile is not read yet, so nobody was silent."""
        self._registry.was_deaf(now_s)
        self._unnamed.clear()

    async def _look_or_tell(self, partition: int, opened_s: float, now_s: float) -> None:
        try:
            await self._look(partition, opened_s, now_s)
        except TrunklineError as error:
            log.info("lost peer not booked", extra={"partition": partition, "reason": type(error).__name__})
        finally:
            self._looking.discard(partition)

    async def _look(self, partition: int, opened_s: float, now_s: float) -> None:
        held = await self._ledger.read(partition, self._held_of)
        lost = self._registry.lost(held, now_s, opened_s)
        for peer in sorted(lost):
            for _ in range(0, len(held[peer]), LOST_AT_ONCE):  # all of a large gateway's, not 100 a second
                if self._registry.lost({peer}, now_s, opened_s):  # it may come back meanwhile
                    await self._submit(partition, peer, ())
        there = {peer: ids for peer, ids in held.items() if peer not in lost}
        for peer, ids in self._given_up(partition, there, now_s):
            await self._submit(partition, peer, ids)

    def _given_up(
        self, partition: int, held: Mapping[Peer, Collection[str]], now_s: float
    ) -> Iterator[tuple[Peer, tuple[str, ...]]]:
        """What a peer did not name for 10 s, while it was there: not naming is falling silent about it."""
        before = self._unnamed.get(partition, {})
        names = ((peer, row_id) for peer, ids in held.items() for row_id in self._registry.unnamed(peer, ids))
        since = self._unnamed[partition] = {name: before.get(name, now_s) for name in names}
        for peer in sorted(held):
            ids = sorted(row_id for (of, row_id), at in since.items() if of == peer and now_s - at >= SILENCE_S)
            for begin in range(0, len(ids), LOST_AT_ONCE):
                yield peer, tuple(ids[begin : begin + LOST_AT_ONCE])

    async def _submit(self, partition: int, peer: Peer, ids: tuple[str, ...]) -> None:
        key, command = self._lose(peer, ids)
        await self._ledger.submit(_loss(partition, key, peer.tenant, command))

    def _on_owned(self, partition: int) -> None:
        """An epoch soon after our own is no take-over (an append timed out, ledger rule 10): the silence was ours to
        hear. Otherwise epochs of less than 10 s, as under load, would keep the dead alive."""
        now_s = time.monotonic()
        opened_s, lost_s = self._interrupted.pop(partition, (now_s, now_s))
        is_new = now_s - lost_s >= SILENCE_S
        self._opened[partition] = now_s if is_new else opened_s
        if is_new:
            self._unnamed.pop(partition, None)

    def _on_lost(self, partition: int) -> None:
        if (opened_s := self._opened.pop(partition, None)) is not None:
            self._interrupted[partition] = (opened_s, time.monotonic())


def _check_greeting(peer: Peer, boot_id: str, held: Iterable[str] | None) -> None:
    """Raises: Invalid."""
    check_id("peer_id", peer.peer_id)
    if len(boot_id) > MAX_BOOT_ID:
        raise Invalid("boot_id", f"must have at most {MAX_BOOT_ID} characters")
    if boot_id and held is None:
        raise Invalid("held", "must be set with a boot id")


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
            greeting: request messages that open each stream, also again: hello with what it has, then the watch set.
            heartbeat: makes a request message, sent every 3 s; it also tells what the peer has now.
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
            beats = _Beats()
            while True:
                await call.write(await self._next(unsent, beats))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            pass  # the stream is over; the reading side learns why and begins again
        except Exception as error:  # a callback's defect: end the stream, or it would stay without heartbeats
            log.error("peer cannot write", extra={"replica": address}, exc_info=error)
            await call.done_writing()

    async def _next(self, unsent: "asyncio.Queue[Any]", beats: "_Beats") -> Any:
        """Return what is asked for, or a heartbeat when one is due, however much is asked for."""
        try:
            return await asyncio.wait_for(unsent.get(), beats.due_in_s())
        except TimeoutError:
            beats.begin_again()
            return self._heartbeat()


class _Beats:
    """When a stream's next heartbeat is due."""

    def __init__(self) -> None:
        self._due_s = time.monotonic() + HEARTBEAT_S

    def due_in_s(self) -> float:
        return max(0.0, self._due_s - time.monotonic())

    def begin_again(self) -> None:
        self._due_s = time.monotonic() + HEARTBEAT_S


def _ignore(address: str) -> None:
    """Nobody wants to know."""
