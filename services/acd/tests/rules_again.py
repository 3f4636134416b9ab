"""Rules that the invariants need, told a second time, apart from the code of `domain/` that they judge."""

from datetime import datetime

from trunkline_acd.domain.agents import Agent, is_signed_in
from trunkline_acd.domain.contacts import Contact, Stage
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.skills import meets, needs_in
from trunkline_acd.domain.state import Domain
from trunkline_acd.domain.words import WorkState
from trunkline_core.routing import AgentDefinition, ChannelUse, QueueDefinition

WITHOUT_A_TABLE = (ChannelUse(Channel.VOICE, 1, 1, (Channel.CHAT,)), ChannelUse(Channel.CHAT, 1))


def fits(agent: AgentDefinition, channel: Channel, work: list[tuple[Channel, bool]]) -> bool:
    """Tell whether one more contact fits beside the work: each a channel, and whether it excludes others (rule 2)."""
    table = {use.channel: use for use in agent.channels or WITHOUT_A_TABLE}
    if not {channel, *(other for other, _ in work)} <= set(table):
        return False
    own, others = table[channel], [table[other] for other, excludes in work if excludes]
    used = sum(table[other].units for other, _ in work)
    count = sum(other is channel for other, _ in work)
    is_excluded = any(other.channel in own.excluded_by or channel in other.excluded_by for other in others)
    total = agent.units or agent.chat_capacity
    return not is_excluded and used + own.units <= total and (not own.max_contacts or count < own.max_contacts)


def is_unreachable(agent: Agent, channel: Channel) -> bool:
    """Tell whether it would be a call for a telephone that every gateway lost (rule 1)."""
    return channel is Channel.VOICE and agent.has_device and not agent.registered_at


def could_serve(domain: Domain, contact: Contact, agent: Agent) -> bool:
    """Tell whether the agent has the skills, for the contact's own queue or for the one that helps out."""
    helping = domain.queues.get(domain.helping_queue(contact.queue_id))
    helps = helping is not None and meets(agent.profile, needs_in(helping.definition, contact.own_requirements))
    return helps or meets(agent.profile, contact.wanted)


def has_wrap_up(agent: Agent, contact: Contact) -> bool:
    """Tell whether the agent had the contact, gave it on, and still wraps it up."""
    work = agent.work_on(contact.contact_id)
    return work is not None and work.state is WorkState.WRAP_UP


def held(agent: Agent) -> list[tuple[Channel, bool]]:
    return [(work.channel, not work.frees_exclusion) for work in agent.at_hand]


def is_drained(domain: Domain, agent: Agent, now: datetime) -> bool:
    """Tell whether chats alone keep the agent from a call that waits for longer than its target."""
    takes_calls = any(use.channel is Channel.VOICE for use in agent.definition.channels or WITHOUT_A_TABLE)
    has_chats = any(work.channel is Channel.CHAT for work in agent.at_hand)
    without_chats = [(channel, excludes) for channel, excludes in held(agent) if channel is not Channel.CHAT]
    if not takes_calls or not has_chats or is_unreachable(agent, Channel.VOICE):
        return False
    if fits(agent.definition, Channel.VOICE, held(agent)) or not fits(agent.definition, Channel.VOICE, without_chats):
        return False
    return any(
        now - contact.aged_since_time > queue.target_wait_duration and could_serve(domain, contact, agent)
        for contact in domain.contacts.values()
        if contact.stage is Stage.WAITING and drains(contact, queue := domain.queue(contact.queue_id).definition)
        if not contact.reserved or contact.reserved < signed_in_for(domain, contact)
    )


def signed_in_for(domain: Domain, contact: Contact) -> int:
    return sum(is_signed_in(agent) and could_serve(domain, contact, agent) for agent in domain.agents.values())


def drains(contact: Contact, queue: QueueDefinition) -> bool:
    """Tell whether somebody is on the line who keeps chats back: no call-back, and nobody held for one agent."""
    is_call = contact.channel is Channel.VOICE and contact.callback is None
    return queue.drains_chats and is_call and not contact.held_for
