"""What of a ledger takes effect, for tools that look at events and need no state. Must not: know what an event says."""

from collections.abc import AsyncIterator

from trunkline_ledger.audit.stored import RecordSource
from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.records import OWN_TYPES, Record


async def effective_records(source: RecordSource, topic: str) -> AsyncIterator[Record]:
    """Yield the records with events, partition by partition; those of an epoch that was over are left out."""
    for partition in await source.ends(topic):
        epochs = EpochFilter()
        async for records in source.records(topic, partition):
            for stored in records:
                record = stored.read(partition)
                if epochs.admit(record) is Verdict.EFFECTIVE and record.type not in OWN_TYPES:
                    yield record
