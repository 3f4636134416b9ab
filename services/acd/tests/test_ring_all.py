"""Ring-all (routing rules 3 and 9): a contact rings at all who could take it, and the log decides who has it."""

from datetime import timedelta
from typing import Any

import pytest
from trunkline_acd.adapters.wire import CODEC
from trunkline_acd.application.contact_explanations import explanation_of
from trunkline_acd.application.views import agent_view
from trunkline_acd.domain import policy
from trunkline_acd.domain.commands import (
    AcceptOffer,
    CloseAgentSession,
    DeclineOffer,
    PullContact,
    ReportConnectFailed,
    RequeueContact,
    SetIntent,
    TransferContact,
)
from trunkline_acd.domain.contacts import Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactOffered, HandoutScheduled, OfferAccepted, OfferEnded
from trunkline_acd.domain.offer_history import OfferHistory, OfferOutcome
from trunkline_acd.domain.supervision import waiting_in
from trunkline_acd.domain.words import Intent, OfferEndReason, WorkState
from trunkline_core.routing import CallbackPolicy, QueueLimit, RelaxationStep, RoutingStrategy, SkillRequirement
from trunkline_ledger.core.metadata import Metadata

TEAM = ("ag_a", "ag_b", "ag_c")
HEADERS_BYTES = 512  # of a record, generously
LONG = "x" * 120  # as ids may be


@pytest.fixture
def team(routing: Any) -> Any:
    """Three who are free, ag_a for longest, and a queue that rings at all of them."""
    routing.queue(strategy=RoutingStrategy.RING_ALL)
    for agent_id in TEAM:
        routing.agent(agent_id)
        routing.wait(1)
    return routing


def ends(events: list[Any]) -> list[tuple[str, OfferEndReason, bool]]:
    return [(event.agent_id, event.reason, event.counts_as_miss) for event in events if isinstance(event, OfferEnded)]


def offers_in(events: list[Any]) -> list[ContactOffered]:
    return [event for event in events if isinstance(event, ContactOffered)]


def ringing(routing: Any, contact_id: str = "ct_1") -> tuple[str, ...]:
    contact = routing.domain.contact(contact_id)
    return contact.agent_ids if contact.stage is Stage.OFFERED else ()


def test_contact_rings_at_all_who_are_free_the_longest_idle_first(team):
    offers = offers_in(team.enqueue("ct_1"))
    assert [(offer.agent_id, offer.offer_no) for offer in offers] == [("ag_a", 1), ("ag_b", 2), ("ag_c", 3)]
    assert all(offer.ring_all and offer.expires_time == team.now + timedelta(seconds=20) for offer in offers)
    assert team.domain.queue("qu_sales").ringing == 1, "one contact, however many telephones"


def test_first_accept_wins_and_the_others_are_superseded_in_the_same_step(team):
    team.enqueue("ct_1")
    events = team.accept("ct_1", "ag_b")
    superseded = OfferEndReason.SUPERSEDED
    assert ends(events) == [("ag_a", superseded, False), ("ag_c", superseded, False)]
    assert {event.accepted_by_agent_id for event in events if isinstance(event, OfferEnded)} == {"ag_b"}
    assert isinstance(events[-1], OfferAccepted)
    assert [team.domain.agent(agent_id).count(WorkState.CONNECTING) for agent_id in TEAM] == [0, 1, 0]
    assert [len(team.domain.agent(agent_id).work) for agent_id in TEAM] == [0, 1, 0]
    assert not team.domain.contact("ct_1").excluded
    assert team.connected("ct_1")[0].agent_id == "ag_b"


def test_late_accept_and_late_decline_are_refused(team):
    team.enqueue("ct_1")
    team.accept("ct_1", "ag_b")
    assert team.refusal(AcceptOffer("ag_a", "ct_1", 1)) == "Rejection: OfferNotLive"
    assert team.refusal(DeclineOffer("ag_c", "ct_1", 3)) == "Rejection: OfferNotLive"
    team.connected("ct_1")
    assert team.refusal(AcceptOffer("ag_a", "ct_1", 1)) == "Rejection: OfferNotLive"
    assert team.do(AcceptOffer("ag_b", "ct_1", 2)) == [], "the winner may say so again"


def test_nobody_accepts_with_the_number_of_a_colleagues_offer(team):
    team.enqueue("ct_1")
    assert team.refusal(AcceptOffer("ag_a", "ct_1", 2)) == "Rejection: OfferNotLive"


