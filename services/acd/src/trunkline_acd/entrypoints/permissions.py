"""Who may send which command to acd. That an agent acts only for itself is a rule of the decider."""

from trunkline_platform.credentials import Forbidden, Principal, Role

from trunkline_acd.domain.commands import (
    AgentCommand,
    Command,
    ForgetDevice,
    SupervisorCommand,
    TimerCommand,
    WithdrawCallback,
)


def permit(command: Command, principal: Principal) -> None:
    """Raises: Forbidden.

    Services send all but timers' commands, agents and supervisors what concerns an agent; a supervisor also takes
    contacts to agents and queues, closes those that wait, calls agents in, withdraws call-backs and forgets telephones.
    """
    if isinstance(command, TimerCommand):
        raise Forbidden("only the partition's owner fires timers")
    if isinstance(command, AgentCommand):
        principal.require(Role.SERVICE, Role.SUPERVISOR, Role.AGENT)
    elif isinstance(command, SupervisorCommand | WithdrawCallback | ForgetDevice):
        principal.require(Role.SERVICE, Role.SUPERVISOR)
    else:
        principal.require(Role.SERVICE)
