"""Who may send which command."""

import pytest
from trunkline_acd.domain import commands
from trunkline_acd.domain.definitions import Channel
from trunkline_acd.domain.words import Intent
from trunkline_acd.entrypoints.permissions import permit
from trunkline_platform.credentials import Forbidden, Principal, Role

ARRIVAL = commands.EnqueueContact("ct_1", 1, "qu_1", Channel.CHAT, 0, 0, ())
BREAK = commands.SetIntent("ag_1", Intent.BREAK, "")


@pytest.mark.parametrize(
    ("command", "roles"),
    [
        (ARRIVAL, {Role.SERVICE}),
        (commands.PutQueue(None), {Role.SERVICE}),
        (commands.PutWrapUpCode("sold"), {Role.SERVICE}),
        (commands.EndContact("ct_1", 1, "system"), {Role.SERVICE}),
        (commands.LosePeer("pe_1"), {Role.SERVICE}),
        (commands.ChangeQueue("ct_1", 3, 1, "qu_1"), {Role.SERVICE}),
        (commands.ParkContact("ct_1", 3, 1, "ag_1"), {Role.SERVICE}),
        (commands.ResumeContact("ct_1", 3, 1, "ag_1"), {Role.SERVICE}),
        (commands.UnparkContact("ag_1", "ct_1"), {Role.SERVICE, Role.SUPERVISOR, Role.AGENT}),
        (BREAK, {Role.SERVICE, Role.SUPERVISOR, Role.AGENT}),
        (commands.OpenAgentSession("ag_1", "pe_1", "se_1"), {Role.SERVICE, Role.SUPERVISOR, Role.AGENT}),
        (commands.TakeOverContact("ct_1", 3, 1, "ag_1", "ag_2", "us_1", "other"), {Role.SERVICE}),
        (commands.PullContact("ct_1", "ag_1", "other"), {Role.SERVICE, Role.SUPERVISOR}),
        (commands.RequeueContact("ct_1", "", "other"), {Role.SERVICE, Role.SUPERVISOR}),
        (commands.ReportDevices("gw_1", ("ag_1",)), {Role.SERVICE}),
        (commands.LoseGateway("gw_1"), {Role.SERVICE}),
        (commands.ForgetDevice("ag_1", "no_gateway"), {Role.SERVICE, Role.SUPERVISOR}),
        (commands.CloseWaitingContact("ct_1", "other"), {Role.SERVICE, Role.SUPERVISOR}),
        (commands.CallInAgent("ag_1", "other"), {Role.SERVICE, Role.SUPERVISOR}),
        (commands.EndCallIn("ag_1"), {Role.SERVICE, Role.SUPERVISOR, Role.AGENT}),
        (commands.ExpireCallIn("ag_1"), set()),
        (commands.ExpireOffer("ct_1", 1), set()),
        (commands.DropTombstone("ct_1"), set()),
    ],
)
def test_command_is_accepted_from_these_roles_only(command, roles):
    for role in Role:
        principal = Principal("tn_demo", "x", frozenset({role}))
        if role in roles:
            permit(command, principal)
        else:
            with pytest.raises(Forbidden):
                permit(command, principal)
