"""What acd knows, over gRPC: what is live, who waits or is connected, how long, and why. Must not: change anything."""

from datetime import datetime
from typing import Any, Final

from trunkline.acd.v1 import acd_service_pb2, acd_service_pb2_grpc, acd_types_pb2
from trunkline.common.v1 import common_types_pb2
from trunkline_core.errors import Invalid, NotFound
from trunkline_platform.credentials import Principal, Role
from trunkline_platform.grpc_server import current_principal
from trunkline_platform.live_pages import page_of
from trunkline_platform.wire import timestamp

from trunkline_acd.adapters.wire import CONTACT_EXPLANATION, WAIT_ESTIMATE
from trunkline_acd.application.contact_explanations import ContactExplanation, ContactExplanations
from trunkline_acd.application.desk_feed import AcdLedger
from trunkline_acd.application.domain_reads import read_domain
from trunkline_acd.domain.agents import Work
from trunkline_acd.domain.contacts import Contact
from trunkline_acd.domain.definitions import check_id
from trunkline_acd.domain.offer_history import OfferOutcome
from trunkline_acd.domain.state import AcdState
from trunkline_acd.domain.supervision import connected_at, waiting_in
from trunkline_acd.domain.waits import WaitView, wait_view

MAX_WAITING_SHOWN: Final = 200


class AcdReads(acd_service_pb2_grpc.AcdReadServiceServicer):
    """What is live, for channels (ADR 0017); a contact's wait, and why it is where it is; those who wait in a queue."""

    def __init__(self, ledger: AcdLedger, explanations: ContactExplanations) -> None:
        self._ledger = ledger
        self._explanations = explanations

    async def ListLiveContacts(
        self, request: acd_service_pb2.ListLiveContactsRequest, context: Any
    ) -> acd_service_pb2.ListLiveContactsResponse:
        """Return one page. Raises: Invalid, Forbidden; Transient from a replica that does not own the partition."""
        principal = current_principal()
        principal.require(Role.SERVICE)

        def rows(state: AcdState) -> list[tuple[str, Contact]]:
            return [(contact.contact_id, contact) for contact in state.domain(principal.tenant).contacts.values()]

        after, size = request.after_contact_id, request.page_size
        page = await page_of(self._ledger, request.partition, rows, after=after, size=size)
        return acd_service_pb2.ListLiveContactsResponse(
            contacts=map(_live_contact, page.rows),
            has_more=page.has_more,
            next_offset=page.next_offset,
            partition_count=page.partition_count,
        )

    async def ExplainContact(
        self, request: acd_service_pb2.ExplainContactRequest, context: Any
    ) -> acd_service_pb2.ExplainContactResponse:
        """Explain one contact.

        Raises: Invalid; NotFound, also for a contact of another agent; Forbidden; Transient from a replica that
            does not own the partition.
        """
        principal = current_principal()
        principal.require(Role.SERVICE, Role.SUPERVISOR, Role.ADMIN, Role.AGENT)
        check_id("contact_id", request.contact_id)
        found = await self._explanations.explain(principal.tenant, request.contact_id)
        _check_may_know(principal, found)
        return acd_service_pb2.ExplainContactResponse(explanation=CONTACT_EXPLANATION.to_message(found))

    async def GetWait(self, request: acd_service_pb2.GetWaitRequest, context: Any) -> acd_service_pb2.GetWaitResponse:
        """Return where a contact stands and what it has before it (routing rules 14 and 15).

        Raises: Invalid, NotFound, Forbidden; Transient from a replica that does not own the partition.
        """
        principal = current_principal()
        principal.require(Role.SERVICE, Role.SUPERVISOR)
        check_id("contact_id", request.contact_id)

        def view(state: AcdState, now: datetime) -> WaitView:
            return wait_view(state.domain(principal.tenant), request.contact_id, now)

        found, now = await read_domain(self._ledger, principal.tenant, view)
        return acd_service_pb2.GetWaitResponse(
            position=found.position,
            estimate=WAIT_ESTIMATE.to_message(found.estimate) if found.estimate else None,
            as_of_time=timestamp(now),
        )

    async def ListWaiting(
        self, request: acd_service_pb2.ListWaitingRequest, context: Any
    ) -> acd_service_pb2.ListWaitingResponse:
        """Return those who wait in a queue, for a supervisor (routing rule 20).

        Raises: Invalid, NotFound, Forbidden; Transient from a replica that does not own the partition.
        """
        principal = current_principal()
        principal.require(Role.SERVICE, Role.SUPERVISOR)
        check_id("queue_id", request.queue_id)
        if not 0 <= request.page_size <= MAX_WAITING_SHOWN:
            raise Invalid("page_size", f"must be 0 to {MAX_WAITING_SHOWN}")
        size = request.page_size or MAX_WAITING_SHOWN

        def first(state: AcdState, _: datetime) -> list[Contact]:
            return waiting_in(state.domain(principal.tenant), request.queue_id, size + 1)

        found, now = await read_domain(self._ledger, principal.tenant, first)
        return acd_service_pb2.ListWaitingResponse(
            contacts=map(_waiting_contact, found[:size]), has_more=len(found) > size, as_of_time=timestamp(now)
        )

    async def ListConnected(
        self, request: acd_service_pb2.ListConnectedRequest, context: Any
    ) -> acd_service_pb2.ListConnectedResponse:
        """Return whom an agent talks to, for a supervisor (routing rule 20).

        Raises: Invalid, NotFound, Forbidden; Transient from a replica that does not own the partition.
        """
        principal = current_principal()
        principal.require(Role.SERVICE, Role.SUPERVISOR, Role.ADMIN)
        check_id("agent_id", request.agent_id)

        def connected(state: AcdState, _: datetime) -> list[Work]:
            return connected_at(state.domain(principal.tenant), request.agent_id)

        found, now = await read_domain(self._ledger, principal.tenant, connected)
        contacts = map(_connected_contact, found)
        return acd_service_pb2.ListConnectedResponse(contacts=contacts, as_of_time=timestamp(now))


