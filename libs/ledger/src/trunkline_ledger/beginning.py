"""Where a fold begins: at the newest snapshot that is good, else the other one, else the start of the log (rule 16).

Owns: the order of trying, and that it says why a snapshot was not used. Must not: read the log beyond the one record
by which it is known again.
"""

import asyncio
import logging
from typing import Any, TypeVar

from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.rows import Unreadable
from trunkline_ledger.core.snapshots import Restoration, check_manifest, record_hash
from trunkline_ledger.log_client import LogSnapshots, SnapshotSlot
from trunkline_ledger.replica import Replica
from trunkline_ledger.service import LedgerService, LedgerState

S = TypeVar("S", bound=LedgerState)
C = TypeVar("C")
E = TypeVar("E")

log = logging.getLogger(__name__)


async def begin_from_snapshots(replica: Replica[Any, Any, Any], reader: LogSnapshots) -> None:
    """Let every partition of the replica begin where it best can. Raises: KafkaError, TimeoutError."""
    await reader.start()
    try:
        for number in replica.hosted:
            await _begin(replica, reader, number)
    finally:
        await reader.stop()


async def _begin(replica: Replica[Any, Any, Any], reader: LogSnapshots, number: int) -> None:
    about = {"ledger": replica.service.name, "partition": number}
    for stored in await reader.slots(number):
        try:
            fold = await fold_of(replica.service, replica.topic_id, reader, stored)
        except Unreadable as reason:
            replica.stats.snapshots_refused += 1
            log.warning("snapshot refused", extra={**about, "snapshot": stored.manifest.number, "reason": str(reason)})
            continue
        replica.hosted[number].core.begin_from(fold)
        replica.snapshots[number] = fold.next_offset
        replica.stats.snapshots_read += 1
        log.info("begins from a snapshot", extra={**about, "snapshot": stored.manifest.number, "at": fold.next_offset})
        return
    log.info("begins at the start of the log", extra=about)


async def fold_of(
    service: LedgerService[S, C, E], topic_id: str, reader: LogSnapshots, stored: SnapshotSlot
) -> Fold[S, C, E]:
    """Return the fold of a snapshot, of this log as it is now. Raises: Unreadable; KafkaError, TimeoutError."""
    manifest = stored.manifest
    check_manifest(manifest, service, topic_id)
    last = await reader.record_at(manifest.partition, manifest.next_offset - 1)
    if last is None or record_hash(last) != manifest.last_record_sha256:
        raise Unreadable("the log does not have its last record")
    restoration = Restoration(service, manifest.partition, manifest, stored.chunks)
    for _ in restoration.steps():
        await asyncio.sleep(0)  # the loop has other work, for example to answer that we live
    return restoration.fold
