"""Commands over gRPC with nothing in between: what the server answered, as it stands on the wire.

Owns: one call, its status and details. Must not: repeat, hide or translate an answer.
"""

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status
from trunkline.acd.v1 import acd_service_pb2
from trunkline.contact.v1 import contact_service_pb2
from trunkline.customer.v1 import customer_service_pb2
from trunkline.directory.v1 import directory_service_pb2
from trunkline.ivr.v1 import ivr_service_pb2
from trunkline.ticket.v1 import ticket_service_pb2
from trunkline_launcher.layout import Layout, installation_secret
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import TOKEN_KEY, Credentials, Principal
from trunkline_platform.grpc_client import Channels, Method

SERVICES = {
    "acd": ("Acd", acd_service_pb2),
    "channels": ("Contact", contact_service_pb2),
    "console": ("Directory", directory_service_pb2),
    "crm": ("Customer", customer_service_pb2),
    "ivr": ("Ivr", ivr_service_pb2),
    "ticketing": ("Ticket", ticket_service_pb2),
}
TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status code, then what its details say: rule, field, kind of what is missing; `events` of a success."""

    code: str
    events: list[Any] = dataclasses.field(default_factory=list)
    reason: str = ""
    field: str = ""
    missing: str = ""
    retry_after_s: float | None = None


class Callers:
    """Callers of one installation's services."""

    def __init__(self, layout: Layout, channels: Channels) -> None:
        self._layout = layout
        self._channels = channels
        self._credentials = Credentials(installation_secret(layout.data).encode())

    async def execute(
        self, service: str, command: Any, principal: Principal, command_id: str = "", timeout_s: float = TIMEOUT_S
    ) -> Answer:
        """Send the command once. `service`: acd, channels, console, crm, ivr or ticketing."""
        area, module = SERVICES[service]
        method = Method(module.DESCRIPTOR.services_by_name[f"{area}CommandService"].methods_by_name["Execute"])
        request = method.request(command_id=command_id or new_command_id(), command=command)
        return await self.call(service, method, request, principal, timeout_s)

    async def call(
        self, service: str, method: Method, request: Any, principal: Principal, timeout_s: float = TIMEOUT_S
    ) -> Answer:
        """Call any unary method once."""
        call: Any = self._channels.to(self._layout.grpc_address(service)).unary_unary(
            method.path,
            request_serializer=method.request.SerializeToString,
            response_deserializer=method.response.FromString,
        )
        token = self._credentials.issue(principal)
        try:
            response = await call(request, timeout=timeout_s, metadata=((TOKEN_KEY, token),))
        except grpc.aio.AioRpcError as error:
            return _refusal(error)
        return Answer("OK", list(getattr(response, "events", [])))


@contextlib.asynccontextmanager
async def callers_of(layout: Layout) -> AsyncIterator[Callers]:
    """Callers whose channels are closed at the end."""
    channels = Channels()
    try:
        yield Callers(layout, channels)
    finally:
        await channels.close()


def _refusal(error: grpc.aio.AioRpcError) -> Answer:
    status = Status()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = Status.FromString(value)
    info, bad, retry, gone = details.ErrorInfo(), details.BadRequest(), details.RetryInfo(), details.ResourceInfo()
    found = [kind for detail in status.details for kind in (info, bad, retry, gone) if detail.Unpack(kind)]
    fields = [violation.field for violation in bad.field_violations]
    return Answer(
        code=error.code().name,
        reason=info.reason,
        field=fields[0] if fields else "",
        missing=gone.resource_type,
        retry_after_s=retry.retry_delay.ToTimedelta().total_seconds() if retry in found else None,
    )
