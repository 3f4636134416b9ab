"""The helper process that makes one snapshot: `python -m trunkline_ledger.snapshot_maker` (ledger rule 16).

Reads one line of JSON from its input, the newest snapshot and the log after it; folds, writes chunks and manifest,
prints one line and ends. It gets no secret: sealed texts stay sealed. Must not: outlive the replica that asked.
"""

import asyncio
import importlib
import json
import os
import sys
import threading
from dataclasses import dataclass, replace
from typing import Any, Final

from aiokafka.errors import KafkaError
from trunkline_core.errors import Poison

from trunkline_ledger.beginning import fold_of
from trunkline_ledger.core.partition import Partition
from trunkline_ledger.core.records import Record
from trunkline_ledger.core.rows import Unreadable
from trunkline_ledger.core.snapshots import body_of, chunks_of, manifest_of
from trunkline_ledger.kafka.quiet import quieten_aiokafka
from trunkline_ledger.kafka.snapshots import SLOTS, SnapshotReader, SnapshotWriter
from trunkline_ledger.kafka.tail import Tail
from trunkline_ledger.log_client import SnapshotSlot
from trunkline_ledger.service import LedgerService
from trunkline_ledger.stats import LedgerStats

NICENESS: Final = 10
STALLED_S: Final = 60.0
ALONE: Final = 3


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted. `at_least`: records after the newest snapshot without which no new one is worth writing."""

    service: str
    topic: str
    topic_id: str
    partition: int
    bootstrap_servers: str
    client_id: str
    at_least: int


@dataclass(frozen=True, slots=True)
class _Base:
    """Where folding begins: a core, the snapshot it came from if any, and how many chunks the slot to write has."""

    core: Partition[Any, Any, Any]
    number: int
    chunks_before: int


async def make(request: Request) -> dict[str, object]:
    """Make the snapshot; return where it ends. Raises: KafkaError, TimeoutError; Poison."""
    service = replace(service_at(request.service), topic=request.topic)
    base = await _base(request, service)
    begun_at, last = await _follow(request, base.core)
    is_new = last is not None and base.core.next_offset - begun_at >= request.at_least
    if last is not None and is_new:
        await _write(request, service, base, last)
    reached = base.core.next_offset if is_new else begun_at
    return {"next_offset": reached, "is_new": is_new, "snapshot": base.number + is_new}


def service_at(import_path: str) -> LedgerService[Any, Any, Any]:
    """Return the service of `module:name`, which is it or returns it."""
    module, _, name = import_path.partition(":")
    found = getattr(importlib.import_module(module), name)
    service: LedgerService[Any, Any, Any] = found if isinstance(found, LedgerService) else found()
    return service


async def _base(request: Request, service: LedgerService[Any, Any, Any]) -> _Base:
    core: Partition[Any, Any, Any] = Partition(service, request.partition, request.client_id, "", LedgerStats())
    reader = SnapshotReader(request.topic, request.bootstrap_servers, request.client_id)
    await reader.start()
    try:
        slots = await reader.slots(request.partition)
        number = 0
        for stored in slots:
            try:
                core.begin_from(await fold_of(service, request.topic_id, reader, stored))
            except Unreadable:
                continue
            number = stored.manifest.number
            break
    finally:
        await reader.stop()
    return _Base(core, number, _chunks_in_slot(slots, (number + 1) % SLOTS))


def _chunks_in_slot(slots: list[SnapshotSlot], slot: int) -> int:
    return max((stored.manifest.chunk_count for stored in slots if stored.manifest.number % SLOTS == slot), default=0)


async def _follow(request: Request, core: Partition[Any, Any, Any]) -> tuple[int, Record | None]:
    """Fold up to the present end, and on to the end of a command.

    Returns where it began, the start of the log if the base holds what an operator let go since (rule 21), and the last
    record, None without any. Raises: Poison where the log ends before a record that cannot be applied was let go.
    """
    tail = Tail(request.topic, request.bootstrap_servers, request.client_id)
    begun_at, last = core.next_offset, None
    await tail.start({request.partition: begun_at}, only=[request.partition])
    try:
        end = (await tail.end_offsets([request.partition]))[request.partition]
        while not _is_at(core, end):
            for record in await _some(tail):
                if core.take_in([record], 0.0).read_again:
                    begun_at = min(begun_at, core.next_offset)
                    tail.seek(request.partition, core.next_offset)
                    break
                if core.poison is None:
                    last = record
                elif record.offset >= end - 1:
                    raise core.poison
                if _is_at(core, end):
                    break
        return begun_at, last
    finally:
        await tail.stop()


def _is_at(core: Partition[Any, Any, Any], end: int) -> bool:
    return core.next_offset >= end and core.fold.is_between_commands


async def _some(tail: Tail) -> list[Record]:
    async with asyncio.timeout(STALLED_S):
        while not (records := await tail.next_records(1.0)):
            continue
    return records


async def _write(request: Request, service: LedgerService[Any, Any, Any], base: _Base, last: Record) -> None:
    body = body_of(base.core.fold.contents)
    manifest = manifest_of(base.core.fold, body, last)
    manifest.number, manifest.topic_id = base.number + 1, request.topic_id
    manifest.schema_version = service.schema_version
    writer = SnapshotWriter(request.topic, request.bootstrap_servers, request.client_id)
    await writer.write(manifest, chunks_of(body), chunks_before=base.chunks_before)


def main() -> None:
    """Carry out the request on standard input."""
    os.nice(NICENESS)
    request = Request(**json.loads(sys.stdin.readline()))
    threading.Thread(target=_end_with_whoever_asked, daemon=True).start()
    quieten_aiokafka()
    try:
        result = asyncio.run(make(request))
    except (KafkaError, OSError, TimeoutError, Poison) as error:
        result = {"failed": type(error).__name__}
    print(json.dumps(result), flush=True)


def _end_with_whoever_asked() -> None:
    sys.stdin.read()
    os._exit(ALONE)


if __name__ == "__main__":
    main()
