"""Reads of a ledger's state over gRPC: the replica that is asked answers, or the owner does (ledger rules 18 and 19).

Owns: the one hop of a read whose token this replica has not reached. Must not: know what is read, or become the ground
of an effect: only commands are.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from trunkline_core.errors import Invalid, Transient
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import ReadToken

from trunkline_platform.credentials import Credentials
from trunkline_platform.grpc_client import Channels, Method
from trunkline_platform.grpc_server import current_principal


class OwnerReads:
    """One RPC whose request has the fields `token` (ReadToken) and `forwarded`."""

    def __init__(
        self, method: Any, ledger: Ledger[Any, Any, Any], credentials: Credentials, channels: Channels, address: str
    ) -> None:
        """`method` is the RPC's descriptor; `address` our own, so that we never ask ourselves."""
        self._method = Method(method)
        self._ledger = ledger
        self._credentials = credentials
        self._channels = channels
        self._address = address

    async def answer(
        self, request: Any, partition: int, read: Callable[[ReadToken | None], Awaitable[Any]], timeout_s: float
    ) -> Any:
        """Return what `read(token)` does; where it says Transient because of the token, what the owner answers.

        Raises: Invalid for a token of another partition; Transient where the owner is unknown, or we are asked by
            another replica; what `read` or the owner raises.
        """
        token = _token_of(request, partition)
        try:
            return await read(token)
        except Transient:
            owner = self._ledger.owner_of(partition)
            is_last = token is None or request.forwarded or owner is None or owner.address == self._address
            if is_last:
                raise
            assert owner is not None
            return await self._ask(request, owner.address, timeout_s)

    async def _ask(self, request: Any, address: str, timeout_s: float) -> Any:
        onward = self._method.request()
        onward.CopyFrom(request)
        onward.forwarded = True
        token = self._credentials.issue(current_principal())
        return await self._method.call(self._channels.to(address), onward, token=token, timeout_s=timeout_s)


def _token_of(request: Any, partition: int) -> ReadToken | None:
    if not request.HasField("token"):
        return None
    if request.token.partition != partition:
        raise Invalid("token", "is of another partition")
    return ReadToken(request.token.partition, request.token.offset, request.token.epoch)
