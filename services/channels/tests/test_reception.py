"""Sealing makes a person a data key: a request that is refused must not leave one."""

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from trunkline_channels.application.reception import Arrival, Reception
from trunkline_channels.domain.commands import (
    AddMessage,
    ChooseTreatmentOption,
    CloseContact,
    Command,
    GiveInput,
    OpenContact,
    PutTreatments,
    RequestCallback,
)
from trunkline_channels.domain.words import CloseReason, TreatmentOfQueue
from trunkline_core.errors import TrunklineError
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import (
    CallbackOfferStep,
    MenuStep,
    MusicStep,
    QueueTreatment,
    TreatmentAction,
    TreatmentOption,
)
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Principal, Role

PAGE = Principal("tn_demo", "customer")
GATEWAY = Principal("tn_demo", "gateway:gw", frozenset({Role.GATEWAY}))
STRANGER = Principal("tn_other", "customer")
ARRIVAL = Arrival(entry_point_id="ep_chat", address="visitor:v1", attributes={}, locale="en", peer_id="chat:a")
BAD_IDS = [
    ("", "command_id"),
    ("not a uuid", "command_id"),
    ("0e37df36-f698-11e6-8dd4-cb9ced3df976", "command_id"),  # version 1
    (f"{new_command_id()}{'-' * 100}", "command_id"),  # Python reads a UUID in it
]
BAD_AGES = [(-600.0, "CommandExpired"), (600.0, "command_id")]


class OnePartition:
    """As much of a ledger as the reception reads."""

    partitions = (0,)

    def __init__(self, story: Any) -> None:
        self._story = story

    def partition_of(self, key: str) -> int:
        return 0

    def owns(self, partition: int) -> bool:
        return True

    def state(self, partition: int) -> Any:
        return self._story.state

    async def read(self, partition: int, view: Callable[[Any], Any]) -> Any:
        return view(self._story.state)

    async def reach_end(self, *partitions: int) -> None:
        """It has read everything."""


class Desk:
    """A reception, and what it sealed and sent."""

    def __init__(self, story: Any) -> None:
        self.sealed: list[str] = []
        self.sent: list[Command] = []
        self.reception = Reception(OnePartition(story), self, self)  # type: ignore[arg-type]

    async def seal(self, owner: str, tenant: str, text: str) -> Sealed:
        self.sealed.append(text)
        return Sealed("ky_1", b"n" * 12, text.encode() + b"t" * 16)

    def token(self, tenant: str, text: str) -> str:
        return hashlib.sha256(f"{tenant}/{text}".encode()).hexdigest()[:32]

    async def send(self, command: Command, caller: Principal, command_id: str, payload_hash: bytes) -> None:
        self.sent.append(command)


@pytest.fixture
def desk(story: Any) -> Desk:
    return Desk(story)


async def refusal(asked: Awaitable[Any]) -> str:
    with pytest.raises(TrunklineError) as refused:
        await asked
    return str(refused.value).partition(":")[0]


@pytest.mark.parametrize(("command_id", "reason"), BAD_IDS)
async def test_a_request_without_a_good_id_seals_nothing(desk: Desk, story: Any, command_id: str, reason: str) -> None:
    story.queued()
    reception = desk.reception
    assert await refusal(reception.start(ARRIVAL, PAGE, command_id)) == reason
    assert await refusal(reception.write(story.one, "hello", PAGE, command_id)) == reason
    assert await refusal(reception.take_input(story.one, "", "hello", PAGE, command_id)) == reason
    assert (desk.sealed, desk.sent) == ([], [])


@pytest.mark.parametrize(("age_s", "reason"), BAD_AGES)
async def test_a_contact_whose_opening_is_too_old_or_ahead_gets_no_key(desk: Desk, age_s: float, reason: str) -> None:
    assert await refusal(desk.reception.start(ARRIVAL, PAGE, new_command_id(time.time() + age_s))) == reason
    assert (desk.sealed, desk.sent) == ([], [])


async def test_a_contact_that_may_not_be_opened_gets_no_key(desk: Desk) -> None:
    for arrival, caller, reason in (
        (Arrival(entry_point_id="ep_none", address="a", attributes={}, locale="en", peer_id="p"), PAGE, "unknown"),
        (Arrival(entry_point_id="ep_chat", address="x" * 257, attributes={}, locale="en", peer_id="p"), PAGE, "addr"),
        (Arrival(entry_point_id="ep_chat", address="a", attributes={}, locale="xx", peer_id="p"), PAGE, "locale"),
        (ARRIVAL, STRANGER, "unknown"),
    ):
        assert (await refusal(desk.reception.start(arrival, caller, new_command_id()))).startswith(reason)
    assert (desk.sealed, desk.sent) == ([], [])


async def test_words_that_are_refused_are_not_sealed(desk: Desk, story: Any) -> None:
    story.queued()
    for contact_id, text, caller, reason in (
        (story.one, "x" * (31 * 1024 + 1), PAGE, "text"),
        (story.one, " ", PAGE, "text"),
        (f"{story.one}x", "hello", PAGE, "unknown"),
        (story.one, "hello", STRANGER, "unknown"),
        ("no contact", "hello", PAGE, "contact_id"),
    ):
        reception = desk.reception
        assert (await refusal(reception.write(contact_id, text, caller, new_command_id()))).startswith(reason)
        asked = reception.take_input(contact_id, "", text, caller, new_command_id())
        assert (await refusal(asked)).startswith(reason)
    assert (desk.sealed, desk.sent) == ([], [])


