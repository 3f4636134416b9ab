"""The rules of a later release: those of today, and a tally of what happens to each subject.

Owns: the tally as state, and the schema version that names it. Must not: change what today's rules decide.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from trunkline_core.decider import Context
from trunkline_core.tables import Table
from trunkline_ledger.service import LedgerService

from chaos.later.events import LaterWire, Tallied

SCHEMA = 4
"""What the later release reads and writes; its markers demand it of readers."""

AnyService = LedgerService[Any, Any, Any]
SubjectOf = Callable[[Any, Context], str]
"""Returns whose tally an event of today raises, empty for none."""


class TallyingDecider:
    """After each event that counts for a subject comes the new one, in the same command."""

    def __init__(self, released: Any, subject_of: SubjectOf) -> None:
        self._released = released
        self._subject_of = subject_of

    def decide(self, state: Any, command: Any, context: Context) -> Iterator[Any]:
        """Yield what the command causes. Raises: TrunklineError."""
        for event in self._released.decide(state, command, context):
            yield event
            if subject_id := self._subject_of(event, context):
                yield Tallied(subject_id, (state.tallies.get(subject_id) or 0) + 1)

    def evolve(self, state: Any, event: Any, context: Context) -> None:
        """Apply one event."""
        if isinstance(event, Tallied):
            state.tallies.put(event.subject_id, event.count)
        else:
            self._released.evolve(state, event, context)


def later(released: AnyService, wire: LaterWire, subject_of: SubjectOf, import_path: str) -> AnyService:
    """Return the service a release later."""

    def new_state() -> Any:
        state = released.new_state()
        state.tallies = Table(state.journal)
        return state

    def stream_of(event: Any) -> str:
        return event.subject_id if isinstance(event, Tallied) else released.stream_of(event)

    return replace(
        released,
        decider=TallyingDecider(released.decider, subject_of),
        new_state=new_state,
        codec=wire,
        stream_of=stream_of,
        schema_version=SCHEMA,
        written_version=SCHEMA,
        import_path=import_path,
    )
