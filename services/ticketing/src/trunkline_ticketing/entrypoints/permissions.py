"""Who may read and change tickets: the tenant's people, and other services on their behalf."""

from trunkline_platform.credentials import Principal, Role

from trunkline_ticketing.domain.commands import Command


def permit(command: Command, principal: Principal) -> None:
    """Raises: Forbidden."""
    permit_reading(principal)


def permit_reading(principal: Principal) -> None:
    """Raises: Forbidden."""
    principal.require(Role.AGENT, Role.SUPERVISOR, Role.ADMIN, Role.SERVICE)
