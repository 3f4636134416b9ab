"""Place and wait of callers who hear them: asked of acd now and again, and never written down (routing rules 15, 18).

Owns: that a caller whose treatment says them is asked for at most every 30 s, a few callers at a time, and that the
gateway is told when they changed. With many callers each is asked for less often. Must not: hold up a view: it goes out
with what is known.
"""

import asyncio
import heapq
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from trunkline_core.treatments import UNKNOWN, Figures
from trunkline_ledger.submission import Recorded

from trunkline_channels.application.steps import ChannelsLedger, Waits, figures_of
from trunkline_channels.domain.contact import Contact
from trunkline_channels.domain.events import Definition, Event
from trunkline_channels.domain.identity import partition_token
from trunkline_channels.domain.words import Channel

AGAIN_S = 30.0
AT_ONCE = 8


class _Known(NamedTuple):
    """What acd said of a contact in this queue segment."""

    segment_no: int
    figures: Figures


class WaitFigures:
    """One per replica; `run` inside the process's task group. `tell` is called with a contact whose figures changed."""

    def __init__(
        self,
        ledger: ChannelsLedger,
        waits: Waits,
        tell: Callable[[Contact], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._waits = waits
        self._tell = tell
        self._monotonic = monotonic
        self._known: dict[str, _Known] = {}  # of those that are due some time; bounded by the contacts that wait
        self._due: list[tuple[float, str]] = []
        self._wake = asyncio.Event()
        ledger.watch(self._on_events)
        ledger.on_owned(self._on_owned)

    @property
    def callers(self) -> int:
        """How many callers acd is asked for."""
        return len(self._known)

    def of(self, contact: Contact) -> Figures:
        """Return what is known of the contact in its queue."""
        known = self._known.get(contact.contact_id)
        return known.figures if known and known.segment_no == contact.segment_no else UNKNOWN

    async def run(self) -> None:
        """Ask until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(AT_ONCE):
                tasks.create_task(self._ask(), name=f"wait-figures-{number}")

    def _on_events(self, partition: int, recorded: Sequence[Recorded[Event]]) -> None:
        if not self._ledger.owns(partition):
            return
        rows = self._ledger.state(partition).contacts
        for one in recorded:
            if not isinstance(one.event, Definition) and (contact := rows.get(one.event.contact_id)):
                self._note(contact)

    def _on_owned(self, partition: int) -> None:
        for contact in self._ledger.state(partition).contacts.values():
            self._note(contact)

    def _note(self, contact: Contact) -> None:
        """Ask at once for who begins to wait."""
        if contact.contact_id not in self._known and _hears_figures(contact):
            self._known[contact.contact_id] = _Known(contact.segment_no, UNKNOWN)
            self._put_off(contact.contact_id, 0.0)

    def _put_off(self, contact_id: str, by_s: float) -> None:
        heapq.heappush(self._due, (self._monotonic() + by_s, contact_id))
        self._wake.set()

    async def _ask(self) -> None:
        while True:
            contact = self._find(await self._next())
            if contact is not None:
                await self._refresh(contact)

    async def _next(self) -> str:
        """Wait for the one that is due first."""
        while not self._due or self._due[0][0] > self._monotonic():
            left_s = self._due[0][0] - self._monotonic() if self._due else None
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), left_s)
            except TimeoutError:
                continue
        return heapq.heappop(self._due)[1]

    def _find(self, contact_id: str) -> Contact | None:
        """Return the contact while it is ours and hears figures; else let go of it."""
        partition = self._ledger.partition_of(partition_token(contact_id))
        contact = self._ledger.state(partition).contacts.get(contact_id) if self._ledger.owns(partition) else None
        if contact is None or not _hears_figures(contact):
            self._known.pop(contact_id, None)
            return None
        return contact

    async def _refresh(self, contact: Contact) -> None:
        contact_id, before = contact.contact_id, self.of(contact)
        found = await figures_of(contact, self._waits)
        self._known[contact_id] = _Known(contact.segment_no, found)
        self._put_off(contact_id, AGAIN_S)
        if found != before and (now := self._find(contact_id)):
            self._tell(now)


def _hears_figures(contact: Contact) -> bool:
    is_caller = contact.channel is Channel.VOICE and contact.is_treated and contact.is_attached
    return is_caller and contact.treatment is not None and contact.treatment.definition.tells_figures
