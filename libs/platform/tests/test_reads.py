"""A read that this replica is too far behind for is answered by the owner (ledger rules 18 and 19)."""

from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from trunkline.common.v1.common_types_pb2 import ReadToken as WireToken
from trunkline.contact.v1 import contact_service_pb2 as wire
from trunkline.contact.v1 import contact_service_pb2_grpc
from trunkline_core.errors import Invalid, NotFound, Transient
from trunkline_ledger.ledger import Owner
from trunkline_ledger.submission import ReadToken
from trunkline_platform.credentials import Credentials, Principal, Role
from trunkline_platform.errors_grpc import error_from_rpc
from trunkline_platform.grpc_client import Channels, token_metadata
from trunkline_platform.grpc_server import GrpcServer, current_principal
from trunkline_platform.reads import OwnerReads

CREDENTIALS = Credentials(b"s" * 32)
LI = Principal("tn_1", "agent:ag_1", frozenset({Role.AGENT}))
METHOD = wire.DESCRIPTOR.services_by_name["ContactReadService"].methods_by_name["GetContact"]
PARTITION = 3


@dataclass
class LedgerOfOneMarker:
    """All that a forwarding replica asks of its ledger: whom the marker names."""

    owner: Owner | None = None

    def owner_of(self, partition: int) -> Owner | None:
        assert partition == PARTITION
        return self.owner


class Replica(contact_service_pb2_grpc.ContactReadServiceServicer):
    """A replica that has read up to an offset, and notes what it was asked."""

    def __init__(self, channels: Channels, reached: int) -> None:
        self.reached = reached
        self.asked: list[tuple[bool, str]] = []
        self.ledger = LedgerOfOneMarker()
        self.grpc = GrpcServer(CREDENTIALS, "127.0.0.1", 0)
        contact_service_pb2_grpc.add_ContactReadServiceServicer_to_server(self, self.grpc.server)
        self.address = f"127.0.0.1:{self.grpc.port}"
        ledger: Any = self.ledger
        self.reads = OwnerReads(METHOD, ledger, CREDENTIALS, channels, self.address)

    def owned_by(self, owner: "Replica | None") -> None:
        self.ledger.owner = owner and Owner("r", "b", owner.address, 1)

    async def GetContact(self, request: Any, context: Any) -> Any:
        self.asked.append((request.forwarded, current_principal().actor))

        async def read(token: ReadToken | None) -> Any:
            if token is not None and token.offset > self.reached:
                raise Transient("this replica has not read that far yet")
            if request.contact_id == "ct_none":
                raise NotFound("contact", request.contact_id)
            return wire.GetContactResponse(contact={"contact_id": self.address})

        return await self.reads.answer(request, PARTITION, read, context.time_remaining())


@pytest.fixture
async def pair():
    """A replica that is behind and one that is not, which owns the partition."""
    channels = Channels()
    behind, owner = Replica(channels, reached=5), Replica(channels, reached=9)
    for replica in (behind, owner):
        replica.owned_by(owner)
        await replica.grpc.start()
    yield behind, owner, channels
    await channels.close()
    for replica in (behind, owner):
        await replica.grpc.stop()


async def get(channels: Channels, replica: Replica, offset: int | None, **fields: Any) -> str:
    """Return the address of who answered."""
    token = None if offset is None else WireToken(partition=fields.pop("partition", PARTITION), offset=offset, epoch=1)
    request = wire.GetContactRequest(**{"contact_id": "ct_1", "token": token} | fields)
    stub = contact_service_pb2_grpc.ContactReadServiceStub(channels.to(replica.address))
    try:
        answer = await stub.GetContact(request, timeout=10, metadata=token_metadata(CREDENTIALS, LI))
    except grpc.aio.AioRpcError as error:
        raise error_from_rpc(error) from error
    return answer.contact.contact_id


@pytest.mark.parametrize("offset", [None, 5])
async def test_a_replica_that_has_read_far_enough_answers_itself(pair, offset):
    behind, owner, channels = pair
    assert await get(channels, behind, offset) == behind.address
    assert owner.asked == []


async def test_a_replica_that_is_behind_asks_the_owner_for_the_caller(pair):
    behind, owner, channels = pair
    assert await get(channels, behind, 9) == owner.address
    assert owner.asked == [(True, LI.actor)]


async def test_what_the_owner_refuses_is_the_answer(pair):
    behind, _, channels = pair
    with pytest.raises(NotFound):
        await get(channels, behind, 9, contact_id="ct_none")


async def test_a_read_goes_one_hop_at_most(pair):
    behind, owner, channels = pair
    owner.owned_by(behind)
    with pytest.raises(Transient):
        await get(channels, behind, 10)
    assert (len(behind.asked), len(owner.asked)) == (1, 1)


async def test_where_nobody_is_known_to_own_the_partition_or_we_do_the_caller_is_told_to_try_again(pair):
    behind, owner, channels = pair
    for known in (None, behind):
        behind.owned_by(known)
        with pytest.raises(Transient):
            await get(channels, behind, 9)
    assert owner.asked == []


async def test_a_token_of_another_partition_is_invalid(pair):
    behind, _, channels = pair
    with pytest.raises(Invalid, match="token: is of another partition"):
        await get(channels, behind, 1, partition=PARTITION + 1)
