"""Who may send a command to the directory."""

import pytest
from trunkline_console.domain.commands import AdvancePolicyTrial, EndPolicyTrial
from trunkline_console.entrypoints.permissions import Permissions
from trunkline_platform.credentials import Forbidden, Principal, Role
from trunkline_platform.http import status_of


@pytest.mark.parametrize("role", list(Role))
def test_only_the_owner_of_the_partition_begins_a_block_of_a_trial(role: Role) -> None:
    with pytest.raises(Forbidden) as refused:
        Permissions(list)(AdvancePolicyTrial(1, 1), Principal("tn_1", "x", frozenset({role})))
    assert status_of(refused.value) == 403


@pytest.mark.parametrize("role", list(Role))
def test_administrators_and_our_own_services_define_and_nobody_else(role: Role) -> None:
    permit, principal = Permissions(list), Principal("tn_1", "x", frozenset({role}))
    if role in (Role.ADMIN, Role.SERVICE):
        permit(EndPolicyTrial(1), principal)
    else:
        with pytest.raises(Forbidden):
            permit(EndPolicyTrial(1), principal)
