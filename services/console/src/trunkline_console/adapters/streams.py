"""Streams of the desks to every replica of acd and channels, one set per tenant. Must not: know what is pushed."""

import uuid
from collections.abc import Callable, Coroutine
from typing import Any

from trunkline.acd.v1 import acd_service_pb2
from trunkline.contact.v1 import contact_service_pb2
from trunkline_platform.credentials import Credentials, service_principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.peers import PeerClient

from trunkline_console.application.desks import Desks
from trunkline_console.settings import ConsoleSettings

Start = Callable[[str, Coroutine[Any, Any, Any]], None]


class TenantStreams:
    """Opens the streams of one tenant's desks."""

    def __init__(self, start: Start, settings: ConsoleSettings, credentials: Credentials, channels: Channels) -> None:
        """`start(name, work)` runs a task for as long as the process."""
        self.peer_id = f"console-{settings.instance_id}-{uuid.uuid4().hex[:12]}"
        self._start = start
        self._settings = settings
        self._credentials = credentials
        self._channels = channels

    def __call__(self, tenant: str, desks: Desks) -> None:
        """Start the streams and connect them with the desks."""
        acd = self._peer(tenant, acd_service_pb2, "AgentSessionService", self._settings.acd_addresses)
        contacts = self._peer(tenant, contact_service_pb2, "ContactSessionService", self._settings.channels_addresses)
        acd_client = acd(lambda: {"held": desks.held()}, lambda: [desks.agents_watched()], desks.on_agent)
        contact_client = contacts(
            lambda: {"supervisor_ids": desks.supervisors()}, lambda: [desks.contacts_watched()], desks.on_contact
        )
        desks.tell_acd, desks.tell_channels = acd_client.broadcast, contact_client.broadcast
        self._start(f"console-acd-{tenant}", acd_client.run())
        self._start(f"console-channels-{tenant}", contact_client.run())

    def _peer(self, tenant: str, module: Any, service: str, addresses: tuple[str, ...]) -> Any:
        def make(here: Callable[[], dict[str, Any]], watching: Any, on_push: Any) -> PeerClient:
            """`here` says whose pages we have; of contacts a console holds none, it only watches."""

            def hello() -> Any:
                return module.SessionRequest(hello=module.PeerHello(peer_id=self.peer_id, **here()))

            return PeerClient(
                module.DESCRIPTOR.services_by_name[service].methods_by_name["Session"],
                addresses,
                self._credentials,
                service_principal("console", tenant),
                self._channels,
                greeting=lambda: [hello(), *watching()],
                heartbeat=lambda: module.SessionRequest(heartbeat=module.PeerHeartbeat(**here())),
                on_push=on_push,
            )

        return make
