"""Facts of other services as commands to a contact (ledger rule 13): the only way they come back.

Owns: which event means which command. Pure: decodes and maps; the decider judges what is old.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.acd.v1.acd_types_pb2 import ConsultationEndReason, SegmentOutcome
from trunkline.common.v1.common_types_pb2 import Sealed as SealedMessage
from trunkline.customer.v1.customer_events_pb2 import CustomerEvent
from trunkline.directory.v1 import directory_types_pb2 as types
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent
from trunkline.ivr.v1.ivr_events_pb2 import IvrEvent
from trunkline_core.errors import Invalid
from trunkline_core.flows import MenuOption
from trunkline_core.hours import HoursDefinition
from trunkline_core.routing import SkillChoice, SkillRequirement
from trunkline_core.sealed import Sealed
from trunkline_core.texts import LocalizedText
from trunkline_core.treatments import QueueTreatment
from trunkline_core.webhooks import HookDefinition
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_ledger.managers import ManagerCommand, ProcessManager
from trunkline_platform.wire import Mapper

from trunkline_channels.adapters.targets import customer_of
from trunkline_channels.domain import commands
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.identity import partition_token
from trunkline_channels.domain.words import ConsultationState, EntryPointDefinition, TreatmentOfQueue

_TEXT = Mapper(LocalizedText, types.LocalizedText)
_OPTION = Mapper(MenuOption, types.MenuOption)
_NEED = Mapper(SkillRequirement, types.SkillRequirement)
_CHOICE = Mapper(SkillChoice, types.SkillChoice)
_SEALED = Mapper(Sealed, SealedMessage)
_ENTRY_POINT = Mapper(EntryPointDefinition, types.EntryPointDefinition)
_HOURS = Mapper(HoursDefinition, types.HoursDefinition)
_HOOK = Mapper(HookDefinition, types.HookDefinition)
_TREATMENT = Mapper(QueueTreatment, types.QueueTreatment)


def managers() -> list[ProcessManager[Command]]:
    """Return channels' process managers."""
    return [
        ProcessManager("channels.acd", "acd.events.v1", facts_of_acd),
        ProcessManager("channels.ivr", "ivr.events.v1", facts_of_ivr),
        ProcessManager("channels.crm", "customer.events.v1", facts_of_crm),
        ProcessManager("channels.directory", "directory.events.v1", definitions),
        # of its own, and from the beginning: the one above had passed hours by before anybody asked for them
        ProcessManager("channels.hours", "directory.events.v1", hours),
    ]


