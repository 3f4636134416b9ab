"""The contact as a decider: sends each command and each event to the module of its noun.

Owns: that every event of a contact raises the row's version. Must not: contain a rule of its own.
"""

from collections.abc import Iterator
from typing import assert_never

from trunkline_core.decider import Context
from trunkline_core.replacing import replace

from trunkline_channels.domain import (
    callbacks,
    closing,
    commands,
    connecting,
    consultation_words,
    consultations,
    conversation,
    deliveries,
    dialling,
    entry_points,
    events,
    menus,
    monitoring,
    notes,
    opening,
    parking,
    peers,
    queueing,
    reconciling,
    refusals,
    self_service,
    steps,
    supervisor_words,
    take_overs,
    transfers,
    treatments,
    whispers,
)
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.events import Event
from trunkline_channels.domain.state import ChannelsState


class ChannelsDecider:
    """The rules of a contact's life."""

    def decide(self, state: ChannelsState, command: Command, context: Context) -> Iterator[Event]:
        """Yield what the command causes. Raises: TrunklineError."""
        return _decide(state, command, context)

    def evolve(self, state: ChannelsState, event: Event, context: Context) -> None:
        """Apply one event."""
        match event:
            case events.EntryPointPut():
                entry_points.apply_put(state, event, context)
            case events.HookPut():
                deliveries.apply_hook_put(state, event, context)
            case events.TreatmentPut():
                treatments.apply_put(state, event, context)
            case events.HoursPut():
                dialling.apply_hours_put(state, event, context)
            case events.ContactOpened():
                opening.apply_opened(state, event, context)
                _count(state, event)
            case _:
                contact = state.contacts.get(event.contact_id)
                if contact is not None:  # a wrap-up may come after the contact left memory
                    _evolve(state, contact, event, context)
                    _count(state, event)


def _count(state: ChannelsState, event: events.ContactEvent) -> None:
    contact = state.contacts.get(event.contact_id)
    if contact is not None:
        announcing = contact.announcing + treatments.is_announcing(contact, event)
        state.put(replace(contact, version=contact.version + 1, announcing=announcing))
    treatments.follow(state, event.contact_id)


def _decide(state: ChannelsState, command: Command, context: Context) -> Iterator[Event]:
    match command:
        case commands.PutEntryPoint():
            return entry_points.put(state, command, context)
        case commands.PutHook():
            return deliveries.put_hook(state, command, context)
        case commands.PutTreatments():
            return treatments.put(state, command, context)
        case commands.PutHours():
            return dialling.put_hours(state, command, context)
        case commands.LosePeer():
            return peers.lose(state, command, context)
        case commands.LoseSupervisor():
            return monitoring.lose(state, command, context)
        case commands.ReconcileContact():
            return reconciling.reconcile(state, command, context)
        case commands.RecordCustomer():
            return opening.record_customer(state, command, context)
        case commands.RecordWait():
            return treatments.record_wait(state, command, context)
        case commands.RecordDialCheck():
            return dialling.record_check(state, command, context)
        case commands.RefuseStep():
            return refusals.refuse(state, command, context)
        case commands.ExpireContact():
            return closing.expire(state, command, context)
        case commands.ParkSilentContact():
            return parking.park_silent(state, command, context)
        case commands.AnnounceTreatment():
            return treatments.announce(state, command, context)
        case commands.ExpireMonitoring():
            return monitoring.expire(state, command, context)
        case commands.DropContact():
            return closing.drop(state, command, context)
        case _ if isinstance(command, commands.EdgeCommand):
            return _decide_for_edge(state, command, context)
        case _:
            return _decide_fact(state, command, context)


def _decide_for_edge(state: ChannelsState, command: commands.EdgeCommand, context: Context) -> Iterator[Event]:
    peers.check_brought(state, command.contact_id, context)
    match command:
        case commands.OpenContact():
            return opening.open_contact(state, command, context)
        case commands.TakeDelivery():
            return deliveries.take(state, command, context)
        case commands.GiveInput():
            return self_service.give_input(state, command, context)
        case commands.AddMessage():
            return conversation.add(state, command, context)
        case commands.CloseContact():
            return closing.close(state, command, context)
        case commands.ConfirmConnect() if monitoring.is_of_leg(command):
            return monitoring.confirm_leg(state, command, context)
        case commands.RefuseConnect() if monitoring.is_of_leg(command):
            return monitoring.refuse_leg(state, command, context)
        case commands.ConfirmConnect() if consultations.is_of_leg(state, command):
            return consultations.confirm_leg(state, command, context)
        case commands.RefuseConnect() if consultations.is_of_leg(state, command):
            return consultations.refuse_leg(state, command, context)
        case commands.ConfirmConnect():
            return connecting.confirm(state, command, context)
        case commands.RefuseConnect():
            return connecting.refuse(state, command, context)
        case commands.RequestCallback():
            return callbacks.request(state, command, context)
        case commands.ChooseTreatmentOption():
            return menus.choose(state, command, context)
        case commands.WithdrawCallback():
            return callbacks.withdraw(state, command, context)
        case commands.ReportCallResult():
            return callbacks.report(state, command, context)
        case commands.TransferContact():
            return transfers.request(state, command, context)
        case _ if isinstance(command, commands.ConsultationCommand):
            return _decide_consultation(state, command, context)
        case commands.MonitorContact():
            return monitoring.monitor(state, command, context)
        case commands.StopMonitoring():
            return monitoring.stop(state, command, context)
        case commands.AddSupervisorMessage():
            return supervisor_words.add(state, command, context)
        case commands.TakeOverContact():
            return take_overs.request(state, command, context)
        case commands.AttachPeer():
            return peers.attach(state, command, context)
        case commands.DetachPeer():
            return peers.detach(state, command, context)
        case _:
            assert_never(command)


