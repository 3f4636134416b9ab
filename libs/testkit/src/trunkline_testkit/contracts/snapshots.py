"""What every service with a ledger does: a state from a snapshot behaves as one that read everything (ledger rule 16).

    check_snapshot(service, live(service, moves), cut)

Owns: histories as records of a ledger, without a broker. Must not: know a service.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from trunkline.ledger.v1.ledger_types_pb2 import CommandRecord, ManagerSource, Marker
from trunkline_core.decider import Context, execute
from trunkline_core.errors import TrunklineError
from trunkline_ledger.core.commands import source_of
from trunkline_ledger.core.fold import Fold
from trunkline_ledger.core.metadata import Metadata
from trunkline_ledger.core.records import MARKER_TYPE, Record
from trunkline_ledger.core.snapshots import body_of, chunks_of, manifest_of, restored
from trunkline_ledger.service import LedgerService

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
TENANT = "tn_demo"
MARKER_EVERY = 7

AnyService = LedgerService[Any, Any, Any]
History = Sequence[tuple[Any, Context]]


def live(service: AnyService, moves: Iterable[Any], actor: str = "system") -> History:
    """Return what happens when the commands come one after another; a number lets so many seconds pass."""
    state, now, history = service.new_state(), START, list[tuple[Any, Context]]()
    for number, move in enumerate(moves):
        if isinstance(move, int | float):
            now += timedelta(seconds=move)
            commands = [(timer.command, timer.tenant) for timer in state.timers.due(now)]
        else:
            commands = [(move, TENANT)]
        for ordinal, (command, tenant) in enumerate(commands):
            context = Context(now, tenant, actor, f"c{number}.{ordinal}")
            try:
                history += [(event, context) for event in execute(service.decider, state, command, context)]
            except TrunklineError:
                continue
            finally:
                state.journal.commit()
    return history


def check_snapshot(service: AnyService, history: History, cut: int) -> None:
    """Fold, go through a snapshot after about `cut` records, go on, and come to the very same state."""
    records = ledger_of(service, history)
    begun = Fold(service, 0)
    read = _read_until(begun, records, cut)
    if not read:
        return
    back = through_snapshot(service, begun, records[read - 1])
    assert back.digest() == begun.digest()
    assert rows_of(back) == rows_of(begun), "also the order of rows is the same"
    whole = Fold(service, 0)
    _read_until(whole, records, len(records))
    for fold in (back, begun):
        _read_until(fold, records[read:], len(records))
        assert fold.digest() == whole.digest()
    assert answers_of(service, back, records) == answers_of(service, whole, records)


def through_snapshot(service: AnyService, fold: Fold[Any, Any, Any], last: Record) -> Fold[Any, Any, Any]:
    """Return the fold as another replica finds it in a snapshot."""
    body = body_of(fold.contents)
    manifest = manifest_of(fold, body, last)
    manifest.schema_version = service.schema_version
    return restored(service, 0, manifest, dict(enumerate(chunks_of(body))))


def ledger_of(service: AnyService, history: History) -> list[Record]:
    """Return the history as it stands on a log, with a new owner now and then and inputs of a process manager."""
    records: list[Record] = []
    versions: dict[str, int] = {}
    for number, (_, group) in enumerate(groupby(history, lambda one: one[1].command_id)):
        if number % MARKER_EVERY == 0:
            records.append(_marker(len(records), number // MARKER_EVERY + 1))
        happened = list(group)
        command = _command(number, len(happened), happened[0][1])
        for ordinal, (event, context) in enumerate(happened):
            stream = service.stream_of(event)
            versions[stream] = versions.get(stream, 0) + 1
            metadata = _metadata(context, (stream, versions[stream]), b"" if ordinal else command)
            records.append(_record(service, len(records), number // MARKER_EVERY + 1, event, metadata))
    return records


def rows_of(fold: Fold[Any, Any, Any]) -> list[tuple[Any, list[tuple[Any, Any]]]]:
    """Return all rows of all tables, in their order."""
    return [(path, list(table.items())) for path, table in fold.contents.tables()]


def answers_of(service: AnyService, fold: Fold[Any, Any, Any], records: Sequence[Record]) -> list[Any]:
    """Return what the fold says when it is asked, so that nothing that `contents` forgot stays unnoticed."""
    found: list[Any] = [fold.epochs.owner, fold.clock.last_event_time, *_due(fold)]
    for record in records:
        if record.type == MARKER_TYPE:
            continue
        _, metadata = service.codec.decode_event(record.value)
        found.append(fold.versions.of(metadata.stream_id, fold.clock.last_event_time))
        command = CommandRecord.FromString(metadata.command)
        if command.HasField("source"):
            found.append(fold.marks.is_applied(source_of(command.source)))
        elif command.payload_hash:
            key = (metadata.tenant_id, command.principal, command.command_id)
            found.append(fold.window.first_answer(key, command.payload_hash))
    return found


def _read_until(fold: Fold[Any, Any, Any], records: Sequence[Record], cut: int) -> int:
    """Read at least `cut` records, up to the end of a command; return how many."""
    for number, record in enumerate(records, start=1):
        fold.take_in(record, [])
        if number >= cut and fold.is_between_commands:
            return number
    return 0


def _due(fold: Fold[Any, Any, Any]) -> list[Any]:
    return [fold.state.timers.next_due(), *fold.state.timers.due(START + timedelta(days=365))]


def _marker(offset: int, epoch: int) -> Record:
    marker = Marker(epoch=epoch, boot_id=f"boot-{epoch}", instance_id="r1", address="r1:1")
    return Record(0, offset, b"*", marker.SerializeToString(), START, epoch, MARKER_TYPE)


def _command(number: int, event_count: int, context: Context) -> bytes:
    """Every third command is a manager's; the others came from outside and stand in the window."""
    command = CommandRecord(command_id=context.command_id, principal="p", event_count=event_count)
    if number % 3 == 0:
        source = ManagerSource(manager="m", topic="other.events.v1", offset=number, epoch=1)
        command.source.CopyFrom(source)
    else:
        milliseconds = int(context.now.timestamp() * 1000)
        command.command_id = str(UUID(int=(milliseconds << 80) | (0x7 << 76) | (0b10 << 62) | number))
        command.payload_hash = b"hash"
    return command.SerializeToString()


def _metadata(context: Context, stream: tuple[str, int], command: bytes) -> Metadata:
    stream_id, version = stream
    return Metadata(
        event_id=f"ev_{stream_id}_{version}",
        stream_id=stream_id,
        stream_version=version,
        event_time=context.now,
        tenant_id=context.tenant,
        actor=context.actor,
        correlation_id="",
        causation_id=context.command_id,
        writer_epoch=1,
        ignorable=False,
        command=command,
    )


def _record(service: AnyService, offset: int, epoch: int, event: Any, metadata: Metadata) -> Record:
    value = service.codec.encode_event(event, metadata)
    return Record(0, offset, b"k", value, metadata.event_time, epoch, service.codec.event_type(event))
