"""`ExecuteStream`: many commands over one gRPC call, because a call of its own costs more than most commands do.

Owns: numbers of requests and answers, how many are under way, and that each command has a verified credential.
Must not: know an area's messages or rules; each command is carried out as `Execute` does it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from trunkline_core.errors import Invalid, Transient, TrunklineError

from trunkline_platform.credentials import TOKEN_KEY, Credentials, Principal
from trunkline_platform.errors_grpc import code_of, error_from_rpc, error_from_status, status_of
from trunkline_platform.logs import bound, get_logger
from trunkline_platform.metrics import RPC_SECONDS
from trunkline_platform.wire_times import duration

log = get_logger(__name__)

MAX_UNDER_WAY: Final = 1_000
"""Commands of one call that are not answered yet; the next one is read when there is room (gRPC slows the caller)."""
CODES: Final = {code.value[0]: code for code in grpc.StatusCode}

CarryOut = Callable[[Any, Principal, float], Awaitable[Any]]


class CommandStreamServer:
    """The server side of one area's ExecuteStream."""

    def __init__(self, method: Any, carry_out: CarryOut, credentials: Credentials) -> None:
        """`method` is a `Method`; `carry_out(request, principal, timeout_s)` returns the ExecuteResponse or raises."""
        self._method = method
        self._carry_out = carry_out
        self._credentials = credentials

    async def serve(self, requests: AsyncIterator[Any], _: Any) -> AsyncIterator[Any]:
        """Answer until the caller ends the call and its last command is answered."""
        answers: asyncio.Queue[Any] = asyncio.Queue()  # bounded by what may be under way
        reading = asyncio.create_task(self._read(requests, answers), name="command-requests")
        try:
            while (answer := await answers.get()) is not None:
                yield answer
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, requests: AsyncIterator[Any], answers: asyncio.Queue[Any]) -> None:
        room, under_way = asyncio.Semaphore(MAX_UNDER_WAY), set[asyncio.Task[None]]()

        async def answer(asked: Any) -> None:
            try:
                answers.put_nowait(await self._answer(asked))
            finally:
                room.release()

        try:
            async for asked in requests:
                await room.acquire()
                task = asyncio.create_task(answer(asked), name="command")
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.gather(*under_way, return_exceptions=True)
        finally:
            for task in under_way:
                task.cancel()
            answers.put_nowait(None)

    async def _answer(self, asked: Any) -> Any:
        began, code = time.monotonic(), "OK"
        try:
            response = await self._carried_out(asked)
            return self._method.response(number=asked.number, response=response)
        except TrunklineError as error:
            code = code_of(error).name
            if code == "INTERNAL":
                log.error("command failed", extra={"method": self._method.path}, exc_info=error)
            return self._method.response(number=asked.number, status=status_of(error).SerializeToString())
        except Exception as error:  # the edge's supervisor: a defect leaves without its text
            code = "INTERNAL"
            log.error("command failed", extra={"method": self._method.path}, exc_info=error)
            status = Status(code=grpc.StatusCode.INTERNAL.value[0], message="internal error")
            return self._method.response(number=asked.number, status=status.SerializeToString())
        finally:
            RPC_SECONDS.labels(self._method.path, code).observe(time.monotonic() - began)

    async def _carried_out(self, asked: Any) -> Any:
        principal = self._credentials.verify(asked.credential)
        if not asked.HasField("timeout_duration"):
            raise Invalid("timeout_duration", "must be set")
        timeout_s = asked.timeout_duration.ToTimedelta().total_seconds()
        with bound(principal.tenant, asked.request.correlation_id):
            return await self._carry_out(asked.request, principal, timeout_s)


class CommandStream:
    """The caller's side: one call to one replica, opened when first needed and again when it broke."""

    def __init__(self, channel: Any, method: Any) -> None:
        """`method` is a `Method`; the channel is closed by its owner, after `close`."""
        self._channel = channel
        self._method = method
        self._call: _Call | None = None

    async def execute(self, request: Any, *, token: str, timeout_s: float) -> Any:
        """Return the ExecuteResponse. Raises: what the server raised; Transient where the outcome is unknown."""
        if self._call is None or self._call.is_over:
            self._call = _Call(self._channel, self._method, token)
        return await self._call.execute(request, token, timeout_s)

    async def close(self) -> None:
        """End the call; commands under way are Transient."""
        if self._call is not None:
            await self._call.close()


class _Call:
    """One life of a stream."""

    def __init__(self, channel: Any, method: Any, token: str) -> None:
        self._method = method
        self._unsent: asyncio.Queue[Any] = asyncio.Queue(MAX_UNDER_WAY)
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._newest = 0
        open_stream = channel.stream_stream(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        self._stream = open_stream(self._requests(), metadata=((TOKEN_KEY, token),))
        self._reading = asyncio.create_task(self._read(), name="command-answers")

    @property
    def is_over(self) -> bool:
        return self._reading.done()

    async def execute(self, request: Any, token: str, timeout_s: float) -> Any:
        self._newest += 1
        number = self._newest
        answer = self._open[number] = asyncio.get_running_loop().create_future()
        timeout = duration(timedelta(seconds=timeout_s))
        asked = self._method.request(number=number, request=request, credential=token, timeout_duration=timeout)
        try:
            async with asyncio.timeout(timeout_s):
                await self._unsent.put(asked)
                return await answer
        except TimeoutError:
            raise Transient("no answer in time: the outcome is unknown", retry_after_s=0.2) from None
        finally:
            self._open.pop(number, None)

    async def close(self) -> None:
        self._stream.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _requests(self) -> AsyncIterator[Any]:
        while True:
            yield await self._unsent.get()

    async def _read(self) -> None:
        """Hand out answers until the call ends, then tell those who still wait."""
        reason: TrunklineError = Transient("the connection ended: the outcome is unknown", retry_after_s=0.2)
        try:
            async for answer in self._stream:
                self._settle(answer)
        except grpc.aio.AioRpcError as error:
            reason = error_from_rpc(error)
        finally:
            for waiting in self._open.values():
                if not waiting.done():
                    waiting.set_exception(reason)

    def _settle(self, answer: Any) -> None:
        waiting = self._open.get(answer.number)
        if waiting is None or waiting.done():
            return  # who asked has given up
        if answer.HasField("response"):
            waiting.set_result(answer.response)
        else:
            waiting.set_exception(_error(answer.status))


def _error(encoded: bytes) -> TrunklineError:
    status = Status()
    with contextlib.suppress(DecodeError):
        status = Status.FromString(encoded)
    return error_from_status(CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message, status)
