"""Asking acd why a contact is where it is, who waits in a queue, whom an agent talks to. Must not: keep anything."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message
from trunkline.acd.v1 import acd_service_pb2
from trunkline.acd.v1.acd_types_pb2 import ContactExplanation
from trunkline_core.errors import Transient
from trunkline_platform.credentials import Credentials, Principal
from trunkline_platform.grpc_client import Channels, Method

ATTEMPT_S = 2.0


class AcdReader:
    """Asks the replicas of acd: the owner of the tenant's partition answers."""

    def __init__(self, addresses: Sequence[str], credentials: Credentials, channels: Channels) -> None:
        methods = acd_service_pb2.DESCRIPTOR.services_by_name["AcdReadService"].methods_by_name
        self._explain = Method(methods["ExplainContact"])
        self._list_waiting = Method(methods["ListWaiting"])
        self._list_connected = Method(methods["ListConnected"])
        self._addresses = addresses
        self._credentials = credentials
        self._channels = channels

    async def explanation(self, principal: Principal, contact_id: str) -> ContactExplanation:
        """Return why the contact is where it is.

        Raises: NotFound, also for another agent's contact; Invalid; Forbidden; Transient when nobody answers.
        """
        request = acd_service_pb2.ExplainContactRequest(contact_id=contact_id)
        found: ContactExplanation = (await self._ask(self._explain, request, principal)).explanation
        return found

    async def waiting(self, principal: Principal, queue_id: str) -> acd_service_pb2.ListWaitingResponse:
        """Return those who wait or ring in the queue. Raises: NotFound; Invalid; Forbidden; Transient."""
        request = acd_service_pb2.ListWaitingRequest(queue_id=queue_id)
        found: acd_service_pb2.ListWaitingResponse = await self._ask(self._list_waiting, request, principal)
        return found

    async def connected(self, principal: Principal, agent_id: str) -> acd_service_pb2.ListConnectedResponse:
        """Return whom the agent talks to. Raises: NotFound; Invalid; Forbidden; Transient."""
        request = acd_service_pb2.ListConnectedRequest(agent_id=agent_id)
        found: acd_service_pb2.ListConnectedResponse = await self._ask(self._list_connected, request, principal)
        return found

    async def _ask(self, method: Method, request: Message, principal: Principal) -> Any:
        token = self._credentials.issue(principal)
        trouble = Transient("acd has no address")
        for address in self._addresses:
            try:
                return await method.call(self._channels.to(address), request, token=token, timeout_s=ATTEMPT_S)
            except Transient as away:
                trouble = away
        raise trouble
