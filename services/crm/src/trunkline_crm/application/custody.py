"""Data keys follow the person: those of a contact go to its customer, those of an erased customer are destroyed.

Owns: that both happen after the events that call for them, however often something fails in between. channels moves a
contact's keys too, before it goes on; but where it did not wait for our answer nobody else does, and an erasure would
miss them. All of it is idempotent, so nothing is remembered of what is done: a new owner does the last day's moves and
all erasures again, and erasures are swept once an hour, because a late writer may have made a new key meanwhile.
Must not: decide who is resolved or erased, or see a text.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from trunkline_core.errors import Transient

from trunkline_crm.domain.events import ContactResolved, CustomerErased, Event
from trunkline_crm.domain.state import CrmState

log = logging.getLogger(__name__)

SWEEP_S = 3600.0
RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class MoveKeys:
    """The contact belongs to the customer."""

    contact_id: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class DestroyKeys:
    """The customer is erased."""

    customer_id: str


Work = MoveKeys | DestroyKeys


def key_work_of(event: Event) -> Work | None:
    """Return what an effective event calls for."""
    match event:
        case ContactResolved():
            return MoveKeys(event.contact_id, event.customer_id)
        case CustomerErased():
            return DestroyKeys(event.customer_id)
        case _:
            return None


def key_work_again(state: CrmState) -> Iterator[Work]:
    """Yield what a new owner does again: the one before may have died before it was done."""
    for answer in state.answers.values():
        yield MoveKeys(answer.contact_id, answer.customer_id)
    for customer_id in state.erased():
        yield DestroyKeys(customer_id)


class Keys(Protocol):
    """Where data keys are kept. Both are safe to repeat and raise Transient."""

    async def move(self, from_owner: str, to_owner: str) -> int:
        """Give all keys of one owner to another; return how many."""
        ...

    async def erase(self, owner: str) -> int:
        """Destroy all keys of the owner for ever; return how many."""
        ...


class Custody:
    """Works one after another, in order: a contact's keys move before its customer's are destroyed.

    The queue is bounded by the customers and the day's contacts of the partitions owned.
    """

    def __init__(self, keys: Keys, erased: Callable[[], Iterable[str]]) -> None:
        """`erased` names the erased customers of the partitions owned now."""
        self.destroyed_keys = 0
        self._keys = keys
        self._erased = erased
        self._pending: dict[Work, None] = {}
        self._wake = asyncio.Event()

    def add(self, work: Iterable[Work]) -> None:
        """Do this soon; safe to repeat."""
        self._pending.update(dict.fromkeys(work))
        if self._pending:
            self._wake.set()

    @property
    def pending(self) -> int:
        """How much is still to be done."""
        return len(self._pending)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            if not await self._is_woken():
                self.add(DestroyKeys(customer_id) for customer_id in self._erased())
            self._wake.clear()
            while self._pending:
                await self._do_next()

    async def _is_woken(self) -> bool:
        try:
            await asyncio.wait_for(self._wake.wait(), SWEEP_S)
        except TimeoutError:
            return False
        return True

    async def _do_next(self) -> None:
        work = next(iter(self._pending))
        try:
            await self._do(work)
        except Transient as error:
            log.warning("keys wait", extra={"work": type(work).__name__, "reason": str(error)})
            await asyncio.sleep(RETRY_S)
            return
        self._pending.pop(work, None)

    async def _do(self, work: Work) -> None:
        if isinstance(work, MoveKeys):
            await self._keys.move(work.contact_id, work.customer_id)
            return
        count = await self._keys.erase(work.customer_id)
        self.destroyed_keys += count
        if count:
            log.info("keys destroyed", extra={"customer_id": work.customer_id, "keys": count})
