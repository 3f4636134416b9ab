"""A question to another service that only the owner of a partition answers, put to one replica after the other.

Must not: know the question.
"""

from collections.abc import Sequence
from typing import Any

from trunkline_core.errors import Transient
from trunkline_platform.credentials import Credentials, Principal
from trunkline_platform.grpc_client import Channels, Method


class OwnerRead:
    """One RPC at all replicas of a service."""

    def __init__(self, method: Any, addresses: Sequence[str], credentials: Credentials, channels: Channels) -> None:
        """`method` is protobuf's descriptor of the RPC; `addresses` are host:port of every replica."""
        self._method = Method(method)
        self._addresses = addresses
        self._credentials = credentials
        self._channels = channels

    async def ask(self, principal: Principal, timeout_s: float, **fields: Any) -> Any:
        """Return the answer; `timeout_s` is what one replica is given. Raises: TrunklineError."""
        request = self._method.request(**fields)
        token = self._credentials.issue(principal)
        refusal = Transient("no replica is known")
        for address in self._addresses:
            try:
                channel = self._channels.to(address)
                return await self._method.call(channel, request, token=token, timeout_s=timeout_s)
            except Transient as trouble:
                refusal = trouble
        raise refusal
