"""Estimated wait and position (rules 14 and 15)."""

from datetime import timedelta
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trunkline_acd.bootstrap import ledger_service
from trunkline_acd.domain import policy
from trunkline_acd.domain.commands import SetIntent
from trunkline_acd.domain.contacts import fine_score, first_behind, line_place
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import ContactEnqueued
from trunkline_acd.domain.state import AcdState
from trunkline_acd.domain.wait_histories import PastWait, WaitHistory, estimate, with_wait
from trunkline_acd.domain.waits import wait_view
from trunkline_acd.domain.words import Intent, WaitEstimate
from trunkline_core.errors import NotFound
from trunkline_core.routing import QueueLimit, SkillRequirement
from trunkline_testkit.contracts.snapshots import check_snapshot

SECOND = timedelta(seconds=1)


def entered(events):
    return next(event for event in events if isinstance(event, ContactEnqueued))


def history_of(routing, queue_id="qu_sales"):
    return routing.domain.wait_histories.get(queue_id) or WaitHistory()


def position(routing, contact_id):
    return wait_view(routing.domain, contact_id, routing.now).position


def serve(routing, *contact_ids, each_s=10):
    """One after another they are connected at once when they ring, and end after a while."""
    for contact_id in contact_ids:
        routing.connect(contact_id)
        routing.wait(each_s)
        routing.end(contact_id)


@pytest.fixture
def learned(routing):
    """One agent; nine contacts at a time queue up and are served one every 10 s."""
    routing.queue(estimates_waits=True)
    routing.agent("ag_1")
    names = [f"ct_{number}" for number in range(9)]
    for name in names:
        routing.enqueue(name)
    serve(routing, *names)
    return routing


# position


def test_position_is_the_rank_in_the_order_of_serving(routing):
    routing.queue()
    for name, value in (("ct_1", 0), ("ct_2", 0), ("ct_3", 1000)):
        routing.enqueue(name, value=value)
        routing.wait(1)
    assert [position(routing, name) for name in ("ct_3", "ct_1", "ct_2")] == [1, 2, 3]


def test_position_counts_other_queues_only_where_they_wait_for_the_same_agents(routing):
    routing.queue()
    routing.queue("qu_orders", requirements=(SkillRequirement("orders", 1),))
    routing.queue("qu_help", requirements=(SkillRequirement("help", 1),))
    for agent_id, skills in (("ag_1", [("orders", 1)]), ("ag_2", [("help", 1)])):
        routing.agent(agent_id, *skills)
        routing.do(SetIntent(agent_id, Intent.BREAK, "lunch"))
    routing.enqueue("ct_orders", "qu_orders")
    routing.wait(1)
    routing.enqueue("ct_help", "qu_help")
    assert position(routing, "ct_help") == 1
    routing.wait(1)
    routing.enqueue("ct_any")
    assert position(routing, "ct_any") == 3, "both of their agents could take it"


