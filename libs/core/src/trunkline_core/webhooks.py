"""Definitions of web hooks, shared by the directory that publishes them and the services that obey them (ADR 0007).

Owns: the shape of a definition and what makes it invalid. Secrets stand in settings; a definition only names them.
Must not: sign, send or resolve anything.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from trunkline_core.errors import Invalid
from trunkline_core.ids import check_id_of

MAX_URL = 2_048
MAX_SECRETS = 2  # the one in use and the one that comes after it
MAX_NOTICE_TARGETS = 8
MAX_HOOKS = 32
_SECRET_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class NoticeTargetDefinition:
    """An address of an outside system that is told of a tenant's tickets. See directory_types.proto for each field."""

    target_id: str
    url: str
    secret_names: tuple[str, ...]
    disabled: bool


@dataclass(frozen=True, slots=True)
class HookDefinition:
    """Where an outside system may bring in messages of its customers. See directory_types.proto for each field."""

    hook_id: str
    entry_point_id: str
    secret_names: tuple[str, ...]
    disabled: bool


def check_hook(hook: HookDefinition) -> None:
    """Raises: Invalid, naming the field."""
    check_id_of("hk", "hook.hook_id", hook.hook_id)
    check_id_of("ep", "hook.entry_point_id", hook.entry_point_id)
    check_secret_names("hook.secret_names", hook.secret_names)


def check_notice_target(target: NoticeTargetDefinition) -> None:
    """Raises: Invalid, naming the field."""
    check_id_of("nt", "notice_target.target_id", target.target_id)
    _check_url("notice_target.url", target.url)
    check_secret_names("notice_target.secret_names", target.secret_names)


def check_secret_names(field: str, names: tuple[str, ...]) -> None:
    """Raises: Invalid unless one or two different names are given."""
    if not 1 <= len(names) <= MAX_SECRETS or len(set(names)) < len(names):
        raise Invalid(field, f"must be 1 to {MAX_SECRETS} different names")
    if not all(_SECRET_NAME.fullmatch(name) for name in names):
        raise Invalid(field, "must be letters, digits, - and _, at most 64")


def _check_url(field: str, url: str) -> None:
    """A URL stands in events: it may carry no credential. Raises: Invalid."""
    if len(url) > MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid(field, f"must have at most {MAX_URL} ASCII characters without spaces")
    try:
        parts = urlsplit(url)
        is_complete = parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an address in brackets that is none
        is_complete = False
    if not is_complete:
        raise Invalid(field, "must be https://host/…")
    if "@" in parts.netloc or parts.fragment:
        raise Invalid(field, "must have no user name, password or fragment")
