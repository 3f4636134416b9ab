"""Why a contact still waits (rule 21): who could take it, what keeps them, who goes before it, what comes next."""

from dataclasses import replace
from datetime import timedelta

import pytest
from trunkline_acd.application.contact_explanations import explanation_of
from trunkline_acd.domain import policy
from trunkline_acd.domain.commands import (
    CloseAgentSession,
    DeclineOffer,
    PutQueue,
    SetIntent,
)
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.offer_history import MAX_OFFERS_PER_CONTACT, OfferHistory, OfferOutcome
from trunkline_acd.domain.waiting_reasons import waiting_reasons
from trunkline_acd.domain.words import Intent
from trunkline_core.errors import NotFound
from trunkline_core.routing import Overflow, QueueLimit, RelaxationStep, SkillRequirement, WrapUpMode


def why(routing, contact_id="ct_1"):
    domain = routing.domain
    return waiting_reasons(routing.state, domain.tenant, domain.contact(contact_id), routing.now)


def obstacles(routing, contact_id="ct_1"):
    return {obstacle.reason: obstacle.agent_ids for obstacle in why(routing, contact_id).obstacles}


def history_of(routing):
    history = OfferHistory()
    for event, context in routing.log:
        history.note(context.tenant, event, context.now)
    return history


def explained(routing, contact_id="ct_1"):
    offers = history_of(routing).offers(routing.domain.tenant, contact_id)
    return explanation_of(routing.state, routing.domain.tenant, contact_id, offers, routing.now)


@pytest.fixture
def sales(routing):
    routing.queue()
    return routing


# -- what keeps agents from it ------------------------------------------------------------------------------------


def test_without_agents_nobody_matches(sales):
    sales.enqueue("ct_1")
    reasons = why(sales)
    assert (reasons.agent_count, reasons.matching_count, reasons.obstacles) == (0, 0, ())


def test_agents_without_the_skill_are_none_who_could_take_it(sales):
    sales.agent("ag_li", ("a", 2))
    sales.enqueue("ct_1", "qu_sales", ("a", 3))
    assert (why(sales).agent_count, why(sales).matching_count) == (1, 0)


def test_an_agent_on_a_call_is_at_capacity(sales):
    sales.agent("ag_li")
    sales.enqueue("ct_0")
    sales.connect("ct_0")
    sales.enqueue("ct_1")
    assert obstacles(sales) == {"AtCapacity": ("ag_li",)}


def test_an_agent_in_wrap_up_is_in_wrap_up(routing):
    routing.queue(wrap_up_mode=WrapUpMode.UNTIMED)
    routing.agent("ag_li")
    routing.enqueue("ct_0")
    routing.connect("ct_0")
    routing.end("ct_0")
    routing.enqueue("ct_1")
    assert obstacles(routing) == {"InWrapUp": ("ag_li",)}


def test_breaks_and_sign_outs_are_told_apart(sales):
    for agent_id, intent in (("ag_li", Intent.BREAK), ("ag_wang", Intent.OFFLINE)):
        sales.agent(agent_id)
        sales.do(SetIntent(agent_id, intent, ""), actor=f"agent:{agent_id}")
    sales.enqueue("ct_1")
    assert obstacles(sales) == {"OnBreak": ("ag_li",), "Offline": ("ag_wang",)}


def test_an_agent_who_will_change_state_next_takes_nothing_new(sales):
    sales.agent("ag_li", chats=2)
    sales.chat("ct_0")
    sales.do(SetIntent("ag_li", Intent.BREAK, "", True), actor="agent:ag_li")
    sales.chat("ct_1")
    assert obstacles(sales) == {"NextIntentPending": ("ag_li",)}


def test_an_agent_whose_desk_is_away_is_not_connected(sales):
    sales.agent("ag_li")
    sales.do(CloseAgentSession("ag_li", "se_ag_li"))
    sales.enqueue("ct_1")
    assert obstacles(sales) == {"NotConnected": ("ag_li",)}


def test_an_agent_who_missed_too_often_is_not_responding(routing):
    routing.queue(max_misses=1, miss_exclusion_duration=timedelta(0))
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.wait(21)
    assert obstacles(routing) == {"NotResponding": ("ag_li",)}


def test_an_agent_who_declined_is_excluded_for_a_while(sales):
    sales.agent("ag_li")
    sales.enqueue("ct_1")
    sales.do(DeclineOffer("ag_li", "ct_1", 1), actor="agent:ag_li")
    assert obstacles(sales) == {"ExcludedAfterMiss": ("ag_li",)}


