"""A YAML file of definitions becomes commands to the directory.

Owns: the file's form (field names of trunkline.directory.v1; users with login, password and name). An unknown field is
an error that names it. Must not: change anything itself.
"""

import base64
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import json_format
from trunkline.directory.v1.directory_commands_pb2 import DirectoryCommand
from trunkline_core.errors import Misconfigured
from trunkline_platform.sealing import Sealer

from trunkline_console.adapters.passwords import hash_password
from trunkline_console.application.accounts import login_token

SECTIONS = (
    ("hours", "define_hours", "hours"),
    ("queues", "define_queue", "queue"),
    ("agents", "define_agent", "agent"),
    ("users", "define_user", "user"),
    ("wrap_up_codes", "define_wrap_up_code", "wrap_up_code"),
    ("flows", "publish_flow", "flow"),
    ("entry_points", "define_entry_point", "entry_point"),
    ("hooks", "define_hook", "hook"),
    ("notice_targets", "define_notice_target", "notice_target"),
)


def read_seed(path: Path) -> dict[str, Any]:
    """Return the file's content. Raises: Misconfigured."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise Misconfigured(f"The seed file {path.name} cannot be read: {' '.join(str(error).split())}.") from None
    if not isinstance(content, dict) or not _is_row(content.get("tenant"), "tenant_id"):
        raise Misconfigured(f"The seed file {path.name} names no tenant.tenant_id.")
    for section, *_ in SECTIONS:
        needed = ("user_id",) if section == "users" else ()
        rows = content.get(section) or []
        if not isinstance(rows, list) or not all(_is_row(row, *needed) for row in rows):
            raise Misconfigured(f"The seed file {path.name} is wrong in {section}: it must be a list of fields.")
    return content


def _is_row(row: Any, *needed: str) -> bool:
    return isinstance(row, dict) and all(row.get(field) for field in needed)


async def seed_commands(
    content: Mapping[str, Any],
    sealer: Sealer,
    is_user_known: Callable[[str], bool],
    hash_password: Callable[[str], str] = hash_password,
) -> AsyncIterator[DirectoryCommand]:
    """Yield the commands in an order in which every reference exists. Known users keep their password.

    Raises: Misconfigured, naming the section and the field.
    """
    tenant = str(content["tenant"].get("tenant_id", ""))
    yield _command("tenant", "define_tenant", "tenant", content["tenant"])
    for section, kind, field in SECTIONS:
        for row in content.get(section) or []:
            if section == "users":
                if is_user_known(str(row.get("user_id", ""))):
                    continue
                row = await _without_secrets(row, tenant, sealer, hash_password)
            yield _command(section, kind, field, row)


def _command(section: str, kind: str, field: str, row: Mapping[str, Any]) -> DirectoryCommand:
    try:
        return json_format.ParseDict({kind: {field: row}}, DirectoryCommand())
    except json_format.ParseError as error:
        raise Misconfigured(f"The seed file is wrong in {section}: {error}.") from None


async def _without_secrets(
    row: Mapping[str, Any], tenant: str, sealer: Sealer, hash_password: Callable[[str], str]
) -> dict[str, Any]:
    """Replace login, password and name by token, hash and sealed name."""
    plain = dict(row)
    login, password, name = (str(plain.pop(key, "")) for key in ("login", "password", "name"))
    sealed = await sealer.seal(str(plain["user_id"]), tenant, name)
    display_name = {"key_id": sealed.key_id, "nonce": _base64(sealed.nonce), "ciphertext": _base64(sealed.ciphertext)}
    return plain | {
        "login_token": login_token(sealer, tenant, login),
        "password_hash": hash_password(password),
        "display_name": display_name,
        "active": True,
    }


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
