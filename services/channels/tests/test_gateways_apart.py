"""A gateway acts on the contacts that it brought, and on no others of its tenant."""

from typing import Any

import pytest
from trunkline_channels.domain.commands import (
    CloseContact,
    Command,
    ConfirmConnect,
    GiveInput,
    RefuseConnect,
    ReportCallResult,
    RequestCallback,
    WithdrawCallback,
)
from trunkline_channels.domain.words import CloseReason
from trunkline_core.errors import NotFound

ONE = "ct_0123456789abcdef_one"
COMMANDS: list[Command] = [
    ConfirmConnect(ONE, 1, 1),
    RefuseConnect(ONE, 1, 1, "busy"),
    GiveInput(ONE, "n1", "sales", None),
    CloseContact(ONE, CloseReason.CUSTOMER_LEFT, ""),
    RequestCallback(ONE, None),
    WithdrawCallback(ONE),
    ReportCallResult(ONE, 1, 1, "busy", ""),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_a_call_of_another_gateway_looks_like_none(story: Any, command: Command) -> None:
    story.accepted("voice")
    assert story.refusal(command, actor="gateway:other") == f"{NotFound.__name__}: unknown contact {ONE}"


def test_neither_does_a_chat_of_a_page_belong_to_a_gateway(story: Any) -> None:
    story.connected("chat")
    left = CloseContact(ONE, CloseReason.CUSTOMER_LEFT, "")
    assert story.refusal(left, actor="gateway:gw") == f"NotFound: unknown contact {ONE}"
    assert story.do(left, actor="customer")


def test_its_own_gateway_goes_on_with_it_also_after_a_new_start_of_either(story: Any) -> None:
    story.accepted("voice")
    assert story.do(ConfirmConnect(ONE, 1, 1), actor="gateway:gw")
    assert story.do(CloseContact(ONE, CloseReason.CUSTOMER_LEFT, ""), actor="gateway:gw")
