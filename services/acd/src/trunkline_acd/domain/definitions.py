"""What acd asks of definitions and entries beyond the shared rules, so that a partition stays bounded.

Owns: lengths and counts. Must not: repeat what `trunkline_core.routing` checks.
"""

from collections.abc import Sequence
from datetime import timedelta

from trunkline_core import ids, routing
from trunkline_core.errors import Invalid
from trunkline_core.ids import check_reason as check_reason
from trunkline_core.ids import check_token as check_token
from trunkline_core.routing import AgentDefinition, QueueDefinition, SkillRequirement
from trunkline_core.routing import Channel as Channel

from trunkline_acd.domain import policy


def lease_of(queue: QueueDefinition, channel: Channel) -> timedelta:
    """Return how long an offer of that channel rings."""
    return queue.voice_lease_duration if channel is Channel.VOICE else queue.chat_lease_duration


def check_queue(queue: QueueDefinition | None) -> QueueDefinition:
    """Return the definition. Raises: Invalid, naming the field."""
    if queue is None:
        raise Invalid("queue", "is missing")
    routing.check_queue(queue)
    return queue


def check_agent(agent: AgentDefinition | None) -> AgentDefinition:
    """Return the definition. Raises: Invalid, naming the field."""
    if agent is None:
        raise Invalid("agent", "is missing")
    routing.check_agent(agent)
    if len(agent.skills) > policy.MAX_SKILLS:
        raise Invalid("agent.skills", f"must be at most {policy.MAX_SKILLS}")
    return agent


def check_requirements(field: str, requirements: Sequence[SkillRequirement]) -> None:
    """Raises: Invalid, when there are too many or one is out of range."""
    if len(requirements) > policy.MAX_REQUIREMENTS:
        raise Invalid(field, f"must be at most {policy.MAX_REQUIREMENTS}")
    routing.check_requirements(field, tuple(requirements))


def check_id(field: str, value: str) -> None:
    """Raises: Invalid, when the id is empty, too long or has a slash, which separates ids in timer keys."""
    ids.check_id(field, value)
    if "/" in value:
        raise Invalid(field, "must not have a slash")


def check_wrap_up_code(code: str) -> None:
    """Raises: Invalid, when the code is not what a directory defines."""
    if not code.isidentifier() or len(code) > ids.MAX_ID:
        raise Invalid("wrap_up_code", f"must be letters, digits and underscores, at most {ids.MAX_ID}")


def check_break_reason(reason: str) -> None:
    """Raises: Invalid, unless empty or a token."""
    check_token("break_reason", reason)


def check_permille(field: str, value: int) -> None:
    """Raises: Invalid, when the value is not within 0–1000."""
    if not 0 <= value <= 1000:
        raise Invalid(field, "must be 0 to 1000")
