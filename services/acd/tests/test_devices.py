"""Telephones of agents: media health, which gateways report (rule 1)."""

from datetime import timedelta

import pytest
from trunkline_acd.application.gateways import devices_held, devices_lost
from trunkline_acd.application.views import agent_view
from trunkline_acd.domain import policy
from trunkline_acd.domain.commands import (
    AcceptOffer,
    CloseAgentSession,
    ConsultAgent,
    DeclineOffer,
    ForgetDevice,
    LoseGateway,
    PullContact,
    RearmAgent,
    ReportConnectFailed,
    ReportConsultationFailed,
    ReportDevices,
    SetIntent,
    TransferContact,
)
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.devices import changes
from trunkline_acd.domain.events import (
    AffinityEnded,
    AgentNotResponding,
    CallbackPostponed,
    ConnectFailed,
    ConsultationEnded,
    DeviceForgotten,
    DeviceLost,
    DeviceRegistered,
    OfferEnded,
)
from trunkline_acd.domain.waiting_reasons import waiting_reasons
from trunkline_acd.domain.words import ConsultationEndReason, DeviceState, Intent, OfferEndReason
from trunkline_core.routing import CallbackMode, CallbackPolicy, ChannelUse, RoutingStrategy
from trunkline_platform.peers import Peer

CALL_BESIDE_CHATS = (ChannelUse(Channel.VOICE, 2, 1), ChannelUse(Channel.CHAT, 1, 3))


@pytest.fixture
def telephones(routing):
    """Li and Wang, whose telephones are registered at one gateway."""
    routing.queue(max_misses=2)
    routing.agent("ag_li", chats=2)
    routing.agent("ag_wang")
    report(routing, "ag_li", "ag_wang")
    return routing


def report(routing, *registered, lost=(), peer="gw_1"):
    return routing.do(ReportDevices(peer, registered, tuple(lost)))


def lose(routing, *lost, peer="gw_1"):
    return report(routing, lost=lost, peer=peer)


def device(routing, agent_id="ag_li"):
    return agent_view(routing.state, "tn_demo", agent_id, routing.now).device


def test_telephone_of_which_no_gateway_ever_spoke_counts_as_healthy(routing, offered):
    routing.queue()
    routing.agent("ag_li")
    assert device(routing) is DeviceState.UNSPECIFIED
    assert offered(routing.enqueue("ct_1")) == [("ct_1", "ag_li")]


def test_call_is_not_offered_to_an_agent_whose_telephone_is_lost(telephones, offered):
    assert lose(telephones, "ag_li") == [DeviceLost("ag_li", "gw_1")]
    assert device(telephones) is DeviceState.LOST
    telephones.wait(5)
    assert offered(telephones.enqueue("ct_1")) == [("ct_1", "ag_wang")]
    assert offered(telephones.enqueue("ct_2")) == []


def test_chats_go_on_without_a_telephone(telephones, offered):
    lose(telephones, "ag_li", "ag_wang")
    assert offered(telephones.chat("ct_1")) == [("ct_1", "ag_li")]


def test_call_that_waits_is_offered_at_once_when_the_telephone_is_registered_again(telephones, offered):
    lose(telephones, "ag_li", "ag_wang")
    telephones.enqueue("ct_1")
    assert offered(report(telephones, "ag_wang")) == [("ct_1", "ag_wang")]
    assert device(telephones, "ag_wang") is DeviceState.REGISTERED


def test_report_that_says_nothing_new_or_about_nobody_changes_nothing(telephones):
    assert report(telephones, "ag_li", "ag_gone") == []
    assert lose(telephones, "ag_gone") == []
    assert lose(telephones, "ag_li", peer="gw_2") == []
    lose(telephones, "ag_li")
    assert lose(telephones, "ag_li") == []


