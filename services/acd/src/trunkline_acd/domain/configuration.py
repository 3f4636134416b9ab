"""Queues, agents and wrap-up codes as administrators define them; a definition replaces the one before as a whole."""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid
from trunkline_core.routing import AgentDefinition, check_no_way_back
from trunkline_core.timers import Timer

from trunkline_acd.domain import commands, overflows, policy, timing, waits
from trunkline_acd.domain.agents import new_agent, redefined
from trunkline_acd.domain.definitions import check_agent, check_queue, check_wrap_up_code
from trunkline_acd.domain.events import AgentConfigured, Event, QueueConfigured, SkillsRefreshed, WrapUpCodeConfigured
from trunkline_acd.domain.matching import offer_to_agent
from trunkline_acd.domain.skills import next_change
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.words import Trigger


def put_queue(domain: Domain, command: commands.PutQueue) -> Iterator[Event]:
    """Take over a queue; contacts keep the requirements they entered with."""
    definition = check_queue(command.queue)
    check_no_way_back(definition, domain.definition_of)
    known = domain.queues.get(definition.queue_id)
    if known is None or known.definition != definition:
        yield QueueConfigured(definition)


def put_policy(domain: Domain, command: commands.PutPolicy) -> Iterator[Event]:
    """Take over all queues of a version at one offset, or none of them (ADR 0021)."""
    if command.version < 1:
        raise Invalid("version", "must be 1 or more")
    wanted = {check_queue(queue).queue_id: queue for queue in command.queues}
    for queue in wanted.values():
        check_no_way_back(queue, lambda queue_id: wanted.get(queue_id) or domain.definition_of(queue_id))
    for queue in wanted.values():
        if domain.definition_of(queue.queue_id) != queue:
            yield QueueConfigured(queue, command.version)


def put_agent(domain: Domain, command: commands.PutAgent, context: Context) -> Iterator[Event]:
    """Take over an agent; with new skills or capacity something may fit now."""
    definition = check_agent(command.agent)
    known = domain.agents.get(definition.agent_id)
    if known is None or known.definition != definition:
        yield AgentConfigured(definition)
        yield from offer_to_agent(domain, definition.agent_id, Trigger.AGENT_CONFIGURED, context)


def put_wrap_up_code(domain: Domain, command: commands.PutWrapUpCode) -> Iterator[Event]:
    """Take over a wrap-up code; its name is no matter of routing."""
    check_wrap_up_code(command.wrap_up_code)
    if command.wrap_up_code in domain.wrap_up_codes:
        return
    if len(domain.wrap_up_codes) >= policy.MAX_WRAP_UP_CODES:
        raise Invalid("wrap_up_code", f"must be at most {policy.MAX_WRAP_UP_CODES} of a tenant")
    yield WrapUpCodeConfigured(command.wrap_up_code)


def apply_queue_configured(state: AcdState, event: QueueConfigured, context: Context) -> None:
    """Put the definition in force."""
    waits.note_definition(state, event, context)
    domain = state.domain(context.tenant)
    before = domain.definition_of(event.queue.queue_id)
    domain.put_definition(event.queue)
    if event.policy_version:
        domain.put_policy_version(event.policy_version)
    overflows.note_definition(state, event.queue.queue_id, before.overflow if before else None, context)


def apply_agent_configured(state: AcdState, event: AgentConfigured, context: Context) -> None:
    """Put the definition in force; what the agent is doing goes on."""
    domain, now = state.domain(context.tenant), context.now
    known = domain.agents.get(event.agent.agent_id)
    domain.put_agent(redefined(known, event.agent, now) if known else new_agent(event.agent, now), now)
    _set_skills_timer(state, event.agent, context)


def refresh_skills(state: AcdState, command: commands.RefreshSkills, context: Context) -> Iterator[Event]:
    """A skill begins or ceases to hold: something may fit now; what the agent is doing goes on."""
    domain = state.domain(context.tenant)
    if timing.is_due(state, timing.skills_key(context.tenant, command.agent_id), context):
        yield SkillsRefreshed(command.agent_id)
        yield from offer_to_agent(domain, command.agent_id, Trigger.AGENT_CONFIGURED, context)


def apply_skills_refreshed(state: AcdState, event: SkillsRefreshed, context: Context) -> None:
    """Let the agent have the skills that hold now."""
    domain = state.domain(context.tenant)
    agent = domain.agent(event.agent_id)
    domain.put_agent(redefined(agent, agent.definition, context.now), context.now)
    _set_skills_timer(state, agent.definition, context)


def apply_wrap_up_code_configured(state: AcdState, event: WrapUpCodeConfigured, context: Context) -> None:
    """Let agents wrap up with the code."""
    state.domain(context.tenant).wrap_up_codes.put(event.wrap_up_code, True)


def _set_skills_timer(state: AcdState, agent: AgentDefinition, context: Context) -> None:
    key = timing.skills_key(context.tenant, agent.agent_id)
    if due := next_change(agent, context.now):
        state.timers.set(Timer(key, due, context.tenant, commands.RefreshSkills(agent.agent_id)))
    else:
        state.timers.cancel(key)
