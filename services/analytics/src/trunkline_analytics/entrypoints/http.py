"""REST of analytics: queue segments and figures over them, for supervisors and other services.

Owns: paths, parameters and the JSON of answers. Must not: take a tenant from anywhere but the credential.
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query
from trunkline_core.errors import Invalid
from trunkline_platform.credentials import TOKEN_KEY, Credentials, Role

from trunkline_analytics.adapters.segments import SegmentRows, is_live, segment_of
from trunkline_analytics.domain.definitions import CURRENT, MetricDefinition
from trunkline_analytics.domain.segments import QueueSegment
from trunkline_analytics.domain.service_level import abandon_rate, answer_rate, service_levels
from trunkline_analytics.domain.wait_estimates import EstimateQuality, estimate_quality

MAX_PAGE = 200
MAX_SEGMENTS = 10_000
Token = Annotated[str, Header(alias=TOKEN_KEY, max_length=2_048)]
Moment = Annotated[datetime, Query()]


def add_routes(
    app: FastAPI, rows: SegmentRows, credentials: Credentials, definition: MetricDefinition = CURRENT
) -> None:
    """Add GET /segments, /service-level and /wait-estimates.

    `definition` says what figures mean where nothing else is asked for.
    """

    def tenant_of(token: str) -> str:
        principal = credentials.verify(token)
        principal.require(Role.SUPERVISOR, Role.ADMIN, Role.SERVICE)
        return principal.tenant

    async def live(token: str, start: datetime, end: datetime, queue_id: str) -> tuple[list[QueueSegment], bool]:
        """Return the segments of live callers, and whether these are all."""
        span = aware("start", start), aware("end", end)
        found = await rows.between(tenant_of(token), *span, queue_id, "", MAX_SEGMENTS)
        return [segment_of(row) for row in found if is_live(row)], len(found) < MAX_SEGMENTS

    @app.get("/segments")
    async def segments(
        start: Moment,
        end: Moment,
        token: Token = "",
        queue_id: Annotated[str, Query(max_length=128)] = "",
        cursor: Annotated[str, Query(max_length=256)] = "",
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = MAX_PAGE,
    ) -> dict[str, Any]:
        found = await rows.between(tenant_of(token), aware("start", start), aware("end", end), queue_id, cursor, limit)
        return {
            "items": [segment_json(row) for row in found],
            "next": found[-1]["_id"] if len(found) == limit else None,
        }

    @app.get("/service-level")
    async def service_level(
        start: Moment,
        end: Moment,
        token: Token = "",
        queue_id: Annotated[str, Query(max_length=128)] = "",
        within_s: Annotated[float, Query(gt=0, le=86_400)] = definition.service_level_within.total_seconds(),
    ) -> dict[str, Any]:
        known, is_complete = await live(token, start, end, queue_id)
        outcomes = [segment.outcome for segment in known if segment.outcome is not None]
        levels = service_levels(known, timedelta(seconds=within_s), datetime.now(UTC))
        return {
            "definition_version": definition.version,
            "segments": len(known),
            "is_complete": is_complete,
            "sl1": levels.sl1,
            "sl2": levels.sl2,
            "sl3": levels.sl3,
            "answer_rate": answer_rate(outcomes),
            "abandon_rate": abandon_rate(outcomes),
        }

    @app.get("/wait-estimates")
    async def wait_estimates(
        start: Moment,
        end: Moment,
        token: Token = "",
        queue_id: Annotated[str, Query(max_length=128)] = "",
    ) -> dict[str, Any]:
        known, is_complete = await live(token, start, end, queue_id)
        queue_ids = sorted({row.queue_id for row in known})
        return {
            "definition_version": definition.version,
            "of": "answered contacts only",
            "is_complete": is_complete,
            "queues": [
                {"queue_id": one, **_quality_json(estimate_quality(row for row in known if row.queue_id == one))}
                for one in queue_ids
            ],
        }


def _quality_json(found: EstimateQuality) -> dict[str, Any]:
    """`answered` is the released name of those who had an estimate and were answered."""
    named = asdict(found)
    return {"answered": named.pop("with_estimate"), **named}


def aware(name: str, at: datetime) -> datetime:
    """Return the time in UTC. Raises: Invalid, naming the parameter, for a time without a zone."""
    if at.tzinfo is None:
        raise Invalid(name, "times need a zone, for example 2026-01-05T09:00:00Z")
    return at.astimezone(UTC)


def segment_json(row: dict[str, Any]) -> dict[str, Any]:
    """Return one segment as JSON."""
    return {
        "contact_id": row["contact_id"],
        "segment_no": row["segment_no"],
        "queue_id": row.get("queue_id"),
        "kind": row.get("kind", "live"),
        "opened_at": row["opened_at"].isoformat() if "opened_at" in row else None,
        "closed_at": row["closed_at"].isoformat() if "closed_at" in row else None,
        "outcome": row.get("outcome"),
        "agent_id": row.get("agent_id"),
        "parked_s": row.get("parked_s", 0.0),
    }
