"""Steps as commands to crm, ivr and acd.

Owns: what each kind of step says. Must not: retry or judge an answer; application/steps.py does.
"""

from collections.abc import Callable
from typing import Any, Protocol

from trunkline.acd.v1 import acd_commands_pb2 as acd
from trunkline.acd.v1.acd_types_pb2 import CallbackOutcome, Preference
from trunkline.common.v1.common_types_pb2 import Sealed as SealedMessage
from trunkline.customer.v1 import customer_commands_pb2 as crm
from trunkline.customer.v1.customer_events_pb2 import ContactResolved
from trunkline.directory.v1 import directory_types_pb2 as types
from trunkline.ivr.v1 import ivr_commands_pb2 as ivr
from trunkline_core.errors import Rejection
from trunkline_core.routing import SkillChoice, SkillRequirement
from trunkline_core.sealed import Sealed
from trunkline_platform.credentials import Principal, service_principal
from trunkline_platform.wire import Mapper, timestamp

from trunkline_channels.adapters.enums import channel_value
from trunkline_channels.application.steps import DialLookup
from trunkline_channels.domain import commands
from trunkline_channels.domain.contact import Consultation, Contact, Step
from trunkline_channels.domain.words import CloseReason, StepKind

TIMEOUT_S = 5.0

_NEED = Mapper(SkillRequirement, types.SkillRequirement)
_CHOICE = Mapper(SkillChoice, types.SkillChoice)

_END_REASONS = {
    CloseReason.CUSTOMER_LEFT: "customer_left",
    CloseReason.AGENT_ENDED: "agent_ended",
    CloseReason.PEER_LOST: "peer_lost",
    CloseReason.INACTIVE: "customer_left",
    CloseReason.RECONCILED: "reconciled",
}


class Client(Protocol):
    """One service's CommandService, wherever the owner of the partition is."""

    async def execute(
        self, command: Any, principal: Principal, *, command_id: str, correlation_id: str, timeout_s: float
    ) -> list[Any]:
        """Return the events of the command. Raises: TrunklineError."""
        ...


class ServiceTargets:
    """The three services a contact's saga asks."""

    def __init__(self, crm_client: Client, ivr_client: Client, acd_client: Client) -> None:
        self._crm = crm_client
        self._ivr = ivr_client
        self._acd = acd_client
        self._orders: dict[StepKind, tuple[Client, Callable[[Contact, Step], Any]]] = {
            StepKind.START_SESSION: (ivr_client, _start_session),
            StepKind.ADVANCE_SESSION: (ivr_client, _advance_session),
            StepKind.END_SESSION: (ivr_client, _end_session),
            StepKind.ENQUEUE: (acd_client, _enqueue),
            StepKind.REPORT_CONNECTED: (acd_client, _report_connected),
            StepKind.REPORT_CONNECT_FAILED: (acd_client, _report_connect_failed),
            StepKind.TRANSFER: (acd_client, _transfer),
            StepKind.PARK: (acd_client, _park),
            StepKind.RESUME: (acd_client, _resume),
            StepKind.CONSULT: (acd_client, _consult),
            StepKind.REPORT_CONSULTATION_CONNECTED: (acd_client, _report_consultation_connected),
            StepKind.REPORT_CONSULTATION_FAILED: (acd_client, _report_consultation_failed),
            StepKind.MERGE_CONSULTATION: (acd_client, _merge_consultation),
            StepKind.COMPLETE_CONSULTATION: (acd_client, _complete_consultation),
            StepKind.CANCEL_CONSULTATION: (acd_client, _cancel_consultation),
            StepKind.LEAVE_CONSULTATION: (acd_client, _leave_consultation),
            StepKind.TAKE_OVER: (acd_client, _take_over),
            StepKind.REQUEST_CALLBACK: (acd_client, _request_callback),
            StepKind.CHANGE_QUEUE: (acd_client, _change_queue),
            StepKind.REPORT_CALLBACK_RESULT: (acd_client, _report_callback_result),
            StepKind.CLEAR_CALLBACK: (acd_client, _clear_callback),
            StepKind.POSTPONE_CALLBACK: (acd_client, _postpone_callback),
            StepKind.REPORT_CALLBACK_REACHED: (acd_client, _report_callback_reached),
            StepKind.END_AT_ACD: (acd_client, _end_at_acd),
        }

    async def resolve(self, contact: Contact, step: Step, timeout_s: float) -> commands.RecordCustomer:
        """Return crm's answer; empty ids when it tells none."""
        events = await self._send(self._crm, contact, step, _resolve_customer(contact, step), timeout_s)
        for event in events:
            if event.WhichOneof("event") == "contact_resolved":
                return customer_of(event.contact_resolved, step.step_no)
        return commands.RecordCustomer(contact.contact_id, step.step_no, "")

    async def look_up(self, contact: Contact, step: Step, timeout_s: float) -> DialLookup:
        """Return what crm says of the customer of the address; nobody's address may be dialled."""
        events = await self._send(self._crm, contact, step, _look_up_customer(contact, step), timeout_s)
        for event in events:
            if event.WhichOneof("event") == "contact_resolved":
                return DialLookup(event.contact_resolved.customer_id, event.contact_resolved.do_not_call)
        return DialLookup("", do_not_call=False)

    async def carry_out(self, contact: Contact, step: Step) -> None:
        """Ask ivr or acd."""
        client, order = self._orders[step.kind]
        await self._send(client, contact, step, order(contact, step), TIMEOUT_S)

    async def _send(self, client: Client, contact: Contact, step: Step, command: Any, timeout_s: float) -> list[Any]:
        return await client.execute(
            command,
            service_principal("channels", contact.tenant),
            command_id=f"{contact.contact_id}/step/{step.step_no}",
            correlation_id=contact.contact_id,
            timeout_s=timeout_s,
        )


