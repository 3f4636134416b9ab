"""Are the snapshots beside a ledger whole? (ledger rule 16). A damaged one costs a longer start, never a state."""

from aiokafka.errors import KafkaError
from trunkline_core.errors import Misconfigured, Transient
from trunkline_ledger.audit.problems import Problem
from trunkline_ledger.core.rows import Unreadable
from trunkline_ledger.core.snapshots import check_manifest, whole_body
from trunkline_ledger.kafka.snapshots import SnapshotReader, snapshot_topic
from trunkline_ledger.kafka.topics import describe_topic, partition_counts
from trunkline_ledger.log_client import SnapshotSlot

from trunkline_operator.ledgers import LEDGERS


async def damaged_snapshots(bootstrap_servers: str, topic: str) -> list[Problem]:
    """Return the slots of a ledger whose chunks or manifest do not verify; none where there are no snapshots.

    Raises: Transient.
    """
    try:
        counts = await partition_counts(bootstrap_servers, [snapshot_topic(topic)]) if bootstrap_servers else {}
    except Misconfigured:
        counts = {}
    if not counts:
        return []
    ledger = await describe_topic(bootstrap_servers, topic)
    reader = SnapshotReader(topic, bootstrap_servers, "trunkline-operator")
    try:
        await reader.start()
        slots = [(number, slot) for number in range(ledger.partitions) for slot in await reader.slots(number)]
    except (KafkaError, OSError, TimeoutError) as error:
        raise Transient(f"no Kafka broker answers at {bootstrap_servers}") from error
    finally:
        await reader.stop()
    return [found for number, slot in slots if (found := problem_of(topic, number, slot, ledger.topic_id))]


def problem_of(topic: str, partition: int, slot: SnapshotSlot, topic_id: str) -> Problem | None:
    """Return what is wrong with one slot, None for nothing."""
    place = f"{snapshot_topic(topic)}/{partition}, number {slot.manifest.number}"
    try:
        check_manifest(slot.manifest, LEDGERS[topic], topic_id)
        whole_body(slot.manifest, slot.chunks)
    except Unreadable as reason:
        return Problem("SnapshotUnreadable", place, str(reason))
    return None
