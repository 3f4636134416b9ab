"""Kafka as the log of a ledger: makes the clients that the shell asks for. Must not: hold any of them."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from trunkline.topics import Topic

from trunkline_ledger.kafka.membership import Membership
from trunkline_ledger.kafka.producer import PartitionProducer
from trunkline_ledger.kafka.quiet import quieten_aiokafka
from trunkline_ledger.kafka.snapshots import SnapshotReader
from trunkline_ledger.kafka.tail import Tail
from trunkline_ledger.kafka.topics import describe_topic, ensure_topics
from trunkline_ledger.log_client import Description


@dataclass(frozen=True, slots=True)
class KafkaClient:
    """A cluster, by the addresses of some of its brokers."""

    bootstrap_servers: str

    def monotonic_s(self) -> float:
        return time.monotonic()

    def wall_s(self) -> float:
        return time.time()

    async def prepare(self, topics: Sequence[Topic], replication_factor: int) -> Description:
        quieten_aiokafka()
        await ensure_topics(self.bootstrap_servers, topics, replication_factor)
        return await describe_topic(self.bootstrap_servers, topics[0].name)

    def new_tail(self, topic: str, client_id: str, fetch_max_wait_ms: int = 500) -> Tail:
        return Tail(topic, self.bootstrap_servers, client_id, fetch_max_wait_ms)

    def new_snapshot_reader(self, ledger_topic: str, client_id: str) -> SnapshotReader:
        return SnapshotReader(ledger_topic, self.bootstrap_servers, client_id)

    def new_producer(self, topic: str, partition: int, timeout_s: float) -> PartitionProducer:
        return PartitionProducer(topic, partition, self.bootstrap_servers, timeout_s)

    def new_membership(self, topic: str, instance_id: str, session_timeout_s: float) -> Membership:
        return Membership(topic, self.bootstrap_servers, instance_id, session_timeout_s)
