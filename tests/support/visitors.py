"""A customer without a browser who does whole things and waits for them, beside tests that drive a browser.

Owns: one conversation. Must not: know other services.
"""

import json
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any

import httpx
from trunkline_launcher.layout import Layout
from trunkline_platform.commands import new_command_id
from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 60.0
Contact = dict[str, Any]


class Visitor:
    """One chat, from the menu to its end."""

    def __init__(self, url: str, token: str) -> None:
        self._closing = ExitStack()
        self._socket: ClientConnection = self._closing.enter_context(connect(url, open_timeout=PATIENCE_S))
        self._socket.send(json.dumps({"type": "hello", "token": token}))
        self.contact: Contact = {"state": "", "prompt": None}

    @classmethod
    def arrive(cls, layout: Layout, entry_point_id: str, locale: str = "en") -> "Visitor | None":
        """Open a chat; None while the edge does not know the entry point yet."""
        url = layout.http_url("channels")
        body = {"entry_point_id": entry_point_id, "locale": locale, "command_id": new_command_id()}
        answer = httpx.post(f"{url}/chat/v1/sessions", json=body, timeout=PATIENCE_S)
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        return cls(f"{url.replace('http', 'ws', 1)}/chat/v1/ws", answer.json()["token"])

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.close()

    def wait_for(self, holds: Callable[[Contact], bool]) -> Contact:
        """Read frames until the contact is as wanted; return it. Raises: TimeoutError."""
        while not holds(self.contact):
            frame = json.loads(self._socket.recv(timeout=PATIENCE_S))
            if frame["type"] == "contact":
                self.contact = frame
        return self.contact

    def choose(self, option_id: str) -> None:
        """Answer the menu."""
        prompt = self.wait_for(lambda contact: contact["prompt"] is not None)["prompt"]
        self._send("input", node_id=prompt["node_id"], option_id=option_id)

    def answer(self, text: str) -> None:
        """Answer the question that follows the menu's."""
        prompt = self.wait_for(lambda contact: (contact["prompt"] or {"options": [0]})["options"] == [])["prompt"]
        self._send("input", node_id=prompt["node_id"], text=text)

    def say(self, text: str) -> None:
        """Write to the agent."""
        self._send("message", text=text)

    def leave(self) -> None:
        """End the chat."""
        self._send("leave")

    def ask_for_a_person(self, question: str) -> None:
        """Go through the menu into the support queue."""
        self.choose("support")
        self.answer(question)
        self.wait_for(lambda contact: contact["state"] in ("QUEUED", "OFFERED", "CONNECTING", "CONNECTED"))

    def _send(self, kind: str, **fields: Any) -> None:
        self._socket.send(json.dumps({"type": kind, "command_id": new_command_id(), **fields}))
