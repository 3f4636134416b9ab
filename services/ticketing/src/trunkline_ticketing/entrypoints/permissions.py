"""Who may read and change tickets: the tenant's people, and other services on their behalf."""

from typing import assert_never

from trunkline_platform.credentials import Forbidden, Principal, Role

from trunkline_ticketing.domain.commands import (
    AddNote,
    ChangeTicketState,
    Command,
    CreateTicket,
    PutNoticeTarget,
    RecordNoticeDelivered,
    RecordNoticeRefused,
)


def permit(command: Command, principal: Principal) -> None:
    """Raises: Forbidden."""
    match command:
        case CreateTicket() | ChangeTicketState() | AddNote():
            permit_reading(principal)
        case PutNoticeTarget() | RecordNoticeDelivered() | RecordNoticeRefused():
            raise Forbidden("not for callers")
        case _:
            assert_never(command)


def permit_reading(principal: Principal) -> None:
    """Raises: Forbidden."""
    principal.require(Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.SERVICE)
