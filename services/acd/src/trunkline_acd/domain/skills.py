"""Skills and what asks for them: all requirements must be met, each at its level or above (rule 6)."""

from collections.abc import Iterable
from functools import lru_cache

from trunkline_core.routing import AgentDefinition, SkillRequirement

Profile = tuple[tuple[str, int], ...]
"""The skills of an agent as (skill, level), sorted: agents of one profile are eligible for the same contacts."""

RequirementSet = tuple[SkillRequirement, ...]
"""What a contact needs: one requirement per skill, sorted by skill."""


def profile_of(agent: AgentDefinition) -> Profile:
    """Return the agent's skills in the form that is compared."""
    return tuple(sorted((skill.skill, skill.level) for skill in agent.skills))


def requirement_set(requirements: Iterable[SkillRequirement]) -> RequirementSet:
    """Return one requirement per skill, the highest level asked for."""
    levels: dict[str, int] = {}
    for requirement in requirements:
        levels[requirement.skill] = max(requirement.min_level, levels.get(requirement.skill, 0))
    return tuple(SkillRequirement(skill, level) for skill, level in sorted(levels.items()))


@lru_cache(maxsize=65_536)
def meets(profile: Profile, requirements: RequirementSet) -> bool:
    """Tell whether an agent with these skills can serve a contact with these requirements."""
    levels = dict(profile)
    return all(levels.get(requirement.skill, 0) >= requirement.min_level for requirement in requirements)
