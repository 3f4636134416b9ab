"""Owning partitions: one task asks the group, one a partition takes over and decides (ledger rules 1–3, 5, 9, 10).

Owns: the membership, one producer per epoch, the order of steps of a take-over.
Must not: decide what is effective or who owns a partition: the core does, from the log.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Generic, TypeVar

from aiokafka.errors import InvalidSessionTimeoutError, KafkaError
from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_core.errors import Transient

from trunkline_ledger.core.batch import Batch
from trunkline_ledger.core.partition import Partition
from trunkline_ledger.core.placement import PARTITIONER
from trunkline_ledger.core.records import BROADCAST_KEY, MARKER_TYPE, Draft
from trunkline_ledger.log_client import AppendRefused, AppendUnknown, LogMembership, LogProducer
from trunkline_ledger.replica import BackOff, Hosted, Replica
from trunkline_ledger.service import LedgerState

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")

IDLE_S = 5.0
GROUP_SETTLES_S = 1.0
PULSE_S = 0.5
TOPIC_IS_SEEN_S = 1.0
CLOCK_JUMPS_S = 5.0
AWAY = (KafkaError, OSError, TimeoutError, Transient)
FAILURES = (*AWAY, AppendUnknown, AppendRefused)

END_WAIT_S = 2.0

log = logging.getLogger(__name__)


class _Unproven(Exception):
    """Nobody could tell where the log ends."""


class Ownership(Generic[S, C, E]):
    """The owning side of one replica."""

    def __init__(self, replica: Replica[S, C, E]) -> None:
        self._replica = replica
        self._membership: LogMembership | None = None
        self._proposed: frozenset[int] = frozenset()
        self._session_timeout_s = replica.settings.session_timeout_s
        self._alive_at = self._replica.monotonic_s()
        self._doubted: dict[int, float] = {}  # partition → since when
        self._clock_ahead_s = replica.client.wall_s() - replica.monotonic_s()

    async def hold_membership(self) -> None:
        """Ask for partitions once caught up, and keep asking; rebuild the client where it breaks."""
        while not self._replica.is_caught_up:
            await asyncio.sleep(0.02)
        back_off = BackOff()
        while not self._replica.is_stopping:
            try:
                if await self._stands_aside():
                    continue
                await self._be_member(back_off)
            except InvalidSessionTimeoutError:
                self._session_timeout_s = self._replica.settings.fallback_session_timeout_s
                log.warning(
                    "session time-out refused, fail-over takes longer",
                    extra=self._about(seconds=self._session_timeout_s),
                )
            except AWAY as error:
                log.warning("membership lost", extra=self._about(reason=type(error).__name__))
                self._replica.stats.reconnects += 1
            await back_off.wait()

    async def _stands_aside(self) -> bool:
        """A version that a newer one made too old leaves the group, so that it is not proposed what it cannot own.

        It goes on forwarding commands until it is upgraded (ledger rules 19 and 21).
        """
        if not self._replica.is_too_old:
            return False
        await self.leave()
        await asyncio.sleep(IDLE_S)
        return True

    async def leave(self) -> None:
        """Leave the group, so that another replica takes over at once."""
        self._proposed = frozenset()
        if self._membership is not None:
            await self._membership.stop(leave=True)

    async def _be_member(self, back_off: BackOff) -> None:
        replica = self._replica
        self._membership = replica.client.new_membership(
            replica.service.topic, replica.instance_id, self._session_timeout_s
        )
        try:
            await self._membership.start()
            back_off.reset()
            while not self._replica.is_too_old:
                await self._membership.poll()
                self._follow_proposal(self._membership.proposed)
                await asyncio.sleep(replica.settings.membership_poll_s)
        finally:
            if not replica.is_stopping and not replica.is_too_old:
                await self._membership.stop(leave=False)

    async def watch_topic(self) -> None:
        """Notice a topic that was deleted and made anew, also where nothing is taken over (rule 9)."""
        while True:
            await asyncio.sleep(TOPIC_IS_SEEN_S)
            if self._membership is not None:
                with suppress(*AWAY):  # then the next time
                    await self._notice_new_topic(self._membership)

    async def feel_pulse(self) -> None:
        """Notice that the process was frozen longer than its session: others may own what it believes to own."""
        while True:
            self._doubt_after_freeze()
            self._alive_at = self._replica.monotonic_s()
            self._begin_epochs_after_jump()
            await asyncio.sleep(PULSE_S)

    def _begin_epochs_after_jump(self) -> None:
        """Take the log's time anew where this machine slept, or its clock was set (rule 15).

        Monotonic time stands still while a machine sleeps: every timer would be that late, and each id that a client
        makes would be too far ahead. The marker of the next epoch brings the broker's time.
        """
        ahead_s = self._replica.client.wall_s() - self._replica.monotonic_s()
        if abs(ahead_s - self._clock_ahead_s) <= CLOCK_JUMPS_S:
            return
        log.warning("clock jumped, next epoch", extra=self._about(seconds=round(ahead_s - self._clock_ahead_s)))
        self._clock_ahead_s = ahead_s
        for number, hosted in self._replica.hosted.items():
            self._replica.emit(number, hosted.core.step_down())

    async def hear_after_freeze(self) -> None:
        """Read what happened while the process was frozen, also where nothing is asked for."""
        while True:
            if self._replica.is_too_old:  # no member, and never an owner
                self._doubted.clear()
            for number in sorted(self._doubted):
                try:
                    await self._hear_again(number, self._replica.hosted[number])
                except FAILURES as error:
                    log.warning("not heard yet", extra=self._about(partition=number, reason=type(error).__name__))
            await asyncio.sleep(PULSE_S)

    def is_doubted(self, number: int) -> bool:
        """Tell whether the process was frozen for so long that its state of the partition may be of another time."""
        self._doubt_after_freeze()
        return number in self._doubted

    def _doubt_after_freeze(self) -> None:
        if self._replica.monotonic_s() - self._alive_at > self._session_timeout_s:
            self._doubted = dict.fromkeys(self._replica.hosted, self._alive_at)

    def _follow_proposal(self, proposed: frozenset[int]) -> None:
        if proposed != self._proposed and not self._replica.is_stopping:
            self._proposed = proposed
            for hosted in self._replica.hosted.values():
                hosted.wake.set()

    async def serve(self, number: int) -> None:
        """Take the partition over whenever it is proposed to us, and decide for as long as the log says it is ours."""
        hosted, back_off = self._replica.hosted[number], BackOff()
        while True:
            if not (self._may_own(number) or hosted.core.is_open):
                await hosted.sleep(IDLE_S)
                continue
            try:
                if await self._own(number, hosted):
                    back_off.reset()
            except FAILURES as error:
                log.warning("take-over failed", extra=self._about(partition=number, reason=type(error).__name__))
            if self._may_own(number):  # lost or failed, and still proposed
                await self._settle(hosted, back_off)

    async def _settle(self, hosted: Hosted[S, C, E], back_off: BackOff) -> None:
        """Not in a tight loop, and where another took the partition, not before the group had time to say so."""
        owner = hosted.core.owner
        if owner is not None and owner.boot_id != self._replica.boot_id:
            await asyncio.sleep(GROUP_SETTLES_S)
        await back_off.wait()

    def _may_own(self, number: int) -> bool:
        is_proposed = number in self._proposed and not self._replica.replaced.is_set()
        return is_proposed and self._replica.hosted[number].core.may_own

    async def _own(self, number: int, hosted: Hosted[S, C, E]) -> bool:
        """Own the partition for one epoch: announce it, then decide until it ends. Return whether it began."""
        replica = self._replica
        timeout_s = replica.settings.append_timeout_s
        producer = replica.client.new_producer(replica.service.topic, number, timeout_s)
        await producer.start()
        try:
            await self._take_over(number, hosted, producer)
            began = hosted.core.is_open
            while hosted.core.is_open:
                await self._decide_once(number, hosted, producer)
            return began
        except FAILURES:
            replica.emit(number, hosted.core.step_down())
            raise
        finally:
            await producer.close()

    async def _take_over(self, number: int, hosted: Hosted[S, C, E], producer: LogProducer) -> None:
        """Wait for the fold to reach the end, append a marker, and wait to read it back (ledger rule 2)."""
        await self._reached(hosted, await self._end_offset(number, hosted))
        self._replica.check_placement(number)
        if self._may_own(number):
            offset = await producer.append([self._marker(hosted.core)])
            hosted.core.marker_acknowledged(offset, self._replica.monotonic_s())
            await self._reached(hosted, offset + 1)

    async def _end_offset(self, number: int, hosted: Hosted[S, C, E]) -> int:
        """Return the log's end; when it is below the fold the log lost its tail (rule 9)."""
        assert self._membership is not None, "only a member is proposed to"
        read = hosted.core.next_offset  # before asking: the fold goes on while the answer is on its way
        known = self._replica.topic_id
        end = await self._end_at_least(read, number, self._membership)
        await self._notice_new_topic(self._membership)
        if self._replica.topic_id == known and end < read:
            self._replica.rebuild(number)
        return end

    async def _end_at_least(self, read: int, number: int, membership: LogMembership) -> int:
        """Return the log's end; below `read` only if it is so twice: a new leader's high watermark may lag."""
        end = await membership.end_offset(number)
        if end < read:
            await asyncio.sleep(1.0)
            end = await membership.end_offset(number)
        return end

    async def _notice_new_topic(self, membership: LogMembership) -> None:
        """A topic that was deleted and made anew has another id: no partition is what was read of it (rule 9).

        Offsets and epochs need not tell: the new log may be as long as the old one was.
        """
        topic_id = await membership.topic_id()
        if topic_id != self._replica.topic_id:
            self._replica.topic_id = topic_id
            for number in self._replica.hosted:
                self._replica.rebuild(number)

    async def _reached(self, hosted: Hosted[S, C, E], offset: int) -> None:
        core = hosted.core
        await hosted.until(
            lambda: core.next_offset >= offset or core.poison is not None, self._replica.settings.append_timeout_s
        )

    def _marker(self, core: Partition[S, C, E]) -> Draft:
        replica = self._replica
        marker = Marker(
            epoch=core.announce(),
            boot_id=replica.boot_id,
            instance_id=replica.instance_id,
            address=replica.address,
            min_reader=core.min_reader,
            decider_version=replica.service.decider_version,
            cluster_id=replica.cluster_id,
            topic_id=replica.topic_id,
            partition_count=len(replica.hosted),
            partitioner=PARTITIONER,
        )
        return Draft(BROADCAST_KEY.encode(), marker.SerializeToString(), marker.epoch, MARKER_TYPE)

    async def _decide_once(self, number: int, hosted: Hosted[S, C, E], producer: LogProducer) -> None:
        core = hosted.core
        await self._hear_again(number, hosted)
        if not self._replica.is_stopping:
            core.queue_due_timers(self._replica.monotonic_s())
        batch = core.next_batch(self._replica.monotonic_s())
        if batch is not None:
            await self._commit(number, hosted, batch, producer)
        elif core.is_deciding:  # displaced: nothing is decided until it is read back
            await hosted.until(lambda: not core.is_deciding, self._replica.settings.append_timeout_s)
        else:
            await hosted.sleep(core.seconds_to_next_timer(self._replica.monotonic_s(), IDLE_S))

    async def _hear_again(self, number: int, hosted: Hosted[S, C, E]) -> None:
        """A process that was frozen first reads what happened meanwhile.

        Its appends would be void and its refusals unproven anyway; this lets it read again, and spares the log.
        """
        self._doubt_after_freeze()
        since = self._doubted.get(number)
        if since is not None and self._membership is not None:
            await self._reached(hosted, await self._membership.end_offset(number))
            if self._doubted.get(number) == since:  # not frozen once more meanwhile
                del self._doubted[number]
            hosted.progress.notify()

    async def _commit(self, number: int, hosted: Hosted[S, C, E], batch: Batch[E], producer: LogProducer) -> None:
        core = hosted.core
        hosted.append_began = self._replica.monotonic_s()
        try:
            offset = await self._place(number, batch, producer)
            outputs = core.acknowledged(offset, self._replica.monotonic_s())
        except AppendRefused:
            outputs = core.refused(self._replica.monotonic_s())
        except AppendUnknown:
            await producer.close()
            outputs = core.lost_track(self._replica.monotonic_s())
        except _Unproven:
            outputs = core.unproven(self._replica.monotonic_s())
        except asyncio.CancelledError:
            self._replica.emit(number, core.lost_track(self._replica.monotonic_s()))
            raise
        finally:
            hosted.append_began = None
        self._replica.emit(number, outputs)

    async def _place(self, number: int, batch: Batch[E], producer: LogProducer) -> int:
        """Append the batch and return its offset. One without records asks where the log ends instead.

        An owner that is cut off does not know of its successor: without a word of the log's it would refuse a command,
        or answer that there is nothing to do, on the ground of a state that is no longer true (rule 8).
        Raises: AppendRefused, AppendUnknown; _Unproven for a batch without records.
        """
        if batch.drafts:
            return await producer.append(batch.drafts)
        assert self._membership is not None, "an owner was a member"
        try:
            return await self._end_at_least(batch.expected_offset, number, self._membership)
        except AWAY as error:
            raise _Unproven from error

    async def reach_end(self, number: int) -> None:
        """Wait until what stands on the log now is read. Raises: Transient where nobody tells, or not in time."""
        hosted, unproven = self._replica.hosted[number], Transient("this replica cannot tell whether it has read all")
        if self._membership is None:
            raise unproven
        try:
            async with asyncio.timeout(END_WAIT_S):
                await self._reached(hosted, await self._membership.end_offset(number))
        except AWAY as error:
            raise unproven from error
        if hosted.core.poison is not None:
            raise unproven

    def _about(self, **more: object) -> dict[str, object]:
        return {"ledger": self._replica.service.name, **more}
