"""A supervisor listens to a call or reads a chat, whispers to its agent, or speaks to all (routing rule 20).

Owns: that one supervisor at a time monitors a contact, whose every change is an event; and why it ends.
Must not: know legs; `legs` says what the gateway does, and a chat has none. Touch whom agents and customer hear of each
other.
"""

from collections.abc import Iterator

from trunkline_core.decider import Context
from trunkline_core.errors import Invalid, Rejection
from trunkline_core.ids import check_id, check_reason
from trunkline_core.replacing import replace

from trunkline_channels.domain import commands, policy, timing
from trunkline_channels.domain.contact import Contact, Monitoring
from trunkline_channels.domain.events import (
    Event,
    MonitoringBegun,
    MonitoringChanged,
    MonitoringEnded,
    MonitoringLegJoined,
)
from trunkline_channels.domain.state import ChannelsState, holder_key
from trunkline_channels.domain.words import Channel, ContactState, MonitoringMode


def monitor(state: ChannelsState, command: commands.MonitorContact, context: Context) -> Iterator[Event]:
    """Begin, or change who hears whom; asking for what is so already changes nothing.

    Raises: Invalid; NotFound; Rejection(`ContactNotConnected`, `OnTheCall`), or (`MonitoredByAnother`), whose detail is
    the other supervisor.
    """
    _check(command)
    contact = connected(state, command.contact_id, context)
    if command.agent_id and is_on(contact, command.agent_id):
        raise Rejection("OnTheCall")
    supervisor_id, now = supervisor_of(context), contact.monitoring
    if now is None:
        no = contact.monitoring_no + 1
        yield MonitoringBegun(contact.contact_id, no, supervisor_id, command.agent_id, command.mode, command.reason)
    elif now.supervisor_id != supervisor_id:
        raise Rejection("MonitoredByAnother", now.supervisor_id)
    elif now.mode is not command.mode:
        yield MonitoringChanged(contact.contact_id, now.monitoring_no, supervisor_id, command.mode, command.reason)


def stop(state: ChannelsState, command: commands.StopMonitoring, context: Context) -> Iterator[Event]:
    """End one's own; what one does not monitor stays as it is. Raises: NotFound."""
    contact = state.contact(command.contact_id, context.tenant)
    if is_by(contact, supervisor_of(context)):
        yield from over(contact, "stopped")


def is_of_leg(command: commands.ConfirmConnect | commands.RefuseConnect) -> bool:
    """Tell whether the gateway speaks of a supervisor's leg."""
    return command.monitoring_no > 0


def confirm_leg(state: ChannelsState, command: commands.ConfirmConnect, context: Context) -> Iterator[Event]:
    """The supervisor's leg is up; saying so again changes nothing. Raises: NotFound; Rejection(`ConnectNotAwaited`)."""
    contact = state.contact(command.contact_id, context.tenant)
    if not _awaited(contact, command).is_joined:
        yield MonitoringLegJoined(contact.contact_id, command.monitoring_no)


def refuse_leg(state: ChannelsState, command: commands.RefuseConnect, context: Context) -> Iterator[Event]:
    """The supervisor's leg could not be brought up, or broke. Raises: Invalid; NotFound;
    Rejection(`ConnectNotAwaited`).
    """
    contact = state.contact(command.contact_id, context.tenant)
    if command.reason not in policy.LEG_FAILURES:
        raise Invalid("reason", f"must be one of {', '.join(sorted(policy.LEG_FAILURES))}")
    _awaited(contact, command)
    yield from over(contact, "leg_failed")


def expire(state: ChannelsState, command: commands.ExpireMonitoring, context: Context) -> Iterator[Event]:
    """The leg has not come up in time: a gateway that knows no such legs never answers."""
    contact = state.contact(command.contact_id, context.tenant)
    if timing.is_due(state, timing.expiry_key(timing.JOINING, contact.contact_id), context.now):
        yield from over(contact, "not_joined")