async def test_words_to_a_closed_contact_are_sent_without_a_text_and_refused(desk: Desk, story: Any) -> None:
    story.prompted().do(CloseContact(story.one, CloseReason.CUSTOMER_LEFT, ""))
    await desk.reception.write(story.one, "one more thing", PAGE, new_command_id())
    await desk.reception.take_input(story.one, "", "one more thing", PAGE, new_command_id())
    await desk.reception.take_input(story.one, "", "one more thing", PAGE, new_command_id(), "n1")
    assert [type(command) for command in desk.sent] == [AddMessage, AddMessage, GiveInput]
    assert [story.refusal(command, "customer") for command in desk.sent] == ["Rejection: ContactClosed"] * 3
    assert desk.sealed == []


OFFER = CallbackOfferStep(LocalizedText("按 1 由我们回拨。", "Press 1 to be called back."), "1")
OFFERING = QueueTreatment((MusicStep("waiting", timedelta(seconds=40)), OFFER), 1)


async def test_the_key_that_is_offered_while_waiting_asks_for_the_callback_and_seals_nothing(
    desk: Desk, story: Any
) -> None:
    """Routing rule 18."""
    story.do(PutTreatments((TreatmentOfQueue("qu_sales", OFFERING),)))
    story.queued("voice")
    await desk.reception.take_input(story.one, "", "1", GATEWAY, new_command_id())
    assert desk.sent == [RequestCallback(story.one, None)]
    assert desk.sealed == []


MENU = MenuStep(
    LocalizedText("按 2 转销售。", "Press 2 for sales."),
    (TreatmentOption("2", LocalizedText("销售", "Sales"), TreatmentAction.QUEUE, "qu_other"),),
)
CHOOSING = QueueTreatment((MusicStep("waiting", timedelta(seconds=40)), MENU), 1)


@pytest.mark.parametrize(
    ("channel", "option_id", "text", "sent"),
    [
        ("voice", "", "2", ChooseTreatmentOption),
        ("chat", "2", "", ChooseTreatmentOption),
        ("chat", "", "2", AddMessage),
    ],
)
async def test_a_key_or_a_button_chooses_of_the_menu_while_waiting(
    desk: Desk, story: Any, channel: str, option_id: str, text: str, sent: type[Command]
) -> None:
    """Routing rule 18; what a chat types is for the agent."""
    story.do(PutTreatments((TreatmentOfQueue("qu_sales", CHOOSING),)))
    story.queued(channel)
    await desk.reception.take_input(story.one, option_id, text, GATEWAY, new_command_id())
    assert [type(command) for command in desk.sent] == [sent]
    assert desk.sealed == ([] if sent is ChooseTreatmentOption else ["2"])


async def test_a_button_that_is_pressed_after_the_accept_is_refused(desk: Desk, story: Any) -> None:
    story.do(PutTreatments((TreatmentOfQueue("qu_sales", CHOOSING),)))
    story.accepted("chat")
    await desk.reception.take_input(story.one, "2", "", PAGE, new_command_id())
    assert [story.refusal(command, "customer") for command in desk.sent] == ["Rejection: InputNotAwaited"]
    assert desk.sealed == []


async def test_another_key_and_an_answer_to_a_question_are_no_wish_to_be_called_back(desk: Desk, story: Any) -> None:
    story.do(PutTreatments((TreatmentOfQueue("qu_sales", OFFERING),)))
    story.queued("voice")
    await desk.reception.take_input(story.one, "", "2", GATEWAY, new_command_id())
    await desk.reception.take_input(story.one, "", "1", GATEWAY, new_command_id(), "n1")
    assert [type(command) for command in desk.sent] == [GiveInput, GiveInput]
    assert [story.refusal(command, "gateway:gw") for command in desk.sent] == ["Rejection: InputNotAwaited"] * 2


async def opened_for(desk: Desk, *addresses: str, entry_point_id: str = "ep_voice") -> list[OpenContact]:
    for address in addresses:
        arrival = replace(ARRIVAL, entry_point_id=entry_point_id, address=address)
        await desk.reception.start(arrival, GATEWAY, new_command_id())
    return [command for command in desk.sent if isinstance(command, OpenContact)]


async def test_a_caller_is_known_by_the_number_however_it_is_spelled_and_it_is_kept_as_said(desk: Desk) -> None:
    one, other, third = await opened_for(desk, "+49 30 1234", "0049-30-1234", "+49 30 1235")
    assert one.address_token == other.address_token != third.address_token
    assert desk.sealed == ["+49 30 1234", "0049-30-1234", "+49 30 1235"]


async def test_callers_who_withhold_their_number_have_nothing_in_common(desk: Desk) -> None:
    one, other = await opened_for(desk, "anonymous", "anonymous")
    assert one.address_token != other.address_token
    assert one.address_withheld and other.address_withheld


async def test_a_repeated_call_of_a_withheld_number_is_the_same_contact(desk: Desk) -> None:
    arrival, command_id = replace(ARRIVAL, entry_point_id="ep_voice", address="anonymous"), new_command_id()
    contacts = {await desk.reception.start(arrival, GATEWAY, command_id) for _ in range(2)}
    assert len(contacts) == 1


async def test_addresses_of_chats_are_no_numbers(desk: Desk) -> None:
    one, other = await opened_for(desk, "12 34", "1234", entry_point_id="ep_chat")
    assert one.address_token != other.address_token
    assert not one.address_withheld


async def test_what_is_taken_is_sealed(desk: Desk, story: Any) -> None:
    contact_id = await desk.reception.start(ARRIVAL, PAGE, new_command_id())
    story.do(desk.sent[0])
    await desk.reception.write(contact_id, "hello", PAGE, new_command_id())
    assert [type(command) for command in desk.sent] == [OpenContact, AddMessage]
    assert desk.sealed == ["visitor:v1", "hello"]
