"""Definitions of agents and queues, shared by the directory that publishes them and the routing that obeys them.

Owns: the shape of a definition and what makes it invalid. Must not: decide who is offered what.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from types import MappingProxyType

from trunkline_core.errors import Invalid
from trunkline_core.ids import check_id_of
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import MenuStep, QueueTreatment, check_treatment

MAX_WEIGHT_PERMILLE = 10_000
MAX_WAITING = 10_000
MAX_CHATS = 16
MAX_UNITS = MAX_CHATS  # nobody has more contacts at one time, whatever the table says
MAX_WRAP_UP_EXTENSIONS = 10
MAX_VIP_RESERVED_AGENTS = 100
MAX_OVERFLOW_STAFF = 10_000
MAX_SKILL_TERMS = 16
MAX_RELAXATION_STEPS = 8
MAX_RELAXED_SKILLS = 32
MAX_CALLBACK_ATTEMPTS = 10
LEVELS = range(1, 6)  # routing rule 6: 1 beginner … 5 expert
SHORTEST_LEASE = timedelta(seconds=1)
LONGEST_DURATION = timedelta(days=7)
"""Of a queue: longer ones are mistakes, and far longer ones leave the calendar."""

MAX_REQUIREMENTS = 32
NOTHING = timedelta(0)


class WrapUpMode(Enum):
    """What happens after a contact before the agent is offered the next one."""

    UNSPECIFIED = 0
    NONE = 1
    UNTIMED = 2
    TIMED = 3


class RoutingStrategy(Enum):
    """Which of those who could take a contact gets it (routing rule 9); unspecified is longest idle.

    RING_ALL asks all of them at once: who accepts first has it.
    """

    UNSPECIFIED = 0
    LONGEST_IDLE = 1
    LEAST_LOADED = 2
    BEST_PROFICIENCY = 3
    ROUND_ROBIN = 4
    WEIGHTED_RANDOM = 5
    RING_ALL = 6


class Channel(IntEnum):
    """Kind of channel a contact came through; in their order, and quick to compare, for tables and indexes."""

    UNSPECIFIED = 0
    VOICE = 1
    CHAT = 2


class SkillOperator(Enum):
    """How a level is compared (routing rule 6); whoever lacks a skill has level 0."""

    UNSPECIFIED = 0
    AT_LEAST = 1
    AT_MOST = 2
    EXACTLY = 3
    LACKS = 4


@dataclass(frozen=True, slots=True)
class SkillLevel:
    """One skill of an agent; `level` 1–5; from and until when it holds, None for ever."""

    skill: str
    level: int
    valid_from_time: datetime | None = None
    valid_until_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class SkillRequirement:
    """The agent's level of `skill` must be at least `min_level`, 1–5."""

    skill: str
    min_level: int


@dataclass(frozen=True, slots=True)
class SkillTerm:
    """A condition on one skill; `level` 1–5, 0 with LACKS."""

    skill: str
    operator: SkillOperator
    level: int

    @property
    def levels(self) -> frozenset[int]:
        """Which levels meet it, 0 for whoever lacks the skill."""
        match self.operator:
            case SkillOperator.AT_LEAST:
                return frozenset(range(self.level, LEVELS.stop))
            case SkillOperator.AT_MOST:
                return frozenset(range(self.level + 1))
            case SkillOperator.EXACTLY:
                return frozenset({self.level})
            case SkillOperator.LACKS:
                return frozenset({0})
            case SkillOperator.UNSPECIFIED:
                return frozenset()


@dataclass(frozen=True, slots=True)
class SkillConjunction:
    """All of these terms."""

    terms: tuple[SkillTerm, ...]


@dataclass(frozen=True, slots=True)
class SkillChoice:
    """One of these conjunctions, or several. Choices that must all be met say any boolean expression."""

    conjunctions: tuple[SkillConjunction, ...]


@dataclass(frozen=True, slots=True)
class RelaxationStep:
    """From `after_duration` on, of a wait, less is asked for (routing rule 7); steps add up.

    Attributes:
        lowered: skills of which at most this level is asked for.
        dropped_skills: skills that are not asked for any more.
    """

    after_duration: timedelta
    lowered: tuple[SkillRequirement, ...]
    dropped_skills: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueueLimit:
    """When contacts must leave a queue, and for which other queue; without one they end (routing rule 16)."""

    after_duration: timedelta
    next_queue_id: str


class OverflowMode(Enum):
    """What happens while a queue overflows: contacts flow into the other queue, or its agents help out."""

    UNSPECIFIED = 0
    MOVE = 1
    SHARE = 2


