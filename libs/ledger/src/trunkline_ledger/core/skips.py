"""Records that an operator let go, so that a partition goes on past poison (ledger rule 21, ADR 0013).

Owns: which skip is valid, the same for everybody who reads the log in order; what a partition that stopped still hears.
Must not: decode an event, or know why a record could not be applied.
"""

from collections import deque
from typing import Final

from google.protobuf.message import DecodeError
from trunkline.ledger.v1.ledger_types_pb2 import RecordSkipped
from trunkline_core.errors import Poison

from trunkline_ledger.core.epochs import EpochFilter, Verdict
from trunkline_ledger.core.records import RECORD_SKIPPED_TYPE, Record

MAX_FOLLOWING: Final = 4_096
"""More than one batch holds: whoever stops at a record has at most one more batch of its own behind it."""
NO_EVENT: Final = -1


class TooNew(Poison):
    """The partition is owned by a version that may write what this one cannot read: it must be upgraded."""


class Skips:
    """What was let go of one partition. Fed with every record that counts: those that take effect, and valid markers.

    A skip is valid when it names a record that took effect and says exactly how many that count stand between the two;
    it must itself carry the current epoch. Void and repeated skips do nothing, and skips do not count.

    Attributes:
        offsets: the records that were let go.
        begins_at: offset of the first record that was fed; of what lies before nothing is known.
    """

    def __init__(self, begins_at: int = 0) -> None:
        self.offsets: set[int] = set()
        self.begins_at = begins_at
        self._counting: deque[int] = deque(maxlen=MAX_FOLLOWING + 1)
        self._next_offset = begins_at

    def count(self, offset: int, *, is_marker: bool = False) -> None:
        """A record counts; one that was fed before changes nothing."""
        if offset >= self._next_offset:
            self._next_offset = offset + 1
            self._counting.append(NO_EVENT if is_marker else offset)

    def take_in(self, record: Record, verdict: Verdict) -> int | None:
        """Take in the next record; return the offset that a valid skip lets go, None for every other record."""
        if verdict is Verdict.VOID or record.offset < self._next_offset:
            return None
        if record.type != RECORD_SKIPPED_TYPE:
            self.count(record.offset, is_marker=verdict is Verdict.MARKER)
            return None
        self._next_offset = record.offset + 1
        skip = read_skip(record.value)
        if skip is None or not self._is_valid(skip):
            return None
        self.offsets.add(skip.offset)
        return skip.offset

    def reaches(self, offset: int) -> bool:
        """Tell whether the record could still be let go by what comes next, or was."""
        return not self._counting or self._counting[0] <= offset

    def _is_valid(self, skip: RecordSkipped) -> bool:
        if skip.offset < 0 or skip.offset in self.offsets or not 0 <= skip.following_count <= MAX_FOLLOWING:
            return False
        if skip.following_count < len(self._counting):
            return self._counting[-1 - skip.following_count] == skip.offset
        return skip.offset < self.begins_at  # nobody knows here: to be judged again by who reads from before it


class Stop:
    """Where a partition stopped, and what the log says beyond: who owns it now, and perhaps that it may go on."""

    def __init__(self, poison: Poison, offset: int, epochs: EpochFilter) -> None:
        """`offset`: of the record at which it stopped; `epochs` as it is after that record, and stays so."""
        self.poison = poison
        self.offset = offset
        self.epochs = epochs.copy()
        self._next_offset = offset + 1

    def hear(self, record: Record) -> Verdict:
        """Judge a record beyond; one that was heard before is void."""
        if record.offset < self._next_offset:
            return Verdict.VOID
        self._next_offset = record.offset + 1
        return self.epochs.admit(record)


def read_skip(value: bytes) -> RecordSkipped | None:
    """Return the skip, or None when the bytes are none."""
    try:
        return RecordSkipped.FromString(value)
    except DecodeError:
        return None
