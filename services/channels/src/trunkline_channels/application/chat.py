"""The chat edge: pages of customers, as one more peer of channels.

Owns: which page belongs to which contact, what each page was shown, and the limits of a page. It submits like any
gateway and gets pushes from every replica's stream, this one's included.
Must not: know HTTP or protobuf, or hold anything that a page could not get again by saying hello.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol
from weakref import WeakValueDictionary

from trunkline_core.errors import Invalid, NotFound, Overloaded, TrunklineError
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Principal
from trunkline_platform.logs import get_logger

from trunkline_channels.application.rates import Rate
from trunkline_channels.application.reasons import reason_of, retry_after_s
from trunkline_channels.application.reception import Arrival, Reception
from trunkline_channels.domain import commands
from trunkline_channels.domain.words import Channel

log = get_logger(__name__)

CUSTOMER = "customer"  # the actor of every page
MESSAGES, MESSAGES_S = 20, 10.0
LEAVES, LEAVES_S = 5, 10.0  # a page that repeats it means it once
HELLOS, HELLOS_S = 20, 60.0  # pages that one conversation may open, reloads and reconnections included
PAGE_EXPECTED_S = 30.0
LOOK_S = 2.0
REATTACH_S = 45.0  # a replica that could not hear us may have given us up: well within the 120 s that a page has
LINGER_S = 5.0  # a reloaded page finds its place
MAX_PAGES_PER_CONTACT = 4
MAX_CONTACTS = 10_000  # as many as one stream may watch


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a page's token says: the contact it may take part in."""

    tenant: str
    contact_id: str
    visitor: str


class Tickets(Protocol):
    """Makes tickets into tokens that only we can make."""

    def issue(self, ticket: Ticket) -> str: ...
    def verify(self, token: str) -> Ticket:
        """Raises: Unauthenticated."""
        ...


class Streams(Protocol):
    """Our streams to all replicas, one set for each tenant."""

    def ensure(self, tenant: str) -> None:
        """Have streams for the tenant."""
        ...

    def watch(self, tenant: str, contact_id: str) -> None:
        """Get the contact from its first message on, and every change."""
        ...

    def unwatch(self, tenant: str, contact_ids: Collection[str]) -> None:
        """Hear of them no more, unless this edge holds them."""
        ...


