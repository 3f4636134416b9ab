"""A candidate policy is asked on each command, without effect: what it would have decided otherwise."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from trunkline_acd.domain.commands import DeclineOffer
from trunkline_acd.simulation.shadow import Difference, Kind, Shadow
from trunkline_core.decider import Context, execute
from trunkline_core.errors import Invalid
from trunkline_core.routing import Overflow, QueueDefinition, RoutingStrategy, SkillRequirement
from trunkline_ledger.core.contents import Contents
from trunkline_testkit.simulation.checks import picture


@pytest.fixture
def beside(routing) -> Callable[..., Shadow]:
    """A candidate that changes fields of all queues, asked from now on; the state must never show that it was."""

    def ask(**fields: Any) -> Shadow:
        def candidate(in_force: Mapping[str, QueueDefinition]) -> list[QueueDefinition]:
            return [replace(queue, **fields) for queue in in_force.values()] if fields else []

        shadow, really_do = Shadow(candidate), routing.do

        def do(command: Any, actor: str = "system", tenant: str = "tn_demo") -> Any:
            context = Context(routing.now, tenant, actor, "c")
            decided = execute(routing.decider, routing.state, command, context)
            routing.state.journal.rollback()
            before = picture(Contents(routing.state))
            shadow.ask(routing.state, command, context, decided)
            assert picture(Contents(routing.state)) == before
            return really_do(command, actor, tenant)

        routing.do = do
        return shadow

    return ask


def kinds(shadow: Shadow) -> list[tuple[Kind, str]]:
    return [(one.kind, one.contact_id) for one in shadow.differences]


def play_some(routing) -> None:
    """Two agents, three calls, a decline and an end."""
    routing.agent("ag_li")
    routing.wait(10)
    routing.agent("ag_wang")
    for number in range(3):
        routing.enqueue(f"ct_{number}", urgency=100 * number)
        routing.wait(1)
    routing.connect("ct_0")
    routing.do(DeclineOffer("ag_wang", "ct_1", 1), actor="agent:ag_wang")
    routing.end("ct_0")
    routing.wait(60)


def test_a_policy_like_the_one_in_force_differs_in_nothing(routing, beside):
    routing.queue()
    same, anew = beside(), beside(max_misses=2)
    play_some(routing)
    for shadow in (same, anew):
        assert shadow.differences == []
        assert shadow.offers == shadow.agreed > 3


def test_a_candidate_that_rings_at_all_differs_by_those_who_are_asked_besides(routing, beside):
    routing.queue()
    routing.agent("ag_li")
    routing.wait(1)
    routing.agent("ag_wang")
    shadow = beside(strategy=RoutingStrategy.RING_ALL)
    routing.enqueue("ct_1")
    (found,) = shadow.differences
    assert (found.kind, found.agent_id, found.candidate_agent_id) == (Kind.OTHER_AGENT, "ag_li", "ag_wang")
    assert (shadow.offers, shadow.agreed) == (1, 0)


def test_offers_to_all_are_one_decision_and_alike_to_themselves(routing, beside):
    routing.queue(strategy=RoutingStrategy.RING_ALL)
    for agent_id in ("ag_li", "ag_wang"):
        routing.agent(agent_id)
    shadow = beside()
    routing.enqueue("ct_1")
    assert (shadow.offers, shadow.agreed, shadow.differences) == (1, 1, [])


def test_another_strategy_chooses_another_agent(routing, beside):
    routing.queue()
    routing.agent("ag_li", ("orders", 1))
    routing.wait(10)
    routing.agent("ag_wang", ("orders", 5))
    shadow = beside(strategy=RoutingStrategy.BEST_PROFICIENCY, requirements=())
    routing.enqueue("ct_1", "qu_sales", ("orders", 1))
    assert shadow.differences == [
        Difference(Kind.OTHER_AGENT, routing.now, "ct_1", "qu_sales", "ag_li", "ag_wang"),
    ]
    assert (shadow.offers, shadow.agreed) == (1, 0)


def test_other_weights_give_the_agent_another_contact(routing, beside):
    routing.queue(urgency_weight_permille=0)
    routing.enqueue("ct_old")
    routing.wait(5)
    routing.enqueue("ct_urgent", urgency=1000)
    shadow = beside(urgency_weight_permille=5000)
    routing.agent("ag_li")
    assert shadow.differences == [
        Difference(Kind.OTHER_CONTACT, routing.now, "ct_old", "qu_sales", "ag_li", candidate_contact_id="ct_urgent")
    ]


def test_a_reserve_lets_a_contact_wait_on_and_none_lets_it_ring_sooner(routing, beside):
    routing.queue()
    routing.agent("ag_li")
    keeping = beside(vip_min_value_permille=800, vip_reserved_agents=1)
    routing.enqueue("ct_1")
    assert keeping.differences == [Difference(Kind.LATER, routing.now, "ct_1", "qu_sales", "ag_li")]
    routing.queue("qu_vip", vip_min_value_permille=800, vip_reserved_agents=1)
    routing.agent("ag_wang")
    open_to_all = beside(vip_min_value_permille=0, vip_reserved_agents=0)
    routing.enqueue("ct_2", "qu_vip")
    assert open_to_all.differences == [
        Difference(Kind.SOONER, routing.now, "ct_2", "qu_vip", candidate_agent_id="ag_wang")
    ]


def test_whom_the_candidate_does_not_let_in_is_refused_with_the_rule(routing, beside):
    routing.queue()
    routing.enqueue("ct_0")
    shadow = beside(max_waiting=1)
    routing.enqueue("ct_1")
    assert shadow.differences == [Difference(Kind.REFUSED, routing.now, "ct_1", "qu_sales", reason="QueueFull")]


def test_a_contact_stays_where_the_candidate_has_no_overflow(routing, beside):
    routing.queue("qu_next")
    routing.queue(overflow=Overflow("qu_next", timedelta(seconds=60), timedelta(seconds=20)))
    routing.enqueue("ct_1")
    shadow = beside(overflow=None)
    routing.wait(60)
    assert (Kind.STAYS, "ct_1") in kinds(shadow)


def test_one_difference_is_not_the_cause_of_the_next(routing, beside):
    routing.queue()
    routing.agent("ag_li", ("orders", 1))
    routing.wait(10)
    routing.agent("ag_wang", ("orders", 5))
    shadow = beside(strategy=RoutingStrategy.BEST_PROFICIENCY)
    routing.enqueue("ct_1", "qu_sales", ("orders", 1))
    assert routing.connect("ct_1") == "ag_li"
    routing.end("ct_1")
    assert kinds(shadow) == [(Kind.OTHER_AGENT, "ct_1")]


def test_definitions_and_what_comes_before_the_first_contact_are_not_asked(routing, beside):
    shadow = beside(max_waiting=0)
    routing.queue()
    routing.agent("ag_li")
    routing.code("done")
    assert (shadow.commands, shadow.differences) == (0, [])


def test_a_candidate_that_is_no_policy_is_an_error_and_the_state_stays(routing, beside):
    routing.queue()
    before = picture(Contents(routing.state))
    beside(requirements=(SkillRequirement("orders", 9),))
    with pytest.raises(Invalid, match="min_level"):
        routing.enqueue("ct_1")
    assert picture(Contents(routing.state)) == before
