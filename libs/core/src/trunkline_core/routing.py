"""Definitions of agents and queues, shared by the directory that publishes them and the routing that obeys them.

Owns: the shape of a definition and what makes it invalid. Must not: decide who is offered what.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from trunkline_core.errors import Invalid
from trunkline_core.ids import check_id_of
from trunkline_core.texts import LocalizedText

MAX_WEIGHT_PERMILLE = 10_000
MAX_WAITING = 10_000
MAX_CHATS = 16
LEVELS = range(1, 6)  # routing rule 6: 1 beginner … 5 expert
SHORTEST_LEASE = timedelta(seconds=1)
NOTHING = timedelta(0)


class WrapUpMode(Enum):
    """What happens after a contact before the agent is offered the next one."""

    UNSPECIFIED = 0
    NONE = 1
    UNTIMED = 2
    TIMED = 3


@dataclass(frozen=True, slots=True)
class SkillLevel:
    """One skill of an agent; `level` 1–5."""

    skill: str
    level: int


@dataclass(frozen=True, slots=True)
class SkillRequirement:
    """The agent's level of `skill` must be at least `min_level`, 1–5."""

    skill: str
    min_level: int


@dataclass(frozen=True, slots=True)
class AgentDefinition:
    """Somebody who takes contacts; `chat_capacity` chats at one time, a voice call needs the whole agent."""

    agent_id: str
    skills: tuple[SkillLevel, ...]
    chat_capacity: int


@dataclass(frozen=True, slots=True)
class QueueDefinition:
    """A queue with its policy; weights are thousandths of one target wait. See directory_types.proto for each field."""

    queue_id: str
    name: LocalizedText
    requirements: tuple[SkillRequirement, ...]
    target_wait_duration: timedelta
    value_weight_permille: int
    urgency_weight_permille: int
    voice_lease_duration: timedelta
    chat_lease_duration: timedelta
    miss_exclusion_duration: timedelta
    max_misses: int
    wrap_up_mode: WrapUpMode
    wrap_up_duration: timedelta
    short_abandon_duration: timedelta
    max_waiting: int


def check_agent(agent: AgentDefinition) -> None:
    """Raises: Invalid, naming the field."""
    check_id_of("ag", "agent.agent_id", agent.agent_id)
    for number, skill in enumerate(agent.skills):
        _check_skill(f"agent.skills[{number}]", skill.skill, "level", skill.level)
    if len({skill.skill for skill in agent.skills}) < len(agent.skills):
        raise Invalid("agent.skills", "names a skill twice")
    _check_range("agent.chat_capacity", agent.chat_capacity, 1, MAX_CHATS)


def check_queue(queue: QueueDefinition) -> None:
    """Raises: Invalid, naming the field."""
    check_id_of("qu", "queue.queue_id", queue.queue_id)
    check_requirements("queue.requirements", queue.requirements)
    _check_longer("queue.target_wait_duration", queue.target_wait_duration, NOTHING)
    _check_range("queue.value_weight_permille", queue.value_weight_permille, 0, MAX_WEIGHT_PERMILLE)
    _check_range("queue.urgency_weight_permille", queue.urgency_weight_permille, 0, MAX_WEIGHT_PERMILLE)
    _check_at_least("queue.voice_lease_duration", queue.voice_lease_duration, SHORTEST_LEASE)
    _check_at_least("queue.chat_lease_duration", queue.chat_lease_duration, SHORTEST_LEASE)
    _check_at_least("queue.miss_exclusion_duration", queue.miss_exclusion_duration, NOTHING)
    _check_range("queue.max_misses", queue.max_misses, 1, 100)
    if queue.wrap_up_mode is WrapUpMode.UNSPECIFIED:
        raise Invalid("queue.wrap_up_mode", "must be set")
    if queue.wrap_up_mode is WrapUpMode.TIMED:
        _check_longer("queue.wrap_up_duration", queue.wrap_up_duration, NOTHING)
    _check_at_least("queue.short_abandon_duration", queue.short_abandon_duration, NOTHING)
    _check_range("queue.max_waiting", queue.max_waiting, 1, MAX_WAITING)


def check_requirements(field: str, requirements: tuple[SkillRequirement, ...]) -> None:
    """Raises: Invalid, naming the requirement."""
    for number, requirement in enumerate(requirements):
        _check_skill(f"{field}[{number}]", requirement.skill, "min_level", requirement.min_level)


def _check_skill(field: str, skill: str, level_name: str, level: int) -> None:
    if not skill or len(skill) > 64:
        raise Invalid(f"{field}.skill", "must have 1 to 64 characters")
    if level not in LEVELS:
        raise Invalid(f"{field}.{level_name}", "must be 1 to 5")


def _check_range(field: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise Invalid(field, f"must be {lowest} to {highest}")


def _check_longer(field: str, value: timedelta, limit: timedelta) -> None:
    if value <= limit:
        raise Invalid(field, f"must be longer than {limit.total_seconds():g} s")


def _check_at_least(field: str, value: timedelta, limit: timedelta) -> None:
    if value < limit:
        raise Invalid(field, f"must be at least {limit.total_seconds():g} s")