def test_idle_time_goes_on_for_who_was_outpaced(team):
    """Rule 9: an offer that rang is no contact that ended."""
    team.enqueue("ct_1")
    team.accept("ct_1", "ag_b")
    team.wait(1)
    team.agent("ag_d")
    team.wait(1)
    assert [offer.agent_id for offer in team.enqueue("ct_2") if isinstance(offer, ContactOffered)][:2] == [
        "ag_a",
        "ag_c",
    ]


def test_who_is_outpaced_is_offered_what_waits(team, offered):
    team.enqueue("ct_1")
    team.queue("qu_help")
    team.enqueue("ct_2", "qu_help")
    team.enqueue("ct_3", "qu_help")
    team.enqueue("ct_4", "qu_help")
    assert offered(team.accept("ct_1", "ag_a")) == [("ct_2", "ag_b"), ("ct_3", "ag_c")]


def test_the_next_contact_that_waits_rings_at_all_who_are_outpaced(team, offered):
    team.enqueue("ct_1")
    team.enqueue("ct_2")
    assert team.domain.contact("ct_2").stage is Stage.WAITING
    assert offered(team.accept("ct_1", "ag_a")) == [("ct_2", "ag_b"), ("ct_2", "ag_c")]


def test_agent_who_becomes_free_gets_what_rings_elsewhere_too(team, offered):
    team.enqueue("ct_1")
    team.agent("ag_d", ready=False)
    team.agent("ag_e")
    assert ringing(team) == (*TEAM, "ag_e")
    assert team.domain.contact("ct_1").offer_no == 4
    team.accept("ct_1", "ag_e")
    assert ringing(team) == ()


def test_who_waits_goes_before_what_rings_elsewhere(team, offered):
    team.enqueue("ct_1")
    team.queue("qu_help")
    team.enqueue("ct_2", "qu_help")
    team.agent("ag_d")
    assert ringing(team, "ct_2") == ("ag_d",)
    assert ringing(team) == TEAM


def test_decline_of_one_leaves_the_others_ringing(team, offered):
    team.enqueue("ct_1")
    events = team.do(DeclineOffer("ag_c", "ct_1", 3))
    assert ends(events) == [("ag_c", OfferEndReason.DECLINED, False)]
    assert ringing(team) == ("ag_a", "ag_b")
    assert team.domain.queue("qu_sales").waiting == 0
    team.accept("ct_1", "ag_a")
    assert team.domain.contact("ct_1").agent_id == "ag_a"


def test_contact_waits_again_with_its_place_only_when_it_rings_nowhere(team, offered):
    team.enqueue("ct_1")
    for number, agent_id in enumerate(TEAM, start=1):
        team.do(DeclineOffer(agent_id, "ct_1", number))
    contact = team.domain.contact("ct_1")
    assert (contact.stage, contact.agent_id, contact.entered_time) == (Stage.WAITING, "", team.now)
    events = team.wait(30)
    assert offered(events) == [("ct_1", agent_id) for agent_id in TEAM], "each exclusion ends for itself"
    assert [event.offer_no for event in events if isinstance(event, ContactOffered)] == [4, 5, 6]


def test_each_lease_ends_for_itself_and_is_a_miss_of_that_agent_only(team):
    """Rule 4."""
    team.enqueue("ct_1")
    team.wait(15)
    team.agent("ag_d")
    events = team.wait(6)
    assert ends(events) == [(agent_id, OfferEndReason.EXPIRED, True) for agent_id in TEAM]
    assert ringing(team) == ("ag_d",)
    assert [team.domain.agent(agent_id).misses for agent_id in (*TEAM, "ag_d")] == [1, 1, 1, 0]
    team.accept("ct_1", "ag_d")
    assert team.domain.contact("ct_1").agent_id == "ag_d"


def test_failed_joining_rings_at_all_again_with_place_and_age(team, offered):
    entered = team.now
    team.enqueue("ct_1")
    team.wait(2)
    team.accept("ct_1", "ag_a")
    contact = team.domain.contact("ct_1")
    failed = ReportConnectFailed("ct_1", 2, contact.segment_no, contact.offer_no, "failed")
    assert offered(team.do(failed)) == [("ct_1", "ag_b"), ("ct_1", "ag_c")]
    contact = team.domain.contact("ct_1")
    assert contact.entered_time == entered and contact.excluded == {"ag_a"}
    assert contact.offer_no == 5, "a number is never used twice"


