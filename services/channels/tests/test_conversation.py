"""Messages, and who holds the customer."""

from datetime import timedelta
from typing import Any

import pytest
from trunkline_channels.domain.checks import check_text
from trunkline_channels.domain.commands import (
    AddMessage,
    AttachPeer,
    DetachPeer,
    GiveInput,
    LosePeer,
    RecordOffered,
    RecordText,
)
from trunkline_channels.domain.events import ContactClosed, MessageAdded, PeerAttached, PeerDetached
from trunkline_channels.domain.words import Author, CloseReason
from trunkline_core.errors import Invalid
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText

MINUTE = timedelta(minutes=1)


def written(story: Any, author: Author = Author.CUSTOMER, agent_id: str = "") -> AddMessage:
    return AddMessage(story.one, author, story.sealed, agent_id)


def test_messages_before_an_agent_is_there_are_kept(story: Any) -> None:
    story.queued()
    story.do(written(story), actor="customer")
    assert [message.author for message in story.contact.messages] == [Author.SYSTEM, Author.CUSTOMER]
    assert [message.message_no for message in story.contact.messages] == [1, 2]


def test_the_connected_agent_writes(story: Any) -> None:
    story.connected()
    (added,) = story.do(written(story, Author.AGENT, "ag_li"), actor="agent:ag_li")
    assert isinstance(added, MessageAdded)
    assert added.agent_id == "ag_li"


def test_another_agent_does_not(story: Any) -> None:
    story.connected()
    words = written(story, Author.AGENT, "ag_wu")
    assert story.refusal(words, actor="agent:ag_wu") == "Rejection: NotConnectedToAgent"


def test_an_agent_does_not_write_before_the_connection(story: Any) -> None:
    story.offered()
    assert story.refusal(written(story, Author.AGENT, "ag_li")) == "Rejection: NotConnectedToAgent"


def test_messages_need_author_and_body(story: Any) -> None:
    story.queued()
    assert story.refusal(written(story, Author.UNSPECIFIED)).startswith("Invalid: author")
    assert story.refusal(AddMessage(story.one, Author.CUSTOMER, None, "")).startswith("Invalid: body")
    long = AddMessage(story.one, Author.CUSTOMER, Sealed("k", b"n" * 12, b"x" * 33_000), "")
    assert story.refusal(long).startswith("Invalid: body")


def test_a_full_conversation_takes_no_more(story: Any) -> None:
    story.queued()
    for _ in range(499):
        story.do(written(story))
    assert story.refusal(written(story)) == "Rejection: ConversationFull"


def test_a_full_conversation_stops_no_flow(story: Any) -> None:
    story.prompted()
    for _ in range(500):
        story.do(written(story))
    assert story.do(RecordText(story.one, LocalizedText("好", "Fine"))) == []


@pytest.mark.parametrize("text", ["", "  ", "a\x00b", "a\x1bb", "x" * (31 * 1024 + 1), "字" * 11_000])
def test_text_that_is_empty_or_too_long_or_has_control_characters_names_the_field(text: str) -> None:
    with pytest.raises(Invalid, match=r"^text: "):
        check_text(text)


def test_text_at_the_limit_is_fine() -> None:
    check_text("x" * 31 * 1024)
    check_text("two\n\tlines\r\n")


def test_a_page_that_comes_back_goes_on(story: Any) -> None:
    story.queued()
    assert story.do(DetachPeer(story.one, "chat:a")) == [PeerDetached(story.one, "chat:a")]
    assert story.do(DetachPeer(story.one, "chat:a")) == []
    assert story.do(AttachPeer(story.one, "chat:b")) == [PeerAttached(story.one, "chat:b")]
    assert story.do(AttachPeer(story.one, "chat:b")) == []
    assert story.pass_time(3 * MINUTE) == []


def test_another_edges_detach_changes_nothing(story: Any) -> None:
    story.queued().do(AttachPeer(story.one, "chat:b"))
    assert story.do(DetachPeer(story.one, "chat:a")) == []


def test_a_page_that_stays_away_ends_the_contact(story: Any) -> None:
    story.queued().do(DetachPeer(story.one, "chat:a"))
    closed, _ = story.pass_time(2 * MINUTE)
    assert closed == ContactClosed(story.one, CloseReason.INACTIVE, "")


def test_a_silent_chat_ends(story: Any) -> None:
    story.prompted()
    assert story.pass_time(29 * MINUTE) == []
    story.do(GiveInput(story.one, "n1", "sales", None))
    assert story.pass_time(29 * MINUTE) == []
    assert story.pass_time(1 * MINUTE)[0] == ContactClosed(story.one, CloseReason.INACTIVE, "")


def test_words_of_either_side_break_the_silence(story: Any) -> None:
    story.connected()
    for author, agent_id in ((Author.CUSTOMER, ""), (Author.AGENT, "ag_li")):
        assert story.pass_time(29 * MINUTE) == []
        story.do(written(story, author, agent_id))
    assert story.pass_time(29 * MINUTE) == []


def test_a_customer_who_waits_for_an_agent_may_be_silent(story: Any) -> None:
    story.queued().do(written(story))
    assert story.pass_time(60 * MINUTE) == []


def test_a_silent_call_goes_on(story: Any) -> None:
    story.connected("voice")
    assert story.pass_time(60 * MINUTE) == []


def test_a_lost_gateway_ends_its_calls(story: Any) -> None:
    story.offered("voice")
    closed, step = story.do(LosePeer("chat:a"))
    assert closed == ContactClosed(story.one, CloseReason.PEER_LOST, "")
    assert step.kind == "end_at_acd"
    assert story.do(LosePeer("chat:a")) == []


def test_a_lost_chat_edge_leaves_its_customers_time(story: Any) -> None:
    story.offered()
    assert story.do(LosePeer("chat:a")) == [PeerDetached(story.one, "chat:a")]
    assert story.do(RecordOffered(story.one, 1, 2, "ag_wu"))


def test_a_lost_peer_takes_no_other_tenants_contacts(story: Any) -> None:
    story.offered("voice")
    assert story.do(LosePeer("chat:a"), tenant="tn_other") == []


def test_a_gateway_that_is_there_without_a_call_ends_that_call_only(story: Any) -> None:
    story.offered("voice")
    token = f"{1:016x}"
    other = f"ct_{token}_x"
    story.do(story.opening("ep_voice", address_token=token, contact_id=other))
    (closed,) = story.do(LosePeer("chat:a", (other, "ct_none_x")))
    assert closed == ContactClosed(other, CloseReason.PEER_LOST, "")
    assert story.do(LosePeer("chat:b", (story.one,))) == []
    assert not story.contact.is_over


def test_a_peer_with_many_calls_is_lost_a_part_at_a_time(story: Any) -> None:
    for number in range(150):
        token = f"{number:016x}"
        story.do(story.opening("ep_voice", address_token=token, contact_id=f"ct_{token}_x"))
    assert len(story.do(LosePeer("chat:a"))) == 100
    assert len(story.do(LosePeer("chat:a"))) == 50
    assert story.do(LosePeer("chat:a")) == []
