"""Definitions that only the directory decides about; those of flows and routing stand in trunkline_core."""

from dataclasses import dataclass
from enum import Enum
from zoneinfo import ZoneInfo, available_timezones

from trunkline_core.errors import Invalid
from trunkline_core.flows import LocalizedText
from trunkline_core.ids import MAX_ID, check_id_of
from trunkline_core.sealed import Sealed


class Role(Enum):
    """What a user may do."""

    UNSPECIFIED = 0
    AGENT = 1
    SUPERVISOR = 2
    ADMIN = 3
    GATEWAY = 4


class Channel(Enum):
    """Kind of channel of an entry point."""

    UNSPECIFIED = 0
    VOICE = 1
    CHAT = 2


@dataclass(frozen=True, slots=True)
class TenantDefinition:
    """One organisation.

    Attributes:
        time_zone: an IANA name.
        hides_listening: whether agents are not told that a supervisor listens (routing rule 20).
    """

    tenant_id: str
    name: str
    time_zone: str
    widget_origins: tuple[str, ...]
    hides_listening: bool = False


@dataclass(frozen=True, slots=True)
class UserDefinition:
    """A person or machine that may log in. The login name itself is not kept, only its token."""

    user_id: str
    login_token: str
    display_name: Sealed | None
    password_hash: str
    roles: tuple[Role, ...]
    agent_id: str
    active: bool


@dataclass(frozen=True, slots=True)
class WrapUpCodeDefinition:
    """How a contact may be wrapped up."""

    code: str
    name: LocalizedText


@dataclass(frozen=True, slots=True)
class EntryPointDefinition:
    """Where customers come in."""

    entry_point_id: str
    name: str
    channel: Channel
    flow_id: str


def check_tenant(tenant: TenantDefinition) -> None:
    """Raises: Invalid."""
    check_id_of("tn", "tenant.tenant_id", tenant.tenant_id)
    check_zone("tenant.time_zone", tenant.time_zone)
    for number, origin in enumerate(tenant.widget_origins):
        if origin != "*" and not origin.startswith(("http://", "https://")):
            raise Invalid(f"tenant.widget_origins[{number}]", "must begin with http:// or https://")


def check_zone(field: str, name: str) -> None:
    """Raises: Invalid when `name` is no IANA zone."""
    if name not in available_timezones():
        raise Invalid(field, "must be an IANA time zone such as Asia/Shanghai")
    ZoneInfo(name)


def check_user(user: UserDefinition) -> None:
    """Raises: Invalid."""
    check_id_of("us", "user.user_id", user.user_id)
    if not user.roles or Role.UNSPECIFIED in user.roles:
        raise Invalid("user.roles", "must name at least one role")
    if not user.login_token:
        raise Invalid("user.login_token", "must not be empty")
    if not user.password_hash.startswith("$argon2id$"):
        raise Invalid("user.password_hash", "must be an Argon2id hash")
    if Role.AGENT in user.roles and not user.agent_id:
        raise Invalid("user.agent_id", "is needed for the role AGENT")


def check_entry_point(entry_point: EntryPointDefinition) -> None:
    """Raises: Invalid."""
    check_id_of("ep", "entry_point.entry_point_id", entry_point.entry_point_id)
    if entry_point.channel is Channel.UNSPECIFIED:
        raise Invalid("entry_point.channel", "must be set")


def check_wrap_up_code(code: WrapUpCodeDefinition) -> None:
    """Raises: Invalid."""
    if not code.code.isidentifier() or len(code.code) > MAX_ID:
        raise Invalid("wrap_up_code.code", "must be letters, digits and underscores")