def _check_may_know(principal: Principal, found: ContactExplanation) -> None:
    """Raises: NotFound, when an agent asks about a contact that neither is nor was last at this agent."""
    if principal.roles & {Role.SERVICE, Role.SUPERVISOR, Role.ADMIN}:
        return
    asked = {offer.agent_id for offer in found.offers if offer.outcome is OfferOutcome.RINGING}
    last = found.offers[-1].agent_id if found.offers else ""
    if principal.actor not in {f"agent:{agent_id}" for agent_id in (found.agent_id or last, *asked)}:
        raise NotFound("contact", found.contact_id)


def _live_contact(contact: Contact) -> acd_types_pb2.LiveContact:
    return acd_types_pb2.LiveContact(
        contact_id=contact.contact_id,
        stage=acd_types_pb2.ContactStage.Value(f"CONTACT_STAGE_{contact.stage.name}"),
        step_no=contact.step_no,
        segment_no=contact.segment_no,
        offer_no=contact.offer_no,
        agent_id=contact.agent_id,
    )


def _waiting_contact(contact: Contact) -> acd_service_pb2.WaitingContact:
    return acd_service_pb2.WaitingContact(
        contact_id=contact.contact_id,
        channel=common_types_pb2.Channel.Value(f"CHANNEL_{contact.channel.name}"),
        entered_time=timestamp(contact.entered_time),
        agent_id=contact.agent_id,
        value_permille=contact.value_permille,
        aged_since_time=timestamp(contact.aged_since_time),
        callback=contact.callback is not None,
        agent_ids=contact.agent_ids,
    )


def _connected_contact(work: Work) -> acd_service_pb2.ConnectedContact:
    return acd_service_pb2.ConnectedContact(
        contact_id=work.contact_id,
        queue_id=work.queue_id,
        channel=common_types_pb2.Channel.Value(f"CHANNEL_{work.channel.name}"),
        since_time=timestamp(work.since_time),
    )
