"""Channels to other replicas and services: quick to come back, and never without a deadline.

Owns: one channel per address and on it one stream of commands per area; credential and error mapping of calls.
Must not: know an area's messages.
"""

import asyncio
from typing import Any, Final

import grpc
from google.protobuf.message_factory import GetMessageClass

from trunkline_platform.command_streams import CommandStream
from trunkline_platform.credentials import TOKEN_KEY, Credentials, Principal
from trunkline_platform.errors_grpc import error_from_rpc

MAX_MESSAGE_BYTES: Final = 1024 * 1024
OPTIONS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.use_local_subchannel_pool", 1),
)


class Channels:
    """Open channels by address (host:port); made when first asked for, closed together."""

    def __init__(self) -> None:
        self._open: dict[str, grpc.aio.Channel] = {}
        self._commands: dict[tuple[str, str], CommandStream] = {}

    def to(self, address: str) -> grpc.aio.Channel:
        """Return the channel to the address."""
        channel = self._open.get(address)
        if channel is None:
            channel = self._open[address] = grpc.aio.insecure_channel(address, options=OPTIONS)
        return channel

    def commands(self, address: str, method: "Method") -> CommandStream:
        """Return the one stream of an area's commands to the address; `method` is its ExecuteStream."""
        stream = self._commands.get((address, method.path))
        if stream is None:
            stream = self._commands[address, method.path] = CommandStream(self.to(address), method)
        return stream

    async def close(self) -> None:
        """End all channels and their running calls."""
        streams, channels = list(self._commands.values()), list(self._open.values())
        self._commands.clear()
        self._open.clear()
        await asyncio.gather(*(stream.close() for stream in streams))
        await asyncio.gather(*(channel.close(None) for channel in channels))


class Method:
    """One RPC, found by its descriptor: no generated stub is needed."""

    def __init__(self, descriptor: Any) -> None:
        """`descriptor` is protobuf's MethodDescriptor."""
        self.service: str = descriptor.containing_service.full_name
        self.name: str = descriptor.name
        self.path = f"/{self.service}/{self.name}"
        self.request: Any = GetMessageClass(descriptor.input_type)
        self.response: Any = GetMessageClass(descriptor.output_type)

    async def call(self, channel: grpc.aio.Channel, request: Any, *, token: str, timeout_s: float) -> Any:
        """Return the response of a unary RPC. Raises: a TrunklineError, what the server raised or Transient."""
        call = channel.unary_unary(
            self.path,
            request_serializer=self.request.SerializeToString,
            response_deserializer=self.response.FromString,
        )
        try:
            return await call(request, timeout=timeout_s, metadata=((TOKEN_KEY, token),))
        except grpc.aio.AioRpcError as error:
            raise error_from_rpc(error) from error


def token_metadata(credentials: Credentials, principal: Principal) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call on behalf of the principal, for generated stubs."""
    return ((TOKEN_KEY, credentials.issue(principal)),)
