"""The sockets of desk and wall, and of a supervisor who reads a chat along."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from trunkline.contact.v1.contact_types_pb2 import ContactView
from trunkline_core.errors import Invalid, NotFound, Overloaded, TrunklineError
from trunkline_platform.credentials import Forbidden, Role
from trunkline_platform.http import problem

from trunkline_console.adapters.contacts import ContactReader
from trunkline_console.adapters.live import AGENTS, LiveTables
from trunkline_console.application.accounts import Account
from trunkline_console.application.desk_room import DeskRoom
from trunkline_console.application.desks import Desk, Page, Reader
from trunkline_console.application.views import enum_of
from trunkline_console.application.wall import agent_json, now, queue_json
from trunkline_console.entrypoints.sessions import Sessions
from trunkline_console.metrics import DESKS

MAX_PENDING = 32
WALL_EVERY_S = 0.5
LOOK_EVERY_S = 1.0
OVER, NOT_ALLOWED = 4401, 4403


def add_sockets(app: FastAPI, sessions: Sessions, room: DeskRoom, live: LiveTables, contacts: ContactReader) -> None:
    """Add /desk/ws, /wall/ws and /reading/ws."""

    @app.websocket("/desk/ws")
    async def desk_socket(socket: WebSocket) -> None:
        await socket.accept()  # first: only an accepted socket can say why it is closed
        if await _is_admitted(socket, lambda: agent_of(sessions.account_of_socket(socket))):
            await DeskSocket(socket, sessions, room).run()

    @app.websocket("/wall/ws")
    async def wall_socket(socket: WebSocket) -> None:
        await socket.accept()
        if await _is_admitted(socket, lambda: sessions.account_of_socket(socket)):
            account = sessions.account_of_socket(socket)
            with _presence(room, account):
                await _show_wall(socket, sessions, live)

    @app.websocket("/reading/ws")
    async def reading_socket(socket: WebSocket) -> None:
        await socket.accept()
        if await _is_admitted(socket, lambda: monitor_of(sessions.account_of_socket(socket))):
            account = sessions.account_of_socket(socket)
            with _presence(room, account):
                await _read_along(socket, sessions, room, contacts, account)


def _presence(room: DeskRoom, account: Account) -> contextlib.AbstractContextManager[None]:
    """Say that a supervisor has a page open, as long as it has: without one nobody listens to a call."""
    if not account.may_monitor:
        return contextlib.nullcontext()
    return room.desks_of(account.tenant).supervised_by(account.user.user_id)


def agent_of(account: Account) -> Account:
    """Return an account that may have a desk. Raises: NotAllowed."""
    if not account.user.agent_id or Role.AGENT not in account.roles:
        raise NotAllowed("needs the role agent")
    return account


def monitor_of(account: Account) -> Account:
    """Return an account that may read chats along. Raises: NotAllowed."""
    if not account.may_monitor:
        raise NotAllowed("needs the role supervisor or admin")
    return account


class NotAllowed(Forbidden):
    """The session is good, and its user may not have this socket."""


async def _is_admitted(socket: WebSocket, look: Callable[[], Account]) -> bool:
    try:
        look()
    except TrunklineError as refusal:
        await _close(socket, refusal)
        return False
    return True


async def _until_over(look: Callable[[], Account]) -> TrunklineError:
    """Return why a socket must close: its session ended on whichever replica, or its user may not have it any more."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            look()
        except TrunklineError as refusal:
            return refusal


async def _close(socket: WebSocket, refusal: TrunklineError) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.close(NOT_ALLOWED if isinstance(refusal, NotAllowed) else OVER, str(refusal))


