"""The read model of queue segments: one document per segment, from acd's events.

Owns: the document's form. `_id` is contact and segment number, so writing again changes nothing. No personal data.
Must not: compute figures; the metric definitions do.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from google.protobuf.message import DecodeError
from trunkline.acd.v1.acd_events_pb2 import AcdEvent
from trunkline.acd.v1.acd_types_pb2 import CallbackOutcome, SegmentOutcome
from trunkline.acd.v1.acd_types_pb2 import WaitEstimate as Estimated
from trunkline_core.errors import Poison
from trunkline_ledger.kafka.reader import EffectiveRecord
from trunkline_platform.store import Rows, RowStore, Store, Upsert, Write

from trunkline_analytics.domain.segments import Outcome, QueueSegment, WaitEstimate

COLLECTION = "queue_segments"
OUTCOMES = {
    SegmentOutcome.SEGMENT_OUTCOME_ABANDONED: Outcome.ABANDONED,
    SegmentOutcome.SEGMENT_OUTCOME_SHORT_ABANDONED: Outcome.SHORT_ABANDONED,
    SegmentOutcome.SEGMENT_OUTCOME_CLOSED_BY_SYSTEM: Outcome.CLOSED_BY_SYSTEM,
    SegmentOutcome.SEGMENT_OUTCOME_LIMIT_REACHED: Outcome.LIMIT_REACHED,
    SegmentOutcome.SEGMENT_OUTCOME_FLOWED_OUT: Outcome.FLOWED_OUT,
    SegmentOutcome.SEGMENT_OUTCOME_CONVERTED_TO_CALLBACK: Outcome.CALLBACK,
}
"""What `SegmentEnded` says; an answered segment ends with `ContactConnected`. The demo counts by it too."""


CALLBACK = "callback"
"""Kind of a call-back's document: a segment of its own kind, in no figure of the live queue."""


class SegmentProjection:
    """Writes segments; implements the ledger's Projection."""

    name = "queue-segments"
    topic = "acd.events.v1"

    def __init__(self, store: Store) -> None:
        self._rows = store.collection(COLLECTION)
        self._is_prepared = False

    async def _prepare(self) -> None:
        """Make the index that reading needs, before the first write; the store may be away at the start."""
        if not self._is_prepared:
            await self._rows.ensure_index((("tenant_id", 1), ("opened_at", 1)))
            self._is_prepared = True

    async def apply(self, records: Sequence[EffectiveRecord]) -> None:
        """Write the records' effect. Raises: Poison, Transient."""
        await self._prepare()
        writes = [write for effective in records if (write := segment_write(effective)) is not None]
        if writes:
            await self._rows.bulk(writes)


def segment_write(effective: EffectiveRecord) -> Write | None:
    """Return the write an event leads to, None for events that open or end no segment. Raises: Poison."""
    try:
        event = AcdEvent.FromString(effective.record.value)
    except DecodeError as error:
        raise Poison("not an AcdEvent") from error
    at = event.metadata.event_time.ToDatetime(tzinfo=UTC)
    match event.WhichOneof("event"):
        case "contact_enqueued":
            opened = event.contact_enqueued
            fields = {"queue_id": opened.queue_id, "opened_at": stored(at)}
            if opened.callback:
                fields["kind"] = CALLBACK
            if opened.estimate.HasField("p80_duration"):
                fields |= _estimate_fields(opened.estimate)
            return _upsert(event, opened.contact_id, opened.segment_no, fields)
        case "contact_connected":
            answered = event.contact_connected
            fields = {"outcome": Outcome.ANSWERED.name, "closed_at": stored(at), "agent_id": answered.agent_id}
            return _upsert(event, answered.contact_id, answered.segment_no, fields)
        case "segment_ended":
            ended = event.segment_ended
            outcome = OUTCOMES.get(ended.outcome)
            if outcome is None:
                raise Poison("an unknown outcome of a segment")
            fields = {"outcome": outcome.name, "closed_at": stored(at)}
            return _upsert(event, ended.contact_id, ended.segment_no, fields)
        case "contact_released":
            released = event.contact_released
            parked_s = released.parked_duration.ToTimedelta().total_seconds()
            fields = {"parked_s": parked_s}
            return _upsert(event, released.contact_id, released.segment_no, fields) if parked_s else None
        case "callback_ended":
            unreached = event.callback_ended
            name = CallbackOutcome.Name(unreached.outcome).removeprefix("CALLBACK_OUTCOME_")
            fields = {"kind": CALLBACK, "outcome": name, "closed_at": stored(at)}
            return _upsert(event, unreached.contact_id, unreached.segment_no, fields)
        case _:
            return None


def _upsert(event: AcdEvent, contact_id: str, segment_no: int, fields: dict[str, Any]) -> Upsert:
    known = {"tenant_id": event.metadata.tenant_id, "contact_id": contact_id, "segment_no": segment_no}
    return Upsert(f"{contact_id}/{segment_no}", {"$set": known | fields})


def _estimate_fields(estimate: Estimated) -> dict[str, Any]:
    return {
        "estimated_p50_s": estimate.p50_duration.ToTimedelta().total_seconds(),
        "estimated_p80_s": estimate.p80_duration.ToTimedelta().total_seconds(),
    }


def stored(at: datetime) -> datetime:
    """Return the time as the store keeps it: whole milliseconds."""
    return at - timedelta(microseconds=at.microsecond % 1000)


def next_stored(at: datetime) -> datetime:
    """Return the first time from `at` on that a stored one can equal."""
    return at + timedelta(microseconds=-at.microsecond % 1000)


class SegmentRows:
    """Reading segments of one tenant."""

    def __init__(self, store: RowStore) -> None:
        self._rows: Rows = store.collection(COLLECTION)

    async def between(
        self, tenant: str, start: datetime, end: datetime, queue_id: str, after: str, limit: int
    ) -> list[dict[str, Any]]:
        """Return segments opened in [start, end), by id, from the one after `after` on."""
        opened = {"$gte": next_stored(start), "$lt": next_stored(end)}
        query: dict[str, Any] = {"tenant_id": tenant, "opened_at": opened, "_id": {"$gt": after}}
        if queue_id:
            query["queue_id"] = queue_id
        return await self._rows.find(query, limit=limit, sort=(("_id", 1),))


def is_live(row: dict[str, Any]) -> bool:
    """Tell whether the document is a live caller's, and known from its beginning: no call-back."""
    return "queue_id" in row and row.get("kind") != CALLBACK


def segment_of(row: dict[str, Any]) -> QueueSegment:
    """Return the domain's segment of a live caller's document."""
    outcome = row.get("outcome")
    return QueueSegment(
        contact_id=row["contact_id"],
        segment_no=row["segment_no"],
        queue_id=row["queue_id"],
        opened_at=row["opened_at"],
        outcome=Outcome[outcome] if outcome else None,
        closed_at=row.get("closed_at"),
        estimate=_estimate_of(row) if "estimated_p80_s" in row else None,
    )


def _estimate_of(row: dict[str, Any]) -> WaitEstimate:
    return WaitEstimate(timedelta(seconds=row["estimated_p50_s"]), timedelta(seconds=row["estimated_p80_s"]))
