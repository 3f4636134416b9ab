"""An agent without a browser who does whole things and waits for them, beside tests that drive a browser.

Owns: one desk. Must not: know other services.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import httpx
from own_tenants import OwnTenant
from trunkline_launcher.commands import PASSWORD
from trunkline_platform.commands import new_command_id
from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 60.0
Agent = dict[str, Any]


class Colleague:
    """One logged-in agent."""

    def __init__(self, tenant: OwnTenant, login: str) -> None:
        url = tenant.layout.http_url("console")
        form = {"login": login, "password": PASSWORD, "tenant": tenant.tenant_id}
        answer = httpx.post(f"{url}/api/login", json=form, headers={"X-Trunkline": "1"}, timeout=PATIENCE_S)
        answer.raise_for_status()
        cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
        self._closing = ExitStack()
        self._socket: ClientConnection = self._closing.enter_context(
            connect(f"{url.replace('http', 'ws', 1)}/desk/ws", additional_headers={"Cookie": cookie})
        )
        self.agent: Agent = {"connectivity": "", "work": []}
        self.wait_for(lambda agent: agent["connectivity"] == "CONNECTED")

    def __enter__(self) -> "Colleague":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.close()

    def wait_for(self, holds: Callable[[Agent], bool]) -> Agent:
        """Read frames until the agent is as wanted; return it. Raises: TimeoutError."""
        while not holds(self.agent):
            frame = json.loads(self._socket.recv(timeout=PATIENCE_S))
            if frame["type"] == "agent":
                self.agent = frame["agent"]
        return self.agent

    def intend(self, intent: str, break_reason: str = "") -> None:
        """Be AVAILABLE, on a BREAK or OFFLINE."""
        self._send("intent", intent=intent, break_reason=break_reason)
        self.wait_for(lambda agent: agent["intent"] == intent)

    def take_next(self) -> str:
        """Accept the next offer; return the contact's id once it is connected."""
        offered = self.wait_for(lambda agent: _works(agent, "OFFERED") != [])
        offer = _works(offered, "OFFERED")[0]
        contact_id = str(offer["contact_id"])
        self._send("accept", contact_id=contact_id, offer_no=offer["offer_no"])
        self.wait_for(lambda agent: contact_id in [work["contact_id"] for work in _works(agent, "CONNECTED")])
        return contact_id

    def end(self, contact_id: str) -> None:
        """End a conversation and wait for the wrap-up."""
        self._send("end", contact_id=contact_id)
        self.wait_for(lambda agent: _works(agent, "WRAP_UP") != [])

    def say(self, contact_id: str, text: str) -> None:
        """Write to the customer."""
        self._send("message", contact_id=contact_id, text=text)

    def wrap_up(self, contact_id: str, code: str) -> None:
        """Say how it ended."""
        self._send("wrap_up", contact_id=contact_id, code=code)
        self.wait_for(lambda agent: _works(agent, "WRAP_UP") == [])

    def _send(self, kind: str, **fields: Any) -> None:
        self._socket.send(json.dumps({"type": kind, "command_id": new_command_id(), **fields}))


def _works(agent: Agent, state: str) -> list[dict[str, Any]]:
    return [work for work in agent["work"] if work["state"] == state]
