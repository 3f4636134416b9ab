"""Settings of a process, from the environment and nowhere else.

Owns: the names that all services share, and one sentence about what is wrong. Must not: print a secret.

Shared names carry no service (`TRUNKLINE_KAFKA_BOOTSTRAP`); a service's own carry it (`TRUNKLINE_ACD_GRPC_PORT`):

    class AcdSettings(ServiceSettings):
        model_config = service_config("acd")
        grpc_port: int = 7402
"""

import ipaddress
import logging
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from trunkline_core.errors import Misconfigured
from trunkline_ledger.kafka.settings import LedgerSettings

from trunkline_platform.webhooks import WebhookSecrets

log = logging.getLogger(__name__)

MIN_SECRET_BYTES: Final = 32


def _shared(name: str, default: Any = ..., **options: Any) -> Any:
    """A setting that all services of an installation have in common."""
    return Field(default, validation_alias=f"TRUNKLINE_{name}", **options)


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES:
        raise ValueError(f"needs at least {MIN_SECRET_BYTES} bytes")
    return secret


def _readable(secrets: SecretStr) -> SecretStr:
    WebhookSecrets(secrets.get_secret_value())
    return secrets


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Port = Annotated[int, Field(ge=0, le=65_535)]


def _checked_addresses(addresses: tuple[str, ...]) -> tuple[str, ...]:
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"{address!r} is no host:port")
    return addresses


# host:port of each replica, written with commas between: `acd-1:7082,acd-2:7082`
Addresses = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_checked_addresses)]


def _checked_networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    for network in networks:
        ipaddress.ip_network(network)
    return networks


# addresses or networks, written with commas between: `10.0.0.7,10.1.0.0/16`
Networks = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_checked_networks)]


class ServiceSettings(BaseSettings):
    """What every service needs. Frozen; subclasses add their own fields and `model_config = service_config(name)`.

    Attributes:
        kafka_bootstrap: host:port list of the brokers.
        mongo_url: where the read models are.
        secret: of the installation, at least 32 bytes; keys tokens, hashes and data keys.
        keystore: path of the SQLite file with data keys, or `mongodb`.
        instance_id: names this replica; the same again after a restart. Unique per service.
        bind_host: where to listen.
        advertised_host: how others reach this replica; empty means `bind_host`.
        session_timeout_s: after this silence another replica takes over.
        replication_factor: of topics when they are created.
        snapshot_every: records of a partition after which its owner has a snapshot made.
        webhook_secrets: `tenant/name=secret` with commas between; what definitions of web hooks name.
        trusted_proxies: addresses or networks whose `X-Forwarded-For` tells where the client is; none by default.
        grpc_port, http_port: 0 takes any free one.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    kafka_bootstrap: str = _shared("KAFKA_BOOTSTRAP")
    secret: Annotated[SecretStr, AfterValidator(_long_enough)] = _shared("SECRET")
    mongo_url: SecretStr = _shared("MONGO_URL", SecretStr("mongodb://127.0.0.1:27017"))
    mongo_database: str = _shared("MONGO_DATABASE", "trunkline")
    keystore: str = _shared("KEYSTORE", "keys.sqlite")
    instance_id: str = _shared("INSTANCE_ID", "1", min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")
    bind_host: str = _shared("BIND_HOST", "127.0.0.1")
    advertised_host: str = _shared("ADVERTISED_HOST", "")
    session_timeout_s: float = _shared("SESSION_TIMEOUT_S", 3.0, ge=1.0, le=60.0)
    replication_factor: int = _shared("REPLICATION_FACTOR", 1, ge=1, le=7)
    snapshot_every: int = _shared("SNAPSHOT_EVERY", 50_000, ge=100)
    trusted_proxies: Networks = _shared("TRUSTED_PROXIES", ())
    webhook_secrets: Annotated[SecretStr, AfterValidator(_readable)] = _shared("WEBHOOK_SECRETS", SecretStr(""))
    log_level: str = _shared("LOG_LEVEL", "info", pattern="^(debug|info|warning|error)$")
    grpc_port: Port = 0
    http_port: Port = 0

    @property
    def secret_bytes(self) -> bytes:
        """The installation's secret."""
        return self.secret.get_secret_value().encode()

    @property
    def keystore_path(self) -> Path | None:
        """Path of the SQLite key store; None for MongoDB."""
        return None if self.keystore == "mongodb" else Path(self.keystore)

    def address(self, port: int) -> str:
        """Return host:port under which others reach this replica's `port`."""
        return f"{self.advertised_host or self.bind_host}:{port}"

    def ledger_settings(self) -> LedgerSettings:
        """Return how this service's ledger uses Kafka."""
        return LedgerSettings(
            session_timeout_s=self.session_timeout_s,
            replication_factor=self.replication_factor,
            snapshot_every=self.snapshot_every,
        )


S = TypeVar("S", bound=ServiceSettings)


def service_config(service: str) -> SettingsConfigDict:
    """Return the model_config of a service's settings: prefix TRUNKLINE_<SERVICE>_."""
    return SettingsConfigDict(
        env_prefix=f"TRUNKLINE_{service.upper()}_", frozen=True, extra="ignore", populate_by_name=True
    )


def load(kind: type[S], **overrides: Any) -> S:
    """Read the settings and log them without secrets. Raises: Misconfigured, one sentence naming the variable."""
    try:
        settings = kind(**overrides)
    except ValidationError as error:
        raise Misconfigured(_sentence(kind, error)) from None
    logging.getLogger().setLevel(settings.log_level.upper())
    log.info("settings", extra={f"setting_{name}": str(value) for name, value in settings.model_dump().items()})
    return settings


def _sentence(kind: type[ServiceSettings], error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    name = _variable(kind, str(first["loc"][0]) if first["loc"] else "")
    if first["type"] == "missing":
        return f"{name} is not set."
    return f"{name} is wrong: {first['msg'].removeprefix('Value error, ')}."


def _variable(kind: type[ServiceSettings], place: str) -> str:
    """Return the environment variable behind a field's name or alias."""
    if place.startswith("TRUNKLINE_"):
        return place
    field = kind.model_fields.get(place)
    alias = field.validation_alias if field else None
    return alias if isinstance(alias, str) else f"{kind.model_config.get('env_prefix', '')}{place}".upper()


__all__ = ["Addresses", "Port", "ServiceSettings", "load", "service_config"]
