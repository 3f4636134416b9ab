"""Callers and agents who do not let go: a command is repeated under its id until it is done or refused for good.

Owns: what each of them does next, and the journal of what was sent and answered. Must not: judge.
"""

import asyncio
import itertools
from typing import Any

from desk_sockets import DeskClient
from gateways import Gateway
from trunkline.contact.v1 import contact_service_pb2 as api
from trunkline.contact.v1.contact_types_pb2 import ContactState, ContactView
from trunkline_core.errors import Transient
from trunkline_platform.commands import new_command_id
from trunkline_testkit.checker import ClientJournal

ANSWER_WITHIN_S = 5.0
PATIENCE_S = 240.0
UNAVAILABLE = 14
QUEUED, OFFERED, CONNECTING, CLOSED = (
    ContactState.Value(f"CONTACT_STATE_{name}") for name in ("QUEUED", "OFFERED", "CONNECTING", "CLOSED")
)


class Customers:
    """All who call through one gateway. Every `hang_up_every`-th leaves as soon as it waits for an agent."""

    def __init__(self, gateway: Gateway, journal: ClientJournal, entry_point: str, hang_up_every: int) -> None:
        self.ended = 0
        self._gateway, self._journal = gateway, journal
        self._entry_point, self._hang_up_every = entry_point, hang_up_every

    async def call(self, number: int) -> None:
        """One call from its start to its end."""
        start = api.StartContact(entry_point_id=self._entry_point, address=f"+86-{number}", locale="en")
        contact_id = (await self._tell(start_contact=start)).contact_id
        is_impatient = number % self._hang_up_every == 0
        done: set[tuple[int, str, int, int]] = set()
        while (view := await self._news(contact_id, done)).state != CLOSED:
            done.add(_place(view))
            if request := _next_request(view, is_impatient):
                await self._tell(contact_id, **request)
        self.ended += 1

    async def _news(self, contact_id: str, done: set[tuple[int, str, int, int]]) -> ContactView:
        return await self._gateway.until(contact_id, lambda view: _place(view) not in done, PATIENCE_S)

    async def _tell(self, contact_id: str = "", **request: Any) -> Any:
        command_id, (kind,) = new_command_id(), request
        self._journal.sent(command_id, kind, contact_id)
        while True:
            try:
                said = await self._gateway.ask(command_id=command_id, within_s=ANSWER_WITHIN_S, **request)
            except (Transient, TimeoutError):
                await asyncio.sleep(0.2)
                continue
            if isinstance(said, api.RequestDone):
                self._journal.acked(command_id, kind, said.contact_id or contact_id)
                return said
            if said.code != UNAVAILABLE:
                self._journal.refused(command_id, kind, contact_id)
                return said
            await asyncio.sleep(said.retry_duration.ToTimedelta().total_seconds())


def _place(view: ContactView) -> tuple[int, str, int, int]:
    return view.state, view.prompt.node_id, view.segment_no, view.offer_no


def _next_request(view: ContactView, is_impatient: bool) -> dict[str, Any] | None:
    """Return what the caller, or the gateway for it, says at this place; None: wait."""
    place: dict[str, Any] = {"contact_id": view.contact_id}
    if view.prompt.node_id == "menu":
        return {"customer_input": api.CustomerInput(text="2", node_id="menu", **place)}
    if view.prompt.node_id == "topic":
        return {"customer_input": api.CustomerInput(text="my parcel", node_id="topic", **place)}
    if view.state in (QUEUED, OFFERED) and is_impatient:
        return {"customer_left": api.CustomerLeft(**place)}
    if view.state == CONNECTING:
        return {"leg_connected": api.LegConnected(segment_no=view.segment_no, offer_no=view.offer_no, **place)}
    return None


Action = tuple[str, dict[str, Any]]


class Agent:
    """An agent who answers every offer, ends every conversation at once and wraps it up."""

    def __init__(self, desk: DeskClient, journal: ClientJournal) -> None:
        self._desk, self._journal = desk, journal
        self._done: set[tuple[Any, ...]] = set()

    async def work(self) -> None:
        """Work until cancelled."""
        await self._tell("intent", {"intent": "AVAILABLE"})
        for _ in itertools.count():
            kind, fields = await self._desk.until(self._next, PATIENCE_S)
            await self._tell(kind, fields)
            self._done.add(_key(kind, fields, self._desk.agent))

    async def go_home(self) -> None:
        """Take no more."""
        await self._tell("intent", {"intent": "OFFLINE"})

    def _next(self) -> Action | None:
        wishes = (_wish(item) for item in self._desk.agent["work"])
        actions: list[Action] = [wish for wish in wishes if wish is not None]
        if self._desk.agent.get("not_responding"):
            actions.append(("rearm", {}))
        return next((each for each in actions if _key(*each, self._desk.agent) not in self._done), None)

    async def _tell(self, kind: str, fields: dict[str, Any]) -> None:
        command_id = new_command_id()
        self._journal.sent(command_id, kind)
        while True:
            try:
                async with asyncio.timeout(ANSWER_WITHIN_S):
                    answer = await self._desk.send(kind, command_id, **fields)
            except TimeoutError:
                continue
            if answer["type"] == "done":
                self._journal.acked(command_id, kind)
                return
            if answer["retry_after_s"] is None:
                self._journal.refused(command_id, kind)
                return
            await asyncio.sleep(answer["retry_after_s"])


def _wish(item: dict[str, Any]) -> Action | None:
    contact_id = item["contact_id"]
    match item["state"]:
        case "OFFERED":
            return "accept", {"contact_id": contact_id, "offer_no": item["offer_no"]}
        case "CONNECTED":
            return "end", {"contact_id": contact_id}
        case "WRAP_UP":
            return "wrap_up", {"contact_id": contact_id, "code": "resolved"}
    return None


def _key(kind: str, fields: dict[str, Any], agent: dict[str, Any]) -> tuple[Any, ...]:
    return (kind, agent["version"]) if kind == "rearm" else (kind, *fields.values())
