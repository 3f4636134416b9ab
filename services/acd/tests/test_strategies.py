"""Which agent of those eligible: the strategies of a queue (rule 9). Longest idle stands in test_matching."""

from collections import Counter
from datetime import timedelta

import pytest
from trunkline_acd.domain import recency
from trunkline_acd.domain.commands import SetIntent
from trunkline_acd.domain.shelves import Shelves
from trunkline_acd.domain.strategies import best_standing
from trunkline_acd.domain.words import Intent
from trunkline_core.routing import RoutingStrategy


def served_by(routing, contact_id, *needs):
    """Let a call come and end at once; returns who had it."""
    routing.enqueue(contact_id, "qu_sales", *needs)
    agent_id = routing.connect(contact_id)
    routing.end(contact_id)
    return agent_id


def test_least_loaded_counts_the_work_of_late(routing):
    routing.queue(strategy=RoutingStrategy.LEAST_LOADED)
    for name in ("ag_a", "ag_b", "ag_c"):
        routing.agent(name)
    assert [served_by(routing, f"ct_{number}") for number in range(5)] == ["ag_a", "ag_b", "ag_c", "ag_a", "ag_b"]


def test_least_loaded_does_not_ask_who_is_idle_for_longest(routing):
    routing.queue(strategy=RoutingStrategy.LEAST_LOADED)
    routing.agent("ag_busy")
    for number in range(3):
        served_by(routing, f"ct_{number}")
    routing.wait(600)
    routing.agent("ag_new")
    routing.wait(1)
    assert served_by(routing, "ct_3") == "ag_new"


def test_least_loaded_forgets_half_of_the_work_in_an_hour(routing):
    routing.queue(strategy=RoutingStrategy.LEAST_LOADED)
    routing.agent("ag_early")
    for number in range(3):
        served_by(routing, f"ct_{number}")
    routing.do(SetIntent("ag_early", Intent.BREAK, ""))
    routing.wait(2 * 3600)  # three contacts count as three quarters of one
    routing.agent("ag_late")
    served_by(routing, "ct_late")
    routing.do(SetIntent("ag_early", Intent.AVAILABLE, ""))
    assert served_by(routing, "ct_next") == "ag_early"


def test_least_loaded_compares_shares_of_the_capacity(routing):
    routing.queue(strategy=RoutingStrategy.LEAST_LOADED)
    routing.agent("ag_large", chats=4)
    routing.agent("ag_small", chats=2)
    for number in range(6):
        routing.chat(f"ct_{number}")
    held = Counter(routing.domain.contact(f"ct_{number}").agent_id for number in range(3))
    assert held == {"ag_large": 2, "ag_small": 1}, "a quarter and a quarter before the second half"


@pytest.mark.parametrize(("elapsed_s", "parts"), [(1800, 1.4142), (3600, 2), (36_000, 1024)])
def test_work_of_late_doubles_in_weight_each_hour(routing, elapsed_s, parts):
    before = recency.with_part(recency.NOTHING, 1000, routing.now)
    later = routing.now + timedelta(seconds=elapsed_s)
    slightly_less, slightly_more = int(parts * 997), int(parts * 1003)
    assert recency.with_part(recency.NOTHING, 1000, later) > recency.with_part(0, slightly_less, routing.now) > before
    assert recency.with_part(recency.NOTHING, 1000, later) < recency.with_part(0, slightly_more, routing.now)


def test_work_of_late_adds_up_and_fits_64_bits(routing):
    total = recency.NOTHING
    for _ in range(1000):
        total = recency.with_part(total, 1000, routing.now)
    assert abs(total - recency.with_part(recency.NOTHING, 1_000_000, routing.now)) < 1000
    assert total < 2**63


def test_best_proficiency_takes_the_highest_level_however_long_others_are_idle(routing):
    routing.queue(strategy=RoutingStrategy.BEST_PROFICIENCY)
    routing.agent("ag_junior", ("billing", 2))
    routing.wait(100)
    routing.agent("ag_senior", ("billing", 5))
    assert served_by(routing, "ct_1", ("billing", 1)) == "ag_senior"


def test_best_proficiency_adds_up_the_skills_that_are_asked_for_and_no_others(routing):
    routing.queue(strategy=RoutingStrategy.BEST_PROFICIENCY)
    routing.agent("ag_a", ("billing", 3), ("english", 3), ("orders", 5))
    routing.agent("ag_b", ("billing", 2), ("english", 5))
    assert served_by(routing, "ct_1", ("billing", 1), ("english", 1)) == "ag_b"


def test_best_proficiency_takes_the_longest_idle_of_equals(routing):
    routing.queue(strategy=RoutingStrategy.BEST_PROFICIENCY)
    routing.agent("ag_b", ("billing", 3))
    routing.wait(1)
    routing.agent("ag_a", ("billing", 3), ("english", 1))
    assert served_by(routing, "ct_1", ("billing", 1)) == "ag_b"


