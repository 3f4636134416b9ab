"""Routing as a decider: sends each command and each event to the module of its noun, and adds the changed rows.

Must not: contain a rule of its own but who may command an agent.
"""

from collections.abc import Iterator
from typing import assert_never

from trunkline_core.decider import Context
from trunkline_core.errors import NotFound

from trunkline_acd.domain import (
    affinity,
    bookings,
    call_ins,
    callbacks,
    commands,
    configuration,
    consequences,
    consultations,
    desks,
    devices,
    events,
    handouts,
    joining,
    limits,
    offers,
    overflows,
    parked_chats,
    parking,
    queue_changes,
    relaxation,
    rings,
    segments,
    supervision,
    take_overs,
    tombstones,
    transfers,
    vips,
    wrap_ups,
)
from trunkline_acd.domain.commands import Command
from trunkline_acd.domain.events import Event
from trunkline_acd.domain.rows import Changes
from trunkline_acd.domain.state import AcdState, Domain

_TRUSTED = ("supervisor:", "service:")


class AcdDecider:
    """The rules of routing."""

    def decide(self, state: AcdState, command: Command, context: Context) -> Iterator[Event]:
        """Yield what the command causes, and at last the rows that it changed. Raises: TrunklineError."""
        domain = state.domain(context.tenant)
        changes = Changes(domain)
        for event in consequences.after(_decide(state, domain, command, context), domain, context):
            yield event
            changes.note(event)
        yield from changes.rows()

    def evolve(self, state: AcdState, event: Event, context: Context) -> None:
        """Apply one event."""
        match event:
            case events.QueueConfigured():
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
                bookings.apply_offered(state, event, context)
            case events.OfferAccepted():
                bookings.apply_accepted(state, event, context)
            case events.OfferEnded() | events.ConnectFailed():
                bookings.apply_returned(state, event, context)
            case events.ContactConnected():
                bookings.apply_connected(state, event, context)
            case events.ExclusionEnded():
                bookings.apply_exclusion_ended(state, event, context)
            case events.SegmentEnded():
                segments.apply_segment_ended(state, event, context)
            case events.CallbackBegun():
                callbacks.apply_begun(state, event, context)
            case events.CallbackDialled():
                bookings.apply_dialled(state, event, context)
            case events.CallbackCleared():
                callbacks.apply_cleared(state, event, context)
            case events.CallbackReached():
                callbacks.apply_reached(state, event, context)
            case events.CallbackPostponed():
                callbacks.apply_postponed(state, event, context)
            case events.CallbackAttempted():
                callbacks.apply_attempted(state, event, context)
            case events.CallbackEnded():
                callbacks.apply_ended(state, event, context)
            case events.ContactReleased():
                wrap_ups.apply_released(state, event, context)
            case events.ConsultationOffered():
                consultations.apply_offered(state, event, context)
            case events.ConsultationAccepted():
                consultations.apply_accepted(state, event, context)
            case events.ConsultationConnected():
                consultations.apply_connected(state, event, context)
            case events.ConsultationMerged():
                consultations.apply_merged(state, event, context)
            case events.ConsultationCompleted():
                consultations.apply_completed(state, event, context)
            case events.ConsultationEnded():
                consultations.apply_ended(state, event, context)
            case events.ContactTakenOver():
                take_overs.apply_taken_over(state, event, context)
            case events.ContactParked():
                parked_chats.apply_parked(state, event, context)
            case events.ContactResumed():
                parked_chats.apply_resumed(state, event, context)
            case events.CustomerReturned():
                parked_chats.apply_returned(state, event, context)
            case events.WrapUpFinished():
                wrap_ups.apply_finished(state, event, context)
            case events.WrapUpExtended():
                wrap_ups.apply_extended(state, event, context)
            case events.OverflowChecked():
                overflows.apply_checked(state, event, context)
            case events.SharingBegun():
                overflows.apply_sharing_begun(state, event, context)
            case events.SharingEnded():
                overflows.apply_sharing_ended(state, event, context)
            case events.AffinityEnded():
                affinity.apply_ended(state, event, context)
            case events.ContactKeptBack():
                vips.apply_kept_back(state, event, context)
            case events.HandoutScheduled():
                handouts.apply_scheduled(state, event, context)
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
            case events.DeviceRegistered():
                devices.apply_registered(state, event, context)
            case events.DeviceLost():
                devices.apply_lost(state, event, context)
            case events.DeviceForgotten():
                devices.apply_forgotten(state, event, context)
            case events.AgentCalledIn():
                call_ins.apply_called_in(state, event, context)
            case events.CallInEnded():
                call_ins.apply_ended(state, event, context)
            case (
                events.RowsChanged() | events.ContactPulled() | events.ContactRequeued() | events.WaitingContactClosed()
            ):
                pass
            case _:
                assert_never(event)