def lose(state: ChannelsState, command: commands.LoseSupervisor, context: Context) -> Iterator[Event]:
    """The supervisor's pages are gone; a bounded number at a time, the caller asks again."""
    held = state.monitored.entries(holder_key(context.tenant, command.supervisor_id))
    lost = [contact_id for contact_id in held if not command.contact_ids or contact_id in command.contact_ids]
    for contact_id in lost[: policy.MAX_CONTACTS_PER_LOSS]:
        yield from over(state.contact(contact_id, context.tenant), "supervisor_gone")


def over(contact: Contact, reason: str) -> Iterator[MonitoringEnded]:
    """Let what may be under way end."""
    if (now := contact.monitoring) is not None:
        yield MonitoringEnded(contact.contact_id, now.monitoring_no, now.supervisor_id, reason)


def step_aside(contact: Contact, agent_id: str) -> Iterator[MonitoringEnded]:
    """End it where the supervisor comes onto the call as an agent: nobody has two legs."""
    if contact.monitoring is not None and contact.monitoring.agent_id == agent_id:
        yield from over(contact, "on_the_call")


def connected(state: ChannelsState, contact_id: str, context: Context) -> Contact:
    """Return a connected contact. Raises: NotFound; Rejection(`ContactNotConnected`)."""
    contact = state.contact(contact_id, context.tenant)
    if contact.state is not ContactState.CONNECTED:
        raise Rejection("ContactNotConnected")
    return contact


def is_on(contact: Contact, agent_id: str) -> bool:
    """Tell whether the agent has the contact, or is asked about it."""
    asked = contact.consultation
    return agent_id == contact.agent_id or (asked is not None and agent_id == asked.agent_id)


def is_by(contact: Contact, supervisor_id: str) -> bool:
    """Tell whether this supervisor monitors it."""
    return contact.monitoring is not None and contact.monitoring.supervisor_id == supervisor_id


def supervisor_of(context: Context) -> str:
    """Return the user behind the actor, `supervisor:<user>` or `admin:<user>`."""
    return context.actor.partition(":")[2]


def apply_begun(state: ChannelsState, contact: Contact, event: MonitoringBegun, context: Context) -> None:
    """The gateway is to bring up the leg; a chat has none, and is read from here on."""
    is_joined = contact.channel is Channel.CHAT
    begun = Monitoring(event.monitoring_no, event.supervisor_id, event.agent_id, event.mode, event.reason, is_joined)
    state.put(replace(contact, monitoring=begun, monitoring_no=event.monitoring_no, monitoring_end=""))
    if not is_joined:
        timing.watch_joining(state, contact, event.monitoring_no, context.now)


def apply_leg_joined(state: ChannelsState, contact: Contact, _: MonitoringLegJoined) -> None:
    """The supervisor hears."""
    state.put(replace(contact, monitoring=replace(_monitoring(contact), is_joined=True)))
    timing.stop_watching(state, contact.contact_id, timing.JOINING)


def apply_changed(state: ChannelsState, contact: Contact, event: MonitoringChanged) -> None:
    """Remember who hears whom."""
    changed = replace(_monitoring(contact), mode=event.mode, reason=event.reason)
    state.put(replace(contact, monitoring=changed))


def apply_ended(state: ChannelsState, contact: Contact, event: MonitoringEnded) -> None:
    """The gateway lets the leg go."""
    state.put(replace(contact, monitoring=None, monitoring_end=event.reason))
    timing.stop_watching(state, contact.contact_id, timing.JOINING)


def _monitoring(contact: Contact) -> Monitoring:
    assert contact.monitoring is not None, "only events of a monitoring change one"
    return contact.monitoring


def _awaited(contact: Contact, command: commands.ConfirmConnect | commands.RefuseConnect) -> Monitoring:
    if contact.monitoring is None or contact.monitoring.monitoring_no != command.monitoring_no:
        raise Rejection("ConnectNotAwaited")
    return contact.monitoring


def _check(command: commands.MonitorContact) -> None:
    if command.mode is MonitoringMode.UNSPECIFIED:
        raise Invalid("mode", "must be set")
    if command.agent_id:
        check_id("agent_id", command.agent_id)
    check_reason(command.reason)
