"""The chat edge's streams to all replicas: the same contact API that gateways use, one set for each tenant.

Owns: which contacts each tenant's streams watch. Must not: understand a push.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence

from trunkline.contact.v1 import contact_service_pb2 as wire
from trunkline_platform.credentials import Credentials, service_principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.peers import PeerClient

TOGETHER_S = 0.05
MAX_HELD = 10_000

_SESSION = wire.DESCRIPTOR.services_by_name["ContactSessionService"].methods_by_name["Session"]


class TenantStreams:
    """`run` inside the process's task group."""

    def __init__(
        self,
        peer_id: str,
        addresses: Sequence[str],
        credentials: Credentials,
        channels: Channels,
        on_push: Callable[[wire.SessionResponse], None],
        held: Callable[[str], Collection[str]],
    ) -> None:
        """`addresses` are host:port of every replica of channels; `held(tenant)` are the contacts that have a page."""
        self._peer_id = peer_id
        self._addresses = addresses
        self._credentials = credentials
        self._channels = channels
        self._on_push = on_push
        self._held = held
        self._watched: dict[str, set[str]] = {}
        self._pending: dict[str, asyncio.TimerHandle] = {}
        self._clients: dict[str, PeerClient] = {}
        self._to_start: asyncio.Queue[str] = asyncio.Queue()

    def ensure(self, tenant: str) -> None:
        """Have streams for the tenant."""
        if tenant not in self._watched:
            self._watched[tenant] = set()
            self._to_start.put_nowait(tenant)

    def watch(self, tenant: str, contact_id: str) -> None:
        """Get the contact from its first message on, and every change; several wishes of a moment go out together."""
        self.ensure(tenant)
        if contact_id not in self._watched[tenant]:
            self._watched[tenant].add(contact_id)
            if tenant not in self._pending:
                loop = asyncio.get_running_loop()
                self._pending[tenant] = loop.call_later(TOGETHER_S, self._tell, tenant)

    def unwatch(self, tenant: str, contact_ids: Collection[str]) -> None:
        """Hear of them no more, unless this edge holds them. Told at once: watched again, they come from the start."""
        self._watched.get(tenant, set()).difference_update(contact_ids)
        self._tell(tenant)

    async def run(self) -> None:
        """Start the streams of each tenant when they are first needed; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                tenant = await self._to_start.get()
                client = self._clients[tenant] = self._client(tenant)
                tasks.create_task(client.run(), name=f"chat-streams-{tenant}")

    def _client(self, tenant: str) -> PeerClient:
        return PeerClient(
            _SESSION,
            self._addresses,
            self._credentials,
            service_principal("channels", tenant),
            self._channels,
            greeting=lambda: [self._hello(tenant), self._request(tenant)],
            heartbeat=lambda: wire.SessionRequest(heartbeat=wire.PeerHeartbeat(held=self._contacts(tenant))),
            on_push=self._on_push,
        )

    def _hello(self, tenant: str) -> wire.SessionRequest:
        return wire.SessionRequest(hello=wire.PeerHello(peer_id=self._peer_id, held=self._contacts(tenant)))

    def _contacts(self, tenant: str) -> wire.HeldContacts | None:
        """Without versions: a page gets its contact from the first message on. None where they are too many to say."""
        held = self._held(tenant)
        if len(held) > MAX_HELD:
            return None
        return wire.HeldContacts(contacts=[wire.HeldContact(contact_id=contact_id) for contact_id in held])

    def _tell(self, tenant: str) -> None:
        if pending := self._pending.pop(tenant, None):
            pending.cancel()
        if client := self._clients.get(tenant):
            client.broadcast(self._request(tenant))

    def _request(self, tenant: str) -> wire.SessionRequest:
        contact_ids = sorted(self._watched[tenant])
        return wire.SessionRequest(watch_contacts=wire.WatchContacts(contact_ids=contact_ids))
