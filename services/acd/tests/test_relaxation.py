"""Requirements that loosen while a contact waits (rule 7)."""

from dataclasses import replace
from datetime import timedelta

import pytest
from trunkline_acd.domain import policy
from trunkline_acd.domain.commands import (
    CloseAgentSession,
    DeclineOffer,
    OpenAgentSession,
    PutAgent,
    PutQueue,
    RelaxContact,
    SetIntent,
)
from trunkline_acd.domain.events import ContactOffered, ContactRelaxed
from trunkline_acd.domain.words import Intent
from trunkline_core.routing import AgentDefinition, RelaxationStep, RoutingStrategy, SkillLevel, SkillRequirement


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


LEAVES = (SetIntent("ag_expert", Intent.OFFLINE, ""), "agent:ag_expert")


def test_ring_is_skipped_at_once_when_the_last_who_could_serve_it_signs_out(relaxing, offered):
    relaxing.agent("ag_fair", ("billing", 3), ("english", 3))
    need(relaxing)
    relaxing.do(*LEAVES)
    events = relaxing.wait(0)
    assert [event.ring for event in events if isinstance(event, ContactRelaxed)] == [1]
    assert offered(events) == [("ct_1", "ag_fair")]


def test_ring_is_skipped_when_the_desk_of_the_last_does_not_come_back(routing, offered):
    routing.queue(relaxation=(step(300, ("billing", 3)),))
    routing.agent("ag_expert", ("billing", 5), ("english", 3))
    routing.enqueue("ct_0")
    routing.connect("ct_0")
    routing.agent("ag_fair", ("billing", 3), ("english", 3))
    need(routing)
    routing.do(CloseAgentSession("ag_expert", "se_ag_expert"), actor="agent:ag_expert")
    assert offered(routing.wait(29)) == [], "within its grace it may"
    assert offered(routing.wait(1)) == [("ct_1", "ag_fair")]


def test_ring_that_nobody_could_follow_up_is_not_left(relaxing):
    need(relaxing)
    relaxing.do(*LEAVES)
    relaxing.wait(0)
    assert relaxing.domain.contact("ct_1").ring == 0, "there is nothing to be gained: it widens by time"


def test_ring_is_skipped_when_the_first_who_signs_in_could_only_serve_a_later_one(routing, offered):
    routing.queue(relaxation=STEPS)
    need(routing)
    assert routing.domain.contact("ct_1").ring == 0
    routing.agent("ag_fair", ("billing", 3), ("english", 3))
    assert offered(routing.wait(0)) == [("ct_1", "ag_fair")]


def test_contact_that_rings_comes_back_into_a_ring_that_somebody_serves(relaxing, offered):
    """The ring was left while the contact rang: whoever declines sends it on, not back."""
    relaxing.agent("ag_fair", ("billing", 3), ("english", 3))
    relaxing.agent("ag_good", ("billing", 5), ("english", 3))
    need(relaxing)
    assert relaxing.domain.contact("ct_1").agent_id == "ag_good"
    relaxing.do(*LEAVES)
    relaxing.do(PutAgent(AgentDefinition("ag_good", (SkillLevel("billing", 2), SkillLevel("english", 3)), 1)))
    relaxing.wait(0)
    assert relaxing.domain.contact("ct_1").ring == 1
    offer_no = relaxing.domain.contact("ct_1").offer_no
    events = relaxing.do(DeclineOffer("ag_good", "ct_1", offer_no), actor="agent:ag_good")
    assert offered(events) == [("ct_1", "ag_fair")]


def test_many_leave_a_ring_a_bounded_number_at_a_time(relaxing):
    """The work of an event does not grow with how many contacts wait: a timer brings them out."""
    relaxing.agent("ag_fair", ("billing", 3), ("english", 3), ready=False)
    relaxing.do(OpenAgentSession("ag_fair", "pe_1", "se_fair"))
    relaxing.do(SetIntent("ag_fair", Intent.BREAK, ""), actor="agent:ag_fair")
    waiting = [f"ct_{number}" for number in range(1, 2 * policy.OFFERS_PER_HANDOUT + 2)]
    for contact_id in waiting:
        need(relaxing, contact_id)
    assert not [event for event in relaxing.do(*LEAVES) if isinstance(event, ContactRelaxed)]
    steps = []
    while timer := relaxing.state.timers.get("handout/tn_demo"):
        relaxing.now = timer.due
        events = relaxing.do(timer.command)
        steps.append([event.contact_id for event in events if isinstance(event, ContactRelaxed)])
    assert [len(step) for step in steps] == [policy.OFFERS_PER_HANDOUT, policy.OFFERS_PER_HANDOUT, 1]
    assert [contact_id for step in steps for contact_id in step] == waiting, "the first first"


def test_offer_after_a_ring_was_left_says_so(relaxing):
    relaxing.agent("ag_fair", ("billing", 3), ("english", 3))
    need(relaxing)
    relaxing.do(*LEAVES)
    explanation = next(event.explanation for event in relaxing.wait(0) if isinstance(event, ContactOffered))
    assert (explanation.trigger, explanation.ring) == ("RingLeft", 1)
