"""Requirements that loosen while a contact waits (rule 7)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from trunkline_acd.domain.commands import PutQueue, RelaxContact, SetIntent
from trunkline_acd.domain.events import ContactRelaxed
from trunkline_acd.domain.words import Intent
from trunkline_core.routing import RelaxationStep, RoutingStrategy, SkillRequirement


def step(after_s, *lowered, dropped=()):
    requirements = tuple(SkillRequirement(skill, level) for skill, level in lowered)
    return RelaxationStep(timedelta(seconds=after_s), requirements, dropped)


STEPS = (step(10, ("billing", 3)), step(30, ("billing", 1)), step(60, dropped=("english",)))


@pytest.fixture
def relaxing(routing):
    """An expert who talks is signed in, so that no ring is skipped; three others are on a break."""
    routing.queue(relaxation=STEPS)
    routing.agent("ag_expert", ("billing", 5), ("english", 3))
    routing.enqueue("ct_0")
    routing.connect("ct_0")
    return routing


def need(routing, contact_id="ct_1"):
    return routing.enqueue(contact_id, "qu_sales", ("billing", 5), ("english", 3))


def test_contact_rings_at_a_lower_level_once_it_has_waited_for_the_step(relaxing, offered):
    relaxing.agent("ag_fair", ("billing", 3), ("english", 3))
    need(relaxing)
    assert offered(relaxing.wait(9.9)) == []
    assert offered(relaxing.wait(0.1)) == [("ct_1", "ag_fair")]


def test_steps_add_up_and_what_no_step_names_is_never_loosened(relaxing, offered):
    relaxing.agent("ag_fluent", ("billing", 1), ("english", 3))
    relaxing.agent("ag_plain", ("billing", 1))
    relaxing.agent("ag_none")
    relaxing.enqueue("ct_2", "qu_sales", ("billing", 5), ("orders", 1))
    need(relaxing)
    assert offered(relaxing.wait(30)) == [("ct_1", "ag_fluent")]
    relaxing.connect("ct_1")
    need(relaxing, "ct_3")
    assert offered(relaxing.wait(60)) == [("ct_3", "ag_plain")]
    assert offered(relaxing.wait(3600)) != [("ct_2", "ag_none")]
    assert relaxing.domain.contact("ct_2").stage.name == "WAITING"


def test_time_until_a_ring_counts_from_the_entry_and_not_from_the_last_offer(relaxing, offered):
    need(relaxing)
    relaxing.wait(5)
    relaxing.agent("ag_second", ("billing", 5), ("english", 5))
    assert relaxing.domain.contact("ct_1").agent_id == "ag_second"
    relaxing.agent("ag_fair", ("billing", 3), ("english", 3))
    events = relaxing.wait(20)
    assert offered(events) == [("ct_1", "ag_fair")], "it was in its first ring when the offer ended"
    assert [event.ring for event in events if isinstance(event, ContactRelaxed)] == [1]


@pytest.mark.parametrize("strategy", [one for one in RoutingStrategy if one is not RoutingStrategy.RING_ALL])
def test_agents_of_earlier_rings_stay_eligible_and_go_before_any_strategy(relaxing, offered, strategy):
    relaxing.queue(relaxation=STEPS, strategy=strategy, voice_lease_duration=timedelta(seconds=40))
    relaxing.agent("ag_second", ("billing", 5), ("english", 3))
    need(relaxing)
    for name in ("ag_a", "ag_b"):
        relaxing.agent(name, ("billing", 2), ("english", 5))
    relaxing.wait(1)
    relaxing.agent("ag_z", ("billing", 3), ("english", 3))
    offer = relaxing.wait(40)[-1]
    assert (offer.agent_id, offer.explanation.ring) == ("ag_z", 1)
    reasons = {candidate.agent_id: candidate.not_chosen_because for candidate in offer.explanation.candidates}
    assert reasons["ag_a"] == reasons["ag_b"] == "LaterRing"


def test_ring_is_skipped_at_once_when_nobody_signed_in_could_ever_match(routing, offered):
    routing.queue(relaxation=STEPS)
    routing.agent("ag_fluent", ("billing", 1), ("english", 3))
    events = need(routing)
    assert ContactRelaxed("ct_1", 1, 2) in events
    assert offered(events) == [("ct_1", "ag_fluent")]


def test_ring_is_not_skipped_while_somebody_who_matches_is_busy_or_on_a_break(relaxing, offered):
    relaxing.do(SetIntent("ag_expert", Intent.BREAK, ""))
    relaxing.agent("ag_fair", ("billing", 3), ("english", 3))
    assert offered(need(relaxing)) == []
    assert relaxing.domain.contact("ct_1").ring == 0


def test_ring_that_time_opens_is_skipped_too_when_nobody_matches(relaxing, offered):
    need(relaxing)
    relaxing.do(SetIntent("ag_expert", Intent.OFFLINE, ""))
    relaxing.agent("ag_fluent", ("billing", 1), ("english", 3))
    assert offered(relaxing.wait(10)) == [("ct_1", "ag_fluent")], "the first ring is empty, the second is not"


def test_nothing_is_skipped_when_nobody_matches_any_ring(routing):
    routing.queue(relaxation=STEPS)
    routing.agent("ag_other", ("orders", 5))
    need(routing)
    assert routing.domain.contact("ct_1").ring == 0


def test_step_that_takes_nothing_from_this_contact_is_no_ring_of_it(relaxing):
    [entered] = relaxing.enqueue("ct_1", "qu_sales", ("billing", 2))
    assert [ring.after_duration for ring in entered.rings] == [timedelta(seconds=30)]
    assert relaxing.enqueue("ct_2", "qu_sales", ("orders", 2))[0].rings == ()


def test_waiting_contact_keeps_its_rings_when_the_queue_changes(relaxing, offered):
    need(relaxing)
    relaxing.queue(relaxation=())
    relaxing.agent("ag_fair", ("billing", 3), ("english", 3))
    assert offered(relaxing.wait(10)) == [("ct_1", "ag_fair")]


def test_agent_who_becomes_free_finds_a_contact_by_what_it_asks_for_now(relaxing, offered):
    need(relaxing)
    relaxing.wait(10)
    relaxing.agent("ag_fair", ("billing", 3), ("english", 3), ready=True)
    assert relaxing.domain.contact("ct_1").agent_id == "ag_fair"


def test_timer_of_a_ring_does_nothing_before_its_time(relaxing):
    need(relaxing)
    assert relaxing.do(RelaxContact("ct_1", 0)) == []
    assert relaxing.do(RelaxContact("ct_unknown", 0)) == []


def test_contact_that_is_joined_or_ends_has_no_timer_of_a_ring_any_more(relaxing):
    need(relaxing)
    need(relaxing, "ct_2")
    relaxing.end("ct_1")
    relaxing.end("ct_0")
    relaxing.connect("ct_2")
    assert not [timer for timer in relaxing.state.timers.values() if timer.key.startswith("ring/")]


def test_explanation_names_the_ring_and_who_would_have_been_a_later_one(relaxing):
    """Rule 21."""
    need(relaxing)
    relaxing.wait(60)
    relaxing.agent("ag_plain", ("billing", 1))
    offer = relaxing.log[-2][0]
    assert (offer.agent_id, offer.explanation.ring, offer.explanation.trigger) == ("ag_plain", 3, "AgentAvailable")


BAD_STEPS = [
    ((step(10, ("a", 1)), step(10, ("a", 1))), "queue.relaxation[1].after_duration"),
    ((step(0, ("a", 1)),), "queue.relaxation[0].after_duration"),
    ((step(8 * 86_400, ("a", 1)),), "queue.relaxation[0].after_duration"),
    ((step(1),), "queue.relaxation[0]"),
    ((step(1, ("a", 1), dropped=("a",)),), "queue.relaxation[0]"),
    ((step(1, ("a", 9)),), "queue.relaxation[0].lowered[0].min_level"),
    ((step(1, dropped=("",)),), "queue.relaxation[0].dropped_skills[0]"),
    (tuple(step(n, ("a", 1)) for n in range(1, 10)), "queue.relaxation"),
]


@pytest.mark.parametrize(("steps", "field"), BAD_STEPS)
def test_relaxation_with_an_error_is_refused_naming_the_field(routing, steps, field):
    definition = replace(routing.queue(), relaxation=steps)
    assert routing.refusal(PutQueue(definition)).startswith(f"Invalid: {field}:")