class OverflowMeasure(Enum):
    """What tells that a queue overflows; unspecified is the longest wait."""

    UNSPECIFIED = 0
    LONGEST_WAIT = 1
    ESTIMATED_WAIT = 2
    STAFF = 3
    OCCUPANCY = 4


@dataclass(frozen=True, slots=True)
class Overflow:
    """When a queue gets help of another one, and how (routing rule 12). It begins at one value and ends at another.

    Attributes:
        begin_wait_duration, end_wait_duration: of the longest or the estimated wait. Moved is whoever waited for `end`.
        begin_staff, end_staff: it begins with fewer signed in than `begin`, and ends with `end`.
        begin_occupancy_permille, end_occupancy_permille: it begins at `begin`, and ends below `end`.
        returns: whether contacts that moved and still wait come back once it is over.
    """

    next_queue_id: str
    begin_wait_duration: timedelta = NOTHING
    end_wait_duration: timedelta = NOTHING
    mode: OverflowMode = OverflowMode.UNSPECIFIED
    measure: OverflowMeasure = OverflowMeasure.UNSPECIFIED
    begin_staff: int = 0
    end_staff: int = 0
    begin_occupancy_permille: int = 0
    end_occupancy_permille: int = 0
    returns: bool = False

    @property
    def shares(self) -> bool:
        """Whether agents help out and contacts stay."""
        return self.mode is OverflowMode.SHARE


@dataclass(frozen=True, slots=True)
class ChannelUse:
    """What one contact of a channel takes of an agent (routing rule 2).

    Attributes:
        max_contacts: of this channel at one time; 0 for as many as the units allow.
        excluded_by: other channels that may not run at the same time; said on one side, it holds for both.
    """

    channel: Channel
    units: int
    max_contacts: int = 0
    excluded_by: tuple[Channel, ...] = ()


class CallbackMode(Enum):
    """Who is there first when a customer is called back (routing rule 13); unspecified is the agent."""

    UNSPECIFIED = 0
    AGENT_FIRST = 1
    CUSTOMER_FIRST = 2


@dataclass(frozen=True, slots=True)
class CallbackPolicy:
    """How callers who wait may be called back (routing rule 13).

    Attributes:
        max_attempts: how often a customer is dialled at most.
        retry_after_duration: between two attempts.
        max_open: open call-backs of the queue at most.
        hours_id: hours within which customers are dialled; empty for always.
    """

    max_attempts: int
    retry_after_duration: timedelta
    max_open: int
    mode: CallbackMode = CallbackMode.UNSPECIFIED
    hours_id: str = ""

    @property
    def dials_customer_first(self) -> bool:
        """Whether the customer is dialled while an agent is only kept."""
        return self.mode is CallbackMode.CUSTOMER_FIRST


@dataclass(frozen=True, slots=True)
class AgentDefinition:
    """Somebody who takes contacts: `chat_capacity` chats at one time or a voice call, or what `channels` say."""

    agent_id: str
    skills: tuple[SkillLevel, ...]
    chat_capacity: int
    units: int = 0
    channels: tuple[ChannelUse, ...] = ()


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
    strategy: RoutingStrategy = RoutingStrategy.UNSPECIFIED
    relaxation: tuple[RelaxationStep, ...] = ()
    longest_wait: QueueLimit | None = None
    unstaffed: QueueLimit | None = None
    max_per_customer: int = 0
    wrap_up_extension_duration: timedelta = NOTHING
    max_wrap_up_extensions: int = 0
    choices: tuple[SkillChoice, ...] = ()
    overflow: Overflow | None = None
    affinity_duration: timedelta = NOTHING
    vip_min_value_permille: int = 0
    vip_reserved_agents: int = 0
    drains_chats: bool = False
    wrap_up_frees_exclusion: bool = False
    callback: CallbackPolicy | None = None
    estimates_waits: bool = False
    chat_parking_duration: timedelta = NOTHING
    treatment: QueueTreatment | None = None


