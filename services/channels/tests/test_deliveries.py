"""Messages that an outside system brings: one open conversation for each of its customers."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from trunkline_channels.domain.commands import (
    CloseContact,
    GiveInput,
    LosePeer,
    PutHook,
    RecordCustomer,
    RecordPrompt,
    TakeDelivery,
)
from trunkline_channels.domain.events import (
    ContactClosed,
    ContactOpened,
    HookPut,
    InputGiven,
    MessageAdded,
    StepBegun,
    TextGathered,
)
from trunkline_channels.domain.policy import CLOSED_LIFE, MAX_MESSAGES, SILENT_LIFE
from trunkline_channels.domain.words import Author, CloseReason
from trunkline_core.texts import LocalizedText
from trunkline_core.webhooks import HookDefinition

HOOK = HookDefinition("hk_shop", "ep_chat", ("now",), False)
QUESTION = LocalizedText("请选择", "Choose")


def delivery(story: Any, **changes: Any) -> TakeDelivery:
    address_token = story.opening().address_token
    command = TakeDelivery("hk_shop", address_token, story.sealed, story.one, "en", None, story.sealed, "", "")
    return replace(command, **changes)


@pytest.fixture
def hooked(story: Any) -> Any:
    """A partition with a hook."""
    assert story.do(PutHook(HOOK)) == [HookPut(HOOK)]
    return story


def names(events: list[Any]) -> list[str]:
    return [type(event).__name__ for event in events]


def test_the_first_message_opens_a_contact_that_nobody_holds_and_names_the_customer(hooked: Any) -> None:
    happened = hooked.do(delivery(hooked, name=hooked.sealed))
    assert names(happened) == ["ContactOpened", "StepBegun", "TextGathered", "MessageAdded"]
    opened, begun, named, written = happened
    assert isinstance(opened, ContactOpened) and (opened.entry_point_id, opened.peer_id) == ("ep_chat", "")
    assert isinstance(begun, StepBegun) and begun.kind == "resolve_customer"
    assert named == TextGathered(hooked.one, "name", hooked.sealed)
    assert written == MessageAdded(hooked.one, 1, Author.CUSTOMER, hooked.sealed, "")
    assert hooked.state.held.names() == frozenset()


def test_further_messages_go_to_the_open_conversation_whatever_contact_they_would_have_opened(hooked: Any) -> None:
    hooked.do(delivery(hooked))
    other = hooked.one.replace("_one", "_two")
    assert hooked.do(delivery(hooked, contact_id=other, name=hooked.sealed)) == [
        MessageAdded(hooked.one, 2, Author.CUSTOMER, hooked.sealed, "")
    ]
    assert [row.contact_id for row in hooked.state.contacts.values()] == [hooked.one]


def test_after_its_end_the_next_message_opens_another_one(hooked: Any) -> None:
    hooked.do(delivery(hooked))
    hooked.do(CloseContact(hooked.one, CloseReason.CUSTOMER_LEFT, ""))
    hooked.confirm_all()
    other = hooked.one.replace("_one", "_two")
    assert names(hooked.do(delivery(hooked, contact_id=other)))[0] == "ContactOpened"
    hooked.pass_time(CLOSED_LIFE)  # the first one leaves memory; the second one stays the open conversation
    third = hooked.do(delivery(hooked, contact_id=hooked.one.replace("_one", "_three")))
    assert [event.contact_id for event in third] == [other]


def test_two_customers_have_two_conversations(hooked: Any) -> None:
    hooked.do(delivery(hooked))
    token = "f" * 32
    theirs = delivery(hooked, address_token=token, contact_id=f"ct_{token[:16]}_one")
    assert names(hooked.do(theirs))[0] == "ContactOpened"
    assert len(hooked.state.conversations) == 2


def test_a_conversation_has_no_edge_that_could_be_lost_and_ends_by_silence(hooked: Any) -> None:
    hooked.do(delivery(hooked))
    assert hooked.do(LosePeer("")) == []
    hooked.pass_time(SILENT_LIFE - timedelta(seconds=1))
    assert not hooked.contact.is_over
    assert ContactClosed(hooked.one, CloseReason.INACTIVE, "") in hooked.pass_time(timedelta(seconds=1))


def test_what_is_written_while_the_flow_asks_answers_it_and_else_it_is_a_message(hooked: Any) -> None:
    hooked.do(delivery(hooked))
    hooked.do(RecordCustomer(hooked.one, 1, ""))
    hooked.do(RecordPrompt(hooked.one, "n1", 1, QUESTION, hooked.menu))
    stale = hooked.do(delivery(hooked, node_id="n0", option_id="sales"))
    assert names(stale) == ["MessageAdded"]
    chosen = hooked.do(delivery(hooked, node_id="n1", option_id="sales"))
    assert chosen[0] == InputGiven(hooked.one, "n1", "sales", None)
    again = hooked.do(delivery(hooked, node_id="n1", option_id="sales"))
    assert names(again) == ["MessageAdded"]
    assert hooked.refusal(GiveInput(hooked.one, "n1", "sales", None)) == "Rejection: InputNotAwaited"


def test_a_typed_answer_keeps_its_text(hooked: Any) -> None:
    hooked.do(delivery(hooked))
    hooked.do(RecordCustomer(hooked.one, 1, ""))
    hooked.do(RecordPrompt(hooked.one, "n1", 1, QUESTION, ()))
    answered = hooked.do(delivery(hooked, node_id="n1"))
    assert answered[0] == InputGiven(hooked.one, "n1", "", hooked.sealed)


def test_an_unknown_a_disabled_and_another_tenants_hook_look_like_none(hooked: Any) -> None:
    assert hooked.refusal(delivery(hooked, hook_id="hk_none")) == "NotFound: unknown hook hk_none"
    assert hooked.refusal(delivery(hooked), tenant="tn_other") == "NotFound: unknown hook hk_shop"
    hooked.do(PutHook(replace(HOOK, disabled=True)))
    assert hooked.refusal(delivery(hooked)) == "NotFound: unknown hook hk_shop"


def test_a_hook_of_calls_takes_nothing_because_nobody_could_join_them(hooked: Any) -> None:
    hooked.do(PutHook(replace(HOOK, entry_point_id="ep_voice")))
    assert hooked.refusal(delivery(hooked)) == "NotFound: unknown entry_point ep_voice"


def test_an_unchanged_hook_changes_nothing_and_a_wrong_one_is_refused(hooked: Any) -> None:
    assert hooked.do(PutHook(HOOK)) == []
    assert hooked.refusal(PutHook(None)) == "Invalid: hook: must be set"
    assert hooked.refusal(PutHook(replace(HOOK, secret_names=()))).startswith("Invalid: hook.secret_names")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"body": None}, "Invalid: body: must be set"),
        ({"address": None}, "Invalid: address: must be set"),
        ({"address_token": "other"}, "Invalid: address_token: must begin with the contact id's token"),
        ({"locale": "fr"}, "Invalid: locale: must be zh or en"),
    ],
)
def test_bad_input_is_refused_by_name(hooked: Any, change: dict[str, Any], told: str) -> None:
    assert hooked.refusal(delivery(hooked, **change)) == told


def test_a_full_conversation_takes_no_more(hooked: Any) -> None:
    for _ in range(MAX_MESSAGES):
        hooked.do(delivery(hooked))
    assert hooked.refusal(delivery(hooked)) == "Rejection: ConversationFull"