def test_ringing_call_goes_elsewhere_at_once_and_is_nobodys_miss(telephones, offered):
    telephones.enqueue("ct_1")
    ended, *_ = [event for event in lose(telephones, "ag_li") if isinstance(event, OfferEnded)]
    assert (ended.reason, ended.counts_as_miss) == (OfferEndReason.DEVICE_LOST, False)
    assert telephones.domain.contact("ct_1").agent_id == "ag_wang"
    agent = telephones.domain.agent("ag_li")
    assert (agent.misses, agent.not_responding, agent.work) == (0, False, ())
    assert telephones.refusal(PullContact("ct_1", "ag_li", "other")).startswith("Rejection: AgentDeviceLost")


def test_ringing_chat_goes_on_when_the_telephone_is_lost(telephones):
    telephones.chat("ct_1")
    assert lose(telephones, "ag_li") == [DeviceLost("ag_li", "gw_1")]
    assert telephones.domain.contact("ct_1").agent_id == "ag_li"


def test_connected_call_is_left_to_its_gateway(telephones):
    telephones.enqueue("ct_1")
    telephones.connect("ct_1")
    assert lose(telephones, "ag_li") == [DeviceLost("ag_li", "gw_1")]
    assert telephones.domain.contact("ct_1").stage.name == "CONNECTED"


def test_call_that_rings_at_all_rings_on_at_the_others(routing, offered):
    routing.queue(strategy=RoutingStrategy.RING_ALL)
    for agent_id in ("ag_a", "ag_b"):
        routing.agent(agent_id)
    report(routing, "ag_a", "ag_b")
    assert len(offered(routing.enqueue("ct_1"))) == 2
    assert offered(lose(routing, "ag_a")) == []
    assert routing.domain.contact("ct_1").agent_ids == ("ag_b",)
    assert offered(report(routing, "ag_a")) == [("ct_1", "ag_a")]


def test_chat_is_offered_once_a_call_cannot_keep_it_back_any_more(routing, offered):
    """Rule 2: a call that Li cannot take any more drains Li no longer."""
    routing.queue(drains_chats=True, target_wait_duration=timedelta(seconds=5))
    routing.agent("ag_li", chats=2)
    report(routing, "ag_li")
    routing.chat("ct_0")
    routing.connect("ct_0")
    routing.enqueue("ct_call")
    routing.wait(6)
    assert offered(routing.chat("ct_1")) == []
    assert offered(lose(routing, "ag_li")) == [("ct_1", "ag_li")]


def test_telephone_at_two_gateways_is_lost_with_the_last_one(telephones):
    report(telephones, "ag_li", peer="gw_2")
    lose(telephones, "ag_li")
    assert device(telephones) is DeviceState.REGISTERED
    lose(telephones, "ag_li", peer="gw_2")
    assert device(telephones) is DeviceState.LOST


def test_registrations_of_one_agent_are_bounded(routing):
    routing.queue()
    routing.agent("ag_li")
    for number in range(policy.MAX_GATEWAYS_PER_AGENT + 1):
        report(routing, "ag_li", peer=f"gw_{number}")
    assert len(routing.domain.agent("ag_li").registered_at) == policy.MAX_GATEWAYS_PER_AGENT
    assert not changes(routing.domain, "gw_9", ["ag_li"]).registered_agent_ids, "it is not told every second for ever"


def test_report_names_a_bounded_number_and_none_twice(telephones):
    many = tuple(f"ag_{number}" for number in range(policy.DEVICES_PER_COMMAND + 1))
    assert telephones.refusal(ReportDevices("gw_1", many)).startswith("Invalid: agent_ids")
    assert telephones.refusal(ReportDevices("gw_1", ("ag_li",), ("ag_li",))).startswith("Invalid: agent_ids")
    assert telephones.refusal(ReportDevices("gw/1", ("ag_li",))).startswith("Invalid: peer_id")


def test_what_a_gateway_names_is_compared_with_what_is_known_of_it(telephones):
    report(telephones, "ag_wang", peer="gw_2")
    telephones.agent("ag_zhou")
    found = changes(telephones.domain, "gw_1", ["ag_zhou", "ag_li", "ag_gone"])
    assert found == ReportDevices("gw_1", ("ag_zhou",), ("ag_wang",))


