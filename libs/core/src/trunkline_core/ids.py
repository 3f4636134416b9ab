"""Ids: opaque strings with a type prefix, the same whenever the same command is decided again.

Must not: contain personal data, or draw random numbers inside a decision.
"""

import hashlib
import re
from datetime import UTC, datetime
from uuid import UUID

from trunkline_core.errors import Invalid

MAX_ID = 128
CONTACT_TOKEN_LENGTH = 16
_TOKEN = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_DIGITS = 24  # 96 bits: a collision among 10^9 ids has a probability of about 10^-11


def derive_id(prefix: str, command_id: str, ordinal: int) -> str:
    """Return the id of the `ordinal`-th thing (0, 1, …) that the command `command_id` creates.

    `prefix` is the type, without underscore: `ct` contact, `ag` agent, `qu` queue, `tk` ticket, `cu` customer.
    """
    digest = hashlib.sha256(f"{prefix}\x00{command_id}\x00{ordinal}".encode()).hexdigest()
    return f"{prefix}_{digest[:_DIGITS]}"


def check_id(field: str, value: str) -> None:
    """Raises: Invalid unless `value` has 1 to 128 characters."""
    if not 1 <= len(value) <= MAX_ID:
        raise Invalid(field, f"must have 1 to {MAX_ID} characters")


def check_token(field: str, value: str) -> None:
    """Raises: Invalid, unless empty or a token: a free text could be about somebody, and events keep it in clear."""
    if value and not _TOKEN.fullmatch(value):
        raise Invalid(field, f"must match {_TOKEN.pattern}")


def check_reason(reason: str) -> None:
    """Admit why a supervisor decides something. Raises: Invalid, unless it is a token."""
    if not reason:
        raise Invalid("reason", "must be set")
    check_token("reason", reason)


def check_id_of(prefix: str, field: str, value: str) -> None:
    """Raises: Invalid unless `value` is an id of the type `prefix`, without underscore."""
    if not value.startswith(f"{prefix}_") or not len(prefix) + 1 < len(value) <= MAX_ID:
        raise Invalid(field, f"must begin with {prefix}_ and have at most {MAX_ID} characters")


def time_of(uuid7: str, field: str = "command_id") -> datetime:
    """Return the time inside a UUIDv7 (RFC 9562), to the millisecond. Raises: Invalid, naming `field`, else."""
    try:
        parsed = UUID(uuid7)
        if parsed.version != 7:
            raise ValueError
        return datetime.fromtimestamp((parsed.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):  # 48 bits of milliseconds reach beyond the year 9999
        raise Invalid(field, "must be a UUID of version 7") from None


def contact_prefix(address_token: str) -> str:
    """Return how the ids of all contacts of one address begin: `ct_<token>_`.

    The token is an HMAC under the tenant's key. So all contacts of an address lie in one partition, and an erasure
    finds the keys of each of them, also of those that nobody resolved.
    """
    return f"ct_{address_token[:CONTACT_TOKEN_LENGTH]}_"


def address_of(contact_id: str) -> str:
    """Return what the ids of all contacts of one address begin with; any other id stands for itself."""
    prefix, _, suffix = contact_id.rpartition("_")
    return f"{prefix}_" if "_" in prefix and suffix else contact_id