def test_offers_are_rescinded_at_all_when_the_caller_leaves(team, offered):
    team.enqueue("ct_1")
    team.queue("qu_help")
    team.enqueue("ct_2", "qu_help")
    events = team.end("ct_1")
    assert ends(events) == [(agent_id, OfferEndReason.RESCINDED, False) for agent_id in TEAM]
    assert offered(events) == [("ct_2", "ag_a")]
    assert team.domain.queue("qu_sales").abandoned_total + team.domain.queue("qu_sales").short_abandoned_total == 1


def test_a_lost_desk_ends_its_own_offer_only(team):
    team.queue(strategy=RoutingStrategy.RING_ALL, voice_lease_duration=timedelta(seconds=60))
    team.enqueue("ct_1")
    team.do(CloseAgentSession("ag_b", "se_ag_b"))
    assert ends(team.wait(31)) == [("ag_b", OfferEndReason.AGENT_LOST, False)]
    assert ringing(team) == ("ag_a", "ag_c")


def test_an_agent_who_goes_on_a_break_leaves_it_to_the_others(team):
    team.enqueue("ct_1")
    events = team.do(SetIntent("ag_a", Intent.BREAK, ""), actor="agent:ag_a")
    assert ends(events) == [("ag_a", OfferEndReason.DECLINED, False)]
    events = team.do(SetIntent("ag_b", Intent.BREAK, "", reason="other"), actor="supervisor:us_1")
    assert ends(events) == [("ag_b", OfferEndReason.SUPERSEDED, False)]
    assert ringing(team) == ("ag_c",)


def test_it_rings_at_no_more_than_the_bound_and_the_next_one_takes_a_place_that_is_given_up(routing, offered):
    routing.queue(strategy=RoutingStrategy.RING_ALL)
    for number in range(policy.MAX_RINGING + 2):
        routing.agent(f"ag_{number:02}")
        routing.wait(1)
    routing.enqueue("ct_1")
    assert ringing(routing) == tuple(f"ag_{number:02}" for number in range(policy.MAX_RINGING))
    routing.agent("ag_late")
    assert len(ringing(routing)) == policy.MAX_RINGING
    first = routing.domain.contact("ct_1").others[0]
    events = routing.do(DeclineOffer(first.agent_id, "ct_1", first.offer_no))
    assert offered(events) == [("ct_1", f"ag_{policy.MAX_RINGING:02}")]


def test_a_pull_to_somebody_at_whom_it_rings_changes_nothing(team):
    """Rule 20."""
    team.enqueue("ct_1")
    assert team.do(PullContact("ct_1", "ag_b", "other"), actor="supervisor:us_1") == []
    assert ringing(team) == TEAM


def test_a_pulled_contact_rings_at_one_agent_alone(routing, offered):
    """Rule 20."""
    routing.queue(strategy=RoutingStrategy.RING_ALL)
    for agent_id in TEAM:
        routing.agent(agent_id, chats=2)
    routing.chat("ct_1")
    routing.do(DeclineOffer("ag_c", "ct_1", 3))
    events = routing.do(PullContact("ct_1", "ag_c", "other"), actor="supervisor:us_1")
    assert ends(events) == [(agent_id, OfferEndReason.SUPERSEDED, False) for agent_id in ("ag_a", "ag_b")]
    assert ringing(routing) == ("ag_c",)
    routing.agent("ag_d")
    assert ringing(routing) == ("ag_c",), "what a supervisor gives to one is asked of nobody else"


def test_a_supervisor_takes_it_from_one_of_several_or_from_all(team, offered):
    """Rule 20."""
    team.enqueue("ct_1")
    events = team.do(RequeueContact("ct_1", "", "other", "ag_a"), actor="supervisor:us_1")
    assert ends(events) == [("ag_a", OfferEndReason.SUPERSEDED, False)]
    assert ringing(team) == ("ag_b", "ag_c")
    late = RequeueContact("ct_1", "", "other", "ag_a")
    assert team.refusal(late, actor="supervisor:us_1") == "Rejection: OfferNotLive"
    team.do(RequeueContact("ct_1", "", "other"), actor="supervisor:us_1")
    assert ringing(team) == ()
    assert team.domain.contact("ct_1").excluded == set(TEAM)


