"""The gRPC server of a service: authentication, error mapping, health and bounds, the same for every RPC.

Owns: that no RPC runs without a verified principal, that every expected failure leaves as a typed status, and that a
defect leaves as INTERNAL without its text. Must not: know an area's messages.
"""

import asyncio
import contextlib
import inspect
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from trunkline_core.errors import Invalid, Misconfigured, Transient, TrunklineError
from trunkline_ledger.submission import Defect

from trunkline_platform.credentials import TOKEN_KEY, Credentials, Principal, Unauthenticated
from trunkline_platform.errors_grpc import abort, code_of
from trunkline_platform.logs import bound, get_logger
from trunkline_platform.metrics import RPC_SECONDS, RPC_STREAMS

log = get_logger(__name__)

MAX_MESSAGE_BYTES: Final = 1024 * 1024
GRACE_S: Final = 2.0
OPEN_SERVICES: Final = ("/grpc.health.v1.Health/", "/grpc.reflection.")
OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.so_reuseport", 0),  # a second process on the port is a mistake, not a second listener
)

_principal: ContextVar[Principal] = ContextVar("trunkline_principal")


def current_principal() -> Principal:
    """Return who calls the running RPC. Raises: Unauthenticated outside of one."""
    try:
        return _principal.get()
    except LookupError:
        raise Unauthenticated("no credential") from None


class GrpcServer:
    """One listening server. Register services on `server` before `start`."""

    def __init__(self, credentials: Credentials, host: str, port: int) -> None:
        """`port` 0 takes any free one."""
        self._edge = _Edge(credentials)
        self.server = grpc.aio.server(interceptors=[self._edge], options=OPTIONS)
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the stubs do not know it
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.server)
        self._host = host
        self.port = self._bind(port)

    @property
    def address(self) -> str:
        """host:port on which it listens."""
        return f"{self._host}:{self.port}"

    def add(self, *handlers: "grpc.GenericRpcHandler[Any, Any]") -> None:
        """Register generic handlers, for example of a `CommandServer`."""
        self.server.add_generic_rpc_handlers(handlers)

    async def start(self) -> None:
        """Begin to serve; health says NOT_SERVING until `set_serving`."""
        await self.set_serving(False)
        await self.server.start()

    async def set_serving(self, serving: bool) -> None:
        """Tell health checks whether to send requests here."""
        status = health_pb2.HealthCheckResponse
        await self._health.set("", status.SERVING if serving else status.NOT_SERVING)

    async def stop(self) -> None:
        """Refuse new RPCs, end streams at once, give the others 2 s, end the rest.

        A stream never ends by itself; waiting for it would only delay that another replica takes over. Whoever held one
        connects elsewhere, and repeats what was not answered.
        """
        await self._health.enter_graceful_shutdown()
        stopping = asyncio.ensure_future(self.server.stop(GRACE_S))
        await asyncio.sleep(0)  # it refuses new ones before the old ones end
        self._edge.end_streams()
        await stopping

    def _bind(self, port: int) -> int:
        try:
            return self.server.add_insecure_port(f"{self._host}:{port}")
        except RuntimeError:
            raise Misconfigured(f"The gRPC port {self._host}:{port} cannot be opened: is it in use?") from None


class _Edge(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]  # generic in the stubs only
    """Wraps every handler; health and reflection stay open."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self._wrapped: dict[str, Any] = {}
        self._streams: set[asyncio.Task[Any]] = set()
        self._is_ending = False

    def end_streams(self) -> None:
        """The server stops: whoever holds a stream learns it now."""
        self._is_ending = True
        for task in self._streams:
            task.cancel()

    async def intercept_service(self, continuation: Callable[..., Awaitable[Any]], call: Any) -> Any:
        known = self._wrapped.get(call.method)
        if known is not None:
            return known
        handler = await continuation(call)
        if handler is None or call.method.startswith(OPEN_SERVICES):
            return handler
        wrap = self._stream if handler.response_streaming else self._unary
        found = self._wrapped[call.method] = _rebuilt(handler, wrap(_behaviour(handler), call.method))
        return found

    def _unary(self, behaviour: Callable[..., Awaitable[Any]], method: str) -> Any:
        async def handle(request: Any, context: Any) -> Any:
            started = time.monotonic()
            code = "OK"
            try:
                principal = self._verified(context)
                if context.time_remaining() is None:
                    raise Invalid("deadline", "must be set")
                with bound(principal.tenant, getattr(request, "correlation_id", "")):
                    return await behaviour(request, context)
            except TrunklineError as error:
                code = code_of(error).name
                _log_defect(method, error)
                await abort(context, error)
            except asyncio.CancelledError:
                code = "CANCELLED"
                raise
            except Exception as error:  # the edge's supervisor: a defect leaves without its text
                code = "INTERNAL"
                await _abort_defect(context, method, error)
            finally:
                RPC_SECONDS.labels(method, code).observe(time.monotonic() - started)

        return handle

    def _stream(self, behaviour: Callable[..., Any], method: str) -> Any:
        if not inspect.isasyncgenfunction(behaviour):
            raise TypeError(f"{method} must be an async generator")

        async def handle(request: Any, context: Any) -> AsyncIterator[Any]:
            task = asyncio.current_task()
            assert task is not None, "gRPC runs each RPC in a task of its own"
            self._streams.add(task)
            try:
                with RPC_STREAMS.labels(method).track_inprogress():
                    principal = self._verified(context)
                    async with contextlib.aclosing(behaviour(request, context)) as responses:
                        with bound(principal.tenant):
                            async for response in responses:
                                yield response
            except TrunklineError as error:
                _log_defect(method, error)
                await abort(context, error)
            except asyncio.CancelledError:
                if not self._is_ending:
                    raise
                task.uncancel()  # gRPC tells the peer of an abort, but not of a cancelled task
                await abort(context, Transient("the server is stopping"))
            except Exception as error:  # as above
                await _abort_defect(context, method, error)
            finally:
                self._streams.discard(task)

        return handle

    def _verified(self, context: Any) -> Principal:
        token = dict(context.invocation_metadata() or ()).get(TOKEN_KEY)
        if not isinstance(token, str):
            raise Unauthenticated("no credential")
        principal = self._credentials.verify(token)
        _principal.set(principal)
        return principal


def _behaviour(handler: Any) -> Any:
    return handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream


def _rebuilt(handler: Any, behaviour: Any) -> Any:
    shapes: Sequence[Sequence[Any]] = (
        (grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler),
        (grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler),
    )
    make = shapes[bool(handler.request_streaming)][bool(handler.response_streaming)]
    return make(behaviour, handler.request_deserializer, handler.response_serializer)


def _log_defect(method: str, error: TrunklineError) -> None:
    if code_of(error) is grpc.StatusCode.INTERNAL:
        log.error("rpc failed", extra={"method": method}, exc_info=error)


async def _abort_defect(context: Any, method: str, error: Exception) -> None:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    log.error("rpc failed", extra={"method": method}, exc_info=error)
    await abort(context, Defect("internal error"))
