"""Sends the outstanding notices of the partitions that this replica owns (ledger rule 14): at least once.

Owns: that a notice is tried until the ledger says that it was delivered or given up, or the partition is lost; that a
new owner goes on with all of them; that one receiver which hangs holds up no other. Must not: decide how often or when:
the rules do. What was sent and not recorded before an owner died is sent again, under the same id.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final, Protocol
from weakref import WeakValueDictionary

from trunkline_core.errors import TrunklineError
from trunkline_core.webhooks import NoticeTargetDefinition
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.submission import Lane, NotOwner, Recorded, Submission
from trunkline_platform.logs import get_logger

from trunkline_ticketing.domain.commands import Command, RecordNoticeDelivered, RecordNoticeRefused
from trunkline_ticketing.domain.events import Event, NoticeIntended
from trunkline_ticketing.domain.state import Notice, TicketingState

log = get_logger(__name__)

AT_ONCE: Final = 64
AT_ONCE_PER_TARGET: Final = 4
RECORD_AGAIN_S: Final = 0.5
LOOK_AGAIN_S: Final = 60.0

TicketLedger = Ledger[TicketingState, Command, Event]


class Undelivered(Exception):
    """The receiver did not take a notice. `reason` is stable, such as `Status500`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Post(Protocol):
    """Carries a notice to its receiver, with its id as the key by which the receiver knows a repetition."""

    async def __call__(self, notice: Notice, target: NoticeTargetDefinition) -> None:
        """Return once the receiver took it. Raises: Undelivered, within some seconds."""
        ...


class NoticeRunner:
    """One per replica; `run` inside the process's task group."""

    def __init__(self, ledger: TicketLedger, post: Post) -> None:
        self.attempts: Counter[str] = Counter()  # by result, since the process started
        self._ledger = ledger
        self._post = post
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._target_slots: WeakValueDictionary[tuple[str, str], asyncio.Semaphore] = WeakValueDictionary()
        self._begun: asyncio.Queue[tuple[int, str]] = asyncio.Queue()  # bounded by the outstanding notices
        self._running: set[str] = set()
        ledger.watch(self._on_events)
        ledger.on_owned(self._on_owned)

    async def run(self) -> None:
        """Start a task for each notice, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                partition, notice_id = await self._begun.get()
                if notice_id not in self._running:
                    self._running.add(notice_id)
                    tasks.create_task(self._work(partition, notice_id), name=f"notice-{notice_id}")

    def _on_events(self, partition: int, recorded: Sequence[Recorded[Event]]) -> None:
        if self._ledger.owns(partition):
            for one in recorded:
                if isinstance(one.event, NoticeIntended):
                    self._begun.put_nowait((partition, one.event.notice_id))

    def _on_owned(self, partition: int) -> None:
        for notice in self._ledger.state(partition).notices.values():
            self._begun.put_nowait((partition, notice.notice_id))

    async def _work(self, partition: int, notice_id: str) -> None:
        try:
            while (notice := self._find(partition, notice_id)) is not None:
                left_s = (notice.due - self._ledger.now(partition)).total_seconds()
                if left_s > 0:
                    await asyncio.sleep(min(left_s, LOOK_AGAIN_S))
                else:
                    await self._try(partition, notice)
        except NotOwner:
            self._begun.put_nowait((partition, notice_id))  # the next owner goes on, which may be we again
        except TrunklineError as refusal:  # a defect of ours: not sent again before somebody has looked
            log.error("notice not recorded", extra={"notice_id": notice_id, "reason": type(refusal).__name__})
        finally:
            self._running.discard(notice_id)

    def _find(self, partition: int, notice_id: str) -> Notice | None:
        """Return the notice while it is outstanding and its partition ours."""
        return self._ledger.state(partition).notices.get(notice_id) if self._ledger.owns(partition) else None

    async def _try(self, partition: int, notice: Notice) -> None:
        """Send it and record what came of it. Raises: NotOwner."""
        async with self._target_slot(notice), self._slots:
            if self._find(partition, notice.notice_id) != notice:
                return  # meanwhile ours no more, or told by somebody else
            reason = await self._refusal(partition, notice)
        attempt = notice.attempts + 1
        if reason is None:
            await self._record(notice, RecordNoticeDelivered(notice.notice_id, attempt))
        else:
            about = {"notice_id": notice.notice_id, "attempt": attempt, "reason": reason}
            log.info("notice refused", extra=about)
            await self._record(notice, RecordNoticeRefused(notice.notice_id, attempt, reason))
        self.attempts["delivered" if reason is None else "refused"] += 1

    async def _refusal(self, partition: int, notice: Notice) -> str | None:
        """Send it; return why it did not arrive, None when it did."""
        target = self._ledger.state(partition).target(notice.tenant, notice.target_id)
        if target is None or target.disabled:
            return "TargetDisabled"
        try:
            await self._post(notice, target)
        except Undelivered as refusal:
            return refusal.reason
        except Exception:  # a defect with one notice must not stop all others
            log.exception("notice failed", extra={"notice_id": notice.notice_id})
            return "Defect"
        return None

    async def _record(self, notice: Notice, command: Command) -> None:
        """Record it, however long that takes: it is not sent again before. Raises: NotOwner, TrunklineError."""
        submission = Submission(
            command=command,
            key=notice.tenant,
            command_id=f"{notice.notice_id}/attempt/{notice.attempts + 1}",
            tenant=notice.tenant,
            actor="system",
            lane=Lane.INTERNAL,
            correlation_id=notice.contact_id,
        )
        while True:
            try:
                await self._ledger.submit(submission)
                return
            except NotOwner:
                raise
            except TrunklineError as trouble:
                if not trouble.retryable:
                    raise
                await asyncio.sleep(RECORD_AGAIN_S)

    def _target_slot(self, notice: Notice) -> asyncio.Semaphore:
        key = (notice.tenant, notice.target_id)
        slot = self._target_slots.get(key)
        if slot is None:
            slot = self._target_slots[key] = asyncio.Semaphore(AT_ONCE_PER_TARGET)
        return slot
