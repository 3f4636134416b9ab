"""Drain (rule 2): while a call waits for longer than its target, who has chats gets no further chat."""

from dataclasses import replace
from datetime import timedelta

import pytest
from trunkline_acd.domain import policy
from trunkline_acd.domain.commands import HandOutChats, PutQueue
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactOffered, HandoutScheduled
from trunkline_core.routing import ChannelUse, QueueLimit

HOUR = timedelta(hours=1)


@pytest.fixture
def busy(routing):
    """Two agents with one chat each, and a call that waits."""
    routing.queue(drains_chats=True, chat_lease_duration=HOUR, voice_lease_duration=HOUR)
    for name in ("ag_li", "ag_wang"):
        routing.agent(name, chats=3)
        routing.chat(f"ct_{name}")
        routing.connect(f"ct_{name}")
    routing.enqueue("ct_call")
    return routing


def test_chats_come_until_the_call_has_waited_for_longer_than_its_target(busy, offered):
    busy.wait(20)
    assert len(offered(busy.chat("ct_1"))) == 1
    busy.wait(0.001)
    assert offered(busy.chat("ct_2")) == []


def test_agents_with_chats_are_drained_until_one_is_free_for_the_call_and_then_get_chats_again(busy, offered):
    busy.wait(21)
    busy.chat("ct_1")
    assert offered(busy.end("ct_ag_li")) == [("ct_call", "ag_li")]
    assert offered(busy.wait(0)) == [("ct_1", "ag_wang")]
    [offer] = [event for event, _ in busy.log if isinstance(event, ContactOffered) and event.contact_id == "ct_1"]
    assert offer.explanation.trigger == "DrainEnded"


def test_queue_without_the_policy_drains_nobody(routing, offered):
    routing.queue()
    routing.agent("ag_li", chats=2)
    routing.chat("ct_1")
    routing.enqueue("ct_call")
    routing.wait(29)
    assert offered(routing.chat("ct_2")) == [("ct_2", "ag_li")]


def test_agent_who_could_not_take_the_call_is_not_drained(busy, offered):
    busy.agent("ag_chats", units=4, channels=(ChannelUse(Channel.CHAT, 1),))
    busy.chat("ct_0")
    assert busy.connect("ct_0") == "ag_chats"
    busy.wait(21)
    assert offered(busy.chat("ct_1")) == [("ct_1", "ag_chats")], "takes no calls at all"


def test_agent_without_the_skills_for_the_call_is_not_drained(routing, offered):
    routing.queue(drains_chats=True)
    routing.agent("ag_li", chats=3)
    routing.chat("ct_1")
    routing.enqueue("ct_call", "qu_sales", ("billing", 1))
    routing.wait(29)
    assert offered(routing.chat("ct_2")) == [("ct_2", "ag_li")]


def test_agent_without_chats_gets_one_though_a_call_waits_for_others(routing, offered):
    routing.queue(drains_chats=True, chat_lease_duration=HOUR)
    routing.agent("ag_li", ("billing", 1), chats=2)
    routing.chat("ct_1")
    routing.enqueue("ct_call", "qu_sales", ("billing", 1))
    routing.wait(21)
    routing.agent("ag_wang", chats=2)
    offer = next(event for event in routing.chat("ct_2") if isinstance(event, ContactOffered))
    assert offer.agent_id == "ag_wang"
    assert {c.agent_id: c.not_chosen_because for c in offer.explanation.candidates}["ag_li"] == "DrainingForCall"


@pytest.mark.parametrize("end", ["customer_left", {"drains_chats": False}, {"target_wait_duration": HOUR}])
def test_chats_that_were_held_back_are_handed_out_when_the_call_waits_no_more(busy, offered, end):
    busy.wait(21)
    busy.chat("ct_1")
    busy.chat("ct_2")
    definition = busy.domain.queue("qu_sales").definition
    events = busy.end("ct_call") if end == "customer_left" else busy.do(PutQueue(replace(definition, **end)))
    assert events[-1] == HandoutScheduled("rd_demo", busy.now)
    assert sorted(contact for contact, _ in offered(busy.wait(0))) == ["ct_1", "ct_2"]


def test_chats_are_handed_out_by_score_some_at_a_time(busy, offered, kinds_of, monkeypatch):
    monkeypatch.setattr(policy, "OFFERS_PER_HANDOUT", 2)
    busy.wait(21)
    for number, value in enumerate((0, 900, 300, 600)):
        busy.chat(f"ct_{number}", value=value)
    busy.end("ct_call")
    events = busy.wait(0)
    assert [contact for contact, _ in offered(events)] == ["ct_1", "ct_3"]
    assert events[-1] == HandoutScheduled("rd_demo", busy.now + policy.NEXT_HANDOUT)
    events = busy.wait(1)
    assert [contact for contact, _ in offered(events)] == ["ct_2", "ct_0"]
    assert events[-1] == HandoutScheduled("rd_demo", None)


def test_chat_behind_one_whose_agents_passed_on_it_is_handed_out(busy, offered):
    busy.queue(drains_chats=True, chat_lease_duration=timedelta(seconds=10), miss_exclusion_duration=HOUR, max_misses=9)
    busy.chat("ct_1", value=900)
    busy.wait(20.5)
    assert busy.domain.contact("ct_1").excluded == {"ag_li", "ag_wang"}
    busy.chat("ct_2")
    busy.end("ct_call")
    assert [contact for contact, _ in offered(busy.wait(0))] == ["ct_2"]


def test_call_that_moved_on_with_its_age_drains_at_once(routing, offered):
    routing.queue("qu_next", drains_chats=True)
    routing.queue(longest_wait=QueueLimit(timedelta(seconds=30), "qu_next"), chat_lease_duration=HOUR)
    routing.agent("ag_li", chats=3)
    routing.chat("ct_1")
    routing.connect("ct_1")
    routing.enqueue("ct_call")
    routing.wait(31)
    assert offered(routing.chat("ct_2")) == []


def test_timer_of_handouts_does_nothing_before_its_time(busy):
    assert busy.do(HandOutChats("rd_demo")) == []


def test_nothing_is_scheduled_when_no_chat_was_held_back(busy):
    busy.wait(21)
    assert not any(isinstance(event, HandoutScheduled) for event in busy.end("ct_call"))


def test_agent_whose_own_call_is_in_the_way_gets_further_chats(routing, offered):
    routing.queue(drains_chats=True)
    routing.agent("ag_li", units=4, channels=(ChannelUse(Channel.VOICE, 1, 1), ChannelUse(Channel.CHAT, 1)))
    routing.enqueue("ct_call")
    routing.connect("ct_call")
    routing.chat("ct_1")
    routing.connect("ct_1")
    routing.enqueue("ct_next")
    routing.wait(29)
    assert offered(routing.chat("ct_2")) == [("ct_2", "ag_li")], "no chat keeps the second call out"


def test_call_that_is_kept_from_all_agents_drains_nobody(routing, offered):
    """Rule 11: as many agents are kept back as there are."""
    routing.queue(drains_chats=True, vip_min_value_permille=500, vip_reserved_agents=1)
    routing.queue("qu_chats")
    routing.agent("ag_li", chats=3)
    routing.chat("ct_0", queue_id="qu_chats")
    routing.connect("ct_0")
    routing.enqueue("ct_call")
    routing.wait(29)
    assert offered(routing.chat("ct_1", queue_id="qu_chats")) == [("ct_1", "ag_li")]
