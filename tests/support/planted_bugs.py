"""Bugs that must be found. `python planted_bugs.py BUG MODULE` runs the module with the bug in it.

Owns: the bugs, each a change of one running process against one rule. Must not: be imported by what is not a test.
"""

import asyncio
import runpy
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, Final

from trunkline_acd.domain import joining, segments
from trunkline_acd.domain.decider import AcdDecider
from trunkline_core.decider import Context
from trunkline_core.tables import Journal
from trunkline_core.timers import Timers
from trunkline_ledger.core import epochs, snapshots
from trunkline_ledger.core.alarm import Alarm
from trunkline_ledger.core.contents import Contents
from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.partition import Outputs, Partition
from trunkline_ledger.core.records import MARKER_TYPE
from trunkline_ledger.core.window import Window, check_age
from trunkline_ledger.kafka.reader import Position, Reader
from trunkline_ledger.ledger import Ledger
from trunkline_ledger.ownership import Ownership

LATE_S = 1.0
EARLY = timedelta(seconds=3)
FULL = 20


def reply_before_append() -> None:
    """The owner answers at once and appends a second later (against ledger rule 8)."""
    pending: set[asyncio.Task[None]] = set()
    turn = asyncio.Lock()

    async def append(producer: Any, drafts: Any) -> None:
        async with turn:
            await asyncio.sleep(LATE_S)
            await producer.append(drafts)

    async def commit(self: Any, number: int, hosted: Any, batch: Any, producer: Any) -> None:
        if batch.drafts:
            task = asyncio.create_task(append(producer, batch.drafts))
            pending.add(task)
            task.add_done_callback(pending.discard)
        self._replica.emit(number, hosted.core.acknowledged(batch.expected_offset, self._replica.monotonic_s()))

    Ownership._commit = commit  # type: ignore[assignment]


def no_contiguity_check() -> None:
    """Wherever the batch landed, it counts as where it was expected (against ledger rule 9)."""
    acknowledged = Partition.acknowledged

    def trust(self: Any, first_offset: int, monotonic_s: float) -> Outputs[Any]:
        in_flight = self._in_flight
        return acknowledged(self, in_flight.expected_offset if in_flight else first_offset, monotonic_s)

    Partition.acknowledged = trust  # type: ignore[method-assign]


def lower_offset_taken_for_an_echo() -> None:
    """An offset below the expected one counts as an answer to a repeated request (against ledger rule 9)."""
    acknowledged = Partition.acknowledged

    def trust(self: Any, first_offset: int, monotonic_s: float) -> Outputs[Any]:
        if self._in_flight is not None:
            first_offset = max(first_offset, self._in_flight.expected_offset)
        return acknowledged(self, first_offset, monotonic_s)

    Partition.acknowledged = trust  # type: ignore[method-assign]


def epoch_ignored() -> None:
    """Every record takes effect, whoever wrote it (against ledger rule 2)."""
    admit = EpochFilter.admit

    def believe(self: EpochFilter, record: Any) -> Verdict:
        verdict = admit(self, record)
        is_event = record.epoch is not None and record.type not in (None, MARKER_TYPE)
        return Verdict.EFFECTIVE if is_event else verdict

    EpochFilter.admit = believe  # type: ignore[method-assign]


def late_own_marker_accepted() -> None:
    """A void marker of our own makes us the owner all the same (against ledger rule 2)."""
    read = Partition._read

    def believe(self: Any, record: Any, monotonic_s: float, outputs: Outputs[Any]) -> None:
        is_new = record.offset >= self.next_offset
        read(self, record, monotonic_s, outputs)
        marker = epochs.read_marker(record.value) if is_new and record.type == MARKER_TYPE else None
        if marker is not None and marker.boot_id == self._boot_id and self.fold.epochs.epoch >= marker.epoch:
            self.fold.epochs.epoch, self.fold.epochs.marker = marker.epoch, marker
            self._open(record, monotonic_s, outputs)

    Partition._read = believe  # type: ignore[method-assign]


def reader_without_epoch() -> None:
    """A reader that begins in the middle of the log does not know which epoch is in force (against ledger rule 4)."""
    seek = Reader.seek

    def forget(self: Reader, partition: int, position: Position) -> None:
        seek(self, partition, Position(position.offset))

    Reader.seek = forget  # type: ignore[method-assign]


