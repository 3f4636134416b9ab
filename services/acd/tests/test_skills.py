"""Boolean expressions over skills, and skills that hold for a time (rule 6); for plain ones see test_matching."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_acd.domain.commands import EnqueueContact, PutAgent, PutQueue, RefreshSkills
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.events import QueueStaffed, SkillsRefreshed
from trunkline_acd.domain.skills import meets, proficiency, relaxed, requirement_set
from trunkline_core.errors import Invalid
from trunkline_core.routing import (
    AgentDefinition,
    QueueLimit,
    RelaxationStep,
    RoutingStrategy,
    SkillChoice,
    SkillConjunction,
    SkillLevel,
    SkillOperator,
    SkillRequirement,
    SkillTerm,
    check_choices,
    check_queue,
)

AT_LEAST, AT_MOST = SkillOperator.AT_LEAST, SkillOperator.AT_MOST
EXACTLY, LACKS = SkillOperator.EXACTLY, SkillOperator.LACKS


def choice(*conjunctions):
    """Return a choice of conjunctions of (skill, operator, level)."""
    return SkillChoice(tuple(SkillConjunction(tuple(SkillTerm(*term) for term in terms)) for terms in conjunctions))


FRENCH_OR_TWO = choice([("french", AT_LEAST, 3)], [("english", AT_LEAST, 4), ("billing", AT_LEAST, 2)])


@pytest.mark.parametrize(
    ("profile", "is_met"),
    [
        ({"french": 3}, True),
        ({"french": 2}, False),
        ({"english": 4, "billing": 2}, True),
        ({"english": 5, "billing": 1}, False),
        ({"english": 5}, False),
    ],
)
def test_choice_is_met_by_one_conjunction_with_all_its_terms(profile, is_met):
    assert meets(tuple(sorted(profile.items())), (FRENCH_OR_TWO,)) is is_met


@pytest.mark.parametrize(
    ("operator", "level", "levels"),
    [(AT_LEAST, 3, {3, 4, 5}), (AT_MOST, 2, {0, 1, 2}), (EXACTLY, 4, {4}), (LACKS, 0, {0})],
)
def test_term_compares_the_level_and_whoever_lacks_the_skill_has_level_0(operator, level, levels):
    needs = (choice([("a", operator, level)]),)
    assert {have for have in range(6) if meets((("a", have),) if have else (), needs)} == levels


def test_queue_and_contact_may_both_have_choices_and_all_must_be_met(routing, offered):
    routing.queue(choices=(FRENCH_OR_TWO,))
    routing.agent("ag_both", ("french", 3), ("vip", 1))
    routing.agent("ag_french", ("french", 5))
    not_for_vips = (choice([("vip", LACKS, 0)]),)
    command = EnqueueContact("ct_1", 1, "qu_sales", Channel.VOICE, 0, 0, (), choices=not_for_vips)
    assert offered(routing.do(command)) == [("ct_1", "ag_french")]


def test_agent_who_becomes_free_finds_a_contact_by_its_choices(routing):
    routing.queue(choices=(FRENCH_OR_TWO,))
    routing.enqueue("ct_1")
    routing.agent("ag_no", ("english", 5))
    routing.agent("ag_yes", ("english", 5), ("billing", 5))
    assert routing.domain.contact("ct_1").agent_id == "ag_yes"


def test_proficiency_counts_the_best_conjunction_that_is_met(routing):
    needs = (SkillRequirement("vip", 1), FRENCH_OR_TWO)
    assert proficiency((("billing", 2), ("english", 4), ("french", 5), ("vip", 1)), needs) == 1 + 6
    assert proficiency((("english", 5), ("french", 5), ("vip", 1)), needs) == 1 + 5
    routing.queue(choices=(FRENCH_OR_TWO,), strategy=RoutingStrategy.BEST_PROFICIENCY)
    routing.agent("ag_a", ("french", 3))
    routing.agent("ag_b", ("french", 4))
    routing.enqueue("ct_1")
    assert routing.domain.contact("ct_1").agent_id == "ag_b"


def test_rings_loosen_choices_too(routing, offered):
    step = RelaxationStep(timedelta(seconds=10), (SkillRequirement("french", 1),), ("english",))
    routing.queue(choices=(FRENCH_OR_TWO,), relaxation=(step,))
    routing.agent("ag_busy", ("french", 3))
    routing.enqueue("ct_0")
    routing.connect("ct_0")
    routing.agent("ag_little", ("french", 1))
    assert offered(routing.enqueue("ct_1")) == []
    assert offered(routing.wait(10)) == [("ct_1", "ag_little")]


NAMES = st.sampled_from("abc")
TERMS = st.builds(SkillTerm, NAMES, st.sampled_from([AT_LEAST, AT_MOST, EXACTLY]), st.integers(1, 5))
CHOICES = st.builds(
    SkillChoice,
    st.lists(
        st.builds(SkillConjunction, st.lists(TERMS, min_size=1, max_size=3).map(tuple)), min_size=1, max_size=3
    ).map(tuple),
)
NEEDS = st.builds(
    requirement_set,
    st.lists(st.builds(SkillRequirement, NAMES, st.integers(1, 5)), max_size=3),
    st.lists(CHOICES, max_size=2),
)
PROFILES = st.dictionaries(NAMES, st.integers(1, 5)).map(lambda levels: tuple(sorted(levels.items())))
STEPS = st.builds(
    RelaxationStep,
    st.just(timedelta(seconds=1)),
    st.lists(st.builds(SkillRequirement, NAMES, st.integers(1, 5)), max_size=2).map(tuple),
    st.lists(NAMES, max_size=2).map(tuple),
)


def is_defined(step):
    """Tell whether a queue may have the step: it names skills, none twice."""
    named = [*(need.skill for need in step.lowered), *step.dropped_skills]
    return 0 < len(named) == len(set(named))


DEFINED_STEPS = st.lists(STEPS.filter(is_defined), max_size=2)


@given(PROFILES, NEEDS, STEPS)
def test_whoever_meets_a_ring_meets_the_next_one_too(profile, needs, step):
    """Rule 7: earlier rings stay eligible."""
    assert not meets(profile, needs) or meets(profile, relaxed(needs, step))


def timed(routing, *skills, chats=1):
    """Define Li with skills of (name, level, from second, until second)."""
    levels = tuple(
        SkillLevel(name, level, begins and routing.at(begins), ends and routing.at(ends))
        for name, level, begins, ends in skills
    )
    return routing.do(PutAgent(AgentDefinition("ag_li", levels, chats)))


def test_skill_counts_from_its_beginning_and_finds_who_waits_for_it(routing, offered):
    routing.queue()
    routing.agent("ag_li")
    timed(routing, ("billing", 3, 60, None))
    assert offered(routing.enqueue("ct_1", "qu_sales", ("billing", 1))) == []
    assert offered(routing.wait(59.9)) == []
    events = routing.wait(0.1)
    assert events[0] == SkillsRefreshed("ag_li")
    assert offered(events) == [("ct_1", "ag_li")]


def test_skill_ends_and_what_the_agent_is_doing_goes_on(routing, offered):
    routing.queue(requirements=(SkillRequirement("billing", 1),))
    routing.agent("ag_li", chats=2)
    timed(routing, ("billing", 3, 10, 60), chats=2)
    routing.wait(10)
    routing.chat("ct_1")
    routing.wait(1)
    assert routing.connect("ct_1") == "ag_li"
    routing.wait(50)
    assert offered(routing.chat("ct_2")) == []
    assert routing.domain.agent("ag_li").work_on("ct_1")
    assert routing.wait(3600) == []


def test_skill_that_begins_staffs_a_queue(routing):
    routing.queue(requirements=(SkillRequirement("billing", 1),), unstaffed=QueueLimit(timedelta(seconds=90), ""))
    routing.agent("ag_li")
    timed(routing, ("billing", 3, 60, None))
    assert QueueStaffed("qu_sales") in routing.wait(60)


def test_timer_of_a_skill_does_nothing_before_its_time(routing):
    routing.agent("ag_li")
    timed(routing, ("billing", 3, 60, None))
    assert routing.do(RefreshSkills("ag_li")) == []


BAD_CHOICES = [
    ((choice(),), "queue.choices"),
    ((choice([]),), "queue.choices[0].conjunctions[0]"),
    ((choice([("a", AT_LEAST, 9)]),), "queue.choices[0].conjunctions[0].terms[0].level"),
    ((choice([("a", LACKS, 1)]),), "queue.choices[0].conjunctions[0].terms[0].level"),
    ((choice([("a", SkillOperator.UNSPECIFIED, 1)]),), "queue.choices[0].conjunctions[0].terms[0].operator"),
    ((choice([("", AT_LEAST, 1)]),), "queue.choices[0].conjunctions[0].terms[0].skill"),
    ((choice([("a", AT_LEAST, 4), ("a", AT_MOST, 3)]),), "queue.choices[0].conjunctions[0].terms[1]"),
    ((choice(*([(f"s{n}", AT_LEAST, 1)] for n in range(17))),), "queue.choices"),
    (
        (choice([("a", LACKS, 0)]), choice([("b", AT_LEAST, 1)], [("a", AT_LEAST, 2)]), choice([("b", LACKS, 0)])),
        "queue.choices[2]",
    ),
]


def test_choice_that_nobody_can_meet_beside_the_requirements_is_refused_unless_a_step_loosens_the_skill(routing):
    asked = {"requirements": (SkillRequirement("a", 3),), "choices": (choice([("a", AT_MOST, 2)]),)}
    contradiction = replace(routing.queue(), **asked)
    assert routing.refusal(PutQueue(contradiction)).startswith("Invalid: queue.choices[0]: can never be met")
    assert routing.do(PutQueue(replace(contradiction, relaxation=(RelaxationStep(timedelta(seconds=1), (), ("a",)),))))


def test_choice_that_nobody_can_meet_in_the_last_ring_either_is_refused(routing):
    step = RelaxationStep(timedelta(seconds=1), (SkillRequirement("a", 2),), ())
    queue = replace(routing.queue(), requirements=(SkillRequirement("a", 3),), relaxation=(step,))
    lacking = replace(queue, choices=(choice([("a", LACKS, 0)]),))
    assert routing.refusal(PutQueue(lacking)).startswith("Invalid: queue.choices[0]: can never be met")
    assert routing.do(PutQueue(replace(queue, choices=(choice([("a", AT_MOST, 2)]),))))


@pytest.mark.parametrize(("need", "is_refused"), [(3, True), (2, False)])
def test_contact_whose_needs_nobody_can_meet_beside_the_queues_is_refused_at_the_entrance(routing, need, is_refused):
    routing.queue(choices=(choice([("a", AT_MOST, 2)]),))
    command = EnqueueContact("ct_1", 1, "qu_sales", Channel.VOICE, 0, 0, (SkillRequirement("a", need),))
    if is_refused:
        assert routing.refusal(command) == "Rejection: RequirementsNeverMet"
    else:
        assert routing.do(command)


def test_contact_that_somebody_can_serve_in_a_later_ring_is_let_in(routing):
    step = RelaxationStep(timedelta(seconds=1), (SkillRequirement("a", 2),), ())
    routing.queue(choices=(choice([("a", AT_MOST, 2)]),), relaxation=(step,))
    assert routing.enqueue("ct_1", "qu_sales", ("a", 3))


@given(
    st.lists(st.builds(SkillRequirement, NAMES, st.integers(1, 5)), max_size=2),
    st.lists(CHOICES, max_size=3),
    DEFINED_STEPS,
)
def test_choices_are_refused_exactly_where_nobody_could_ever_meet_them(new_routing, requirements, choices, steps):
    steps = tuple(replace(step, after_duration=timedelta(seconds=number)) for number, step in enumerate(steps, start=1))
    try:
        check_choices("choices", tuple(choices))
    except Invalid:
        return  # one of them has an error of its own
    asked = {"requirements": tuple(requirements), "choices": tuple(choices), "relaxation": steps}
    definition = replace(new_routing().queue(), **asked)
    needs, levels = reduce(relaxed, steps, requirement_set(requirements, choices)), range(6)
    agents = (tuple(zip("abc", found, strict=True)) for found in product(levels, levels, levels))
    if any(meets(tuple(skill for skill in agent if skill[1]), needs) for agent in agents):
        check_queue(definition)
    else:
        with pytest.raises(Invalid, match="can never be met beside the requirements"):
            check_queue(definition)


@pytest.mark.parametrize(("choices", "field"), BAD_CHOICES)
def test_choice_with_an_error_or_that_can_never_be_met_is_refused_naming_the_field(routing, choices, field):
    definition = replace(routing.queue(), choices=choices)
    assert routing.refusal(PutQueue(definition)).startswith(f"Invalid: {field}:")


def test_skill_that_ends_before_it_begins_is_refused(routing):
    skill = SkillLevel("billing", 3, routing.at(60), routing.at(60))
    refusal = routing.refusal(PutAgent(AgentDefinition("ag_li", (skill,), 1)))
    assert refusal.startswith("Invalid: agent.skills[0].valid_until_time:")


def test_rings_that_would_not_fit_into_an_event_are_refused_at_the_entrance(routing):
    steps = tuple(
        RelaxationStep(timedelta(seconds=number), (SkillRequirement("s0", 6 - number),), ()) for number in range(1, 6)
    )
    routing.queue(relaxation=steps)
    needs = tuple(SkillRequirement(f"s{number}", 5) for number in range(32))
    command = EnqueueContact("ct_1", 1, "qu_sales", Channel.VOICE, 0, 0, needs)
    assert routing.refusal(command) == "Rejection: TooManyRequirements"
