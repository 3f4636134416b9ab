from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trunkline_platform.credentials import Credentials, Forbidden, Principal, Role, Unauthenticated, service_principal

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CREDENTIALS = Credentials(b"s" * 32)
LI = Principal("tn_1", "agent:ag_1", frozenset({Role.AGENT, Role.SUPERVISOR}))


@given(st.text(max_size=30), st.text(max_size=30), st.frozensets(st.sampled_from(Role)))
def test_a_token_tells_who_calls(tenant, actor, roles):
    principal = Principal(tenant, actor, roles)
    assert CREDENTIALS.verify(CREDENTIALS.issue(principal, NOW), NOW) == principal


def test_a_token_ends_after_its_lifetime():
    token = CREDENTIALS.issue(LI, NOW)
    assert CREDENTIALS.verify(token, NOW + timedelta(minutes=5)) == LI
    with pytest.raises(Unauthenticated):
        CREDENTIALS.verify(token, NOW + timedelta(minutes=5, seconds=1))


def test_a_token_that_was_changed_anywhere_is_refused():
    token = CREDENTIALS.issue(LI, NOW)
    for place in range(len(token) - 1):  # the last character of base64 has bits that mean nothing
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        with pytest.raises(Unauthenticated):
            CREDENTIALS.verify(changed, NOW)


@pytest.mark.parametrize("token", ["", "v1", "v1..", "v1.e30.", "v2.e30.x", "x" * 5_000, "v1.中.文"])
def test_what_is_no_token_is_refused(token):
    with pytest.raises(Unauthenticated):
        CREDENTIALS.verify(token, NOW)


def test_a_token_of_another_installation_is_refused():
    with pytest.raises(Unauthenticated):
        CREDENTIALS.verify(Credentials(b"t" * 32).issue(LI, NOW), NOW)


def test_a_role_is_required_by_any_of_several():
    LI.require(Role.ADMIN, Role.SUPERVISOR)
    with pytest.raises(Forbidden, match="admin"):
        LI.require(Role.ADMIN)


def test_only_services_are_services():
    assert service_principal("channels", "tn_1").is_service
    assert not LI.is_service
