"""What a caller brings along, and what is told of a call afterwards. Must not: decide anything."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trunkline_simulation.day.plan import CallbackWish

from trunkline_acd.domain.words import AgentRow, CallbackOutcome, Intent, SegmentOutcome

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Call:
    """One caller who asks for a person.

    Attributes:
        contact_id: unique in the run.
        enters_s: joins the queue, in seconds from the beginning of the run.
        patience_s: leaves the queue after this wait; None waits for ever, 0 does not wait at all.
        service_s: length of the conversation, from acceptance.
        value_permille, urgency_permille: as for routing, 0–1000.
        callback: None for who does not want one.
    """

    contact_id: str
    queue_id: str
    enters_s: float
    patience_s: float | None
    service_s: float
    value_permille: int = 0
    urgency_permille: int = 0
    callback: CallbackWish | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """One queue segment that ended."""

    contact_id: str
    queue_id: str
    entered_time: datetime
    outcome: SegmentOutcome
    wait: timedelta


@dataclass(slots=True)
class CallbackStay:
    """One call-back.

    Attributes:
        entered_time: when the caller entered the queue.
        asked_time: when the call-back took the caller's place.
        first_dialled_time: None before the first attempt.
        outcome: UNSPECIFIED while it is open.
    """

    contact_id: str
    queue_id: str
    entered_time: datetime
    asked_time: datetime
    first_dialled_time: datetime | None = None
    ended_time: datetime | None = None
    attempts: int = 0
    outcome: CallbackOutcome = CallbackOutcome.UNSPECIFIED


@dataclass(slots=True)
class DeskTime:
    """Time of agents by kind (metric definitions, version 1); together the time they were signed in."""

    busy: timedelta = NOTHING
    ringing: timedelta = NOTHING
    idle: timedelta = NOTHING
    away: timedelta = NOTHING


@dataclass(slots=True)
class Record:
    """What came of a run.

    Attributes:
        stays: in the order in which they ended; those of call-backs are not among them.
        refused: contacts that were not let in, because the queue was full.
        desk_time: of all agents.
        callbacks: by contact.
        most_dialled_for_an_agent: customers of call-backs who were being dialled at one time for one agent.
    """

    stays: list[Stay] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    desk_time: DeskTime = field(default_factory=DeskTime)
    callbacks: dict[str, CallbackStay] = field(default_factory=dict)
    most_dialled_for_an_agent: int = 0
    _rows: dict[str, tuple[AgentRow, datetime]] = field(default_factory=dict)

    def note_stay(
        self, contact_id: str, queue_id: str, outcome: SegmentOutcome, wait: timedelta, now: datetime
    ) -> None:
        """A segment ended now."""
        self.stays.append(Stay(contact_id, queue_id, now - wait, outcome, wait))

    def note_row(self, row: AgentRow, now: datetime) -> None:
        """An agent is from now on as the row says."""
        if known := self._rows.get(row.agent_id):
            before, since = known
            if kind := _kind(before):
                setattr(self.desk_time, kind, getattr(self.desk_time, kind) + (now - since))
        self._rows[row.agent_id] = row, now


def _kind(row: AgentRow) -> str:
    """Return the field of `DeskTime` to which such a moment belongs, empty for an agent who is signed out."""
    if row.connected or row.wrap_up:
        return "busy"
    if row.offered or row.connecting:
        return "ringing"
    if row.intent is Intent.AVAILABLE and not row.not_responding:
        return "idle"
    return "away" if row.intent is Intent.BREAK or row.not_responding else ""
