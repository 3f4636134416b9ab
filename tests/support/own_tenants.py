"""Tenants that belong to one test: defined on the running centre by directory commands, as administrators define them.

Owns: the demo tenant's definitions under ids of their own, with what the test changes in them. Must not: know a
browser, or touch the demo tenant itself.
"""

import asyncio
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import trunkline_console
import yaml
from argon2 import PasswordHasher
from trunkline.directory.v1 import directory_service_pb2
from trunkline_console.adapters.seeds import seed_commands
from trunkline_launcher.commands import PASSWORD
from trunkline_launcher.layout import Layout, installation_secret
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Credentials, service_principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.keystore import KeyWrap, SqliteKeyStore
from trunkline_platform.sealing import Sealer
from visitors import Visitor
from waiting import wait_until

DEFINITIONS = f"{trunkline_console.__path__[0]}/seeds/demo.yaml"
IDS = re.compile(r"\b(tn|ho|qu|ag|us|fl|ep)_(\w+)")
# One script in each name: so a page in one language has no reason to show characters of the other.
NAMES = {"li": "Li Na", "wang": "Wang Qiang", "zhao": "Zhao Min", "admin": "Admin"}

WEAK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Nobody guesses the passwords of a test; each hash and each log-in would cost a fifth of a second of a core."""


@dataclass(frozen=True, slots=True)
class OwnTenant:
    """A tenant that nobody else uses; ids are those of the demo tenant with a suffix."""

    layout: Layout
    suffix: str

    @property
    def tenant_id(self) -> str:
        """The tenant."""
        return f"tn_demo_{self.suffix}"

    @property
    def support(self) -> str:
        """The queue behind "talk to a person"."""
        return f"qu_support_{self.suffix}"

    @property
    def entry_point(self) -> str:
        """Where its chats come in."""
        return f"ep_demo_chat_{self.suffix}"

    @property
    def telephone_number(self) -> str:
        """Where its calls come in."""
        return f"ep_demo_voice_{self.suffix}"

    def agent(self, login: str) -> str:
        """Return the id of the agent with this login."""
        return f"ag_{login}_{self.suffix}"


TenantFactory = Callable[..., OwnTenant]


def define_tenant(layout: Layout, queue: Mapping[str, Any] | None = None, **changes: Any) -> OwnTenant:
    """Define a tenant and wait until it takes contacts.

    Args:
        layout: the running centre.
        queue: fields of `QueueDefinition` that differ from the demo's, in all queues.
        changes: sections of the definitions that are replaced (`agents`, `users`, `queues` …).
    """
    tenant = OwnTenant(layout, uuid.uuid4().hex[:10])
    content = definitions(tenant.suffix, queue or {}, changes)
    with ThreadPoolExecutor(1) as apart:  # Playwright keeps an event loop running in this thread
        apart.submit(asyncio.run, _define(layout, content)).result()
    wait_until(lambda: _takes_contacts(tenant), f"{tenant.tenant_id} takes contacts")
    return tenant


def support_agents(logins: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the sections `agents` and `users`: behind each login somebody who serves support, one chat at a time."""
    names = list(logins)
    support = {"skills": [{"skill": "support", "level": 3}], "chat_capacity": 1}
    user = {"password": PASSWORD, "roles": ["ROLE_AGENT"]}
    return {
        "agents": [{"agent_id": f"ag_{login}", **support} for login in names],
        "users": [
            {"user_id": f"us_{login}", "login": login, "name": login, "agent_id": f"ag_{login}", **user}
            for login in names
        ],
    }


def with_desk_of_supervisor() -> dict[str, list[dict[str, Any]]]:
    """Return the sections `agents` and `users` of the demo, where zhao the supervisor is an agent too."""
    content = demo_definitions()
    zhao = {"agent_id": "ag_zhao", "roles": ["ROLE_SUPERVISOR", "ROLE_AGENT"]}
    users = [each | zhao if each["login"] == "zhao" else each for each in content["users"]]
    skills = [{"skill": "support", "level": 3}]
    return {
        "agents": [*content["agents"], {"agent_id": "ag_zhao", "skills": skills, "chat_capacity": 2}],
        "users": users,
    }


def demo_definitions() -> dict[str, Any]:
    """Return the demo tenant's definitions, with names in one script."""
    with open(DEFINITIONS, encoding="utf-8") as file:
        content: dict[str, Any] = yaml.safe_load(file)
    content["tenant"] |= {"name": "Shop"}
    content["users"] = [each | {"name": NAMES[each["login"]]} for each in content["users"]]
    return content


def spoken_texts() -> list[str]:
    """Return what the demo's menu and queues say. It stays in the language in which the customer heard it."""
    steps = [node["step"].values() for flow in demo_definitions()["flows"] for node in flow["nodes"]]
    treatments = [queue["treatment"] for queue in demo_definitions()["queues"] if queue["treatment"]]
    steps += [step.values() for treatment in treatments for step in treatment["steps"]]
    return [text for step in steps for fields in step for text in fields.get("text", {}).values()]


def definitions(suffix: str, queue: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the demo's definitions, changed, under ids with the suffix."""
    content = demo_definitions() | dict(changes)
    content["queues"] = [each | dict(queue) for each in content["queues"]]
    own: dict[str, Any] = yaml.safe_load(IDS.sub(rf"\1_\2_{suffix}", yaml.safe_dump(content, allow_unicode=True)))
    return own


async def _define(layout: Layout, content: Mapping[str, Any]) -> None:
    secret = installation_secret(layout.data).encode()
    sealer = Sealer(SqliteKeyStore(layout.data / "keys.sqlite", KeyWrap(secret)), secret)
    channels = Channels()
    service = directory_service_pb2.DESCRIPTOR.services_by_name["DirectoryCommandService"]
    client = CommandClient(service, [layout.grpc_address("console")], Credentials(secret), channels)
    principal = service_principal("console", content["tenant"]["tenant_id"])
    try:
        async for command in seed_commands(content, sealer, lambda _: False, WEAK.hash):
            await client.execute(command, principal, timeout_s=20.0)
    finally:
        await channels.close()


def _takes_contacts(tenant: OwnTenant) -> bool:
    """A contact really reaches the menu; it leaves again."""
    visitor = Visitor.arrive(tenant.layout, tenant.entry_point)
    if visitor is None:
        return False
    with visitor:
        reached = visitor.wait_for(lambda contact: contact["prompt"] is not None or contact["state"] == "CLOSED")
        if reached["state"] != "CLOSED":
            visitor.leave()
        return reached["state"] != "CLOSED"
