"""Desks of one tenant: what acd and channels push about an agent and its contacts goes to the agent's browser.

Owns: which desk is open for which agent (the newest wins), which supervisors have a page open and read which chats,
what this console watches at other services.
Must not: decide anything; a desk's wishes become commands elsewhere.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from trunkline.acd.v1 import acd_service_pb2 as acd
from trunkline.acd.v1.acd_types_pb2 import AgentView, Connectivity, WorkState
from trunkline.contact.v1 import contact_service_pb2 as contact
from trunkline.contact.v1.contact_types_pb2 import ContactView, MessageView

from trunkline_console.application.views import agent_view_json, contact_view_json, reading_json

log = logging.getLogger(__name__)

REOPEN_S = 2.0
MAX_QUEUED = 500
MAX_READERS = 32  # of one supervisor

Frame = dict[str, Any]
FindCustomer = Callable[[str], Awaitable[dict[str, Any] | None]]


@dataclass
class Page:
    """One page in a browser; `frames` are on their way to it."""

    frames: asyncio.Queue[Frame | None] = field(default_factory=lambda: asyncio.Queue(MAX_QUEUED), kw_only=True)

    def show(self, frame: Frame) -> None:
        """Queue a frame; a browser that does not take them is closed and comes back to the current state."""
        if self.frames.full():
            self.close()
        else:
            self.frames.put_nowait(frame)

    def end(self, frame: Frame) -> None:
        """Queue the last frame, and end the page's connection after it."""
        self.show(frame)
        if self.frames.full():
            self.close()
        else:
            self.frames.put_nowait(None)

    def close(self) -> None:
        """End the page's connection now."""
        while not self.frames.empty():
            self.frames.get_nowait()
        self.frames.put_nowait(None)


@dataclass
class Desk(Page):
    """One open desk.

    Attributes:
        is_seated: whether acd said once that the agent sits here.
    """

    agent_id: str
    session_id: str
    contacts: set[str] = field(default_factory=set)
    reopened_monotonic: float = 0.0
    is_seated: bool = False


@dataclass
class Reader(Page):
    """A supervisor reads a chat along.

    Attributes:
        since_version: in which the supervisor was seen to monitor it; what is older says nothing of that.
    """

    supervisor_id: str
    contact_id: str
    since_version: int


@dataclass
class _Conversation:
    view: ContactView
    messages: dict[int, MessageView] = field(default_factory=dict)
    customer: dict[str, Any] | None = None
    is_customer_asked: bool = False


def _watching(contact_ids: Collection[str]) -> Any:
    return contact.SessionRequest(watch_contacts=contact.WatchContacts(contact_ids=sorted(contact_ids)))


def _show_reader(reader: Reader, found: _Conversation) -> None:
    """Show the chat, or that it is the supervisor's to read no more: then the page's connection ends."""
    view = found.view
    if view.version < reader.since_version:
        return
    if view.monitoring.supervisor_id == reader.supervisor_id:
        reader.show({"type": "chat", "chat": reading_json(view, found.messages)})
    else:
        reader.end({"type": "ended", "reason": view.monitoring_end})


def _sits_elsewhere(desk: Desk, view: AgentView) -> bool:
    """Tell whether a newer desk at another console took the place of this one; before it is seated another is older."""
    return desk.is_seated and view.session_id not in ("", desk.session_id)


def shown_customer(customer: dict[str, Any], contact_id: str) -> dict[str, Any]:
    """Return the name and how many contacts the customer had before this one."""
    is_counted = contact_id in customer["newest"]
    return {"name": customer["name"], "contacts": max(0, customer["contacts"] - is_counted)}