def test_a_contact_over_its_longest_wait_is_taken_from_one_agent_but_not_from_the_last(team):
    """Rules 16 and 20."""
    limit = QueueLimit(timedelta(seconds=5), "")
    team.queue(strategy=RoutingStrategy.RING_ALL, longest_wait=limit)
    team.enqueue("ct_1")
    team.wait(6)
    team.agent("ag_d")
    assert ringing(team) == TEAM, "nobody new is asked: it may finish what rings"
    for agent_id in ("ag_a", "ag_b"):
        team.do(RequeueContact("ct_1", "", "other", agent_id), actor="supervisor:us_1")
    last = RequeueContact("ct_1", "", "other", "ag_c")
    assert team.refusal(last, actor="supervisor:us_1") == "Rejection: ContactOverLimit"
    assert [type(event).__name__ for event in team.do(DeclineOffer("ag_c", "ct_1", 3))] == [
        "OfferEnded",
        "SegmentEnded",
    ]


def test_requeueing_into_another_queue_ends_every_offer_first(team, offered):
    team.enqueue("ct_1")
    team.queue("qu_help")
    events = team.do(RequeueContact("ct_1", "qu_help", "other"), actor="supervisor:us_1")
    assert [end[0] for end in ends(events)] == list(TEAM)
    assert offered(events) == [("ct_1", "ag_a")]


def test_a_contact_given_on_rings_at_all_but_its_agent(team, offered):
    """Rule 19."""
    team.enqueue("ct_1")
    team.accept("ct_1", "ag_b")
    team.connected("ct_1")
    contact = team.domain.contact("ct_1")
    give = TransferContact("ct_1", 3, contact.segment_no, "ag_b", "qu_sales")
    assert offered(team.do(give)) == [("ct_1", "ag_a"), ("ct_1", "ag_c")]


def test_a_call_back_rings_at_the_longest_idle_alone(team, offered):
    """Rule 13: whoever accepts waits until the customer is dialled; a team need not."""
    team.queue(strategy=RoutingStrategy.RING_ALL, callback=CallbackPolicy(3, timedelta(seconds=15), 5))
    for number in range(3):
        team.enqueue(f"ct_{number}")
        team.accept(f"ct_{number}", ringing(team, f"ct_{number}")[0])
        team.connected(f"ct_{number}")
    team.enqueue("ct_call")
    team.call_back("ct_call")
    assert offered(team.end("ct_0")) == [("ct_call", "ag_a")]
    team.end("ct_1")
    assert ringing(team, "ct_call") == ("ag_a",)


def test_a_held_contact_rings_at_that_agent_alone_and_then_at_all(team, offered):
    """Rule 10."""
    team.queue(strategy=RoutingStrategy.RING_ALL, affinity_duration=timedelta(seconds=60))
    assert offered(team.enqueue("ct_1", preferred="ag_c")) == [("ct_1", "ag_c")]
    assert offered(team.do(DeclineOffer("ag_c", "ct_1", 1))) == [("ct_1", "ag_a"), ("ct_1", "ag_b")]


def test_agents_kept_back_for_vip_contacts_are_not_asked(team, offered):
    """Rule 11."""
    reserve = {"vip_min_value_permille": 800, "vip_reserved_agents": 1}
    team.queue(strategy=RoutingStrategy.RING_ALL, **reserve)
    events = team.enqueue("ct_1")
    assert offered(events) == [("ct_1", "ag_a"), ("ct_1", "ag_b")]
    first = next(event for event in events if isinstance(event, ContactOffered))
    said = {candidate.agent_id: candidate.not_chosen_because for candidate in first.explanation.candidates}
    assert said == {"ag_a": "", "ag_b": "AskedToo", "ag_c": "KeptForVip"}
    team.end("ct_1")
    assert offered(team.enqueue("ct_vip", value=900)) == [("ct_vip", agent_id) for agent_id in TEAM]


def test_a_wider_ring_is_asked_besides(routing, offered):
    """Rule 7."""
    steps = (RelaxationStep(timedelta(seconds=5), (SkillRequirement("english", 1),), ()),)
    routing.queue(strategy=RoutingStrategy.RING_ALL, relaxation=steps)
    routing.agent("ag_a", ("english", 3))
    routing.agent("ag_b", ("english", 1))
    assert offered(routing.enqueue("ct_1", "qu_sales", ("english", 3))) == [("ct_1", "ag_a")]
    assert offered(routing.wait(5)) == [("ct_1", "ag_b")]


