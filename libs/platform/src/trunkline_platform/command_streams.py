"""`ExecuteStream`: many commands over one gRPC call, because a call of its own costs more than most commands do.

Owns: numbers of requests and answers, how many are under way, that a command is under way once however often it is
repeated, and that each command has a verified credential.
Must not: know an area's messages or rules; each command is carried out as `Execute` does it.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc.status_pb2 import Status
from trunkline_core.errors import Invalid, Transient, TrunklineError
from trunkline_ledger.submission import Defect

from trunkline_platform.credentials import TOKEN_KEY, Credentials, Principal
from trunkline_platform.errors_grpc import code_of, error_from_rpc, error_from_status, status_of
from trunkline_platform.logs import bound, get_logger
from trunkline_platform.metrics import RPC_SECONDS
from trunkline_platform.wire_times import duration

log = get_logger(__name__)

MAX_UNDER_WAY: Final = 1_000
"""Commands of one call whose answers the caller has not taken yet; the next one is read when there is room (gRPC slows
the caller)."""
MAX_TIMEOUT_S: Final = 300
"""Nobody waits longer for one answer; what is longer is a mistake, and no bound."""
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
        answers: asyncio.Queue[Any] = asyncio.Queue()  # bounded by the room for what may be under way
        room = asyncio.Semaphore(MAX_UNDER_WAY)
        reading = asyncio.create_task(self._read(requests, answers, room), name="command-requests")
        try:
            while (answer := await answers.get()) is not None:
                yield answer
                room.release()  # not before the caller took it: else one that never does would fill the queue
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _read(self, requests: AsyncIterator[Any], answers: asyncio.Queue[Any], room: asyncio.Semaphore) -> None:
        under_way = set[asyncio.Task[None]]()

        async def answer(asked: Any) -> None:
            answers.put_nowait(await self._answer(asked))

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
            status = status_of(Defect("internal error"))
            return self._method.response(number=asked.number, status=status.SerializeToString())
        finally:
            RPC_SECONDS.labels(self._method.path, code).observe(time.monotonic() - began)

    async def _carried_out(self, asked: Any) -> Any:
        principal = self._credentials.verify(asked.credential)
        if not asked.HasField("timeout_duration"):
            raise Invalid("timeout_duration", "must be set")
        if not 0 <= asked.timeout_duration.seconds <= MAX_TIMEOUT_S:
            raise Invalid("timeout_duration", f"must be from 0 to {MAX_TIMEOUT_S} s")
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

    async def execute(self, request: Any, *, asker: Principal, token: str, timeout_s: float) -> Any:
        """Return the ExecuteResponse; `token` is the asker's.

        Raises: what the server raised; Transient where the outcome is unknown.
        """
        if self._call is None or self._call.is_over:
            self._call = _Call(self._channel, self._method, token)
        return await self._call.execute(request, asker, token, timeout_s)

    async def close(self) -> None:
        """End the call; commands under way are Transient."""
        if self._call is not None:
            await self._call.close()


@dataclass(eq=False, slots=True)
class _Asked:
    """A command that is to be sent, or was and has no answer yet.

    Attributes:
        until: when the last of those who wait for it gives up, in monotonic seconds.
        waiting: how many wait for it; 0 once all gave up.
    """

    number: int
    request: Any
    asker: Principal
    token: str
    answer: asyncio.Future[Any]
    until: float = 0.0
    waiting: int = 0


class _Call:
    """One life of a stream.

    A command that is repeated while its first copy has no answer waits for that one: a server that is behind would
    otherwise have the more to do the longer it takes, and fall behind for good.
    """

    def __init__(self, channel: Any, method: Any, token: str) -> None:
        self._method = method
        self._open: dict[int, _Asked] = {}
        self._unsent: dict[int, _Asked] = {}  # of the open ones, in order; bounded by the callers who wait for them
        self._has_unsent = asyncio.Event()
        self._has_ended = False
        self._by_command: dict[tuple[Principal, str], _Asked] = {}
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

    async def execute(self, request: Any, asker: Principal, token: str, timeout_s: float) -> Any:
        asked = self._by_command.get((asker, request.command_id))
        if asked is None or asked.request != request:
            asked = self._ask(request, asker, token)
        asked.until = max(asked.until, time.monotonic() + timeout_s)
        asked.waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                return await asyncio.shield(asked.answer)
        except TimeoutError:
            raise Transient("no answer in time: the outcome is unknown", retry_after_s=0.2) from None
        finally:
            asked.waiting -= 1
            if not asked.waiting and asked.number in self._unsent:
                self._forget(asked)

    async def close(self) -> None:
        self._stream.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    def _ask(self, request: Any, asker: Principal, token: str) -> _Asked:
        self._newest += 1
        asked = _Asked(self._newest, request, asker, token, asyncio.get_running_loop().create_future())
        self._open[asked.number] = self._unsent[asked.number] = self._by_command[asker, request.command_id] = asked
        self._has_unsent.set()
        return asked

    def _forget(self, asked: _Asked) -> None:
        self._open.pop(asked.number, None)
        self._unsent.pop(asked.number, None)
        if self._by_command.get((asked.asker, asked.request.command_id)) is asked:
            del self._by_command[asked.asker, asked.request.command_id]

    async def _requests(self) -> AsyncIterator[Any]:
        while not self._has_ended:
            while self._unsent:
                yield self._message(self._unsent.pop(next(iter(self._unsent))))
            self._has_unsent.clear()
            await self._has_unsent.wait()

    def _message(self, asked: _Asked) -> Any:
        left = duration(timedelta(seconds=max(asked.until - time.monotonic(), 0.001)))
        return self._method.request(
            number=asked.number, request=asked.request, credential=asked.token, timeout_duration=left
        )

    async def _read(self) -> None:
        """Hand out answers until the call ends, then tell those who still wait."""
        reason: TrunklineError = Transient("the connection ended: the outcome is unknown", retry_after_s=0.2)
        try:
            async for answer in self._stream:
                self._settle(answer)
        except grpc.aio.AioRpcError as error:
            reason = error_from_rpc(error)
        finally:
            self._has_ended = True
            self._has_unsent.set()  # else gRPC would wait for requests of an ended call for ever
            for asked in tuple(self._open.values()):
                self._end(asked, reason)

    def _settle(self, answer: Any) -> None:
        if (asked := self._open.get(answer.number)) is not None:
            self._end(asked, answer.response if answer.HasField("response") else _error(answer.status))

    def _end(self, asked: _Asked, outcome: Any) -> None:
        self._forget(asked)
        if not asked.waiting:
            asked.answer.cancel()  # everybody gave up
        elif isinstance(outcome, TrunklineError):
            asked.answer.set_exception(outcome)
        else:
            asked.answer.set_result(outcome)


def _error(encoded: bytes) -> TrunklineError:
    status = Status()
    with contextlib.suppress(DecodeError):
        status = Status.FromString(encoded)
    return error_from_status(CODES.get(status.code, grpc.StatusCode.UNKNOWN), status.message, status)
