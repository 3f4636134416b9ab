"""Who gets whom: capacity, skills, priority with ageing, longest idle (rules 2, 6, 8, 9)."""

from datetime import timedelta

import pytest
from trunkline_acd.domain.commands import FinishWrapUp, PutAgent, SetIntent
from trunkline_acd.domain.words import Intent
from trunkline_core.routing import AgentDefinition, SkillLevel, WrapUpMode


@pytest.fixture
def busy(routing):
    """Li is the only agent and talks to ct_0."""
    routing.queue()
    routing.agent("ag_li", ("billing", 3))
    routing.enqueue("ct_0")
    routing.connect("ct_0")
    return routing


def test_contact_without_an_agent_waits(routing, offered):
    routing.queue()
    assert offered(routing.enqueue("ct_1")) == []


def test_agent_who_becomes_free_gets_the_contact_that_waited_longest(busy, offered):
    for name in ("ct_1", "ct_2"):
        busy.enqueue(name)
        busy.wait(1)
    assert offered(busy.end("ct_0")) == [("ct_1", "ag_li")]


def test_contacts_of_the_same_moment_are_served_in_the_order_of_entry(busy, offered):
    for name in ("ct_b", "ct_a"):
        busy.enqueue(name)
    assert offered(busy.end("ct_0")) == [("ct_b", "ag_li")]


def test_value_is_a_head_start_of_weight_times_target_wait(busy, offered):
    busy.enqueue("ct_old")
    busy.wait(19.999)
    busy.enqueue("ct_vip", value=1000)  # weight 1, target 20 s: a head start of 20 s
    assert offered(busy.end("ct_0")) == [("ct_vip", "ag_li")]


def test_overtaking_is_bounded_by_the_head_start(busy, offered):
    busy.enqueue("ct_old")
    busy.wait(20.001)
    busy.enqueue("ct_vip", value=1000)
    assert offered(busy.end("ct_0")) == [("ct_old", "ag_li")]


def test_value_and_urgency_add_up(busy, offered):
    busy.enqueue("ct_1", value=600)
    busy.enqueue("ct_2", value=500, urgency=200)
    assert offered(busy.end("ct_0")) == [("ct_2", "ag_li")]


def test_wait_counts_in_target_waits_of_the_contacts_own_queue(busy, offered):
    busy.queue("qu_slow", target_wait_duration=timedelta(seconds=200))
    busy.enqueue("ct_slow", "qu_slow")
    busy.wait(50)
    busy.enqueue("ct_fast")
    busy.wait(10)  # 60/200 against 10/20
    assert offered(busy.end("ct_0")) == [("ct_fast", "ag_li")]


def test_new_weights_rank_waiting_contacts_anew(busy, offered):
    busy.enqueue("ct_1")
    busy.wait(1)
    busy.enqueue("ct_2", value=1000)
    busy.queue(value_weight_permille=0)
    assert offered(busy.end("ct_0")) == [("ct_1", "ag_li")]


def test_agent_needs_every_skill_at_its_level(routing, offered):
    routing.queue()
    routing.agent("ag_junior", ("billing", 2), ("english", 5))
    routing.agent("ag_deaf", ("billing", 5))
    assert offered(routing.enqueue("ct_1", "qu_sales", ("billing", 3), ("english", 1))) == []
    routing.do(PutAgent(AgentDefinition("ag_senior", (SkillLevel("billing", 3), SkillLevel("english", 1)), 1)))
    assert offered(routing.enqueue("ct_2", "qu_sales", ("billing", 2), ("english", 1))) == [("ct_2", "ag_junior")]


def test_queue_asks_for_skills_too(routing, offered):
    routing.queue(requirements=())
    routing.agent("ag_li")
    routing.agent("ag_wang", ("billing", 5))
    routing.enqueue("ct_1", "qu_sales", ("billing", 5))
    assert routing.domain.contact("ct_1").agent_id == "ag_wang"


def test_agent_who_learns_a_skill_gets_the_contact_that_waits_for_it(routing, offered):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1", "qu_sales", ("billing", 1))
    events = routing.do(PutAgent(AgentDefinition("ag_li", (SkillLevel("billing", 1),), 1)))
    assert offered(events) == [("ct_1", "ag_li")]


def test_one_contact_nobody_can_serve_does_not_stop_the_queue(busy, offered):
    busy.enqueue("ct_1", "qu_sales", ("klingon", 5))
    busy.enqueue("ct_2")
    assert offered(busy.end("ct_0")) == [("ct_2", "ag_li")]


def test_what_skills_may_serve_is_remembered_of_a_bounded_number_of_them(routing):
    """Skills of agents come and go; acd runs for months."""
    routing.queue()
    routing.enqueue("ct_1", "qu_sales", ("english", 3))
    (line,) = routing.domain.lines
    for number in range(3000):
        assert routing.domain.lines_for((("english", 2), (f"course_{number}", 1))) == ()
        assert routing.domain.lines_for((("english", 3),)) == (line,)
    assert len(routing.domain._served) <= 1000


def test_call_needs_the_whole_agent(routing, offered):
    routing.queue()
    routing.agent("ag_li", chats=4)
    routing.chat("ct_chat")
    assert offered(routing.enqueue("ct_call")) == []
    assert offered(routing.end("ct_chat")) == [("ct_call", "ag_li")]
    assert offered(routing.chat("ct_chat2")) == []


