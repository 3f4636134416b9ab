"""Who may send which command to a contact. Facts, timers and answers of services reach the ledger without an edge."""

from trunkline_platform.credentials import Forbidden, Principal, Role

from trunkline_channels.application.chat import CUSTOMER
from trunkline_channels.application.deliveries import hook_actor
from trunkline_channels.domain import commands
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.words import Author, CloseReason

_SUPERVISING = ("supervisor:", "admin:")


def permit(command: Command, principal: Principal) -> None:
    """Raises: Forbidden.

    A customer has no role: the chat edge, of any replica, speaks for the page. An unset author or reason is let through
    to the rule that names the field.
    """
    match command:
        case (
            commands.OpenContact()
            | commands.GiveInput()
            | commands.ChooseTreatmentOption()
            | commands.AddMessage(author=Author.CUSTOMER | Author.UNSPECIFIED)
            | commands.CloseContact(reason=CloseReason.CUSTOMER_LEFT | CloseReason.UNSPECIFIED)
        ):
            if principal.actor != CUSTOMER:
                principal.require(Role.GATEWAY)
        case commands.TakeDelivery(hook_id=hook_id):
            if principal.actor != hook_actor(hook_id):
                raise Forbidden("only the edge of web hooks brings deliveries")
        case commands.AttachPeer() | commands.DetachPeer():
            if principal.actor != CUSTOMER:
                raise Forbidden("only chat pages come and go; a gateway holds its contacts by its stream")
        case (
            commands.ConfirmConnect()
            | commands.RefuseConnect()
            | commands.RequestCallback()
            | commands.WithdrawCallback()
            | commands.ReportCallResult()
        ):
            principal.require(Role.GATEWAY)
        case (
            commands.AddMessage(author=Author.AGENT, agent_id=agent_id)
            | commands.CloseContact(reason=CloseReason.AGENT_ENDED, agent_id=agent_id)
            | commands.TransferContact(agent_id=agent_id)
            | commands.ConsultAgent(agent_id=agent_id)
            | commands.TalkTo(agent_id=agent_id)
            | commands.MergeConsultation(agent_id=agent_id)
            | commands.CompleteConsultation(agent_id=agent_id)
            | commands.LeaveConsultation(agent_id=agent_id)
            | commands.AddConsultationMessage(agent_id=agent_id)
        ):
            principal.require(Role.AGENT)
            if principal.actor != f"agent:{agent_id}":
                raise Forbidden("an agent acts only for itself")
        case _ if isinstance(command, commands.SupervisorCommand):
            principal.require(Role.SUPERVISOR, Role.ADMIN)
            if not principal.actor.startswith(_SUPERVISING):
                raise Forbidden("an agent who is a supervisor too supervises as one")
        case _:
            raise Forbidden("not for callers")
