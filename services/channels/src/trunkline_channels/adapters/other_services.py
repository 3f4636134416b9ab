"""What acd and ivr have live, read a page at a time from the owners of their partitions, and how it is ended there.

Owns: that an answer is whole: every partition, every page, each from its owner. Must not: judge.
"""

from collections.abc import Callable, Sequence
from typing import Any

from trunkline.acd.v1 import acd_commands_pb2, acd_service_pb2
from trunkline.acd.v1.acd_types_pb2 import ContactStage, LiveContact
from trunkline.ivr.v1 import ivr_commands_pb2, ivr_service_pb2
from trunkline_core.errors import Transient
from trunkline_platform.credentials import Credentials, service_principal
from trunkline_platform.grpc_client import Channels

from trunkline_channels.adapters.replicas import OwnerRead
from trunkline_channels.adapters.targets import TIMEOUT_S, Client
from trunkline_channels.application.reconciliation import Seen
from trunkline_channels.domain.reconciling import AtAcd, AtIvr, Stage

PAGE_TIMEOUT_S = 2.0
MAX_PAGES = 1_000  # of 1,000 rows each: far more than a partition may have

_ACD = acd_service_pb2.DESCRIPTOR.services_by_name["AcdReadService"].methods_by_name["ListLiveContacts"]
_IVR = ivr_service_pb2.DESCRIPTOR.services_by_name["IvrReadService"].methods_by_name["ListLiveSessions"]


class LivePages:
    """The pages of one service."""

    def __init__(self, read: OwnerRead) -> None:
        self._read = read

    async def all_of(self, tenant: str, rows_of: Callable[[Any], Sequence[Any]]) -> tuple[list[Any], dict[int, int]]:
        """Return all rows of the tenant, and up to where each partition was read. Raises: TrunklineError."""
        principal = service_principal("channels", tenant)
        rows: list[Any] = []
        upto: dict[int, int] = {}
        count = 1
        while len(upto) < count:
            partition, after = len(upto), ""
            for _ in range(MAX_PAGES):
                page = await self._read.ask(principal, PAGE_TIMEOUT_S, partition=partition, after_contact_id=after)
                rows += rows_of(page)
                if not page.has_more:
                    break
                after = rows[-1].contact_id
            else:
                raise Transient("too many rows to compare")
            upto[partition], count = page.next_offset, page.partition_count
        return rows, upto


class AcdAndIvr:
    """The two services whose contacts are compared with ours."""

    def __init__(self, acd: Client, ivr: Client, acd_pages: LivePages, ivr_pages: LivePages) -> None:
        self._acd = acd
        self._ivr = ivr
        self._acd_pages = acd_pages
        self._ivr_pages = ivr_pages

    async def at_acd(self, tenant: str) -> Seen[AtAcd]:
        """Return what acd has of the tenant. Raises: TrunklineError."""
        rows, upto = await self._acd_pages.all_of(tenant, lambda page: page.contacts)
        return Seen({row.contact_id: _at_acd(row) for row in rows}, upto)

    async def at_ivr(self, tenant: str) -> Seen[AtIvr]:
        """Return which sessions of the tenant run at ivr. Raises: TrunklineError."""
        rows, upto = await self._ivr_pages.all_of(tenant, lambda page: page.sessions)
        return Seen({row.contact_id: AtIvr(row.step_no, row.visit_no) for row in rows}, upto)

    async def end_at_acd(self, tenant: str, contact_id: str, step_no: int) -> None:
        """Have acd release and forget the contact. Raises: TrunklineError."""
        end = acd_commands_pb2.EndContact(contact_id=contact_id, step_no=step_no, reason="reconciled")
        await _send(self._acd, acd_commands_pb2.AcdCommand(end_contact=end), tenant, contact_id, step_no)

    async def end_session(self, tenant: str, contact_id: str, step_no: int) -> None:
        """Have ivr end the session. Raises: TrunklineError."""
        end = ivr_commands_pb2.EndSession(contact_id=contact_id, step_no=step_no)
        await _send(self._ivr, ivr_commands_pb2.IvrCommand(end_session=end), tenant, contact_id, step_no)


def acd_pages(addresses: Sequence[str], credentials: Credentials, channels: Channels) -> LivePages:
    """Return acd's pages."""
    return LivePages(OwnerRead(_ACD, addresses, credentials, channels))


def ivr_pages(addresses: Sequence[str], credentials: Credentials, channels: Channels) -> LivePages:
    """Return ivr's pages."""
    return LivePages(OwnerRead(_IVR, addresses, credentials, channels))


async def _send(client: Client, command: Any, tenant: str, contact_id: str, step_no: int) -> None:
    await client.execute(
        command,
        service_principal("channels", tenant),
        command_id=f"{contact_id}/reconcile/{step_no}",
        correlation_id=contact_id,
        timeout_s=TIMEOUT_S,
    )


def _at_acd(row: LiveContact) -> AtAcd:
    stage = Stage[ContactStage.Name(row.stage).removeprefix("CONTACT_STAGE_")]
    return AtAcd(row.step_no, stage, row.segment_no, row.offer_no, row.agent_id)