def check_agent(agent: AgentDefinition) -> None:
    """Raises: Invalid, naming the field."""
    check_id_of("ag", "agent.agent_id", agent.agent_id)
    for number, skill in enumerate(agent.skills):
        _check_skill(f"agent.skills[{number}]", skill.skill, "level", skill.level)
        if skill.valid_from_time and skill.valid_until_time and skill.valid_from_time >= skill.valid_until_time:
            raise Invalid(f"agent.skills[{number}].valid_until_time", "must be later than valid_from_time")
    if len({skill.skill for skill in agent.skills}) < len(agent.skills):
        raise Invalid("agent.skills", "names a skill twice")
    _check_range("agent.chat_capacity", agent.chat_capacity, 1, MAX_CHATS)
    _check_range("agent.units", agent.units, *((1, MAX_UNITS) if agent.channels else (0, 0)))
    for number, use in enumerate(agent.channels):
        _check_use(f"agent.channels[{number}]", use, agent.units)
        if use.channel in (other.channel for other in agent.channels[:number]):
            raise Invalid(f"agent.channels[{number}].channel", "is named twice")


def _check_use(field: str, use: ChannelUse, total: int) -> None:
    if use.channel is Channel.UNSPECIFIED:
        raise Invalid(f"{field}.channel", "must be set")
    _check_range(f"{field}.units", use.units, 1, total)
    _check_range(f"{field}.max_contacts", use.max_contacts, 0, MAX_UNITS)
    for number, other in enumerate(use.excluded_by):
        if other in (Channel.UNSPECIFIED, use.channel, *use.excluded_by[:number]):
            raise Invalid(f"{field}.excluded_by[{number}]", "must be another channel, named once")


def check_queue(queue: QueueDefinition) -> None:
    """Raises: Invalid, naming the field."""
    check_id_of("qu", "queue.queue_id", queue.queue_id)
    if len(queue.requirements) > MAX_REQUIREMENTS:
        raise Invalid("queue.requirements", f"must be at most {MAX_REQUIREMENTS}")
    check_requirements("queue.requirements", queue.requirements)
    check_choices("queue.choices", queue.choices)
    check_choices_beside("queue.choices", queue.choices, queue.requirements, levels_at_last(queue.relaxation))
    _check_longer("queue.target_wait_duration", queue.target_wait_duration, NOTHING)
    _check_range("queue.value_weight_permille", queue.value_weight_permille, 0, MAX_WEIGHT_PERMILLE)
    _check_range("queue.urgency_weight_permille", queue.urgency_weight_permille, 0, MAX_WEIGHT_PERMILLE)
    _check_at_least("queue.voice_lease_duration", queue.voice_lease_duration, SHORTEST_LEASE)
    _check_at_least("queue.chat_lease_duration", queue.chat_lease_duration, SHORTEST_LEASE)
    _check_at_least("queue.miss_exclusion_duration", queue.miss_exclusion_duration, NOTHING)
    _check_range("queue.max_misses", queue.max_misses, 1, 100)
    if queue.wrap_up_mode is WrapUpMode.UNSPECIFIED:
        raise Invalid("queue.wrap_up_mode", "must be set")
    _check_not_above("queue.wrap_up_duration", queue.wrap_up_duration)
    if queue.wrap_up_mode is WrapUpMode.TIMED:
        _check_longer("queue.wrap_up_duration", queue.wrap_up_duration, NOTHING)
    _check_at_least("queue.wrap_up_extension_duration", queue.wrap_up_extension_duration, NOTHING)
    _check_range("queue.max_wrap_up_extensions", queue.max_wrap_up_extensions, 0, MAX_WRAP_UP_EXTENSIONS)
    if queue.max_wrap_up_extensions:
        _check_longer("queue.wrap_up_extension_duration", queue.wrap_up_extension_duration, NOTHING)
    _check_at_least("queue.short_abandon_duration", queue.short_abandon_duration, NOTHING)
    _check_range("queue.max_waiting", queue.max_waiting, 1, MAX_WAITING)
    check_relaxation("queue.relaxation", queue.relaxation)
    if queue.longest_wait:
        _check_longer("queue.longest_wait.after_duration", queue.longest_wait.after_duration, NOTHING)
    if queue.unstaffed:
        _check_at_least("queue.unstaffed.after_duration", queue.unstaffed.after_duration, NOTHING)
    if queue.overflow:
        _check_overflow(queue, queue.overflow)
    if queue.callback:
        _check_range("queue.callback.max_attempts", queue.callback.max_attempts, 1, MAX_CALLBACK_ATTEMPTS)
        _check_longer("queue.callback.retry_after_duration", queue.callback.retry_after_duration, NOTHING)
        _check_range("queue.callback.max_open", queue.callback.max_open, 1, MAX_WAITING)
        if queue.callback.hours_id:
            check_id_of("ho", "queue.callback.hours_id", queue.callback.hours_id)
    if queue.treatment:
        has_callback, estimates = queue.callback is not None, queue.estimates_waits
        check_treatment("queue.treatment", queue.treatment, has_callback=has_callback, estimates_waits=estimates)
    _check_range("queue.max_per_customer", queue.max_per_customer, 0, MAX_WAITING)
    _check_at_least("queue.affinity_duration", queue.affinity_duration, NOTHING)
    _check_at_least("queue.chat_parking_duration", queue.chat_parking_duration, NOTHING)
    _check_range("queue.vip_min_value_permille", queue.vip_min_value_permille, 0, 1000)
    _check_range("queue.vip_reserved_agents", queue.vip_reserved_agents, 0, MAX_VIP_RESERVED_AGENTS)
    if queue.vip_reserved_agents and not queue.vip_min_value_permille:
        raise Invalid("queue.vip_reserved_agents", "must be 0 while vip_min_value_permille makes nobody a VIP")
    for field, next_queue_id in next_queues(queue):
        check_id_of("qu", field, next_queue_id)
    for field, chosen_queue_id in chosen_queues(queue):
        if chosen_queue_id == queue.queue_id:
            raise Invalid(field, "must be another queue")