def command_split() -> None:
    """The last event of a batch goes into a batch of its own (against ledger rule 6)."""

    class Splitting:
        def __init__(self, producer: Any) -> None:
            self.close = producer.close
            self._producer = producer

        async def append(self, drafts: Any) -> int:
            offset: int = await self._producer.append(drafts[:-1] or drafts)
            if len(drafts) > 1:
                await self._producer.append(drafts[-1:])
            return offset

    commit = Ownership._commit

    async def split(self: Any, number: int, hosted: Any, batch: Any, producer: Any) -> None:
        await commit(self, number, hosted, batch, Splitting(producer))

    Ownership._commit = split  # type: ignore[method-assign]


def rejection_released_early() -> None:
    """A refusal leaves when it is decided, not with its batch (against ledger rule 8)."""
    next_batch = Partition.next_batch

    def hasty(self: Any, monotonic_s: float) -> Any:
        batch = next_batch(self, monotonic_s)
        for outcome in batch.outcomes if batch is not None else ():
            if outcome.refusal is not None:
                outcome.ticket.reply(outcome.refusal)
        return batch

    Partition.next_batch = hasty  # type: ignore[method-assign]


def refusal_unproven() -> None:
    """An owner that is cut off refuses although another may have gone on with the log (against ledger rule 8)."""
    place = Ownership._place

    async def believe(self: Any, number: int, batch: Any, producer: Any) -> int:
        if not batch.drafts:
            return int(batch.expected_offset)
        return await place(self, number, batch, producer)

    Ownership._place = believe  # type: ignore[method-assign]


def push_before_append() -> None:
    """Watchers are told what was decided, not what took effect (against ledger rule 8)."""
    commit = Ownership._commit

    async def hasty(self: Any, number: int, hosted: Any, batch: Any, producer: Any) -> None:
        decided = [event for outcome in batch.outcomes if outcome.is_first for event in outcome.events]
        self._replica.delivery.deliver(number, Outputs(effective=decided))
        delivery, self._replica.delivery = self._replica.delivery, _OnlyReplies(self._replica.delivery)
        try:
            await commit(self, number, hosted, batch, producer)
        finally:
            self._replica.delivery = delivery

    Ownership._commit = hasty  # type: ignore[method-assign]


class _OnlyReplies:
    """Delivers what a batch led to without telling its events again."""

    def __init__(self, delivery: Any) -> None:
        self._delivery = delivery

    def deliver(self, partition: int, outputs: Any) -> None:
        self._delivery.deliver(partition, replace(outputs, effective=[]))


def unknown_outcome_not_taken_back() -> None:
    """After a time-out the state keeps what may not have landed (against ledger rules 7 and 10)."""
    lost_track = Partition.lost_track

    def keep(self: Any, monotonic_s: float) -> Outputs[Any]:
        self.fold.journal.commit()
        return lost_track(self, monotonic_s)

    Partition.lost_track = keep  # type: ignore[method-assign]


def unknown_outcome_in_the_same_epoch() -> None:
    """The owner goes on in its epoch, and the abandoned batch may land later (against ledger rule 10)."""
    lost_track = Partition.lost_track

    def go_on(self: Any, monotonic_s: float) -> Outputs[Any]:
        self._lose = lambda outputs: None
        outputs = lost_track(self, monotonic_s)
        del self._lose
        return outputs

    async def own(self: Any, number: int, hosted: Any) -> bool:
        return await _own_without_a_new_epoch(self, number, hosted)

    Partition.lost_track = go_on  # type: ignore[method-assign]
    Ownership._own = own  # type: ignore[method-assign]


async def _own_without_a_new_epoch(self: Any, number: int, hosted: Any) -> bool:
    replica = self._replica
    producer = None
    try:
        while True:
            if producer is None or producer._is_closed:
                producer = replica.client.new_producer(replica.service.topic, number, replica.settings.append_timeout_s)
                await producer.start()
                if not hosted.core.is_open:
                    await self._take_over(number, hosted, producer)
            if not hosted.core.is_open:
                return True
            await self._decide_once(number, hosted, producer)
    finally:
        if producer is not None:
            await producer.close()


def window_evicting() -> None:
    """A full window forgets its oldest entry instead of refusing (against ledger rule 12)."""

    def evict(self: Any, command_id: str, now: Any) -> None:
        check_age(command_id, now)
        while len(self._entries) >= FULL:
            self._has_expired(now)  # what is current is in front now
            self._drop_first()

    Window.check_new = evict  # type: ignore[method-assign]


