"""Execute, once for all areas: a command goes to the owner of its partition and its events come back.

`<Area>CommandService` has the same shape in every area, `Execute` for one command and `ExecuteStream` for many, so
server and client work from its descriptor, e.g. `acd_service_pb2.DESCRIPTOR.services_by_name["AcdCommandService"]`.

Owns: deduplication key and payload hash of a request, the one hop to the owner, repeating with the same id.
Must not: know a rule, or take a tenant from anywhere but the credential.
"""

import asyncio
import hashlib
import hmac
import os
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final, Generic, TypeVar

import grpc
from trunkline.common.v1.common_types_pb2 import ReadToken
from trunkline_core.errors import Invalid, Misconfigured, Transient
from trunkline_core.ids import check_id
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import Committed, Lane, NotOwner, Submission

from trunkline_platform.command_streams import CommandStreamServer
from trunkline_platform.credentials import Credentials, Principal, derive
from trunkline_platform.grpc_client import Channels, Method
from trunkline_platform.grpc_server import current_principal
from trunkline_platform.metrics import COMMANDS_FORWARDED
from trunkline_platform.wire import EventWire

C = TypeVar("C")
E = TypeVar("E")

MAX_REQUEST_BYTES: Final = 256 * 1024
"""More than any command may have (the ledger's 48 KiB), and far less than one gRPC message."""
MAX_HASH_BYTES: Final = 64
ATTEMPT_S: Final = 2.5
RETRY_S: Final = 0.2


def new_command_id(now_s: float | None = None) -> str:
    """Return a fresh UUIDv7 (RFC 9562); `now_s` is Unix time in seconds."""
    milliseconds = int((time.time() if now_s is None else now_s) * 1000)
    noise = int.from_bytes(os.urandom(10), "big")
    number = (milliseconds & (2**48 - 1)) << 80 | noise
    number = number & ~(0xF << 76) | 0x7 << 76  # version
    number = number & ~(0x3 << 62) | 0x2 << 62  # variant
    return str(uuid.UUID(int=number))


class CommandServer(Generic[C, E]):
    """The server side of one area."""

    def __init__(
        self,
        service: Any,
        ledger: Ledger[Any, C, E],
        wire: EventWire[C, E],
        *,
        key_of: Callable[[C, str], str],
        lane_of: Callable[[C], Lane],
        credentials: Credentials,
        channels: Channels,
        secret: bytes,
        address: str,
        permit: Callable[[C, Principal], None] | None = None,
    ) -> None:
        """Wire the server.

        Args:
            service: descriptor of the area's command service.
            key_of: `(command, tenant) → record key`, e.g. `rd_<tenant>`; may raise Invalid.
            lane_of: which lane a command waits in.
            secret: the installation's; keys the payload hash.
            address: our own, so that we never forward to ourselves.
            permit: raises Forbidden for a principal that may not send this command; by default everybody may.
        """
        self._method = Method(service.methods_by_name["Execute"])
        self._stream = Method(service.methods_by_name["ExecuteStream"])
        self._ledger = ledger
        self._wire = wire
        self._key_of = key_of
        self._lane_of = lane_of
        self._credentials = credentials
        self._channels = channels
        self._payload_key = derive(secret, "payload")
        self._address = address
        self._permit = permit or _everybody

    def handler(self) -> grpc.GenericRpcHandler:  # type: ignore[type-arg]  # generic in the stubs only
        """Return what `GrpcServer.add` takes."""
        execute = grpc.unary_unary_rpc_method_handler(
            self._execute,
            request_deserializer=self._method.request.FromString,
            response_serializer=self._method.response.SerializeToString,
        )
        many = grpc.stream_stream_rpc_method_handler(
            CommandStreamServer(self._stream, self.execute, self._credentials).serve,
            request_deserializer=self._stream.request.FromString,
            response_serializer=self._stream.response.SerializeToString,
        )
        return grpc.method_handlers_generic_handler(
            self._method.service, {self._method.name: execute, self._stream.name: many}
        )

    async def _execute(self, request: Any, context: Any) -> Any:
        return await self.execute(request, current_principal(), context.time_remaining())

    async def execute(self, request: Any, principal: Principal, timeout_s: float) -> Any:
        """Carry out an ExecuteRequest for the principal and return its ExecuteResponse. Raises: TrunklineError."""
        submission = self._submission(request, principal, timeout_s)
        try:
            committed = await self._ledger.submit(submission)
        except NotOwner as elsewhere:
            if request.forwarded or elsewhere.owner is None or elsewhere.owner.address == self._address:
                raise
            return await self._forward(request, principal, elsewhere.owner.address, submission)
        return self._response(committed)

    def _submission(self, request: Any, principal: Principal, timeout_s: float) -> Submission[C]:
        """Raises: Invalid, Forbidden."""
        if request.ByteSize() > MAX_REQUEST_BYTES:  # forwarded, it would break the stream that all commands share
            raise Invalid("command", f"must have at most {MAX_REQUEST_BYTES} bytes with its ids")
        if len(request.payload_hash) > MAX_HASH_BYTES:
            raise Invalid("payload_hash", f"must have at most {MAX_HASH_BYTES} bytes")
        check_id("command_id", request.command_id)
        for field in ("correlation_id", "causation_id"):
            if value := getattr(request, field):
                check_id(field, value)
        command = self._wire.command_from_message(request.command)
        self._permit(command, principal)
        return Submission(
            command=command,
            key=self._key_of(command, principal.tenant),
            command_id=request.command_id,
            tenant=principal.tenant,
            actor=principal.actor,
            lane=self._lane_of(command),
            payload_hash=b"" if principal.is_service else request.payload_hash or self._hash(command),
            correlation_id=request.correlation_id,
            causation_id=request.causation_id,
            timeout=timedelta(seconds=timeout_s),
            received_monotonic=time.monotonic(),
        )

    def _hash(self, command: C) -> bytes:
        return hmac.new(self._payload_key, self._wire.encode_command(command), hashlib.sha256).digest()

    async def _forward(self, request: Any, principal: Principal, address: str, submission: Submission[C]) -> Any:
        """One hop to the owner that the marker names, with what is left of the time."""
        COMMANDS_FORWARDED.labels(self._ledger.service.name).inc()
        assert submission.timeout is not None and submission.received_monotonic is not None
        left_s = submission.timeout.total_seconds() - (time.monotonic() - submission.received_monotonic)
        onward = self._method.request()
        onward.CopyFrom(request)
        onward.forwarded = True
        token = self._credentials.issue(principal)
        stream = self._channels.commands(address, self._stream)
        return await stream.execute(onward, asker=principal, token=token, timeout_s=max(left_s, 0.001))

    def _response(self, committed: Committed[E]) -> Any:
        events = [self._wire.event_to_message(found.event, found.metadata) for found in committed.events]
        for event in events:
            event.metadata.ClearField("command")  # the caller knows it, and it may be long
        token = committed.token
        position = ReadToken(partition=token.partition, offset=token.offset, epoch=token.epoch)
        return self._method.response(events=events, token=position)