def test_what_rings_has_no_position_and_an_unknown_contact_is_not_found(routing):
    routing.queue(estimates_waits=True)
    routing.agent("ag_1")
    routing.enqueue("ct_1")
    assert (position(routing, "ct_1"), wait_view(routing.domain, "ct_1", routing.now).estimate) == (0, None)
    with pytest.raises(NotFound):
        position(routing, "ct_2")


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["qu_a", "qu_b", "qu_c"]),
        st.sampled_from([Channel.VOICE, Channel.CHAT]),
        st.sampled_from([0, 300, 301, 1000]),
        st.sampled_from([0.0, 0.001, 7.0]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(ENTRIES)
def test_contacts_are_served_exactly_in_the_order_of_their_positions(new_routing, entries):
    routing = new_routing()
    for queue_id, target_s in (("qu_a", 20), ("qu_b", 33), ("qu_c", 0.007)):
        routing.queue(queue_id, target_wait_duration=target_s * SECOND)
    routing.agent("ag_1")
    routing.do(SetIntent("ag_1", Intent.BREAK, "lunch"))
    for number, (queue_id, channel, value, pause_s) in enumerate(entries):
        routing.enqueue(f"ct_{number}", queue_id, channel=channel, value=value)
        routing.wait(pause_s)
    waiting = [f"ct_{number}" for number in range(len(entries))]
    foretold = sorted(waiting, key=lambda name: position(routing, name))
    assert [position(routing, name) for name in foretold] == list(range(1, len(waiting) + 1))
    routing.do(SetIntent("ag_1", Intent.AVAILABLE, ""))
    served = []
    for _ in waiting:
        (work,) = routing.domain.agent("ag_1").work
        served.append(work.contact_id)
        routing.end(work.contact_id)
    assert served == foretold


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 1000)), min_size=1, max_size=5), st.integers(0, 10**18))
def test_first_behind_is_the_inverse_of_the_score(new_routing, entries, score):
    routing = new_routing()
    definition = routing.queue(target_wait_duration=timedelta(milliseconds=7919))
    for number, (pause_s, value) in enumerate(entries):
        routing.enqueue(f"ct_{number}", value=value)
        routing.wait(pause_s)
    places = [line_place(contact, definition) for contact in routing.domain.contacts.values()]
    for own in (score, *(fine_score(place, definition, routing.now) for place in places)):
        for order in range(len(entries) + 2):
            limit = first_behind(own, order, definition, routing.now)
            before = {p for p in places if (-fine_score(p, definition, routing.now), p.order) < (-own, order)}
            assert {place for place in places if place < limit} == before


# estimate


def test_a_queue_does_not_estimate_unless_it_is_told_to(routing):
    routing.queue()
    routing.agent("ag_1")
    names = [f"ct_{number}" for number in range(12)]
    assert all(entered(routing.enqueue(name)).estimate is None for name in names)
    serve(routing, *names)
    assert history_of(routing) == WaitHistory()
    routing.agent("ag_1")
    routing.enqueue("ct_x")
    found = entered(routing.enqueue("ct_y"))
    assert found.estimate is None
    assert wait_view(routing.domain, "ct_y", routing.now).estimate == WaitEstimate(0, 1)


def test_whoever_finds_somebody_free_has_no_estimate(routing):
    routing.queue(estimates_waits=True)
    routing.agent("ag_1")
    assert entered(routing.enqueue("ct_1")).estimate is None
    assert entered(routing.enqueue("ct_2")).estimate == WaitEstimate(0, 1), "nothing is known yet"


def test_an_estimate_says_how_long_the_places_ahead_take(learned):
    learned.enqueue("ct_a")
    for name, ahead in (("ct_b", 0), ("ct_c", 1), ("ct_d", 2)):
        seconds = 10 * (ahead + 1) * SECOND
        assert entered(learned.enqueue(name)).estimate == WaitEstimate(ahead, 1, seconds, seconds)


def test_twice_the_agents_halve_the_estimate_and_none_take_it_away(learned):
    learned.enqueue("ct_a")
    learned.agent("ag_2")
    learned.enqueue("ct_b")
    assert entered(learned.enqueue("ct_c")).estimate == WaitEstimate(0, 2, 5 * SECOND, 5 * SECOND)
    for agent_id in ("ag_1", "ag_2"):
        learned.do(SetIntent(agent_id, Intent.OFFLINE, ""))
    found = wait_view(learned.domain, "ct_c", learned.now).estimate
    assert (found.agents, found.p50_duration, found.p80_duration) == (0, None, None)


def test_the_estimate_shrinks_while_a_contact_moves_up(learned):
    for name in ("ct_a", "ct_b", "ct_c"):
        learned.enqueue(name)
    assert wait_view(learned.domain, "ct_c", learned.now).estimate.p80_duration == 20 * SECOND
    serve(learned, "ct_a")
    assert wait_view(learned.domain, "ct_c", learned.now).estimate.p80_duration == 10 * SECOND


def test_whoever_moves_on_to_another_queue_gets_its_estimate(learned):
    learned.queue("qu_first", longest_wait=QueueLimit(5 * SECOND, "qu_sales"))
    learned.enqueue("ct_a")
    learned.enqueue("ct_b", "qu_first")
    assert entered(learned.wait(5)).estimate == WaitEstimate(0, 1, 10 * SECOND, 10 * SECOND)


