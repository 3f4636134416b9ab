"""Who should own which partition: a consumer group that proposes and reads nothing (ledger rule 1).

The group's word is a proposal only; the marker on the log decides. Static membership: a replica that restarts within
its session gets its partitions back without a rebalance. Must not: act on a proposal.
"""

import asyncio
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaConnectionError

from trunkline_ledger.kafka.bounds import check_lives, close_within, start_within
from trunkline_ledger.kafka.description import DescribeTopicRequest, topic_id_of

START_S = 15.0
CLOSE_S = 5.0
ASK_S = 10.0


class Membership(ConsumerRebalanceListener):  # type: ignore[misc]
    """One replica's place in the group."""

    def __init__(self, topic: str, bootstrap_servers: str, instance_id: str, session_timeout_s: float) -> None:
        self.proposed: frozenset[int] = frozenset()
        self._topic = topic
        self._is_connected = False
        session_ms = int(session_timeout_s * 1000)
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap_servers,
            client_id=f"{instance_id}-owner",
            group_id=f"{topic}.owners",
            group_instance_id=instance_id,
            partition_assignment_strategy=[StickyPartitionAssignor],
            enable_auto_commit=False,
            auto_offset_reset="latest",
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(max(250, session_ms // 6), 2_000),  # by it a member learns of a rebalance
            rebalance_timeout_ms=max(session_ms, 6_000),
            metadata_max_age_ms=10_000,
        )

    async def start(self) -> None:
        """Join. Raises: KafkaError when no broker is up or the session time-out is refused."""
        self._consumer.subscribe([self._topic], listener=self)
        await start_within(self._consumer.start, self._consumer.stop, START_S)
        self._is_connected = True

    async def poll(self) -> None:
        """Show that we live: a member that does not poll leaves silently and still believes in its assignment.

        Raises: KafkaError.
        """
        check_lives(self._consumer._client)
        assigned = self._consumer.assignment()
        if assigned - self._consumer.paused():
            self._consumer.pause(*assigned)  # pause is lost at each rebalance
        await self._consumer.getmany(timeout_ms=0)

    async def end_offset(self, partition: int) -> int:
        """Return the partition's next offset; through this idle consumer it does not queue behind a long poll.

        Raises: KafkaError, TimeoutError.
        """
        self._check_connected()
        place = TopicPartition(self._topic, partition)
        async with asyncio.timeout(ASK_S):
            ends: dict[TopicPartition, int] = await self._consumer.end_offsets([place])
        return ends[place]

    async def topic_id(self) -> str:
        """Return the id of the topic as it is now; a topic deleted and made anew has another.

        Raises: KafkaError, TimeoutError; Transient while there is none.
        """
        self._check_connected()
        client = self._consumer._client
        async with asyncio.timeout(ASK_S):
            answer: Any = await client.send(client.get_random_node(), DescribeTopicRequest(self._topic))
        return topic_id_of(answer)

    def _check_connected(self) -> None:
        """A client that was not started or is stopped would open connections that nobody closes."""
        if not self._is_connected:
            raise KafkaConnectionError("no member")

    async def stop(self, *, leave: bool) -> None:
        """Disconnect; with `leave` the group hands our partitions on at once. Never fails."""
        self._is_connected = False
        coordinator = self._consumer._coordinator
        if leave and coordinator is not None:
            coordinator._group_instance_id = None  # else aiokafka does not send LeaveGroup for a static member
        await close_within(self._consumer.stop(), CLOSE_S)

    def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing: the old owner serves until it reads a valid foreign marker (ledger rule 3)."""

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """The group proposes."""
        self.proposed = frozenset(place.partition for place in assigned)
        self._consumer.pause(*assigned)
