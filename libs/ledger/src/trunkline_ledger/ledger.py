"""One replica of a ledger, as its service sees it: submit commands, read state, watch what becomes effective.

Owns: start, supervision and end of the replica's tasks; the bound on how long a caller waits.
Must not: decide what is effective or who owns a partition: the core does, from the log.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Generic, TypeVar

from aiokafka.errors import KafkaError
from trunkline.topics import TOPICS, Topic
from trunkline_core.errors import Transient, TrunklineError

from trunkline_ledger.beginning import begin_from_snapshots
from trunkline_ledger.core.batch import Reply, Ticket
from trunkline_ledger.core.epochs import Owner
from trunkline_ledger.core.marks import Mark
from trunkline_ledger.core.partition import Partition
from trunkline_ledger.core.skips import TooNew
from trunkline_ledger.delivery import OwnershipCall, Watcher
from trunkline_ledger.following import Following
from trunkline_ledger.kafka.bounds import end_tasks
from trunkline_ledger.kafka.client import KafkaClient
from trunkline_ledger.kafka.partitioner import partition_of
from trunkline_ledger.kafka.settings import LedgerSettings
from trunkline_ledger.kafka.snapshots import snapshot_topic
from trunkline_ledger.log_client import LogClient
from trunkline_ledger.ownership import Ownership
from trunkline_ledger.replica import Hosted, Replaced, Replica
from trunkline_ledger.service import LedgerService, LedgerState
from trunkline_ledger.snapshotting import Snapshotting
from trunkline_ledger.stats import LedgerStats
from trunkline_ledger.submission import Committed, Lane, NotOwner, OutcomeUnknown, ReadToken, Submission

__all__ = ["Ledger", "LedgerSettings", "LedgerStats", "NotOwner", "Owner", "Replaced"]

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")
R = TypeVar("R")

READ_WAIT_S = 0.5
DRAIN_S = 2.0


class Ledger(Generic[S, C, E]):
    """One replica. `start`, then `run` inside the process's task group, at last `stop`.

    Args:
        service: the rules and how they are written.
        bootstrap_servers: of Kafka.
        instance_id: stable name of this replica across restarts, unique among live processes.
        address: host:port where other replicas forward commands to.
        settings: bounds and time-outs.
        boot_id: unique for each start and growing with time; made here unless given.
        client: the way to the log; Kafka at `bootstrap_servers` unless given.
    """

    def __init__(
        self,
        service: LedgerService[S, C, E],
        *,
        bootstrap_servers: str,
        instance_id: str,
        address: str,
        settings: LedgerSettings | None = None,
        boot_id: str | None = None,
        client: LogClient | None = None,
    ) -> None:
        self.service = service
        self._replica = Replica(
            service,
            settings or LedgerSettings(),
            client=client or KafkaClient(bootstrap_servers),
            instance_id=instance_id,
            boot_id=boot_id or new_boot_id(),
            address=address,
        )
        self._following = Following(self._replica)
        self._ownership = Ownership(self._replica)
        self._snapshotting = Snapshotting(self._replica)
        self._tasks: list[asyncio.Task[None]] = []
        self._stopped = asyncio.Event()

    # life

    async def start(self) -> None:
        """Create or verify the topic and begin to fold; ownership comes later, by itself.

        Raises: Transient when no broker is up; Misconfigured.
        """
        replica = self._replica
        found = await replica.client.prepare(self._topics(), replica.settings.replication_factor)
        replica.topic_id, replica.cluster_id = found.topic_id, found.cluster_id
        for number in range(found.partitions):
            replica.host(number)
        try:
            if replica.has_snapshots:
                reader = replica.client.new_snapshot_reader(self.service.topic, f"{replica.instance_id}-snapshots")
                await begin_from_snapshots(replica, reader)
            await self._following.connect()
        except (KafkaError, OSError, TimeoutError) as error:
            raise Transient("no Kafka broker answers") from error
        self._begin_tasks()

    def _topics(self) -> list[Topic]:
        topics = [self._topic(self.service.topic, "aggregate id", "delete")]
        if self._replica.has_snapshots:
            topics.append(self._topic(snapshot_topic(self.service.topic), "partition, slot, chunk", "compact"))
        return topics

    def _topic(self, name: str, key: str, cleanup: str) -> Topic:
        partitions = self._replica.settings.partitions
        return TOPICS.get(name, Topic(name, self.service.name, key, partitions, cleanup, -1, public=False))

    def _begin_tasks(self) -> None:
        name = self.service.name
        self._tasks = [
            asyncio.create_task(self._following.run(), name=f"ledger-{name}-fold"),
            asyncio.create_task(self._ownership.hold_membership(), name=f"ledger-{name}-membership"),
            asyncio.create_task(self._ownership.feel_pulse(), name=f"ledger-{name}-pulse"),
            asyncio.create_task(self._ownership.hear_after_freeze(), name=f"ledger-{name}-hearing"),
            asyncio.create_task(self._snapshotting.run(), name=f"ledger-{name}-snapshots"),
            asyncio.create_task(self._ownership.watch_topic(), name=f"ledger-{name}-topic"),
            *(
                asyncio.create_task(self._ownership.serve(number), name=f"ledger-{name}-partition-{number}")
                for number in self._replica.hosted
            ),
        ]

    async def run(self) -> None:
        """Watch over the tasks until `stop`.

        Raises: Replaced when a newer process took our instance id; anything else is a defect and ends the process.
        """
        ends = [asyncio.create_task(event.wait()) for event in (self._stopped, self._replica.replaced)]
        try:
            done, _ = await asyncio.wait([*self._tasks, *ends], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        if self._stopped.is_set():
            return
        if self._replica.replaced.is_set():
            raise Replaced(f"A newer process runs as {self.instance_id}: give each replica its own instance id.")
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Refuse new commands, let what is queued finish, leave the group, end the tasks. Never fails."""
        self._replica.is_stopping = True
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_S):
                await self._drained()
        self._stopped.set()
        await end_tasks(self._tasks)  # before their consumers are stopped, or they would fail on them
        await self._ownership.leave()
        await self._following.close()

    async def _drained(self) -> None:
        for hosted in self._replica.hosted.values():
            while hosted.core.is_deciding or len(hosted.core.lanes):
                await asyncio.sleep(0.01)

    # who owns what

    @property
    def instance_id(self) -> str:
        """The stable name of this replica."""
        return self._replica.instance_id

    @property
    def boot_id(self) -> str:
        """The name of this start of the process."""
        return self._replica.boot_id

    @property
    def stats(self) -> LedgerStats:
        """What happened since the process started."""
        return self._replica.stats

    @property
    def partitions(self) -> list[int]:
        """All partitions of the topic."""
        return sorted(self._replica.hosted)

    @property
    def owned(self) -> set[int]:
        """The partitions this replica decides on."""
        return {number for number, hosted in self._replica.hosted.items() if hosted.core.is_open}

    def owns(self, partition: int) -> bool:
        """Tell whether this replica decides on the partition."""
        return self.core(partition).is_open

    def partition_of(self, key: str) -> int:
        """Return the partition of a key: Kafka's default partitioner."""
        return partition_of(key.encode(), len(self._replica.hosted))

    def owner_of(self, partition: int) -> Owner | None:
        """Return who owns the partition by the newest marker, None before the first."""
        return self.core(partition).owner

    def is_served(self) -> bool:
        """Tell whether each partition has an owner; an earlier start of this replica, now gone, does not count."""
        owners = [self.owner_of(number) for number in self.partitions]
        return bool(owners) and all(owner is not None and not self._is_past_self(owner) for owner in owners)

    def _is_past_self(self, owner: Owner) -> bool:
        return owner.instance_id == self.instance_id and owner.boot_id != self.boot_id

    def is_caught_up(self) -> bool:
        """Tell whether the fold reached the end of the log, and no partition stopped at a poison record."""
        return self._replica.is_caught_up and not any(hosted.core.poison for hosted in self._replica.hosted.values())

    # state

    def state(self, partition: int) -> S:
        """Return the partition's state, for synchronous views inside watchers.

        Elsewhere it may hold what is not durable yet: use `read`.
        """
        return self.core(partition).fold.state

    def now(self, partition: int) -> datetime:
        """Return the partition's log time: the owner's clock, on a standby the time of the last event."""
        return self.core(partition).fold.clock.now(self.monotonic_s())

    def core(self, partition: int) -> Partition[S, C, E]:
        """Return the partition's state machine, for tests and the ledger's own parts."""
        return self._hosted(partition).core

    def mark(self, partition: int, manager: str, topic: str, source_partition: int) -> Mark | None:
        """Return how far a process manager's input was applied to one of our partitions."""
        return self.core(partition).fold.marks.get(manager, topic, source_partition)

    def _hosted(self, partition: int) -> Hosted[S, C, E]:
        found = self._replica.hosted.get(partition)
        if found is None:
            raise Transient("the ledger has not started yet")
        return found

    async def read(self, partition: int, view: Callable[[S], R], token: ReadToken | None = None) -> R:
        """Return `view(state)` of durable state, at least as new as `token` (ledger rule 18).

        After a freeze of the process it waits until what happened meanwhile is read.
        Raises: Transient when this replica has not read that far within 500 ms, and where a newer version owns the
            partition: what this one holds falls behind without end, and nothing would tell (rule 21).
        """
        hosted = self._hosted(partition)
        core = hosted.core
        self._check_reads_on(core)
        wait_s = READ_WAIT_S if token else self._replica.settings.append_timeout_s

        def is_readable() -> bool:
            return (
                self._replica.is_caught_up
                and not isinstance(core.poison, TooNew)
                and partition not in self._replica.to_read_again
                and core.is_settled
                and not self._ownership.is_doubted(partition)
                and (token is None or _has_read(core, token))
            )

        try:  # under load a batch is on its way but for the moment in which one is final and the next is not decided
            return await hosted.when(is_readable, lambda: view(core.fold.state), wait_s)
        except TimeoutError:
            raise Transient("this replica has not read that far yet", retry_after_s=0.2) from None

    async def reach_end(self, *partitions: int) -> None:
        """Wait until this replica has read what stands on the log now, of all partitions where none is named (rule 8).

        To be asked before anything is refused for good because it is unknown here: a replica that is cut off does not
        know what happened, and the command may have taken effect at another one.
        Raises: Transient where nobody tells where the log ends, or it is not read that far within 2 s.
        """
        await asyncio.gather(*(self._ownership.reach_end(number) for number in partitions or self.partitions))

    @staticmethod
    def _check_reads_on(core: Partition[S, C, E]) -> None:
        if isinstance(core.poison, TooNew):
            raise Transient("this replica must be upgraded to read on", retry_after_s=0.2)

    def monotonic_s(self) -> float:
        """Return this process's monotonic time in seconds."""
        return self._replica.monotonic_s()

    async def digest(self, partition: int) -> tuple[int, str]:
        """Return up to which offset this replica has read, and the digest of the durable state there (ledger rule 16).

        For operators and tests: it walks the whole state and holds up the loop meanwhile. Raises: as `read`.
        """

        def digest(_: S) -> tuple[int, str]:
            fold = self.core(partition).fold
            return fold.next_offset, fold.digest()

        return await self.read(partition, digest)

    # telling

    def watch(self, watcher: Watcher[E]) -> Callable[[], None]:
        """Call `watcher(partition, events)` after they are effective and applied, in order, on every replica.

        Also while the log is read at the start of the process, but not what a snapshot tells of: what must be known of
        the past stands in the state. It must be quick and must not fail. Returns how to unsubscribe.
        """
        return self._replica.delivery.watch(watcher)

    def on_owned(self, call: OwnershipCall) -> Callable[[], None]:
        """Call after this replica became the owner of a partition; returns how to unsubscribe."""
        return self._replica.delivery.on_owned(call)

    def on_lost(self, call: OwnershipCall) -> Callable[[], None]:
        """Call after this replica ceased to own a partition; returns how to unsubscribe."""
        return self._replica.delivery.on_lost(call)

    # commands

    async def submit(self, submission: Submission[C]) -> Committed[E]:
        """Decide a command and return its events once they are durable and effective.

        Raises:
            NotOwner: another replica decides on this partition; nothing was done.
            Overloaded: its lane is full; nothing was done.
            Transient: nothing was done; as OutcomeUnknown: it may have been done, a repeat with the same id tells.
            Expired, Invalid: the id's time is too old, or too far ahead (commands from outside only).
            Rejection, NotFound, Conflict, Invalid: what the rules said.
        """
        number = self.partition_of(submission.key) if submission.partition is None else submission.partition
        hosted = self._hosted(number)
        self._check_takes_commands(hosted, submission)
        ticket, answer = self._ticket(submission)
        hosted.core.submit(ticket)
        hosted.wake.set()
        try:
            async with asyncio.timeout(max(0.0, ticket.deadline_monotonic - self.monotonic_s()) + 0.05):
                reply = await answer
        except TimeoutError:
            raise OutcomeUnknown("no answer in time: retry with the same id") from None
        if isinstance(reply, TrunklineError):
            raise reply
        return reply

    def _check_takes_commands(self, hosted: Hosted[S, C, E], submission: Submission[C]) -> None:
        """Raises: Transient at the end of the process, and while Kafka does not answer."""
        if self._replica.is_stopping:
            raise Transient("this replica is stopping", retry_after_s=0.2)
        began = hosted.append_began
        stalled_after_s = self._replica.settings.stalled_after_s
        is_stalled = began is not None and self.monotonic_s() - began > stalled_after_s
        if is_stalled and submission.lane is not Lane.INTERNAL:
            raise Transient("Kafka does not answer", retry_after_s=1.0)

    def _ticket(self, submission: Submission[C]) -> tuple[Ticket, asyncio.Future[Reply]]:
        settings = self._replica.settings
        received = self.monotonic_s() if submission.received_monotonic is None else submission.received_monotonic
        asked_s = settings.command_timeout_s if submission.timeout is None else submission.timeout.total_seconds()
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        return Ticket(submission, received, received + asked_s, lambda reply: _resolve(answer, reply)), answer


def _resolve(answer: asyncio.Future[Reply], reply: Reply) -> None:
    if not answer.done():
        answer.set_result(reply)


def _has_read(core: Partition[S, C, E], token: ReadToken) -> bool:
    """An offset alone may be another record's, where the log lost its tail or was made anew."""
    return core.next_offset > token.offset and core.fold.epochs.epoch >= token.epoch


def new_boot_id() -> str:
    """Return a name for this start of the process that is greater than those of earlier starts."""
    return f"{time.time_ns():020d}-{secrets.token_hex(4)}"