def test_telephones_of_a_silent_gateway_are_lost_and_come_back_with_its_hello(telephones, offered):
    report(telephones, "ag_wang", peer="gw_2")
    assert telephones.do(LoseGateway("gw_1")) == [DeviceLost("ag_li", "gw_1"), DeviceLost("ag_wang", "gw_1")]
    assert offered(telephones.enqueue("ct_1")) == [("ct_1", "ag_wang")]
    telephones.enqueue("ct_2")
    back = changes(telephones.domain, "gw_1", ["ag_li", "ag_wang"])
    assert offered(telephones.do(back)) == [("ct_2", "ag_li")]


def test_calls_of_many_lost_telephones_come_back_a_bounded_number_at_a_time(routing, offered):
    routing.queue()
    names = tuple(f"ag_{number:02}" for number in range(policy.LOST_CALLS_PER_COMMAND + 4))
    for number, name in enumerate(names):
        routing.agent(name)
        report(routing, name)
        routing.enqueue(f"ct_{number}")
    assert len([event for event in routing.do(LoseGateway("gw_1")) if isinstance(event, OfferEnded)]) == 16
    assert len([event for event in routing.do(LoseGateway("gw_1")) if isinstance(event, OfferEnded)]) == 4
    assert routing.do(LoseGateway("gw_1")) == []
    first = offered(report(routing, *names))
    assert len(first) == policy.OFFERS_TO_FREED
    assert len(first) + len(offered(routing.wait(1))) == len(names)


def test_who_is_kept_for_a_call_back_is_free_for_chats_and_who_picks_up_has_the_next_agent(telephones, offered):
    telephones.queue(max_misses=2, callback=CallbackPolicy(1, timedelta(minutes=10), 5, CallbackMode.CUSTOMER_FIRST))
    telephones.do(SetIntent("ag_wang", Intent.BREAK, ""), actor="agent:ag_wang")
    telephones.enqueue("ct_0")
    telephones.enqueue("ct_1", customer="cu_1")
    telephones.call_back("ct_1")
    telephones.do(DeclineOffer("ag_li", "ct_0", 1))
    telephones.cleared("ct_1", customer="cu_1")
    telephones.enqueue("ct_2", channel=Channel.CHAT)
    events = lose(telephones, "ag_li")
    postponed = next(event for event in events if isinstance(event, CallbackPostponed))
    assert (postponed.reason, postponed.agent_id) == ("device_lost", "ag_li")
    assert postponed.next_attempt_time == telephones.now + timedelta(minutes=10), "it may still be picked up"
    assert offered(events) == [("ct_2", "ag_li")]
    assert telephones.domain.contact("ct_1").callback.attempts == 0
    telephones.reached("ct_1")
    back = telephones.do(SetIntent("ag_wang", Intent.AVAILABLE, ""), actor="agent:ag_wang")
    assert offered(back) == [("ct_1", "ag_wang")], "before ct_0, which came earlier"


def test_call_back_that_was_accepted_is_left_to_the_gateway_that_dials(telephones):
    telephones.queue(callback=CallbackPolicy(1, timedelta(minutes=10), 5))
    telephones.do(SetIntent("ag_wang", Intent.BREAK, ""), actor="agent:ag_wang")
    telephones.enqueue("ct_0")
    telephones.enqueue("ct_1", customer="cu_1")
    telephones.call_back("ct_1")
    telephones.do(DeclineOffer("ag_li", "ct_0", 1))
    telephones.accept("ct_1")
    assert lose(telephones, "ag_li") == [DeviceLost("ag_li", "gw_1")]


def test_leg_that_fails_at_a_lost_telephone_is_nobodys_miss_and_blocks_nobody(telephones):
    telephones.enqueue("ct_1")
    telephones.accept("ct_1")
    lose(telephones, "ag_li")
    failed, *others = telephones.do(ReportConnectFailed("ct_1", 2, 1, 1, "unreachable"))
    assert isinstance(failed, ConnectFailed)
    assert (failed.counts_as_miss, failed.excluded_until_time) == (False, None)
    assert not [event for event in others if isinstance(event, AgentNotResponding)]
    assert telephones.domain.contact("ct_1").agent_id == "ag_wang"