def test_whoever_leaves_counts_with_the_wait_it_would_have_had(routing):
    routing.queue(estimates_waits=True)
    routing.agent("ag_1")
    for name in ("ct_1", "ct_2", "ct_3"):
        routing.enqueue(name)
    routing.connect("ct_1")
    routing.wait(6)
    routing.end("ct_2")
    assert history_of(routing).waits == (), "not yet known"
    routing.wait(24)
    routing.end("ct_1")
    assert history_of(routing).waits == (PastWait(0, 30_000),), "it would ring now in place of ct_3"


def test_whoever_left_would_have_rung_when_the_agent_became_idle(routing):
    routing.queue(estimates_waits=True)
    routing.agent("ag_1")
    routing.enqueue("ct_1")
    routing.enqueue("ct_2")
    routing.connect("ct_1")
    routing.wait(6)
    routing.end("ct_2")
    routing.wait(4)
    routing.end("ct_1")
    routing.wait(600)
    routing.enqueue("ct_3")
    assert history_of(routing).waits == (PastWait(0, 10_000),)


def test_an_idle_agent_had_taken_whoever_left_whatever_the_score_of_who_comes_next(routing):
    routing.queue(estimates_waits=True)
    routing.agent("ag_1")
    routing.enqueue("ct_1")
    routing.enqueue("ct_2")
    routing.connect("ct_1")
    routing.end("ct_2")
    routing.wait(10)
    routing.end("ct_1")
    routing.wait(6)
    routing.enqueue("ct_3", value=1000)
    assert history_of(routing).waits == (PastWait(0, 10_000),)


def test_whoever_left_is_not_overtaken_by_those_with_a_higher_score(routing):
    routing.queue(estimates_waits=True)
    routing.agent("ag_1")
    for name, value in (("ct_1", 0), ("ct_2", 0), ("ct_3", 1000), ("ct_4", 0)):
        routing.enqueue(name, value=value)
    routing.end("ct_2")
    serve(routing, "ct_1", "ct_3", "ct_4")
    assert [past.place_ms for past in history_of(routing).waits] == [10_000, 20_000, 6_666], "ct_3, ct_2, ct_4"


ARRIVALS = st.lists(st.tuples(st.sampled_from([0, 300, 1000]), st.sampled_from([1, 7, 15])), min_size=2, max_size=5)


@settings(max_examples=20, deadline=None)
@given(ARRIVALS, st.data())
def test_the_wait_of_whoever_left_is_that_of_whoever_stays(new_routing, arrivals, data):
    number = data.draw(st.integers(1, len(arrivals) - 1))
    waits = [played(new_routing(), arrivals, number, leaves=leaves) for leaves in (False, True)]
    assert waits[0] == waits[1]


def played(routing, arrivals, number, *, leaves):
    """Return what is remembered of one contact, which stays or leaves at once; one agent takes each for 10 s."""
    routing.queue()
    routing.queue("qu_one", estimates_waits=True)
    routing.agent("ag_1")
    for place, (value, pause_s) in enumerate(arrivals):
        routing.enqueue(f"ct_{place}", "qu_one" if place == number else "qu_sales", value=value)
        if place == number and leaves and position(routing, f"ct_{place}"):
            routing.end(f"ct_{place}")
        serve_all(routing, pause_s)
    serve_all(routing, 10 * len(arrivals))
    routing.enqueue("ct_last")
    return history_of(routing, "qu_one").waits


def serve_all(routing, seconds):
    """Let time pass, second by second; who rings is connected at once, and ends after 10 s."""
    for _ in range(seconds):
        for work in routing.domain.agent("ag_1").work:
            if routing.now - work.since_time >= 10 * SECOND:
                routing.end(work.contact_id)
        for work in routing.domain.agent("ag_1").work:
            if work.state.name == "OFFERED":
                routing.connect(work.contact_id)
        routing.wait(1)


