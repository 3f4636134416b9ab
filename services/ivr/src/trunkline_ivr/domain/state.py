"""The state of one partition: flow versions, hours, running sessions and what is left of those that are over.

Owns: rows, and that a flow version stays for as long as a session is pinned to it.
Must not: decide anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trunkline_core.fading import FadingTable
from trunkline_core.flows import FlowDefinition, FlowStep, HoursDefinition
from trunkline_core.replacing import replace
from trunkline_core.tables import Journal, Table
from trunkline_core.timers import Timers

from trunkline_ivr.domain.commands import Command

TRACE_LIFE = timedelta(hours=24)
MAX_TRACES = 200_000
DONE_LIFE = timedelta(days=7)  # far longer than a contact lasts: its end, which comes first, takes the row away


@dataclass(frozen=True, slots=True)
class FlowVersion:
    """One version of a flow; `sessions` are pinned to it."""

    definition: FlowDefinition
    version: int
    steps: Mapping[str, FlowStep]
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The node at which a session waits for the customer."""

    node_id: str
    visit_no: int


@dataclass(frozen=True, slots=True)
class Session:
    """A session that runs.

    Attributes:
        step_no: the contact's newest saga step done here.
        waiting: where it waits; None only between two events of one command.
        visit_no: how many nodes it waited at.
        silent_visits: nodes gone through since the customer last said something.
    """

    tenant: str
    contact_id: str
    step_no: int
    flow_id: str
    flow_version: int
    attributes: Mapping[str, str] = field(default_factory=dict)
    waiting: Waiting | None = None
    visit_no: int = 0
    silent_visits: int = 0


@dataclass(frozen=True, slots=True)
class Trace:
    """What is left of a session: `is_ended` when the contact is over, else only the flow is."""

    tenant: str
    step_no: int
    is_ended: bool


class IvrState:
    """Everything of one partition, under one journal."""

    def __init__(self) -> None:
        self.journal = Journal()
        self.timers: Timers[Command] = Timers(self.journal)
        self.hours: Table[tuple[str, str], HoursDefinition] = Table(self.journal)
        self.sessions: Table[str, Session] = Table(self.journal)
        self._done: FadingTable[str, Trace] = FadingTable(self.journal, DONE_LIFE, MAX_TRACES)
        self._ended: FadingTable[str, Trace] = FadingTable(self.journal, TRACE_LIFE, MAX_TRACES)
        self._newest: Table[tuple[str, str], int] = Table(self.journal)
        self._versions: Table[tuple[str, str, int], FlowVersion] = Table(self.journal)

    def newest_flow(self, tenant: str, flow_id: str) -> FlowVersion | None:
        """Return the newest version, or None for an unknown flow."""
        newest = self._newest.get((tenant, flow_id))
        return None if newest is None else self._versions.get((tenant, flow_id, newest))

    def flow_of(self, session: Session) -> FlowVersion:
        """Return the version the session is pinned to."""
        version = self._versions.get((session.tenant, session.flow_id, session.flow_version))
        assert version is not None, "a pinned version stays"
        return version

    def flow_version_count(self) -> int:
        """Return how many flow versions are held."""
        return len(self._versions)

    def flow_count(self) -> int:
        """Return how many flows are known."""
        return len(self._newest)

    def put_flow(self, tenant: str, flow: FlowDefinition, version: int) -> None:
        """Make this the newest version; the one before goes when nobody is pinned to it."""
        before = self.newest_flow(tenant, flow.flow_id)
        steps = {node.node_id: node.step for node in flow.nodes}
        self._newest.put((tenant, flow.flow_id), version)
        self._versions.put((tenant, flow.flow_id, version), FlowVersion(flow, version, steps))
        if before is not None:
            self._put_version(tenant, before)

    def begin(self, session: Session) -> None:
        """Insert a session and pin its flow version."""
        self.sessions.put(session.contact_id, session)
        self._count_pins(session, +1)

    def finish(self, contact_id: str, now: datetime) -> None:
        """The flow is done, the contact goes on: only the step number stays."""
        session = self._leave(contact_id)
        if session is not None:
            self._done.put(contact_id, Trace(session.tenant, session.step_no, is_ended=False), now)

    def end(self, contact_id: str, trace: Trace, now: datetime) -> None:
        """The contact is over: the trace refuses late steps for a day."""
        self._leave(contact_id)
        self._done.forget(contact_id)
        self._ended.put(contact_id, trace, now)

    def trace(self, contact_id: str, now: datetime) -> Trace | None:
        """Return what is left of a contact's session that does not run any more."""
        return self._done.get(contact_id, now) or self._ended.get(contact_id, now)

    def trace_counts(self) -> tuple[int, int, int]:
        """Return how many sessions are done, ended, and forgotten before their time."""
        return len(self._done), len(self._ended), self._done.dropped_early() + self._ended.dropped_early()

    def _leave(self, contact_id: str) -> Session | None:
        session = self.sessions.get(contact_id)
        if session is not None:
            self.sessions.delete(contact_id)
            self._count_pins(session, -1)
        return session

    def _count_pins(self, session: Session, change: int) -> None:
        version = self.flow_of(session)
        self._put_version(session.tenant, replace(version, sessions=version.sessions + change))

    def _put_version(self, tenant: str, version: FlowVersion) -> None:
        flow_id = version.definition.flow_id
        if version.sessions or self._newest.get((tenant, flow_id)) == version.version:
            self._versions.put((tenant, flow_id, version.version), version)
        else:
            self._versions.delete((tenant, flow_id, version.version))
