"""A process's way to the simulated log: fills the port that Kafka fills otherwise (`trunkline_ledger.log_client`)."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, OffsetOutOfRangeError
from trunkline.topics import Topic
from trunkline_core.errors import Transient
from trunkline_ledger.core.records import Draft, Record
from trunkline_ledger.log_client import AppendUnknown, Description

from trunkline_testkit.simulation.group import Member, SimulatedGroup
from trunkline_testkit.simulation.hosts import Host
from trunkline_testkit.simulation.log import BEHIND_S, Append, SimulatedCluster, SimulatedPartition
from trunkline_testkit.simulation.snapshots import SimulatedSnapshots

MAX_RECORDS = 500
CUT_PERMILLE = 100
"""Fetches that end in the middle of what there is."""


class SimulatedClient:
    """One process's clients of one cluster."""

    bootstrap_servers = "simulated"

    def __init__(self, cluster: SimulatedCluster, host: Host, groups: dict[str, SimulatedGroup]) -> None:
        self._cluster = cluster
        self._host = host
        self._groups = groups
        self.tails: list[SimulatedTail] = []

    def monotonic_s(self) -> float:
        return self._cluster.now_s()

    def wall_s(self) -> float:
        return self._cluster.now_s()

    async def prepare(self, topics: Sequence[Topic], replication_factor: int) -> Description:
        try:
            await self._cluster.round_trip(self._host)
        except KafkaConnectionError as error:
            raise Transient("no simulated broker answers") from error
        topic = topics[0]
        self._cluster.create(topic.name, topic.partitions)
        partitions = self._cluster.topics[topic.name]
        return Description("simulated", partitions[0].topic_id, len(partitions))

    def new_tail(self, topic: str, client_id: str, fetch_max_wait_ms: int = 500) -> "SimulatedTail":
        tail = SimulatedTail(self._cluster, self._host, topic)
        self.tails = [one for one in self.tails if not one.is_stopped]
        self.tails.append(tail)
        return tail

    def new_snapshot_reader(self, ledger_topic: str, client_id: str) -> SimulatedSnapshots:
        return SimulatedSnapshots(self._cluster, self._host, ledger_topic)

    def new_producer(self, topic: str, partition: int, timeout_s: float) -> "SimulatedProducer":
        return SimulatedProducer(self._cluster, self._host, self._cluster.topics[topic][partition], timeout_s)

    def new_membership(self, topic: str, instance_id: str, session_timeout_s: float) -> "SimulatedMembership":
        partitions = self._cluster.topics[topic]
        group = self._groups.setdefault(topic, SimulatedGroup(self._cluster, len(partitions)))
        return SimulatedMembership(self._cluster, self._host, topic, group, Member(instance_id, session_timeout_s))

    def break_tails(self) -> None:
        """Let each reader fail once, as a client does that lost its connections."""
        for tail in self.tails:
            tail.is_broken = True


