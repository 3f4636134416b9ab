"""The log in memory: what brokers do with appends, as a ledger may rely on it and not more.

Owns: records with their append times, leaders that go away, and the fate of each append on its way. An idempotent
producer with acks=all repeats a request by itself, so that a lost request or answer is a delay; what it cannot exclude
is that the client gives up first: then the records landed, never land, or land later, after anything else.
Must not: judge a record, or know who is an owner.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from random import Random

from aiokafka.errors import KafkaConnectionError
from trunkline_ledger.core.records import Draft, Record
from trunkline_ledger.log_client import SnapshotSlot

from trunkline_testkit.simulation.hosts import Host, outside
from trunkline_testkit.virtual_time import START

QUICK_S = (0.0002, 0.003)
SLOW_S = (0.02, 0.4)
SLOW_PERMILLE = 20
LATE_S = (8.0, 25.0)
BEHIND_S = (0.5, 3.0)
AWAY_RETRY_S = 0.1
NEVER = float("inf")


class Fate(Enum):
    """What becomes of one append."""

    LANDS = "it lands and its answer comes"
    NEVER = "it is lost; the client gives up"
    LATE = "it lands after the client gave up"
    MUTE = "it lands; no answer ever comes"
    NO_OFFSET = "it lands; the answer names no offset (DuplicateSequenceNumber)"


class Append:
    """One append on its way; `abandoned` once its client gave up or died."""

    __slots__ = ("abandoned", "answer", "drafts", "partition", "producer", "sent_s")

    def __init__(
        self,
        producer: object,
        partition: "SimulatedPartition",
        drafts: Sequence[Draft],
        answer: "asyncio.Future[int]",
        sent_s: float,
    ) -> None:
        self.producer = producer
        self.partition = partition
        self.drafts = list(drafts)
        self.answer = answer
        self.sent_s = sent_s
        self.abandoned = False


class SimulatedPartition:
    """One partition: its records, and what befalls the next appends."""

    def __init__(self, topic: str, number: int) -> None:
        self.topic = topic
        self.number = number
        self.records: list[Record] = []
        self.away_until = 0.0
        self.topic_id = f"id of {topic}"
        self.snapshots: list[SnapshotSlot] = []  # the newest first
        self.next_fates: deque[Fate] = deque()
        self._writers: list[object] = []  # of each record
        self._out_of_order: set[int] = set()

    def land(self, producer: object, drafts: Sequence[Draft], now: datetime) -> int | None:
        """Append as one batch; return the first offset. Append times are whole milliseconds, as Kafka's.

        None when the producer's sequence has a gap: some of its records were lost and some are still there. Where all
        are gone the leader does not know the producer, and takes what comes.
        """
        if id(producer) in self._out_of_order:
            return None
        self._writers += [producer] * len(drafts)
        first, at = len(self.records), now.replace(microsecond=now.microsecond // 1000 * 1000)
        for offset, draft in enumerate(drafts, first):
            record = Record(self.number, offset, draft.key, draft.value, at, draft.epoch, draft.type)
            self.records.append(record)
        return first

    def lose_tail(self, count: int) -> None:
        """An unclean election: the newest records are gone, and their offsets are used again."""
        lost = {id(writer) for writer in self._writers[-count:]}
        del self.records[-count:], self._writers[-count:]
        self._out_of_order |= lost & {id(writer) for writer in self._writers}


@dataclass(slots=True)
class Network:
    """How one process reaches the brokers. `cut_until`: not at all; `behind_until`: what it reads comes late."""

    cut_until: float = 0.0
    behind_until: float = 0.0
    stale_group_until: float = 0.0


class SimulatedCluster:
    """All topics, and the ways to them."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.topics: dict[str, list[SimulatedPartition]] = {}
        self.networks: dict[str, Network] = {}
        self.is_over = False
        self._waiting: dict[asyncio.Future[None], None] = {}
        self._on_the_way: dict[str, list[Append]] = {}

    def create(self, topic: str, partitions: int) -> None:
        """Create a topic unless it exists."""
        self.topics.setdefault(topic, [SimulatedPartition(topic, number) for number in range(partitions)])

    def network(self, host: Host) -> Network:
        """Return the host's way to the brokers."""
        return self.networks.setdefault(host.name, Network())

    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        """Return the brokers' time."""
        return START + timedelta(seconds=self.now_s())

    def is_reachable(self, host: Host) -> bool:
        return self.now_s() >= self.network(host).cut_until

    def delay_s(self) -> float:
        """Draw how long one way takes."""
        bounds = SLOW_S if self.random.randrange(1000) < SLOW_PERMILLE else QUICK_S
        return self.random.uniform(*bounds)

    async def round_trip(self, host: Host, timeout_s: float = 10.0) -> None:
        """Ask a broker and wait for its answer. Raises: KafkaConnectionError when none can be reached."""
        self._check_over()
        wait_s = max(0.0, self.network(host).cut_until - self.now_s())
        if wait_s > timeout_s:
            await asyncio.sleep(timeout_s)
            raise KafkaConnectionError("the simulated brokers are away")
        await asyncio.sleep(wait_s + self.delay_s())
        self._check_over()

    def _check_over(self) -> None:
        if self.is_over:
            raise KafkaConnectionError("the simulation is over")

    # appending

    def send(self, producer: object, host: Host, partition: SimulatedPartition, drafts: Sequence[Draft]) -> Append:
        """Put an append on its way; its `answer` is the first offset."""
        self._check_over()
        append = Append(producer, partition, drafts, asyncio.get_running_loop().create_future(), self.now_s())
        fate = partition.next_fates.popleft() if partition.next_fates else Fate.LANDS
        if fate is not Fate.NEVER:
            delay_s = self.random.uniform(*LATE_S) if fate is Fate.LATE else self.delay_s()
            self._later(delay_s, self._arrive, host, partition, append, fate)
        on_the_way = self._on_the_way.setdefault(host.name, [])
        on_the_way[:] = [one for one in on_the_way if not one.answer.done() and not one.abandoned]
        on_the_way.append(append)
        return append

    def is_stalled(self, host: Host, partition: SimulatedPartition, after_s: float) -> bool:
        """Whether the host waits for the answer to an append for longer than that."""
        return any(
            append.partition is partition and not append.answer.done() and not append.abandoned
            for append in self._on_the_way.get(host.name, ())
            if self.now_s() - append.sent_s > after_s
        )

    def abandon(self, host: Host) -> None:
        """The host died: what it had sent may be on its way still."""
        for append in self._on_the_way.pop(host.name, ()):
            append.abandoned = True

    def _arrive(self, host: Host, partition: SimulatedPartition, append: Append, fate: Fate) -> None:
        """The request reaches the leader, unless there is none, or the way to it is cut: then it is sent again."""
        now_s = self.now_s()
        held_until = max(partition.away_until, 0.0 if append.abandoned else self.network(host).cut_until)
        if held_until > now_s:
            if not append.abandoned or self.random.randrange(2):  # a dead client repeats nothing
                self._later(held_until - now_s + AWAY_RETRY_S, self._arrive, host, partition, append, fate)
            return
        if append.abandoned and self.random.randrange(2):  # it had not left the client's buffers
            return
        first = partition.land(append.producer, append.drafts, self.now())
        if first is None:
            fate, first = Fate.NO_OFFSET, -1
        self.notify()
        if fate is not Fate.MUTE:
            answer = -1 if fate is Fate.NO_OFFSET else first
            self._later(self.delay_s(), self._answer, host, append, answer)

    def _answer(self, host: Host, append: Append, offset: int) -> None:
        """The answer comes; what was lost on a cut way is asked for again once it is mended."""
        wait_s = self.network(host).cut_until - self.now_s()
        if wait_s > 0:
            self._later(wait_s + AWAY_RETRY_S, self._answer, host, append, offset)
        elif not append.answer.done():
            append.answer.set_result(offset)

    def _later(self, delay_s: float, call: object, *arguments: object) -> None:
        outside(asyncio.get_running_loop(), delay_s, call, *arguments)  # type: ignore[arg-type]

    # reading

    def notify(self) -> None:
        """Something landed: whoever waits looks again."""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    async def arrival(self, at_most_s: float) -> None:
        """Return when something landed anywhere, or after `at_most_s`."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = None
        try:
            async with asyncio.timeout(at_most_s):
                await waiter
        except TimeoutError:
            pass
        finally:
            self._waiting.pop(waiter, None)
