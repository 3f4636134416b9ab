"""A run as lines to read: what went wrong when, what landed, what clients were told. Must not: judge."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from trunkline.ledger.v1.ledger_types_pb2 import CommandRecord, Marker
from trunkline_core.errors import TrunklineError
from trunkline_ledger.core.records import MARKER_TYPE, OWN_TYPES, Record
from trunkline_ledger.service import LedgerService

from trunkline_testkit.simulation.callers import Told
from trunkline_testkit.simulation.room import Outcome
from trunkline_testkit.virtual_time import START

Services = Sequence[LedgerService[Any, Any, Any]]
MAX_LINES = 200


def tell(outcome: Outcome, services: Services) -> Iterator[str]:
    """Yield the lines; of a long history only faults, markers, and what names a violation's subject."""
    lines = sorted([*_faults(outcome), *_landed(outcome, services), *_told(outcome)])
    if len(lines) > MAX_LINES:
        subjects = [violation.subject for violation in outcome.violations]
        lines = [line for line in lines if _matters(line[1], subjects)]
    for at_s, line in lines[:MAX_LINES]:
        yield f"{at_s:9.3f} s  {line}"


def _matters(line: str, subjects: Sequence[str]) -> bool:
    return line.startswith(("fault", "marker")) or any(subject in line for subject in subjects)


def _faults(outcome: Outcome) -> Iterator[tuple[float, str]]:
    for fault in outcome.plan.faults:
        yield fault.at_s, f"fault   {fault.kind}, {fault.size:g}"


def _landed(outcome: Outcome, services: Services) -> Iterator[tuple[float, str]]:
    for service in services:
        for record in outcome.room.records(service.topic):
            place = f"{service.topic}/{record.partition}/{record.offset} epoch {record.epoch}"
            yield (record.append_time - START) / timedelta(seconds=1), f"{_kind(record, service)} at {place}"


def _kind(record: Record, service: LedgerService[Any, Any, Any]) -> str:
    if record.type == MARKER_TYPE:
        return f"marker  of {Marker.FromString(record.value).boot_id}"
    if record.type in OWN_TYPES:
        return f"record  {record.type}"
    event, metadata = service.codec.decode_event(record.value)
    command = CommandRecord.FromString(metadata.command).command_id if metadata.command else "the same command"
    return f"record  {event} (version {metadata.stream_version}, by {command})"


def _told(outcome: Outcome) -> Iterator[tuple[float, str]]:
    for told in outcome.room.callers.told:
        what = f"{told.submission.command} {told.submission.command_id}"
        yield told.sent_s, f"sent    {what}"
        yield told.answered_s, f"answer  {_answer(told)} to {what}"


def _answer(told: Told) -> str:
    if told.answer is None:
        return "none"
    if isinstance(told.answer, TrunklineError):
        return f"{type(told.answer).__name__}: {told.answer}"
    return f"{len(told.answer.events)} events"
