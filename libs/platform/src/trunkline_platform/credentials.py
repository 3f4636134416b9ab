"""Who calls: a short-lived token under the installation's secret, and what is read from it.

Owns: the token's format, and that tenant, actor and roles come from it alone. Must not: know users or passwords.

Token: `v1.<base64url JSON {t, a, r, e}>.<base64url HMAC-SHA256>`; `e` is when it ends, in Unix seconds.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from trunkline_core.errors import TrunklineError

TOKEN_KEY: Final = "tl-token"  # gRPC metadata key
LIFETIME: Final = timedelta(minutes=5)
MAX_TOKEN_CHARS: Final = 2_048


class Role(StrEnum):
    """What a principal may do. `SERVICE` is another service of this installation."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"
    GATEWAY = "gateway"
    SERVICE = "service"


class Unauthenticated(TrunklineError):
    """No credential, or one that is wrong or over. gRPC UNAUTHENTICATED, HTTP 401."""


class Forbidden(TrunklineError):
    """The credential is good and does not allow this. gRPC PERMISSION_DENIED, HTTP 403."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, on whose behalf.

    Attributes:
        tenant: the only tenant whose rows the call may see.
        actor: `agent:<id>`, `supervisor:<id>`, `customer`, `gateway:<id>`, `service:<name>` or `system`.
        roles: what it may do.
    """

    tenant: str
    actor: str
    roles: frozenset[Role] = frozenset()

    @property
    def is_service(self) -> bool:
        """Tell whether another service of this installation calls; its commands are idempotent by themselves."""
        return Role.SERVICE in self.roles

    def require(self, *roles: Role) -> None:
        """Raises: Forbidden when the principal has none of the roles."""
        if not self.roles & set(roles):
            raise Forbidden("needs the role " + " or ".join(roles))


def service_principal(name: str, tenant: str) -> Principal:
    """Return the principal under which the service `name` calls another one on behalf of the tenant."""
    return Principal(tenant, f"service:{name}", frozenset({Role.SERVICE}))


class Credentials:
    """Issues and verifies tokens."""

    def __init__(self, secret: bytes, lifetime: timedelta = LIFETIME) -> None:
        """`secret` is the installation's, at least 32 bytes."""
        self._key = derive(secret, "credential")
        self._lifetime = lifetime

    def issue(self, principal: Principal, now: datetime | None = None) -> str:
        """Return a token that is good from now on for the lifetime."""
        ends = (now or datetime.now(UTC)) + self._lifetime
        content = {
            "t": principal.tenant,
            "a": principal.actor,
            "r": sorted(principal.roles),
            "e": int(ends.timestamp()),
        }
        body = _text(json.dumps(content, separators=(",", ":")).encode())
        return f"v1.{body}.{_text(self._sign(body))}"

    def verify(self, token: str, now: datetime | None = None) -> Principal:
        """Return who calls. Raises: Unauthenticated."""
        version, _, rest = token.partition(".")
        body, _, signature = rest.partition(".")
        if version != "v1" or len(token) > MAX_TOKEN_CHARS or not token.isascii():
            raise Unauthenticated("the credential has an unknown form")
        if not hmac.compare_digest(_text(self._sign(body)), signature):
            raise Unauthenticated("the credential is not genuine")
        content = json.loads(_bytes(body))
        if content["e"] < (now or datetime.now(UTC)).timestamp():
            raise Unauthenticated("the credential is over")
        return Principal(content["t"], content["a"], _known_roles(content["r"]))

    def _sign(self, body: str) -> bytes:
        return hmac.new(self._key, body.encode(), hashlib.sha256).digest()


def derive(secret: bytes, purpose: str) -> bytes:
    """Return the installation's key for one purpose."""
    return hmac.new(secret, b"trunkline\x00" + purpose.encode(), hashlib.sha256).digest()


def _known_roles(names: Collection[str]) -> frozenset[Role]:
    """A role of a newer version is not one that this version may act on."""
    return frozenset(Role(name) for name in names if name in Role.__members__.values())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