def customer_of(resolved: ContactResolved, step_no: int) -> commands.RecordCustomer:
    """Return crm's answer to that step as ours."""
    return commands.RecordCustomer(
        resolved.contact_id,
        step_no,
        resolved.customer_id,
        account_owner_id=resolved.account_owner_id,
        last_agent_id=resolved.last_agent_id,
    )


def _resolve_customer(contact: Contact, step: Step) -> crm.CustomerCommand:
    return crm.CustomerCommand(
        resolve_customer=crm.ResolveCustomer(
            contact_id=contact.contact_id,
            step_no=step.step_no,
            channel=channel_value(contact.channel),
            address_token=contact.address_token,
            address=_sealed(contact.address),
        )
    )


def _look_up_customer(contact: Contact, step: Step) -> crm.CustomerCommand:
    order = _resolve_customer(contact, step)
    order.resolve_customer.only_known = True  # else an erased customer's address would make a new one
    return order


def _start_session(contact: Contact, step: Step) -> ivr.IvrCommand:
    return ivr.IvrCommand(
        start_session=ivr.StartSession(
            contact_id=contact.contact_id,
            step_no=step.step_no,
            flow_id=contact.flow_id,
            attributes=contact.attributes,
            locale=contact.locale,
        )
    )


def _advance_session(contact: Contact, step: Step) -> ivr.IvrCommand:
    answer = contact.answer
    if answer is None:
        raise Rejection("NothingAnswered")
    return ivr.IvrCommand(
        advance_session=ivr.AdvanceSession(
            contact_id=contact.contact_id,
            step_no=step.step_no,
            node_id=answer.node_id,
            option_id=answer.option_id,
            text=_sealed(answer.text),
        )
    )


def _end_session(contact: Contact, step: Step) -> ivr.IvrCommand:
    return ivr.IvrCommand(end_session=ivr.EndSession(contact_id=contact.contact_id, step_no=step.step_no))


def _enqueue(contact: Contact, step: Step) -> acd.AcdCommand:
    wish = contact.wish
    if wish is None:
        raise Rejection("NobodyWanted")
    return acd.AcdCommand(
        enqueue_contact=acd.EnqueueContact(
            contact_id=contact.contact_id,
            step_no=step.step_no,
            queue_id=wish.queue_id,
            channel=channel_value(contact.channel),
            value_permille=wish.value_permille,
            urgency_permille=wish.urgency_permille,
            requirements=map(_NEED.to_message, wish.requirements),
            choices=map(_CHOICE.to_message, wish.choices),
            customer_id=contact.customer_id,
            preferred_agent_id=contact.account_owner_id or contact.last_agent_id,
            preference=_preference(contact),
        )
    )


def _preference(contact: Contact) -> Preference.ValueType:
    """Whose account it is goes before who had the customer last (routing rule 10)."""
    if contact.account_owner_id:
        return Preference.PREFERENCE_ACCOUNT_OWNER
    return Preference.PREFERENCE_LAST_AGENT if contact.last_agent_id else Preference.PREFERENCE_UNSPECIFIED


def _report_connected(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        report_connected=acd.ReportConnected(
            **_of_offer(contact, step, step.offer_no),
        )
    )


def _report_connect_failed(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        report_connect_failed=acd.ReportConnectFailed(
            **_of_offer(contact, step, step.offer_no),
            reason=contact.failure or "failed",
        )
    )


def _transfer(contact: Contact, step: Step) -> acd.AcdCommand:
    transfer = contact.transfer
    if transfer is None:
        raise Rejection("NothingToTransfer")
    return acd.AcdCommand(
        transfer_contact=acd.TransferContact(
            **_by(contact, step, contact.agent_id),
            queue_id=transfer.queue_id,
            preferred_agent_id=transfer.preferred_agent_id,
            insist=transfer.insist,
        )
    )


