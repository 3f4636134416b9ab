"""A chat page's side of the edge frame by frame, asynchronous: what was answered to each. `visitors` does whole things.

Owns: one socket and its answers. Must not: repeat or repair anything.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from trunkline_launcher.layout import Layout
from trunkline_platform.commands import new_command_id
from websockets.asyncio.client import ClientConnection, connect

PATIENCE_S = 60.0


async def open_session(layout: Layout, entry_point_id: str, command_id: str = "", **more: str) -> httpx.Response:
    """Ask for a conversation and return whatever the edge answered."""
    body = {"entry_point_id": entry_point_id, "locale": "en", "command_id": command_id or new_command_id(), **more}
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        return await http.post(f"{layout.http_url('channels')}/chat/v1/sessions", json=body)


class Chat:
    """One page's socket. `contact` is the newest state it was shown."""

    def __init__(self, contact_id: str, socket: ClientConnection) -> None:
        self.contact_id = contact_id
        self.socket = socket
        self.contact: dict[str, Any] = {"state": "", "prompt": None}

    async def send(self, kind: str, command_id: str = "", **fields: Any) -> dict[str, Any]:
        """Send one frame and return its answer."""
        command_id = command_id or new_command_id()
        await self.socket.send(json.dumps({"type": kind, "command_id": command_id, **fields}, ensure_ascii=False))
        async with asyncio.timeout(PATIENCE_S):
            while (frame := await self._next()).get("command_id") != command_id:
                pass
        return frame

    async def until(self, holds: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Read frames until the contact is as wanted; return it. Raises: TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while not holds(self.contact):
                await self._next()
        return self.contact

    async def ask_for_a_person(self, text: str) -> None:
        """Go through the menu into the support queue."""
        menu = (await self.until(lambda contact: contact["prompt"]))["prompt"]
        await self.send("input", node_id=menu["node_id"], option_id="support")
        asked = await self.until(lambda contact: (contact["prompt"] or menu)["node_id"] != menu["node_id"])
        await self.send("input", node_id=asked["prompt"]["node_id"], text=text)

    async def _next(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await self.socket.recv())
        if frame["type"] == "contact":
            self.contact = frame
        return frame


@contextlib.asynccontextmanager
async def chat_of(layout: Layout, entry_point_id: str) -> AsyncIterator[Chat]:
    """A conversation that was opened and whose page said hello."""
    opened = (await open_session(layout, entry_point_id)).raise_for_status().json()
    address = f"{layout.http_url('channels').replace('http', 'ws', 1)}/chat/v1/ws"
    async with connect(address, open_timeout=PATIENCE_S) as socket:
        await socket.send(json.dumps({"type": "hello", "token": opened["token"]}))
        yield Chat(opened["contact_id"], socket)
