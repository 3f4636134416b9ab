"""Signatures of web hooks, in both directions: HMAC-SHA256 over time and body (ADR 0015, 0016).

    Trunkline-Timestamp: 1767603600
    Trunkline-Signature: v1=<hex of HMAC-SHA256(secret, "1767603600." + body)>, v1=<the same under a second secret>

Owns: these two headers, and the secrets of the settings. Must not: know a service's body, or log a secret.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final

from trunkline_core.errors import Transient

from trunkline_platform.credentials import Unauthenticated

TIMESTAMP: Final = "Trunkline-Timestamp"
SIGNATURE: Final = "Trunkline-Signature"
TOLERANCE_S: Final = 300
MAX_SIGNATURES: Final = 4
MIN_SECRET_CHARS: Final = 32
_ENTRY = re.compile(r"(tn_[^/=,\s]+)/([A-Za-z0-9_-]{1,64})=(\S+)")


class WebhookSecrets:
    """The secrets of TRUNKLINE_WEBHOOK_SECRETS: `tenant/name=secret` with commas between.

    A name counts within its tenant only: nobody can have something signed with, or checked against, another's secret.
    """

    def __init__(self, setting: str = "") -> None:
        """Raises: ValueError, without the value, for a form that is wrong or a secret that is short."""
        self._secrets: dict[tuple[str, str], bytes] = {}
        for entry in filter(None, (part.strip() for part in setting.split(","))):
            found = _ENTRY.fullmatch(entry)
            if found is None:
                raise ValueError("must be tenant/name=secret with commas between")
            if len(found[3]) < MIN_SECRET_CHARS:
                raise ValueError(f"the secret {found[1]}/{found[2]} needs at least {MIN_SECRET_CHARS} characters")
            self._secrets[found[1], found[2]] = found[3].encode()

    def of(self, tenant: str, names: Sequence[str]) -> list[bytes]:
        """Return the tenant's secrets of these names that are set. Raises: Transient when none is."""
        found = [self._secrets[tenant, name] for name in names if (tenant, name) in self._secrets]
        if not found:
            raise Transient("the secret of this web hook is not set here", retry_after_s=60.0)
        return found


def signed(secrets: Sequence[bytes], timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the headers of a body that is signed with each secret."""
    signatures = ", ".join(f"v1={_digest(secret, str(timestamp_s), body)}" for secret in secrets)
    return {TIMESTAMP: str(timestamp_s), SIGNATURE: signatures}


def verify(secrets: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: float) -> None:
    """Check who sent the body, and when. `headers`: case does not matter there, as in any HTTP request.

    Raises: Unauthenticated; the same words whatever is wrong with the signature.
    """
    timestamp = headers.get(TIMESTAMP, "")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise Unauthenticated(f"{TIMESTAMP} must be Unix seconds")
    if not any(_is_genuine(secret, timestamp, body, headers.get(SIGNATURE, "")) for secret in secrets):
        raise Unauthenticated(f"{SIGNATURE} is not genuine")
    if abs(now_s - int(timestamp)) > TOLERANCE_S:
        raise Unauthenticated(f"{TIMESTAMP} is more than {TOLERANCE_S} s away from now")


def _is_genuine(secret: bytes, timestamp: str, body: bytes, signatures: str) -> bool:
    wanted = f"v1={_digest(secret, timestamp, body)}".encode()
    given = signatures.encode().split(b",")[:MAX_SIGNATURES]
    return any([hmac.compare_digest(each.strip(), wanted) for each in given])


def _digest(secret: bytes, timestamp: str, body: bytes) -> str:
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
