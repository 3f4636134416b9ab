"""Skills and what asks for them (rule 6).

Owns: which skills an agent has at a moment, and whether they meet what a contact asks for.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from trunkline_core.routing import (
    AgentDefinition,
    QueueDefinition,
    RelaxationStep,
    SkillChoice,
    SkillConjunction,
    SkillLevel,
    SkillRequirement,
    can_be_met,
    levels_at_last,
    lowered,
)

Profile = tuple[tuple[str, int], ...]
"""The skills of an agent as (skill, level), sorted: agents of one profile are eligible for the same contacts."""

RequirementSet = tuple[SkillRequirement | SkillChoice, ...]
"""What a contact needs, all of it: one requirement per skill, sorted by skill, then choices."""

Asked = tuple[RequirementSet, ...]
"""What is asked of an agent who is to take a contact: to meet one of these; two while others help out (rule 12)."""


def profile_of(agent: AgentDefinition, now: datetime) -> Profile:
    """Return the agent's skills that hold at `now`, in the form that is compared."""
    return tuple(sorted((skill.skill, skill.level) for skill in agent.skills if _holds(skill, now)))


def next_change(agent: AgentDefinition, now: datetime) -> datetime | None:
    """Return when next after `now` a skill begins or ceases to hold."""
    borders = (border for skill in agent.skills for border in (skill.valid_from_time, skill.valid_until_time))
    return min((border for border in borders if border and border > now), default=None)


def requirement_set(requirements: Iterable[SkillRequirement], choices: Iterable[SkillChoice] = ()) -> RequirementSet:
    """Return one requirement per skill, the highest level asked for, and each choice once."""
    levels: dict[str, int] = {}
    for requirement in requirements:
        levels[requirement.skill] = max(requirement.min_level, levels.get(requirement.skill, 0))
    merged = (SkillRequirement(skill, level) for skill, level in sorted(levels.items()))
    return (*merged, *sorted(set(choices), key=repr))


def needs_in(queue: QueueDefinition, own: RequirementSet) -> RequirementSet:
    """Return what a contact with needs of its own needs in that queue."""
    requirements = (*queue.requirements, *requirements_in(own))
    return requirement_set(requirements, (*queue.choices, *choices_in(own)))


@lru_cache(maxsize=65_536)
def can_ever_be_met(needs: RequirementSet, steps: tuple[RelaxationStep, ...]) -> bool:
    """Tell whether somebody could have the skills that are asked for, after all steps if not before."""
    return can_be_met(requirements_in(needs), choices_in(needs), levels_at_last(steps))


def requirements_in(needs: RequirementSet) -> tuple[SkillRequirement, ...]:
    """Return the requirements without the choices."""
    return tuple(need for need in needs if isinstance(need, SkillRequirement))


def choices_in(needs: RequirementSet) -> tuple[SkillChoice, ...]:
    """Return the choices without the requirements."""
    return tuple(need for need in needs if isinstance(need, SkillChoice))


def relaxed(needs: RequirementSet, step: RelaxationStep) -> RequirementSet:
    """Return what is left of the needs after the step (rule 7): whoever met them before still does."""
    highest = {need.skill: need.min_level for need in step.lowered}
    requirements = (
        SkillRequirement(need.skill, min(need.min_level, highest.get(need.skill, need.min_level)))
        for need in requirements_in(needs)
        if need.skill not in step.dropped_skills
    )
    choices = (_relaxed_choice(choice, highest, step.dropped_skills) for choice in choices_in(needs))
    return requirement_set(requirements, (choice for choice in choices if choice))


@lru_cache(maxsize=65_536)
def meets(profile: Profile, needs: RequirementSet) -> bool:
    """Tell whether an agent with these skills can serve a contact with these needs."""
    levels = dict(profile)
    return all(_is_met(need, levels) for need in needs)


def meets_one(profile: Profile, asked: Asked) -> bool:
    """Tell whether such an agent can serve a contact of which this is asked."""
    return any(meets(profile, needs) for needs in asked)


@lru_cache(maxsize=65_536)
def proficiency(profile: Profile, needs: RequirementSet) -> int:
    """Return how good an agent is at what is asked for: the sum of the levels, 0 where nothing is.

    Of a choice the best conjunction counts that the agent meets, by its skills that must be there.
    """
    levels = dict(profile)
    choices = (
        max((_asked_levels(option, levels) for option in choice.conjunctions if _holds_all(option, levels)), default=0)
        for choice in choices_in(needs)
    )
    return sum(levels.get(need.skill, 0) for need in requirements_in(needs)) + sum(choices)


def _holds(skill: SkillLevel, now: datetime) -> bool:
    is_begun = skill.valid_from_time is None or skill.valid_from_time <= now
    return is_begun and (skill.valid_until_time is None or now < skill.valid_until_time)


def _is_met(need: SkillRequirement | SkillChoice, levels: dict[str, int]) -> bool:
    if isinstance(need, SkillRequirement):
        return levels.get(need.skill, 0) >= need.min_level
    return any(_holds_all(conjunction, levels) for conjunction in need.conjunctions)


def _holds_all(conjunction: SkillConjunction, levels: dict[str, int]) -> bool:
    return all(levels.get(term.skill, 0) in term.levels for term in conjunction.terms)


def _asked_levels(conjunction: SkillConjunction, levels: dict[str, int]) -> int:
    skills = {term.skill for term in conjunction.terms if 0 not in term.levels}
    return sum(levels.get(skill, 0) for skill in skills)


def _relaxed_choice(choice: SkillChoice, highest: dict[str, int], dropped: tuple[str, ...]) -> SkillChoice | None:
    """Return what is left of a choice, None where nothing is asked for any more."""
    conjunctions = tuple(
        SkillConjunction(
            tuple(
                lowered(term, highest.get(term.skill, term.level)) for term in option.terms if term.skill not in dropped
            )
        )
        for option in choice.conjunctions
    )
    return SkillChoice(conjunctions) if all(option.terms for option in conjunctions) else None
