"""HTTP of a service: health, metrics, problem+json, bounds and security headers, the same everywhere.

Owns: one mapping of errors to problem documents (RFC 9457), and the server as a task that leaves signals alone.
Must not: know an area, or load FastAPI (`rest`): a third of a second of each start, which acd and ivr do without.
"""

import asyncio
import contextlib
import math
import socket
from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from trunkline_core.errors import (
    Conflict,
    Invalid,
    Misconfigured,
    NotFound,
    Overloaded,
    Rejection,
    Transient,
    TrunklineError,
)

from trunkline_platform.credentials import Forbidden, Unauthenticated
from trunkline_platform.lifecycle import Process
from trunkline_platform.logs import get_logger
from trunkline_platform.metrics import CONTENT_TYPE, exposition

log = get_logger(__name__)

MAX_BODY_BYTES: Final = 256 * 1024
IDLE_S: Final = 75
"""A connection is kept longer than clients and proxies keep theirs (httpx 5 s, nginx 60 s): if we close it while their
next request is on its way, that request is lost and nobody knows whether it was done."""

PROBLEM: Final = "application/problem+json"
STATUSES: Final[dict[type[TrunklineError], int]] = {
    Rejection: 409,
    NotFound: 404,
    Conflict: 409,
    Invalid: 422,
    Overloaded: 429,
    Transient: 503,
    Unauthenticated: 401,
    Forbidden: 403,
}
SECURITY_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-opener-policy": "same-origin",
}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def health_app(process: Process) -> Starlette:
    """Return an app with what every service answers, and nothing else."""
    app = Starlette()
    equip(app, process)
    return app


def equip(app: Starlette, process: Process, max_body_bytes: int = MAX_BODY_BYTES) -> None:
    """Give an app /livez, /readyz, /metrics, error mapping, bounds and security headers."""

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        failing = process.unready()
        return PlainTextResponse("ok\n") if not failing else PlainTextResponse("\n".join([*failing, ""]), 503)

    async def metrics(_: Request) -> Response:
        return Response(exposition(), media_type=CONTENT_TYPE)

    for page in (livez, readyz, metrics):
        app.add_route(f"/{page.__name__}", page, methods=["GET"], include_in_schema=False)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes)
    app.add_exception_handler(TrunklineError, _on_expected)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_defect)


# -- errors ---------------------------------------------------------------------------------------------------


def problem(error: TrunklineError) -> dict[str, Any]:
    """Return the problem document of an expected failure; answers over WebSocket take their words from it too."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": type(error).__name__,
        "status": status_of(error),
        "detail": str(error) if status_of(error) < 500 or isinstance(error, Transient) else "internal error",
    }
    if isinstance(error, Rejection):
        document["rule"] = error.rule
    if isinstance(error, Invalid):
        document["field"] = error.field
    if isinstance(error, Overloaded | Transient):
        document["retry_after_s"] = error.retry_after_s
    return document


def status_of(error: TrunklineError) -> int:
    """Return the HTTP status; 500 for what no caller can mend."""
    return next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)


def problem_response(error: TrunklineError) -> Response:
    """Return the response of an expected failure."""
    document, headers = problem(error), {}
    if "retry_after_s" in document:
        headers["Retry-After"] = str(max(1, math.ceil(document["retry_after_s"])))
    return JSONResponse(document, document["status"], headers, PROBLEM)


async def _on_expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, TrunklineError)
    if status_of(error) == 500:
        log.error("request failed", extra={"path": _route(request)}, exc_info=error)
    return problem_response(error)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    document = {"type": "about:blank", "title": error.detail, "status": error.status_code, "detail": error.detail}
    return JSONResponse(document, error.status_code, error.headers, PROBLEM)


async def _on_defect(request: Request, error: Exception) -> Response:
    log.error("request failed", extra={"path": _route(request)}, exc_info=error)
    document = {"type": "about:blank", "title": "Defect", "status": 500, "detail": "internal error"}
    return JSONResponse(document, 500, media_type=PROBLEM)


def _route(request: Request) -> str:
    """The route's pattern, never the path itself: it may carry ids of people."""
    return getattr(request.scope.get("route"), "path", "")


# -- middleware -----------------------------------------------------------------------------------------------


class SecurityHeaders:
    """Adds the headers that every answer has."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._headers = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in self._headers if header[0] not in present),
                ]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class BodyLimit:
    """Refuses request bodies above a size with 413, also when their length was not announced."""

    def __init__(self, app: Any, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if not announced.isdigit() or int(announced) > self._max_bytes:
            await self._refuse(scope, receive, send)
            return
        seen = 0

        async def counted() -> MutableMapping[str, Any]:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise HTTPException(413, "Content Too Large")
            return message

        await self._app(scope, counted, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        document = {"type": "about:blank", "title": "Content Too Large", "status": 413}
        await JSONResponse(document, 413, media_type=PROBLEM)(scope, receive, send)


# -- server ---------------------------------------------------------------------------------------------------


class HttpServer:
    """The app as a task: `process.add("http", server.run())` and `process.on_stop("http", server.stop)`."""

    def __init__(self, app: Starlette, host: str, port: int, trusted_proxies: Sequence[str] = ()) -> None:
        """Listens at once.

        Args:
            port: 0 takes any free one.
            trusted_proxies: addresses or networks whose `X-Forwarded-For` tells the client's address. By default
                nobody is believed: the client is who holds the connection.

        Raises: Misconfigured when the port is in use.
        """
        self._socket = _listen(host, port)
        self._running = False
        self._ended = asyncio.Event()
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                proxy_headers=bool(trusted_proxies),
                forwarded_allow_ips=list(trusted_proxies),
                timeout_graceful_shutdown=2,
                timeout_keep_alive=IDLE_S,
                ws_max_size=MAX_BODY_BYTES,
                ws="websockets-sansio",
            )
        )

    @property
    def url(self) -> str:
        """http://host:port, for tests and logs."""
        return f"http://{self.host}:{self.port}"

    async def run(self) -> None:
        """Serve until stopped."""
        self._running = True
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Refuse new requests, give the running ones 2 s."""
        self._server.should_exit = True
        if self._running:
            await self._ended.wait()
        self._socket.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The process owns the signals."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise Misconfigured(f"The HTTP port {host}:{port} cannot be opened ({error.strerror}).") from None
    return listening
