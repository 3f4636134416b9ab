"""Contacts that are held for the agent whom their customer knows (rule 10)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from trunkline_acd.application.views import agent_view
from trunkline_acd.domain.commands import (
    CloseAgentSession,
    DeclineOffer,
    EndAffinity,
    EnqueueContact,
    ExpireGrace,
    PutAgent,
    PutQueue,
    SetIntent,
)
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import AffinityEnded, ContactEnqueued, ContactOffered
from trunkline_acd.domain.policy import MAX_HELD_PER_AGENT
from trunkline_acd.domain.words import Intent, Preference
from trunkline_core.routing import AgentDefinition, ChannelUse, Overflow


@pytest.fixture
def held(routing):
    """Li is on a call, Wang is free, and a customer of Li's waits for her."""
    routing.queue(affinity_duration=timedelta(seconds=45))
    routing.agent("ag_li")
    routing.enqueue("ct_call")
    routing.connect("ct_call")
    routing.agent("ag_wang")
    routing.enqueue("ct_hers", preferred="ag_li")
    return routing


def let_go(events):
    return [event.contact_id for event in events if isinstance(event, AffinityEnded)]


def test_contact_rings_at_the_preferred_agent_though_another_was_idle_for_longer(routing, offered):
    routing.queue(affinity_duration=timedelta(seconds=45))
    routing.agent("ag_first")
    routing.wait(60)
    routing.agent("ag_second")
    events = routing.enqueue("ct_1", preferred="ag_second")
    assert offered(events) == [("ct_1", "ag_second")]
    (offer,) = [event for event in events if isinstance(event, ContactOffered)]
    reasons = {found.agent_id: found.not_chosen_because for found in offer.explanation.candidates}
    assert reasons == {"ag_second": "", "ag_first": "HeldForAffinity"}


def test_contact_waits_for_the_preferred_agent_though_another_is_free(held, offered):
    assert held.domain.contact("ct_hers").stage is Stage.WAITING
    assert offered(held.enqueue("ct_other")) == [("ct_other", "ag_wang")], "it stands in nobody's way"
    assert offered(held.end("ct_call")) == [("ct_hers", "ag_li")]


def test_affinity_ends_by_time_and_anybody_may_have_the_contact(held, offered):
    assert held.wait(44.9) == []
    events = held.wait(0.1)
    assert let_go(events) == ["ct_hers"]
    assert offered(events) == [("ct_hers", "ag_wang")]
    assert events[-1].explanation.trigger == "AffinityEnded"


def test_what_rings_when_its_affinity_ends_goes_on_ringing(held):
    held.wait(35)
    held.end("ct_call")
    assert let_go(held.wait(10)) == ["ct_hers"]
    assert held.domain.contact("ct_hers").agent_id == "ag_li"
    held.connect("ct_hers")


def test_free_agent_takes_the_held_contact_only_where_its_score_is_the_highest(held, offered):
    held.do(SetIntent("ag_wang", Intent.BREAK, ""), actor="agent:ag_wang")
    held.enqueue("ct_urgent", urgency=1000)
    held.enqueue("ct_later")
    assert offered(held.end("ct_call")) == [("ct_urgent", "ag_li")]
    held.connect("ct_urgent")
    assert offered(held.end("ct_urgent")) == [("ct_hers", "ag_li")]


@pytest.mark.parametrize("how", ["signed out", "never signed in", "unknown", "without the skill", "not responding"])
def test_nothing_is_held_for_somebody_who_cannot_take_it(routing, offered, how):
    routing.queue(affinity_duration=timedelta(seconds=30), max_misses=1)
    routing.agent("ag_li", ready=how not in ("never signed in", "unknown"))
    if how == "signed out":
        routing.do(SetIntent("ag_li", Intent.OFFLINE, ""), actor="agent:ag_li")
    if how == "not responding":
        routing.enqueue("ct_missed")
        routing.wait(20)
        routing.end("ct_missed")
    routing.agent("ag_wang", ("orders", 3))
    needs = [("orders", 1)] if how == "without the skill" else []
    events = routing.enqueue("ct_1", "qu_sales", *needs, preferred="ag_none" if how == "unknown" else "ag_li")
    assert offered(events) == [("ct_1", "ag_wang")]
    entered = next(event for event in events if isinstance(event, ContactEnqueued))
    assert entered.held_until_time is None


def test_agent_who_signs_out_lets_go_at_once(held, offered):
    events = held.do(SetIntent("ag_li", Intent.OFFLINE, ""), actor="agent:ag_li")
    assert let_go(events) == ["ct_hers"]
    assert offered(events) == [("ct_hers", "ag_wang")]


def test_agent_on_a_break_is_waited_for(held):
    assert let_go(held.do(SetIntent("ag_li", Intent.BREAK, ""), actor="agent:ag_li")) == []


def test_desk_that_does_not_come_back_lets_go(held):
    agent = held.domain.agent("ag_li")
    assert let_go(held.do(CloseAgentSession("ag_li", agent.session_id))) == [], "there is a grace"
    assert held.do(ExpireGrace("ag_li", agent.session_id)) == []
    events = held.wait(30)
    assert let_go(events) == ["ct_hers"]


def test_agent_who_will_sign_out_once_the_work_is_done_lets_go_at_once(held, offered):
    events = held.do(SetIntent("ag_li", Intent.OFFLINE, "", when_free=True), actor="agent:ag_li")
    assert let_go(events) == ["ct_hers"]
    assert offered(events) == [("ct_hers", "ag_wang")]


def test_agent_who_declines_lets_go(held, offered):
    held.end("ct_call")
    events = held.do(DeclineOffer("ag_li", "ct_hers", 1), actor="agent:ag_li")
    assert let_go(events) == ["ct_hers"]
    assert offered(events) == [("ct_hers", "ag_wang")]