def test_a_chat_rings_once_at_each_agent_whatever_room_there_is(routing, offered):
    routing.queue(strategy=RoutingStrategy.RING_ALL)
    for agent_id in TEAM:
        routing.agent(agent_id, chats=3)
    assert offered(routing.chat("ct_1")) == [("ct_1", agent_id) for agent_id in TEAM]
    assert offered(routing.chat("ct_2")) == [("ct_2", agent_id) for agent_id in TEAM]
    routing.accept("ct_1", "ag_b")
    routing.accept("ct_2", "ag_b")
    assert [len(routing.domain.agent(agent_id).work) for agent_id in TEAM] == [0, 2, 0]


def test_a_queue_that_stops_to_ring_at_all_lets_go_on_what_rings(team, offered):
    team.enqueue("ct_1")
    team.queue(target_wait_duration=timedelta(seconds=60))
    team.accept("ct_1", "ag_c")
    assert ringing(team) == ()
    assert offered(team.enqueue("ct_2")) == [("ct_2", "ag_a")]


def test_what_is_too_much_for_one_step_is_handed_out_in_the_next(routing, offered, monkeypatch):
    monkeypatch.setattr(policy, "OFFERS_TO_FREED", 2)
    monkeypatch.setattr(policy, "OFFERS_PER_HANDOUT", 3)
    routing.queue(strategy=RoutingStrategy.RING_ALL)
    routing.queue("qu_help")
    for number in range(8):
        routing.agent(f"ag_{number}")
        routing.wait(1)
    routing.enqueue("ct_1")
    for number in range(2, 10):
        routing.enqueue(f"ct_{number}", "qu_help")
    events = routing.accept("ct_1", "ag_0")
    assert offered(events) == [("ct_2", "ag_1"), ("ct_3", "ag_2")]
    assert isinstance(events[-1], HandoutScheduled)
    assert offered(routing.wait(0)) == [("ct_4", "ag_3"), ("ct_5", "ag_4"), ("ct_6", "ag_5")]
    assert offered(routing.wait(1)) == [("ct_7", "ag_6"), ("ct_8", "ag_7")]


def test_a_handout_goes_on_with_what_rings_and_with_what_is_held(routing, offered, monkeypatch):
    monkeypatch.setattr(policy, "OFFERS_TO_FREED", 1)
    routing.queue(strategy=RoutingStrategy.RING_ALL)
    routing.queue("qu_help", affinity_duration=timedelta(seconds=60))
    for number in range(4):
        routing.agent(f"ag_{number}")
        routing.wait(1)
    routing.enqueue("ct_1")
    routing.enqueue("ct_2")
    routing.enqueue("ct_held", "qu_help", preferred="ag_3")
    assert offered(routing.accept("ct_1", "ag_0")) == [("ct_2", "ag_1")]
    assert offered(routing.wait(0)) == [("ct_held", "ag_3"), ("ct_2", "ag_2")]


def test_explanation_says_at_how_many_it_rings(team):
    """Rule 21."""
    first, second, third = (event for event in team.enqueue("ct_1") if isinstance(event, ContactOffered))
    assert [offer.explanation.asked_count for offer in (first, second, third)] == [3, 3, 3]
    assert [candidate.not_chosen_because for candidate in first.explanation.candidates] == ["", "AskedToo", "AskedToo"]
    assert [candidate.agent_id for candidate in second.explanation.candidates] == ["ag_b"]
    found = explanation_of(team.state, team.domain.tenant, "ct_1", (), team.now)
    assert (found.ringing_count, found.offer_count) == (3, 3)
    assert [(offer.agent_id, offer.outcome) for offer in found.offers] == [
        (agent_id, OfferOutcome.RINGING) for agent_id in TEAM
    ]


def test_one_agent_alone_is_not_told_of_a_race(routing):
    routing.queue(strategy=RoutingStrategy.RING_ALL)
    routing.agent("ag_a")
    assert routing.enqueue("ct_1")[-1].explanation.asked_count == 0


def test_history_tells_who_was_outpaced_and_who_accepted(team):
    team.enqueue("ct_1")
    team.accept("ct_1", "ag_a")
    history = OfferHistory()
    for event, context in team.log:
        history.note(context.tenant, event, context.now)
    outcomes = [offer.outcome for offer in history.offers(team.domain.tenant, "ct_1")]
    assert outcomes == [OfferOutcome.ACCEPTED, OfferOutcome.OUTPACED, OfferOutcome.OUTPACED]