def levels_at_last(relaxation: Iterable[RelaxationStep]) -> dict[str, int]:
    """Return of each skill that the steps loosen the level that the last ring asks for at most; 0: it is not asked for.

    Whoever meets an earlier ring meets the last one, too (routing rule 7).
    """
    levels: dict[str, int] = {}
    for step in relaxation:
        for need in step.lowered:
            levels[need.skill] = min(need.min_level, levels.get(need.skill, need.min_level))
        levels.update(dict.fromkeys(step.dropped_skills, 0))
    return levels


def chosen_queues(queue: QueueDefinition) -> list[tuple[str, str]]:
    """Return the queues that who waits may choose, each with the name of its field; two may name each other."""
    steps = enumerate(queue.treatment.steps if queue.treatment else ())
    options = (
        (number, *pair) for number, step in steps if isinstance(step, MenuStep) for pair in enumerate(step.options)
    )
    return [
        (f"queue.treatment.steps[{at}].menu_step.options[{number}].queue_id", option.queue_id)
        for at, number, option in options
        if option.queue_id
    ]


def next_queues(queue: QueueDefinition) -> list[tuple[str, str]]:
    """Return the queues to which contacts of this one go on, or that help out, each with the name of its field."""
    limits = (("longest_wait", queue.longest_wait), ("unstaffed", queue.unstaffed), ("overflow", queue.overflow))
    return [(f"queue.{name}.next_queue_id", at.next_queue_id) for name, at in limits if at and at.next_queue_id]


def _ways_on(queue: QueueDefinition) -> list[tuple[str, str]]:
    """Return those of `next_queues` into which contacts go: two queues may help each other out."""
    shares = queue.overflow is not None and queue.overflow.shares
    return [way for way in next_queues(queue) if not (shares and way[0].startswith("queue.overflow."))]


def check_no_way_back(queue: QueueDefinition, find: Callable[[str], QueueDefinition | None]) -> None:
    """Raises: Invalid, naming the field through which contacts would come back to the queue that they left."""
    for field, next_queue_id in _ways_on(queue):
        if queue.queue_id in _reached_from(next_queue_id, find):
            raise Invalid(field, "leads back to this queue")


def _reached_from(queue_id: str, find: Callable[[str], QueueDefinition | None]) -> set[str]:
    reached, ahead = set[str](), [queue_id]
    while ahead:
        known = find(ahead[-1]) if ahead[-1] not in reached else None
        reached.add(ahead.pop())
        ahead += [further for _, further in _ways_on(known)] if known else []
    return reached


def check_requirements(field: str, requirements: tuple[SkillRequirement, ...]) -> None:
    """Raises: Invalid, naming the requirement."""
    for number, requirement in enumerate(requirements):
        _check_skill(f"{field}[{number}]", requirement.skill, "min_level", requirement.min_level)


def check_choices(field: str, choices: tuple[SkillChoice, ...]) -> None:
    """Raises: Invalid, naming what is out of range or can never be met."""
    conjunctions = [
        (f"{field}[{number}].conjunctions[{place}]", conjunction)
        for number, choice in enumerate(choices)
        for place, conjunction in enumerate(choice.conjunctions)
    ]
    if not all(choice.conjunctions for choice in choices):
        raise Invalid(field, "has a choice without a conjunction, which nobody can meet")
    if sum(len(conjunction.terms) for _, conjunction in conjunctions) > MAX_SKILL_TERMS:
        raise Invalid(field, f"must have at most {MAX_SKILL_TERMS} terms")
    for name, conjunction in conjunctions:
        _check_conjunction(name, conjunction)