class CommandClient:
    """The client side of one area: any replica will do, and a repetition carries the same id."""

    def __init__(self, service: Any, addresses: Sequence[str], credentials: Credentials, channels: Channels) -> None:
        """`service` is the descriptor of the area's command service; `addresses` are host:port of its replicas."""
        if not addresses:
            raise Misconfigured(f"No address of {service.full_name} is set.")
        self._request = Method(service.methods_by_name["Execute"]).request
        self._stream = Method(service.methods_by_name["ExecuteStream"])
        self._addresses = list(addresses)
        self._credentials = credentials
        self._channels = channels
        self._next = 0

    async def execute(self, command: Any, principal: Principal, **options: Any) -> list[Any]:
        """Send the area's command message and return its event messages; see `send`."""
        return list((await self.send(command, principal, **options)).events)

    async def send(
        self,
        command: Any,
        principal: Principal,
        *,
        command_id: str | None = None,
        correlation_id: str = "",
        causation_id: str = "",
        payload_hash: bytes = b"",
        timeout_s: float = 5.0,
    ) -> Any:
        """Return the ExecuteResponse; repeats within `timeout_s` while the outcome is open.

        Without `command_id` a fresh one is made: then only this call's own repetitions are recognised.
        Raises: whatever the server raised; Transient when the outcome is still open at the end.
        """
        request = self._request(
            command_id=command_id or new_command_id(),
            command=command,
            correlation_id=correlation_id,
            causation_id=causation_id,
            payload_hash=payload_hash,
        )
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                return await self._attempt(request, principal, deadline - time.monotonic())
            except Transient as trouble:
                self._next += 1
                pause_s = min(trouble.retry_after_s, RETRY_S)
                if time.monotonic() + pause_s >= deadline:
                    raise
                await asyncio.sleep(pause_s)

    async def _attempt(self, request: Any, principal: Principal, left_s: float) -> Any:
        """One try at one replica; a replica that hangs costs only a part of the time."""
        stream = self._channels.commands(self._addresses[self._next % len(self._addresses)], self._stream)
        token = self._credentials.issue(principal)
        return await stream.execute(request, asker=principal, token=token, timeout_s=min(left_s, ATTEMPT_S))


def _everybody(command: object, principal: Principal) -> None:
    """Any principal of the tenant may send any command."""
