"""The sockets of desk and wall."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from trunkline_core.errors import Invalid, Overloaded, Rejection, Transient, TrunklineError
from trunkline_platform.credentials import Role

from trunkline_console.adapters.live import AGENTS, LiveTables
from trunkline_console.application.accounts import Account
from trunkline_console.application.desk_room import DeskRoom
from trunkline_console.application.desks import Desk
from trunkline_console.application.wall import agent_json, now, queue_json
from trunkline_console.entrypoints.sessions import Sessions
from trunkline_console.metrics import DESKS

MAX_FRAME = 64 * 1024
MAX_PENDING = 32
WALL_EVERY_S = 0.5


def add_sockets(app: FastAPI, sessions: Sessions, room: DeskRoom, live: LiveTables) -> None:
    """Add /desk/ws and /wall/ws."""

    @app.websocket("/desk/ws")
    async def desk_socket(socket: WebSocket) -> None:
        account = await _admit(socket, sessions)
        if account is None:
            return
        if not account.user.agent_id or Role.AGENT not in account.roles:
            await socket.close(4403, "needs the role agent")
            return
        await DeskSocket(socket, account, room).run()

    @app.websocket("/wall/ws")
    async def wall_socket(socket: WebSocket) -> None:
        account = await _admit(socket, sessions)
        if account is not None:
            await _show_wall(socket, account.tenant, live)


async def _admit(socket: WebSocket, sessions: Sessions) -> Account | None:
    """Accept first: only an accepted socket can say why it is closed."""
    await socket.accept()
    try:
        return sessions.account_of_socket(socket)
    except TrunklineError as refusal:
        await socket.close(4401, str(refusal))
        return None


class DeskSocket:
    """One desk's connection."""

    def __init__(self, socket: WebSocket, account: Account, room: DeskRoom) -> None:
        self._socket = socket
        self._account = account
        self._room = room
        self._desk = Desk(account.user.agent_id, uuid.uuid4().hex)
        self._pending: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until either side leaves."""
        desks = self._room.desks_of(self._account.tenant)
        desks.open(self._desk)
        DESKS.inc()
        sending = asyncio.create_task(self._send(), name="desk-send")
        opening = asyncio.create_task(self._room.open(self._account.tenant, self._desk), name="desk-open")
        receiving = asyncio.create_task(self._receive(), name="desk-receive")
        try:
            await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, receiving, opening, *self._pending):
                task.cancel()
            desks.close(self._desk)
            DESKS.dec()
            await self._room.close(self._account.tenant, self._desk)
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.close()

    async def _send(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while (frame := await self._desk.frames.get()) is not None:
                await self._socket.send_text(json.dumps(frame, ensure_ascii=False))

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
            await self._room.carry_out(frame, self._desk, self._account.principal())
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
    """Return a client's frame. Raises: Invalid."""
    if len(text) > MAX_FRAME:
        raise Invalid("frame", "is too long")
    try:
        frame = json.loads(text)
        json.dumps(frame, ensure_ascii=False).encode()  # half of a surrogate pair is JSON and no text
    except (ValueError, RecursionError):
        raise Invalid("frame", "is not JSON") from None
    if not isinstance(frame, dict):
        raise Invalid("frame", "must be an object")
    return frame


def refused(command_id: str, refusal: TrunklineError) -> dict[str, Any]:
    """Return the frame that says why something was not done."""
    reason = type(refusal).__name__
    if isinstance(refusal, Rejection):
        reason = refusal.rule
    elif isinstance(refusal, Invalid):
        reason = refusal.field
    retry_after_s = refusal.retry_after_s if isinstance(refusal, Transient | Overloaded) else None
    return {
        "type": "refused",
        "command_id": command_id,
        "reason": reason,
        "message": str(refusal),
        "retry_after_s": retry_after_s,
    }


async def _show_wall(socket: WebSocket, tenant: str, live: LiveTables) -> None:
    """The whole on connect, then changed rows, at most twice a second."""
    changed: set[tuple[str, str]] = set()
    stop = live.listen(lambda of, topic, row_id: changed.add((topic, row_id)) if of == tenant else None)
    leaving = asyncio.create_task(_until_left(socket), name="wall-receive")
    try:
        rows = live.of(tenant)
        await _send_rows(socket, "wall", rows.queues.values(), rows.agents.values())
        while not leaving.done():
            await asyncio.wait({leaving}, timeout=WALL_EVERY_S)
            if changed:
                agents = [rows.agents[row_id] for topic, row_id in changed if topic == AGENTS]
                queues = [rows.queues[row_id] for topic, row_id in changed if topic != AGENTS]
                changed.clear()
                await _send_rows(socket, "rows", queues, agents)
    except (WebSocketDisconnect, RuntimeError):
        return
    finally:
        stop()
        leaving.cancel()


async def _until_left(socket: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        while True:
            await receive(socket)


async def _send_rows(socket: WebSocket, kind: str, queues: Any, agents: Any) -> None:
    frame = {
        "type": kind,
        "at": now(),
        "queues": [queue_json(queue.row) for queue in queues],
        "agents": [agent_json(agent.row) for agent in agents],
    }
    await socket.send_text(json.dumps(frame))
