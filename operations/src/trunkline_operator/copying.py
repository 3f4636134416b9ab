"""`trunkline ledger copy`: ledgers to another cluster, byte for byte; then the copy is verified there."""

from collections.abc import Sequence
from dataclasses import replace

from trunkline.topics import TOPICS, Topic
from trunkline_core.errors import Misconfigured
from trunkline_ledger.audit.stored import FingerprintedSource, RecordSource
from trunkline_ledger.kafka.history import ClusterHistory
from trunkline_ledger.kafka.snapshots import snapshot_topic
from trunkline_ledger.kafka.target import ClusterTarget
from trunkline_ledger.kafka.topics import describe_cluster, existing_topics

from trunkline_operator.ledgers import LEDGERS, chosen
from trunkline_operator.verifying import verify


async def copy(source: str, target: str, topics: Sequence[str], replication_factor: int) -> int:
    """Copy ledgers from one cluster to another, and return how many problems the copy has.

    Raises: Misconfigured when the target is not empty, or when the source was written to meanwhile; Transient.
    """
    names = list(chosen(topics))
    if await describe_cluster(source) == await describe_cluster(target):
        raise Misconfigured(f"{target} is the cluster that would be copied: name another one.")
    await require_nothing_beside(target)
    async with ClusterHistory(source, names) as history, ClusterTarget(target, replication_factor) as written:
        original = FingerprintedSource(history)
        sized = await sized_topics(history, names)
        await written.prepare(sized)
        await write_all(original, written, names)
        await _require_still(history, source, names)
        await written.seal(sized)
    return await verify_written(target, original, names)


async def require_nothing_beside(kafka: str) -> None:
    """Live tables and journals name offsets: what other ledgers left would be taken for what these led to.

    Ledgers themselves are looked at where they are written. Snapshots may stay: they know their ledger.
    Raises: Misconfigured, Transient.
    """
    names = sorted(await existing_topics(kafka) & TOPICS.keys() - LEDGERS.keys() - set(map(snapshot_topic, LEDGERS)))
    if not names:
        return
    async with ClusterHistory(kafka, names) as history:
        for name in names:
            if any((await history.ends(name)).values()):
                raise Misconfigured(f"The topic {name} at {kafka} is not empty: nothing was written.")


async def sized_topics(source: RecordSource, names: Sequence[str]) -> list[Topic]:
    """Return the catalogue's topics with as many partitions as the source has."""
    return [replace(TOPICS[name], partitions=len(await source.ends(name))) for name in names]


async def write_all(source: RecordSource, target: ClusterTarget, names: Sequence[str]) -> None:
    """Write partition after partition, and say how far it is."""
    for name in names:
        for partition, end in (await source.ends(name)).items():
            async for records in source.records(name, partition):
                await target.append(name, partition, records)
            print(f"{name}/{partition}: {end} records", flush=True)


async def verify_written(target: str, original: FingerprintedSource, names: Sequence[str]) -> int:
    """Read everything back: it is what was written, and sound. Raises: Misconfigured, Transient."""
    async with ClusterHistory(target, names) as history:
        copied = FingerprintedSource(history)
        problems = await verify(copied, names, target)
    for place, fingerprint in original.fingerprints().items():
        if copied.fingerprints().get(place) != fingerprint:
            raise Misconfigured(f"{place} at {target} is not what was written: delete the topics and begin again.")
    return problems


async def _require_still(history: ClusterHistory, source: str, names: Sequence[str]) -> None:
    """Ledgers name each other's offsets, so a copy is one moment of all of them."""
    async with ClusterHistory(source, names) as now:
        for name in names:
            if await now.ends(name) != await history.ends(name):
                raise Misconfigured(
                    f"{name} was written to while it was copied, so the copy is of no moment and was left unusable: "
                    "stop the centre, delete the copy's topics and begin again."
                )
