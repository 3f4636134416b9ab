"""ivr over gRPC, beside its commands: which sessions run here. Must not: decide anything about sessions."""

from typing import Any

from trunkline.ivr.v1 import ivr_service_pb2, ivr_service_pb2_grpc
from trunkline_ledger.ledger import Ledger
from trunkline_platform.credentials import Role
from trunkline_platform.grpc_server import current_principal
from trunkline_platform.live_pages import page_of

from trunkline_ivr.domain.commands import Command
from trunkline_ivr.domain.events import Event
from trunkline_ivr.domain.state import IvrState, Session


class IvrReads(ivr_service_pb2_grpc.IvrReadServiceServicer):
    """Pages of what is live, for channels (ADR 0017)."""

    def __init__(self, ledger: Ledger[IvrState, Command, Event]) -> None:
        self._ledger = ledger

    async def ListLiveSessions(
        self, request: ivr_service_pb2.ListLiveSessionsRequest, context: Any
    ) -> ivr_service_pb2.ListLiveSessionsResponse:
        """Return one page. Raises: Invalid, Forbidden; Transient from a replica that does not own the partition."""
        principal = current_principal()
        principal.require(Role.SERVICE)

        def rows(state: IvrState) -> list[tuple[str, Session]]:
            sessions = state.sessions.values()
            return [(session.contact_id, session) for session in sessions if session.tenant == principal.tenant]

        after, size = request.after_contact_id, request.page_size
        page = await page_of(self._ledger, request.partition, rows, after=after, size=size)
        return ivr_service_pb2.ListLiveSessionsResponse(
            sessions=map(_live_session, page.rows),
            has_more=page.has_more,
            next_offset=page.next_offset,
            partition_count=page.partition_count,
        )


def _live_session(session: Session) -> ivr_service_pb2.LiveSession:
    return ivr_service_pb2.LiveSession(
        contact_id=session.contact_id, step_no=session.step_no, visit_no=session.visit_no
    )
