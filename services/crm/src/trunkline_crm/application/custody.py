"""The data keys of an erased customer are destroyed: its own, and those of every contact from its addresses.

Owns: that this happens after the event that calls for it, however often something fails in between. Contacts are found
by how their ids begin, so it does not matter whether anybody resolved them. It is final and idempotent, so nothing is
remembered of what is done: a new owner does all erasures again.
Must not: decide who is erased, or see a text.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from trunkline_core.errors import Transient
from trunkline_core.ids import contact_prefix

from trunkline_crm.domain.events import CustomerErased, Event
from trunkline_crm.domain.state import Erasure

log = logging.getLogger(__name__)

RETRY_S = 1.0
CLOCKS_DIFFER = timedelta(seconds=10)
"""Log time may be behind the key store's clock by an append's time-out and by what two hosts' clocks differ.

A contact that began within this time after the erasure counts as before it: rather a newcomer's text lost than an
erased one kept.
"""


def erasure_of(event: Event, tenant: str, event_time: datetime) -> Erasure | None:
    """Return what an effective event calls for."""
    if isinstance(event, CustomerErased):
        return Erasure(tenant, event.customer_id, event.address_tokens, event_time)
    return None


class Keys(Protocol):
    """Where data keys are kept. Both are final, safe to repeat and raise Transient."""

    async def erase(self, owner: str, tenant: str) -> int:
        """Destroy all keys of the owner; return how many."""
        ...

    async def erase_all(self, prefix: str, tenant: str, made_before: datetime) -> int:
        """As `erase`, for all owners whose ids begin so and that had a key before this moment."""
        ...


class Custody:
    """Does one erasure after another. The queue is bounded by the erased customers of the partitions owned."""

    def __init__(self, keys: Keys) -> None:
        self.destroyed_keys = 0
        self._keys = keys
        self._pending: dict[Erasure, None] = {}
        self._wake = asyncio.Event()

    def add(self, erasures: Iterable[Erasure]) -> None:
        """Do this soon; safe to repeat."""
        self._pending.update(dict.fromkeys(erasures))
        if self._pending:
            self._wake.set()

    @property
    def pending(self) -> int:
        """How much is still to be done."""
        return len(self._pending)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                await self._do_next()

    async def _do_next(self) -> None:
        erasure = next(iter(self._pending))
        try:
            await self._do(erasure)
        except Transient as error:
            log.warning("erasure waits", extra={"customer_id": erasure.customer_id, "reason": str(error)})
            await asyncio.sleep(RETRY_S)
            return
        self._pending.pop(erasure, None)

    async def _do(self, erasure: Erasure) -> None:
        count = await self._keys.erase(erasure.customer_id, erasure.tenant)
        made_before = erasure.erased_time + CLOCKS_DIFFER
        for token in erasure.address_tokens:
            count += await self._keys.erase_all(contact_prefix(token), erasure.tenant, made_before)
        self.destroyed_keys += count
        if count:
            log.info("keys destroyed", extra={"customer_id": erasure.customer_id, "keys": count})
