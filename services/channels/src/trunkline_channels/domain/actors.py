"""Who may command what. Tenant and actor come from the credential, never from the command.

Owns: that an agent acts only as itself, a customer only as a customer, and facts come from the services alone.
"""

from trunkline_core.decider import Context
from trunkline_core.errors import Rejection

from trunkline_channels.domain import commands
from trunkline_channels.domain.commands import Command, CustomerCommand
from trunkline_channels.domain.words import Author, CloseReason

_STAFF = ("agent:", "supervisor:", "admin:")


def check_actor(command: Command, context: Context) -> None:
    """Raises: Rejection(`NotAllowed`), or `NotConnectedToAgent` for an agent who speaks as another one."""
    actor = context.actor
    if actor.startswith(_STAFF):
        _check_staff(command, actor)
    elif actor == "customer" or actor.startswith("gateway:"):
        _check_edge(command)


def _check_staff(command: Command, actor: str) -> None:
    if not _is_by_agent(command):
        raise Rejection("NotAllowed")
    assert isinstance(command, commands.AddMessage | commands.CloseContact)
    if actor != f"agent:{command.agent_id}":
        raise Rejection("NotConnectedToAgent")


def _check_edge(command: Command) -> None:
    if not isinstance(command, CustomerCommand) or _is_by_agent(command) or _is_by_system(command):
        raise Rejection("NotAllowed")


def _is_by_agent(command: Command) -> bool:
    match command:
        case commands.AddMessage():
            return command.author is Author.AGENT
        case commands.CloseContact():
            return command.reason is CloseReason.AGENT_ENDED
        case _:
            return False


def _is_by_system(command: Command) -> bool:
    match command:
        case commands.AddMessage():
            return command.author is Author.SYSTEM
        case commands.CloseContact():
            return command.reason not in (CloseReason.CUSTOMER_LEFT, CloseReason.UNSPECIFIED)
        case _:
            return False
