"""Applying the seed file at the start. Must not: know the file's form."""

import asyncio
import logging
from pathlib import Path
from typing import Any

from trunkline.directory.v1.directory_commands_pb2 import DirectoryCommand
from trunkline_core.errors import Invalid, Misconfigured, NotFound, Overloaded, Rejection, Transient
from trunkline_ledger.ledger import Ledger
from trunkline_platform.commands import CommandClient
from trunkline_platform.credentials import Principal, Role
from trunkline_platform.sealing import Sealer

from trunkline_console.adapters.seeds import read_seed, seed_commands
from trunkline_console.domain.state import Directory

log = logging.getLogger(__name__)

RETRY_S = 0.2


class Seeding:
    """Applies the seed file once the directory can take commands."""

    def __init__(self, path: Path, ledger: Ledger[Directory, Any, Any], client: CommandClient, sealer: Sealer) -> None:
        """`client` sends commands to the directory."""
        self.is_done = False
        self._path = path
        self._ledger = ledger
        self._client = client
        self._sealer = sealer

    async def run(self) -> None:
        """Send every command; what is unchanged changes nothing. Raises: Misconfigured for a wrong file."""
        content = read_seed(self._path)
        tenant = content["tenant"]["tenant_id"]
        principal = Principal(tenant, "service:seed", frozenset({Role.ADMIN}))
        state = self._ledger.state(self._ledger.partition_of(tenant))
        users = state.users
        async for command in seed_commands(content, self._sealer, lambda user: users.find(tenant, user) is not None):
            if _would_take_back_policy(command, state, tenant):
                continue
            await self._send(command, principal)
        self.is_done = True
        log.info("seed applied", extra={"seed": self._path.name})

    async def _send(self, command: Any, principal: Principal) -> None:
        while True:
            try:
                await self._client.execute(command, principal, timeout_s=10.0)
                return
            except (Transient, Overloaded):
                await asyncio.sleep(RETRY_S)  # no owner yet, or Kafka is away: not ready until it is done
            except (Invalid, NotFound) as wrong:
                section = command.WhichOneof("command")
                raise Misconfigured(f"The seed file {self._path.name} is wrong in {section}: {wrong}.") from None
            except Rejection as refusal:  # the directory has moved on since the file was written
                log.warning("seed refused", extra={"rule": refusal.rule})
                return


def _would_take_back_policy(command: DirectoryCommand, state: Directory, tenant: str) -> bool:
    """Tell whether it redefines a queue of a published policy: it would do so at every start."""
    if not command.HasField("define_queue") or not state.policy(tenant).is_published:
        return False
    return state.queues.find(tenant, command.define_queue.queue.queue_id) is not None
