"""What the ledgers tell of a trial: its blocks from the directory's, the contacts of these blocks from acd's.

Owns: which record is which block's or contact's. Must not: compute a figure.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from trunkline_acd.bootstrap import TOPIC as ACD
from trunkline_acd.domain import events as acd
from trunkline_analytics.domain.contacts import contacts_as_segments
from trunkline_analytics.domain.definitions import CURRENT
from trunkline_analytics.domain.segments import (
    Fact,
    Outcome,
    QueueSegment,
    SegmentClosed,
    SegmentOpened,
    assemble_segments,
)
from trunkline_console.domain import events as directory
from trunkline_core.errors import Misconfigured, Poison
from trunkline_ledger.audit.stored import RecordSource

from trunkline_operator.day_figures import OUTCOMES
from trunkline_operator.effective import effective_records
from trunkline_operator.ledgers import LEDGERS

DIRECTORY: Final = "directory.events.v1"
MAX_STRETCH: Final = 1.1
"""Of its plan a block may last: in a longer one the centre stood still, under neither policy."""


@dataclass(frozen=True, slots=True)
class PlayedBlock:
    """A span under one policy; `end_time` None while it lasts, or where the trial was ended in it."""

    block_no: int
    is_candidate: bool
    begin_time: datetime
    end_time: datetime | None = None

    def counts(self, opened_at: datetime, washout: timedelta) -> bool:
        """Tell whether a contact that entered then is one of the block, so long after its begin and before its end."""
        return self.end_time is not None and self.begin_time + washout <= opened_at < self.end_time - washout


Pair = tuple[PlayedBlock, PlayedBlock]
"""The block of the baseline, the candidate's."""


@dataclass(slots=True)
class Trial:
    """A trial as the directory's ledger tells of it."""

    tenant: str
    started: directory.PolicyTrialStarted
    blocks: list[PlayedBlock] = field(default_factory=list)
    is_over: bool = False

    def begin_block(self, event: directory.PolicyTrialBlockBegun, now: datetime) -> None:
        """Begin a block, which ends the one before, unless that could not be read."""
        self._end_block(event.block_no - 1, now)
        self.blocks.append(PlayedBlock(event.block_no, event.is_candidate, now))

    def end(self, event: directory.PolicyTrialEnded, now: datetime) -> None:
        """End the trial; a block that was cut short has no end."""
        self.is_over = True
        if event.is_complete:
            self._end_block(2 * self.started.pairs, now)

    def _end_block(self, block_no: int, now: datetime) -> None:
        if self.blocks and self.blocks[-1].block_no == block_no:
            self.blocks[-1] = replace(self.blocks[-1], end_time=now)

    def pairs(self) -> list[Pair]:
        """Return the pairs that were played whole."""
        whole = {block.block_no: block for block in self.blocks if block.end_time}
        pairs = [
            sorted((block, whole[number + 1]), key=lambda each: each.is_candidate)
            for number, block in sorted(whole.items())
            if number % 2 and number + 1 in whole
        ]
        return [(baseline, candidate) for baseline, candidate in pairs]

    def is_stretched(self, block: PlayedBlock) -> bool:
        """Tell whether it lasted much longer than planned."""
        planned = self.started.block_duration
        return block.end_time is not None and block.end_time - block.begin_time > MAX_STRETCH * planned


@dataclass(frozen=True, slots=True)
class Contacts:
    """Those that entered during a trial.

    Attributes:
        each: one segment a contact, in its first queue; without an outcome while somebody waits, also for a call-back.
        reached: ids of those whose customer a call-back reached.
    """

    each: tuple[QueueSegment, ...]
    reached: frozenset[str] = frozenset()