def check_choices_beside(
    field: str,
    choices: tuple[SkillChoice, ...],
    requirements: tuple[SkillRequirement, ...],
    at_last: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Raises: Invalid, naming the first choice that nobody can meet beside the requirements and the choices before it.

    Args:
        at_last: what `levels_at_last` says of the queue's steps.
    """
    for number in range(len(choices)):
        if not can_be_met(requirements, choices[: number + 1], at_last):
            raise Invalid(f"{field}[{number}]", "can never be met beside the requirements and the choices before it")


def check_needs_in(
    field: str, queue: QueueDefinition, requirements: tuple[SkillRequirement, ...], choices: tuple[SkillChoice, ...]
) -> None:
    """Raises: Invalid, naming the first need of a contact that nobody can meet beside what that queue asks for."""
    at_last = levels_at_last(queue.relaxation)
    for number in range(len(requirements)):
        needs = (*queue.requirements, *requirements[: number + 1])
        if not can_be_met(needs, queue.choices, at_last):
            raise Invalid(f"{field}.requirements[{number}]", f"can never be met beside what {queue.queue_id} asks for")
    for number in range(len(choices)):
        needs = (*queue.requirements, *requirements)
        if not can_be_met(needs, (*queue.choices, *choices[: number + 1]), at_last):
            raise Invalid(f"{field}.choices[{number}]", f"can never be met beside what {queue.queue_id} asks for")


def can_be_met(
    requirements: Iterable[SkillRequirement], choices: tuple[SkillChoice, ...], at_last: Mapping[str, int]
) -> bool:
    """Tell whether somebody could have the levels that are asked for, in the last ring if not before."""
    needs = [SkillTerm(need.skill, SkillOperator.AT_LEAST, need.min_level) for need in requirements]
    left = _beside({}, needs, at_last)
    return left is not None and _has_way(left, choices, at_last)


def _has_way(left: Mapping[str, frozenset[int]], choices: tuple[SkillChoice, ...], at_last: Mapping[str, int]) -> bool:
    """Tell whether all choices can be met by the levels that are left, trying their conjunctions depth first."""
    if not choices:
        return True
    ways = (_beside(left, conjunction.terms, at_last) for conjunction in choices[0].conjunctions)
    return any(_has_way(way, choices[1:], at_last) for way in ways if way is not None)


def _check_conjunction(field: str, conjunction: SkillConjunction) -> None:
    if not conjunction.terms:
        raise Invalid(field, "must have a term")
    left: dict[str, frozenset[int]] = {}
    for number, term in enumerate(conjunction.terms):
        _check_term(f"{field}.terms[{number}]", term)
        left[term.skill] = left.get(term.skill, term.levels) & term.levels
        if not left[term.skill]:
            raise Invalid(f"{field}.terms[{number}]", "can never be met beside the terms before it")


def _beside(
    left: Mapping[str, frozenset[int]], terms: Iterable[SkillTerm], at_last: Mapping[str, int]
) -> dict[str, frozenset[int]] | None:
    """Return which levels are left of each skill that is asked for, None where there is a skill without any."""
    found = dict(left)
    for term in terms:
        if highest := at_last.get(term.skill, LEVELS.stop - 1):
            levels = lowered(term, highest).levels
            found[term.skill] = found.get(term.skill, levels) & levels
    return found if all(found.values()) else None


def lowered(term: SkillTerm, highest: int) -> SkillTerm:
    """Return the term that asks for at most that level; only what asks for at least a level is lowered."""
    if term.operator is not SkillOperator.AT_LEAST:
        return term
    return SkillTerm(term.skill, term.operator, min(term.level, highest))


def _check_term(field: str, term: SkillTerm) -> None:
    _check_name(f"{field}.skill", term.skill)
    if term.operator is SkillOperator.UNSPECIFIED:
        raise Invalid(f"{field}.operator", "must be set")
    if term.operator is SkillOperator.LACKS:
        _check_range(f"{field}.level", term.level, 0, 0)
    else:
        _check_range(f"{field}.level", term.level, LEVELS.start, LEVELS.stop - 1)


def check_relaxation(field: str, steps: tuple[RelaxationStep, ...]) -> None:
    """Raises: Invalid, naming the step and what is wrong with it."""
    if len(steps) > MAX_RELAXATION_STEPS:
        raise Invalid(field, f"must be at most {MAX_RELAXATION_STEPS}")
    before = NOTHING
    for number, step in enumerate(steps):
        _check_longer(f"{field}[{number}].after_duration", step.after_duration, before)
        _check_relaxed_skills(f"{field}[{number}]", step)
        before = step.after_duration


def _check_relaxed_skills(field: str, step: RelaxationStep) -> None:
    check_requirements(f"{field}.lowered", step.lowered)
    for number, skill in enumerate(step.dropped_skills):
        _check_name(f"{field}.dropped_skills[{number}]", skill)
    named = [*(lowered.skill for lowered in step.lowered), *step.dropped_skills]
    if not 1 <= len(named) <= MAX_RELAXED_SKILLS:
        raise Invalid(field, f"must name 1 to {MAX_RELAXED_SKILLS} skills")
    if len(set(named)) < len(named):
        raise Invalid(field, "names a skill twice")


def _check_overflow(queue: QueueDefinition, overflow: Overflow) -> None:
    if not overflow.next_queue_id:
        raise Invalid("queue.overflow.next_queue_id", "must be set")
    if overflow.shares and overflow.next_queue_id == queue.queue_id:
        raise Invalid("queue.overflow.next_queue_id", "must be another queue")
    if overflow.shares and overflow.returns:
        raise Invalid("queue.overflow.returns", "is for contacts that move; those that are shared stay")
    match overflow.measure:
        case OverflowMeasure.STAFF:
            _check_unset(overflow, _WAITS + _OCCUPANCIES)
            _check_range("queue.overflow.begin_staff", overflow.begin_staff, 1, MAX_OVERFLOW_STAFF)
            _check_range("queue.overflow.end_staff", overflow.end_staff, overflow.begin_staff, MAX_OVERFLOW_STAFF)
        case OverflowMeasure.OCCUPANCY:
            _check_unset(overflow, _WAITS + _STAFFS)
            begin = overflow.begin_occupancy_permille
            _check_range("queue.overflow.begin_occupancy_permille", begin, 1, 1000)
            _check_range("queue.overflow.end_occupancy_permille", overflow.end_occupancy_permille, 1, begin)
        case _:
            _check_unset(overflow, _STAFFS + _OCCUPANCIES)
            _check_overflow_waits(overflow)
    if overflow.measure is OverflowMeasure.ESTIMATED_WAIT and not queue.estimates_waits:
        raise Invalid("queue.overflow.measure", "needs estimates_waits")


def _check_overflow_waits(overflow: Overflow) -> None:
    _check_longer("queue.overflow.begin_wait_duration", overflow.begin_wait_duration, NOTHING)
    _check_at_least("queue.overflow.end_wait_duration", overflow.end_wait_duration, NOTHING)
    if overflow.end_wait_duration > overflow.begin_wait_duration:
        raise Invalid("queue.overflow.end_wait_duration", "must not be longer than begin_wait_duration")


_WAITS = ("begin_wait_duration", "end_wait_duration")
_STAFFS = ("begin_staff", "end_staff")
_OCCUPANCIES = ("begin_occupancy_permille", "end_occupancy_permille")


def _check_unset(overflow: Overflow, fields: tuple[str, ...]) -> None:
    for field in fields:
        if getattr(overflow, field):
            raise Invalid(f"queue.overflow.{field}", "is of another measure")


def _check_name(field: str, skill: str) -> None:
    if not skill or len(skill) > 64:
        raise Invalid(field, "must have 1 to 64 characters")


def _check_skill(field: str, skill: str, level_name: str, level: int) -> None:
    _check_name(f"{field}.skill", skill)
    if level not in LEVELS:
        raise Invalid(f"{field}.{level_name}", "must be 1 to 5")


def _check_range(field: str, value: int, lowest: int, highest: int) -> None:
    if not lowest <= value <= highest:
        raise Invalid(field, f"must be {lowest} to {highest}")


def _check_longer(field: str, value: timedelta, limit: timedelta) -> None:
    if value <= limit:
        raise Invalid(field, f"must be longer than {limit.total_seconds():g} s")
    _check_not_above(field, value)


def _check_at_least(field: str, value: timedelta, limit: timedelta) -> None:
    if value < limit:
        raise Invalid(field, f"must be at least {limit.total_seconds():g} s")
    _check_not_above(field, value)


def _check_not_above(field: str, value: timedelta) -> None:
    if value > LONGEST_DURATION:
        raise Invalid(field, f"must be at most {LONGEST_DURATION.days} days")
