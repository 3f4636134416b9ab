"""Kafka's default partitioner, by which keys of a ledger find their partition (ledger rule 22)."""

from aiokafka.partitioner import murmur2


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition of a key: its murmur2 hash, made positive, modulo the number of partitions."""
    hashed: int = murmur2(key)
    return (hashed & 0x7FFFFFFF) % partitions
