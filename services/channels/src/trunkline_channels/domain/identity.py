"""Ids of contacts: `ct_<partition token>_<suffix>`. The token comes from the address, so that all contacts of one
customer lie in one partition; the suffix comes from the command, so that a repeated command means the same contact.

Must not: contain personal data; the token is an HMAC under the tenant's key.
"""

from trunkline_core.errors import Invalid
from trunkline_core.ids import MAX_ID, contact_prefix, derive_id


def derive_contact_id(address_token: str, command_id: str) -> str:
    """Return the id of the contact that the command opens."""
    suffix = derive_id("ct", command_id, 0).removeprefix("ct_")
    return f"{contact_prefix(address_token)}{suffix}"


def partition_token(contact_id: str) -> str:
    """Return the ledger key of a contact. Raises: Invalid for anything that is no contact id."""
    parts = contact_id.split("_")
    if len(contact_id) > MAX_ID or len(parts) != 3 or parts[0] != "ct" or not all(parts):
        raise Invalid("contact_id", "must be ct_<token>_<suffix>")
    return parts[1]