def _decide_consultation(
    state: ChannelsState, command: commands.ConsultationCommand, context: Context
) -> Iterator[Event]:
    match command:
        case commands.ConsultAgent():
            return consultations.request(state, command, context)
        case commands.TalkTo():
            return consultations.talk_to(state, command, context)
        case commands.MergeConsultation():
            return consultations.merge(state, command, context)
        case commands.CompleteConsultation():
            return consultations.complete(state, command, context)
        case commands.LeaveConsultation():
            return consultations.leave(state, command, context)
        case commands.AddConsultationMessage():
            return consultation_words.add(state, command, context)
        case _:
            assert_never(command)


def _decide_fact(state: ChannelsState, command: commands.Fact, context: Context) -> Iterator[Event]:
    match command:
        case commands.RecordText():
            return self_service.record_text(state, command, context)
        case commands.RecordPrompt():
            return self_service.record_prompt(state, command, context)
        case commands.RecordGathered():
            return self_service.record_gathered(state, command, context)
        case commands.RecordPersonRequested():
            return self_service.record_person_requested(state, command, context)
        case commands.RecordSelfServiceCompleted():
            return self_service.record_completed(state, command, context)
        case commands.RecordEnqueued():
            return queueing.record_enqueued(state, command, context)
        case commands.RecordOffered():
            return queueing.record_offered(state, command, context)
        case commands.RecordAccepted():
            return queueing.record_accepted(state, command, context)
        case commands.RecordOfferEnded():
            return queueing.record_offer_ended(state, command, context)
        case commands.RecordConnected():
            return queueing.record_connected(state, command, context)
        case commands.RecordForgotten():
            return closing.confirm_clean_up(state, command, context)
        case commands.RecordParked():
            return parking.record_parked(state, command, context)
        case commands.RecordResumed():
            return parking.record_resumed(state, command, context)
        case commands.RecordCustomerReturned():
            return parking.record_returned(state, command, context)
        case commands.RecordAgentLost():
            return queueing.record_agent_lost(state, command, context)
        case commands.RecordLimitReached():
            return queueing.record_limit_reached(state, command, context)
        case commands.RecordWaitingContactClosed():
            return queueing.record_closed(state, command, context)
        case _ if isinstance(command, commands.CallbackFact):
            return _decide_callback_fact(state, command, context)
        case commands.RecordConsultation():
            return consultations.record(state, command, context)
        case commands.RecordConsultationCompleted():
            return consultations.record_completed(state, command, context)
        case commands.RecordConsultationEnded():
            return consultations.record_ended(state, command, context)
        case commands.RecordTakenOver():
            return take_overs.record(state, command, context)
        case commands.RecordWrapUp():
            return queueing.record_wrap_up(state, command, context)
        case _:
            assert_never(command)


def _decide_callback_fact(state: ChannelsState, command: commands.CallbackFact, context: Context) -> Iterator[Event]:
    match command:
        case commands.RecordCallbackOpened():
            return callbacks.record_opened(state, command, context)
        case commands.RecordCallbackDialled():
            return queueing.record_dialled(state, command, context)
        case commands.RecordCallbackCleared():
            return dialling.record_cleared(state, command, context)
        case commands.RecordCallbackReached():
            return callbacks.record_reached(state, command, context)
        case commands.RecordCallbackEnded():
            return callbacks.record_ended(state, command, context)
        case _:
            assert_never(command)


