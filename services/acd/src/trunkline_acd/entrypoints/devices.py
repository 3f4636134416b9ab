"""What gateways say over gRPC about agents' telephones. Must not: decide anything about agents."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final, cast

from trunkline.acd.v1 import acd_service_pb2, acd_service_pb2_grpc
from trunkline_core.errors import Invalid
from trunkline_platform.credentials import Principal, Role
from trunkline_platform.grpc_server import current_principal
from trunkline_platform.peers import Peer, PeerRegistry, PeerSession
from trunkline_platform.watch import Outbox, converse

from trunkline_acd.application.gateways import DeviceReports
from trunkline_acd.domain.definitions import check_id

MAX_DEVICES: Final = 5_000


class Devices(acd_service_pb2_grpc.DeviceServiceServicer):
    """Streams of gateways; a gateway speaks for agents of its own tenant only."""

    def __init__(self, reports: DeviceReports, gateways: PeerRegistry) -> None:
        self._reports = reports
        self._gateways = gateways

    async def ReportDevices(
        self, request_iterator: Any, context: Any
    ) -> AsyncIterator[acd_service_pb2.ReportDevicesResponse]:
        """Listen until the gateway ends the stream; say whom the tenant does not have."""
        principal = current_principal()
        principal.require(Role.GATEWAY)
        outbox: Outbox[list[str]] = Outbox("acd.devices")
        listener = _Listener(self._reports, self._gateways, principal, outbox)
        conversation = converse(aiter(request_iterator), listener.handle, outbox)
        async with aclosing(cast(AsyncGenerator[list[str], None], conversation)) as answers:
            async for unknown in answers:
                yield acd_service_pb2.ReportDevicesResponse(unknown_agent_ids=unknown)


class _Listener:
    """What a gateway says on one stream."""

    def __init__(
        self, reports: DeviceReports, gateways: PeerRegistry, principal: Principal, outbox: Outbox[list[str]]
    ) -> None:
        self._reports = reports
        self._gateways = gateways
        self._principal = principal
        self._outbox = outbox
        self._session: PeerSession | None = None

    async def handle(self, request: acd_service_pb2.ReportDevicesRequest) -> None:
        """Take one request. Raises: Invalid, Forbidden, Rejection(`PeerReplaced`)."""
        if self._session is None:
            named = self._greet(request)
        else:
            is_beat = request.WhichOneof("request") == "heartbeat"  # or a request of a newer version
            named = _named(request.heartbeat) if is_beat else None
            self._session.heard(named)
        if named is not None:
            self._reports.told()
            if unknown := self._reports.unknown(self._principal.tenant, named):
                self._outbox.put("unknown", unknown)

    def _greet(self, request: acd_service_pb2.ReportDevicesRequest) -> list[str] | None:
        if request.WhichOneof("request") != "hello":
            raise Invalid("hello", "must come first")
        hello, named = request.hello, _named(request.hello)
        check_id("peer_id", hello.peer_id)  # as the rules do: else the gateway would be let in and never heard
        gateway = Peer(self._principal.tenant, hello.peer_id)
        self._session = self._gateways.greet(gateway, self._principal.actor, hello.boot_id, named)
        return named


def _named(said: acd_service_pb2.GatewayHello | acd_service_pb2.GatewayHeartbeat) -> list[str] | None:
    """Return whose telephones are registered, None where the gateway does not say. Raises: Invalid."""
    if not said.HasField("devices"):
        return None
    if len(said.devices.agent_ids) > MAX_DEVICES:
        raise Invalid("devices.agent_ids", f"must be at most {MAX_DEVICES}")
    return list(said.devices.agent_ids)