class DeskSocket:
    """One desk's connection."""

    def __init__(self, socket: WebSocket, sessions: Sessions, room: DeskRoom) -> None:
        """Raises: TrunklineError when the socket's session may have no desk."""
        self._socket = socket
        self._sessions = sessions
        self._room = room
        account = agent_of(sessions.account_of_socket(socket))
        self._account_at_first = account
        self._tenant = account.tenant
        self._desk = Desk(account.user.agent_id, uuid.uuid4().hex)
        self._pending: set[asyncio.Task[None]] = set()

    def _account(self) -> Account:
        """Return whose desk it is, as of now. Raises: TrunklineError once the session may not have it any more."""
        account = agent_of(self._sessions.account_of_socket(self._socket))
        if account.user.agent_id != self._desk.agent_id:
            raise NotAllowed("the desk is another agent's")
        return account

    async def run(self) -> None:
        """Serve until either side leaves, or the session may not have a desk any more."""
        desks = self._room.desks_of(self._tenant)
        desks.open(self._desk)
        DESKS.inc()
        sending = asyncio.create_task(_send_frames(self._socket, self._desk), name="desk-send")
        opening = asyncio.create_task(self._room.open(self._tenant, self._desk), name="desk-open")
        receiving = asyncio.create_task(self._receive(), name="desk-receive")
        watching = asyncio.create_task(_until_over(self._account), name="desk-watch")
        try:
            with _presence(self._room, self._account_at_first):
                await asyncio.wait({sending, receiving, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, receiving, opening, *self._pending):
                task.cancel()
            desks.close(self._desk)
            DESKS.dec()
            await self._leave(watching)
            await self._room.close(self._tenant, self._desk)

    async def _leave(self, watching: asyncio.Task[TrunklineError]) -> None:
        if watching.done():
            await _close(self._socket, watching.result())
            return
        watching.cancel()
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.close()

    async def _receive(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                self._take(await receive(self._socket))

    def _take(self, text: str) -> None:
        try:
            frame = read_frame(text)
        except Invalid as refusal:
            self._desk.show(refused("", refusal))
            return
        if frame.get("type") == "ping":
            self._desk.show({"type": "pong"})
        elif len(self._pending) >= MAX_PENDING:
            self._desk.show(refused(str(frame.get("command_id", "")), Overloaded("the desk", retry_after_s=1.0)))
        else:
            task = asyncio.create_task(self._carry_out(frame), name="desk-command")
            self._pending.add(task)
            task.add_done_callback(self._pending.discard)

    async def _carry_out(self, frame: Mapping[str, Any]) -> None:
        command_id = str(frame.get("command_id", ""))
        try:
            await self._room.carry_out(frame, self._desk, self._account().principal())
        except TrunklineError as refusal:
            self._desk.show(refused(command_id, refusal))
        else:
            self._desk.show({"type": "done", "command_id": command_id})


async def receive(socket: WebSocket) -> str:
    """Return the next frame's text; a binary frame has none. Raises: WebSocketDisconnect."""
    try:
        return await socket.receive_text() or ""
    except KeyError:  # Starlette's answer to a binary frame
        return ""


def read_frame(text: str) -> dict[str, Any]:
    """Return a client's frame; the server's limit of a frame bounds it. Raises: Invalid."""
    try:
        frame = json.loads(text)
        json.dumps(frame, ensure_ascii=False).encode()  # half of a surrogate pair is JSON and no text
    except (ValueError, RecursionError):
        raise Invalid("frame", "is not JSON") from None
    if not isinstance(frame, dict):
        raise Invalid("frame", "must be an object")
    return frame


def refused(command_id: str, refusal: TrunklineError) -> dict[str, Any]:
    """Return the frame that says why something was not done; `reason` is the rule, the field or the kind of error."""
    document = problem(refusal)
    return {
        "type": "refused",
        "command_id": command_id,
        "reason": document.get("rule") or document.get("field") or document["title"],
        "message": document["detail"],
        "retry_after_s": document.get("retry_after_s"),
    }


async def _show_wall(socket: WebSocket, sessions: Sessions, live: LiveTables) -> None:
    """The whole on connect, then changed rows, at most twice a second."""
    tenant = sessions.account_of_socket(socket).tenant
    changed: set[tuple[str, str]] = set()
    stop = live.listen(lambda of, topic, row_id: changed.add((topic, row_id)) if of == tenant else None)
    asked = asyncio.Event()
    leaving = asyncio.create_task(_until_left(socket, asked), name="wall-receive")
    watching = asyncio.create_task(_until_over(lambda: sessions.account_of_socket(socket)), name="wall-watch")
    try:
        rows = live.of(tenant)
        await _send_rows(socket, "wall", rows.queues.values(), rows.agents.values())
        while not (leaving.done() or watching.done()):
            await asyncio.wait({leaving, watching}, timeout=WALL_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            if asked.is_set():
                asked.clear()
                await socket.send_text(json.dumps({"type": "pong"}))
            if changed and not watching.done():
                agents = [rows.agents[row_id] for topic, row_id in changed if topic == AGENTS]
                queues = [rows.queues[row_id] for topic, row_id in changed if topic != AGENTS]
                changed.clear()
                await _send_rows(socket, "rows", queues, agents)
        if watching.done():
            await _close(socket, watching.result())
    except (WebSocketDisconnect, RuntimeError):
        return
    finally:
        stop()
        leaving.cancel()
        watching.cancel()


async def _read_along(
    socket: WebSocket, sessions: Sessions, room: DeskRoom, contacts: ContactReader, account: Account
) -> None:
    """Show a chat as long as the supervisor monitors it: one frame with the whole of it for each change."""
    contact_id, supervisor_id = socket.query_params.get("contact_id", ""), account.user.user_id
    try:
        view = await contacts.view(account.tenant, contact_id)
    except (NotFound, Invalid):
        view = ContactView()
    except TrunklineError as away:  # the page comes back
        await socket.close(1013, type(away).__name__)
        return
    reader = Reader(supervisor_id, contact_id, view.version)
    if view.monitoring.supervisor_id != supervisor_id or enum_of(view, "channel") != "CHAT":
        reader.end({"type": "ended", "reason": view.monitoring_end})
        await _send_frames(socket, reader)
        return
    with room.desks_of(account.tenant).read_by(reader):
        await _serve_reader(socket, sessions, reader)


async def _serve_reader(socket: WebSocket, sessions: Sessions, reader: Reader) -> None:
    sending = asyncio.create_task(_send_frames(socket, reader), name="reading-send")
    answering = asyncio.create_task(_answer_pings(socket, reader), name="reading-receive")
    watching = asyncio.create_task(
        _until_over(lambda: monitor_of(sessions.account_of_socket(socket))), name="reading-watch"
    )
    try:
        await asyncio.wait({sending, answering, watching}, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            await _close(socket, watching.result())
    finally:
        for task in (sending, answering, watching):
            task.cancel()


async def _send_frames(socket: WebSocket, page: Page) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while (frame := await page.frames.get()) is not None:
            await socket.send_text(json.dumps(frame, ensure_ascii=False))


async def _answer_pings(socket: WebSocket, reader: Reader) -> None:
    """Whatever the page says is a ping."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await receive(socket)
            reader.show({"type": "pong"})


async def _until_left(socket: WebSocket, asked: asyncio.Event) -> None:
    """Whatever a page says is a ping; one that hears nothing for 12 s believes us gone, however quiet the centre is."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await receive(socket)
            asked.set()


async def _send_rows(socket: WebSocket, kind: str, queues: Any, agents: Any) -> None:
    frame = {
        "type": kind,
        "at": now(),
        "queues": [queue_json(queue.row) for queue in queues],
        "agents": [agent_json(agent.row) for agent in agents],
    }
    await socket.send_text(json.dumps(frame))
