"""Free agents that are kept back for VIP contacts (rule 11)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_acd.domain.commands import DeclineOffer, PutQueue
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.events import ContactKeptBack, ContactOffered
from trunkline_core.routing import RoutingStrategy

VIP = {"vip_min_value_permille": 800, "vip_reserved_agents": 1}


def kept_back(events):
    return [event.contact_id for event in events if isinstance(event, ContactKeptBack)]


def offered_in(events):
    return [(event.contact_id, event.agent_id) for event in events if isinstance(event, ContactOffered)]


@pytest.fixture
def reserving(routing):
    """One agent is kept back for VIP contacts, Li and Wang are free, Li for longer."""
    routing.queue(**VIP)
    routing.agent("ag_li")
    routing.wait(10)
    routing.agent("ag_wang")
    return routing


def test_others_are_offered_while_more_agents_are_free_than_are_kept_back(reserving, offered):
    assert offered(reserving.enqueue("ct_1")) == [("ct_1", "ag_li")]
    assert offered(reserving.enqueue("ct_2", value=799)) == []


def test_vip_contact_gets_the_agent_who_was_kept_back_before_those_who_waited_for_longer(reserving, offered):
    reserving.enqueue("ct_1")
    reserving.enqueue("ct_2")
    reserving.wait(5)
    assert offered(reserving.enqueue("ct_vip", value=800)) == [("ct_vip", "ag_wang")]


def test_those_who_wait_go_on_when_one_agent_more_is_free(reserving, offered):
    reserving.enqueue("ct_1")
    reserving.connect("ct_1")
    reserving.wait(5)
    reserving.enqueue("ct_2")
    events = reserving.end("ct_1")
    assert offered(events) == [("ct_2", "ag_li")]
    (offer,) = [event for event in events if isinstance(event, ContactOffered)]
    reasons = {found.agent_id: found.not_chosen_because for found in offer.explanation.candidates}
    assert reasons["ag_wang"] == "KeptForVip", "who has been free for longer"


def test_agents_of_other_skills_do_not_count(routing, offered):
    routing.queue(**VIP)
    routing.agent("ag_li", ("orders", 1))
    routing.agent("ag_wang")
    assert offered(routing.enqueue("ct_1", "qu_sales", ("orders", 1))) == []
    routing.agent("ag_chen", ("orders", 2))
    assert routing.domain.contact("ct_1").agent_id == "ag_chen"


def test_agent_whom_the_contact_excludes_is_not_one_of_those_who_are_free_for_it(reserving, offered):
    reserving.enqueue("ct_1")
    events = reserving.do(DeclineOffer("ag_li", "ct_1", 1), actor="agent:ag_li")
    assert offered(events) == [], "Wang alone could take it, and is kept back"
    assert offered(reserving.enqueue("ct_2")) == [("ct_2", "ag_li")]
    reserving.end("ct_2")
    assert ("ct_1", "ag_li") in offered(reserving.wait(30)), "two could again"


def test_chats_are_kept_back_by_room_for_chats(routing, offered):
    routing.queue(**VIP)
    routing.agent("ag_li", chats=2)
    routing.agent("ag_wang", chats=1)
    assert offered(routing.chat("ct_1")) == [("ct_1", "ag_li")]
    assert offered(routing.chat("ct_2")) == [("ct_2", "ag_wang")], "Li has room for one more"
    assert offered(routing.chat("ct_3")) == []
    assert offered(routing.chat("ct_vip", value=900)) == [("ct_vip", "ag_li")]


def test_contact_keeps_the_reserve_that_it_entered_with(reserving, offered):
    reserving.enqueue("ct_1")
    reserving.enqueue("ct_2")
    definition = reserving.queue(**VIP | {"vip_reserved_agents": 0})
    assert definition.vip_reserved_agents == 0
    assert reserving.domain.contact("ct_2").stage is Stage.WAITING
    assert offered(reserving.enqueue("ct_3")) == [("ct_3", "ag_wang")]


def test_contact_that_is_held_for_an_agent_rings_there_though_agents_are_kept_back(routing, offered):
    routing.queue(**VIP, affinity_duration=timedelta(seconds=30))
    routing.agent("ag_li")
    assert offered(routing.enqueue("ct_1", preferred="ag_li")) == [("ct_1", "ag_li")]


def test_what_it_costs_the_others_is_counted_from_the_first_agent_who_was_kept_back(reserving):
    reserving.enqueue("ct_1")
    reserving.connect("ct_1")
    reserving.wait(3)
    assert kept_back(reserving.enqueue("ct_2")) == ["ct_2"]
    reserving.wait(7)
    reserving.end("ct_1")
    reserving.connect("ct_2")
    (row,) = reserving.rows[0].queues
    assert (row.kept_back_total, row.kept_back_duration) == (1, timedelta(seconds=7))


def test_agent_who_becomes_free_and_is_kept_back_is_told_once_for_the_first_in_order(routing):
    routing.queue(**VIP)
    routing.agent("ag_li")
    routing.enqueue("ct_vip", value=900)
    routing.connect("ct_vip")
    assert kept_back(routing.enqueue("ct_1") + routing.enqueue("ct_2")) == [], "nobody is free"
    routing.wait(20)
    assert kept_back(routing.end("ct_vip")) == ["ct_1"]
    routing.wait(5)
    assert kept_back(routing.enqueue("ct_3")) == [], "one agent is no loss to the third in order"
    routing.end("ct_1")
    queue = routing.domain.queue("qu_sales")
    assert (queue.kept_back_total, queue.kept_back_wait) == (1, timedelta(seconds=5)), "also when the customer leaves"


def test_two_agents_who_are_kept_back_are_a_loss_to_two_contacts(routing):
    routing.queue(**VIP | {"vip_reserved_agents": 2})
    for number in range(3):
        routing.enqueue(f"ct_{number}")
    routing.agent("ag_li")
    routing.agent("ag_wang")
    assert kept_back([event for event, _ in routing.log]) == ["ct_0", "ct_1"]


BAD = [
    ({"vip_min_value_permille": -1}, "vip_min_value_permille"),
    ({"vip_min_value_permille": 1001}, "vip_min_value_permille"),
    (VIP | {"vip_reserved_agents": -1}, "vip_reserved_agents"),
    (VIP | {"vip_reserved_agents": 101}, "vip_reserved_agents"),
    ({"vip_reserved_agents": 1}, "vip_reserved_agents"),
]


@pytest.mark.parametrize(("fields", "field"), BAD)
def test_reserve_out_of_range_or_for_nobody_is_refused_naming_the_field(routing, fields, field):
    definition = replace(routing.queue(), **fields)
    assert routing.refusal(PutQueue(definition)).startswith(f"Invalid: queue.{field}:")


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 3),
    st.sampled_from(RoutingStrategy),
    st.lists(st.tuples(st.sampled_from([0, 900]), st.booleans()), max_size=12),
)
def test_no_other_contact_ever_takes_an_agent_of_the_reserve(new_routing, reserved, strategy, entries):
    routing = new_routing()
    routing.queue(**VIP | {"vip_reserved_agents": reserved}, strategy=strategy)
    for number in range(4):
        routing.agent(f"ag_{number}")
    live = []
    for number, (value, is_end) in enumerate(entries):
        free = sum(not agent.work for agent in routing.domain.agents.values())
        if is_end and live:
            ended = live.pop(0)
            free += len(routing.domain.contact(ended).agent_ids)
            events = routing.end(ended)
        else:
            live.append(f"ct_{number}")
            events = routing.enqueue(f"ct_{number}", value=value)
        for contact_id, _ in offered_in(events):
            assert routing.domain.contact(contact_id).value_permille or free > reserved
            free -= 1