@dataclass(frozen=True, slots=True)
class View:
    """A contact as a page is shown it; `messages` by number."""

    contact_id: str
    version: int
    is_over: bool
    content: dict[str, Any]
    messages: dict[int, dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A page asks for a conversation. `token` and `visitor` come from an earlier answer, or are empty."""

    entry_point_id: str
    locale: str
    visitor: str
    token: str
    command_id: str
    ip: str


@dataclass(frozen=True, slots=True)
class Opened:
    """The page's ticket and what it needs to come back."""

    token: str
    contact_id: str
    visitor: str


class Shown:
    """What is known of one contact that has pages here, or had until a moment ago."""

    def __init__(self, tenant: str, now: float) -> None:
        self.tenant = tenant
        self.pages: list[Page] = []  # the oldest first
        self.view: View | None = None
        self.messages: dict[int, dict[str, Any]] = {}
        self.attach_at = now
        self.left_at = now

    @property
    def is_over(self) -> bool:
        """Whether the contact is known to be closed."""
        return self.view is not None and self.view.is_over

    def take(self, view: View) -> None:
        """Keep what is newer; messages never change."""
        self.messages |= view.messages
        if self.view is None or view.version >= self.view.version:
            self.view = view


class Page:
    """One socket. `next_frame` gives what to send; the newest state wins when the socket is slow."""

    def __init__(self, ticket: Ticket, shown: Shown) -> None:
        self.ticket = ticket
        self.caller = Principal(ticket.tenant, CUSTOMER)
        self._shown = shown
        self._sent: set[int] = set()
        self._is_behind = False
        self._is_replaced = False
        self._answers: deque[dict[str, Any]] = deque()
        self._wake = asyncio.Event()

    def refresh(self) -> None:
        """The contact changed."""
        self._is_behind = True
        self._wake.set()

    def answer(self, frame: dict[str, Any]) -> None:
        """Send an answer; bounded by requests being taken one after another."""
        self._answers.append(frame)
        self._wake.set()

    def replace(self) -> None:
        """A newer page of the conversation takes the place."""
        self._is_replaced = True
        self._wake.set()

    async def next_frame(self) -> dict[str, Any] | None:
        """Wait for something to send; None once the page is replaced."""
        while not self._is_replaced:
            if self._answers:
                return self._answers.popleft()
            if self._is_behind and self._shown.view is not None:
                return self._contact_frame(self._shown.view)
            self._wake.clear()
            await self._wake.wait()
        return None

    def _contact_frame(self, view: View) -> dict[str, Any]:
        self._is_behind = False
        fresh = sorted(self._shown.messages.keys() - self._sent)
        self._sent.update(fresh)
        return view.content | {"type": "contact", "messages": [self._shown.messages[number] for number in fresh]}


class ChatEdge:
    """All pages of this process."""

    def __init__(
        self,
        reception: Reception,
        tickets: Tickets,
        streams: Streams,
        peer_id: str,
        sessions_per_ip: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.peer_id = peer_id
        self._reception = reception
        self._tickets = tickets
        self._streams = streams
        self._monotonic = monotonic
        self._shown: dict[str, Shown] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._expected: dict[str, tuple[str, float]] = {}  # contact → tenant, and when its page is given up
        self._sessions = Rate("the number of new conversations", sessions_per_ip, 60.0, monotonic)  # by address
        self._hellos = Rate("pages of this conversation", HELLOS, HELLOS_S, monotonic)  # by contact
        self._messages = Rate("your conversation", MESSAGES, MESSAGES_S, monotonic)  # by contact
        self._leaves = Rate("leaving", LEAVES, LEAVES_S, monotonic)  # by contact

    @property
    def pages(self) -> int:
        """How many sockets are open."""
        return sum(len(shown.pages) for shown in self._shown.values())

    def held(self, tenant: str) -> list[str]:
        """Return the tenant's contacts that have a page here, or are about to."""
        shown = [contact_id for contact_id, found in self._shown.items() if found.pages and found.tenant == tenant]
        expected = [contact_id for contact_id, (of, _) in self._expected.items() if of == tenant]
        return shown + expected

    def tenant_of(self, entry_point_id: str) -> str:
        """Return whose entry point it is. Raises: NotFound."""
        entry_point = self._reception.entry_point(entry_point_id)
        if entry_point.definition.channel is not Channel.CHAT:
            raise NotFound("entry_point", entry_point_id)
        return entry_point.tenant

    async def open(self, opening: Opening) -> Opened:
        """Resume the conversation of an earlier token, or open one. Raises: TrunklineError."""
        tenant = self.tenant_of(opening.entry_point_id)
        self._streams.ensure(tenant)
        if opening.token and (resumed := await self._resumed(opening.token, tenant)):
            return resumed
        self._sessions.count(opening.ip)
        visitor = opening.visitor or self._reception.new_visitor(tenant, opening.command_id)
        arrival = Arrival(
            entry_point_id=opening.entry_point_id,
            address=f"visitor:{visitor}",
            attributes={},
            locale=opening.locale,
            peer_id=self.peer_id,
        )
        contact_id = await self._reception.start(arrival, Principal(tenant, CUSTOMER), opening.command_id)
        if not self._has_page(contact_id):
            self._expected[contact_id] = (tenant, self._monotonic() + PAGE_EXPECTED_S)
        ticket = Ticket(tenant, contact_id, visitor)
        return Opened(self._tickets.issue(ticket), contact_id, visitor)

    async def _resumed(self, token: str, tenant: str) -> Opened | None:
        try:
            ticket = self._tickets.verify(token)
            contact = await self._reception.contact(ticket.contact_id, ticket.tenant)
        except TrunklineError:
            return None  # an old ticket is as good as none
        if ticket.tenant != tenant or contact.is_over:
            return None
        return Opened(token, ticket.contact_id, ticket.visitor)

    async def join(self, token: str) -> Page:
        """A page said hello; of too many at a time the oldest gives way.

        Raises: Unauthenticated; NotFound for a contact that left memory; Overloaded, also when the conversation's
        pages come and go too often: each time its owner is told, and the conversation is read from the start.
        """
        ticket = self._tickets.verify(token)
        await self._reception.known(ticket.contact_id, ticket.tenant)
        self._hellos.count(ticket.contact_id)
        self._streams.ensure(ticket.tenant)
        if ticket.contact_id not in self._shown and len(self._shown) >= MAX_CONTACTS:
            raise Overloaded("this chat edge", 5.0)
        shown = self._shown.setdefault(ticket.contact_id, Shown(ticket.tenant, self._monotonic()))
        page = Page(ticket, shown)
        shown.pages.append(page)
        if len(shown.pages) > MAX_PAGES_PER_CONTACT:
            shown.pages.pop(0).replace()
        self._expected.pop(ticket.contact_id, None)
        self._watch(ticket.contact_id, shown)
        await self._attach(ticket.contact_id, shown)
        return page

    def _watch(self, contact_id: str, shown: Shown) -> None:
        """Have the contact told from its first message on; texts kept from before may be of an erased customer."""
        if shown.view is not None:
            shown.messages.clear()
            self._streams.unwatch(shown.tenant, [contact_id])
        self._streams.watch(shown.tenant, contact_id)

    async def quit(self, page: Page) -> None:
        """The socket is gone; the last one of a contact detaches it."""
        contact_id, shown = page.ticket.contact_id, self._shown.get(page.ticket.contact_id)
        if shown is None or page not in shown.pages:
            return
        shown.pages.remove(page)
        if shown.pages:
            return
        shown.left_at = self._monotonic()
        if not shown.is_over:
            await self._detach(contact_id, shown.tenant)

    async def _attach(self, contact_id: str, shown: Shown) -> None:
        """Tell that we hold the contact; saying it again changes nothing."""
        if shown.is_over:
            return
        async with self._turn(contact_id):
            is_told = await self._tell(commands.AttachPeer(contact_id, self.peer_id), shown.tenant)
        shown.attach_at = self._monotonic() + (REATTACH_S if is_told else LOOK_S)

    async def _detach(self, contact_id: str, tenant: str) -> None:
        """Tell that the page is gone, unless one came back meanwhile."""
        async with self._turn(contact_id):
            if not self._has_page(contact_id):
                await self._tell(commands.DetachPeer(contact_id, self.peer_id), tenant)

    def _turn(self, contact_id: str) -> asyncio.Lock:
        """One at a time, so that a page which comes back is not overtaken by the news that it left."""
        turn = self._turns.get(contact_id)
        if turn is None:
            turn = self._turns[contact_id] = asyncio.Lock()
        return turn

    def _has_page(self, contact_id: str) -> bool:
        shown = self._shown.get(contact_id)
        return shown is not None and bool(shown.pages)

    def on_view(self, view: View) -> None:
        """A replica pushed a contact."""
        shown = self._shown.get(view.contact_id)
        if shown is None:
            return
        shown.take(view)
        for page in shown.pages:
            page.refresh()

    async def take(self, page: Page, frame: dict[str, Any]) -> None:
        """Carry out one frame of a page and answer it."""
        kind, command_id = frame.get("type"), _word(frame, "command_id")
        if kind == "ping":
            page.answer({"type": "pong"})
            return
        try:
            await self._carry_out(page, str(kind), frame, command_id)
            page.answer({"type": "done", "command_id": command_id})
        except TrunklineError as error:
            page.answer(
                {
                    "type": "refused",
                    "command_id": command_id,
                    "reason": reason_of(error),
                    "message": str(error),
                    "retry_after_s": retry_after_s(error),
                }
            )

    async def _carry_out(self, page: Page, kind: str, frame: dict[str, Any], command_id: str) -> None:
        contact_id, caller = page.ticket.contact_id, page.caller
        match kind:
            case "input":
                self._messages.count(contact_id)
                option_id, text, node_id = (_word(frame, name) for name in ("option_id", "text", "node_id"))
                await self._reception.take_input(contact_id, option_id, text, caller, command_id, node_id)
            case "message":
                self._messages.count(contact_id)
                await self._reception.write(contact_id, _word(frame, "text"), caller, command_id)
            case "leave":
                self._leaves.count(contact_id)
                await self._reception.leave(contact_id, caller, command_id)
            case _:
                raise Invalid("type", "is unknown")

    async def run(self) -> None:
        """Give up pages that never came, and hold on to those that are there, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    async def look(self) -> None:
        """A contact whose page does not say hello waits as if its page had gone; one with a page is ours."""
        now = self._monotonic()
        for contact_id, (tenant, until) in list(self._expected.items()):
            if until <= now:
                del self._expected[contact_id]
                await self._detach(contact_id, tenant)
        for contact_id, shown in list(self._shown.items()):
            if shown.pages and shown.attach_at <= now:
                await self._attach(contact_id, shown)
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop what has had no page for a while."""
        gone: dict[str, list[str]] = {}
        for contact_id, shown in self._shown.items():
            if not shown.pages and shown.left_at + LINGER_S <= now:
                gone.setdefault(shown.tenant, []).append(contact_id)
        for tenant, contact_ids in gone.items():
            for contact_id in contact_ids:
                del self._shown[contact_id]
            self._streams.unwatch(tenant, contact_ids)

    async def _tell(self, command: commands.AttachPeer | commands.DetachPeer, tenant: str) -> bool:
        """Return whether it is settled; what could not be told is told again, or found out by the peer watch."""
        try:
            await self._reception.pass_on(command, Principal(tenant, CUSTOMER), new_command_id())
            return True
        except TrunklineError as error:
            kind = type(command).__name__
            log.info("peer change not told", extra={"kind": kind, "reason": reason_of(error)})
            return not error.retryable


def _word(frame: dict[str, Any], name: str) -> str:
    """Return a text of the frame; empty where it is missing or none."""
    value = frame.get(name)
    return value if isinstance(value, str) else ""
