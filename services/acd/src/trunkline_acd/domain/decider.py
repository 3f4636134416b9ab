"""Routing as a decider: sends each command and each event to the module of its noun, and adds the changed rows.

Must not: contain a rule of its own but who may command an agent.
"""

from collections.abc import Iterator
from typing import assert_never

from trunkline_core.decider import Context
from trunkline_core.errors import NotFound

from trunkline_acd.domain import (
    bookings,
    commands,
    configuration,
    desks,
    events,
    joining,
    limits,
    offers,
    overflows,
    relaxation,
    rings,
    segments,
    tombstones,
    waits,
    wrap_ups,
)
from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.rows import Changes
from trunkline_acd.domain.state import AcdState, Domain

_OF_STAFF = (
    events.QueueConfigured,
    events.AgentConfigured,
    events.SkillsRefreshed,
    events.IntentChanged,
    events.AgentSessionOpened,
    events.AgentDisconnected,
)
_ENDS_WORK = (events.OfferEnded, events.ConnectFailed, events.ContactReleased, events.WrapUpFinished)
_TRUSTED = ("supervisor:", "service:")


class AcdDecider:
    """The rules of routing."""

    def decide(self, state: AcdState, command: Command, context: Context) -> Iterator[Event]:
        """Yield what the command causes, and at last the rows that it changed. Raises: TrunklineError."""
        domain = state.domain(context.tenant)
        changes = Changes(domain)
        for event in _decide_all(state, domain, command, context):
            yield event
            changes.note(event)
        yield from changes.rows()

    def evolve(self, state: AcdState, event: Event, context: Context) -> None:
        """Apply one event."""
        match event:
            case events.QueueConfigured():
                waits.note_definition(state, event, context)
                configuration.apply_queue_configured(state, event, context)
            case events.AgentConfigured():
                configuration.apply_agent_configured(state, event, context)
            case events.WrapUpCodeConfigured():
                configuration.apply_wrap_up_code_configured(state, event, context)
            case events.ContactEnqueued():
                segments.apply_enqueued(state, event, context)
            case events.ContactRelaxed():
                rings.apply_relaxed(state, event, context)
            case events.LimitPassed():
                limits.apply_passed(state, event, context)
            case events.QueueUnstaffed():
                limits.apply_unstaffed(state, event, context)
            case events.QueueStaffed():
                limits.apply_staffed(state, event, context)
            case events.UnstaffedQueueCleared():
                limits.apply_cleared(state, event, context)
            case events.ContactOffered():
                waits.learn_from_offer(state, event, context)
                bookings.apply_offered(state, event, context)
            case events.OfferAccepted():
                bookings.apply_accepted(state, event, context)
            case events.OfferEnded() | events.ConnectFailed():
                bookings.apply_returned(state, event, context)
            case events.ContactConnected():
                waits.learn_from_answer(state, event, context)
                bookings.apply_connected(state, event, context)
            case events.ExclusionEnded():
                bookings.apply_exclusion_ended(state, event, context)
            case events.SegmentEnded():
                waits.follow(state, event, context)
                segments.apply_segment_ended(state, event, context)
            case events.ContactReleased():
                wrap_ups.apply_released(state, event, context)
            case events.WrapUpFinished():
                wrap_ups.apply_finished(state, event, context)
            case events.WrapUpExtended():
                wrap_ups.apply_extended(state, event, context)
            case events.OverflowChecked():
                overflows.apply_checked(state, event, context)
            case events.SkillsRefreshed():
                configuration.apply_skills_refreshed(state, event, context)
            case events.NextIntentSet():
                desks.apply_next_intent_set(state, event, context)
            case events.ContactForgotten():
                tombstones.apply_forgotten(state, event, context)
            case events.TombstoneDropped():
                tombstones.apply_dropped(state, event, context)
            case events.IntentChanged():
                desks.apply_intent_changed(state, event, context)
            case events.AgentSessionOpened():
                desks.apply_opened(state, event, context)
            case events.AgentSessionLost():
                desks.apply_lost(state, event, context)
            case events.AgentDisconnected():
                desks.apply_disconnected(state, event, context)
            case events.AgentNotResponding():
                desks.apply_not_responding(state, event, context)
            case events.AgentRearmed():
                desks.apply_rearmed(state, event, context)
            case events.RowsChanged():
                pass
            case _:
                assert_never(event)


