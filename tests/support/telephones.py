"""Telephones of agents: the stream by which a gateway tells acd which are registered with it (routing rule 1)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from gateways import PATIENCE_S
from phones import Run, loop_in_a_thread
from trunkline.acd.v1 import acd_service_pb2 as api
from trunkline.acd.v1.acd_service_pb2_grpc import AgentSessionServiceStub
from trunkline.acd.v1.acd_types_pb2 import DEVICE_STATE_LOST, DEVICE_STATE_REGISTERED
from trunkline_launcher.layout import Layout, installation_secret
from trunkline_platform.commands import new_command_id
from trunkline_platform.credentials import Credentials, Principal, Role, service_principal
from trunkline_platform.grpc_client import Channels, token_metadata
from trunkline_platform.peers import PeerClient

REPORT_DEVICES = api.DESCRIPTOR.services_by_name["DeviceService"].methods_by_name["ReportDevices"]


class Registrar:
    """A gateway's side of the stream: whom it names, at each beginning and whenever that changes."""

    def __init__(self, name: str, watch: "Watch") -> None:
        self.name = name
        self.peer: PeerClient | None = None
        self._boot_id = new_command_id()
        self._named: tuple[str, ...] = ()
        self._watch = watch

    async def name_all(self, *agent_ids: str) -> None:
        """From now on these are registered, and no others; returns when acd knows. Raises: TimeoutError."""
        assert self.peer is not None
        before, self._named = self._named, agent_ids
        self.peer.broadcast(self.heartbeat())
        lost = {agent_id: DEVICE_STATE_LOST for agent_id in before}
        await self._watch.until(lost | {agent_id: DEVICE_STATE_REGISTERED for agent_id in agent_ids})

    def greeting(self) -> list[Any]:
        """Say who it is and what it has."""
        hello = api.GatewayHello(peer_id=self.name, boot_id=self._boot_id, devices=self._devices())
        return [api.ReportDevicesRequest(hello=hello)]

    def heartbeat(self) -> Any:
        """Say what it has."""
        return api.ReportDevicesRequest(heartbeat=api.GatewayHeartbeat(devices=self._devices()))

    def _devices(self) -> api.RegisteredDevices:
        return api.RegisteredDevices(agent_ids=self._named)


class Watch:
    """What desks see of the telephones."""

    def __init__(self, channels: Channels, address: str, credentials: Credentials, tenant: str) -> None:
        self._stub: Any = AgentSessionServiceStub(channels.to(address))
        self._metadata = token_metadata(credentials, service_principal("console", tenant))

    async def until(self, wanted: Mapping[str, int]) -> None:
        """Wait until they are so. Raises: TimeoutError."""
        stream = self._stub.Session(metadata=self._metadata)
        async with asyncio.timeout(PATIENCE_S):
            await stream.write(api.SessionRequest(hello=api.PeerHello(peer_id=f"pe_{new_command_id()}")))
            await stream.write(api.SessionRequest(watch_agents=api.WatchAgents(agent_ids=list(wanted))))
            left = dict(wanted)
            while left:
                view = (await stream.read()).agent
                if left.get(view.agent_id) == view.device:
                    del left[view.agent_id]
        stream.cancel()


class Telephones:
    """The telephones of a tenant's agents, of which everything blocks."""

    def __init__(self, registrar: Registrar, run: Run) -> None:
        self._registrar = registrar
        self._run = run

    def are(self, *agent_ids: str) -> None:
        """Those of these agents are registered, and no others."""
        self._run(self._registrar.name_all(*agent_ids))


@contextlib.contextmanager
def telephones_of(layout: Layout, tenant: str, name: str = "gw_telephones") -> Iterator[Telephones]:
    """Telephones of the tenant's agents; their gateway dies without a word at the end of the block."""
    with loop_in_a_thread() as run:
        registering = registrar_of(layout, tenant, name)
        try:
            yield Telephones(run(registering.__aenter__()), run)
        finally:
            run(registering.__aexit__(None, None, None))


@contextlib.asynccontextmanager
async def registrar_of(layout: Layout, tenant: str, name: str) -> AsyncIterator[Registrar]:
    """A gateway that is connected to acd until the end of the block."""
    channels, credentials = Channels(), Credentials(installation_secret(layout.data).encode())
    registrar = Registrar(name, Watch(channels, layout.grpc_address("acd"), credentials, tenant))
    registrar.peer = PeerClient(
        REPORT_DEVICES,
        [layout.grpc_address("acd")],
        credentials,
        Principal(tenant, f"gateway:{name}", frozenset({Role.GATEWAY})),
        channels,
        greeting=registrar.greeting,
        heartbeat=registrar.heartbeat,
        on_push=lambda _: None,
    )
    running = asyncio.create_task(registrar.peer.run(), name="registrar")
    try:
        yield registrar
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await channels.close()