def _evolve(state: ChannelsState, contact: Contact, event: events.LaterEvent, context: Context) -> None:
    match event:
        case events.CustomerIdentified():
            opening.apply_identified(state, contact, event)
        case events.StepBegun():
            steps.apply_begun(state, contact, event)
        case events.StepRefused():
            refusals.apply_refused(state, contact, event, context)
        case events.PromptShown():
            self_service.apply_prompt(state, contact, event)
        case events.InputGiven():
            self_service.apply_input(state, contact, event, context)
        case events.TextGathered():
            self_service.apply_gathered(state, contact, event)
        case events.PersonRequested():
            self_service.apply_person_requested(state, contact, event)
        case events.TextShown():
            conversation.apply_text(state, contact, event, context)
        case events.MessageAdded():
            conversation.apply_message(state, contact, event, context)
        case events.WhisperAdded():
            whispers.apply_added(state, contact, event, context)
        case events.PeerAttached():
            peers.apply_attached(state, contact, event)
        case events.PeerDetached():
            peers.apply_detached(state, contact, event, context)
        case events.ContactClosed():
            closing.apply_closed(state, contact, event, context)
        case events.CleanUpConfirmed():
            closing.apply_confirmed(state, contact, event, context)
        case events.ContactDropped():
            closing.apply_dropped(state, event)
        case events.ContactWrappedUp():
            pass
        case events.ContactParked():
            parking.apply_parked(state, contact)
        case events.ContactResumed():
            parking.apply_resumed(state, contact, context)
        case events.CustomerReturned():
            parking.apply_returned(state, contact)
        case events.TreatmentAnnounced():
            treatments.apply_announced(state, contact, event, context)
        case events.TreatmentOptionChosen():
            menus.apply_chosen(state, contact, event)
        case events.TransferRequested():
            transfers.apply_requested(state, contact, event)
        case events.NoteHandedOn():
            notes.apply_handed_on(state, contact, event, context)
        case _ if isinstance(event, events.CallbackEvent):
            _evolve_callback(state, contact, event)
        case _ if isinstance(event, events.ConsultationEvent):
            _evolve_consultation(state, contact, event, context)
        case _ if isinstance(event, events.SupervisionEvent):
            _evolve_supervision(state, contact, event, context)
        case _:
            _evolve_in_queue(state, contact, event, context)


def _evolve_callback(state: ChannelsState, contact: Contact, event: events.CallbackEvent) -> None:
    match event:
        case events.CallbackRequested():
            callbacks.apply_requested(state, contact, event)
        case events.CallbackOpened():
            callbacks.apply_opened(state, contact, event)
        case events.CallerHungUp():
            callbacks.apply_hung_up(state, contact)
        case events.DiallingPostponed():
            dialling.apply_postponed(state, contact, event)
        case events.CallbackCleared():
            dialling.apply_cleared(state, contact)
        case events.CustomerReached():
            callbacks.apply_reached(state, contact, event)
        case events.CustomerUnreached():
            callbacks.apply_unreached(state, contact, event)
        case _:
            assert_never(event)


def _evolve_consultation(
    state: ChannelsState, contact: Contact, event: events.ConsultationEvent, context: Context
) -> None:
    match event:
        case events.ConsultationRequested():
            consultations.apply_requested(state, contact, event)
        case events.ConsultationOffered():
            consultations.apply_offered(state, contact, event)
        case events.ConsultationAccepted():
            consultations.apply_accepted(state, contact, event)
        case events.ConsultationLegJoined():
            consultations.apply_leg_joined(state, contact, event)
        case events.ConsultationLegRefused():
            consultations.apply_leg_refused(state, contact, event)
        case events.ConsultationConnected():
            consultations.apply_connected(state, contact, event)
        case events.ConsultationSwapped():
            consultations.apply_swapped(state, contact, event)
        case events.ConsultationMerged():
            consultations.apply_merged(state, contact, event)
        case events.ConsultationCompleted():
            consultations.apply_completed(state, contact, event, context)
        case events.ConsultationEnded():
            consultations.apply_ended(state, contact, event, context)
        case _:
            assert_never(event)


def _evolve_supervision(
    state: ChannelsState, contact: Contact, event: events.SupervisionEvent, context: Context
) -> None:
    match event:
        case events.MonitoringBegun():
            monitoring.apply_begun(state, contact, event, context)
        case events.MonitoringLegJoined():
            monitoring.apply_leg_joined(state, contact, event)
        case events.MonitoringChanged():
            monitoring.apply_changed(state, contact, event)
        case events.MonitoringEnded():
            monitoring.apply_ended(state, contact, event)
        case events.TakeOverRequested():
            take_overs.apply_requested(state, contact, event)
        case events.ContactTakenOver():
            take_overs.apply_taken_over(state, contact, event)
        case _:
            assert_never(event)


def _evolve_in_queue(state: ChannelsState, contact: Contact, event: events.QueueEvent, context: Context) -> None:
    match event:
        case events.ContactQueued():
            queueing.apply_queued(state, contact, event, context)
        case events.ContactOffered() | events.ConnectRequested():
            queueing.apply_offered(state, contact, event)
        case events.ContactReturned():
            queueing.apply_returned(state, contact, event)
        case events.ContactConnected():
            queueing.apply_connected(state, contact, event, context)
        case events.LegsJoined():
            connecting.apply_joined(state, contact, event)
        case events.LegsRefused():
            connecting.apply_refused(state, contact, event)
        case _:
            assert_never(event)
