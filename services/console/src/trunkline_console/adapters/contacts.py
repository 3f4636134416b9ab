"""Asking channels for one contact. Must not: keep anything."""

from collections.abc import Sequence

from trunkline.contact.v1 import contact_service_pb2
from trunkline.contact.v1.contact_types_pb2 import ContactView
from trunkline_core.errors import Transient
from trunkline_platform.credentials import Credentials, service_principal
from trunkline_platform.grpc_client import Channels, Method

from trunkline_console.application.owners import KnownContact

ATTEMPT_S = 2.0


class ContactReader:
    """Reads contacts of any replica of channels."""

    def __init__(self, addresses: Sequence[str], credentials: Credentials, channels: Channels) -> None:
        service = contact_service_pb2.DESCRIPTOR.services_by_name["ContactReadService"]
        self._get = Method(service.methods_by_name["GetContact"])
        self._addresses = addresses
        self._credentials = credentials
        self._channels = channels

    async def get(self, tenant: str, contact_id: str) -> KnownContact:
        """Return whose contact it is. Raises: NotFound, Invalid; Transient when no replica answers."""
        found = await self.view(tenant, contact_id)
        supervisor_id, colleague_id = found.monitoring.supervisor_id, found.consultation.agent_id
        return KnownContact(found.customer_id, found.agent_id, supervisor_id, colleague_id)

    async def view(self, tenant: str, contact_id: str) -> ContactView:
        """Return the contact. Raises: NotFound, Invalid; Transient when no replica answers."""
        token = self._credentials.issue(service_principal("console", tenant))
        request = contact_service_pb2.GetContactRequest(contact_id=contact_id)
        trouble = Transient("channels has no address")
        for address in self._addresses:
            try:
                found = await self._get.call(self._channels.to(address), request, token=token, timeout_s=ATTEMPT_S)
                view: ContactView = found.contact
                return view
            except Transient as away:
                trouble = away
        raise trouble
