"""An agent's desk frame by frame, asynchronous: what was answered to each frame. `colleagues` does whole things.

Owns: one session, the newest state of the agent, the answers to what it sent. Must not: act by itself.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from trunkline_launcher.commands import PASSWORD
from trunkline_platform.commands import new_command_id
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

PATIENCE_S = 60.0
OWN_PAGE = {"x-trunkline": "1"}


@contextlib.asynccontextmanager
async def logged_in(url: str, login: str, tenant: str = "") -> AsyncIterator[httpx.AsyncClient]:
    """A client of console's REST with the user's session. `url`: console's."""
    async with httpx.AsyncClient(base_url=url, headers=OWN_PAGE, timeout=PATIENCE_S) as client:
        body = {"login": login, "password": PASSWORD, "tenant": tenant}
        (await client.post("/api/login", json=body)).raise_for_status()
        yield client


def cookie_header(client: httpx.AsyncClient) -> dict[str, str]:
    """Return the session as a header for a socket."""
    return {"cookie": "; ".join(f"{name}={value}" for name, value in client.cookies.items())}


class DeskClient:
    """One open desk."""

    def __init__(self, socket: ClientConnection, rest: httpx.AsyncClient) -> None:
        self.rest = rest
        self.agent: dict[str, Any] = {"work": []}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.unasked: list[dict[str, Any]] = []
        self._socket = socket
        self._answers: dict[str, dict[str, Any]] = {}
        self._moved = asyncio.Event()

    async def listen(self) -> None:
        """Take frames until the socket closes."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self._take(json.loads(await self._socket.recv()))

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "agent":
            self.agent = frame["agent"]
        elif frame["type"] == "contact":
            self.contacts[frame["contact"]["contact_id"]] = frame["contact"]
        elif frame["type"] in ("done", "refused") and frame["command_id"]:
            self._answers[frame["command_id"]] = frame
        else:
            self.unasked.append(frame)
        self._moved.set()

    async def send(self, kind: str, command_id: str = "", **fields: Any) -> dict[str, Any]:
        """Send one frame and return its answer. Raises: TimeoutError."""
        command_id = command_id or new_command_id()
        self._answers.pop(command_id, None)
        await self._socket.send(json.dumps({"type": kind, "command_id": command_id, **fields}))
        return await self.until(lambda: self._answers.get(command_id))

    async def send_raw(self, data: str | bytes) -> None:
        """Send whatever it is."""
        await self._socket.send(data)

    async def until(self, found: Callable[[], Any], within_s: float = PATIENCE_S) -> Any:
        """Return what `found` returns as soon as it is true; looked at after each frame. Raises: TimeoutError."""
        async with asyncio.timeout(within_s):
            while not (value := found()):
                self._moved.clear()
                await self._moved.wait()
        return value

    def work(self, contact_id: str, state: str) -> dict[str, Any] | None:
        """Return the agent's piece of work on the contact if it is in that state."""
        found = (item for item in self.agent["work"] if (item["contact_id"], item["state"]) == (contact_id, state))
        return next(found, None)


@contextlib.asynccontextmanager
async def desk_of(url: str, login: str, tenant: str = "") -> AsyncIterator[DeskClient]:
    """A desk that is open until the end of the block. `url`: console's."""
    address = f"{url.replace('http', 'ws', 1)}/desk/ws"
    async with (
        logged_in(url, login, tenant) as rest,
        connect(address, additional_headers=cookie_header(rest), open_timeout=PATIENCE_S) as socket,
    ):
        desk = DeskClient(socket, rest)
        listening = asyncio.create_task(desk.listen(), name=f"desk-{login}")
        try:
            yield desk
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