def test_chats_fill_the_capacity_and_no_more(routing, offered):
    routing.queue()
    routing.agent("ag_li", chats=2)
    assert [len(offered(routing.chat(f"ct_{number}"))) for number in range(3)] == [1, 1, 0]
    routing.connect("ct_0")
    assert offered(routing.end("ct_0")) == [("ct_2", "ag_li")]


def test_agent_who_becomes_free_is_offered_as_many_chats_as_fit(routing, offered):
    routing.queue()
    routing.agent("ag_li", chats=2, ready=False)
    for number in range(3):
        routing.chat(f"ct_{number}")
    routing.agent("ag_wang", chats=2)
    assert [routing.domain.contact(f"ct_{number}").agent_id for number in range(3)] == ["ag_wang", "ag_wang", ""]


def test_unoccupied_agent_goes_before_one_with_a_chat(routing):
    routing.queue()
    routing.agent("ag_li", chats=4)
    routing.wait(100)
    routing.agent("ag_wang", chats=4)
    routing.chat("ct_1")
    routing.chat("ct_2")
    assert [routing.domain.contact(name).agent_id for name in ("ct_1", "ct_2")] == ["ag_li", "ag_wang"]


@pytest.mark.parametrize(("break_s", "first"), [(9, "ag_li"), (11, "ag_wang")])
def test_break_neither_adds_to_idle_time_nor_resets_it(routing, break_s, first):
    routing.queue()
    routing.agent("ag_li")
    routing.wait(10)
    routing.agent("ag_wang")
    routing.do(SetIntent("ag_li", Intent.BREAK, "lunch"))
    routing.wait(break_s)
    routing.do(SetIntent("ag_li", Intent.AVAILABLE, ""))
    routing.enqueue("ct_1")
    assert routing.domain.contact("ct_1").agent_id == first


def test_idle_time_starts_anew_when_a_contact_ends(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.wait(100)
    routing.agent("ag_wang")
    routing.enqueue("ct_1")
    assert routing.connect("ct_1") == "ag_li"
    routing.wait(5)
    routing.end("ct_1")
    routing.enqueue("ct_2")
    assert routing.domain.contact("ct_2").agent_id == "ag_wang"


def test_offer_that_the_caller_left_does_not_reset_idle_time(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.wait(100)
    routing.agent("ag_wang")
    routing.enqueue("ct_1")
    routing.wait(10)
    routing.end("ct_1")
    routing.enqueue("ct_2")
    assert routing.domain.contact("ct_2").agent_id == "ag_li"


def test_equally_idle_agents_are_taken_in_the_order_of_their_ids(routing):
    routing.queue()
    routing.agent("ag_b")
    routing.agent("ag_a")
    routing.enqueue("ct_1")
    assert routing.domain.contact("ct_1").agent_id == "ag_a"


def test_wrap_up_keeps_the_units(routing, offered):
    routing.queue(wrap_up_mode=WrapUpMode.UNTIMED)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.connect("ct_1")
    routing.end("ct_1")
    assert offered(routing.enqueue("ct_2")) == []
    routing.code("sold")
    events = routing.do(FinishWrapUp("ag_li", "ct_1", "sold"), actor="agent:ag_li")
    assert offered(events) == [("ct_2", "ag_li")]


def test_tenants_on_one_partition_do_not_see_each_other(routing, offered):
    """Ledger rule 20: the row's tenant is the caller's."""
    routing.queue()
    routing.agent("ag_li")
    command = SetIntent("ag_li", Intent.BREAK, "")
    assert routing.refusal(command, tenant="tn_other") == "NotFound: unknown agent ag_li"


def test_target_wait_below_a_millisecond_counts_as_one(routing, offered):
    routing.queue(target_wait_duration=timedelta(microseconds=1))
    routing.enqueue("ct_1")
    routing.wait(1)
    assert routing.agent("ag_li") and routing.domain.contact("ct_1").agent_id == "ag_li"


def test_explanation_says_who_was_excluded_on_a_break_in_wrap_up_or_busy(routing):
    """Rule 21."""
    routing.queue(wrap_up_mode=WrapUpMode.UNTIMED)
    for name in ("ag_busy", "ag_wrap"):
        routing.agent(name)
        routing.enqueue(f"ct_{name}")
        routing.connect(f"ct_{name}")
    routing.end("ct_ag_wrap")
    for name, intent in (("ag_break", Intent.BREAK), ("ag_off", Intent.OFFLINE)):
        routing.agent(name)
        routing.do(SetIntent(name, intent, ""))
    routing.agent("ag_missed")
    routing.enqueue("ct_1")
    routing.agent("ag_skilled", ("billing", 1))
    [offer] = [event for event in routing.wait(20) if hasattr(event, "explanation")]
    found = {c.agent_id: c.not_chosen_because for c in offer.explanation.candidates}
    assert found == {
        "ag_skilled": "",
        "ag_busy": "AtCapacity",
        "ag_wrap": "InWrapUp",
        "ag_break": "OnBreak",
        "ag_off": "Offline",
        "ag_missed": "ExcludedAfterMiss",
    }
    assert offer.explanation.trigger == "OfferEnded"
