"""What a session may do follows the directory."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from policy_cases import new_spec
from trunkline_console.application.accounts import Accounts
from trunkline_console.domain.commands import DefineUser
from trunkline_console.domain.definitions import Role, UserDefinition

ZHAO = UserDefinition("us_zhao", "token", None, "$argon2id$v=19$x", (Role.SUPERVISOR,), "", True)


@pytest.mark.parametrize("taken", [{"roles": (Role.GATEWAY,)}, {"active": False}])
def test_whoever_is_no_supervisor_any_more_may_not_monitor(taken: dict[str, Any]) -> None:
    spec = new_spec()
    ledger: Any = SimpleNamespace(state=lambda _: spec.state, partition_of=lambda _: 0)
    accounts = Accounts(ledger, None, None, b"s" * 32, None)  # type: ignore[arg-type]
    spec.when(DefineUser(ZHAO))
    assert accounts.may_monitor("tn_1", "us_zhao")
    assert not accounts.may_monitor("tn_1", "us_nobody")
    assert not accounts.may_monitor("tn_2", "us_zhao")
    spec.when(DefineUser(replace(ZHAO, **taken)))
    assert not accounts.may_monitor("tn_1", "us_zhao")
