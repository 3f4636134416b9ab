"""Bounds of what comes from outside; each refusal names the field and never repeats the value."""

import re
from collections.abc import Mapping

from trunkline_core.errors import Invalid
from trunkline_core.sealed import Sealed, check_sealed

from trunkline_channels.domain import policy

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # all but tabs and line ends


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Raises: Invalid when there are too many, or one is too long."""
    if len(attributes) > policy.MAX_ATTRIBUTES:
        raise Invalid("attributes", f"must be at most {policy.MAX_ATTRIBUTES}")
    if any(_CONTROL.search(word) for pair in attributes.items() for word in pair):
        raise Invalid("attributes", "must not have control characters")
    if any(len(word) > policy.MAX_ATTRIBUTE_LENGTH for pair in attributes.items() for word in pair):
        raise Invalid("attributes", f"must have at most {policy.MAX_ATTRIBUTE_LENGTH} characters each")


def check_locale(locale: str) -> None:
    """Raises: Invalid unless a language of the product."""
    if locale not in policy.LOCALES:
        raise Invalid("locale", "must be zh or en")


def check_text(text: str) -> None:
    """Raises: Invalid(`text`) when empty or above the limit."""
    if not text.strip():
        raise Invalid("text", "must not be empty")
    if _CONTROL.search(text):
        raise Invalid("text", "must not have control characters")
    if len(text.encode()) > policy.MAX_TEXT_BYTES:
        raise Invalid("text", f"must have at most {policy.MAX_TEXT_BYTES // 1024} KiB")


def checked(field: str, sealed: Sealed | None) -> Sealed:
    """Return the sealed text. Raises: Invalid when it is missing, empty or above the limit."""
    return check_sealed(field, sealed, policy.MAX_TEXT_BYTES)