def test_agent_who_loses_the_skill_lets_go(held, offered):
    held.agent("ag_wang", ("orders", 2), ready=False)
    held.agent("ag_li", ("orders", 2), ready=False)
    held.enqueue("ct_other")
    held.enqueue("ct_orders", "qu_sales", ("orders", 2), preferred="ag_li")
    held.end("ct_other")
    events = held.do(PutAgent(AgentDefinition("ag_li", (), 1)))
    assert let_go(events) == ["ct_orders"]
    assert offered(events) == [("ct_orders", "ag_wang")]


def test_customer_who_leaves_is_held_no_more(held):
    held.end("ct_hers")
    held.end("ct_call")
    assert held.domain.agent("ag_li").work == ()
    assert len(held.domain.held) == 0


def test_beyond_a_bounded_number_contacts_are_not_held_for_one_agent(held, offered):
    for number in range(1, MAX_HELD_PER_AGENT):
        assert offered(held.enqueue(f"ct_{number}", preferred="ag_li")) == []
    assert offered(held.enqueue("ct_many", preferred="ag_li")) == [("ct_many", "ag_wang")]


def test_contact_that_flows_out_is_not_held_in_the_next_queue(held):
    held.queue("qu_next", affinity_duration=timedelta(seconds=600))
    held.queue(
        affinity_duration=timedelta(seconds=600),
        overflow=Overflow("qu_next", timedelta(seconds=60), timedelta(seconds=60)),
    )
    held.enqueue("ct_too", preferred="ag_li")
    held.wait(59.9)
    assert held.domain.contact("ct_too").held_for == "ag_li"
    held.wait(0.1)
    assert (held.domain.contact("ct_too").queue_id, held.domain.contact("ct_too").held_for) == ("qu_next", "")


def test_without_the_policy_nobody_is_preferred(routing, offered):
    routing.queue()
    routing.agent("ag_first")
    routing.wait(60)
    routing.agent("ag_second")
    assert offered(routing.enqueue("ct_1", preferred="ag_second")) == [("ct_1", "ag_first")]


def test_timer_of_the_affinity_does_nothing_before_its_time(held):
    assert held.do(EndAffinity("ct_hers")) == []
    assert held.do(EndAffinity("ct_call")) == []


@pytest.mark.parametrize("seconds", [-1, 8 * 86_400])
def test_affinity_that_is_too_short_or_too_long_is_refused_naming_the_field(routing, seconds):
    definition = replace(routing.queue(), affinity_duration=timedelta(seconds=seconds))
    assert routing.refusal(PutQueue(definition)).startswith("Invalid: queue.affinity_duration:")


def test_preferred_agent_that_is_no_id_is_refused_naming_the_field(routing):
    routing.queue()
    entry = EnqueueContact("ct_1", 1, "qu_sales", Channel.VOICE, 0, 0, (), preferred_agent_id="a" * 129)
    assert routing.refusal(entry).startswith("Invalid: preferred_agent_id:")


def preferences(routing, agent_id, events):
    [offer] = [event for event in events if isinstance(event, ContactOffered)]
    [work] = agent_view(routing.state, "tn_demo", agent_id, routing.now).work
    return offer.explanation.preference, work.preference


@pytest.mark.parametrize("why", [Preference.LAST_AGENT, Preference.ACCOUNT_OWNER])
def test_the_named_agent_reads_why_at_the_offer_and_for_as_long_as_the_contact_is_at_hand(routing, why):
    routing.queue(affinity_duration=timedelta(seconds=45))
    routing.agent("ag_li")
    events = routing.enqueue("ct_1", preferred="ag_li", preference=why)
    assert preferences(routing, "ag_li", events) == (why, why)
    routing.connect("ct_1")
    [work] = agent_view(routing.state, "tn_demo", "ag_li", routing.now).work
    assert work.preference is why


def test_the_named_agent_reads_why_also_where_the_queue_holds_for_nobody(routing):
    routing.queue()
    routing.agent("ag_li")
    events = routing.enqueue("ct_1", preferred="ag_li", preference=Preference.LAST_AGENT)
    assert preferences(routing, "ag_li", events) == (Preference.LAST_AGENT, Preference.LAST_AGENT)


def test_an_agent_who_was_not_named_reads_nothing_of_it(held, offered):
    held.end("ct_hers")
    held.enqueue("ct_2", preferred="ag_li", preference=Preference.LAST_AGENT)
    events = held.wait(45)
    assert offered(events) == [("ct_2", "ag_wang")]
    assert preferences(held, "ag_wang", events) == (Preference.UNSPECIFIED, Preference.UNSPECIFIED)


def test_call_is_not_held_for_an_agent_who_takes_no_calls(routing, offered):
    routing.queue(affinity_duration=timedelta(minutes=10))
    routing.agent("ag_chats", units=4, channels=(ChannelUse(Channel.CHAT, 1),))
    routing.agent("ag_free")
    assert offered(routing.enqueue("ct_1", preferred="ag_chats")) == [("ct_1", "ag_free")]


def test_decline_lets_go_also_where_misses_exclude_nobody(routing, offered):
    routing.queue(affinity_duration=timedelta(minutes=10), miss_exclusion_duration=timedelta(0))
    routing.agent("ag_li")
    routing.agent("ag_wang")
    routing.enqueue("ct_1", preferred="ag_li")
    events = routing.do(DeclineOffer("ag_li", "ct_1", 1), actor="agent:ag_li")
    assert (let_go(events), offered(events)) == (["ct_1"], [("ct_1", "ag_wang")])
