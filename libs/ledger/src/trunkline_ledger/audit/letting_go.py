"""Which records of a whole ledger an operator let go: for an audit they have never been (ledger rule 21).

It takes a reading of its own, because a skip stands behind what it lets go. Must not: decode an event.
"""

from trunkline_ledger.audit.stored import RecordSource
from trunkline_ledger.core.epochs import EpochFilter
from trunkline_ledger.core.skips import Skips


async def let_go(source: RecordSource, topic: str, partition: int) -> frozenset[int]:
    """Return the offsets of one partition's records that were let go. Raises: Misconfigured, Transient."""
    epochs, skips = EpochFilter(), Skips()
    async for records in source.records(topic, partition):
        for stored in records:
            record = stored.read(partition)
            skips.take_in(record, epochs.admit(record))
    return frozenset(skips.offsets)
