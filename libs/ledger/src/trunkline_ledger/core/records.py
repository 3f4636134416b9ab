"""Records of a ledger topic as bytes and headers, and the limits they keep.

Owns: the header names, also of dead letters, the ledger's own record types, the size limits (ledger rule 6).
Must not: know a service's events or Kafka.
"""

from dataclasses import dataclass
from datetime import datetime

from trunkline_core.errors import Invalid

EPOCH_HEADER = "tl-epoch"
TYPE_HEADER = "tl-type"
MARKER_TYPE = "trunkline.ledger.v1.Marker"
INPUT_SKIPPED_TYPE = "trunkline.ledger.v1.ManagerInputSkipped"
RECORD_SKIPPED_TYPE = "trunkline.ledger.v1.RecordSkipped"
OWN_TYPES = frozenset({MARKER_TYPE, INPUT_SKIPPED_TYPE, RECORD_SKIPPED_TYPE})
BROADCAST_KEY = "*"

MAX_COMMAND_BYTES = 48 * 1024
MAX_EVENT_BYTES = 64 * 1024
MAX_COMMAND_RECORDS_BYTES = 192 * 1024
FRAME_BYTES = 80  # lengths, deltas, header names and the epoch's digits of one record
BATCH_FULL_BYTES = 48 * 1024  # one more command still fits: 48 + 192 KiB stay below Kafka's 256 KiB batch


@dataclass(frozen=True, slots=True)
class Draft:
    """A record to be appended."""

    key: bytes
    value: bytes
    epoch: int
    type: str

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """The fixed headers every reader looks at (ledger rule 21)."""
        return [(EPOCH_HEADER, b"%d" % self.epoch), (TYPE_HEADER, self.type.encode())]

    @property
    def size_bytes(self) -> int:
        """Length in a record batch: key, value, headers and what frames them."""
        return len(self.key) + len(self.value) + len(self.type) + FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it stands on the topic; `epoch` and `type` are None where the headers are missing or malformed."""

    partition: int
    offset: int
    key: bytes
    value: bytes
    append_time: datetime
    epoch: int | None
    type: str | None


def read_headers(headers: object) -> tuple[int | None, str | None]:
    """Return (epoch, type) of Kafka headers, None for what is missing or malformed."""
    found = {name: value for name, value in headers} if isinstance(headers, (list, tuple)) else {}
    epoch, kind = found.get(EPOCH_HEADER), found.get(TYPE_HEADER)
    return (
        int(epoch) if isinstance(epoch, bytes) and epoch.isdigit() and len(epoch) < 19 else None,
        kind.decode("ascii", "replace") if isinstance(kind, bytes) else None,
    )


def dead_letter_headers(topic: str, record: Record, error: Exception) -> dict[str, bytes]:
    """Return what a copy of a record on a dead-letter topic says: where it stood, and which error it led to."""
    return {
        "tl-reason": type(error).__name__.encode(),
        "tl-source-topic": topic.encode(),
        "tl-source-partition": b"%d" % record.partition,
        "tl-source-offset": b"%d" % record.offset,
        TYPE_HEADER: (record.type or "").encode(),
    }


def check_command_size(size_bytes: int) -> None:
    """Raises: Invalid when a command's canonical bytes are too many."""
    if size_bytes > MAX_COMMAND_BYTES:
        raise Invalid("command", f"must have at most {MAX_COMMAND_BYTES // 1024} KiB")


def check_records_size(drafts: list[Draft]) -> None:
    """Raises: Invalid when one event, or all events of one command, are too large for one batch."""
    if any(len(draft.value) > MAX_EVENT_BYTES for draft in drafts):
        raise Invalid("command", f"makes an event above {MAX_EVENT_BYTES // 1024} KiB")
    if sum(draft.size_bytes for draft in drafts) > MAX_COMMAND_RECORDS_BYTES:
        raise Invalid("command", f"makes events above {MAX_COMMAND_RECORDS_BYTES // 1024} KiB together")