def window_not_read() -> None:
    """A standby does not remember the answers that it reads (against ledger rule 12)."""
    finish = Fold._finish_whole

    def forget(self: Any, reading: Any) -> None:
        reading.record.payload_hash = b""
        finish(self, reading)

    Fold._finish_whole = forget  # type: ignore[method-assign]


def snapshot_without_window() -> None:
    """A snapshot does not hold the answers that a repetition would get (against ledger rule 16)."""
    body_of = snapshots.body_of

    def forget(contents: Contents) -> bytes:
        roots = vars(contents._root) | {"window": Window(Journal())}
        return body_of(Contents(SimpleNamespace(**roots)))

    snapshots.body_of = forget


def watermark_forgotten() -> None:
    """A standby does not remember how far a process manager came (against ledger rule 13)."""
    finish = Fold._finish_whole

    def forget(self: Any, reading: Any) -> None:
        reading.record.ClearField("source")
        finish(self, reading)

    Fold._finish_whole = forget  # type: ignore[method-assign]


def timer_early() -> None:
    """Timers are submitted three seconds before they are due (against ledger rule 15)."""
    due = Alarm.due

    def hasty(self: Alarm, timers: Any, now: Any, monotonic_s: float) -> Any:
        return due(self, timers, now + EARLY, monotonic_s)

    Alarm.due = hasty  # type: ignore[method-assign]


def lease_not_extended() -> None:
    """A new owner lets leases expire that nobody could answer (against ledger rule 15)."""

    grant_grace = Timers.grant_grace

    def note_only(self: Any, until: Any) -> None:
        self.set = lambda timer: None
        grant_grace(self, until)
        del self.set

    Timers.grant_grace = note_only  # type: ignore[method-assign]


def read_without_waiting() -> None:
    """A read shows what stands in memory, whatever the token says (against ledger rule 18)."""

    async def hasty(self: Any, partition: int, view: Any, token: Any = None) -> Any:
        return view(self.state(partition))

    Ledger.read = hasty  # type: ignore[method-assign]


def tenant_check_missing() -> None:
    """Who commands an agent of another tenant is served (against ledger rule 20)."""
    decide, evolve = AcdDecider.decide, AcdDecider.evolve

    def of_anybody(state: Any, subject: Any, context: Context) -> Context:
        agent_id = getattr(subject, "agent_id", "")
        for domain in state.domains():
            if agent_id in domain.agents:
                return replace(context, tenant=domain.tenant)
        return context

    def decide_anyway(self: Any, state: Any, command: Any, context: Context) -> Iterator[Any]:
        return decide(self, state, command, of_anybody(state, command, context))

    def evolve_anyway(self: Any, state: Any, event: Any, context: Context) -> None:
        evolve(self, state, event, of_anybody(state, event, context))

    AcdDecider.decide = decide_anyway  # type: ignore[method-assign]
    AcdDecider.evolve = evolve_anyway  # type: ignore[method-assign]


def delayed_connect_accepted() -> None:
    """Whoever reports that legs are joined is believed, whichever offer it was (against routing rule 3)."""

    def believe(domain: Any, command: Any) -> Any:
        return joining.contact_for(domain, command.contact_id, "ContactAlreadyEnded")

    joining._joined_contact = believe


def hang_up_before_enqueue_ignored() -> None:
    """Who hung up before they were in the queue is queued all the same (against routing rule 3)."""
    end = segments.end

    def ignore(domain: Any, command: Any, context: Context) -> Iterator[Any]:
        if command.contact_id in domain.contacts or command.contact_id in domain.tombstones:
            yield from end(domain, command, context)

    segments.end = ignore


BUGS: Final[dict[str, Callable[[], None]]] = {
    bug.__name__: bug
    for bug in (
        reply_before_append,
        no_contiguity_check,
        lower_offset_taken_for_an_echo,
        epoch_ignored,
        late_own_marker_accepted,
        reader_without_epoch,
        command_split,
        rejection_released_early,
        refusal_unproven,
        push_before_append,
        unknown_outcome_not_taken_back,
        unknown_outcome_in_the_same_epoch,
        window_evicting,
        window_not_read,
        snapshot_without_window,
        watermark_forgotten,
        timer_early,
        lease_not_extended,
        read_without_waiting,
        tenant_check_missing,
        delayed_connect_accepted,
        hang_up_before_enqueue_ignored,
    )
}

if __name__ == "__main__":
    BUGS[sys.argv[1]]()
    runpy.run_module(sys.argv[2], run_name="__main__", alter_sys=True)
