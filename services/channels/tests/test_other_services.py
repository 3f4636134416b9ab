"""Reading what acd and ivr have: whole or not at all."""

from typing import Any

import pytest
from trunkline.acd.v1.acd_service_pb2 import ListLiveContactsResponse
from trunkline.acd.v1.acd_types_pb2 import ContactStage, LiveContact
from trunkline_channels.adapters.other_services import AcdAndIvr, acd_pages, ivr_pages
from trunkline_channels.application.reconciliation import Seen
from trunkline_channels.domain.reconciling import AtAcd, Stage
from trunkline_core.errors import Transient
from trunkline_platform.credentials import Credentials
from trunkline_platform.grpc_client import Channels

CREDENTIALS = Credentials(b"s" * 32)


class Replicas:
    """Two replicas of acd with a partition each, of two contacts, one a page; `away` answer nothing."""

    def __init__(self) -> None:
        self.away: set[str] = set()
        self.asked: list[tuple[str, int, str]] = []

    async def call(self, address: str, request: Any, **_: Any) -> ListLiveContactsResponse:
        self.asked.append((address, request.partition, request.after_contact_id))
        if address in self.away or address != f"replica-{request.partition}":
            raise Transient("not here")
        names = [f"ct_{request.partition}_{letter}" for letter in "ab"]
        following = [name for name in names if name > request.after_contact_id]
        row = LiveContact(
            contact_id=following[0],
            stage=ContactStage.CONTACT_STAGE_CONNECTED,
            step_no=5,
            segment_no=1,
            offer_no=2,
            agent_id="ag_li",
        )
        return ListLiveContactsResponse(
            contacts=[row], has_more=len(following) > 1, next_offset=10 + request.partition, partition_count=2
        )


class Addresses(Channels):
    """Channels that are their addresses."""

    def to(self, address: str) -> Any:
        return address


@pytest.fixture
def replicas(monkeypatch: pytest.MonkeyPatch) -> Replicas:
    found = Replicas()
    monkeypatch.setattr(
        "trunkline_platform.grpc_client.Method.call", lambda _, *args, **more: found.call(*args, **more)
    )
    return found


def others() -> AcdAndIvr:
    nobody: Any = None
    addresses = ["replica-0", "replica-1"]
    return AcdAndIvr(
        nobody,
        nobody,
        acd_pages(addresses, CREDENTIALS, Addresses()),
        ivr_pages(addresses, CREDENTIALS, Addresses()),
    )


async def test_every_page_of_every_partition_is_read_from_its_owner(replicas: Replicas) -> None:
    there = AtAcd(5, Stage.CONNECTED, 1, 2, "ag_li")
    names = ["ct_0_a", "ct_0_b", "ct_1_a", "ct_1_b"]
    assert await others().at_acd("tn_demo") == Seen(dict.fromkeys(names, there), {0: 10, 1: 11})


async def test_an_answer_that_lacks_a_partition_is_none(replicas: Replicas) -> None:
    replicas.away = {"replica-1"}
    with pytest.raises(Transient):
        await others().at_acd("tn_demo")
