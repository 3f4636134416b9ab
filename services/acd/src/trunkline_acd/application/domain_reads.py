"""Reads of a tenant's routing domain, which only the owner of its partition answers. Must not: change anything."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from trunkline_ledger.submission import NotOwner

from trunkline_acd.application.desk_feed import AcdLedger
from trunkline_acd.domain.state import AcdState, routing_domain_id

T = TypeVar("T")


async def read_domain(ledger: AcdLedger, tenant: str, view: Callable[[AcdState, datetime], T]) -> tuple[T, datetime]:
    """Return what the view makes of the partition's state, and the moment in log time that it was told.

    Raises: Transient (`NotOwner`) where this replica does not own the partition; whatever the view raises.
    """
    partition = ledger.partition_of(routing_domain_id(tenant))
    if not ledger.owns(partition):
        raise NotOwner(partition, ledger.owner_of(partition))

    def look(state: AcdState) -> tuple[T, datetime]:
        now = ledger.now(partition)
        return view(state, now), now

    return await ledger.read(partition, look)