def test_what_is_followed_and_remembered_is_bounded(routing):
    routing.queue(estimates_waits=True)
    routing.agent("ag_1")
    routing.enqueue("ct_busy")
    routing.connect("ct_busy")
    for number in range(policy.MAX_FOLLOWED + 5):
        routing.enqueue(f"ct_{number}")
        routing.wait(1)
        routing.end(f"ct_{number}")
    assert routing.domain.followed_count("qu_sales") == policy.MAX_FOLLOWED
    assert routing.domain.first_followed("qu_sales").contact.contact_id == "ct_5"
    history = WaitHistory()
    for _ in range(policy.WAITS_REMEMBERED + 5):
        history = with_wait(history, WaitEstimate(0, 1), SECOND)
    assert len(history.waits) == policy.WAITS_REMEMBERED


def test_a_new_definition_follows_nobody_and_one_that_does_not_estimate_forgets(learned):
    learned.enqueue("ct_a")
    learned.enqueue("ct_b")
    learned.end("ct_b")
    learned.queue(estimates_waits=True, value_weight_permille=5000)
    assert learned.domain.followed_count("qu_sales") == 0
    assert history_of(learned).waits
    learned.queue()
    assert history_of(learned) == WaitHistory()


def test_an_estimate_looks_at_the_waits_with_the_most_similar_number_ahead():
    waits = tuple(PastWait(*pair) for pair in [(30, 90_000)] * 60 + [(1, 10_000)] * 40)
    assert estimate(WaitHistory(waits), 1, 1).p50_duration == 20 * SECOND
    assert estimate(WaitHistory(waits), 20, 3).p50_duration == 7 * 90 * SECOND


def test_p80_is_not_below_the_wait_of_four_in_five():
    waits = tuple(PastWait(0, seconds * 1000) for seconds in range(1, 40))
    found = estimate(WaitHistory(waits), 0, 1)
    assert (found.p50_duration, found.p80_duration) == (20 * SECOND, 32 * SECOND)


def test_no_estimate_is_longer_than_the_longest_duration():
    waits = (PastWait(0, 10**15),) * policy.FEWEST_WAITS
    assert estimate(WaitHistory(waits), 9_999, 1).p80_duration == policy.LONGEST_DURATION


@pytest.mark.parametrize(("seed", "drift"), [(1, -0.7), (2, 0.5), (3, 3)])
def test_p80_comes_to_hold_for_four_in_five_also_while_waits_change(seed, drift):
    random, history, held, asked = Random(seed), WaitHistory(), 0, 0
    for number in range(1_000):
        ahead = random.randrange(8)
        mean_s = 20 * (1 + drift * number / 1_000)
        wait = sum(random.expovariate(1 / mean_s) for _ in range(ahead + 1)) * SECOND
        found = estimate(history, ahead, 1)
        if found.p80_duration is not None:
            asked, held = asked + 1, held + (wait <= found.p80_duration)
        history = with_wait(history, found, wait)
    assert (history.held_total, history.missed_total) == (held, asked - held)
    assert 0.75 < held / asked < 0.85


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=20, max_size=80), st.integers(1, 200))
def test_what_was_learned_is_in_the_state_and_its_snapshot(new_routing, choices, cut):
    routing, names = new_routing(), count()
    routing.queue(estimates_waits=True)
    routing.agent("ag_1")
    known = []
    for choice in choices:
        if choice < 3:
            known.append(f"ct_{next(names)}")
            routing.enqueue(known[-1])
        elif known and choice == 3:
            routing.end(known.pop())
        elif (work := routing.domain.agent("ag_1").work) and work[0].state.name == "OFFERED":
            routing.connect(work[0].contact_id)
        elif work:
            known.remove(work[0].contact_id)
            routing.end(work[0].contact_id)
        routing.wait(choice)
    replayed = AcdState()
    for event, context in routing.log:
        routing.decider.evolve(replayed, event, context)
    theirs = replayed.domain(routing.domain.tenant)
    assert list(theirs.wait_histories.items()) == list(routing.domain.wait_histories.items())
    assert list(theirs.followed_lines.items()) == list(routing.domain.followed_lines.items())
    check_snapshot(ledger_service(), routing.log, cut)
