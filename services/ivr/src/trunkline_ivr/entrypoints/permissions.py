"""Who may command self-service: other services of the installation, nobody else."""

from trunkline_platform.credentials import Principal, Role

from trunkline_ivr.domain.commands import Command


def permit(command: Command, principal: Principal) -> None:
    """Raises: Forbidden."""
    principal.require(Role.SERVICE)
