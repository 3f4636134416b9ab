"""HTTP and WebSocket of the chat edge: opening a conversation, and the socket of a page.

Owns: origins, sizes and forms of what a browser sends. Must not: contain a rule; application/chat.py does the work.
"""

import asyncio
import json
from typing import Any, Final, Protocol

from fastapi import APIRouter, FastAPI, Request, Response, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from trunkline_core.errors import Invalid, TrunklineError
from trunkline_platform.credentials import Forbidden
from trunkline_platform.http import status_of
from trunkline_platform.logs import get_logger

from trunkline_channels.application.chat import ChatEdge, Opening, Page

log = get_logger(__name__)

PREFIX: Final = "/chat/v1"
MAX_FRAME_BYTES: Final = 64 * 1024
HELLO_S: Final = 10.0
SILENCE_S: Final = 90.0  # a page pings more often than that
TOO_BIG: Final = 1009
GOING_AWAY: Final = 1001
REPLACED: Final = 4409  # newer pages of the conversation are open: the widget comes back only when it is used
WORD = r"^[A-Za-z0-9_.-]*$"


class Origins(Protocol):
    """Which pages may talk to a tenant's chat."""

    def allows(self, origin: str | None, tenant: str) -> bool: ...
    def allows_any(self, origin: str) -> bool: ...


class OpenSession(BaseModel):
    """Body of POST /chat/v1/sessions."""

    model_config = ConfigDict(extra="ignore")

    entry_point_id: str = Field(min_length=1, max_length=128)
    locale: str = Field("en", max_length=8)
    visitor: str = Field("", max_length=64, pattern=WORD)
    token: str = Field("", max_length=1024)
    command_id: str = Field(min_length=1, max_length=64)


class SessionOpened(BaseModel):
    """What a page keeps: `token` to come back to this contact, `visitor` to be known again later."""

    token: str
    contact_id: str
    visitor: str


def add_chat(app: FastAPI, edge: ChatEdge, origins: Origins) -> None:
    """Add the chat edge to the service's HTTP app."""
    router = APIRouter(prefix=PREFIX)

    @router.post("/sessions")
    async def open_session(body: OpenSession, request: Request) -> SessionOpened:
        if not origins.allows(request.headers.get("origin"), edge.tenant_of(body.entry_point_id)):
            raise Forbidden("this page may not embed the chat")
        opened = await edge.open(
            Opening(
                entry_point_id=body.entry_point_id,
                locale="zh" if body.locale.startswith("zh") else "en",
                visitor=body.visitor,
                token=body.token,
                command_id=body.command_id,
                ip=request.client.host if request.client else "",
            )
        )
        return SessionOpened(token=opened.token, contact_id=opened.contact_id, visitor=opened.visitor)

    @router.websocket("/ws")
    async def socket(websocket: WebSocket) -> None:
        await _Socket(websocket, edge, origins).serve()

    app.include_router(router)
    app.add_middleware(CrossOrigin, origins=origins)


class _Socket:
    """One page's socket, from hello to its end."""

    def __init__(self, websocket: WebSocket, edge: ChatEdge, origins: Origins) -> None:
        self._websocket = websocket
        self._edge = edge
        self._origins = origins

    async def serve(self) -> None:
        await self._websocket.accept()
        try:
            page = await self._join()
        except TimeoutError:
            await self._close(4408)
            return
        except TrunklineError as error:
            await self._close(4000 + status_of(error))
            return
        except WebSocketDisconnect:
            return
        try:
            await self._talk(page)
        finally:
            await self._edge.quit(page)

    async def _join(self) -> Page:
        """Raises: TimeoutError, TrunklineError, WebSocketDisconnect."""
        async with asyncio.timeout(HELLO_S):
            hello = await self._frame()
        if hello.get("type") != "hello":
            raise Invalid("type", "the first frame must be hello")
        page = await self._edge.join(str(hello.get("token", "")))
        if not self._origins.allows(self._websocket.headers.get("origin"), page.ticket.tenant):
            await self._edge.quit(page)
            raise Forbidden("this page may not embed the chat")
        return page

    async def _talk(self, page: Page) -> None:
        writing = asyncio.create_task(self._write(page), name="chat-write")
        try:
            await self._read(page)
        except WebSocketDisconnect:
            return
        except TimeoutError:
            await self._close(GOING_AWAY)
        except Invalid:
            await self._close(TOO_BIG)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def _read(self, page: Page) -> None:
        """Frames one after another: a page that sends faster than we record waits."""
        while True:
            async with asyncio.timeout(SILENCE_S):
                frame = await self._frame()
            await self._edge.take(page, frame)

    async def _write(self, page: Page) -> None:
        while (frame := await page.next_frame()) is not None:
            await self._websocket.send_text(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))
        await self._close(REPLACED)

    async def _frame(self) -> dict[str, Any]:
        """Return the next frame; what is no JSON object is one without a type. Raises: Invalid when too big."""
        text = await self._text()
        if len(text) > MAX_FRAME_BYTES or len(text.encode()) > MAX_FRAME_BYTES:
            raise Invalid("frame", f"must have at most {MAX_FRAME_BYTES // 1024} KiB")
        try:
            frame = json.loads(text)
            json.dumps(frame, ensure_ascii=False).encode()  # half of a surrogate pair is JSON and no text
        except (ValueError, RecursionError):
            return {}
        return frame if isinstance(frame, dict) else {}

    async def _text(self) -> str:
        """Return the next frame's text; a binary frame has none. Raises: WebSocketDisconnect."""
        try:
            return await self._websocket.receive_text() or ""
        except KeyError:  # Starlette's answer to a binary frame
            return ""
        except RuntimeError:  # and to a socket that we closed meanwhile
            raise WebSocketDisconnect(REPLACED) from None

    async def _close(self, code: int) -> None:
        try:
            await self._websocket.close(code)
        except RuntimeError:
            return  # the page closed first


class CrossOrigin:
    """Lets pages of allowed origins read the answers of the chat edge (Fetch standard, CORS protocol)."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app = app
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI entry."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("origin")
        allowed = origin if origin is not None and self._origins.allows_any(origin) else None
        if scope["method"] == "OPTIONS":
            await Response(status_code=204, headers=_preflight(allowed))(scope, receive, send)
            return

        async def with_origin(message: Message) -> None:
            if message["type"] == "http.response.start" and allowed is not None:
                headers = MutableHeaders(scope=message)
                headers["access-control-allow-origin"] = allowed
                headers.add_vary_header("origin")
            await send(message)

        await self._app(scope, receive, with_origin)


def _preflight(origin: str | None) -> dict[str, str]:
    if origin is None:
        return {"vary": "origin"}
    return {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": "content-type",
        "access-control-max-age": "600",
        "vary": "origin",
    }