def test_joining_that_takes_too_long_at_a_lost_telephone_is_nobodys_miss(telephones):
    telephones.enqueue("ct_1")
    telephones.accept("ct_1")
    lose(telephones, "ag_li")
    failed = telephones.wait(6)[0]
    assert (failed.reason, failed.counts_as_miss) == ("timeout", False)


def test_who_was_blocked_as_unreachable_is_back_with_the_next_registration(telephones, offered):
    telephones.enqueue("ct_1")
    telephones.accept("ct_1")
    telephones.do(ReportConnectFailed("ct_1", 2, 1, 1, "unreachable"))
    assert telephones.domain.agent("ag_li").not_responding
    lose(telephones, "ag_li")
    telephones.enqueue("ct_2")
    assert offered(report(telephones, "ag_li")) == [("ct_2", "ag_li")]
    assert not telephones.domain.agent("ag_li").not_responding


def test_block_for_misses_outlasts_a_registration(telephones):
    telephones.do(SetIntent("ag_wang", Intent.BREAK, ""), actor="agent:ag_wang")
    for number in range(2):
        telephones.enqueue(f"ct_{number}")
        telephones.wait(31)
    assert telephones.domain.agent("ag_li").not_responding
    lose(telephones, "ag_li")
    report(telephones, "ag_li")
    assert telephones.domain.agent("ag_li").not_responding
    telephones.do(RearmAgent("ag_li"))
    assert not telephones.domain.agent("ag_li").not_responding


def test_call_that_is_held_for_an_agent_is_let_go_with_the_telephone(routing, offered):
    """Rule 10: it is held only for somebody who can take it soon."""
    routing.queue(affinity_duration=timedelta(seconds=30))
    routing.agent("ag_li")
    routing.agent("ag_wang")
    report(routing, "ag_li")
    routing.enqueue("ct_0", preferred="ag_li")
    routing.connect("ct_0")
    assert offered(routing.enqueue("ct_1", preferred="ag_li")) == []
    events = lose(routing, "ag_li")
    assert [event.contact_id for event in events if isinstance(event, AffinityEnded)] == ["ct_1"]
    assert offered(events) == [("ct_1", "ag_wang")]
    assert offered(routing.enqueue("ct_2", preferred="ag_li")) == []
    assert not routing.domain.contact("ct_2").held_for


def test_consultation_that_rings_ends_with_the_telephone_and_none_begins(telephones):
    telephones.enqueue("ct_1")
    telephones.connect("ct_1")
    telephones.do(ConsultAgent("ct_1", 3, 1, "ag_li", "ag_wang"))
    ended = [event for event in lose(telephones, "ag_wang") if isinstance(event, ConsultationEnded)]
    assert [event.reason for event in ended] == [ConsultationEndReason.CONNECT_FAILED]
    refusal = telephones.refusal(ConsultAgent("ct_1", 4, 1, "ag_li", "ag_wang"))
    assert refusal.startswith("Rejection: AgentDeviceLost")


@pytest.fixture
def asked(telephones):
    """Li talks to a caller, and Wang accepted to be asked about it."""
    telephones.enqueue("ct_1")
    telephones.connect("ct_1")
    telephones.do(ConsultAgent("ct_1", 3, 1, "ag_li", "ag_wang"))
    telephones.do(AcceptOffer("ag_wang", "ct_1", 2), actor="agent:ag_wang")
    return telephones


def test_colleagues_leg_that_fails_at_a_lost_telephone_blocks_nobody(asked):
    """Else Wang would get no chats either until a click."""
    lose(asked, "ag_wang")
    asked.do(ReportConsultationFailed("ct_1", 4, 1, 2, "unreachable"))
    assert not asked.domain.agent("ag_wang").not_responding


def test_colleague_who_was_blocked_as_unreachable_is_back_with_the_next_registration(asked):
    asked.do(ReportConsultationFailed("ct_1", 4, 1, 2, "unreachable"))
    assert asked.domain.agent("ag_wang").not_responding
    lose(asked, "ag_wang")
    report(asked, "ag_wang")
    assert not asked.domain.agent("ag_wang").not_responding


