"""Pages of rows, the newest first: where one ends, as a cursor that callers give back.

Must not: know a row. A place is a time in whole milliseconds, as the store keeps it, and the id of the row there.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from trunkline_core.errors import Invalid

MAX_PAGE: Final = 200
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the time and the id of its last row."""

    time: datetime
    row_id: str


def check_limit(limit: int) -> None:
    """Raises: Invalid unless 1 to 200."""
    if not 1 <= limit <= MAX_PAGE:
        raise Invalid("limit", f"must be 1 to {MAX_PAGE}")


def write_cursor(place: Place) -> str:
    """Return an opaque name of the place."""
    millis = (place.time - EPOCH) // MILLISECOND
    return base64.urlsafe_b64encode(f"{millis} {place.row_id}".encode()).decode()


def read_cursor(cursor: str) -> Place | None:
    """Return the place, None for the beginning. Raises: Invalid."""
    if not cursor:
        return None
    try:
        millis, _, row_id = base64.urlsafe_b64decode(cursor.encode()).decode().partition(" ")
        return Place(EPOCH + int(millis) * MILLISECOND, row_id)
    except (ValueError, OverflowError):
        raise Invalid("cursor", "is none that this API gave") from None


def newest_first(time_field: str) -> list[tuple[str, int]]:
    """Return the order of such pages."""
    return [(time_field, -1), ("_id", -1)]


def behind(place: Place | None, time_field: str) -> dict[str, Any]:
    """Return the condition, to be added to a query, for what comes behind a place in that order."""
    if place is None:
        return {}
    same_time = {time_field: place.time, "_id": {"$lt": place.row_id}}
    return {"$or": [{time_field: {"$lt": place.time}}, same_time]}