def test_round_robin_asks_everybody_in_turn_whatever_their_idle_time(routing):
    routing.queue(strategy=RoutingStrategy.ROUND_ROBIN)
    for name in ("ag_a", "ag_b", "ag_c"):
        routing.agent(name)
    found = []
    for number in range(6):
        found.append(served_by(routing, f"ct_{number}"))
        routing.do(SetIntent("ag_b", Intent.BREAK, ""))
        routing.wait(7)
        routing.do(SetIntent("ag_b", Intent.AVAILABLE, ""))
    assert found == ["ag_a", "ag_b", "ag_c"] * 2


def test_a_missed_offer_was_the_agents_turn(routing, offered):
    routing.queue(strategy=RoutingStrategy.ROUND_ROBIN)
    for name in ("ag_a", "ag_b", "ag_c"):
        routing.agent(name)
    routing.enqueue("ct_1")
    assert offered(routing.wait(20)) == [("ct_1", "ag_b")]
    routing.connect("ct_1")
    assert offered(routing.enqueue("ct_2")) == [("ct_2", "ag_c")]


def drawn(routing, contacts, *needs):
    return Counter(served_by(routing, f"ct_{number}", *needs) for number in range(contacts))


def test_weighted_random_gives_tickets_by_level(routing):
    routing.queue(strategy=RoutingStrategy.WEIGHTED_RANDOM)
    routing.agent("ag_1", ("billing", 1))
    routing.agent("ag_4", ("billing", 4))
    found = drawn(routing, 200, ("billing", 1))
    assert 25 <= found["ag_1"] <= 55 and found["ag_1"] + found["ag_4"] == 200, "a fifth of the tickets"


def test_weighted_random_is_decided_by_the_contacts_id(routing, new_routing):
    again = new_routing()
    for one in (routing, again):
        one.queue(strategy=RoutingStrategy.WEIGHTED_RANDOM)
        for name in ("ag_a", "ag_b", "ag_c"):
            one.agent(name)
    assert [served_by(routing, f"ct_{n}") for n in range(20)] == [served_by(again, f"ct_{n}") for n in range(20)]


def test_weighted_random_draws_again_when_the_drawn_one_does_not_answer(routing, offered):
    routing.queue(strategy=RoutingStrategy.WEIGHTED_RANDOM)
    for number in range(3):
        routing.agent(f"ag_{number}")
    asked = [*offered(routing.enqueue("ct_1")), *offered(routing.wait(20)), *offered(routing.wait(20))]
    assert sorted(asked) == [("ct_1", f"ag_{number}") for number in range(3)], "whoever missed it is excluded"


def test_weighted_random_draws_no_occupied_agent_for_a_call(routing):
    routing.queue(strategy=RoutingStrategy.WEIGHTED_RANDOM)
    for number in range(3):
        routing.agent(f"ag_{number}", chats=3)
    routing.chat("ct_chat")
    routing.wait(29)
    assert routing.domain.contact("ct_chat").agent_id not in drawn(routing, 30)


STRATEGIES = [strategy for strategy in RoutingStrategy if strategy is not RoutingStrategy.UNSPECIFIED]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_only_the_first_of_a_pool_is_looked_at(routing, strategy, monkeypatch):
    routing.queue(strategy=strategy)
    for number in range(40):
        routing.agent(f"ag_{number:02}", ("billing", 1 + number % 2))
    routing.enqueue("ct_1", "qu_sales", ("billing", 1))
    looked_at = []
    entries, at = Shelves.entries, Shelves.at
    monkeypatch.setattr(Shelves, "entries", lambda *key: (looked_at.append(e) or e for e in entries(*key)))
    monkeypatch.setattr(Shelves, "at", lambda *place: looked_at.append(place) or at(*place))
    assert best_standing(routing.domain, routing.domain.contact("ct_1"), routing.now)
    assert len(looked_at) <= 2, "one of each profile"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategy_that_comes_into_use_or_goes_finds_agents_who_are_there(routing, strategy):
    routing.queue("qu_help")
    routing.agent("ag_a")
    routing.queue(strategy=strategy)
    assert served_by(routing, "ct_1") == "ag_a"
    routing.queue("qu_help", strategy=strategy)
    routing.queue()
    assert served_by(routing, "ct_2") == "ag_a"
    routing.queue("qu_help")
    assert len(routing.domain.other_pools) == 0


REASONS = {
    RoutingStrategy.LEAST_LOADED: "LoadHigher",
    RoutingStrategy.BEST_PROFICIENCY: "LessProficient",
    RoutingStrategy.ROUND_ROBIN: "TurnLater",
    RoutingStrategy.WEIGHTED_RANDOM: "NotDrawn",
    RoutingStrategy.LONGEST_IDLE: "IdleShorter",
}


@pytest.mark.parametrize(("strategy", "reason"), REASONS.items())
def test_explanation_says_how_the_strategy_preferred_the_chosen_one(routing, strategy, reason):
    """Rule 21."""
    routing.queue(strategy=strategy)
    routing.agent("ag_a", ("billing", 3))
    routing.agent("ag_b", ("billing", 2))
    candidates = routing.enqueue("ct_1", "qu_sales", ("billing", 1))[-1].explanation.candidates
    assert [candidate.not_chosen_because for candidate in candidates] == ["", reason]
