"""Who may send which command."""

from typing import get_args

import pytest
from trunkline_channels.domain import commands
from trunkline_channels.domain.words import Author, CloseReason, ConsultationState, DialAnswer, MonitoringMode, Party
from trunkline_channels.entrypoints.permissions import permit
from trunkline_platform.credentials import Forbidden, Principal, Role

ONE = "ct_a_b"
CALLERS = {
    "page": Principal("tn_demo", "customer"),
    "gateway": Principal("tn_demo", "gateway:gw_1", frozenset({Role.GATEWAY})),
    "agent": Principal("tn_demo", "agent:ag_li", frozenset({Role.AGENT})),
    "other agent": Principal("tn_demo", "agent:ag_wu", frozenset({Role.AGENT})),
    "supervising agent": Principal("tn_demo", "agent:ag_li", frozenset({Role.AGENT, Role.SUPERVISOR})),
    "supervisor": Principal("tn_demo", "supervisor:us_1", frozenset({Role.SUPERVISOR})),
    "admin": Principal("tn_demo", "admin:us_2", frozenset({Role.ADMIN})),
    "service": Principal("tn_demo", "service:console", frozenset({Role.SERVICE})),
    "nobody": Principal("tn_demo", "agent:ag_li"),
    "hook": Principal("tn_demo", "hook:hk_1"),
    "other hook": Principal("tn_demo", "hook:hk_2"),
}
SUPERVISORS = {"supervisor", "admin"}
PAGE, EDGES, GATEWAY, AGENT, NOBODY = {"page"}, {"page", "gateway"}, {"gateway"}, {"agent", "supervising agent"}, set()


def written(author: Author, agent_id: str = "") -> commands.AddMessage:
    return commands.AddMessage(ONE, author, None, agent_id)


def closed(reason: CloseReason, agent_id: str = "") -> commands.CloseContact:
    return commands.CloseContact(ONE, reason, agent_id)


