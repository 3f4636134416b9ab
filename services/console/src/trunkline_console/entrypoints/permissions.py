"""Who may define what a tenant has: administrators, and this installation's own services."""

from trunkline_platform.credentials import Principal, Role

from trunkline_console.domain.commands import Command


def permit(command: Command, principal: Principal) -> None:
    """Raises: Forbidden."""
    principal.require(Role.ADMIN, Role.SERVICE)