class Desks:
    """All open desks of one tenant on this console."""

    def __init__(
        self,
        find_customer: FindCustomer,
        reopen: Callable[[Desk], None],
        hides_listening: Callable[[], bool] = lambda: False,
        may_monitor: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Prepare the desks.

        Args:
            reopen: sends OpenAgentSession again for a desk that acd believes lost.
            hides_listening: whether agents are not told that a supervisor listens.
            may_monitor: whether a user still may, whose page is open.
        """
        self._hides_listening = hides_listening
        self._may_monitor = may_monitor
        self._find_customer = find_customer
        self._reopen = reopen
        self._desks: dict[str, Desk] = {}
        self._readers: list[Reader] = []
        self._pages: Counter[str] = Counter()
        self._agents: dict[str, AgentView] = {}
        self._conversations: dict[str, _Conversation] = {}
        self._lookups: set[asyncio.Task[None]] = set()
        self.tell_acd: Callable[[Any], None] = lambda _: None
        self.tell_channels: Callable[[Any], None] = lambda _: None

    def __len__(self) -> int:
        return len(self._desks)

    def open(self, desk: Desk) -> None:
        """Add a desk; one that the same agent has elsewhere is told and closed."""
        older = self._desks.get(desk.agent_id)
        if older is not None:
            older.end({"type": "replaced"})
        self._desks[desk.agent_id] = desk
        # What the older desk was shown may be erased: the new one gets what can be read now.
        self._watch_contacts(anew=older.contacts if older is not None else ())
        known = self._agents.get(desk.agent_id)
        if known is not None:
            self._show_agent(desk, known, None)
        self.tell_acd(self.agents_watched())

    def close(self, desk: Desk) -> None:
        """Remove a desk, unless a newer one took its place."""
        if self.has(desk):
            del self._desks[desk.agent_id]
            self._agents.pop(desk.agent_id, None)
            self.tell_acd(self.agents_watched())
            self._watch_contacts()

    def has(self, desk: Desk) -> bool:
        """Tell whether the desk is open, and no newer one took its place."""
        return self._desks.get(desk.agent_id) is desk

    @contextmanager
    def read_by(self, reader: Reader) -> Iterator[None]:
        """Show a supervisor the chat, from its first message on, as long as the block runs and the monitoring lasts.

        Of too many pages of one supervisor the oldest gives way.
        """
        others = [other for other in self._readers if other.supervisor_id == reader.supervisor_id]
        if len(others) >= MAX_READERS:
            others[0].close()
        self._readers.append(reader)
        self._watch_contacts(anew=(reader.contact_id,))
        try:
            yield
        finally:
            self._readers.remove(reader)
            self._watch_contacts()

    @contextmanager
    def supervised_by(self, user_id: str) -> Iterator[None]:
        """A supervisor has a page open here as long as the block runs: channels lets those listen who have one."""
        self._pages[user_id] += 1
        self.tell_channels(self.supervisors_here())
        try:
            yield
        finally:
            self._pages[user_id] -= 1
            self._pages += Counter()  # forgets who has none

    def supervisors(self) -> list[str]:
        """Return which supervisors have a page open here; with the role goes the right to listen, the page may stay."""
        return sorted(filter(self._may_monitor, self._pages))

    def supervisors_here(self) -> Any:
        """Return the heartbeat that says so."""
        return contact.SessionRequest(heartbeat=contact.PeerHeartbeat(supervisor_ids=self.supervisors()))

    def agents_watched(self) -> Any:
        """Return the request that names the agents this console watches."""
        return acd.SessionRequest(watch_agents=acd.WatchAgents(agent_ids=sorted(self._desks)))

    def held(self) -> acd.HeldAgents:
        """Return whose desks are open here: one that acd believes to be here and that is not is lost in 10 s."""
        return acd.HeldAgents(agent_ids=sorted(self._desks))

    def contacts_watched(self) -> Any:
        """Return the request that names the contacts this console watches."""
        return _watching(self._wanted())

    def _wanted(self) -> set[str]:
        at_desks = {contact_id for desk in self._desks.values() for contact_id in desk.contacts}
        return at_desks | {reader.contact_id for reader in self._readers}

    def customer_of(self, contact_id: str) -> str | None:
        """Return whose contact it is, empty when unknown; None for a contact that was not pushed."""
        found = self._conversations.get(contact_id)
        return found.view.customer_id if found else None

    # -- pushes -----------------------------------------------------------------------------------

    def on_agent(self, push: acd.SessionResponse) -> None:
        """acd pushed an agent's state."""
        view = push.agent
        desk = self._desks.get(view.agent_id)
        known = self._agents.get(view.agent_id)
        if desk is None or (known is not None and known.version > view.version):
            return
        desk.is_seated = desk.is_seated or view.session_id == desk.session_id
        if _sits_elsewhere(desk, view):
            desk.end({"type": "replaced"})
            self.close(desk)
            return
        self._agents[view.agent_id] = view
        latency_ms = push.owner_latency.ToMicroseconds() / 1000 if push.HasField("owner_latency") else None
        self._show_agent(desk, view, latency_ms)
        self._reopen_if_lost(desk, view)

    def _show_agent(self, desk: Desk, view: AgentView, latency_ms: float | None) -> None:
        desk.show({"type": "agent", "agent": agent_view_json(view), "owner_latency_ms": latency_ms})
        contacts = {item.contact_id for item in view.work}
        if contacts != desk.contacts:
            gained = contacts - desk.contacts
            desk.contacts = contacts
            self._watch_contacts()
            for contact_id in gained & self._conversations.keys():
                self._show_contact(desk, contact_id)

    def _watch_contacts(self, anew: Collection[str] = ()) -> None:
        """`anew`: forgotten first, so that channels tells them from the first message on."""
        wanted = self._wanted()
        kept = wanted.difference(anew)
        for contact_id in self._conversations.keys() - kept:
            del self._conversations[contact_id]
        if kept != wanted:
            self.tell_channels(_watching(kept))
        self.tell_channels(_watching(wanted))

    def _reopen_if_lost(self, desk: Desk, view: AgentView) -> None:
        """acd believes the desk lost (we were silent), but it is here."""
        is_lost = view.connectivity in (Connectivity.CONNECTIVITY_GRACE, Connectivity.CONNECTIVITY_DISCONNECTED)
        if is_lost and time.monotonic() - desk.reopened_monotonic > REOPEN_S:
            desk.reopened_monotonic = time.monotonic()
            self._reopen(desk)

    def on_contact(self, push: contact.SessionResponse) -> None:
        """channels pushed a contact's state, with the messages since the last push."""
        if push.WhichOneof("response") != "contact":
            return
        view = push.contact
        known = self._conversations.get(view.contact_id)
        if known is None:
            known = self._conversations[view.contact_id] = _Conversation(view)
        known.messages |= {message.message_no: message for message in view.messages}
        if view.version >= known.view.version:
            known.view = view
        if view.customer_id and not known.is_customer_asked:
            known.is_customer_asked = True
            self._look_up(view.contact_id, view.customer_id)
        for desk in self._desks.values():
            if view.contact_id in desk.contacts:
                self._show_contact(desk, view.contact_id)
        for reader in self._readers:
            if reader.contact_id == view.contact_id:
                _show_reader(reader, known)

    def _show_contact(self, desk: Desk, contact_id: str) -> None:
        """Show the contact; one that was given on is another agent's, however long its wrap-up here takes."""
        found = self._conversations[contact_id]
        if found.view.agent_id != desk.agent_id and self._wraps_up(desk, contact_id):
            return
        hides = self._hides_listening()
        frame = contact_view_json(found.view, found.messages, found.customer, hides, desk.agent_id)
        desk.show({"type": "contact", "contact": frame})

    def _wraps_up(self, desk: Desk, contact_id: str) -> bool:
        view = self._agents.get(desk.agent_id)
        work = view.work if view else ()
        return any(item.contact_id == contact_id and item.state == WorkState.WORK_STATE_WRAP_UP for item in work)

    def _look_up(self, contact_id: str, customer_id: str) -> None:
        task = asyncio.create_task(self._add_customer(contact_id, customer_id), name="console-customer")
        self._lookups.add(task)
        task.add_done_callback(self._lookups.discard)

    async def _add_customer(self, contact_id: str, customer_id: str) -> None:
        customer = await self._find_customer(customer_id)
        found = self._conversations.get(contact_id)
        if customer is None or found is None:
            return
        found.customer = shown_customer(customer, contact_id)
        for desk in self._desks.values():
            if contact_id in desk.contacts:
                self._show_contact(desk, contact_id)