def _park(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        park_contact=acd.ParkContact(
            **_by(contact, step, contact.agent_id),
        )
    )


def _resume(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        resume_contact=acd.ResumeContact(
            **_by(contact, step, contact.agent_id),
        )
    )


def _consult(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        consult_agent=acd.ConsultAgent(
            **_by(contact, step, contact.agent_id),
            colleague_id=_asked(contact).agent_id,
        )
    )


def _report_consultation_connected(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        report_consultation_connected=acd.ReportConsultationConnected(
            **_of_offer(contact, step, _asked(contact).offer_no),
        )
    )


def _report_consultation_failed(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        report_consultation_failed=acd.ReportConsultationFailed(
            **_of_offer(contact, step, _asked(contact).offer_no),
            reason=_asked(contact).failure or "failed",
        )
    )


def _merge_consultation(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(merge_consultation=acd.MergeConsultation(**_by(contact, step, contact.agent_id)))


def _complete_consultation(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(complete_consultation=acd.CompleteConsultation(**_by(contact, step, contact.agent_id)))


def _cancel_consultation(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(end_consultation=acd.EndConsultation(**_by(contact, step, contact.agent_id)))


def _leave_consultation(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(end_consultation=acd.EndConsultation(**_by(contact, step, _asked(contact).agent_id)))


def _take_over(contact: Contact, step: Step) -> acd.AcdCommand:
    wanted = contact.take_over
    if wanted is None:
        raise Rejection("NothingToTakeOver")
    return acd.AcdCommand(
        take_over_contact=acd.TakeOverContact(
            **_by(contact, step, contact.agent_id),
            to_agent_id=wanted.agent_id,
            supervisor_id=wanted.supervisor_id,
            reason=wanted.reason,
        )
    )


def _by(contact: Contact, step: Step, agent_id: str) -> dict[str, Any]:
    return {
        "contact_id": contact.contact_id,
        "step_no": step.step_no,
        "segment_no": step.segment_no,
        "agent_id": agent_id,
    }


def _of_offer(contact: Contact, step: Step, offer_no: int) -> dict[str, Any]:
    return {
        "contact_id": contact.contact_id,
        "step_no": step.step_no,
        "segment_no": step.segment_no,
        "offer_no": offer_no,
    }


def _asked(contact: Contact) -> Consultation:
    if contact.consultation is None:
        raise Rejection("NoConsultation")
    return contact.consultation


def _request_callback(contact: Contact, step: Step) -> acd.AcdCommand:
    time = contact.callback_not_before
    return acd.AcdCommand(
        request_callback=acd.RequestCallback(
            contact_id=contact.contact_id,
            step_no=step.step_no,
            customer_id=contact.customer_id,
            not_before_time=timestamp(time) if time else None,
        )
    )


def _change_queue(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        change_queue=acd.ChangeQueue(
            contact_id=contact.contact_id,
            step_no=step.step_no,
            segment_no=step.segment_no,
            queue_id=contact.wanted_queue_id,
        )
    )


def _report_callback_result(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        report_callback_result=acd.ReportCallbackResult(
            **_of_offer(contact, step, step.offer_no),
            outcome=CallbackOutcome.Value(f"CALLBACK_OUTCOME_{(contact.failure or 'failed').upper()}"),
            reason=contact.callback_reason,
        )
    )


def _clear_callback(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        clear_callback=acd.ClearCallback(
            **_of_offer(contact, step, step.offer_no),
            customer_id=contact.customer_id,
        )
    )


def _postpone_callback(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        postpone_callback=acd.PostponeCallback(
            **_of_offer(contact, step, step.offer_no),
            reason=contact.callback_reason,
            until_time=timestamp(contact.rests_until) if contact.rests_until else None,
        )
    )


def _report_callback_reached(contact: Contact, step: Step) -> acd.AcdCommand:
    return acd.AcdCommand(
        report_callback_reached=acd.ReportCallbackReached(
            **_of_offer(contact, step, step.offer_no),
        )
    )


def _end_at_acd(contact: Contact, step: Step) -> acd.AcdCommand:
    reason = _END_REASONS.get(contact.close_reason, "system")
    return acd.AcdCommand(
        end_contact=acd.EndContact(contact_id=contact.contact_id, step_no=step.step_no, reason=reason)
    )


def _sealed(sealed: Sealed | None) -> SealedMessage | None:
    if sealed is None:
        return None
    return SealedMessage(key_id=sealed.key_id, nonce=sealed.nonce, ciphertext=sealed.ciphertext)
