"""Times on the wire: aware datetimes and timedeltas ⇄ Timestamp and Duration, to whole microseconds."""

from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Unreadable(ValueError):
    """A message whose value has no domain counterpart. `path` is the dotted field."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def inside(self, field: str) -> "Unreadable":
        """Return the same trouble as seen from the message around it."""
        return Unreadable(f"{field}.{self.path}" if self.path else field, self.reason)


def timestamp(value: datetime) -> Timestamp:
    """Return the Timestamp of an aware datetime. Raises: TypeError for a naive one."""
    since = value - EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def moment(message: Timestamp) -> datetime:
    """Return the aware UTC datetime, cut to microseconds. Raises: Unreadable when out of range."""
    try:
        return EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1_000)
    except OverflowError:
        raise Unreadable("", "is out of range") from None


def duration(value: timedelta) -> Duration:
    """Return the Duration of a timedelta."""
    whole = value.days * 86_400 + value.seconds
    if whole < 0 and value.microseconds:  # a Duration's two parts have the same sign
        return Duration(seconds=whole + 1, nanos=(value.microseconds - 1_000_000) * 1_000)
    return Duration(seconds=whole, nanos=value.microseconds * 1_000)


def span(message: Duration) -> timedelta:
    """Return the timedelta, cut to microseconds. Raises: Unreadable when out of range."""
    try:
        return timedelta(seconds=message.seconds, microseconds=int(message.nanos / 1_000))
    except OverflowError:
        raise Unreadable("", "is out of range") from None