def _decide_all(state: AcdState, domain: Domain, command: Command, context: Context) -> Iterator[Event]:
    """Yield what the command causes; then who changes to a pending intent, and which queues lose or find staff."""
    may_change_staff, less_busy = False, dict[str, None]()
    for event in _decide(state, domain, command, context):
        yield event
        may_change_staff |= isinstance(event, _OF_STAFF)
        if isinstance(event, _ENDS_WORK):
            less_busy[event.agent_id] = None
    for agent_id in less_busy:
        for event in desks.take_next_intent(domain, agent_id, context):
            yield event
            may_change_staff = True
    if may_change_staff:
        yield from limits.note_staff(domain, context)


def _decide(state: AcdState, domain: Domain, command: Command, context: Context) -> Iterator[Event]:
    match command:
        case commands.PutQueue():
            return configuration.put_queue(domain, command)
        case commands.PutAgent():
            return configuration.put_agent(domain, command, context)
        case commands.PutWrapUpCode():
            return configuration.put_wrap_up_code(domain, command)
        case commands.EnqueueContact():
            return segments.enqueue(domain, command, context)
        case commands.EndContact():
            return segments.end(domain, command, context)
        case commands.ReportConnected():
            return joining.report_connected(domain, command, context)
        case commands.ReportConnectFailed():
            return joining.report_failed(domain, command, context)
        case commands.LosePeer():
            return desks.lose_peer(domain, command, context)
        case _ if isinstance(command, commands.AgentCommand):
            _check_actor(command, context)
            return _decide_for_agent(domain, command, context)
        case _:
            return _decide_timer(state, command, context)


def _decide_for_agent(domain: Domain, command: commands.AgentCommand, context: Context) -> Iterator[Event]:
    match command:
        case commands.AcceptOffer():
            return offers.accept(domain, command, context)
        case commands.DeclineOffer():
            return offers.decline(domain, command, context)
        case commands.FinishWrapUp():
            return wrap_ups.finish(domain, command, context)
        case commands.ExtendWrapUp():
            return wrap_ups.extend(domain, command, context)
        case commands.SetIntent():
            return desks.set_intent(domain, command, context)
        case commands.RearmAgent():
            return desks.rearm(domain, command, context)
        case commands.OpenAgentSession():
            return desks.open_session(domain, command, context)
        case commands.CloseAgentSession():
            return desks.close_session(domain, command, context)
        case _:
            assert_never(command)


def _decide_timer(state: AcdState, command: commands.TimerCommand, context: Context) -> Iterator[Event]:
    match command:
        case commands.ExpireOffer():
            return offers.expire(state, command, context)
        case commands.ExpireConnecting():
            return joining.expire_connecting(state, command, context)
        case commands.ExpireWrapUp():
            return wrap_ups.expire(state, command, context)
        case commands.ExpireGrace():
            return desks.expire_grace(state, command, context)
        case commands.EndExclusion():
            return offers.end_exclusion(state, command, context)
        case commands.RelaxContact():
            return relaxation.relax(state, command, context)
        case commands.CheckOverflow():
            return overflows.check_overflow(state, command, context)
        case commands.RefreshSkills():
            return configuration.refresh_skills(state, command, context)
        case commands.ReachLongestWait():
            return limits.reach_longest_wait(state, command, context)
        case commands.ClearUnstaffedQueue():
            return limits.clear_unstaffed(state, command, context)
        case commands.DropTombstone():
            return tombstones.drop(state, context)
        case _:
            assert_never(command)


def _check_actor(command: commands.AgentCommand, context: Context) -> None:
    """An agent commands only itself, supervisors and services all of the tenant; to others it looks like no agent."""
    if context.actor not in (f"agent:{command.agent_id}", "system") and not context.actor.startswith(_TRUSTED):
        raise NotFound("agent", command.agent_id)