def _decide(state: AcdState, domain: Domain, command: Command, context: Context) -> Iterator[Event]:
    match command:
        case commands.PutQueue():
            return configuration.put_queue(domain, command)
        case commands.PutPolicy():
            return configuration.put_policy(domain, command)
        case commands.PutAgent():
            return configuration.put_agent(domain, command, context)
        case commands.PutWrapUpCode():
            return configuration.put_wrap_up_code(domain, command)
        case commands.EnqueueContact():
            return segments.enqueue(domain, command, context)
        case commands.EndContact():
            return segments.end(domain, command, context)
        case commands.TransferContact():
            return transfers.transfer(domain, command, context)
        case commands.ChangeQueue():
            return queue_changes.change(domain, command, context)
        case _ if isinstance(command, commands.ConsultationCommand):
            return _decide_consultation(domain, command, context)
        case commands.TakeOverContact():
            return take_overs.take_over(domain, command, context)
        case commands.ParkContact():
            return parking.park(domain, command, context)
        case commands.ResumeContact():
            return parking.resume(domain, command, context)
        case commands.ReportConnected():
            return joining.report_connected(domain, command, context)
        case commands.ReportConnectFailed():
            return joining.report_failed(domain, command, context)
        case _ if isinstance(command, commands.CallbackCommand):
            return _decide_callback(domain, command, context)
        case commands.LosePeer():
            return desks.lose_peer(domain, command, context)
        case _ if isinstance(command, commands.DeviceCommand):
            return _decide_device(domain, command, context)
        case commands.PullContact():
            return supervision.pull(domain, command, context)
        case commands.RequeueContact():
            return supervision.requeue(domain, command, context)
        case commands.CloseWaitingContact():
            return supervision.close(domain, command, context)
        case commands.CallInAgent():
            return call_ins.call_in(domain, command, context)
        case _ if isinstance(command, commands.AgentCommand):
            _check_actor(command, context)
            return _decide_for_agent(state, domain, command, context)
        case _:
            return _decide_timer(state, command, context)


def _decide_consultation(domain: Domain, command: commands.ConsultationCommand, context: Context) -> Iterator[Event]:
    match command:
        case commands.ConsultAgent():
            return consultations.consult(domain, command, context)
        case commands.ReportConsultationConnected():
            return consultations.report_connected(domain, command, context)
        case commands.ReportConsultationFailed():
            return consultations.report_failed(domain, command, context)
        case commands.MergeConsultation():
            return consultations.merge(domain, command, context)
        case commands.CompleteConsultation():
            return consultations.complete(domain, command, context)
        case commands.EndConsultation():
            return consultations.end(domain, command, context)
        case _:
            assert_never(command)


def _decide_device(domain: Domain, command: commands.DeviceCommand, context: Context) -> Iterator[Event]:
    match command:
        case commands.ReportDevices():
            return devices.report(domain, command, context)
        case commands.LoseGateway():
            return devices.lose_gateway(domain, command, context)
        case commands.ForgetDevice():
            return devices.forget(domain, command, context)
        case _:
            assert_never(command)


def _decide_callback(domain: Domain, command: commands.CallbackCommand, context: Context) -> Iterator[Event]:
    match command:
        case commands.RequestCallback():
            return callbacks.request(domain, command, context)
        case commands.ClearCallback():
            return callbacks.clear(domain, command, context)
        case commands.PostponeCallback():
            return callbacks.postpone(domain, command, context)
        case commands.ReportCallbackReached():
            return callbacks.report_reached(domain, command, context)
        case commands.ReportCallbackResult():
            return callbacks.report_result(domain, command, context)
        case commands.WithdrawCallback():
            return callbacks.withdraw(domain, command, context)
        case _:
            assert_never(command)


def _decide_for_agent(
    state: AcdState, domain: Domain, command: commands.AgentCommand, context: Context
) -> Iterator[Event]:
    match command:
        case commands.AcceptOffer() if consultations.is_asked(domain, command):
            return consultations.accept(state, command, context)
        case commands.AcceptOffer():
            return offers.accept(state, command, context)
        case commands.DeclineOffer() if consultations.is_asked(domain, command):
            return consultations.decline(state, command, context)
        case commands.DeclineOffer():
            return offers.decline(state, command, context)
        case commands.FinishWrapUp():
            return wrap_ups.finish(domain, command, context)
        case commands.ExtendWrapUp():
            return wrap_ups.extend(domain, command, context)
        case commands.UnparkContact():
            return parking.unpark(domain, command, context)
        case commands.SetIntent():
            return desks.set_intent(domain, command, context)
        case commands.RearmAgent():
            return desks.rearm(domain, command, context)
        case commands.OpenAgentSession():
            return desks.open_session(domain, command, context)
        case commands.CloseAgentSession():
            return desks.close_session(domain, command, context)
        case commands.EndCallIn():
            return call_ins.end(domain, command, context)
        case _:
            assert_never(command)


def _decide_timer(state: AcdState, command: commands.TimerCommand, context: Context) -> Iterator[Event]:
    match command:
        case commands.ExpireOffer():
            return offers.expire(state, command, context)
        case commands.ExpireConnecting():
            return joining.expire_connecting(state, command, context)
        case commands.ExpireConsultation():
            return consultations.expire(state, command, context)
        case commands.ExpireWrapUp():
            return wrap_ups.expire(state, command, context)
        case commands.ExpireGrace():
            return desks.expire_grace(state, command, context)
        case commands.ExpireCallIn():
            return call_ins.expire(state, command, context)
        case commands.EndExclusion():
            return offers.end_exclusion(state, command, context)
        case commands.RelaxContact():
            return relaxation.relax(state, command, context)
        case commands.CheckOverflow():
            return overflows.check_overflow(state, command, context)
        case commands.EndAffinity():
            return affinity.end(state, command, context)
        case commands.HandOutChats():
            return handouts.hand_out(state, context)
        case commands.BeginCallback():
            return callbacks.begin(state, command, context)
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