def test_the_most_frequent_reason_comes_first_and_names_three_agents(sales):
    for number in range(5):
        sales.agent(f"ag_{number}", ready=number > 0)
        if number:
            sales.do(SetIntent(f"ag_{number}", Intent.BREAK, ""), actor=f"agent:ag_{number}")
    sales.enqueue("ct_1")
    first, second = why(sales).obstacles
    assert (first.reason, first.agent_count, first.agent_ids) == ("OnBreak", 4, ("ag_1", "ag_2", "ag_3"))
    assert (second.reason, second.agent_count) == ("NotConnected", 1)


def test_a_bounded_number_of_agents_is_looked_at_and_it_says_so(sales, monkeypatch):
    monkeypatch.setattr(policy, "MAX_AGENTS_EXAMINED", 2)
    for number in range(4):
        sales.agent(f"ag_{number}", ready=False)
    sales.enqueue("ct_1")
    reasons = why(sales)
    assert (reasons.agent_count, reasons.examined_count, reasons.matching_count) == (4, 2, 2)


# -- who goes before it -------------------------------------------------------------------------------------------


def test_who_entered_earlier_and_who_weighs_more_goes_before_it(sales):
    sales.agent("ag_li", ready=False)
    sales.enqueue("ct_0")
    sales.wait(1)
    sales.enqueue("ct_1")
    sales.enqueue("ct_2", value=1000)
    sales.enqueue("ct_3")
    assert why(sales).before_count == 2, "ct_0 and ct_2"
    assert why(sales, "ct_2").before_count == 0


def test_contacts_of_other_queues_go_before_it_where_the_same_agents_could_take_them(routing):
    routing.queue()
    routing.queue("qu_help", requirements=(SkillRequirement("a", 1),))
    routing.agent("ag_li", ready=False)
    routing.enqueue("ct_0", "qu_help")
    routing.wait(1)
    routing.enqueue("ct_1")
    assert why(routing).before_count == 0, "nobody could take both"
    routing.agent("ag_wang", ("a", 1), ready=False)
    assert why(routing).before_count == 1


def test_the_count_of_those_before_it_is_bounded_and_says_so(sales, monkeypatch):
    monkeypatch.setattr(policy, "MAX_COUNTED_BEFORE", 2)
    sales.agent("ag_li", ready=False)
    for number in range(5):
        sales.enqueue(f"ct_{number}")
    assert (why(sales, "ct_2").before_count, why(sales, "ct_2").is_before_count_exact) == (2, True)
    assert (why(sales, "ct_4").before_count, why(sales, "ct_4").is_before_count_exact) == (2, False)


def test_the_terms_of_the_score_are_those_of_now(sales):
    sales.enqueue("ct_1", value=500, urgency=250)
    sales.wait(30)
    reasons = why(sales)
    assert (reasons.value_score_permille, reasons.urgency_score_permille) == (500, 250)
    assert reasons.wait_score_permille == 1500, "30 s of a target of 20 s"


# -- what comes next by itself ------------------------------------------------------------------------------------


def test_nothing_comes_by_itself_without_rings_limits_and_overflow(sales):
    sales.enqueue("ct_1")
    reasons = why(sales)
    assert (reasons.next_ring_time, reasons.limit_time) == (None, None)
    assert (reasons.overflow_check_time, reasons.clears_time) == (None, None)


def test_the_next_ring_the_limit_and_the_overflow_have_their_times(routing):
    routing.queue("qu_next")
    routing.queue(
        requirements=(SkillRequirement("a", 3),),
        relaxation=(RelaxationStep(timedelta(seconds=40), (SkillRequirement("a", 1),), ()),),
        longest_wait=QueueLimit(timedelta(seconds=90), "qu_next"),
        unstaffed=QueueLimit(timedelta(seconds=70), ""),
        overflow=Overflow("qu_next", timedelta(seconds=60), timedelta(seconds=20)),
    )
    routing.enqueue("ct_1")
    reasons = why(routing)
    assert (reasons.ring, reasons.ring_count, reasons.next_ring_time) == (0, 1, routing.at(40))
    assert reasons.limit_time == routing.at(90)
    assert (reasons.overflow_check_time, reasons.overflow_queue_id) == (routing.at(60), "qu_next")
    assert reasons.clears_time == routing.at(70)
    routing.wait(41)
    assert (why(routing).ring, why(routing).next_ring_time) == (1, None)


# -- the contact as a whole ---------------------------------------------------------------------------------------