def facts_of_acd(record: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
    """Offers and their ends; what is not about a contact leads to nothing."""
    return _contact_command(AcdEvent.FromString(record.record.value), _ACD)


def facts_of_ivr(record: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
    """What the flow says and asks, and how it ended."""
    return _contact_command(IvrEvent.FromString(record.record.value), _IVR)


def facts_of_crm(record: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
    """Whose a contact is: mostly known by crm's answer already, but a contact does not wait long for that."""
    return _contact_command(CustomerEvent.FromString(record.record.value), _CRM)


def definitions(record: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
    """Entry points, hooks and what plays in queues, for every partition."""
    event = DirectoryEvent.FromString(record.record.value)
    command: Command
    match event.WhichOneof("event"):
        case "entry_point_defined":
            command = commands.PutEntryPoint(_ENTRY_POINT.from_message(event.entry_point_defined.entry_point))
        case "hook_defined":
            command = commands.PutHook(_HOOK.from_message(event.hook_defined.hook))
        case "queue_defined":
            command = _treatments([event.queue_defined.queue])
        case "policy_published":
            command = _treatments(event.policy_published.queues)
        case _:
            return ()
    return (_command(None, event.metadata, command),)


def hours(record: EffectiveRecord) -> Sequence[ManagerCommand[Command]]:
    """Business hours, for every partition."""
    event = DirectoryEvent.FromString(record.record.value)
    if event.WhichOneof("event") != "hours_defined":
        return ()
    return (_command(None, event.metadata, commands.PutHours(_HOURS.from_message(event.hours_defined.hours))),)


def _treatments(queues: Iterable[Any]) -> Command:
    """One command for all queues of a version, so that they change at once."""
    return commands.PutTreatments(
        tuple(
            TreatmentOfQueue(
                queue.queue_id, _TREATMENT.from_message(queue.treatment) if queue.HasField("treatment") else None
            )
            for queue in queues
        )
    )


def _contact_command(event: Any, table: dict[str, Callable[[Any], Command | None]]) -> list[ManagerCommand[Command]]:
    kind = event.WhichOneof("event") or ""
    if kind not in table:
        return []
    happened = getattr(event, kind)
    try:
        key = partition_token(happened.contact_id)
    except Invalid:  # not a contact of ours
        return []
    fact = table[kind](happened)
    return [] if fact is None else [_command(key, event.metadata, fact)]


def _command(key: str | None, metadata: Any, command: Command) -> ManagerCommand[Command]:
    return ManagerCommand(
        key=key,
        tenant=metadata.tenant_id,
        actor="system",
        command=command,
        correlation_id=metadata.correlation_id,
        causation_id=metadata.event_id,
    )


def _text(holder: Any, field: str) -> LocalizedText | None:
    return _TEXT.from_message(getattr(holder, field)) if holder.HasField(field) else None


def _sealed(holder: Any) -> Sealed | None:
    return _SEALED.from_message(holder.text) if holder.HasField("text") else None


def _returned(event: Any) -> Command:
    return commands.RecordOfferEnded(event.contact_id, event.segment_no, event.offer_no)


def _forgotten(event: Any) -> Command:
    return commands.RecordForgotten(event.contact_id, event.step_no)


def _prompt(event: Any) -> Command:
    options = tuple(_OPTION.from_message(option) for option in event.options)
    return commands.RecordPrompt(event.contact_id, event.node_id, event.visit_no, _text(event, "prompt"), options)


def _person(event: Any) -> Command:
    return commands.RecordPersonRequested(
        contact_id=event.contact_id,
        queue_id=event.queue_id,
        value_permille=event.value_permille,
        urgency_permille=event.urgency_permille,
        requirements=tuple(_NEED.from_message(need) for need in event.requirements),
        text=_text(event, "text"),
        choices=tuple(_CHOICE.from_message(choice) for choice in event.choices),
    )


def _segment_ended(event: Any) -> Command | None:
    is_over = event.outcome == SegmentOutcome.SEGMENT_OUTCOME_LIMIT_REACHED and not event.next_queue_id
    return commands.RecordLimitReached(event.contact_id, event.segment_no) if is_over else None


def _callback_ended(event: Any) -> Command | None:
    if event.next_queue_id:
        return None
    fact = commands.RecordLimitReached if event.limit else commands.RecordCallbackEnded
    return fact(event.contact_id, event.segment_no)


def _enqueued(event: Any) -> Command:
    if event.callback:
        return commands.RecordCallbackOpened(event.contact_id, event.queue_id, event.segment_no)
    parking = event.parking_duration.ToTimedelta()
    return commands.RecordEnqueued(event.contact_id, event.step_no, event.queue_id, event.segment_no, parking)


def _consultation(state: ConsultationState) -> Callable[[Any], Command]:
    return lambda e: commands.RecordConsultation(e.contact_id, e.segment_no, e.offer_no, e.agent_id, state)


def _consultation_ended(event: Any) -> Command:
    reason = ConsultationEndReason.Name(event.reason).removeprefix("CONSULTATION_END_REASON_").lower()
    return commands.RecordConsultationEnded(event.contact_id, event.segment_no, event.offer_no, reason)


_ACD: dict[str, Callable[[Any], Command | None]] = {
    "contact_enqueued": _enqueued,
    "callback_dialled": lambda e: commands.RecordCallbackDialled(
        e.contact_id, e.segment_no, e.offer_no, e.agent_id, e.hours_id
    ),
    "callback_cleared": lambda e: commands.RecordCallbackCleared(e.contact_id, e.segment_no, e.offer_no),
    "callback_reached": lambda e: commands.RecordCallbackReached(e.contact_id, e.segment_no, e.offer_no),
    "callback_postponed": _returned,
    "callback_attempted": _returned,
    "callback_ended": _callback_ended,
    "contact_offered": lambda e: commands.RecordOffered(e.contact_id, e.segment_no, e.offer_no, e.agent_id, e.ring_all),
    "offer_accepted": lambda e: commands.RecordAccepted(e.contact_id, e.segment_no, e.offer_no, e.agent_id, e.hours_id),
    "offer_ended": _returned,
    "connect_failed": _returned,
    "contact_connected": lambda e: commands.RecordConnected(e.contact_id, e.segment_no, e.offer_no, e.agent_id),
    "contact_released": lambda e: commands.RecordAgentLost(e.contact_id, e.agent_id) if e.desk_lost else None,
    "contact_parked": lambda e: commands.RecordParked(e.contact_id, e.segment_no, e.agent_id),
    "contact_resumed": lambda e: commands.RecordResumed(e.contact_id, e.segment_no, e.agent_id),
    "customer_returned": lambda e: commands.RecordCustomerReturned(e.contact_id, e.segment_no, e.agent_id),
    "consultation_offered": _consultation(ConsultationState.OFFERED),
    "consultation_accepted": _consultation(ConsultationState.CONNECTING),
    "consultation_connected": _consultation(ConsultationState.TALKING),
    "consultation_merged": _consultation(ConsultationState.CONFERENCE),
    "consultation_completed": lambda e: commands.RecordConsultationCompleted(
        e.contact_id, e.segment_no, e.offer_no, e.agent_id
    ),
    "consultation_ended": _consultation_ended,
    "contact_taken_over": lambda e: commands.RecordTakenOver(e.contact_id, e.segment_no, e.offer_no, e.agent_id),
    "contact_forgotten": _forgotten,
    "segment_ended": _segment_ended,
    "waiting_contact_closed": lambda e: commands.RecordWaitingContactClosed(e.contact_id, e.segment_no),
    "wrap_up_finished": lambda e: commands.RecordWrapUp(e.contact_id, e.agent_id, e.wrap_up_code),
}
_CRM: dict[str, Callable[[Any], Command | None]] = {
    "contact_resolved": lambda e: customer_of(e, e.step_no),
}
_IVR: dict[str, Callable[[Any], Command | None]] = {
    "text_said": lambda e: commands.RecordText(e.contact_id, _text(e, "text")),
    "input_awaited": _prompt,
    "input_taken": lambda e: commands.RecordGathered(e.contact_id, e.attribute, _sealed(e)) if e.attribute else None,
    "person_requested": _person,
    "self_service_completed": lambda e: commands.RecordSelfServiceCompleted(e.contact_id, _text(e, "text")),
    "session_ended": _forgotten,
}