TABLE: list[tuple[commands.Command, set[str]]] = [
    (commands.OpenContact("ep_1", "t", None, {}, "en", "gw:1", ONE), EDGES),
    (commands.TakeDelivery("hk_1", "t", None, ONE, "en", None, None, "", ""), {"hook"}),
    (commands.GiveInput(ONE, "n1", "sales", None), EDGES),
    (commands.ChooseTreatmentOption(ONE, "1"), EDGES),
    (written(Author.CUSTOMER), EDGES),
    (written(Author.UNSPECIFIED), EDGES),
    (written(Author.AGENT, "ag_li"), AGENT),
    (written(Author.AGENT), NOBODY),
    (written(Author.SYSTEM), NOBODY),
    (closed(CloseReason.CUSTOMER_LEFT), EDGES),
    (closed(CloseReason.UNSPECIFIED), EDGES),
    (closed(CloseReason.AGENT_ENDED, "ag_li"), AGENT),
    (closed(CloseReason.AGENT_ENDED), NOBODY),
    (closed(CloseReason.SELF_SERVICE_COMPLETED), NOBODY),
    (closed(CloseReason.PEER_LOST), NOBODY),
    (closed(CloseReason.REFUSED), NOBODY),
    (closed(CloseReason.INACTIVE), NOBODY),
    (commands.ConfirmConnect(ONE, 1, 1), GATEWAY),
    (commands.RefuseConnect(ONE, 1, 1, "busy"), GATEWAY),
    (commands.RequestCallback(ONE, None), GATEWAY),
    (commands.WithdrawCallback(ONE), GATEWAY),
    (commands.ReportCallResult(ONE, 1, 1, "busy", ""), GATEWAY),
    (commands.TransferContact(ONE, "ag_li", "qu_1"), AGENT),
    (commands.TransferContact(ONE, "", "qu_1"), NOBODY),
    (commands.ConsultAgent(ONE, "ag_li", "ag_wu"), AGENT),
    (commands.ConsultAgent(ONE, "", "ag_wu"), NOBODY),
    (commands.TalkTo(ONE, "ag_li", Party.CUSTOMER), AGENT),
    (commands.MergeConsultation(ONE, "ag_li"), AGENT),
    (commands.CompleteConsultation(ONE, "ag_li"), AGENT),
    (commands.LeaveConsultation(ONE, "ag_li"), AGENT),
    (commands.AddConsultationMessage(ONE, "ag_li", 2, None), AGENT),
    (commands.RecordConsultation(ONE, 1, 2, "ag_wu", ConsultationState.OFFERED), NOBODY),
    (commands.RecordConsultationCompleted(ONE, 1, 2, "ag_wu"), NOBODY),
    (commands.RecordConsultationEnded(ONE, 1, 2, "expired"), NOBODY),
    (commands.MonitorContact(ONE, MonitoringMode.LISTEN, "ag_li", "coaching"), SUPERVISORS),
    (commands.StopMonitoring(ONE), SUPERVISORS),
    (commands.AddSupervisorMessage(ONE, MonitoringMode.WHISPER, None), SUPERVISORS),
    (written(Author.SUPERVISOR), NOBODY),
    (commands.TakeOverContact(ONE, "ag_li", "other"), SUPERVISORS),
    (commands.RecordTakenOver(ONE, 1, 2, "ag_li"), NOBODY),
    (commands.ExpireMonitoring(ONE, 1), NOBODY),
    (commands.LoseSupervisor("us_1"), NOBODY),
    (commands.AttachPeer(ONE, "chat:a"), PAGE),
    (commands.DetachPeer(ONE, "chat:a"), PAGE),
    (commands.PutEntryPoint(None), NOBODY),
    (commands.PutHook(None), NOBODY),
    (commands.PutTreatments(()), NOBODY),
    (commands.RecordWait(ONE, 1, 1, None), NOBODY),
    (commands.AnnounceTreatment(ONE), NOBODY),
    (commands.PutHours(None), NOBODY),
    (commands.LosePeer("gw:1"), NOBODY),
    (commands.RecordCustomer(ONE, 1, "cu_1"), NOBODY),
    (commands.RefuseStep(ONE, 1, "x"), NOBODY),
    (commands.RecordText(ONE, None), NOBODY),
    (commands.RecordPrompt(ONE, "n1", 1, None, ()), NOBODY),
    (commands.RecordGathered(ONE, "name", None), NOBODY),
    (commands.RecordPersonRequested(ONE, "qu_1", 0, 0, (), None), NOBODY),
    (commands.RecordSelfServiceCompleted(ONE, None), NOBODY),
    (commands.RecordEnqueued(ONE, 1, "qu_1", 1), NOBODY),
    (commands.RecordOffered(ONE, 1, 1, "ag_li"), NOBODY),
    (commands.RecordAccepted(ONE, 1, 1, "ag_li"), NOBODY),
    (commands.RecordOfferEnded(ONE, 1, 1), NOBODY),
    (commands.RecordConnected(ONE, 1, 1, "ag_li"), NOBODY),
    (commands.RecordForgotten(ONE, 1), NOBODY),
    (commands.RecordAgentLost(ONE, "ag_li"), NOBODY),
    (commands.RecordParked(ONE, 1, "ag_li"), NOBODY),
    (commands.RecordResumed(ONE, 1, "ag_li"), NOBODY),
    (commands.RecordCustomerReturned(ONE, 1, "ag_li"), NOBODY),
    (commands.ParkSilentContact(ONE), NOBODY),
    (commands.RecordLimitReached(ONE, 1), NOBODY),
    (commands.RecordWaitingContactClosed(ONE, 1), NOBODY),
    (commands.RecordCallbackOpened(ONE, "qu_1", 2), NOBODY),
    (commands.RecordCallbackEnded(ONE, 2), NOBODY),
    (commands.RecordCallbackDialled(ONE, 2, 1, "ag_li"), NOBODY),
    (commands.RecordDialCheck(ONE, 5, "cu_1", DialAnswer.MAY_BE_CALLED), NOBODY),
    (commands.RecordCallbackCleared(ONE, 2, 1), NOBODY),
    (commands.RecordCallbackReached(ONE, 2, 1), NOBODY),
    (commands.RecordWrapUp(ONE, "ag_li", ""), NOBODY),
    (commands.ReconcileContact(ONE, 1, "UnknownAtAcd"), NOBODY),
    (commands.ExpireContact(ONE, "silent"), NOBODY),
    (commands.DropContact(ONE), NOBODY),
]


@pytest.mark.parametrize(("command", "callers"), TABLE, ids=lambda value: type(value).__name__)
def test_command_is_accepted_from_these_callers_only(command: commands.Command, callers: set[str]) -> None:
    assert {name for name, caller in CALLERS.items() if is_permitted(command, caller)} == callers


def is_permitted(command: commands.Command, caller: Principal) -> bool:
    try:
        permit(command, caller)
    except Forbidden:
        return False
    return True


def test_the_table_names_every_command() -> None:
    assert {type(command) for command, _ in TABLE} == set(get_args(commands.Command))