async def read_trial(source: RecordSource, trial_no: int, tenant: str) -> Trial:
    """Return the trial; `tenant` may be empty where only one had such a trial. Raises: Misconfigured."""
    found: dict[str, Trial] = {}
    kinds = (directory.PolicyTrialStarted, directory.PolicyTrialBlockBegun, directory.PolicyTrialEnded)
    async for event, of, now in _events(source, DIRECTORY, kinds):
        if event.trial_no != trial_no or tenant not in ("", of):
            continue
        match event:
            case directory.PolicyTrialStarted():
                found[of] = Trial(of, event)
            case directory.PolicyTrialBlockBegun() if of in found:
                found[of].begin_block(event, now)
            case directory.PolicyTrialEnded() if of in found:
                found[of].end(event, now)
            case _:
                pass
    if not found:
        raise Misconfigured(f"The directory's ledger has no trial {trial_no}.")
    if len(found) > 1:
        raise Misconfigured(f"Several tenants had a trial {trial_no}: say --tenant {' or '.join(sorted(found))}.")
    return next(iter(found.values()))


async def read_contacts(source: RecordSource, tenant: str, begin: datetime, end: datetime) -> Contacts:
    """Return the tenant's contacts that asked for a person for the first time within [begin, end)."""
    reader = _ContactReader(begin, end)
    async for event, of, now in _events(source, ACD, _ContactReader.KINDS):
        if of == tenant:
            reader.note(event, now)
    return reader.contacts()


class _ContactReader:
    KINDS: Final = (acd.ContactEnqueued, acd.ContactConnected, acd.SegmentEnded, acd.CallbackEnded)

    def __init__(self, begin: datetime, end: datetime) -> None:
        self._begin, self._end = begin, end
        self._known: set[str] = set()
        self._facts: list[Fact] = []
        self._callbacks: set[tuple[str, int]] = set()
        self._reached: set[str] = set()

    def note(self, event: Any, now: datetime) -> None:
        """Take the next event. A call-back is a segment of its own kind: it has no wait that compares with others."""
        key = event.contact_id, event.segment_no
        if isinstance(event, acd.ContactEnqueued) and event.segment_no == 1 and self._begin <= now < self._end:
            self._known.add(event.contact_id)
        if event.contact_id not in self._known or event.contact_id in self._reached:
            return
        match event:
            case acd.ContactEnqueued(callback=True):
                self._callbacks.add(key)
            case acd.ContactEnqueued():
                self._facts.append(SegmentOpened(*key, event.queue_id, now))
            case acd.CallbackEnded():
                self._callbacks.discard(key)
            case acd.ContactConnected() if key in self._callbacks:
                self._callbacks.discard(key)
                self._reached.add(event.contact_id)
            case acd.ContactConnected():
                self._facts.append(SegmentClosed(*key, event.queue_id, now, Outcome.ANSWERED))
            case acd.SegmentEnded():
                self._facts.append(SegmentClosed(*key, event.queue_id, now, OUTCOMES[event.outcome]))

    def contacts(self) -> Contacts:
        """Return what came of them so far."""
        waiting = {contact_id for contact_id, _ in self._callbacks}
        found = contacts_as_segments(assemble_segments(self._facts), CURRENT.short_abandon_below)
        return Contacts(
            tuple(_waiting(each) if each.contact_id in waiting else each for each in found), frozenset(self._reached)
        )


def _waiting(contact: QueueSegment) -> QueueSegment:
    return replace(contact, outcome=None, closed_at=None)


async def _events(
    source: RecordSource, topic: str, kinds: Sequence[type[Any]]
) -> AsyncIterator[tuple[Any, str, datetime]]:
    """Yield the events of these kinds with tenant and time; what cannot be read is told by `ledger verify`."""
    names = {kind.__name__ for kind in kinds}
    async for record in effective_records(source, topic):
        if (record.type or "").rpartition(".")[2] not in names:
            continue
        with contextlib.suppress(Poison):
            event, metadata = LEDGERS[topic].codec.decode_event(record.value)
            yield event, metadata.tenant_id, metadata.event_time