class SimulatedTail:
    """Reads one topic."""

    def __init__(self, cluster: SimulatedCluster, host: Host, topic: str) -> None:
        self.is_broken = False
        self.is_stopped = False
        self._cluster = cluster
        self._host = host
        self._topic = topic
        self._positions: dict[int, int] = {}

    async def start(
        self, offsets: Mapping[int, int] | None = None, *, only: Collection[int] | None = None
    ) -> list[int]:
        await self._cluster.round_trip(self._host)
        partitions = self._cluster.topics.get(self._topic)
        if partitions is None:
            raise TimeoutError(f"topic {self._topic} does not exist")
        numbers = [one.number for one in partitions if only is None or one.number in only]
        self._positions = {number: (offsets or {}).get(number, 0) for number in numbers}
        return list(self._positions)

    def seek(self, partition: int, offset: int) -> None:
        self._positions[partition] = offset

    async def next_records(self, timeout_s: float) -> list[Record]:
        ends_at = self._cluster.now_s() + timeout_s
        while True:
            self._check_broken()
            records = self._take() if self._cluster.is_reachable(self._host) else []
            if records:
                await asyncio.sleep(self._delay_s())
                return records
            left_s = ends_at - self._cluster.now_s()
            if left_s <= 0:
                return []
            await self._cluster.arrival(left_s)

    async def end_offsets(self, partitions: list[int]) -> dict[int, int]:
        await self._cluster.round_trip(self._host)
        return {number: len(self._cluster.topics[self._topic][number].records) for number in partitions}

    async def stop(self) -> None:
        self.is_stopped = True

    def _check_broken(self) -> None:
        if self.is_broken or self._cluster.is_over:
            self.is_broken = False
            raise KafkaConnectionError("the simulated connection broke")

    def _take(self) -> list[Record]:
        found: list[Record] = []
        for number, position in self._positions.items():
            partition = self._cluster.topics[self._topic][number]
            if position > len(partition.records):
                raise OffsetOutOfRangeError({TopicPartition(self._topic, number): position})
            if self._cluster.now_s() >= partition.away_until:
                found += partition.records[position : position + MAX_RECORDS - len(found)]
        if len(found) > 1 and self._cluster.random.randrange(1000) < CUT_PERMILLE:
            del found[self._cluster.random.randrange(1, len(found)) :]
        for record in found:
            self._positions[record.partition] = record.offset + 1
        return found

    def _delay_s(self) -> float:
        if self._cluster.now_s() < self._cluster.network(self._host).behind_until:
            return self._cluster.random.uniform(*BEHIND_S)
        return self._cluster.delay_s()


class SimulatedProducer:
    """Appends to one partition."""

    def __init__(self, cluster: SimulatedCluster, host: Host, partition: SimulatedPartition, timeout_s: float) -> None:
        self._cluster = cluster
        self._host = host
        self._partition = partition
        self._timeout_s = timeout_s
        self._is_closed = False
        self._sent: Append | None = None

    async def start(self) -> None:
        await self._cluster.round_trip(self._host, self._timeout_s)

    async def append(self, drafts: Sequence[Draft]) -> int:
        if self._is_closed:
            raise AppendUnknown("the producer is closed")
        try:
            async with asyncio.timeout(self._timeout_s):
                self._sent = self._cluster.send(self, self._host, self._partition, drafts)
                offset = await self._sent.answer
        except (TimeoutError, KafkaConnectionError) as error:
            raise AppendUnknown(type(error).__name__) from error
        self._sent = None
        if offset < 0:
            raise AppendUnknown("no offset")
        return offset

    async def close(self) -> None:
        """What was sent and not answered may land yet."""
        self._is_closed = True
        if self._sent is not None:
            self._sent.abandoned = True


class SimulatedMembership:
    """One process's place in the group."""

    def __init__(
        self, cluster: SimulatedCluster, host: Host, topic: str, group: SimulatedGroup, member: Member
    ) -> None:
        self.proposed: frozenset[int] = frozenset()
        self._cluster = cluster
        self._host = host
        self._topic = topic
        self._group = group
        self._member = member

    async def start(self) -> None:
        await self._cluster.round_trip(self._host)
        self._group.join(self._member)

    async def poll(self) -> None:
        """Heartbeats, and what the coordinator says; a stale member hears nothing and believes what it knew."""
        now_s, network = self._cluster.now_s(), self._cluster.network(self._host)
        if now_s < max(network.cut_until, network.stale_group_until):
            return
        if not self._group.knows(self._member):
            self._group.join(self._member)
        self._group.heartbeat(self._member)
        if now_s >= self._member.learns_at:
            self.proposed = self._member.proposal

    async def end_offset(self, partition: int) -> int:
        await self._cluster.round_trip(self._host)
        return len(self._cluster.topics[self._topic][partition].records)

    async def topic_id(self) -> str:
        await self._cluster.round_trip(self._host)
        return self._cluster.topics[self._topic][0].topic_id

    async def stop(self, *, leave: bool) -> None:
        if leave and not self._cluster.is_over:
            self._group.leave(self._member)