@pytest.mark.parametrize("affinity", [timedelta(0), timedelta(seconds=30)])
def test_colleague_on_whom_an_agent_insists_needs_a_telephone(telephones, affinity):
    """Else the caller would be held for somebody who cannot take the call, or go to anybody."""
    telephones.queue("qu_back", affinity_duration=affinity)
    telephones.enqueue("ct_1")
    telephones.connect("ct_1")
    lose(telephones, "ag_wang")
    named = TransferContact("ct_1", 3, 1, "ag_li", "qu_back", "ag_wang", insist=True)
    assert telephones.refusal(named) == "Rejection: AgentDeviceLost"
    report(telephones, "ag_wang")
    telephones.do(named)
    assert telephones.domain.contact("ct_1").agent_id == "ag_wang"


def test_telephone_that_is_forgotten_counts_as_healthy(telephones, offered):
    lose(telephones, "ag_li", "ag_wang")
    telephones.enqueue("ct_1")
    events = telephones.do(ForgetDevice("ag_li", "no_gateway"), actor="supervisor:us_1")
    assert events[0] == DeviceForgotten("ag_li", "no_gateway")
    assert offered(events) == [("ct_1", "ag_li")]
    assert telephones.do(ForgetDevice("ag_li", "no_gateway")) == []
    assert telephones.refusal(ForgetDevice("ag_wang", "")).startswith("Invalid: reason")
    assert report(telephones, "ag_li") == [DeviceRegistered("ag_li", "gw_1")], "what a gateway says holds again"


def test_call_that_waits_says_that_telephones_are_lost(telephones):
    lose(telephones, "ag_li", "ag_wang")
    telephones.enqueue("ct_1")
    contact = telephones.domain.contact("ct_1")
    (obstacle,) = waiting_reasons(telephones.state, "tn_demo", contact, telephones.now).obstacles
    assert (obstacle.reason, obstacle.agent_ids) == ("DeviceLost", ("ag_li", "ag_wang"))


def test_loss_of_a_telephone_changes_neither_idle_time_nor_what_the_agent_wants(telephones):
    before = telephones.domain.agent("ag_li")
    telephones.wait(5)
    lose(telephones, "ag_li")
    after = telephones.domain.agent("ag_li")
    assert (after.intent, after.idle_since, after.since_time) == (before.intent, before.idle_since, before.since_time)
    (row,) = telephones.rows[-1].agents
    assert (row.agent_id, row.device) == ("ag_li", DeviceState.LOST)


def test_telephone_is_remembered_while_the_desk_is_gone(telephones, offered):
    lose(telephones, "ag_li")
    telephones.do(CloseAgentSession("ag_li", "se_ag_li"), actor="agent:ag_li")
    telephones.wait(31)
    telephones.agent("ag_li", chats=2)
    telephones.do(SetIntent("ag_wang", Intent.BREAK, ""), actor="agent:ag_wang")
    assert offered(telephones.enqueue("ct_1")) == []


def test_gateways_are_known_by_the_telephones_registered_there(telephones):
    report(telephones, "ag_li", peer="gw_2")
    one, other = Peer("tn_demo", "gw_1"), Peer("tn_demo", "gw_2")
    assert devices_held(telephones.state) == {one: ["ag_li", "ag_wang"], other: ["ag_li"]}
    telephones.do(devices_lost(one, ("ag_wang",))[1])
    assert devices_held(telephones.state) == {one: ["ag_li"], other: ["ag_li"]}
    telephones.do(devices_lost(one, ())[1])
    assert devices_held(telephones.state) == {other: ["ag_li"]}


def test_call_beside_chats_comes_only_with_a_telephone(routing, offered):
    routing.queue()
    routing.agent("ag_li", units=4, channels=CALL_BESIDE_CHATS)
    report(routing, "ag_li")
    routing.chat("ct_0")
    routing.connect("ct_0")
    lose(routing, "ag_li")
    assert offered(routing.enqueue("ct_1")) == []
    assert offered(routing.chat("ct_2")) == [("ct_2", "ag_li")]
    assert offered(report(routing, "ag_li")) == [("ct_1", "ag_li")]
