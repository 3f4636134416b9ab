"""How a command stands in the log: the record on its first event, and the skip of a manager's input (rules 11, 13)."""

from datetime import datetime
from typing import Any, Final

from trunkline.ledger.v1 import ledger_types_pb2 as wire

from trunkline_ledger.core.records import INPUT_SKIPPED_TYPE, Draft
from trunkline_ledger.submission import ManagerSource, Submission

NOTHING: Final = object()
"""In place of a command: the manager has read so far and there was nothing to send."""


def command_record(submission: Submission[Any], payload: bytes, event_count: int, now: datetime) -> bytes:
    """Return the encoded CommandRecord: a day can be decided again from these."""
    record = wire.CommandRecord(
        command_id=submission.command_id,
        principal=submission.principal or submission.actor,
        payload_hash=submission.payload_hash,
        event_count=event_count,
        payload=payload,
    )
    record.decided_time.FromDatetime(now)
    if submission.source is not None:
        record.source.CopyFrom(source_message(submission.source))
    return record.SerializeToString(deterministic=True)


def input_skipped_draft(source: ManagerSource, rule: str, key: str, epoch: int) -> Draft:
    """Return the record that advances a manager's mark without an event."""
    skipped = wire.ManagerInputSkipped(source=source_message(source), rule=rule)
    return Draft(key.encode(), skipped.SerializeToString(deterministic=True), epoch, INPUT_SKIPPED_TYPE)


def source_message(source: ManagerSource) -> wire.ManagerSource:
    """Return it as the log says it."""
    return wire.ManagerSource(
        manager=source.manager,
        topic=source.topic,
        partition=source.partition,
        offset=source.offset,
        epoch=source.epoch,
        ordinal=source.ordinal,
    )


def source_of(message: wire.ManagerSource) -> ManagerSource:
    """Return what the log says."""
    return ManagerSource(
        message.manager, message.topic, message.partition, message.offset, message.epoch, message.ordinal
    )
