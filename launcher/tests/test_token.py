"""A gateway's credential: one role of one tenant, for a day."""

from datetime import UTC, datetime, timedelta

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_launcher.commands import gateway_token
from trunkline_launcher.layout import default_layout, installation_secret
from trunkline_platform.credentials import Credentials, Principal, Role, Unauthenticated


def test_a_gateway_may_be_a_gateway_of_its_tenant_for_a_day(tmp_path, monkeypatch):
    layout = default_layout({"TRUNKLINE_DATA": str(tmp_path)})
    installation_secret(tmp_path)
    token = gateway_token(layout, "pbx-1", "tn_demo")
    credentials = Credentials(installation_secret(tmp_path).encode())
    assert credentials.verify(token) == Principal("tn_demo", "gateway:pbx-1", frozenset({Role.GATEWAY}))
    with pytest.raises(Unauthenticated):
        credentials.verify(token, datetime.now(UTC) + timedelta(hours=25))
    monkeypatch.setenv("TRUNKLINE_SECRET", "s" * 32)
    assert Credentials(b"s" * 32).verify(gateway_token(layout, "pbx-1", "tn_demo")).tenant == "tn_demo"


@pytest.mark.parametrize(
    "gateway, tenant", [("", "tn_demo"), ("pbx/1", "tn_demo"), ("-h", "tn_demo"), ("pbx", "tn demo"), ("pbx", "x" * 65)]
)
def test_a_name_that_is_no_word_is_one_sentence(gateway, tenant, tmp_path):
    with pytest.raises(Misconfigured, match="must be 1 to 64 letters"):
        gateway_token(default_layout({"TRUNKLINE_DATA": str(tmp_path)}), gateway, tenant)


def test_without_a_centre_or_with_a_short_secret_there_is_no_token_but_a_sentence(tmp_path, monkeypatch):
    layout = default_layout({"TRUNKLINE_DATA": str(tmp_path / "none")})
    with pytest.raises(Misconfigured, match=r"^No centre has run on "):
        gateway_token(layout, "pbx-1", "tn_demo")
    assert not (tmp_path / "none").exists()
    monkeypatch.setenv("TRUNKLINE_SECRET", "short")
    with pytest.raises(Misconfigured, match=r"^TRUNKLINE_SECRET is wrong"):
        gateway_token(layout, "pbx-1", "tn_demo")
