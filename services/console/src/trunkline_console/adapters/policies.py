"""A routing policy as JSON: the names and values of the seed file and of `trunkline what-if --policy`.

Owns: rows that name only what changes, and how two versions differ. Must not: say which definition is allowed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf import json_format
from trunkline.directory.v1 import directory_types_pb2 as types
from trunkline_core.errors import Invalid
from trunkline_core.routing import QueueDefinition
from trunkline_platform.wire import Mapper

QUEUE: Mapper[QueueDefinition] = Mapper(QueueDefinition, types.QueueDefinition)

Row = Mapping[str, Any]
Queues = Mapping[str, QueueDefinition]


def queue_row(queue: QueueDefinition) -> dict[str, Any]:
    """Return the fields that are set."""
    row: dict[str, Any] = json_format.MessageToDict(QUEUE.to_message(queue), preserving_proto_field_name=True)
    return row


def changed_queues(every_queue: Row, rows: Sequence[Row], current: Queues) -> list[QueueDefinition]:
    """Return whole definitions: what a row does not name is as in `every_queue`, then as it is; null: as if never set.

    Raises: Invalid, naming the field.
    """
    named = {str(row.get("queue_id", "")) for row in rows}
    _check_names("every_queue", every_queue)
    others = [queue_id for queue_id in current if queue_id not in named] if every_queue else []
    return [
        *(_whole(f"queues[{number}]", every_queue, row, current) for number, row in enumerate(rows)),
        *(_whole(f"every_queue, for {queue_id}", every_queue, {"queue_id": queue_id}, current) for queue_id in others),
    ]


def _whole(place: str, every_queue: Row, row: Row, current: Queues) -> QueueDefinition:
    _check_names(place, row)
    known = current.get(str(row.get("queue_id", "")))
    fields = {**(queue_row(known) if known else {}), **every_queue, **row}
    try:
        return QUEUE.from_message(json_format.ParseDict(fields, types.QueueDefinition()))
    except Invalid as error:
        raise Invalid(f"{place}.{error.field}", error.reason) from None
    except json_format.ParseError as error:
        raise Invalid(place, " ".join(str(error).split()).rstrip(".")) from None


def _check_names(place: str, row: Row) -> None:
    for field in row:
        if field not in types.QueueDefinition.DESCRIPTOR.fields_by_name:
            raise Invalid(f"{place}.{field}", "is no field of a queue")


def differences(before: Queues, after: Queues) -> list[dict[str, Any]]:
    """Return the queues that differ, by id: the fields with their values in both; null where a field is not set."""
    return [
        {
            "queue_id": queue_id,
            "change": "added" if queue_id not in before else "removed" if queue_id not in after else "changed",
            "fields": [
                {"field": field, "from": old, "to": new}
                for field, old, new in _differing(_row_of(before, queue_id), _row_of(after, queue_id))
            ],
        }
        for queue_id in sorted({*before, *after})
        if before.get(queue_id) != after.get(queue_id)
    ]


def _row_of(queues: Queues, queue_id: str) -> Row:
    return queue_row(queues[queue_id]) if queue_id in queues else {}


def _differing(before: Row, after: Row, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Lists are compared as a whole."""
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differing(old, new, f"{place}{name}.")
        elif old != new:
            yield f"{place}{name}", old, new
