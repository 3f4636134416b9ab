import logging

import pytest
from trunkline_core.errors import Misconfigured
from trunkline_platform.settings import Addresses, Port, ServiceSettings, load, service_config

SECRET = "a secret of more than thirty-two bytes"


class AcdSettings(ServiceSettings):
    model_config = service_config("acd")
    grpc_port: Port = 7402
    channels_addresses: Addresses = ("127.0.0.1:7401",)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    monkeypatch.setenv("TRUNKLINE_KAFKA_BOOTSTRAP", "127.0.0.1:9092")
    monkeypatch.setenv("TRUNKLINE_SECRET", SECRET)
    level = logging.getLogger().level
    yield monkeypatch.setenv
    logging.getLogger().setLevel(level)


def test_shared_settings_have_no_service_in_their_name_and_own_ones_do(environment):
    environment("TRUNKLINE_INSTANCE_ID", "acd-2")
    environment("TRUNKLINE_ACD_GRPC_PORT", "9001")
    environment("TRUNKLINE_ACD_CHANNELS_ADDRESSES", "a:1, b:2")
    settings = load(AcdSettings)
    assert (settings.kafka_bootstrap, settings.instance_id) == ("127.0.0.1:9092", "acd-2")
    assert (settings.grpc_port, settings.channels_addresses) == (9001, ("a:1", "b:2"))
    assert settings.ledger_settings().session_timeout_s == 3.0
    assert settings.ledger_settings().snapshot_every == 50_000


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TRUNKLINE_ACD_GRPC_PORT", "many", "TRUNKLINE_ACD_GRPC_PORT is wrong"),
        ("TRUNKLINE_ACD_GRPC_PORT", "70000", "TRUNKLINE_ACD_GRPC_PORT is wrong"),
        ("TRUNKLINE_SECRET", "short", "TRUNKLINE_SECRET is wrong: needs at least 32 bytes"),
        ("TRUNKLINE_SESSION_TIMEOUT_S", "0", "TRUNKLINE_SESSION_TIMEOUT_S is wrong"),
        ("TRUNKLINE_SNAPSHOT_EVERY", "99", "TRUNKLINE_SNAPSHOT_EVERY is wrong"),
        ("TRUNKLINE_INSTANCE_ID", "a b", "TRUNKLINE_INSTANCE_ID is wrong"),
        ("TRUNKLINE_ACD_CHANNELS_ADDRESSES", "nowhere", "TRUNKLINE_ACD_CHANNELS_ADDRESSES is wrong"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(environment, name, value, told):
    environment(name, value)
    with pytest.raises(Misconfigured, match=told) as wrong:
        load(AcdSettings)
    assert "\n" not in str(wrong.value)
    assert "short" not in str(wrong.value).split("wrong", 1)[-1]


def test_a_missing_value_is_named(monkeypatch):
    monkeypatch.delenv("TRUNKLINE_SECRET")
    with pytest.raises(Misconfigured, match=r"^TRUNKLINE_SECRET is not set\.$"):
        load(AcdSettings)


def test_the_start_logs_settings_without_secrets(caplog, environment):
    environment("TRUNKLINE_MONGO_URL", "mongodb://user:pass@host/")
    caplog.set_level(logging.INFO)
    load(AcdSettings)
    told = str(vars(caplog.records[0]))
    assert "127.0.0.1:9092" in told
    assert SECRET not in told
    assert "pass" not in told


def test_settings_are_frozen_and_tests_may_name_fields():
    settings = AcdSettings(kafka_bootstrap="elsewhere:1", secret=SECRET, bind_host="0.0.0.0", advertised_host="acd-0")
    assert settings.address(7402) == "acd-0:7402"
    assert settings.secret_bytes == SECRET.encode()
    assert settings.keystore_path is not None
    with pytest.raises(ValueError, match="frozen"):
        settings.grpc_port = 1


def test_the_key_store_may_be_the_cluster(environment):
    environment("TRUNKLINE_KEYSTORE", "mongodb")
    assert load(AcdSettings).keystore_path is None
