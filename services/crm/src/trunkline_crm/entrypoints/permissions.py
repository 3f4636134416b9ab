"""Who may do what to customers."""

from typing import assert_never

from trunkline_platform.credentials import Forbidden, Principal, Role

from trunkline_crm.domain.commands import (
    ChangeProfile,
    Command,
    EraseCustomer,
    RecordService,
    ResolveCustomer,
    SetAccountOwner,
    SetDoNotCall,
)


def permit(command: Command, principal: Principal) -> None:
    """Raises: Forbidden."""
    match command:
        case ResolveCustomer():
            principal.require(Role.SERVICE)
        case ChangeProfile() | SetDoNotCall():  # an agent hears the customer say so
            permit_reading(principal)
        case EraseCustomer() | SetAccountOwner():
            principal.require(Role.SUPERVISOR, Role.ADMIN, Role.SERVICE)
        case RecordService():
            raise Forbidden("not for callers")
        case _:
            assert_never(command)


def permit_reading(principal: Principal) -> None:
    """Raises: Forbidden."""
    principal.require(Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.SERVICE)
