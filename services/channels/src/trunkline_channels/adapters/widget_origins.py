"""Which web pages may embed a tenant's chat: read from the directory's ledger, kept in memory.

Must not: decide anything that has an effect; it is a check at the edge, rebuilt at each start.
"""

import asyncio

from aiokafka.errors import KafkaError
from trunkline.directory.v1.directory_events_pb2 import DirectoryEvent, TenantDefined
from trunkline_ledger.kafka.reader import Reader
from trunkline_platform.logs import get_logger

log = get_logger(__name__)

TOPIC = "directory.events.v1"
TYPE = TenantDefined.DESCRIPTOR.full_name
RETRY_S = 2.0


class WidgetOrigins:
    """Origins by tenant; `everywhere` ones, from the settings, are good for every tenant, `*` for every page."""

    def __init__(self, bootstrap_servers: str, everywhere: frozenset[str], instance_id: str) -> None:
        self._everywhere = everywhere
        self._by_tenant: dict[str, frozenset[str]] = {}
        self._reader = Reader(TOPIC, bootstrap_servers=bootstrap_servers, client_id=f"{instance_id}-origins")

    def allows(self, origin: str | None, tenant: str) -> bool:
        """Tell whether a page of that origin may talk to the tenant's chat."""
        if "*" in self._everywhere:
            return True
        return origin is not None and origin in self._everywhere | self._by_tenant.get(tenant, frozenset())

    def allows_any(self, origin: str) -> bool:
        """Tell whether some tenant's chat may be used from there; for requests that name no tenant yet."""
        return self.allows(origin, "") or any(origin in origins for origins in self._by_tenant.values())

    async def run(self) -> None:
        """Follow the directory until cancelled."""
        try:
            while True:
                try:
                    await self._follow()
                except (KafkaError, OSError, TimeoutError) as error:
                    log.info("directory not read", extra={"reason": type(error).__name__})
                await self._reader.renew()
                await asyncio.sleep(RETRY_S)
        finally:
            await self._reader.stop()

    async def _follow(self) -> None:
        await self._reader.start()
        while True:
            for record in await self._reader.next_batch():
                if record.record.type == TYPE:
                    tenant = DirectoryEvent.FromString(record.record.value).tenant_defined.tenant
                    self._by_tenant[tenant.tenant_id] = frozenset(tenant.widget_origins)
