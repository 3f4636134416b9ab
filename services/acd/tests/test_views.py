"""What desks see of their agents."""

from dataclasses import replace

from trunkline_acd.application.consoles import desks_held, desks_lost
from trunkline_acd.application.desk_feed import Push, merged
from trunkline_acd.application.views import agent_view
from trunkline_platform.peers import Peer


def view_of(routing, agent_id="ag_li"):
    return agent_view(routing.state, "tn_demo", agent_id, routing.now)


def test_latency_of_an_offer_that_was_not_sent_yet_outlives_a_newer_view(routing):
    routing.agent("ag_li")
    view = view_of(routing)
    newer = replace(view, version=view.version + 1)
    assert merged(Push(view, received_monotonic=5.0), Push(newer)) == Push(newer, received_monotonic=5.0)
    assert merged(Push(view), Push(newer, received_monotonic=6.0)) == Push(newer, received_monotonic=6.0)


def test_consoles_are_known_by_their_connected_desks(routing):
    routing.agent("ag_li")
    routing.agent("ag_wang")
    console = Peer("tn_demo", "pe_1")
    assert desks_held(routing.state) == {console: ["ag_li", "ag_wang"]}
    routing.do(desks_lost(console, ("ag_none",))[1])
    assert desks_held(routing.state) == {console: ["ag_li", "ag_wang"]}
    routing.do(desks_lost(console, ())[1])
    assert desks_held(routing.state) == {}


def test_view_shows_what_rings_with_its_explanation_and_the_lease_that_the_timer_keeps(routing):
    routing.queue()
    routing.agent("ag_li")
    routing.enqueue("ct_1")
    view = view_of(routing)
    [work] = view.work
    assert (work.contact_id, work.state.name, work.expires_time) == ("ct_1", "OFFERED", routing.at(20))
    assert view.explanation is not None
    assert (view.now_time, view.connectivity.name) == (routing.now, "CONNECTED")
    routing.state.timers.grant_grace(routing.at(25))
    assert view_of(routing).work[0].expires_time == routing.at(25)


def test_view_version_grows_with_every_change(routing):
    routing.queue()
    routing.agent("ag_li")
    before = view_of(routing).version
    routing.enqueue("ct_1")
    assert view_of(routing).version > before


def test_agent_of_another_tenant_has_no_view(routing):
    routing.agent("ag_li")
    assert agent_view(routing.state, "tn_other", "ag_li", routing.now) is None
