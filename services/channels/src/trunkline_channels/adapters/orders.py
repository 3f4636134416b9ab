"""Commands of this process on their way to the owner: here, or one hop away (ledger rule 19)."""

from typing import Any

from trunkline.contact.v1.contact_events_pb2 import ContactEvent
from trunkline.contact.v1.contact_service_pb2 import ExecuteRequest
from trunkline_platform.commands import CommandServer
from trunkline_platform.credentials import Principal

from trunkline_channels.adapters.wire import WIRE
from trunkline_channels.domain.commands import Command
from trunkline_channels.domain.events import Event
from trunkline_channels.domain.identity import partition_token

TIMEOUT_S = 5.0


class LocalCommander:
    """The command server of this very process, without a round trip where the partition is ours."""

    def __init__(self, server: CommandServer[Command, Event]) -> None:
        self._server = server

    async def send(self, command: Command, caller: Principal, command_id: str, payload_hash: bytes) -> str:
        """Return the contact that it changed, once that is durable; empty for none. Raises: TrunklineError."""
        message: Any = WIRE.command_to_message(command)
        contact_id = getattr(command, "contact_id", "")
        partition_token(contact_id)
        request = ExecuteRequest(
            command_id=command_id, command=message, correlation_id=contact_id, payload_hash=payload_hash
        )
        answer = await self._server.execute(request, caller, TIMEOUT_S)
        return next(filter(None, map(_contact_id, answer.events)), "")


def _contact_id(event: ContactEvent) -> str:
    """Return whom the event is about, empty for an event of a newer version."""
    kind = event.WhichOneof("event")
    return "" if kind is None else str(getattr(event, kind).contact_id)
