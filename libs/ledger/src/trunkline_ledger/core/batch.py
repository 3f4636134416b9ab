"""One group commit: what was decided, what is to be appended, and who waits for it (ledger rules 5, 6 and 8).

Owns: when a batch is full. Batches are cut between commands only, so that all events of a command lie in one of Kafka's
record batches, which lands as a whole or not at all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from trunkline_core.errors import TrunklineError

from trunkline_ledger.core.records import BATCH_FULL_BYTES, Draft
from trunkline_ledger.submission import Committed, Recorded, Submission

E = TypeVar("E")

MAX_COMMANDS = 500

Reply = Committed[Any] | TrunklineError


@dataclass(slots=True)
class Ticket:
    """A waiting command; `reply` is called once, after the fate of its batch is known."""

    submission: Submission[Any]
    received_monotonic: float
    deadline_monotonic: float
    reply: Callable[[Reply], None]
    timer: tuple[str, datetime] | None = None


@dataclass(slots=True)
class Outcome(Generic[E]):
    """What a command came to: events (its own, or those of its first answer), or a refusal."""

    ticket: Ticket
    events: tuple[Recorded[E], ...] = ()
    refusal: TrunklineError | None = None
    is_first: bool = False


@dataclass(slots=True)
class Batch(Generic[E]):
    """Commands decided together.

    Attributes:
        expected_offset: where its first record should land.
        at_most: commands.
    """

    expected_offset: int
    now: datetime
    at_most: int = MAX_COMMANDS
    drafts: list[Draft] = field(default_factory=list)
    outcomes: list[Outcome[E]] = field(default_factory=list)
    size_bytes: int = 0

    @property
    def is_full(self) -> bool:
        """Whether another command must wait for the next batch."""
        return self.size_bytes >= BATCH_FULL_BYTES or len(self.outcomes) >= self.at_most

    @property
    def next_offset(self) -> int:
        """Where the next record of the batch is expected."""
        return self.expected_offset + len(self.drafts)

    def append(self, drafts: list[Draft]) -> None:
        """Add the records of one command."""
        self.drafts += drafts
        self.size_bytes += sum(draft.size_bytes for draft in drafts)
