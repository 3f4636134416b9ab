"""What acd knows of a contact's wait (routing rules 14 and 15). Must not: keep anything."""

from collections.abc import Sequence

from trunkline.acd.v1 import acd_service_pb2
from trunkline_core.treatments import Figures
from trunkline_platform.credentials import Credentials, service_principal
from trunkline_platform.grpc_client import Channels
from trunkline_platform.wire import span

from trunkline_channels.adapters.replicas import OwnerRead

_GET_WAIT = acd_service_pb2.DESCRIPTOR.services_by_name["AcdReadService"].methods_by_name["GetWait"]


class AcdWaits:
    """Asks the owner of the tenant's partition."""

    def __init__(self, addresses: Sequence[str], credentials: Credentials, channels: Channels) -> None:
        """`addresses` are host:port of every replica of acd."""
        self._read = OwnerRead(_GET_WAIT, addresses, credentials, channels)

    async def figures(self, tenant: str, contact_id: str, timeout_s: float) -> Figures:
        """Return the contact's place and wait; unknown while it rings. Raises: TrunklineError."""
        found = await self._read.ask(service_principal("channels", tenant), timeout_s, contact_id=contact_id)
        is_known = found.HasField("estimate") and found.estimate.HasField("p80_duration")
        return Figures(found.position, span(found.estimate.p80_duration) if is_known else None)
