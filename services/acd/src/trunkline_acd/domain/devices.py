"""Telephones of agents: media health, which gateways report (rule 1). Without one an agent gets no calls, but chats.

Owns: at which gateways a telephone is registered, and what follows when it is lost or back. A telephone of which no
gateway ever spoke counts as healthy. Must not: end a call that was accepted; its gateway does.
"""

from collections.abc import Collection, Generator, Iterable, Iterator
from itertools import islice

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid
from trunkline_core.replacing import replace

from trunkline_acd.domain import callbacks, commands, consultations, handouts, offers, policy
from trunkline_acd.domain.agents import Agent, is_unreachable
from trunkline_acd.domain.contacts import Offer
from trunkline_acd.domain.definitions import check_id, check_reason
from trunkline_acd.domain.events import AgentRearmed, DeviceForgotten, DeviceLost, DeviceRegistered, Event
from trunkline_acd.domain.limits import take_back
from trunkline_acd.domain.state import AcdState, Domain
from trunkline_acd.domain.words import ConsultationEndReason, DeviceState, Trigger, WorkState


def changes(domain: Domain, peer_id: str, named: Collection[str]) -> commands.ReportDevices:
    """Return what a gateway that names these agents now tells that is not known yet, however much it is."""
    known = {entry[-1] for entry in domain.devices.entries(peer_id)}
    fresh = (agent_id for agent_id in named if agent_id not in known and _may_register(domain, agent_id, peer_id))
    lost = (agent_id for agent_id in known if agent_id not in named)
    return commands.ReportDevices(peer_id, tuple(sorted(fresh)), tuple(sorted(lost)))


def report(domain: Domain, command: commands.ReportDevices, context: Context) -> Iterator[Event]:
    """Take in what changed at a gateway; what is known, or about nobody of the tenant, changes nothing.

    Raises: Invalid.
    """
    _check_report(command)
    yield from _lose(domain, command.peer_id, _registered_at(domain, command.peer_id, command.lost_agent_ids), context)
    back: list[str] = []
    for agent_id in command.registered_agent_ids:
        if not _may_register(domain, agent_id, command.peer_id):
            continue
        agent = domain.agent(agent_id)
        yield DeviceRegistered(agent_id, command.peer_id)
        if agent.unreachable:
            yield AgentRearmed(agent_id)
        if agent.unreachable or agent.device is DeviceState.LOST:
            back.append(agent_id)
    yield from handouts.serve_freed(domain, back, Trigger.DEVICE_REGISTERED, context)


def lose_gateway(domain: Domain, command: commands.LoseGateway, context: Context) -> Iterator[Event]:
    """A gateway is gone with all its telephones of this tenant, or with some; a bounded number at a time."""
    check_id("peer_id", command.peer_id)
    held = [entry[-1] for entry in domain.devices.entries(command.peer_id)]
    lost = [agent_id for agent_id in held if not command.agent_ids or agent_id in command.agent_ids]
    yield from _lose(domain, command.peer_id, islice(lost, policy.DEVICES_PER_COMMAND), context)


def forget(domain: Domain, command: commands.ForgetDevice, context: Context) -> Iterator[Event]:
    """Offer calls to the agent again although no gateway has the telephone. Raises: Invalid, NotFound."""
    check_reason(command.reason)
    if domain.agent(command.agent_id).has_device:
        yield DeviceForgotten(command.agent_id, command.reason)
        yield from handouts.serve_freed(domain, [command.agent_id], Trigger.DEVICE_FORGOTTEN, context)


def apply_registered(state: AcdState, event: DeviceRegistered, context: Context) -> None:
    """Remember the gateway."""
    domain = state.domain(context.tenant)
    agent = domain.agent(event.agent_id)
    gateways = tuple(sorted({*agent.registered_at, event.peer_id}))
    domain.put_agent(replace(agent, has_device=True, registered_at=gateways), context.now)


def apply_lost(state: AcdState, event: DeviceLost, context: Context) -> None:
    """Take the gateway away; without one there is no room for calls."""
    domain = state.domain(context.tenant)
    agent = domain.agent(event.agent_id)
    gateways = tuple(peer_id for peer_id in agent.registered_at if peer_id != event.peer_id)
    domain.put_agent(replace(agent, registered_at=gateways), context.now)


def apply_forgotten(state: AcdState, event: DeviceForgotten, context: Context) -> None:
    """Know nothing against the telephone any more."""
    domain = state.domain(context.tenant)
    domain.put_agent(replace(domain.agent(event.agent_id), has_device=False, registered_at=()), context.now)


def _check_report(command: commands.ReportDevices) -> None:
    check_id("peer_id", command.peer_id)
    named = (*command.registered_agent_ids, *command.lost_agent_ids)
    if len(named) > policy.DEVICES_PER_COMMAND:
        raise Invalid("agent_ids", f"must be at most {policy.DEVICES_PER_COMMAND}")
    if len(set(named)) < len(named):
        raise Invalid("agent_ids", "must not name an agent twice")


def _may_register(domain: Domain, agent_id: str, peer_id: str) -> bool:
    """Tell whether a registration there is news about an agent of the tenant, and not one too many."""
    agent = domain.agents.get(agent_id)
    if agent is None or peer_id in agent.registered_at:
        return False
    return len(agent.registered_at) < policy.MAX_GATEWAYS_PER_AGENT


def _registered_at(domain: Domain, peer_id: str, agent_ids: Iterable[str]) -> list[str]:
    agents = (domain.agents.get(agent_id) for agent_id in agent_ids)
    return [agent.agent_id for agent in agents if agent and peer_id in agent.registered_at]


def _lose(domain: Domain, peer_id: str, agent_ids: Iterable[str], context: Context) -> Iterator[Event]:
    """Lose telephones until too many calls came back for one command: whoever is left is still registered there."""
    gone: list[str] = []
    size = 0
    for agent_id in agent_ids:
        if size >= policy.LOST_CALLS_PER_COMMAND:
            break
        yield DeviceLost(agent_id, peer_id)
        if domain.agent(agent_id).device is DeviceState.LOST:
            gone.append(agent_id)
            size += yield from _end_ringing(domain, domain.agent(agent_id), context)
    # a chat may have waited for the units of a call, or behind one that this agent cannot take any more (drain)
    yield from handouts.serve_freed(domain, gone, Trigger.DEVICE_LOST, context)


def _end_ringing(domain: Domain, agent: Agent, context: Context) -> Generator[Event, None, int]:
    """Take back at once what rings, or is kept for a customer who is dialled first: nobody's miss.

    Return how much that is, in calls.
    """
    size = 0
    for work in agent.work:
        if work.state not in (WorkState.OFFERED, WorkState.CONNECTING) or not is_unreachable(agent, work.channel):
            continue
        contact = domain.contact(work.contact_id)
        if contact.is_kept:
            yield from callbacks.lose_kept(domain, contact, "device_lost", context)
        elif work.state is WorkState.CONNECTING:
            continue
        elif work.asked_by:
            yield consultations.ended(contact, ConsultationEndReason.CONNECT_FAILED)
        else:
            yield offers.device_lost(contact, Offer(work.offer_no, agent.agent_id))
            yield from take_back(domain, contact.contact_id, Trigger.DEVICE_LOST, context)
        size += policy.LEAVING_PER_COMMAND if contact.is_over_limit else 1
    return size
