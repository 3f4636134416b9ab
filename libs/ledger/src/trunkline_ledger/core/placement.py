"""How keys are placed on the partitions of a ledger topic, which never changes (ledger rule 22).

Must not: hash a key; `kafka.partitioner` does.
"""

from typing import Final

from trunkline.ledger.v1.ledger_types_pb2 import Marker
from trunkline_core.errors import Misconfigured

PARTITIONER: Final = "murmur2"
"""Kafka's default: the murmur2 hash of the key's bytes, made positive, modulo the number of partitions."""


def check_placement(marker: Marker | None, topic: str, partitions: int) -> None:
    """Compare with what a ledger's newest marker says; one of before it was recorded says nothing.

    Raises: Misconfigured when the topic has another number of partitions, or its keys were placed in another way:
        a key would be looked for where none of its records are.
    """
    if marker is None:
        return
    if marker.partition_count not in (0, partitions):
        raise Misconfigured(
            f"The topic {topic} began with {marker.partition_count} partitions and has {partitions}: "
            "copy its ledger to a topic with as many as it began with."
        )
    if marker.partitioner not in ("", PARTITIONER):
        raise Misconfigured(
            f"The keys of the topic {topic} were placed by {marker.partitioner}, this version places them by "
            f"{PARTITIONER}: run the version that wrote it."
        )