def test_the_desk_of_who_was_outpaced_can_say_so(team):
    team.enqueue("ct_1")
    team.accept("ct_1", "ag_a")
    views = {agent_id: agent_view(team.state, team.domain.tenant, agent_id, team.now) for agent_id in TEAM}
    assert [(view.outpaced_contact_id, view.outpaced_offer_no) for view in views.values()] == [
        ("", 0),
        ("ct_1", 2),
        ("ct_1", 3),
    ]


def test_supervisors_see_it_once_with_all_at_whom_it_rings(team):
    team.enqueue("ct_1")
    team.enqueue("ct_2")
    found = waiting_in(team.domain, "qu_sales", 10)
    assert [(contact.contact_id, contact.agent_ids) for contact in found] == [("ct_1", TEAM), ("ct_2", ())]


def test_each_desk_sees_its_own_lease(team):
    team.enqueue("ct_1")
    team.wait(5)
    team.agent("ag_d")
    due = [
        agent_view(team.state, team.domain.tenant, agent_id, team.now).work[0].expires_time
        for agent_id in (*TEAM, "ag_d")
    ]
    assert due[0] == due[1] == due[2] == due[3] - timedelta(seconds=5)


def checked_size(routing: Any, step: Any) -> int:
    """Do something that leads to offers; check each event, and return what all take in the ledger, in bytes."""
    metadata = Metadata(LONG, LONG, 1, routing.now, LONG, LONG, LONG, LONG, 1, False, b"x" * 600)
    before = len(routing.log)
    step()
    events = [event for event, _ in routing.log[before:]]
    assert offers_in(events)
    records = [CODEC.encode_event(event, metadata) for event in events]
    explained = [CODEC.event_to_message(event, metadata).contact_offered.explanation for event in offers_in(events)]
    assert max(map(len, records)) <= 64 * 1024
    assert max(one.ByteSize() for one in explained) <= 4 * 1024
    return sum(map(len, records)) + len(records) * HEADERS_BYTES


def test_a_step_that_frees_a_full_ring_fits_into_the_ledger(routing):
    """Ledger rule 6: an event has at most 64 KiB, an explanation 4 KiB, and a command's events 192 KiB together."""
    routing.queue(f"qu_{LONG}", strategy=RoutingStrategy.RING_ALL)
    for number in range(policy.MAX_RINGING):
        routing.agent(f"ag_{number:02}{LONG}", chats=16)
    routing.enqueue(f"ct_0{LONG}", f"qu_{LONG}")
    for number in range(1, 40):
        routing.enqueue(f"ct_{number}{LONG}", f"qu_{LONG}", channel=Channel.CHAT)
    steps = (lambda: routing.accept(f"ct_0{LONG}", f"ag_00{LONG}"), lambda: routing.wait(0))
    assert max(checked_size(routing, step) for step in steps) <= 192 * 1024


def test_many_contacts_that_begin_to_ring_at_all_in_one_step_fit_into_the_ledger(routing):
    """Each rings at somebody at once, and in the next steps at all."""
    queue_id, break_agent = f"qu_{LONG}", f"ag_0{LONG}"
    routing.queue(queue_id)
    routing.agent(break_agent, chats=8)
    contacts = [f"ct_{number}{LONG}" for number in range(8)]
    for contact_id in contacts:
        routing.enqueue(contact_id, queue_id, channel=Channel.CHAT)
    team = {routing.agent(f"ag_{number}{LONG}", chats=8) for number in range(1, 10)}
    routing.queue(queue_id, strategy=RoutingStrategy.RING_ALL)
    rest = SetIntent(break_agent, Intent.BREAK, "")
    assert checked_size(routing, lambda: routing.do(rest, actor=f"agent:{break_agent}")) <= 192 * 1024
    assert all(ringing(routing, contact_id) for contact_id in contacts)
    assert not all(set(ringing(routing, contact_id)) == team for contact_id in contacts)
    routing.wait(1)
    assert all(set(ringing(routing, contact_id)) == team for contact_id in contacts)


def test_a_contact_that_waits_rings_before_another_one_rings_at_more(routing, offered):
    routing.queue()
    routing.agent("ag_0", chats=2)
    for contact_id in ("ct_1", "ct_2"):
        routing.chat(contact_id)
    for number in (1, 2):
        routing.agent(f"ag_{number}", chats=1)
    routing.queue(strategy=RoutingStrategy.RING_ALL)
    events = routing.do(SetIntent("ag_0", Intent.BREAK, ""), actor="agent:ag_0")
    assert offered(events) == [("ct_1", "ag_1"), ("ct_2", "ag_2")]
