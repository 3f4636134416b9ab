"""Pages of the chat edge, without a network: limits, coming back, giving up."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from trunkline_channels.adapters.chat_tickets import SignedTickets
from trunkline_channels.application.chat import ChatEdge, Opening, Page, Ticket, View
from trunkline_channels.application.reception import Arrival
from trunkline_channels.domain.commands import AttachPeer, DetachPeer
from trunkline_channels.domain.state import EntryPoint
from trunkline_channels.domain.words import Channel, EntryPointDefinition
from trunkline_core.errors import NotFound, Overloaded, Rejection, Transient
from trunkline_platform.credentials import Principal, Unauthenticated

SECRET = b"not secret, but at least 32 bytes long"
CONTACT = "ct_0123456789abcdef_one"
TOKEN = SignedTickets(SECRET).issue(Ticket("tn_demo", CONTACT, "v1"))


@dataclass
class Row:
    """As much of a contact as the edge looks at."""

    is_over: bool = False


@dataclass
class Desk:
    """A reception that notes what it is asked."""

    contacts: dict[str, Row] = field(default_factory=lambda: {CONTACT: Row()})
    asked: list[Any] = field(default_factory=list)
    opened: int = 0
    is_away: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def entry_point(self, entry_point_id: str) -> EntryPoint:
        kinds = {"ep_chat": Channel.CHAT, "ep_voice": Channel.VOICE}
        if entry_point_id not in kinds:
            raise NotFound("entry_point", entry_point_id)
        return EntryPoint("tn_demo", EntryPointDefinition(entry_point_id, "", kinds[entry_point_id], "fl_1"))

    def new_visitor(self, tenant: str, command_id: str) -> str:
        return f"visitor-{command_id}"

    async def start(self, arrival: Arrival, caller: Principal, command_id: str) -> str:
        self.opened += 1
        contact_id = f"ct_0123456789abcdef_{command_id}"
        self.contacts[contact_id] = Row()
        return contact_id

    async def contact(self, contact_id: str, tenant: str) -> Row:
        if contact_id not in self.contacts:
            raise NotFound("contact", contact_id)
        return self.contacts[contact_id]

    known = contact

    async def pass_on(self, command: Any, caller: Principal, command_id: str) -> None:
        if self.is_away:
            raise Transient("away")
        await self.gate.wait()
        self.asked.append(command)

    async def write(self, contact_id: str, text: str, caller: Principal, command_id: str) -> None:
        self.asked.append(text)

    async def leave(self, contact_id: str, caller: Principal, command_id: str) -> None:
        raise Rejection("ContactClosed")


@dataclass
class Wires:
    """Streams that note what is watched."""

    watched: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)

    def ensure(self, tenant: str) -> None: ...
    def watch(self, tenant: str, contact_id: str) -> None:
        self.watched.add(contact_id)
        self.told.append("watch")

    def unwatch(self, tenant: str, contact_ids: Any) -> None:
        self.watched.difference_update(contact_ids)
        self.told.append("unwatch")


class Bench:
    """An edge and what stands around it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.desk, self.wires = Desk(), Wires()
        self.edge = ChatEdge(
            self.desk,  # type: ignore[arg-type]
            SignedTickets(SECRET),
            self.wires,
            "chat:1:boot",
            3,
            lambda: self.now,
        )

    async def open(self, command_id: str = "c1", token: str = "", entry_point_id: str = "ep_chat") -> Any:
        return await self.edge.open(
            Opening(
                entry_point_id=entry_point_id,
                locale="en",
                visitor="",
                token=token,
                command_id=command_id,
                ip="192.0.2.1",
            )
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


def view(version: int, *numbers: int, state: str = "QUEUED", is_over: bool = False) -> View:
    messages = {number: {"no": number, "text": f"m{number}"} for number in numbers}
    return View(CONTACT, version, is_over, {"version": version, "state": state}, messages)


async def numbers(page: Page) -> list[int]:
    frame = await page.next_frame()
    assert frame is not None and frame["type"] == "contact"
    return [message["no"] for message in frame["messages"]]


async def test_a_page_attaches_its_contact_and_detaches_it(bench: Bench) -> None:
    page = await bench.edge.join(TOKEN)
    assert bench.desk.asked == [AttachPeer(CONTACT, "chat:1:boot")]
    assert bench.wires.watched == {CONTACT}
    await bench.edge.quit(page)
    assert bench.desk.asked[1:] == [DetachPeer(CONTACT, "chat:1:boot")]
    await bench.edge.quit(page)
    assert len(bench.desk.asked) == 2


async def test_only_the_last_page_of_a_contact_detaches_it(bench: Bench) -> None:
    first, second = await bench.edge.join(TOKEN), await bench.edge.join(TOKEN)
    await bench.edge.quit(first)
    assert not any(isinstance(command, DetachPeer) for command in bench.desk.asked)
    await bench.edge.quit(second)
    assert any(isinstance(command, DetachPeer) for command in bench.desk.asked)


async def test_each_page_gets_each_message_once_whatever_the_order(bench: Bench) -> None:
    first = await bench.edge.join(TOKEN)
    bench.edge.on_view(view(7, 3))
    assert await numbers(first) == [3]
    bench.edge.on_view(view(7, 1, 2, 3))
    assert await numbers(first) == [1, 2]
    second = await bench.edge.join(TOKEN)
    bench.edge.on_view(view(7, 1, 2, 3))
    assert await numbers(second) == [1, 2, 3]


async def test_a_late_push_of_a_former_owner_does_not_take_a_page_back(bench: Bench) -> None:
    page = await bench.edge.join(TOKEN)
    bench.edge.on_view(view(9, 1, state="CONNECTED"))
    bench.edge.on_view(view(8, 2, state="QUEUED"))
    frame = await page.next_frame()
    assert (frame["state"], [message["no"] for message in frame["messages"]]) == ("CONNECTED", [1, 2])


async def test_a_closed_contact_is_not_detached(bench: Bench) -> None:
    page = await bench.edge.join(TOKEN)
    bench.edge.on_view(view(9, is_over=True))
    await bench.edge.quit(page)
    assert not any(isinstance(command, DetachPeer) for command in bench.desk.asked)


async def test_a_page_that_comes_back_while_the_last_one_leaves_keeps_its_contact(bench: Bench) -> None:
    page = await bench.edge.join(TOKEN)
    bench.desk.gate.clear()
    leaving = asyncio.create_task(bench.edge.quit(page))
    await asyncio.sleep(0)
    coming = asyncio.create_task(bench.edge.join(TOKEN))
    await asyncio.sleep(0)
    bench.desk.gate.set()
    await asyncio.gather(leaving, coming)
    assert [type(command) for command in bench.desk.asked][-1] is AttachPeer


async def test_a_page_that_stays_is_told_again_now_and_then(bench: Bench) -> None:
    await bench.edge.join(TOKEN)
    bench.now += 44
    await bench.edge.look()
    assert len(bench.desk.asked) == 1
    bench.now += 2
    await bench.edge.look()
    assert bench.desk.asked == [AttachPeer(CONTACT, "chat:1:boot")] * 2


async def test_what_could_not_be_told_is_told_soon_again(bench: Bench) -> None:
    bench.desk.is_away = True
    await bench.edge.join(TOKEN)
    bench.desk.is_away = False
    bench.now += 3
    await bench.edge.look()
    assert bench.desk.asked == [AttachPeer(CONTACT, "chat:1:boot")]


async def test_a_reloaded_page_is_told_anew_so_that_nothing_erased_is_shown(bench: Bench) -> None:
    first = await bench.edge.join(TOKEN)
    bench.edge.on_view(view(7, 1, 2))
    assert await numbers(first) == [1, 2]
    watched_before = [*bench.wires.told]
    second = await bench.edge.join(TOKEN)
    assert bench.wires.told == [*watched_before, "unwatch", "watch"]
    bench.edge.on_view(View(CONTACT, 7, False, {"state": "SELF_SERVICE"}, {1: {"no": 1, "text": ""}}))
    assert (await second.next_frame())["messages"] == [{"no": 1, "text": ""}]


async def test_contacts_without_a_page_are_forgotten_after_a_moment(bench: Bench) -> None:
    page = await bench.edge.join(TOKEN)
    bench.edge.on_view(view(7, 1, 2))
    await bench.edge.quit(page)
    await bench.edge.look()
    assert bench.wires.watched == {CONTACT}
    bench.now += 6
    await bench.edge.look()
    assert not bench.wires.watched
    bench.edge.on_view(view(8, 3))
    page = await bench.edge.join(TOKEN)
    bench.edge.on_view(view(8, 1, 2, 3))
    assert await numbers(page) == [1, 2, 3]


async def test_a_page_that_never_comes_is_given_up(bench: Bench) -> None:
    opened = await bench.open()
    bench.now += 31
    await bench.edge.look()
    assert bench.desk.asked == [DetachPeer(opened.contact_id, "chat:1:boot")]


async def test_a_page_that_comes_is_not_given_up(bench: Bench) -> None:
    opened = await bench.open()
    await bench.edge.join(opened.token)
    bench.now += 31
    await bench.edge.look()
    assert not any(isinstance(command, DetachPeer) for command in bench.desk.asked)


async def test_a_live_conversation_is_resumed_and_a_closed_one_is_not(bench: Bench) -> None:
    assert (await bench.open(token=TOKEN)).contact_id == CONTACT
    bench.desk.contacts[CONTACT].is_over = True
    assert (await bench.open(token=TOKEN)).contact_id != CONTACT
    assert (await bench.open("c2", token="forged.token")).contact_id != CONTACT


async def test_an_entry_point_for_calls_opens_no_chat(bench: Bench) -> None:
    with pytest.raises(NotFound):
        await bench.open(entry_point_id="ep_voice")


async def test_one_address_opens_a_bounded_number_of_conversations(bench: Bench) -> None:
    for number in range(3):
        await bench.open(f"c{number}")
    with pytest.raises(Overloaded):
        await bench.open("c9")
    bench.now += 61
    await bench.open("c10")


async def test_a_page_speaks_at_most_twenty_times_in_ten_seconds(bench: Bench) -> None:
    page = await bench.edge.join(TOKEN)
    for number in range(21):
        await bench.edge.take(page, {"type": "message", "command_id": str(number), "text": "x"})
    frames = [await page.next_frame() for _ in range(21)]
    assert [frame["type"] for frame in frames] == ["done"] * 20 + ["refused"]
    assert frames[-1]["retry_after_s"] == 10.0
    bench.now += 11
    await bench.edge.take(page, {"type": "message", "command_id": "again", "text": "x"})
    assert (await page.next_frame())["type"] == "done"


async def test_a_page_that_leaves_again_and_again_reaches_nobody(bench: Bench) -> None:
    page = await bench.edge.join(TOKEN)
    for number in range(6):
        await bench.edge.take(page, {"type": "leave", "command_id": str(number)})
    frames = [await page.next_frame() for _ in range(6)]
    assert [frame["reason"] for frame in frames[:5]] == ["ContactClosed"] * 5
    assert frames[-1]["retry_after_s"] == 10.0


@pytest.mark.parametrize(
    ("frame", "reason"),
    [({"type": "leave", "command_id": "1"}, "ContactClosed"), ({"type": "dance"}, "type"), ({}, "type")],
)
async def test_refusals_are_named(bench: Bench, frame: dict[str, Any], reason: str) -> None:
    page = await bench.edge.join(TOKEN)
    await bench.edge.take(page, frame)
    assert (await page.next_frame())["reason"] == reason


async def test_a_ping_is_answered(bench: Bench) -> None:
    page = await bench.edge.join(TOKEN)
    await bench.edge.take(page, {"type": "ping"})
    assert await page.next_frame() == {"type": "pong"}


async def test_of_too_many_pages_of_a_contact_the_oldest_gives_way(bench: Bench) -> None:
    first, *others = [await bench.edge.join(TOKEN) for _ in range(5)]
    assert bench.edge.pages == 4
    assert await asyncio.wait_for(first.next_frame(), 10) is None
    await bench.edge.quit(first)  # its socket ends now: the others stay
    assert not any(isinstance(command, DetachPeer) for command in bench.desk.asked)
    bench.edge.on_view(view(7, 1))
    assert [await numbers(page) for page in others] == [[1]] * 4


async def test_pages_of_a_contact_come_and_go_a_bounded_number_of_times(bench: Bench) -> None:
    for _ in range(20):
        await bench.edge.quit(await bench.edge.join(TOKEN))
        await bench.edge.look()
        bench.now += 1
    told = len(bench.desk.asked)
    with pytest.raises(Overloaded) as refused:
        await bench.edge.join(TOKEN)
    assert refused.value.retry_after_s == 40.0
    assert (len(bench.desk.asked), bench.edge.pages) == (told, 0)
    bench.now += 40
    await bench.edge.join(TOKEN)


async def test_a_page_that_comes_back_after_a_while_does_not_speak_more_often(bench: Bench) -> None:
    page = await bench.edge.join(TOKEN)
    for number in range(20):
        await bench.edge.take(page, {"type": "message", "command_id": str(number), "text": "x"})
    await bench.edge.quit(page)
    bench.now += 6
    await bench.edge.look()
    page = await bench.edge.join(TOKEN)
    await bench.edge.take(page, {"type": "message", "command_id": "more", "text": "x"})
    frame = await page.next_frame()
    assert frame is not None and frame["type"] == "refused"


async def test_a_conversation_that_left_memory_is_not_found(bench: Bench) -> None:
    bench.desk.contacts.clear()
    with pytest.raises(NotFound):
        await bench.edge.join(TOKEN)
    assert bench.edge.pages == 0


@pytest.mark.parametrize("token", ["", ".", "a.b", TOKEN[:-2], "é.é", TOKEN.replace(".", "x."), "x" * 2000])
def test_a_token_we_did_not_make_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        SignedTickets(SECRET).verify(token)


def test_a_token_ends_after_a_day() -> None:
    token = SignedTickets(SECRET, lambda: 0.0).issue(Ticket("tn_demo", CONTACT, "v1"))
    assert SignedTickets(SECRET, lambda: 86_399.0).verify(token).contact_id == CONTACT
    with pytest.raises(Unauthenticated):
        SignedTickets(SECRET, lambda: 86_401.0).verify(token)


async def test_the_edge_has_the_contacts_with_a_page_and_those_that_are_about_to_get_one(bench: Bench) -> None:
    page = await bench.edge.join(TOKEN)
    opened = await bench.open()
    assert bench.edge.held("tn_demo") == [CONTACT, opened.contact_id]
    assert bench.edge.held("tn_other") == []
    bench.desk.is_away = True  # nobody hears that the page left
    await bench.edge.quit(page)
    assert bench.edge.held("tn_demo") == [opened.contact_id]
