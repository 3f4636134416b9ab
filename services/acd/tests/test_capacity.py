"""What an agent can do at one time: units, maxima and exclusions (rule 2), and what a wrap-up frees of it (rule 5)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_acd.domain import capacity
from trunkline_acd.domain.commands import FinishWrapUp, PutAgent
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactOffered
from trunkline_core.routing import AgentDefinition, ChannelUse, RoutingStrategy, SkillLevel, WrapUpMode

CALL_BESIDE_CHATS = (ChannelUse(Channel.VOICE, 2, 1), ChannelUse(Channel.CHAT, 1, 3))
CALL_OR_CHATS = (ChannelUse(Channel.VOICE, 1, 1), ChannelUse(Channel.CHAT, 1, 0, (Channel.VOICE,)))
CHATS_ONLY = (ChannelUse(Channel.CHAT, 1),)
NOT_ONE = (RoutingStrategy.UNSPECIFIED, RoutingStrategy.RING_ALL)
STRATEGIES = [strategy for strategy in RoutingStrategy if strategy not in NOT_ONE]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_call_comes_beside_chats_where_the_table_has_units_for_both(routing, offered, strategy):
    routing.queue(strategy=strategy)
    routing.agent("ag_li", units=4, channels=CALL_BESIDE_CHATS)
    for number in (1, 2):
        assert offered(routing.chat(f"ct_{number}")) == [(f"ct_{number}", "ag_li")]
    assert offered(routing.enqueue("ct_call")) == [("ct_call", "ag_li")]
    assert offered(routing.chat("ct_3")) == [], "a call takes two of four units, the chats one each"


def test_contacts_of_a_channel_are_bounded_by_its_maximum(routing, offered):
    routing.queue()
    routing.agent("ag_li", units=8, channels=CALL_BESIDE_CHATS)
    for number in (1, 2, 3):
        routing.chat(f"ct_{number}")
    assert offered(routing.chat("ct_4")) == []
    assert offered(routing.enqueue("ct_call_1")) == [("ct_call_1", "ag_li")]
    assert offered(routing.enqueue("ct_call_2")) == []
    assert offered(routing.end("ct_2")) == [("ct_4", "ag_li")], "the unit of a chat came back to chats"


@pytest.mark.parametrize(("first", "second"), [(Channel.VOICE, Channel.CHAT), (Channel.CHAT, Channel.VOICE)])
def test_exclusion_that_one_channel_names_holds_for_both(routing, offered, first, second):
    routing.queue()
    routing.agent("ag_li", units=8, channels=CALL_OR_CHATS)
    routing.enqueue("ct_1", channel=first)
    assert offered(routing.enqueue("ct_2", channel=second)) == []
    assert offered(routing.end("ct_1")) == [("ct_2", "ag_li")]


def test_agent_is_offered_no_channel_that_the_table_does_not_name(routing, offered):
    routing.queue()
    routing.agent("ag_chats", units=3, channels=CHATS_ONLY)
    assert offered(routing.enqueue("ct_call")) == []
    assert offered(routing.chat("ct_chat")) == [("ct_chat", "ag_chats")]
    routing.end("ct_call")
    routing.agent("ag_li")
    [offer] = [event for event in routing.enqueue("ct_2") if isinstance(event, ContactOffered)]
    reasons = {candidate.agent_id: candidate.not_chosen_because for candidate in offer.explanation.candidates}
    assert reasons == {"ag_li": "", "ag_chats": "ChannelNotTaken"}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_call_finds_whoever_has_room_for_it_behind_busier_ones_who_have_not(routing, offered, strategy):
    routing.queue(strategy=strategy)
    for number in range(5):
        routing.agent(f"ag_{number}", chats=2)
        routing.chat(f"ct_{number}")
        routing.connect(f"ct_{number}")
    routing.agent("ag_mixed", units=4, channels=CALL_BESIDE_CHATS)
    routing.do(PutAgent(replace(routing.domain.agent("ag_mixed").definition, skills=(SkillLevel("english", 1),))))
    routing.enqueue("ct_6", "qu_sales", ("english", 1), channel=Channel.CHAT)
    assert routing.domain.contact("ct_6").agent_id == "ag_mixed"
    assert offered(routing.enqueue("ct_call")) == [("ct_call", "ag_mixed")]


def test_redefinition_keeps_the_work_and_a_channel_it_lacks_holds_the_whole_agent(routing, offered):
    routing.queue()
    routing.agent("ag_li", units=4, channels=CALL_BESIDE_CHATS)
    routing.enqueue("ct_call")
    assert offered(routing.do(PutAgent(AgentDefinition("ag_li", (), 1, 4, CHATS_ONLY)))) == []
    assert offered(routing.chat("ct_1")) == []
    assert offered(routing.end("ct_call")) == [("ct_1", "ag_li")]


def test_share_of_the_agent_follows_units_and_is_all_where_nothing_may_stand_beside():
    plain, mixed = AgentDefinition("ag_1", (), 3), AgentDefinition("ag_1", (), 1, 4, CALL_BESIDE_CHATS)
    shares = [
        capacity.share_permille(agent, channel) for agent in (plain, mixed) for channel in (Channel.VOICE, Channel.CHAT)
    ]
    assert shares == [1000, 333, 500, 250]


BAD_TABLES = [
    (4, (), "agent.units"),
    (0, CHATS_ONLY, "agent.units"),
    (17, CHATS_ONLY, "agent.units"),
    (4, (ChannelUse(Channel.UNSPECIFIED, 1),), "agent.channels[0].channel"),
    (4, (*CHATS_ONLY, *CHATS_ONLY), "agent.channels[1].channel"),
    (4, (ChannelUse(Channel.CHAT, 0),), "agent.channels[0].units"),
    (4, (ChannelUse(Channel.CHAT, 5),), "agent.channels[0].units"),
    (4, (ChannelUse(Channel.CHAT, 1, 17),), "agent.channels[0].max_contacts"),
    (4, (ChannelUse(Channel.CHAT, 1, -1),), "agent.channels[0].max_contacts"),
    (4, (ChannelUse(Channel.CHAT, 1, 0, (Channel.CHAT,)),), "agent.channels[0].excluded_by[0]"),
    (4, (ChannelUse(Channel.CHAT, 1, 0, (Channel.VOICE, Channel.VOICE)),), "agent.channels[0].excluded_by[1]"),
]


@pytest.mark.parametrize(("units", "channels", "field"), BAD_TABLES)
def test_table_with_an_error_is_refused_naming_the_field(routing, units, channels, field):
    command = PutAgent(AgentDefinition("ag_1", (), 1, units, channels))
    assert routing.refusal(command).startswith(f"Invalid: {field}:")


def wrapping_up(routing, frees, first, chats=2):
    routing.queue(wrap_up_mode=WrapUpMode.TIMED, wrap_up_duration=timedelta(seconds=30), wrap_up_frees_exclusion=frees)
    routing.agent("ag_li", chats=chats)
    routing.enqueue("ct_1", channel=first)
    routing.connect("ct_1")
    routing.end("ct_1")


@pytest.mark.parametrize(("first", "second"), [(Channel.VOICE, Channel.CHAT), (Channel.CHAT, Channel.VOICE)])
def test_wrap_up_keeps_the_exclusion_unless_the_policy_frees_it(routing, offered, first, second):
    wrapping_up(routing, False, first)
    assert offered(routing.enqueue("ct_2", channel=second)) == []
    assert offered(routing.wait(30)) == [("ct_2", "ag_li")]


@pytest.mark.parametrize(("first", "second"), [(Channel.VOICE, Channel.CHAT), (Channel.CHAT, Channel.VOICE)])
def test_other_channel_comes_during_a_wrap_up_that_frees_its_exclusion(routing, offered, first, second):
    wrapping_up(routing, True, first)
    assert offered(routing.enqueue("ct_2", channel=second)) == [("ct_2", "ag_li")]
    assert offered(routing.enqueue("ct_3", channel=first)) == [], "what runs excludes it"


def test_wrap_up_that_frees_its_exclusion_keeps_its_units_and_the_maximum_of_its_channel(routing, offered):
    wrapping_up(routing, True, Channel.CHAT, chats=1)
    assert offered(routing.enqueue("ct_2")) == [], "its unit is the only one"
    routing.end("ct_2")
    routing.do(FinishWrapUp("ag_li", "ct_1", ""))
    routing.enqueue("ct_3")
    routing.connect("ct_3")
    routing.end("ct_3")
    assert offered(routing.enqueue("ct_4")) == [], "one call at one time, its wrap-up counts"


def test_wrap_up_keeps_the_policy_that_it_began_with(routing, offered):
    wrapping_up(routing, True, Channel.CHAT)
    routing.queue(wrap_up_mode=WrapUpMode.TIMED)
    assert offered(routing.enqueue("ct_2")) == [("ct_2", "ag_li")]


USES = st.tuples(
    st.builds(
        ChannelUse, st.just(Channel.VOICE), st.integers(1, 2), st.integers(0, 2), st.sampled_from([(), (Channel.CHAT,)])
    ),
    st.builds(
        ChannelUse, st.just(Channel.CHAT), st.integers(1, 2), st.integers(0, 3), st.sampled_from([(), (Channel.VOICE,)])
    ),
)
TABLES = st.one_of(st.just((0, ())), st.tuples(st.integers(2, 5), USES), st.just((2, CHATS_ONLY)))
STEPS = st.lists(
    st.sampled_from(["call", "chat", "chat", "connect", "connect", "end", "finish", 0.0, 1.0, 3.0]),
    min_size=15,
    max_size=50,
)


@settings(max_examples=40, deadline=None)
@given(st.tuples(TABLES, TABLES), st.booleans(), STEPS)
def test_nobody_is_above_the_table_and_nobody_idles_whatever_the_tables(new_routing, tables, frees, steps):
    """`Routing.check` judges after each command whether all offers fit, by the events, and all who fit have one."""
    routing = new_routing()
    routing.queue(
        target_wait_duration=timedelta(seconds=2),
        chat_lease_duration=timedelta(hours=1),
        voice_lease_duration=timedelta(hours=1),
        wrap_up_mode=WrapUpMode.TIMED,
        wrap_up_duration=timedelta(seconds=4),
        wrap_up_frees_exclusion=frees,
        drains_chats=True,
    )
    for number, (units, channels) in enumerate(tables):
        routing.agent(f"ag_{number}", chats=3, units=units, channels=channels)
    for number, step in enumerate(steps):
        take(routing, f"ct_{number}", step)


def take(routing, contact_id, step):
    """Do what the step says, where somebody can."""
    stages = {contact.stage.name: contact.contact_id for contact in list(routing.domain.contacts.values())[::-1]}
    wraps = [
        (w.contact_id, a.agent_id) for a in routing.domain.agents.values() for w in a.work if w.state.name == "WRAP_UP"
    ]
    if step in ("call", "chat"):
        routing.enqueue(contact_id, channel=Channel.VOICE if step == "call" else Channel.CHAT)
    elif step == "connect" and "OFFERED" in stages:
        routing.connect(stages["OFFERED"])
    elif step == "end" and "CONNECTED" in stages:
        routing.end(stages["CONNECTED"])
    elif step == "finish" and wraps:
        routing.do(FinishWrapUp(wraps[0][1], wraps[0][0], ""))
    elif isinstance(step, float):
        routing.wait(step)