def test_a_contact_that_rings_has_the_explanation_of_its_offer_and_no_reasons_to_wait(sales):
    sales.agent("ag_li")
    sales.enqueue("ct_1")
    found = explained(sales)
    assert (found.stage, found.agent_id, found.offer_count, found.waiting) == (Stage.OFFERED, "ag_li", 1, None)
    [offer] = found.offers
    assert (offer.agent_id, offer.outcome, offer.offered_time) == ("ag_li", OfferOutcome.RINGING, sales.now)
    assert offer.explanation.candidates[0].agent_id == "ag_li"


def test_what_a_live_offer_says_is_known_without_the_memory_of_offers(sales):
    sales.agent("ag_li")
    sales.enqueue("ct_1")
    remembered = explained(sales).offers
    assert explanation_of(sales.state, sales.domain.tenant, "ct_1", (), sales.now).offers == remembered
    sales.accept("ct_1")
    [offer] = explanation_of(sales.state, sales.domain.tenant, "ct_1", (), sales.now).offers
    assert offer.outcome is OfferOutcome.ACCEPTED


def test_a_contact_that_waits_again_says_why_and_what_became_of_its_offers(sales):
    sales.agent("ag_li")
    sales.agent("ag_wang")
    sales.enqueue("ct_1")
    sales.do(DeclineOffer("ag_li", "ct_1", 1), actor="agent:ag_li")
    sales.wait(21)
    found = explained(sales)
    assert [(offer.agent_id, offer.outcome) for offer in found.offers] == [
        ("ag_li", OfferOutcome.DECLINED),
        ("ag_wang", OfferOutcome.EXPIRED),
    ]
    assert found.stage is Stage.WAITING
    assert found.waiting == why(sales)


def test_a_connected_contact_and_one_that_is_over_still_say_why(sales):
    sales.agent("ag_li")
    sales.enqueue("ct_1")
    sales.connect("ct_1")
    assert [offer.outcome for offer in explained(sales).offers] == [OfferOutcome.CONNECTED]
    sales.end("ct_1")
    found = explained(sales)
    assert (found.stage, found.agent_id, found.offer_count) == (Stage.ENDED, "", 1)
    assert found.offers[0].explanation is not None


def lose_desk(routing):
    routing.do(CloseAgentSession("ag_li", "se_ag_li"))
    routing.wait(31)


def fail_to_join(routing):
    routing.accept("ct_1")
    routing.wait(6)


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (lambda routing: routing.end("ct_1"), OfferOutcome.RESCINDED),
        (fail_to_join, OfferOutcome.CONNECT_FAILED),
        (lose_desk, OfferOutcome.AGENT_LOST),
    ],
)
def test_each_end_of_an_offer_is_told_apart(sales, end, outcome):
    sales.agent("ag_li")
    sales.enqueue("ct_1")
    end(sales)
    assert explained(sales).offers[0].outcome is outcome


def test_of_a_contact_nobody_knows_there_is_nothing_to_say(sales):
    with pytest.raises(NotFound, match="ct_none"):
        explained(sales, "ct_none")
    sales.enqueue("ct_1")
    with pytest.raises(NotFound, match="ct_1"):
        explanation_of(sales.state, "tn_other", "ct_1", (), sales.now)


def test_the_memory_of_offers_is_bounded_by_contact_and_in_all(routing):
    routing.queue(miss_exclusion_duration=timedelta(seconds=1), max_misses=100)
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    routing.wait(22 * (MAX_OFFERS_PER_CONTACT + 2))
    offers = explained(routing).offers
    assert len(offers) == MAX_OFFERS_PER_CONTACT
    assert offers[-1].offer_no == routing.domain.contact("ct_1").offer_no
    small = OfferHistory(max_contacts=1)
    routing.agent("ag_wang")
    routing.enqueue("ct_2")
    for event, context in routing.log:
        small.note(context.tenant, event, context.now)
    assert small.offers(routing.domain.tenant, "ct_1") == ()
    assert [offer.agent_id for offer in small.offers(routing.domain.tenant, "ct_2")] == ["ag_wang"]


def test_a_chat_that_an_agent_on_a_call_could_take_waits_for_the_call(sales):
    sales.agent("ag_li", chats=3)
    sales.enqueue("ct_0")
    sales.enqueue("ct_1", channel=Channel.CHAT)
    assert obstacles(sales) == {"AtCapacity": ("ag_li",)}


def test_a_definition_that_changed_counts_from_now_on(sales):
    definition = sales.queue()
    sales.enqueue("ct_1")
    sales.wait(20)
    sales.do(PutQueue(replace(definition, target_wait_duration=timedelta(seconds=10))))
    assert why(sales).wait_score_permille == 2000
