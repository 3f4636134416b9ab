"""Asking acd why a contact is where it is. Must not: keep anything."""

from collections.abc import Sequence

from trunkline.acd.v1 import acd_service_pb2
from trunkline.acd.v1.acd_types_pb2 import ContactExplanation
from trunkline_core.errors import Transient
from trunkline_platform.credentials import Credentials, Principal
from trunkline_platform.grpc_client import Channels, Method

ATTEMPT_S = 2.0


class ExplanationReader:
    """Asks the replicas of acd: the owner of the tenant's partition answers."""

    def __init__(self, addresses: Sequence[str], credentials: Credentials, channels: Channels) -> None:
        service = acd_service_pb2.DESCRIPTOR.services_by_name["AcdReadService"]
        self._explain = Method(service.methods_by_name["ExplainContact"])
        self._addresses = addresses
        self._credentials = credentials
        self._channels = channels

    async def get(self, principal: Principal, contact_id: str) -> ContactExplanation:
        """Return why the contact is where it is.

        Raises: NotFound, also for another agent's contact; Invalid; Forbidden; Transient when nobody answers.
        """
        token = self._credentials.issue(principal)
        request = acd_service_pb2.ExplainContactRequest(contact_id=contact_id)
        trouble = Transient("acd has no address")
        for address in self._addresses:
            try:
                answer = await self._explain.call(self._channels.to(address), request, token=token, timeout_s=ATTEMPT_S)
                explanation: ContactExplanation = answer.explanation
                return explanation
            except Transient as away:
                trouble = away
        raise trouble
